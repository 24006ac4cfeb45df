//! What is wrong in the configuration, with the facts of the machine.

use std::{path::PathBuf, rc::Rc, sync::Arc};

use crate::{
    catalog::{Need, Severity},
    diagnosis::Finding,
    doctor::{
        Cause, Check, Fact, Report, Setup, Skip, Stage, Subject, Told, Urgency, paths::mounts, relative,
        unincluded, unread,
    },
    explain::Known,
    host::{EntryKind, Host, NOT_REGULAR, Unknown, has_shut_mounts},
    lint::Options,
    terms::{Release, Source},
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
            if let Some(found) = host.metadata(&subject.file, true).ok().flatten()
                && found.kind != EntryKind::File
            {
                no_file(subject, found.kind, setup, stage, report);
                return;
            }
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
    let (mut known, mut found) = (setup.judge)(&subject.file, bytes, host, &options);
    known
        .names
        .extend(subject.port.map(|port| ("port", port.to_string())));
    known.is_of_no_unit = daemon.is_some_and(|daemon| daemon.unit.is_none()) && subject.view.is_none();
    if let Some(server) = known.server.as_mut().filter(|_| subject.view.is_none()) {
        server.unread = unread(host, server);
        if unread::look(subject, server, setup, report) {
            stage.fail();
        }
    }
    if let Some(daemon) = daemon {
        relative::judge(daemon.process, host, &mut found);
    }
    let sources = found.sources.iter().map(|(_, source)| source);
    report.passwords.extend(sources.flat_map(Source::passwords));
    let found = Rc::new(found);
    // Where we may not look, the daemon may have other files by the same names.
    let is_shut = daemon.is_some_and(|daemon| has_shut_mounts(daemon.process));
    let is_judged = |finding: &Finding| !(is_shut && finding.page.needs.contains(&Need::Files));
    let count = |severity| {
        let judged = found.findings.iter().filter(|one| is_judged(one));
        judged.filter(|one| one.severity == severity).count()
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
        if finding.severity >= Severity::Warning && is_judged(finding) {
            report.causes.push(Cause::of_finding(&found, index));
        }
    }
    if let Some(server) = &known.server {
        unincluded::look(server, host, report);
    }
    if modules.is_empty() {
        without_module(subject, &known, host, report);
        stage.fail();
    } else if errors > 0 {
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

/// Mistakes that leave a line without effect.
const WITHOUT_EFFECT: [&str; 4] = ["RSY101", "RSY102", "RSY105", "RSY229"];

/// What a line begins with that is to bring modules.
const SIGNS: [&str; 8] = [
    "[", "［", "【", "include", "&", "$include", "@include", "%include",
];

/// Whether a line is without effect that would bring modules: one that names another file, or is to be a header.
fn names_modules(cause: &Cause) -> bool {
    let Told::Finding(found, index) = &cause.told else {
        return false;
    };
    let span = found.findings[*index].labels[0].span;
    let source = found.sources.get(span.source);
    let line = source.line_of(span.start as usize);
    let text = String::from_utf8_lossy(&source.bytes()[source.line_range(line)]).to_lowercase();
    let is_meant = |sign: &&str| text.trim_start().starts_with(sign);
    WITHOUT_EFFECT.contains(&cause.page.id) && SIGNS.iter().any(is_meant)
}

/// A daemon without any module serves nobody, whatever lint thinks of a file that may be there to be included. If something else
/// is wrong that makes clients fail, the modules were lost to it.
fn without_module(subject: &Subject, known: &Known, host: &dyn Host, report: &mut Report) {
    let serves = known
        .server
        .as_ref()
        .and_then(|server| server.configuration.serves());
    let taken = report.causes.iter_mut().find(|cause| names_modules(cause));
    if let (Some(cause), Some(true)) = (taken, serves) {
        cause.urgency = Urgency::Now;
    }
    let has_reason = report.causes.iter().any(|cause| cause.urgency == Urgency::Now);
    if serves != Some(true) || has_reason {
        return;
    }
    let is_told = |cause: &&mut Cause| cause.page.id == "RSY232";
    match report.causes.iter_mut().find(is_told) {
        Some(told) => told.urgency = Urgency::Now,
        None if let Some((place, folder, names)) = nothing_included(known, host) => {
            let shown = folder.display().to_string();
            let fact = match &names[..] {
                [] => format!("{shown} is empty"),
                _ => format!("{shown} has {} and no `*.conf`", names.join(", ")),
            };
            let arguments = vec![("place", place), ("folder", shown)];
            let cause = Cause::of_rule(
                "RSY232",
                Check::Configuration,
                &subject.file,
                arguments,
                vec![fact],
            );
            report.causes.push(cause.of_kind("nothing-included"));
        }
        None => {
            let cause = Cause::of_rule(
                "RSY232",
                Check::Configuration,
                &subject.file,
                Vec::new(),
                Vec::new(),
            );
            report.causes.push(cause.of_kind("served"));
        }
    }
}

/// So many names of a folder are told.
const NAMES: usize = 4;

/// A folder without `*.conf` that the file includes: the place of the line, the folder, and what is in it.
fn nothing_included(known: &Known, host: &dyn Host) -> Option<(String, PathBuf, Vec<String>)> {
    let server = known.server.as_ref()?;
    let mut folders = unincluded::folders(host, server).into_iter();
    folders.find_map(|(place, folder)| {
        let names = host.list(&folder).ok()??;
        let mut names: Vec<_> = names.iter().map(|name| name.display().to_string()).collect();
        names.sort();
        if names.iter().any(|name| name.ends_with(".conf")) {
            return None;
        }
        names.truncate(NAMES);
        Some((place, folder, names))
    })
}

/// Something else stands in the place of the configuration. A folder opens, and nothing can be read in it: the daemon starts,
/// and knows no module (observed with rsync 3.5.0). Container engines make one where the file to be mounted is not there.
fn no_file(subject: &Subject, kind: EntryKind, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let name = subject.file.display().to_string();
    let process = subject.daemon.as_ref().map(|daemon| daemon.process);
    let mounts = mounts(setup.host, process);
    let mount = mounts
        .of(&subject.file)
        .filter(|mount| mount.point == subject.file);
    let (variant, what) = match (kind, mount) {
        (EntryKind::Directory, Some(_)) => ("mounted-folder", "a folder, mounted there"),
        (EntryKind::Directory, None) => ("folder", "a folder"),
        _ => ("special", "no regular file"),
    };
    let cause = Cause::of_rule(
        "RSY893",
        Check::Configuration,
        &subject.file,
        vec![("file", name.clone())],
        vec![format!("{name} is {what}")],
    );
    let outside = subject.outside(&subject.file).display().to_string();
    let command = match variant {
        "folder" => format!("rmdir {}", shell_words::quote(&outside)),
        // The fourth word is the folder of this machine.
        "mounted-folder" => {
            let process = process.map_or_else(|| "self".to_owned(), |process| process.to_string());
            let pattern = format!(" {name} ");
            format!(
                "grep -F {} /proc/{process}/mountinfo",
                shell_words::quote(&pattern)
            )
        }
        _ => format!("ls -lL {}", shell_words::quote(&outside)),
    };
    stage.note(Fact::Unseen(name, Unknown::Failed(NOT_REGULAR.to_owned())));
    stage.fail();
    report.causes.push(cause.of_kind(variant).typing(vec![command]));
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
