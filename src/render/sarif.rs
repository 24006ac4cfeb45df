//! SARIF 2.1.0 (OASIS), for code scanning and editors.

use std::{collections::BTreeMap, io};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    catalog::{self, Confidence, Language, Page, Severity},
    diagnosis::{Edit, Edits, Finding, Label, Unchecked},
    lint::{Fingerprints, Report},
    render::{
        Style,
        each::{self, Each},
        paragraphs::plain,
        words::pick,
    },
    terms::{Source, SourceId, Sources, Span},
};

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// What relative paths are relative to; consumers know the name.
const BASE: &str = "%SRCROOT%";

/// One run with every rule, on one line.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let results = || {
        let mut results = Results::new(report, language);
        report.findings.iter().map(move |finding| results.next(finding))
    };
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: "rsyncctl",
                    semantic_version: env!("CARGO_PKG_VERSION"),
                    rules: Each(|| catalog::pages().iter().map(|page| rule(page, language))),
                },
            },
            invocations: [Invocation {
                execution_successful: true,
                tool_execution_notifications: Each(|| report.unchecked.iter().map(notification)),
            }],
            language: match language {
                Language::English => "en",
                Language::Chinese => "zh",
            },
            original_uri_base_ids: json!({ BASE: {
                "description": { "text": "the folder in which rsyncctl was started" },
            }}),
            results: Each(results),
            column_kind: "unicodeCodePoints",
        }],
    };
    each::line(&log, out)
}

#[derive(Serialize)]
struct Log<P: Serialize, N: Serialize, R: Serialize> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<P, N, R>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<P: Serialize, N: Serialize, R: Serialize> {
    tool: Tool<P>,
    invocations: [Invocation<N>; 1],
    language: &'static str,
    original_uri_base_ids: Value,
    results: R,
    column_kind: &'static str,
}

#[derive(Serialize)]
struct Tool<P: Serialize> {
    driver: Driver<P>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver<P: Serialize> {
    name: &'static str,
    semantic_version: &'static str,
    rules: P,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<N: Serialize> {
    execution_successful: bool,
    tool_execution_notifications: N,
}

/// A `reportingDescriptor` of the standard.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: &'static str,
    short_description: Text<&'static str>,
    full_description: Text<String>,
    help: Help,
    default_configuration: Configuration,
    properties: Properties,
}

#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Properties {
    tags: Vec<String>,
    precision: &'static str,
}

fn rule(page: &'static Page, language: Language) -> Rule {
    let body = page.body[language as usize];
    let first = body.split("\n\n").next().unwrap_or_default();
    let files = page.files.iter().map(ToString::to_string);
    Rule {
        id: page.id,
        name: page.name,
        short_description: Text {
            text: page.summary(language),
        },
        full_description: Text {
            text: first.replace('\n', " "),
        },
        help: Help {
            text: body,
            markdown: body,
        },
        default_configuration: Configuration {
            level: level(page.severity),
        },
        properties: Properties {
            tags: std::iter::once("rsync".to_owned()).chain(files).collect(),
            precision: precision(page.confidence),
        },
    }
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

/// A `notification` of the standard: something that was not checked.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notification {
    level: &'static str,
    message: Text,
    #[serde(skip_serializing_if = "Option::is_none")]
    associated_rule: Option<RuleReference>,
}

#[derive(Serialize)]
struct RuleReference {
    id: &'static str,
    index: Option<usize>,
}

fn notification(unchecked: &Unchecked) -> Notification {
    Notification {
        level: "note",
        message: Text {
            text: format!("not checked: {}: {}", unchecked.subject, unchecked.reason),
        },
        associated_rule: unchecked.rule.map(|id| RuleReference { id, index: index(id) }),
    }
}

/// Where the rule stands in `tool.driver.rules`.
fn index(rule: &str) -> Option<usize> {
    catalog::pages().binary_search_by_key(&rule, |page| page.id).ok()
}

/// Puts one result after the other together.
struct Results<'a> {
    report: &'a Report,
    language: Language,
    fingerprints: Fingerprints,
    /// Whether a source is UTF-8, once somebody asked.
    encodings: BTreeMap<SourceId, bool>,
}

