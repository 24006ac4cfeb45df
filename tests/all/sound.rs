//! Configurations that are right: nothing is wrong with them, and what is mentioned is listed here.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use crate::support::program::{rsyncctl, stdout};

/// What is mentioned about a folder's files: true, and for nobody to act upon.
const MENTIONED: &[(&str, &[&str])] = &[
    ("arch", &["RSY511", "RSY601"]),
    ("debian", &["RSY218", "RSY223", "RSY511", "RSY602", "RSY610"]),
    ("fedora", &["RSY232", "RSY511", "RSY610"]),
    ("loopback", &["RSY422", "RSY503"]),
    ("many", &["RSY511"]),
    ("sersync", &["RSY909", "RSY917"]),
    ("web", &["RSY332"]),
];

#[test]
fn nothing_is_wrong_with_what_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sound");
    let mut folders: Vec<_> = fs::read_dir(&root)
        .expect("the folders")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    assert!(folders.len() >= 15, "only {} configurations", folders.len());
    let mentioned: BTreeMap<_, _> = MENTIONED.iter().copied().collect();
    let mut wrong = Vec::new();
    for folder in folders {
        let name = folder.file_name().expect("a name").to_str().expect("text");
        // One of them is the whole file system of its server.
        let what: &[&str] = if folder.join("etc").is_dir() {
            &["--root", "."]
        } else {
            &["."]
        };
        let output = rsyncctl(&folder, &[&["lint", "--json", "--no-settings"], what].concat());
        let report: Value = serde_json::from_str(&stdout(&output)).expect(name);
        let diagnoses = report["diagnoses"].as_array().expect("diagnoses");
        let mut rules: Vec<_> = diagnoses
            .iter()
            .map(|one| one["rule"].as_str().expect("a rule"))
            .collect();
        rules.sort_unstable();
        let is_quiet = diagnoses.iter().all(|one| one["severity"] == "info");
        if !is_quiet || rules != mentioned.get(name).copied().unwrap_or_default() {
            wrong.push(format!("{name}: {rules:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
