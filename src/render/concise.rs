use std::{collections::BTreeMap, io};

use crate::{
    catalog::Language,
    lint::Report,
    render::{
        Style,
        visible::visible,
        words::{self, pick, severity, unknown},
    },
};

/// As many names as a line can hold and still be read.
const MOST_SUBJECTS: usize = 3;

/// `file:line:column: severity RULE title`, one line a finding.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    for finding in &report.findings {
        let span = finding.labels[0].span;
        let source = report.sources.get(span.source);
        let position = source.position(span.start as usize);
        let title = finding.title(style.language);
        writeln!(
            out,
            "{}:{}:{}: {} {} {}",
            visible(source.name()),
            position.line,
            position.column,
            severity(finding.severity, style.language),
            finding.page.id,
            visible(&title),
        )?;
    }
    Ok(())
}

/// What was not checked, a line a reason: for standard error, where those who read the findings line by line do not
/// meet it.
pub(crate) fn unchecked(report: &Report, language: Language) -> Vec<String> {
    let line = |(reason, subjects): (_, BTreeMap<&str, _>)| {
        let shown: Vec<_> = subjects
            .keys()
            .take(MOST_SUBJECTS)
            .map(|name| visible(name))
            .collect();
        let shown = shown.join(pick(language, ", ", "、"));
        let reason = visible(&unknown(reason, language));
        match (language, subjects.len().saturating_sub(MOST_SUBJECTS)) {
            (Language::English, 0) => format!("not checked: {shown}: {reason}"),
            (Language::English, more) => format!("not checked: {shown} and {more} more: {reason}"),
            (Language::Chinese, 0) => format!("未检查：{shown}：{reason}"),
            (Language::Chinese, more) => format!("未检查：{shown} 等（另有 {more} 项）：{reason}"),
        }
    };
    words::unchecked(report).into_iter().map(line).collect()
}
