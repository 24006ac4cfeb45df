use std::io;

use crate::{
    catalog::Severity,
    diagnosis::Finding,
    lint::Report,
    render::{Style, concise, paragraphs::plain, words::main_file, xml::Xml},
};

/// The XML of Checkstyle's `XMLLogger`: the findings of each file, then what was not checked.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let mut xml = Xml::new(out)?;
    let source = |finding: &Finding| finding.labels[0].span.source;
    xml.element("checkstyle", &[("version", "4.3")], |xml| {
        let files = report.findings.chunk_by(|one, next| source(one) == source(next));
        for findings in files {
            let name = report.sources.get(source(&findings[0])).name();
            xml.element("file", &[("name", name)], |xml| {
                findings
                    .iter()
                    .try_for_each(|finding| error(report, finding, style, xml))
            })?;
        }
        let unchecked = concise::unchecked(report, style.language);
        if unchecked.is_empty() {
            return Ok(());
        }
        xml.element("file", &[("name", main_file(report))], |xml| {
            unchecked.iter().try_for_each(|message| {
                let source = "rsyncctl.unchecked";
                let attributes = [
                    ("line", "1"),
                    ("severity", "info"),
                    ("message", message),
                    ("source", source),
                ];
                xml.empty("error", &attributes)
            })
        })
    })?;
    xml.end()
}

fn error(report: &Report, finding: &Finding, style: Style, xml: &mut Xml<'_>) -> io::Result<()> {
    let span = finding.labels[0].span;
    let position = report.sources.get(span.source).position(span.start as usize);
    let severity = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    };
    let message = plain(finding, report.circumstances.release, style.language);
    let attributes = [
        ("line", &*position.line.to_string()),
        ("column", &position.column.to_string()),
        ("severity", severity),
        // An attribute is one line.
        ("message", &message.replace("\n  ", " ").replace('\n', "; ")),
        ("source", &format!("rsyncctl.{}", finding.page.id)),
    ];
    xml.empty("error", &attributes)
}
