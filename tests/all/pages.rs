//! The examples of the pages: the bad ones fire where they are marked and nowhere else, the good ones are clean.

use std::{fs, path::Path};

use nix::unistd::User;
use rsyncctl::{
    catalog::{self, FileKind, Severity},
    host::{Host, Image, NoHost},
    lint::{Baseline, Input, Options, Place, Report, lint},
};

use crate::support::{
    examples::{ExampleCase, Marker, PageFile, pages_of_files},
    report::options,
    skip,
    stage::{Machine, is_root},
};

#[test]
fn bad_examples_fire_where_they_are_marked() {
    let mut wrong = Vec::new();
    for page in pages_of_files() {
        assert!(
            page.cases.iter().any(ExampleCase::is_bad),
            "{} has no bad example",
            page.page.id
        );
        for case in page.cases.iter().filter(|case| case.is_bad()) {
            let Some(report) = check(&page, case) else {
                continue;
            };
            let mut expected: Vec<_> = case
                .blocks
                .iter()
                .flat_map(|block| {
                    block
                        .markers
                        .iter()
                        .map(|marker| (file_name(block), marker.clone()))
                })
                .filter(|(_, marker)| marker.rule == page.page.id)
                .collect();
            let mut found = found(&report, &page.page.id);
            expected.sort();
            found.sort();
            if expected != found || expected.is_empty() {
                wrong.push(format!(
                    "{} {}: marked {expected:?}, found {found:?}",
                    page.page.id, case.role
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn good_examples_are_clean() {
    let mut wrong = Vec::new();
    for page in pages_of_files() {
        assert!(
            page.cases.iter().any(|case| !case.is_bad()),
            "{} has no good example",
            page.page.id
        );
        for case in page.cases.iter().filter(|case| !case.is_bad()) {
            let Some(report) = check(&page, case) else {
                continue;
            };
            for finding in &report.findings {
                if finding.page.id == page.page.id || finding.severity >= Severity::Warning {
                    let title = finding.title(catalog::Language::English);
                    wrong.push(format!(
                        "{} {}: {} {title}",
                        page.page.id, case.role, finding.page.id
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A reader who meets two words for a password looks for two things.
#[test]
fn a_password_has_one_word_in_chinese() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut left: Vec<_> = ["rules", "src", "README.md"].map(|name| root.join(name)).into();
    while let Some(path) = left.pop() {
        if path.is_dir() {
            let entries = fs::read_dir(path).expect("a folder");
            left.extend(entries.map(|entry| entry.expect("an entry").path()));
            continue;
        }
        let text = fs::read_to_string(&path).expect("a text");
        assert!(!text.contains("口令"), "{}", path.display());
    }
}

#[test]
fn every_placeholder_is_filled() {
    for page in pages_of_files() {
        for case in &page.cases {
            let Some(report) = check(&page, case) else {
                continue;
            };
            for finding in &report.findings {
                for language in [catalog::Language::English, catalog::Language::Chinese] {
                    let mut texts = vec![
                        finding.title(language),
                        finding.message(language),
                        finding.help(language),
                    ];
                    texts.extend(
                        finding
                            .labels
                            .iter()
                            .filter_map(|label| finding.label(label, language)),
                    );
                    texts.extend(finding.predictions(case.release()).flat_map(|symptom| {
                        let texts = [
                            symptom.client,
                            symptom.log,
                            Some(symptom.effect[language as usize]),
                        ];
                        texts.into_iter().flatten().map(|text| finding.filled(text))
                    }));
                    texts.extend(finding.commands().into_iter().map(Into::into));
                    for text in texts {
                        let unfilled = text.split('{').skip(1).any(|rest| {
                            let name = rest.split('}').next().unwrap_or_default();
                            !name.is_empty()
                                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
                        });
                        assert!(!unfilled, "{}: {text}", finding.page.id);
                    }
                }
            }
        }
    }
}

/// Checks an example on its staged machine; `None` where that needs root.
pub(crate) fn check(page: &PageFile, case: &ExampleCase) -> Option<Report> {
    let tree = page.page.proof.as_ref().map_or(&[][..], |proof| &proof.tree);
    if page.page.proof.is_some() && !is_root() {
        skip(&format!(
            "{} {} stages owners and modes, which needs root",
            page.page.id, case.role
        ));
        return None;
    }
    let machine = Machine::new();
    machine.image(tree, case);
    let image = Image::new(machine.root());
    let host: &dyn Host = if page.page.proof.is_some() {
        &image
    } else {
        &NoHost
    };
    let inputs = case
        .blocks
        .iter()
        .filter(|block| !matches!(&*block.kind, "baseline" | "file"))
        .filter(|block| block.path.is_none() || !matches!(&*block.kind, "rsyncd.conf" | "secrets"))
        .map(|block| Input {
            name: file_name(block),
            path: block.path.as_ref().map(Into::into),
            bytes: block.text.clone().into(),
            kind: kind(&block.kind),
            is_guess: false,
            host,
        })
        .collect();
    let mut options = options();
    if let Some(name) = case.daemon(page.page.proof.as_ref()) {
        let user = User::from_name(name)
            .expect("users")
            .expect("a user of this machine");
        options.circumstances.daemon_uid = user.uid.as_raw();
    }
    options.circumstances.from_release = case.origin();
    options.circumstances.release = case.release();
    if case.blocks.iter().any(|block| block.is_part) {
        options.ignore.extend(catalog::page("RSY901"));
    }
    let mut report = lint(inputs, &options);
    if let Some(block) = case.block("baseline") {
        compare(&block.text, &mut report, &options);
    }
    Some(report)
}

/// Applies an example's baseline, which lies beside the other files.
fn compare(text: &[u8], report: &mut Report, options: &Options) {
    let place = Place {
        name: "baseline",
        name_of: &str::to_owned,
        may_exist: &|file| file != "missing.conf",
    };
    let baseline = Baseline::parse(text).expect("a baseline");
    let compared = baseline.compare(report, options, &place);
    baseline.report_stale(&compared, text, report, options, &place);
}

fn file_name(block: &crate::support::examples::Block) -> String {
    block.path.clone().unwrap_or_else(|| block.kind.clone())
}

fn kind(name: &str) -> FileKind {
    match name {
        "rsyncd.conf" => FileKind::RsyncdConf,
        "secrets" => FileKind::Secrets,
        "password" => FileKind::Password,
        "sersync" => FileKind::Sersync,
        "systemd" => FileKind::Systemd,
        "xinetd" => FileKind::Xinetd,
        "inetd" => FileKind::Inetd,
        "environment" => FileKind::Environment,
        "crontab" => FileKind::Crontab,
        "script" => FileKind::Script,
        "dockerfile" => FileKind::Dockerfile,
        other => panic!("an example of the unknown kind `{other}`"),
    }
}

fn found(report: &Report, rule: &str) -> Vec<(String, Marker)> {
    report
        .findings
        .iter()
        .filter(|finding| finding.page.id == rule)
        .map(|finding| {
            let span = finding.labels[0].span;
            let source = report.sources.get(span.source);
            let start = source.position(span.start as usize);
            let end = source.position(span.end as usize);
            let marker = Marker {
                line: start.line,
                column: start.column,
                length: if end.line == start.line {
                    end.column - start.column
                } else {
                    0
                },
                rule: rule.to_owned(),
            };
            (source.name().to_owned(), marker)
        })
        .collect()
}
