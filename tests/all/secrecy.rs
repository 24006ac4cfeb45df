//! No output shows a password, or a part of one.

use std::fs;

use rsyncctl::{catalog::Language, lint::Report, render::Format};
use serde_json::Value;

use crate::{
    pages::check,
    support::{
        examples::{ExampleCase, pages_of_files},
        program::{folder, rsyncctl, stderr, stdout},
        report::write,
    },
};

/// Every password of the examples holds one of these.
const PARTS: [&str; 2] = ["not-a-real", "hush"];

#[test]
fn no_format_shows_a_password() {
    let mut masked = 0;
    for page in pages_of_files() {
        for case in page.cases.iter().filter(|case| holds_password(case)) {
            let Some(report) = check(&page, case) else {
                continue;
            };
            for text in every_format(&report) {
                keeps(&text, &page.page.id, case);
                masked += usize::from(text.contains("****"));
            }
        }
    }
    assert!(masked > 0, "no report shows a line of a secrets file at all");
}

#[test]
fn no_command_shows_a_password() {
    let mut seen = 0;
    for page in pages_of_files() {
        for case in page.cases.iter().filter(|case| holds_password(case)) {
            seen += 1;
            let folder = folder(&[("nothing", "")]);
            for block in &case.blocks {
                fs::write(folder.path().join(file_name(&block.kind)), &block.text).expect("a file");
            }
            let is_there = |kind: &str| case.block(kind).is_some();
            let mut commands = vec![
                vec!["lint", "."],
                vec!["lint", ".", "--diff", "--fix=unsafe"],
                vec!["lint", ".", "--diff", "--fix=unsafe", "--lang", "zh"],
            ];
            if is_there("rsyncd.conf") {
                commands.extend([
                    vec!["config", "rsyncd.conf"],
                    vec!["config", "rsyncd.conf", "--json", "--defaults"],
                    vec!["access", "rsyncd.conf"],
                    vec!["access", "rsyncd.conf", "--json"],
                    vec![
                        "access",
                        "rsyncd.conf",
                        "--from",
                        "::1",
                        "--user",
                        "backup",
                        "--trace",
                    ],
                    vec!["access", "rsyncd.conf", "--from", "::1", "--json"],
                    vec!["access", "--compare", "rsyncd.conf", "nothing"],
                    vec!["access", "--compare", "nothing", "rsyncd.conf"],
                ]);
            }
            commands.push(vec!["lint", ".", "--fix=unsafe"]);
            for arguments in commands {
                let output = rsyncctl(&folder, &arguments);
                keeps(&stdout(&output), &page.page.id, case);
                keeps(&stderr(&output), &page.page.id, case);
            }
        }
    }
    assert!(seen > 10, "only {seen} examples hold a password");
}

#[test]
fn words_of_a_comment_are_no_passwords_elsewhere() {
    let folder = folder(&[
        (
            "rsyncd.conf",
            "[backup]\npath = /srv/backup\ncommments = ours\nhosts allow = 192.0.2.7\nauth users = joe\n\
             secrets file = /etc/rsyncd.secrets\n",
        ),
        (
            "rsyncd.secrets",
            "# backup\n# comment\n# joe\n#ann:not-a-real-one\njoe:not-a-real-other\n",
        ),
    ]);
    let report = stdout(&rsyncctl(&folder, &["lint", ".", "--format", "concise"]));
    assert!(report.contains("module `backup`"), "{report}");
    assert!(report.contains("`commments`"), "{report}");
    // A commented line with a password is one all the same.
    let text = "[backup]\npath = /srv/backup\nauth users = joe\nsecrets file = not-a-real-one\n";
    fs::write(folder.path().join("rsyncd.conf"), text).expect("a file");
    let report = stdout(&rsyncctl(&folder, &["lint", ".", "--format", "json"]));
    assert!(
        report.contains("RSY320") && !report.contains("not-a-real"),
        "{report}"
    );
}

fn keeps(text: &str, rule: &str, case: &ExampleCase) {
    for part in PARTS {
        assert!(!text.contains(part), "{rule} {}:\n{text}", case.role);
    }
}

fn holds_password(case: &ExampleCase) -> bool {
    let mut texts = case
        .blocks
        .iter()
        .map(|block| String::from_utf8_lossy(&block.text));
    texts.any(|text| PARTS.iter().any(|part| text.contains(part)))
}

/// A name by which a file of that kind is recognised.
fn file_name(kind: &str) -> &str {
    match kind {
        "secrets" => "rsyncd.secrets",
        "password" => "rsync.pass",
        "sersync" => "confxml.xml",
        "script" => "backup.sh",
        kind => kind,
    }
}

fn every_format(report: &Report) -> Vec<String> {
    let formats = [
        Format::Concise,
        Format::Human,
        Format::Json,
        Format::Sarif,
        Format::Github,
        Format::Gitlab,
        Format::Junit,
        Format::Checkstyle,
    ];
    let languages = [Language::English, Language::Chinese];
    formats
        .into_iter()
        .flat_map(|format| languages.map(|language| (format, write(report, format, language, 0))))
        .map(|(format, text)| match format {
            Format::Sarif => results(&text),
            _ => text,
        })
        .collect()
}

/// SARIF without its description of the rules, which holds the pages and their examples.
fn results(sarif: &str) -> String {
    let mut sarif: Value = serde_json::from_str(sarif).expect("JSON");
    let run = sarif["runs"][0].as_object_mut().expect("a run");
    run.remove("tool").expect("the rules");
    sarif.to_string()
}
