//! The password files of jobs, and the users that are to read them.

use std::path::Path;

use crate::{
    lint::{
        checks::{Check, paths::account::Account},
        crontabs::{CronJob, CrontabSubject, owner},
        report::{Case, Reporter},
    },
    model::script::{Runner, UNKNOWN},
};

pub(super) const CHECKS: &[Check] = &[Check::crontab("RSY766", password_file_unusable)];

/// The right to read a file.
const READ: u32 = 4;

/// RSY766: a client that cannot read its password file, or as root takes it for a stranger's, does not even connect
/// (`getpassf` in authenticate.c).
fn password_file_unusable(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for job in &subject.table.jobs {
        let outer = user_of(subject, job);
        for call in job.script.calls_of("rsync") {
            // Whoever `sudo` names runs it, and not the job's user.
            let user = match &call.runner {
                Runner::Same => outer.clone(),
                Runner::Named { name, .. } => Some(name.clone()),
                Runner::Unknown => None,
            };
            let Some(user) = user else {
                continue;
            };
            let invocation = call.invocation();
            let Some(given) = invocation.option("password-file") else {
                continue;
            };
            let word = call.arguments().get(given.value_word.unwrap_or(given.word));
            let path = given.value.as_deref().filter(|path| is_known(path));
            let (Some(word), Some(path)) = (word, path) else {
                continue;
            };
            let Some(metadata) = out.fact(path, subject.host.metadata(Path::new(path), true)) else {
                continue;
            };
            let case = Case::at(subject.span(word.range.clone()))
                .with("user", &user)
                .with("path", path);
            let Some(metadata) = metadata else {
                out.report(case.variant("missing"));
                continue;
            };
            let Some(Some(account)) = out.fact(&user, subject.host.user(&user)) else {
                continue;
            };
            let variant = if account.uid == 0 {
                (metadata.uid != 0).then_some("owner")
            } else {
                let is_denied = Account::of_login(account.uid).is_denied(&metadata, READ);
                is_denied.then_some("unreadable")
            };
            if let Some(variant) = variant {
                let case = case.variant(variant).with("mode", format!("{:o}", metadata.mode));
                out.report(case.with("owner", metadata.uid.to_string()));
            }
        }
    }
}

/// Who runs a job: the table says it, or the table's own name.
fn user_of(subject: &CrontabSubject<'_>, job: &CronJob) -> Option<String> {
    if let Some(user) = &job.job.user {
        return Some(subject.text(user.clone()));
    }
    owner(subject.path?)
}

/// Whether a path is one that the text tells.
fn is_known(path: &str) -> bool {
    path.starts_with('/') && !path.contains(UNKNOWN)
}
