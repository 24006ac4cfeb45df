//! The command line's own mistakes, and those of the script or crontab that it stands in.

use std::ops::RangeInclusive;

use crate::{
    catalog::{FileKind, Severity},
    diagnosis::Finding,
    doctor::{
        Check, Fact, Report, Stage, Told, Urgency,
        client::{Client, ClientFact, Linted, Script, corrected},
    },
    host::Unknown,
    lint::recognise,
    terms::{Bytes, Sources},
};

/// What the command line is called in reports if somebody typed it.
pub const TYPED: &str = "command line";

pub(super) fn look(client: &Client<'_>, stage: &mut Stage, report: &mut Report) {
    let setup = client.setup;
    // What its file shows has a place.
    let mut found = Vec::new();
    for script in setup.script.iter().chain(&setup.starter) {
        found.extend(around(client, script, report));
    }
    if setup.unread.is_none() {
        found.extend(own(client, report));
    }
    name_module(client, report);
    let count = |severity| found.iter().filter(|one| **one == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    if errors > 0 {
        stage.fail();
    } else if warnings > 0 {
        stage.warn();
    }
    let line = match (&setup.unread, &setup.script) {
        (Some(_), Some(script)) => format!("{}:{}", script.file.display(), script.line),
        _ => setup.line.clone(),
    };
    stage.note(Fact::Client(ClientFact::Line(line, errors, warnings)));
    if let Some(reason) = &setup.unread {
        stage.note(Fact::Client(ClientFact::NotCarriedOut(reason.clone())));
        stage.warn();
        report.not_seen("the command line", Unknown::Failed(reason.clone()));
    }
}

/// The page of a path where a module's name belongs, and its kind of case.
const PATH_FOR_MODULE: (&str, &str) = ("RSY993", "path");

/// Names the module that has the folder, where the server is this machine.
fn name_module(client: &Client<'_>, report: &mut Report) {
    let Some(server) = &client.setup.setting.known.server else {
        return;
    };
    let is_meant = |told: &Told| match told {
        Told::Finding(found, index) => found.findings[*index].variant == Some(PATH_FOR_MODULE.1),
        _ => false,
    };
    let line = corrected::with_module(&client.setup.words, server);
    for cause in &mut report.causes {
        if cause.page.id == PATH_FOR_MODULE.0 && is_meant(&cause.told) {
            cause.commands = line.iter().cloned().collect();
        }
    }
}

/// The mistakes of the command line alone.
fn own(client: &Client<'_>, report: &mut Report) -> Vec<Severity> {
    let own = Linted {
        name: TYPED,
        path: None,
        bytes: format!("{}\n", client.setup.line).into_bytes(),
        kind: FileKind::Script,
        daemon: None,
    };
    let told: Vec<_> = report.causes.iter().map(|cause| cause.page.id).collect();
    let is_new = |finding: &Finding, _: &Sources| !told.contains(&finding.page.id);
    client.linted(own, Check::CommandLine, &is_new, report)
}

/// What the file around the command line does to it: findings of its own lines, and of those that call no rsync.
fn around(client: &Client<'_>, script: &Script, report: &mut Report) -> Vec<Severity> {
    let Ok(Some(bytes)) = client.setup.host.read(&script.file) else {
        return Vec::new();
    };
    let kind = match recognise(&script.file, &Bytes::from(bytes.clone())) {
        Some(kind @ (FileKind::Crontab | FileKind::Systemd)) => kind,
        _ => FileKind::Script,
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let lines: Vec<_> = text.lines().collect();
    let own = lines_of(&lines, script.line);
    let told: Vec<_> = report.causes.iter().map(|cause| cause.page.id).collect();
    let is_about = |finding: &Finding, sources: &Sources| {
        let line = line_of(finding, sources);
        let calls_another = lines.get(line - 1).is_some_and(|line| line.contains("rsync "));
        !told.contains(&finding.page.id) && (own.contains(&line) || !calls_another)
    };
    let name = script.file.display().to_string();
    let whole = Linted {
        name: &name,
        path: Some(&script.file),
        bytes,
        kind,
        daemon: None,
    };
    let first = report.causes.len();
    let found = client.linted(whole, Check::CommandLine, &is_about, report);
    if client.setup.unread.is_some() {
        // No dry run shows that the command fails: its own errors do.
        for cause in &mut report.causes[first..] {
            let is_own = match &cause.told {
                Told::Finding(linted, index) => {
                    own.contains(&line_of(&linted.findings[*index], &linted.sources))
                }
                _ => false,
            };
            if is_own && cause.severity == Severity::Error {
                cause.urgency = Urgency::Now;
            }
        }
    }
    found
}

/// The line that a finding is about.
fn line_of(finding: &Finding, sources: &Sources) -> usize {
    let span = finding.labels[0].span;
    sources.get(span.source).position(span.start as usize).line
}

/// The numbers of the lines that make one with a line, the first of a file being 1: a backslash at the end joins the next.
fn lines_of(lines: &[&str], line: usize) -> RangeInclusive<usize> {
    let goes_on = |line: usize| {
        let text = line.checked_sub(1).and_then(|index| lines.get(index));
        text.is_some_and(|text| text.ends_with('\\'))
    };
    let (mut first, mut last) = (line, line);
    while goes_on(first - 1) {
        first -= 1;
    }
    while goes_on(last) {
        last += 1;
    }
    first..=last
}

#[cfg(test)]
mod tests {
    use super::lines_of;

    #[test]
    fn a_command_may_have_several_lines() {
        let lines = ["one", "two \\", "three \\", "four", "five \\"];
        let of = |line| lines_of(&lines, line);
        assert_eq!((of(1), of(2), of(4), of(5)), (1..=1, 2..=4, 2..=4, 5..=6));
        assert_eq!((of(9), lines_of(&[], 1)), (9..=9, 1..=1));
    }
}
