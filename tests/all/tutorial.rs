//! The configurations that tutorials teach: every mistake that their README lists is found, and nothing else is said
//! than what the snapshots show.

use std::{collections::BTreeSet, fs, path::Path};

use insta::assert_snapshot;

use crate::support::program::{rsyncctl, stdout};

/// What the list names and a report about the text alone does not say, with the reason.
const NOT_SAID: &[(&str, &[usize], &str)] = &[
    ("000-inotify-mirror/rsyncd.conf", &[2, 6], ROOT_READS),
    ("000-inotify-mirror/rsyncd-uncommented.conf", &[2, 6], ROOT_READS),
    ("000-inotify-mirror/server-a/rsyncd.conf", &[2, 6], ROOT_READS),
    ("000-inotify-mirror/server-b/rsyncd.conf", &[2, 6], ROOT_READS),
    ("000-inotify-mirror/rsyncd-web1.conf", &[2], NEEDS_MACHINE),
    (
        "001-sersync/rsyncd.conf",
        &[11, 12],
        "that xinetd starts the daemon stands in another file",
    ),
    (
        "001-sersync/rsync.pass",
        &[1],
        "the two match as soon as the note is gone from the secrets file",
    ),
    ("001-sersync/confxml.xml", &[7, 8, 9, 10], "the filter is off"),
    (
        "001-sersync/confxml.xml",
        &[13],
        "the full push is asked for on sersync's command line",
    ),
    ("003-gitlab/rsyncd.conf", &[54], "told at the header in line 52"),
    (
        "003-gitlab/rsync.password",
        &[1],
        "given alone, it may be a client's password file",
    ),
    (
        "003-gitlab/rsync.pass",
        &[1],
        "the two match as soon as the note is gone from the secrets file",
    ),
    ("003-gitlab/rsyncd-sample.conf", &[10], NEEDS_MACHINE),
    ("003-gitlab/rsyncd-sample-with-prose.conf", &[10], NEEDS_MACHINE),
    (
        "004-uploads/rsyncd.conf",
        &[5, 6],
        "found once the lines that run together are parted",
    ),
    ("004-uploads/rsyncd-split.conf", &[10], NEEDS_MACHINE),
    (
        "web-copies/rsyncd-gbk.conf",
        &[1, 8],
        "harmless: a comment, and a text that clients see as it is",
    ),
    (
        "web-copies/rsyncd-quotes.conf",
        &[8],
        "harmless: a text that clients see as it is",
    ),
];

const ROOT_READS: &str = "root reads a module that nobody can write: how whole systems are copied";
const NEEDS_MACHINE: &str = "only the machine knows";

const FOLDERS: &[&str] = &[
    "000-inotify-mirror",
    "001-sersync",
    "002-notes",
    "003-gitlab",
    "004-uploads",
    "web-copies",
];

#[test]
fn every_listed_mistake_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("fixtures/tutorial/README.md")).expect("the list");
    let mut missing = Vec::new();
    let mut listed = 0;
    for folder in readme.split("\n## ").skip(1) {
        let name = folder.lines().next().expect("a heading");
        let found = findings(name);
        for (file, lines, mistake) in folder.lines().filter_map(row) {
            for line in lines {
                listed += 1;
                let path = format!("{name}/{file}");
                let excused = NOT_SAID
                    .iter()
                    .any(|(one, lines, _)| *one == path && lines.contains(&line));
                if !excused && !found.contains(&(file.clone(), line)) {
                    missing.push(format!("{name}/{file}:{line}: {mistake}"));
                }
            }
        }
    }
    assert!(listed > 150, "only {listed} mistakes are listed");
    assert!(
        missing.is_empty(),
        "{} of {listed} are not found:\n{}",
        missing.len(),
        missing.join("\n")
    );
}

