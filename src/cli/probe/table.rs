//! The jobs of one of cron's tables.

use std::{collections::BTreeMap, path::Path};

use nix::unistd::{User, geteuid};

use crate::{
    cli::probe::{faults::of_table, interpreter::takes_braces, part::Part},
    lint::Crontab,
    terms::Bytes,
};

/// The jobs of a table: cron takes carriage returns off the ends of its own variables, and hands those of jobs on.
pub(super) fn of_crontab<'b>(path: &Path, plain: &'b Bytes, bytes: &'b Bytes) -> Vec<Part<'b>> {
    let table = Crontab::read(path, plain);
    let faults: Vec<_> = of_table(&table, plain).into_iter().collect();
    let read = Crontab::read(path, bytes).jobs.into_iter();
    let parts = read.zip(table.jobs).map(|(read, job)| {
        let variables = job.variables.into_iter();
        let variables: BTreeMap<_, _> = variables.map(|(name, value)| (name, &plain[value])).collect();
        let shell = variables.get(&b"SHELL"[..]).copied().unwrap_or(b"/bin/sh");
        let takes_braces = str::from_utf8(shell).ok().and_then(takes_braces);
        Part {
            script: read.script,
            is_typed: false,
            takes_braces,
            is_cron: true,
            variables,
            cut: job.job.input,
            faults: faults.clone(),
            user: job
                .job
                .user
                .map(|user| String::from_utf8_lossy(&bytes[user]).into_owned())
                .filter(|user| !is_us(user)),
        }
    });
    parts.collect()
}

/// Whether we are the user of that name.
pub(super) fn is_us(name: &str) -> bool {
    User::from_uid(geteuid()).is_ok_and(|user| user.is_some_and(|user| user.name == name))
}
