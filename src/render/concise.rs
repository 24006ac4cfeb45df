use std::io;

use crate::{
    lint::Report,
    render::{Style, words::severity},
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
            plain(source.name()),
            position.line,
            position.column,
            severity(finding.severity, style.language),
            finding.page.id,
            plain(&title),
        )?;
    }
    Ok(())
}

/// A name or a value of a file must not begin another line or command the terminal.
fn plain(text: &str) -> String {
    text.replace(char::is_control, "·")
}
