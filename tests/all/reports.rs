//! The reports for other programs: GitLab's code quality, JUnit's and Checkstyle's XML, in files and on standard output.

use std::{collections::BTreeSet, fs, path::Path};

use roxmltree::{Document, Node};
use serde_json::Value;

use crate::support::program::{folder, rsyncctl, stderr, stdout};

const FILE: &str = "[data]\npath = /srv/data\nread only = <\"per&haps'>\nhosts allow = ::1\n";

/// A report on all of the fixtures.
fn of_fixtures(format: &str, language: &str) -> String {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let arguments = [
        "lint", ".", "--host", "none", "--format", format, "--lang", language,
    ];
    let output = rsyncctl(fixtures, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    stdout(&output)
}

/// `file:line` of each finding, in the order in which people read them.
fn places() -> Vec<(String, u64)> {
    of_fixtures("concise", "en")
        .lines()
        .map(|line| {
            let mut parts = line.split(':');
            let file = parts.next().expect("a file").to_owned();
            let line = parts.next().and_then(|line| line.parse().ok());
            (file, line.expect("a line"))
        })
        .collect()
}

#[test]
fn gitlab_gets_what_it_documents() {
    let places = places();
    for language in ["en", "zh"] {
        let report: Value = serde_json::from_str(&of_fixtures("gitlab", language)).expect("JSON");
        let violations = report.as_array().expect("an array");
        let mut fingerprints = BTreeSet::new();
        let mut found = Vec::new();
        for one in violations {
            // https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
            let keys: BTreeSet<_> = one
                .as_object()
                .expect("an object")
                .keys()
                .map(String::as_str)
                .collect();
            let documented = ["check_name", "description", "fingerprint", "location", "severity"];
            assert_eq!(keys, documented.into());
            assert!(!one["description"].as_str().expect("a text").is_empty());
            let severity = one["severity"].as_str().expect("a text");
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&severity));
            let path = one["location"]["path"].as_str().expect("a path");
            assert!(!path.starts_with("./") && !path.is_empty(), "{path}");
            let line = one["location"]["lines"]["begin"].as_u64().expect("a line");
            let fingerprint = one["fingerprint"].as_str().expect("a text");
            assert!(fingerprints.insert(fingerprint.to_owned()), "{one:#}");
            if one["check_name"] != "unchecked" {
                found.push((path.to_owned(), line));
            }
        }
        let expected = places
            .iter()
            .map(|(file, line)| (file.trim_start_matches("./").to_owned(), *line));
        assert_eq!(found, expected.collect::<Vec<_>>());
        assert!(found.len() < violations.len(), "what is not checked is missing");
    }
}

#[test]
fn fingerprints_of_gitlab_survive_moved_lines() {
    let fingerprints = |text: &str| {
        let folder = folder(&[("rsyncd.conf", text)]);
        let output = rsyncctl(
            &folder,
            &["lint", "rsyncd.conf", "--format", "gitlab", "--select", "RSY202"],
        );
        let report: Value = serde_json::from_str(&stdout(&output)).expect("JSON");
        report[0]["fingerprint"].clone()
    };
    assert_eq!(fingerprints(FILE), fingerprints(&format!("# a note\n\n{FILE}")));
    assert_ne!(fingerprints(FILE), fingerprints(&FILE.replace("data", "other")));
}

#[test]
fn junit_counts_what_it_holds() {
    let places = places();
    for language in ["en", "zh"] {
        let text = of_fixtures("junit", language);
        let document = Document::parse(&text).expect("XML");
        let root = document.root_element();
        // The elements and attributes that Jenkins' junit-10.xsd knows, and of them only what has a meaning here.
        has_only(root, "testsuites", &["name", "tests", "failures", "errors"]);
        let suites: Vec<_> = elements(root).collect();
        assert_eq!(
            number(root, "tests"),
            suites.iter().map(|suite| number(*suite, "tests")).sum::<usize>()
        );
        assert_eq!(
            number(root, "failures"),
            suites
                .iter()
                .map(|suite| number(*suite, "failures"))
                .sum::<usize>()
        );
        let mut found = 0;
        let mut skipped = 0;
        for suite in suites {
            has_only(
                suite,
                "testsuite",
                &["name", "tests", "failures", "errors", "skipped"],
            );
            let cases: Vec<_> = elements(suite).collect();
            assert_eq!(number(suite, "tests"), cases.len());
            let count = |name| {
                cases
                    .iter()
                    .filter(|case| elements(**case).any(|one| one.has_tag_name(name)))
                    .count()
            };
            assert_eq!(number(suite, "failures"), count("failure"));
            assert_eq!(number(suite, "skipped"), count("skipped"));
            skipped += count("skipped");
            found += count("failure") + count("system-out");
            for case in &cases {
                has_only(*case, "testcase", &["name", "classname"]);
                for outcome in elements(*case) {
                    match outcome.tag_name().name() {
                        "failure" => has_only(outcome, "failure", &["message", "type"]),
                        "skipped" => has_only(outcome, "skipped", &["message"]),
                        name => has_only(outcome, name, &[]),
                    }
                }
            }
        }
        assert_eq!(found, places.len());
        assert!(skipped > 0, "what is not checked is missing");
    }
}

