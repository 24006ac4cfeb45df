//! What works at a prompt, and not where nobody sits: passwords, runs that overtake each other, errors that nobody sees.

use crate::{
    lint::{
        checks::Check,
        crontabs::{CronJob, CrontabSubject},
        report::{Case, Reporter},
    },
    model::Scope,
    model::{
        access,
        script::{Call, Stream, UNKNOWN},
    },
    terms::Target,
};

pub(super) const CHECKS: &[Check] = &[
    Check::crontab("RSY763", errors_thrown_away),
    Check::crontab("RSY764", runs_overlap),
    Check::crontab("RSY765", password_asked_for),
];

/// Minutes between two runs that the first one may well need.
const SHORT: u32 = 5;

/// Words in the names of scripts that make copies.
const COPYING: [&str; 4] = ["rsync", "back", "sync", "mirror"];

/// RSY763: errors of copies go nowhere.
fn errors_thrown_away(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for job in &subject.table.jobs {
        // `|| mail …` looks at the status.
        let command = subject.bytes(job.job.command.clone());
        let is_alone = job.script.calls.len() == 1 && !command.contains(&b'|');
        for call in &job.script.calls {
            let Stream::Discarded(errors) = &call.errors else {
                continue;
            };
            let case = Case::at(subject.span(errors.clone()));
            if call.program() == "rsync" {
                if is_alone && call.invocation().option("log-file").is_none() {
                    out.report(case.variant("rsync").with("script", "rsync"));
                }
                continue;
            }
            let Some((path, _, _)) = job.file_of(call) else {
                continue;
            };
            let name = String::from_utf8_lossy(&path).to_ascii_lowercase();
            let name = name.rsplit('/').next().unwrap_or_default();
            if COPYING.iter().any(|word| name.contains(word)) {
                out.report(case.with("script", name));
            }
        }
    }
}

/// RSY764: the next run begins while the last one still copies.
fn runs_overlap(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for job in &subject.table.jobs {
        let every = job.job.schedule.as_ref().ok().and_then(|schedule| schedule.every);
        let Some(every) = every.filter(|every| *every <= SHORT && !job.script.has_lock) else {
            continue;
        };
        let is_bounded = |call: &Call| {
            call.holds_lock || call.wrappers.iter().any(|one| one == "timeout" || one == "flock")
        };
        let calls = job.script.calls_of("rsync");
        if let Some(call) = calls.into_iter().find(|call| !is_bounded(call)) {
            let fields = &job.job.times;
            out.report(
                Case::at(subject.span(fields[0].start..fields[fields.len() - 1].end))
                    .also(subject.span(call.range.clone()), "call")
                    .variant(if every == 1 { "minute" } else { "minutes" })
                    .with("minutes", every.to_string()),
            );
        }
    }
}

/// RSY765: rsync asks for a password, and there is no terminal.
fn password_asked_for(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for job in &subject.table.jobs {
        for call in job.script.calls_of("rsync") {
            let invocation = call.invocation();
            let Some(Target::Daemon(remote)) = invocation.peer() else {
                continue;
            };
            let Some(user) = remote.user.as_ref().filter(|user| !user.contains(UNKNOWN)) else {
                continue;
            };
            let index = invocation
                .targets
                .iter()
                .position(|target| target.remote() == Some(remote));
            let word = index.and_then(|index| call.arguments().get(*invocation.target_words.get(index)?));
            let has_password = invocation.option("password-file").is_some()
                || !call.is_complete()
                || job.script.takes_in_others
                || sets_password(job, call);
            let module = remote.path.split('/').next().unwrap_or_default();
            if let (Some(word), false, false) = (word, has_password, is_open(subject, module)) {
                out.report(
                    Case::at(subject.span(word.range.clone()))
                        .with("user", user)
                        .with("module", module),
                );
            }
        }
    }
}

/// Whether RSYNC_PASSWORD holds for a call.
fn sets_password(job: &CronJob, call: &Call) -> bool {
    let name = &b"RSYNC_PASSWORD"[..];
    job.variables.contains_key(name)
        || job.script.exported.contains(name)
        || call.environment.iter().any(|assigned| assigned.name == name)
}

/// Whether a given daemon lets anybody into the module, so that it asks for no password.
fn is_open(subject: &CrontabSubject<'_>, module: &str) -> bool {
    subject.daemons.iter().any(|daemon| {
        let index = daemon.module(module.as_bytes());
        index.is_some_and(|index| !access::has_rules(daemon, Scope::Module(index)))
    })
}