impl<'a> Results<'a> {
    fn new(report: &'a Report, language: Language) -> Self {
        Self {
            report,
            language,
            fingerprints: Fingerprints::default(),
            encodings: BTreeMap::new(),
        }
    }

    fn next(&mut self, finding: &Finding) -> Finished {
        let sources = &self.report.sources;
        let place = |index: usize| location(sources, finding, index, self.language);
        let includes = self.report.includes_of(finding.labels[0].span.source);
        let includes = includes
            .zip(finding.labels.len()..)
            .map(|(directive, id)| Location {
                id: Some(id),
                physical_location: physical(sources, directive),
                message: Some(Text {
                    text: pick(self.language, "this line includes the file", "这一行引用了该文件").to_owned(),
                }),
            });
        let fixes = finding.fix.iter().filter(|fix| fix.is_public());
        Finished {
            rule_id: finding.page.id,
            rule_index: index(finding.page.id),
            level: level(finding.severity),
            message: Text {
                text: plain(finding, self.report.circumstances.release, self.language),
            },
            locations: [place(0)],
            related_locations: (1..finding.labels.len()).map(place).chain(includes).collect(),
            partial_fingerprints: PartialFingerprints {
                section_line: self
                    .fingerprints
                    .next(sources, finding.page.id, finding.labels[0].span)
                    .to_string(),
            },
            fixes: fixes.map(|fix| self.fix(fix)).collect(),
        }
    }

    fn fix(&mut self, fix: &Edits) -> Fix {
        let sources = &self.report.sources;
        let mut files: BTreeMap<SourceId, Vec<Replacement>> = BTreeMap::new();
        for edit in &fix.edits {
            let id = edit.span.source;
            let source = sources.get(id);
            let is_utf8 = self.encodings.entry(id);
            let is_utf8 = *is_utf8.or_insert_with(|| std::str::from_utf8(source.bytes()).is_ok());
            files
                .entry(id)
                .or_default()
                .push(replacement(source, edit, is_utf8));
        }
        let changes = files.into_iter().map(|(id, replacements)| ArtifactChange {
            artifact_location: artifact(sources.get(id).name()),
            replacements,
        });
        Fix {
            artifact_changes: changes.collect(),
        }
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
    partial_fingerprints: PartialFingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
}

#[derive(Serialize)]
struct PartialFingerprints {
    #[serde(rename = "rsyncctlSectionLine/v1")]
    section_line: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    artifact_changes: Vec<ArtifactChange>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: ArtifactLocation,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Deleted,
    inserted_content: Content,
}

#[derive(Serialize)]
#[serde(rename_all_fields = "camelCase", untagged)]
enum Deleted {
    Characters(Region),
    Bytes { byte_offset: u32, byte_length: u32 },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum Content {
    Text(String),
    Binary(String),
}

#[derive(Serialize)]
struct Text<T = String> {
    text: T,
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
    Location {
        id: (index > 0).then_some(index),
        physical_location: physical(sources, label.span),
        message: finding.label(label, language).map(|text| Text {
            text: text.into_owned(),
        }),
    }
}

fn physical(sources: &Sources, span: Span) -> PhysicalLocation {
    let source = sources.get(span.source);
    PhysicalLocation {
        artifact_location: artifact(source.name()),
        region: region(source, span),
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

/// Where characters cannot be counted reliably, bytes are.
fn replacement(source: &Source, edit: &Edit, is_utf8: bool) -> Replacement {
    match std::str::from_utf8(&edit.replacement) {
        Ok(text) if is_utf8 => Replacement {
            deleted_region: Deleted::Characters(region(source, edit.span)),
            inserted_content: Content::Text(text.to_owned()),
        },
        _ => Replacement {
            deleted_region: Deleted::Bytes {
                byte_offset: edit.span.start,
                byte_length: edit.span.end - edit.span.start,
            },
            inserted_content: Content::Binary(STANDARD.encode(&edit.replacement)),
        },
    }
}
