//! Whole confxml.xml files and what is said of them, line by line.

use std::{fs, path::Path};

use rsyncctl::{
    catalog::{FileKind, Language},
    host::NoHost,
    lint::{Input, lint},
};

use crate::pages::options;

#[test]
fn a_correct_file_has_only_notes() {
    insta::assert_snapshot!(report("correct.xml"));
}

#[test]
fn what_loses_data_is_found() {
    insta::assert_snapshot!(report("loses-data.xml"));
}

#[test]
fn what_keeps_sersync_from_starting_is_found() {
    insta::assert_snapshot!(report("does-not-start.xml"));
}

/// The tutorials' file: sersync's own, with its values.
#[test]
fn the_shipped_file_has_only_what_deserves_it() {
    insta::assert_snapshot!(report("shipped.xml"));
}

/// `line: severity RULE title`, then the line that it is about.
fn report(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/sersync")
        .join(name);
    let input = Input {
        name: name.to_owned(),
        path: None,
        bytes: fs::read(path).expect("a fixture"),
        kind: FileKind::Sersync,
        is_guess: false,
        host: &NoHost,
    };
    let report = lint(vec![input], &options());
    let lines = report.findings.iter().map(|finding| {
        let span = finding.labels[0].span;
        let source = report.sources.get(span.source);
        let position = source.position(span.start as usize);
        let text = source.line_range(position.line - 1);
        format!(
            "{}:{}: {} {} {}\n    | {}\n",
            position.line,
            position.column,
            finding.severity,
            finding.page.id,
            finding.title(Language::English),
            String::from_utf8_lossy(&source.bytes()[text]).trim()
        )
    });
    lines.collect()
}
