//! What is wrong in the configuration, with the facts of the machine.

use std::{rc::Rc, sync::Arc};

use crate::{
    catalog::Severity,
    doctor::{Cause, Check, Fact, Report, Setup, Skip, Stage, Subject},
    lint::Options,
    terms::Release,
};

pub(super) fn look(subject: &mut Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let host = subject.host(setup);
    let bytes = match host.read(&subject.file) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => {
            missing(subject, stage, report);
            return;
        }
        Err(reason) => {
            let name = subject.file.display().to_string();
            stage.note(Fact::Unseen(name.clone(), reason.clone()));
            stage.warn();
            report.not_seen(name, reason);
            return;
        }
    };
    let release = setup.release.unwrap_or(Release::CURRENT);
    let mut options = Options::of_release(release, setup.now.date());
    let daemon = subject.daemon.as_ref();
    let starter = subject.starter.as_ref().map(|starter| starter.uid);
    let uid = daemon.map_or(starter, |daemon| daemon.uid);
    options.circumstances.daemon_uid = uid.unwrap_or(0);
    let (known, found) = (setup.judge)(&subject.file, bytes, host, &options);
    let found = Rc::new(found);
    let count = |severity| {
        found
            .findings
            .iter()
            .filter(|one| one.severity == severity)
            .count()
    };
    let [errors, warnings, notes] = [Severity::Error, Severity::Warning, Severity::Info].map(count);
    let modules = known
        .server
        .as_ref()
        .map_or(&[][..], |server| &server.configuration.modules);
    stage.note(Fact::Counts(modules.len(), errors, warnings, notes));
    let names = modules.iter().map(|module| module.name.display().into_owned());
    report.modules.extend(names);
    for (index, finding) in found.findings.iter().enumerate() {
        // A note is no cause of anything; `lint` tells it.
        if finding.severity >= Severity::Warning {
            report.causes.push(Cause::of_finding(&found, index));
        }
    }
    if errors > 0 {
        stage.fail();
    } else if warnings > 0 {
        stage.warn();
    }
    // One stands for all here; the report has the others.
    if let Some(unchecked) = found.unchecked.first() {
        stage.note(Fact::Unseen(unchecked.subject.clone(), unchecked.reason.clone()));
        stage.warn();
    }
    report.unseen.extend(found.unchecked.iter().cloned());
    subject.known = Some(Arc::new(known));
}

/// A daemon that lost its configuration answers nobody.
fn missing(subject: &Subject, stage: &mut Stage, report: &mut Report) {
    if subject.daemon.is_none() && subject.port.is_none() {
        stage.skip(Skip::NoConfiguration);
        return;
    }
    let name = subject.file.display().to_string();
    let facts = vec![format!("{name} is not there")];
    stage.note(Fact::NoFile(subject.file.clone()));
    stage.fail();
    report.causes.push(Cause::of_rule(
        "RSY809",
        Check::Configuration,
        &subject.file,
        vec![("path", name)],
        facts,
    ));
}
