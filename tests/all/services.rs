//! Whole trees of service files and what is said of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rsyncctl::{
    catalog::{FileKind, Language, Severity},
    diagnosis::Finding,
    host::{Live, NoHost},
    lint::{Input, Report, discover, lint, recognise},
    terms::Bytes,
};

use crate::support::report::options;

#[test]
fn what_the_tutorials_teach_is_found() {
    for name in ["tutorial-001", "tutorial-002", "tutorial-003", "default", "inetd"] {
        insta::assert_snapshot!(format!("bad-{name}"), shown(&check(&format!("bad/{name}"))));
    }
}

#[test]
fn what_is_mended_is_clean() {
    for name in ["tutorial-001", "tutorial-002", "tutorial-003", "default", "inetd"] {
        let report = check(&format!("mended/{name}"));
        let found: Vec<_> = services(&report)
            .filter(|one| one.severity > Severity::Info)
            .collect();
        assert!(found.is_empty(), "{name}: {}", shown(&report));
    }
}

#[test]
fn what_distributions_ship_is_silent() {
    for name in ["debian-12", "fedora-40", "rhel-7"] {
        let report = check(&format!("packaged/{name}"));
        assert!(services(&report).next().is_none(), "{name}: {}", shown(&report));
    }
}

#[test]
fn every_fixture_is_recognised() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/services");
    let mut kinds: Vec<FileKind> = Vec::new();
    for path in found(&folder) {
        let bytes = Bytes::from(fs::read(&path).expect("a fixture"));
        let kind = recognise(&path, &bytes).expect("a kind");
        kinds.push(kind);
    }
    kinds.sort();
    kinds.dedup();
    assert_eq!(kinds.len(), 5, "{kinds:?}");
}

fn found(folder: &Path) -> Vec<PathBuf> {
    discover(folder, folder, &Live).expect("a folder").files
}

fn services(report: &Report) -> impl Iterator<Item = &Finding> {
    report
        .findings
        .iter()
        .filter(|finding| finding.page.id.starts_with("RSY7"))
}

fn check(name: &str) -> Report {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/services")
        .join(name);
    let files = found(&folder).into_iter();
    let inputs = files.map(|path| {
        let bytes = Bytes::from(fs::read(&path).expect("a fixture"));
        let kind = recognise(&path, &bytes).expect("a kind");
        let name = path.strip_prefix(&folder).expect("inside").display().to_string();
        Input {
            name,
            path: None,
            bytes,
            kind,
            is_guess: true,
            host: &NoHost,
        }
    });
    lint(inputs.collect(), &options())
}

/// `file:line: severity RULE title`, then the line that it is about.
fn shown(report: &Report) -> String {
    let lines = services(report).map(|finding| {
        let span = finding.labels[0].span;
        let source = report.sources.get(span.source);
        let position = source.position(span.start as usize);
        format!(
            "{}:{}:{}: {} {} {}\n    | {}\n",
            source.name(),
            position.line,
            position.column,
            finding.severity,
            finding.page.id,
            finding.title(Language::English),
            String::from_utf8_lossy(&source.bytes()[source.line_range(position.line - 1)]).trim()
        )
    });
    lines.collect()
}
