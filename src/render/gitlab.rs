use std::io;

use serde::Serialize;

use crate::{
    catalog::{Language, Severity},
    diagnosis::Finding,
    lint::{Fingerprints, Report, hash},
    render::{
        Style, concise,
        each::{self, Each},
        words::{main_file, pick},
    },
};

/// A violation of GitLab's code quality reports. GitLab reads no other keys.
#[derive(Serialize)]
struct Violation<'a> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

/// The findings, then what was not checked, a violation a reason.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let violations = || {
        let mut fingerprints = Fingerprints::default();
        let findings = report.findings.iter();
        let findings = findings.map(move |one| violation(report, one, &mut fingerprints, language));
        findings.chain(unchecked(report, language))
    };
    each::line(&Each(violations), out)
}

fn violation<'a>(
    report: &'a Report,
    finding: &Finding,
    fingerprints: &mut Fingerprints,
    language: Language,
) -> Violation<'a> {
    let span = finding.labels[0].span;
    let source = report.sources.get(span.source);
    let path = path(source.name());
    let fingerprint = fingerprints
        .next(&report.sources, finding.page.id, span)
        .in_file(path);
    let cure = pick(language, "; cure: ", "；解决：");
    Violation {
        description: format!("{}{cure}{}", finding.title(language), finding.help(language)),
        check_name: finding.page.id,
        fingerprint: format!("{fingerprint:016x}"),
        severity: match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "major",
            Severity::Info => "info",
        },
        location: Location {
            path,
            lines: Lines {
                begin: source.position(span.start as usize).line,
            },
        },
    }
}

fn unchecked(report: &Report, language: Language) -> impl Iterator<Item = Violation<'_>> {
    let lines = concise::unchecked(report, language).into_iter();
    lines.map(|description| Violation {
        fingerprint: format!("{:016x}", hash(&description)),
        description,
        check_name: "unchecked",
        severity: "info",
        location: Location {
            path: path(main_file(report)),
            lines: Lines { begin: 1 },
        },
    })
}

/// GitLab wants paths of the repository without `./`.
fn path(name: &str) -> &str {
    name.trim_start_matches("./")
}
