//! The audit of the rules: every mistake of the lists in `fixtures/coverage` is found, as a user would make it, and
//! nothing louder than a mention is said beside it.

use std::{collections::BTreeSet, fs, path::Path};

use rsyncctl::{
    catalog::{FileKind, Severity, page},
    host::NoHost,
    lint::{Input, lint},
};

use crate::support::{
    examples::{ExampleCase, pages, unescape},
    report::options,
};

const LISTS: &[&str] = &["claims.md", "review.md", "sersync.md", "severities.md"];

#[test]
fn every_mistake_of_the_lists_is_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/coverage");
    let mut wrong = Vec::new();
    let mut count = 0;
    for list in LISTS {
        let text = fs::read_to_string(folder.join(list)).expect("a list");
        for item in items(&text) {
            assert!(!item.cases.is_empty(), "{list}: `{}` has no example", item.title);
            for case in item.cases {
                count += 1;
                let place = format!("{list}: `{}`", item.title);
                wrong.extend(case.check().map(|mistake| format!("{place}: {mistake}")));
            }
        }
    }
    assert!(count > 150, "only {count} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

struct Item<'a> {
    title: &'a str,
    cases: Vec<Case<'a>>,
}

enum Case<'a> {
    /// Files, and what is found in them: `RSY201:3` is a rule and a line.
    Found(Vec<File<'a>>, BTreeSet<&'a str>),
    /// The page whose own examples show it.
    Page(&'a str),
    /// Nothing that stands in a file.
    Nothing,
}

struct File<'a> {
    kind: FileKind,
    is_part: bool,
    text: Vec<u8>,
    info: &'a str,
}

impl Case<'_> {
    /// What is wrong with the report, if anything is.
    fn check(&self) -> Option<String> {
        let (files, expected) = match self {
            Self::Found(files, expected) => (files, expected),
            Self::Page(id) => {
                let is_shown = pages()
                    .iter()
                    .any(|page| page.page.id == *id && page.cases.iter().any(ExampleCase::is_bad));
                return (!is_shown).then(|| format!("{id} shows nothing"));
            }
            Self::Nothing => return None,
        };
        let inputs = files
            .iter()
            .map(|file| Input {
                name: file.info.to_owned(),
                path: None,
                bytes: file.text.clone().into(),
                kind: file.kind,
                is_guess: false,
                host: &NoHost,
            })
            .collect();
        let mut options = options();
        if files.iter().any(|file| file.is_part) {
            options.ignore.extend(page("RSY901"));
        }
        let report = lint(inputs, &options);
        let mut found = BTreeSet::new();
        let mut loud = BTreeSet::new();
        for finding in &report.findings {
            let span = finding.labels[0].span;
            let line = report.sources.get(span.source).position(span.start as usize).line;
            let place = format!("{}:{line}", finding.page.id);
            found.insert(place.clone());
            if finding.severity >= Severity::Warning {
                loud.insert(place);
            }
        }
        let missing: Vec<_> = expected.iter().filter(|one| !found.contains(**one)).collect();
        let more: Vec<_> = loud
            .iter()
            .filter(|one| !expected.contains(one.as_str()))
            .collect();
        (!missing.is_empty() || !more.is_empty())
            .then(|| format!("missing {missing:?}, not expected {more:?} of {found:?}"))
    }
}

/// The headings of a list with their examples.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items: Vec<Item<'_>> = Vec::new();
    let mut files = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            assert!(files.is_empty(), "in front of `{title}` nothing is expected");
            items.push(Item {
                title,
                cases: Vec::new(),
            });
        } else if let Some(info) = line.strip_prefix("```") {
            files.push(file(info, lines.by_ref().take_while(|line| *line != "```")));
        }
        let Some(item) = items.last_mut() else {
            continue;
        };
        match line.split_once(' ') {
            Some(("fires", places)) => {
                let places = places.split_whitespace().collect();
                item.cases.push(Case::Found(std::mem::take(&mut files), places));
            }
            Some(("see", id)) => item.cases.push(Case::Page(id)),
            None if line == "nothing" => {
                item.cases
                    .push(Case::Found(std::mem::take(&mut files), BTreeSet::new()));
            }
            None if line == "none" => item.cases.push(Case::Nothing),
            _ => {}
        }
    }
    items
}

fn file<'a>(info: &'a str, lines: impl Iterator<Item = &'a str>) -> File<'a> {
    let mut words = info.split_whitespace();
    let kind = match words.next() {
        Some("rsyncd.conf") => FileKind::RsyncdConf,
        Some("secrets") => FileKind::Secrets,
        Some("password") => FileKind::Password,
        Some("sersync") => FileKind::Sersync,
        other => panic!("an example of the unknown kind {other:?}"),
    };
    let flags: Vec<&str> = words.collect();
    let mut text = Vec::new();
    for line in lines {
        if flags.contains(&"escapes") {
            text.extend(unescape(line));
        } else {
            text.extend(line.as_bytes());
        }
        text.push(b'\n');
    }
    File {
        kind,
        is_part: flags.contains(&"part"),
        text,
        info,
    }
}
