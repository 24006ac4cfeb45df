use std::io;

use crate::{
    lint::Report,
    render::{Style, visible::visible, words::severity},
};

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
