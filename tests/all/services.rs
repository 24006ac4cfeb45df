//! Whole trees of service files and what is said of them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rsyncctl::{
    catalog::{FileKind, Severity},
    diagnosis::Finding,
    host::Live,
    lint::{Report, discover, recognise},
    terms::Bytes,
};

use crate::support::report::{check_fixtures, listed};

#[test]
fn what_the_tutorials_teach_is_found() {
    for name in ["tutorial-001", "tutorial-002", "tutorial-003", "default", "inetd"] {
        insta::assert_snapshot!(
            format!("bad-{name}"),
            listed(&check_fixtures(&format!("services/bad/{name}")))
        );
    }
}

#[test]
fn what_is_mended_is_clean() {
    for name in ["tutorial-001", "tutorial-002", "tutorial-003", "default", "inetd"] {
        let report = check_fixtures(&format!("services/mended/{name}"));
        let found: Vec<_> = services(&report)
            .filter(|one| one.severity > Severity::Info)
            .collect();
        assert!(found.is_empty(), "{name}: {}", listed(&report));
    }
}

#[test]
fn what_distributions_ship_is_silent() {
    for name in ["debian-12", "fedora-40", "rhel-7"] {
        let report = check_fixtures(&format!("services/packaged/{name}"));
        assert!(services(&report).next().is_none(), "{name}: {}", listed(&report));
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
