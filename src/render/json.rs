use std::{borrow::Cow, cmp::Reverse, collections::BTreeMap, io};

use serde::Serialize;

use crate::{
    catalog::{Confidence, Language, Safety, Severity, Side, Stage},
    diagnosis::{self, Edits, Finding},
    lint::Report,
    render::{
        Style,
        each::{self, Each},
        facts,
        words::unknown,
    },
    terms::{Sources, Span},
};

/// The version of what is written.
const SCHEMA: &str = "rsyncctl/1";

/// The envelope of every instrument.
#[derive(Serialize)]
struct Envelope<'a, D: Serialize, U: Serialize> {
    schema: &'static str,
    command: &'static str,
    diagnoses: D,
    unchecked: U,
    summary: Summary<'a>,
}

#[derive(Serialize)]
struct Diagnosis<'a> {
    rule: &'static str,
    name: &'static str,
    severity: Severity,
    confidence: Confidence,
    title: String,
    message: String,
    because: Vec<Cow<'a, str>>,
    evidence: Vec<Evidence<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    included_by: Vec<FileSpan<'a>>,
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
    or: bool,
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
struct Summary<'a> {
    files: usize,
    release: String,
    settings: Option<&'a str>,
    findings: BTreeMap<String, usize>,
    suppressed: usize,
    baselined: usize,
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
    let ordered = most_severe_first(&report.findings);
    let envelope = Envelope {
        schema: SCHEMA,
        command: "lint",
        diagnoses: Each(|| {
            let findings = ordered.iter();
            findings.map(|finding| diagnosis(report, finding, style.language))
        }),
        unchecked: Each(|| {
            let unseen = report.unchecked.iter();
            unseen.map(|one| unchecked(one, style.language))
        }),
        summary: Summary {
            files: report.files.len(),
            release: report.circumstances.release.to_string(),
            settings: report.settings.as_deref(),
            findings,
            suppressed: report.suppressed,
            baselined: report.baselined,
            unchecked: report.unchecked.len(),
        },
    };
    each::line(&envelope, out)
}

/// The envelope of an instrument that answers a question: what stands against the answer, then the answer, under keys
/// of its own.
pub(crate) fn envelope(
    command: &str,
    reports: &[&Report],
    not_seen: &[diagnosis::Unchecked],
    summary: serde_json::Value,
    language: Language,
    own: impl IntoIterator<Item = (&'static str, serde_json::Value)>,
) -> serde_json::Value {
    let diagnoses: Vec<_> = reports
        .iter()
        .flat_map(|report| {
            most_severe_first(&report.findings)
                .into_iter()
                .map(|finding| diagnosis(report, finding, language))
        })
        .collect();
    let unchecked: Vec<_> = not_seen.iter().map(|one| unchecked(one, language)).collect();
    let mut envelope = serde_json::json!({
        "schema": SCHEMA, "command": command, "diagnoses": diagnoses, "unchecked": unchecked, "summary": summary,
    });
    for (key, value) in own {
        envelope[key] = value;
    }
    envelope
}

/// A finding of a report, for the envelope of an instrument that tells other things too.
pub(super) fn finding(report: &Report, finding: &Finding, language: Language) -> serde_json::Value {
    serde_json::json!(diagnosis(report, finding, language))
}

/// What was not checked, for the same.
pub(super) fn not_checked(one: &diagnosis::Unchecked, language: Language) -> serde_json::Value {
    serde_json::json!(unchecked(one, language))
}

/// Programs often look at the first diagnoses only. Those of the same severity stay in the order of the files and places.
fn most_severe_first(findings: &[Finding]) -> Vec<&Finding> {
    let mut ordered: Vec<_> = findings.iter().collect();
    ordered.sort_by_key(|finding| Reverse(finding.severity));
    ordered
}

fn unchecked(one: &diagnosis::Unchecked, language: Language) -> Unchecked<'_> {
    Unchecked {
        rule: one.rule,
        subject: &one.subject,
        reason: unknown(&one.reason, language),
    }
}

fn diagnosis<'a>(report: &'a Report, finding: &'a Finding, language: Language) -> Diagnosis<'a> {
    let sources = &report.sources;
    // What is not text, or is kept back, cannot be said here, and a part of a fix is none.
    let fix = finding.fix.as_ref().filter(|fix| is_text(fix) && fix.is_public());
    Diagnosis {
        rule: finding.page.id,
        name: finding.page.name,
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title(language).into_owned(),
        message: finding.message(language).into_owned(),
        because: finding
            .facts
            .iter()
            .map(|fact| facts::told(fact, language))
            .collect(),
        evidence: finding
            .labels
            .iter()
            .map(|label| Evidence {
                span: file_span(sources, label.span),
                label: finding.label(label, language).map(Cow::into_owned),
            })
            .collect(),
        included_by: report
            .includes_of(finding.labels[0].span.source)
            .map(|directive| file_span(sources, directive))
            .collect(),
        predicts: finding
            .predictions(report.circumstances.release)
            .map(|symptom| Prediction {
                exit: symptom.exit,
                or: symptom.is_alternative,
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
