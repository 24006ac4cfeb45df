//! No output shows a password, or a part of one.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use rsyncctl::{catalog::Language, lint::Report, render::Format};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    pages::check,
    support::{
        examples::{ExampleCase, pages_of_files},
        program::{folder, folder_of_bytes, rsyncctl, stderr, stdout},
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

/// Neither the packed nor the unpacked bundle of a configuration does.
fn bundle_keeps(folder: &TempDir, configuration: &str, secrets: &[&str]) {
    let name = format!("{configuration}.tar.gz");
    let output = rsyncctl(folder, &["doctor", "--config", configuration, "--bundle", &name]);
    assert!(output.status.code() != Some(2), "{output:?}");
    let unpacked = Command::new("tar")
        .args(["--to-stdout", "-xzf"])
        .arg(folder.path().join(&name))
        .output();
    let unpacked = unpacked.expect("tar runs").stdout;
    assert!(!unpacked.is_empty());
    let text = String::from_utf8_lossy(&unpacked);
    for secret in secrets {
        assert!(!text.contains(secret), "{configuration}: {text}");
    }
    assert!(text.contains("\"schema\": \"rsyncctl/1\""), "{text}");
}

#[test]
fn no_bundle_shows_a_password_of_an_example() {
    let mut seen = 0;
    for page in pages_of_files() {
        for case in page.cases.iter().filter(|case| holds_password(case)) {
            let Some(configuration) = case.block("rsyncd.conf") else {
                continue;
            };
            seen += 1;
            let folder = folder_of_bytes(&[("rsyncd.conf", &configuration.text)]);
            let secrets = case.block("secrets").map(|block| block.text.clone());
            fs::write(folder.path().join("secrets"), secrets.unwrap_or_default()).expect("a file");
            bundle_keeps(&folder, "rsyncd.conf", &PARTS);
        }
    }
    assert!(seen > 3, "only {seen} configurations are beside a password");
}

#[test]
fn no_bundle_shows_a_password_of_the_tutorials() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tutorial");
    let mut seen = 0;
    for tutorial in fs::read_dir(root).expect("the tutorials") {
        let tutorial = tutorial.expect("a tutorial").path();
        if !tutorial.is_dir() {
            continue;
        }
        let folder = folder(&[]);
        let own = format!("{}/", folder.path().display());
        let mut configurations = Vec::new();
        for file in fs::read_dir(&tutorial).expect("a folder") {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if !path.is_file() {
                continue;
            }
            let bytes = fs::read(&path).expect("a file");
            // The secrets files are those of the tutorial.
            let placed: Vec<u8> = match str::from_utf8(&bytes) {
                Ok(text) => text.replace("/etc/", &own).into_bytes(),
                Err(_) => bytes,
            };
            if name.ends_with(".conf") {
                configurations.push(name.clone());
            }
            fs::write(folder.path().join(name), placed).expect("a file");
        }
        for configuration in configurations {
            seen += 1;
            bundle_keeps(&folder, &configuration, &PARTS);
        }
    }
    assert!(seen > 20, "only {seen} configurations");
}

/// People paste what they typed, passwords and all.
/// A line is cited where it is to blame, and may have a password in it by mistake.
#[test]
fn no_cited_line_shows_a_password() {
    let folder = folder(&[(
        "r.conf",
        "[m]\npath = /usr\nauth users = joe:not-a-secret-91, ann\nsecrets file = /etc/none\n",
    )]);
    let log = "2026/11/23 04:00:01 [12] auth failed on module m from h (192.0.2.7) for bob: no matching rule";
    for format in ["--json", "--format=human"] {
        let output = rsyncctl(folder.path(), &["explain", "--config", "r.conf", format, log]);
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(told.contains("auth users = joe:"), "{told}");
        assert!(!told.contains("not-a-secret-91"), "{told}");
    }
}

#[test]
fn no_probe_shows_a_password() {
    let address = "rsync://joe:not-a-real-one@127.0.0.1:1/data/";
    let lines = [
        format!("rsync -a {address} here/"),
        "rsync -a joe:not-a-real-one@127.0.0.1::data here/".to_owned(),
        "sshpass -p not-a-real-one rsync -a rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "SSHPASS=not-a-real-one sshpass -e timeout 9 rsync -a rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "echo not-a-real-one | rsync -a --password-file=- rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "rsync -a --password-file=<(echo not-a-real-one) rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "sudo RSYNC_PASSWORD=not-a-real-one rsync -a rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "RSYNC_PASSWORD='not-a-real one' rsync -a rsync://joe@127.0.0.1:1/data/ here/ --delate".to_owned(),
        "export RSYNC_PASSWORD=not-a-real-one; rsync -a rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "rsync -a -e 'sshpass -p not-a-real-one ssh' rsync://joe@127.0.0.1:1/data/ here/".to_owned(),
        "RSYNC_PASSWORD=not-a-real-one scp a b".to_owned(),
    ];
    for line in &lines {
        let folder = folder(&[("backup.sh", &format!("{line}\n"))]);
        for format in ["human", "concise", "json"] {
            for what in [line, "backup.sh:1"] {
                let words = [
                    "probe",
                    "--format",
                    format,
                    "--trace",
                    "trace",
                    "--metrics",
                    "metrics",
                    "--reproduce",
                    what,
                ];
                let output = rsyncctl(&folder, &words);
                assert_ne!(output.status.code(), Some(0), "{output:?}");
                keeps_secret(&folder, &output);
                // Whatever the format, it says the same.
                if format == "json" {
                    let output = rsyncctl(&folder, &["doctor", "--json", "--client", what]);
                    assert_ne!(output.status.code(), Some(0), "{output:?}");
                    keeps_secret(&folder, &output);
                }
            }
        }
    }
    for target in [address, "joe:not-a-real-one@127.0.0.1::data"] {
        let folder = folder(&[("targets", target)]);
        for words in [["probe", target].as_slice(), &["probe", "--targets", "targets"]] {
            let output = rsyncctl(&folder, words);
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert!(stderr(&output).contains("joe:****@127.0.0.1"), "{output:?}");
            keeps_secret(&folder, &output);
        }
    }
}

/// Neither the output nor a file that was written shows it.
fn keeps_secret(folder: &TempDir, output: &Output) {
    let mut texts = vec![stdout(output), stderr(output)];
    for name in ["trace", "metrics"] {
        texts.extend(fs::read_to_string(folder.path().join(name)));
    }
    for text in texts {
        assert!(!text.contains("not-a-real"), "{text}");
    }
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
