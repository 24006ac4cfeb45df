//! What is known of one daemon that runs, for whoever meets it as a client.

use std::{io, path::Path, sync::Arc};

use crate::{
    doctor::{Check, Examination, Report, Setup, Stage, Subject, configuration, confinement, daemon, paths},
    explain::Known,
    host::daemons,
    terms::Release,
};

/// What the configuration of the daemon that is a process says against itself, with what the process and the users of its
/// modules may really do: its own user, capabilities and mounts count, and not those of a daemon of root's. None if there is
/// no such process any more, or nobody can tell its configuration.
///
/// # Errors
/// The user wants no more.
pub fn known_of(setup: &Setup<'_>, process: u32) -> io::Result<Option<Known>> {
    let mut examination = Examination {
        report: Report::new(setup.release.unwrap_or(Release::CURRENT)),
        connections: &setup.connections,
        tell: &mut |_| Ok(()),
    };
    let mut found = None;
    examination.stage(Check::Daemon, None, |stage, report| {
        let daemon = daemons().into_iter().find(|daemon| daemon.process == process);
        found = daemon.and_then(|daemon| {
            let file = daemon.configuration.clone().ok()?;
            Some(daemon::running(setup, file, daemon, stage, report))
        });
    })?;
    let Some(mut subject) = found else {
        return Ok(None);
    };
    type Look = fn(&mut Subject, &Setup<'_>, &mut Stage, &mut Report);
    let looks: [(Check, Look); 3] = [
        (Check::Configuration, configuration::look),
        (Check::Paths, paths::look),
        (Check::Confinement, confinement::look),
    ];
    for (check, look) in looks {
        let file = subject.file.clone();
        let file: Option<&Path> = Some(&file);
        examination.stage(check, file, |stage, report| {
            look(&mut subject, setup, stage, report);
        })?;
    }
    let report = examination.report;
    let known = subject.known.take().and_then(Arc::into_inner);
    let mut known = known.unwrap_or_default();
    known.is_tried = known.server.is_some();
    if known.server.is_none() {
        let file = subject.file.display().to_string();
        known.names.push(("configuration-file", file));
    }
    for cause in &report.causes {
        let is_told = known.findings.iter().any(|found| found.rule == cause.page.id);
        if !is_told {
            known.findings.extend(cause.predicted(report.release));
        }
    }
    Ok(Some(known))
}
