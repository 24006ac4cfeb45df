//! SARIF 2.1.0 (OASIS), for code scanning and editors.

use std::{collections::BTreeMap, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::{
    catalog::{self, Confidence, Language, Page, Severity},
    diagnosis::{Edit, Edits, Finding, Label, Unchecked},
    lint::Report,
    render::{Style, fingerprint::Fingerprints, paragraphs::plain},
    terms::{Source, SourceId, Sources, Span},
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What relative paths are relative to; consumers know the name.
const BASE: &str = "%SRCROOT%";

/// One run with every rule, on one line.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let pages = catalog::pages();
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: json!({ "driver": {
                "name": "rsyncctl",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": pages.iter().map(|page| rule(page, language)).collect::<Vec<_>>(),
            }}),
            invocations: json!([{
                "executionSuccessful": true,
                "toolExecutionNotifications":
                    report.unchecked.iter().map(notification).collect::<Vec<_>>(),
            }]),
            language: match language {
                Language::English => "en",
                Language::Chinese => "zh",
            },
            original_uri_base_ids: json!({ BASE: {
                "description": { "text": "the folder in which rsyncctl was started" },
            }}),
            results: Results { report, language },
            column_kind: "unicodeCodePoints",
        }],
    };
    serde_json::to_writer(&mut *out, &log)?;
    writeln!(out)
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Value,
    invocations: Value,
    language: &'static str,
    original_uri_base_ids: Value,
    results: Results<'a>,
    column_kind: &'static str,
}

fn rule(page: &Page, language: Language) -> Value {
    let body = page.body[language as usize];
    let first = body.split("\n\n").next().unwrap_or_default();
    let mut tags = vec!["rsync".to_owned()];
    tags.extend(page.files.iter().map(ToString::to_string));
    json!({
        "id": page.id,
        "name": page.name,
        "shortDescription": { "text": page.summary(language) },
        "fullDescription": { "text": first.replace('\n', " ") },
        "help": { "text": body, "markdown": body },
        "defaultConfiguration": { "level": level(page.severity) },
        "properties": { "tags": tags, "precision": precision(page.confidence) },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn precision(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Certain => "very-high",
        Confidence::Likely => "high",
        Confidence::Possible => "medium",
    }
}

fn notification(unchecked: &Unchecked) -> Value {
    let text = format!("not checked: {}: {}", unchecked.subject, unchecked.reason);
    let mut notification = json!({ "level": "note", "message": { "text": text } });
    if let Some(rule) = unchecked.rule {
        notification["associatedRule"] = json!({ "id": rule, "index": index(rule) });
    }
    notification
}

/// Where the rule stands in `tool.driver.rules`.
fn index(rule: &str) -> Option<usize> {
    catalog::pages().iter().position(|page| page.id == rule)
}

/// Written one after the other: a large file has more of them than fit in memory twice.
struct Results<'a> {
    report: &'a Report,
    language: Language,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let sources = &self.report.sources;
        let mut fingerprints = Fingerprints::default();
        let mut encodings = BTreeMap::new();
        serializer.collect_seq(self.report.findings.iter().map(|finding| {
            let fixes = finding.fix.iter().map(|fix| {
                let mut is_utf8 = |id| {
                    *encodings
                        .entry(id)
                        .or_insert_with(|| std::str::from_utf8(sources.get(id).bytes()).is_ok())
                };
                fix_view(sources, fix, &mut is_utf8)
            });
            Finished {
                rule_id: finding.page.id,
                rule_index: index(finding.page.id),
                level: level(finding.severity),
                message: Text {
                    text: plain(finding, self.report.circumstances.release, self.language),
                },
                locations: [location(sources, finding, 0, self.language)],
                related_locations: (1..finding.labels.len())
                    .map(|index| location(sources, finding, index, self.language))
                    .collect(),
                partial_fingerprints: [("rsyncctlSectionLine/v1", fingerprints.next(self.report, finding))]
                    .into(),
                fixes: fixes.collect(),
            }
        }))
    }
}

/// A `result` of the standard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Finished {
    rule_id: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Text,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Value>,
}

#[derive(Serialize)]
struct Text {
    text: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

fn location(sources: &Sources, finding: &Finding, index: usize, language: Language) -> Location {
    let label: &Label = &finding.labels[index];
    let source = sources.get(label.span.source);
    Location {
        id: (index > 0).then_some(index),
        physical_location: PhysicalLocation {
            artifact_location: artifact(source.name()),
            region: region(source, label.span),
        },
        message: finding.label(label, language).map(|text| Text {
            text: text.into_owned(),
        }),
    }
}

fn region(source: &Source, span: Span) -> Region {
    let start = source.position(span.start as usize);
    let end = source.position(span.end as usize);
    Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

/// A file's name as a URI (RFC 3986).
fn artifact(name: &str) -> ArtifactLocation {
    let is_absolute = name.starts_with('/');
    let mut uri = String::from(if is_absolute { "file://" } else { "" });
    for byte in name.trim_start_matches("./").bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri += &format!("%{byte:02X}"),
        }
    }
    ArtifactLocation {
        uri,
        uri_base_id: (!is_absolute).then_some(BASE),
    }
}

fn fix_view(sources: &Sources, fix: &Edits, is_utf8: &mut dyn FnMut(SourceId) -> bool) -> Value {
    let mut files: BTreeMap<SourceId, Vec<Value>> = BTreeMap::new();
    for edit in &fix.edits {
        let source = sources.get(edit.span.source);
        let replacement = replacement(source, edit, is_utf8(edit.span.source));
        files.entry(edit.span.source).or_default().push(replacement);
    }
    let changes: Vec<_> = files
        .into_iter()
        .map(|(id, replacements)| {
            json!({ "artifactLocation": artifact(sources.get(id).name()), "replacements": replacements })
        })
        .collect();
    json!({ "artifactChanges": changes })
}

/// Where characters cannot be counted reliably, bytes are.
fn replacement(source: &Source, edit: &Edit, is_utf8: bool) -> Value {
    match std::str::from_utf8(&edit.replacement) {
        Ok(text) if is_utf8 => json!({
            "deletedRegion": region(source, edit.span),
            "insertedContent": { "text": text },
        }),
        _ => json!({
            "deletedRegion": { "byteOffset": edit.span.start, "byteLength": edit.span.end - edit.span.start },
            "insertedContent": { "binary": STANDARD.encode(&edit.replacement) },
        }),
    }
}
