use std::{collections::BTreeMap, io};

use crate::{
    catalog::{Language, Severity},
    diagnosis::{Finding, Unchecked},
    host::Unknown,
    lint::Report,
    render::{
        Style,
        paragraphs::plain,
        visible::shown_as,
        words::{pick, unknown},
    },
};

/// Subjects that one annotation names: GitHub shows a few lines of it.
const MOST_SUBJECTS: usize = 5;

/// Workflow commands of GitHub Actions: an annotation for each finding, and one for each reason why something was
/// not checked.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &report.findings {
        writeln!(out, "{}", annotation(report, finding, style.language))?;
    }
    let mut reasons: BTreeMap<&Unknown, Vec<&Unchecked>> = BTreeMap::new();
    for one in &report.unchecked {
        reasons.entry(&one.reason).or_default().push(one);
    }
    for (reason, subjects) in reasons {
        let title = pick(style.language, "not checked", "未检查");
        let text = format!(
            "{}\n{}",
            unknown(reason, style.language),
            listed(&subjects, style.language)
        );
        writeln!(out, "::notice title={}::{}", property(title), data(&text))?;
    }
    Ok(())
}

fn annotation(report: &Report, finding: &Finding, language: Language) -> String {
    let span = finding.labels[0].span;
    let source = report.sources.get(span.source);
    let start = source.position(span.start as usize);
    let end = source.position(span.end as usize);
    let command = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let file = property(source.name());
    let mut text = format!("::{command} file={file},line={},endLine={}", start.line, end.line);
    // The runner drops columns of different lines.
    if start.line == end.line {
        text += &format!(",col={},endColumn={}", start.column, end.column);
    }
    let title = property(&format!("{} {}", finding.page.id, finding.page.name));
    let message = data(&plain(finding, report.circumstances.release, language));
    text += &format!(",title={title}::{message}");
    text
}

fn listed(subjects: &[&Unchecked], language: Language) -> String {
    let mut lines: Vec<_> = subjects
        .iter()
        .take(MOST_SUBJECTS)
        .map(|one| match one.rule {
            Some(rule) => format!("{} ({rule})", one.subject),
            None => one.subject.clone(),
        })
        .collect();
    let more = subjects.len().saturating_sub(MOST_SUBJECTS);
    if more > 0 {
        lines.push(match language {
            Language::English => format!("and {more} more"),
            Language::Chinese => format!("还有 {more} 项"),
        });
    }
    lines.join("\n")
}

/// Escapes a message, as `escapeData` of GitHub's toolkit does.
fn data(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '%' => escaped += "%25",
            '\r' => escaped += "%0D",
            '\n' => escaped += "%0A",
            c => escaped.push(shown_as(c)),
        }
    }
    escaped
}

/// Escapes a property's value, as `escapeProperty` of GitHub's toolkit does.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
