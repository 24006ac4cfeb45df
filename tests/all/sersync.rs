//! Whole confxml.xml files and what is said of them, line by line.

use std::{fs, path::Path};

use rsyncctl::{
    catalog::{FileKind, Language},
    host::{Host, Image, NoHost},
    lint::{Input, Report, lint},
    render::{self, Format, Style},
};

use crate::support::{report::options, stage::Machine};

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

#[test]
fn the_password_file_is_looked_at_where_the_machine_shows_it() {
    let machine = Machine::new();
    machine.line("file /etc/sersync/push.pass 0600 = push:not-a-real-password");
    let text = r#"<head><sersync><rsync>
        <auth start="true" users="push" passwordfile="/etc/sersync/push.pass"/>
    </rsync></sersync></head>"#;
    let host = Image::new(machine.root());
    let report = lint(
        vec![input("confxml.xml", text.as_bytes().to_vec(), &host)],
        &options(),
    );
    let found = report.findings.iter().find(|finding| finding.page.id == "RSY327");
    let span = found.expect("the user's name in front").labels[0].span;
    let name = report.sources.get(span.source).name();
    assert!(name.ends_with("/etc/sersync/push.pass"), "{name}");
    assert!(!shown(&report).contains("not-a-real"));
}

#[test]
fn the_password_of_a_plugin_is_never_shown() {
    let text = r##"<head>
    # <plugin name="refreshCDN"><localpath><cdninfo username="u" passwd="not-a-real-one"/></localpath></plugin>
    </head>"##;
    let report = lint(
        vec![input("confxml.xml", text.as_bytes().to_vec(), &NoHost)],
        &options(),
    );
    let shown = shown(&report);
    assert!(shown.contains("username=\"u\" passwd=\"****"), "{shown}");
    assert!(!shown.contains("not-a-real"), "{shown}");
}

/// The report as a terminal shows it.
fn shown(report: &Report) -> String {
    let style = Style {
        language: Language::English,
        color: false,
        unicode: true,
        width: 200,
        limit: 0,
    };
    let mut bytes = Vec::new();
    render::report(Format::Human, report, style, &mut bytes).expect("written to memory");
    String::from_utf8(bytes).expect("text")
}

fn input<'a>(name: &str, bytes: Vec<u8>, host: &'a dyn Host) -> Input<'a> {
    Input {
        name: name.to_owned(),
        path: None,
        bytes: bytes.into(),
        kind: FileKind::Sersync,
        is_guess: false,
        host,
    }
}

/// `line: severity RULE title`, then the line that it is about.
fn report(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/sersync")
        .join(name);
    let bytes = fs::read(path).expect("a fixture");
    let report = lint(vec![input(name, bytes, &NoHost)], &options());
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
