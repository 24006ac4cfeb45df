use std::{collections::BTreeMap, io};

use serde::Serialize;

use crate::{
    catalog::{Confidence, Safety, Severity, Side, Stage},
    diagnosis::{Edits, Finding},
    lint::Report,
    render::{Style, each::Each},
    terms::{Sources, Span},
};

/// The envelope of every instrument.
#[derive(Serialize)]
struct Envelope<D: Serialize, U: Serialize> {
    schema: &'static str,
    command: &'static str,
    diagnoses: D,
    unchecked: U,
    summary: Summary,
}

#[derive(Serialize)]
struct Diagnosis<'a> {
    rule: &'static str,
    name: &'static str,
    severity: Severity,
    confidence: Confidence,
    title: String,
    message: String,
    because: Vec<&'a str>,
    evidence: Vec<Evidence<'a>>,
    predicts: Vec<Prediction>,
    remedy: Remedy<'a>,
    related: &'static [&'static str],
}

#[derive(Serialize)]
struct Evidence<'a> {
    #[serde(flatten)]
    span: FileSpan<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
}

#[derive(Serialize)]
struct FileSpan<'a> {
    file: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
struct Prediction {
    exit: u8,
    stage: Stage,
    text: String,
}

#[derive(Serialize)]
struct Remedy<'a> {
    side: Side,
    help: String,
    commands: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    safety: Option<Safety>,
    edits: Vec<EditView<'a>>,
}

#[derive(Serialize)]
struct EditView<'a> {
    #[serde(flatten)]
    span: FileSpan<'a>,
    replacement: String,
}

#[derive(Serialize)]
struct Unchecked<'a> {
    rule: Option<&'static str>,
    subject: &'a str,
    reason: String,
}

#[derive(Serialize)]
struct Summary {
    files: usize,
    release: String,
    findings: BTreeMap<String, usize>,
    suppressed: usize,
    unchecked: usize,
}

/// The envelope `rsyncctl/1` on one line.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut findings: BTreeMap<String, usize> = [Severity::Error, Severity::Warning, Severity::Info]
        .map(|severity| (severity.to_string(), 0))
        .into();
    for finding in &report.findings {
        *findings.entry(finding.severity.to_string()).or_default() += 1;
    }
    let envelope = Envelope {
        schema: "rsyncctl/1",
        command: "lint",
        diagnoses: Each(|| report.findings.iter().map(|one| diagnosis(report, one, style))),
        unchecked: Each(|| report.unchecked.iter().map(unchecked)),
        summary: Summary {
            files: report.files.len(),
            release: report.circumstances.release.to_string(),
            findings,
            suppressed: report.suppressed,
            unchecked: report.unchecked.len(),
        },
    };
    serde_json::to_writer(&mut *out, &envelope)?;
    writeln!(out)
}

fn unchecked(one: &crate::diagnosis::Unchecked) -> Unchecked<'_> {
    Unchecked {
        rule: one.rule,
        subject: &one.subject,
        reason: one.reason.to_string(),
    }
}

fn diagnosis<'a>(report: &'a Report, finding: &'a Finding, style: Style) -> Diagnosis<'a> {
    let language = style.language;
    let sources = &report.sources;
    // What is not text cannot be said here, and a part of a fix is none.
    let fix = finding.fix.as_ref().filter(|fix| is_text(fix));
    Diagnosis {
        rule: finding.page.id,
        name: finding.page.name,
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title(language).into_owned(),
        message: finding.message(language).into_owned(),
        because: finding.facts.iter().map(String::as_str).collect(),
        evidence: finding
            .labels
            .iter()
            .map(|label| Evidence {
                span: file_span(sources, label.span),
                label: finding.label(label, language).map(std::borrow::Cow::into_owned),
            })
            .collect(),
        predicts: finding
            .predictions(report.circumstances.release)
            .map(|symptom| Prediction {
                exit: symptom.exit,
                stage: symptom.stage,
                text: finding
                    .filled(symptom.client.unwrap_or(symptom.effect[language as usize]))
                    .into_owned(),
            })
            .collect(),
        remedy: Remedy {
            side: finding.page.side,
            help: finding.help(language).into_owned(),
            commands: finding.commands(),
            safety: fix.map(|fix| fix.safety),
            edits: fix.into_iter().flat_map(|fix| edits(sources, fix)).collect(),
        },
        related: finding.page.related,
    }
}

fn is_text(fix: &Edits) -> bool {
    fix.edits
        .iter()
        .all(|edit| std::str::from_utf8(&edit.replacement).is_ok())
}

fn edits<'a>(sources: &'a Sources, fix: &'a Edits) -> impl Iterator<Item = EditView<'a>> {
    fix.edits.iter().map(|edit| EditView {
        span: file_span(sources, edit.span),
        replacement: String::from_utf8_lossy(&edit.replacement).into_owned(),
    })
}

fn file_span(sources: &Sources, span: Span) -> FileSpan<'_> {
    let source = sources.get(span.source);
    let start = source.position(span.start as usize);
    let end = source.position(span.end as usize);
    FileSpan {
        file: source.name(),
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}
