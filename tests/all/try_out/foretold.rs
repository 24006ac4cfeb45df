//! What the model foretells is what a real daemon does, with the configurations of pages and tutorials.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::threads::at_once;
use crate::support::{
    daemon::has_rsync,
    examples::{ExampleCase, PageFile, pages_of_files},
    program::{keeps_to, program, schema},
    skip,
    stage::{Machine, is_root, release_for_root},
};

/// Tries a configuration on a staged machine: what the model foretells must happen.
fn is_as_foretold(machine: &Machine, text: &[u8]) -> Result<Value, String> {
    let root = machine.root();
    let mut text = machine.text(text);
    if !text.to_ascii_lowercase().windows(6).any(|word| word == b"lookup") {
        // No test asks a name service.
        text.splice(..0, *b"reverse lookup = no\nforward lookup = no\n");
    }
    fs::write(root.join("tried.conf"), text).expect("a file");
    let tmp = root.join("trial");
    fs::create_dir_all(&tmp).expect("a folder");
    let mut command = program(root, &["try", "tried.conf", "--json"]);
    let output = command.env("TMPDIR", &tmp).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).map_err(|_| format!("{output:?}"))?;
    match report["summary"]["differs"] == false {
        true => Ok(report),
        false => Err(format!("{report:#}")),
    }
}

/// A page's example; whether it is one that can be tried.
fn try_example(page: &PageFile, case: &ExampleCase) -> Result<bool, String> {
    let Some(block) = case.block("rsyncd.conf") else {
        return Ok(false);
    };
    let machine = Machine::new();
    let tree = page.page.proof.as_ref().map_or(&[][..], |proof| &proof.tree);
    machine.example(tree, case);
    let tried = is_as_foretold(&machine, &block.text);
    tried
        .map(|_| true)
        .map_err(|why| format!("{} {}: {why}", page.page.id, case.role))
}

/// The configurations that tutorials teach, on a machine that lacks whatever they name.
#[test]
fn what_is_foretold_happens_with_the_configurations_of_tutorials() {
    if !is_root() {
        skip("as a plain user other modules fail");
        return;
    }
    if !has_rsync() {
        return;
    }
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial");
    let mut files = vec![place];
    let mut tried = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(&path).expect("a folder");
            files.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "conf") {
            continue;
        }
        let text = fs::read(&path).expect("a file");
        let report = is_as_foretold(&Machine::new(), &text);
        let report = report.unwrap_or_else(|why| panic!("{}: {why}", path.display()));
        keeps_to(&schema, &report);
        for module in report["modules"].as_array().expect("modules") {
            for attempt in module["attempts"].as_array().expect("attempts") {
                let read = &attempt["read"];
                let is_explained = read["verdict"] != "fails" || read["rule"].is_string();
                assert!(is_explained, "{}: {read:#}", path.display());
            }
        }
        tried += 1;
    }
    println!("{tried} configurations of tutorials were tried");
    assert!(tried >= 20, "{tried}");
}

#[test]
fn what_is_foretold_happens_with_the_examples_of_all_pages() {
    let Some(release) = release_for_root() else { return };
    let pages = pages_of_files();
    let cases: Vec<_> = pages
        .iter()
        .flat_map(|page| page.cases.iter().map(move |case| (page, case)))
        .filter(|(_, case)| case.is_for(release))
        .collect();
    let (mut tried, mut failures) = (0, Vec::new());
    for outcome in at_once(4, &cases, |(page, case)| try_example(page, case)) {
        match outcome {
            Ok(is_tried) => tried += usize::from(is_tried),
            Err(why) => failures.push(why),
        }
    }
    println!("{} examples were tried", tried);
    assert!(failures.is_empty(), "{}\n{}", failures.join("\n"), failures.len());
}