#[test]
fn checkstyle_has_every_finding_in_its_place() {
    let places = places();
    for language in ["en", "zh"] {
        let text = of_fixtures("checkstyle", language);
        let document = Document::parse(&text).expect("XML");
        let root = document.root_element();
        has_only(root, "checkstyle", &["version"]);
        let mut found = Vec::new();
        let mut unchecked = 0;
        for file in elements(root) {
            has_only(file, "file", &["name"]);
            for error in elements(file) {
                assert!(["error", "warning", "info"].contains(&attribute(error, "severity")));
                assert!(!attribute(error, "message").is_empty());
                if attribute(error, "source") == "rsyncctl.unchecked" {
                    unchecked += 1;
                } else {
                    has_only(
                        error,
                        "error",
                        &["line", "column", "severity", "message", "source"],
                    );
                    found.push((attribute(file, "name").to_owned(), number(error, "line") as u64));
                }
            }
        }
        assert_eq!(found, places);
        assert!(unchecked > 0, "what is not checked is missing");
    }
}

#[test]
fn any_bytes_become_xml() {
    let mut bytes: Vec<u8> = b"[<da&ta>\"']\npath = /srv/data\nread only = ".to_vec();
    bytes.extend(0..=255_u8);
    bytes.extend("\u{fffe}\u{ffff}\u{202e}]]>\n".as_bytes());
    for name in ["rsyncd.conf", "a<b>&\"'\u{1}\u{ffff}.rsyncd.conf"] {
        let folder = folder(&[]);
        fs::write(folder.path().join(name), &bytes).expect("a file");
        for format in ["junit", "checkstyle"] {
            let output = rsyncctl(&folder, &["lint", name, "--format", format]);
            let text = stdout(&output);
            let document = Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert!(document.descendants().count() > 5, "{text}");
        }
    }
}

#[test]
fn text_comes_back_as_it_was() {
    let folder = folder(&[("rsyncd.conf", FILE)]);
    let arguments = ["lint", "rsyncd.conf", "--select", "RSY202", "--format"];
    let text = stdout(&rsyncctl(&folder, &[&arguments[..], &["junit"]].concat()));
    let document = Document::parse(&text).expect("XML");
    let failure = document
        .descendants()
        .find(|node| node.has_tag_name("failure"))
        .expect("a failure");
    assert_eq!(
        attribute(failure, "message"),
        "`<\"per&haps'>` is not a boolean, so `read only` stays `yes`"
    );
    assert_eq!(attribute(failure, "type"), "error");
    let lines: Vec<_> = failure.text().expect("a text").lines().collect();
    assert!(
        lines[0].starts_with("rsyncd.conf:3:13: `<\"per&haps'>` is not a boolean"),
        "{lines:?}"
    );
    assert!(lines[1].starts_with("why: "), "{lines:?}");
    let text = stdout(&rsyncctl(&folder, &[&arguments[..], &["checkstyle"]].concat()));
    let document = Document::parse(&text).expect("XML");
    let error = document
        .descendants()
        .find(|node| node.has_tag_name("error"))
        .expect("an error");
    assert_eq!((number(error, "line"), number(error, "column")), (3, 13));
    assert_eq!(attribute(error, "source"), "rsyncctl.RSY202");
    assert!(attribute(error, "message").contains("<\"per&haps'>"), "{text}");
}

#[test]
fn a_clean_file_is_a_passed_test() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\n")]);
    let output = rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--format", "junit", "--select", "RSY101"],
    );
    assert_eq!(output.status.code(), Some(0));
    let text = stdout(&output);
    let document = Document::parse(&text).expect("XML");
    assert_eq!(number(document.root_element(), "tests"), 1);
    assert_eq!(number(document.root_element(), "failures"), 0);
}

#[test]
fn reports_are_written_into_files_beside_the_one_for_people() {
    let folder = folder(&[("rsyncd.conf", FILE), ("old.json", "something older\n")]);
    let formats = [
        "json",
        "sarif",
        "github",
        "gitlab",
        "junit",
        "checkstyle",
        "concise",
        "human",
    ];
    let mut arguments = vec!["lint".to_owned(), "rsyncd.conf".to_owned()];
    for format in formats {
        arguments.extend(["--report".to_owned(), format!("{format}=old.{format}")]);
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let output = rsyncctl(&folder, &arguments);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    for format in formats {
        let alone = rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", format]);
        let written = fs::read_to_string(folder.path().join(format!("old.{format}"))).expect("a report");
        assert_eq!(written, stdout(&alone), "{format}");
    }
    assert_eq!(
        stdout(&output),
        fs::read_to_string(folder.path().join("old.human")).expect("a report")
    );
}

#[test]
fn a_report_that_cannot_be_written_ends_with_2() {
    let folder = folder(&[("rsyncd.conf", FILE)]);
    for (report, expected) in [
        (
            "sarif=missing/a.sarif",
            "cannot write the report `missing/a.sarif`: No such file or directory",
        ),
        ("word=x", "`word` is no format; there are human, concise"),
        ("sarif", "write FORMAT=FILE"),
        ("sarif=", "write FORMAT=FILE"),
    ] {
        let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--report", report]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

fn elements<'a, 'd>(node: Node<'a, 'd>) -> impl Iterator<Item = Node<'a, 'd>> {
    node.children().filter(Node::is_element)
}

fn attribute<'a>(node: Node<'a, '_>, name: &str) -> &'a str {
    node.attribute(name).unwrap_or_else(|| panic!("no `{name}`"))
}

fn number(node: Node<'_, '_>, name: &str) -> usize {
    attribute(node, name).parse().expect("a number")
}

fn has_only(node: Node<'_, '_>, name: &str, attributes: &[&str]) {
    assert_eq!(node.tag_name().name(), name);
    let has: Vec<_> = node.attributes().map(|attribute| attribute.name()).collect();
    assert_eq!(has, attributes);
}
