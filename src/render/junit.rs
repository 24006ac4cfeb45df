use std::{collections::BTreeMap, io};

use crate::{
    catalog::Severity,
    diagnosis::Finding,
    host::Unknown,
    lint::Report,
    render::{
        Style,
        paragraphs::plain,
        words::{self, pick, unknown},
        xml::Xml,
    },
    terms::SourceId,
};

/// What was not checked: by reason, then by subject.
type NotChecked<'a> = BTreeMap<&'a Unknown, BTreeMap<&'a str, Vec<&'static str>>>;

/// JUnit's XML, as Jenkins and GitLab read it: a suite a file, a test a finding. Errors and warnings fail, what is only
/// mentioned passes; what was not checked is skipped, and a file without findings passes as one test.
pub(super) fn write(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let files = files(report);
    let unchecked = words::unchecked(report);
    let skipped = unchecked.values().map(BTreeMap::len).sum();
    let tests = files
        .values()
        .map(|findings| findings.len().max(1))
        .sum::<usize>()
        + skipped;
    let failures = files.values().map(|findings| failures(findings)).sum();
    let mut xml = Xml::new(out)?;
    xml.element(
        "testsuites",
        &[
            ("name", "rsyncctl"),
            ("tests", &count(tests)),
            ("failures", &count(failures)),
            ("errors", "0"),
        ],
        |xml| {
            for (id, findings) in &files {
                suite(report, report.sources.get(*id).name(), findings, style, xml)?;
            }
            if skipped > 0 {
                skips(&unchecked, skipped, style, xml)?;
            }
            Ok(())
        },
    )?;
    xml.end()
}

/// The files that were asked for, and those in which something is found.
fn files(report: &Report) -> BTreeMap<SourceId, &[Finding]> {
    let source = |finding: &Finding| finding.labels[0].span.source;
    let mut files: BTreeMap<_, &[Finding]> = report.files.iter().map(|(id, _)| (*id, &[][..])).collect();
    for findings in report.findings.chunk_by(|one, next| source(one) == source(next)) {
        files.insert(source(&findings[0]), findings);
    }
    files
}

fn suite(
    report: &Report,
    name: &str,
    findings: &[Finding],
    style: Style,
    xml: &mut Xml<'_>,
) -> io::Result<()> {
    let attributes = [
        ("name", name),
        ("tests", &count(findings.len().max(1))),
        ("failures", &count(failures(findings))),
        ("errors", "0"),
        ("skipped", "0"),
    ];
    xml.element("testsuite", &attributes, |xml| {
        if findings.is_empty() {
            let test = pick(style.language, "no findings", "没有发现问题");
            return xml.empty("testcase", &[("name", test), ("classname", name)]);
        }
        findings
            .iter()
            .try_for_each(|finding| case(report, name, finding, style, xml))
    })
}

fn case(report: &Report, file: &str, finding: &Finding, style: Style, xml: &mut Xml<'_>) -> io::Result<()> {
    let span = finding.labels[0].span;
    let position = report.sources.get(span.source).position(span.start as usize);
    let (line, column) = (position.line, position.column);
    let name = format!("{} {} ({line}:{column})", finding.page.id, finding.page.name);
    let text = plain(finding, report.circumstances.release, style.language);
    let text = format!("{file}:{line}:{column}: {text}");
    xml.element("testcase", &[("name", &name), ("classname", file)], |xml| {
        if !fails(finding) {
            return xml.text("system-out", &[], &text);
        }
        let title = finding.title(style.language);
        let kind = finding.severity.to_string();
        xml.text("failure", &[("message", &title), ("type", &kind)], &text)
    })
}

fn skips(unchecked: &NotChecked<'_>, skipped: usize, style: Style, xml: &mut Xml<'_>) -> io::Result<()> {
    let name = pick(style.language, "not checked", "未检查");
    let skipped = count(skipped);
    let attributes = [
        ("name", name),
        ("tests", &*skipped),
        ("failures", "0"),
        ("errors", "0"),
        ("skipped", &skipped),
    ];
    xml.element("testsuite", &attributes, |xml| {
        for (reason, subjects) in unchecked {
            let reason = unknown(reason, style.language);
            for (subject, rules) in subjects {
                let test = match &rules[..] {
                    [] => name.to_owned(),
                    rules => rules.join(", "),
                };
                let attributes = [("name", &*test), ("classname", *subject)];
                xml.element("testcase", &attributes, |xml| {
                    xml.empty("skipped", &[("message", &reason)])
                })?;
            }
        }
        Ok(())
    })
}

fn fails(finding: &Finding) -> bool {
    finding.severity > Severity::Info
}

fn failures(findings: &[Finding]) -> usize {
    findings.iter().filter(|finding| fails(finding)).count()
}

fn count(count: usize) -> String {
    count.to_string()
}
