//! Where cron looks for programs.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    host::{EntryKind, Host},
    lint::{
        checks::Check,
        crontabs::{CronJob, CrontabSubject},
        report::{Case, Reporter},
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check::crontab("RSY762", program_not_in_path),
    Check::crontab("RSY769", variable_not_put_in),
];

/// The programs that are looked for.
const PROGRAMS: [&str; 6] = [
    "rsync",
    "sersync2",
    "sersync",
    "lsyncd",
    "inotifywait",
    "inotifywatch",
];
/// Where programs are that cron does not find.
const ELSEWHERE: [&str; 8] = [
    "/usr/local/bin",
    "/usr/local/sbin",
    "/usr/sbin",
    "/sbin",
    "/opt/bin",
    "/usr/local/sersync",
    "/usr/local/sersync/bin",
    "/snap/bin",
];

/// RSY762: cron's PATH is short, and a shell's at the prompt is not.
fn program_not_in_path(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for job in &subject.table.jobs {
        let search = subject.search_path(job);
        let sets_path = job
            .script
            .assignments
            .iter()
            .any(|assigned| assigned.name == b"PATH");
        if sets_path || search.contains(&b'$') {
            continue;
        }
        for call in &job.script.calls {
            let Some(word) = call.words.first() else { continue };
            let program = call.program();
            let is_meant = || PROGRAMS.contains(&&*program) || starts_rsync(subject.host, &program);
            if !word.is(&program) || !is_meant() {
                continue;
            }
            let folders = search
                .split(|&byte| byte == b':')
                .map(|folder| Path::new(OsStr::from_bytes(folder)));
            let folders: Vec<&Path> = folders.filter(|folder| folder.is_absolute()).collect();
            let case = Case::at(subject.span(word.range.clone()))
                .with("program", &*program)
                .with("search", String::from_utf8_lossy(search));
            // It comes in an archive, and nobody puts it into /usr/bin.
            let is_default = search == b"/usr/bin:/bin";
            if program.starts_with("sersync")
                && is_default
                && subject.host.metadata(Path::new("/"), true).is_err()
            {
                out.report(case.variant("usual"));
                continue;
            }
            let find = |folders: &mut dyn Iterator<Item = &Path>| {
                for folder in folders {
                    if subject.host.metadata(&folder.join(&program), true)?.is_some() {
                        return Ok(Some(folder.to_owned()));
                    }
                }
                Ok(None)
            };
            let Some(None) = out.fact(format!("`{program}` in PATH"), find(&mut folders.into_iter())) else {
                continue;
            };
            let mut elsewhere = ELSEWHERE.iter().map(Path::new);
            match out
                .fact(format!("`{program}` in PATH"), find(&mut elsewhere))
                .flatten()
            {
                Some(folder) => out.report(
                    case.with("folder", folder.display().to_string())
                        .fact(format!("{program} is in {}", folder.display())),
                ),
                // A staging tree shows a part of the machine only.
                None if !matches!(subject.host.metadata(Path::new("/bin/sh"), true), Ok(Some(_))) => {}
                None => out.report(
                    case.variant("nowhere")
                        .fact(format!("{program} is in none of them")),
                ),
            }
        }
    }
}

/// Whether a name is that of a script which calls rsync, where programs are that cron does not find.
fn starts_rsync(host: &dyn Host, program: &str) -> bool {
    let mut places = ELSEWHERE.iter().map(|folder| Path::new(folder).join(program));
    places.any(|place| {
        let is_file = matches!(host.metadata(&place, true), Ok(Some(found)) if found.kind == EntryKind::File);
        let read = || host.tail(&place, MOST).ok().flatten();
        is_file
            && read().is_some_and(|script| {
                script.bytes.starts_with(b"#!") && script.bytes.windows(6).any(|word| word == b"rsync ")
            })
    })
}

/// No script is longer, in bytes.
const MOST: u64 = 1 << 20;

/// RSY769: cron takes `$PATH` as it stands, so that the folders of the old one are lost.
fn variable_not_put_in(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    let jobs = subject.table.jobs.iter();
    let mut values: Vec<_> = jobs
        .filter_map(|job: &CronJob| job.variables.get(&b"PATH"[..]).cloned())
        .collect();
    values.dedup();
    for value in values {
        let text = subject.bytes(value.clone());
        let Some(dollar) = text.iter().position(|&byte| byte == b'$') else {
            continue;
        };
        let length = text[dollar..]
            .iter()
            .position(|&byte| byte == b':')
            .unwrap_or(text.len() - dollar);
        let mut folders = text.split(|&byte| byte == b':');
        let finds_programs = folders.any(|folder| matches!(folder, b"/usr/bin" | b"/bin"));
        let start = value.start + dollar;
        let variable = start..start + length;
        out.report(
            Case::at(subject.span(variable.clone()))
                .variant(if finds_programs { "beside" } else { "alone" })
                .with("variable", subject.text(variable)),
        );
    }
}