#[test]
fn reports_are_as_reviewed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial");
    for folder in FOLDERS {
        let output = rsyncctl(&root, &["lint", folder, "--format", "concise", "--no-settings"]);
        assert_snapshot!(*folder, stdout(&output));
    }
    let output = rsyncctl(
        &root,
        &[
            "lint",
            FOLDERS[0],
            "--format",
            "concise",
            "--lang",
            "zh",
            "--no-settings",
        ],
    );
    assert_snapshot!("000-inotify-mirror-zh", stdout(&output));
}

#[test]
fn copies_of_web_pages_are_cured() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial/web-copies");
    let copy = tempfile::tempdir().expect("a folder");
    let damaged = ["nbsp", "nbsp-values", "quotes", "fullwidth", "zero-width", "bom"];
    for name in damaged.iter().chain(&["crlf"]) {
        let name = format!("rsyncd-{name}.conf");
        fs::copy(source.join(&name), copy.path().join(&name)).expect("a copy");
    }
    rsyncctl(&copy, &["lint", ".", "--fix", "--no-settings"]);
    let values = |name: &str| -> Vec<(String, String)> {
        let output = rsyncctl(
            &copy,
            &[
                "config",
                &format!("rsyncd-{name}.conf"),
                "--module",
                "docs",
                "--json",
            ],
        );
        let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect(name);
        let values = report["sections"][0]["values"].as_array().expect("values").iter();
        let pair = |key: &serde_json::Value| key.as_str().expect("a text").to_owned();
        let plain = |value: String| value.replace([' ', '“', '”'], "");
        values
            .map(|value| (pair(&value["parameter"]), plain(pair(&value["value"]))))
            .collect()
    };
    let sound = values("crlf");
    for name in damaged {
        let mut cured = values(name);
        // The page with wide characters also denies, and has a list that is commented out.
        cured.retain(|(parameter, _)| parameter != "hosts deny");
        let meant = sound
            .iter()
            .filter(|(parameter, _)| name != "fullwidth" || parameter != "list");
        assert!(cured.iter().eq(meant), "{name}: {cured:?}");
    }
}

/// The lines of a folder's files that a finding points at or that its cure changes.
fn findings(folder: &str) -> BTreeSet<(String, usize)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial");
    let output = rsyncctl(&root, &["lint", folder, "--format", "json", "--no-settings"]);
    let report: serde_json::Value = serde_json::from_str(&stdout(&output)).expect("a report");
    let diagnoses = report["diagnoses"].as_array().expect("diagnoses");
    diagnoses
        .iter()
        .flat_map(|diagnosis| {
            let evidence = diagnosis["evidence"].as_array().expect("evidence");
            let edits = diagnosis["remedy"]["edits"].as_array().expect("edits");
            evidence.iter().chain(edits)
        })
        .flat_map(|evidence| {
            let file = evidence["file"].as_str().expect("a file");
            let file = file
                .strip_prefix(&format!("{folder}/"))
                .unwrap_or(file)
                .to_owned();
            let first = evidence["line"].as_u64().expect("a line") as usize;
            let last = evidence["end_line"].as_u64().expect("a line") as usize;
            (first..=last).map(move |line| (file.clone(), line))
        })
        .collect()
}

/// A row of a table of mistakes: file, lines, mistake.
fn row(line: &str) -> Option<(String, Vec<usize>, String)> {
    let cells: Vec<&str> = line
        .strip_prefix("| ")?
        .strip_suffix(" |")?
        .split(" | ")
        .collect();
    let [file, lines, mistake] = cells[..] else {
        return None;
    };
    let file = file.strip_prefix('`')?.split('`').next()?.to_owned();
    let mut numbers = Vec::new();
    for part in lines.split(',').map(str::trim) {
        match part.split_once(" to ") {
            Some((first, last)) => {
                numbers.extend(first.parse::<usize>().ok()?..=last.split_whitespace().next()?.parse().ok()?);
            }
            None => numbers.push(part.split_whitespace().next()?.parse().ok()?),
        }
    }
    Some((file, numbers, mistake.to_owned()))
}
