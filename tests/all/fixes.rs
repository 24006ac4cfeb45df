//! Fixes cure what they say, once and for all, and nothing else.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use rsyncctl::{
    catalog::{Safety, Severity, page},
    diagnosis::Finding,
    lint::{Report, fixed},
};

use crate::{
    pages::check,
    support::{
        examples::{ExampleCase, pages_of_files},
        page::Fix,
        program::{folder, rsyncctl, stderr, stdout},
    },
};

#[test]
fn every_fix_cures_its_example_and_brings_nothing_new() {
    for page in pages_of_files() {
        let id = &page.page.id;
        let mut seen = false;
        for case in page.cases.iter().filter(|case| case.is_bad()) {
            let Some(mut before) = check(&page, case) else {
                continue;
            };
            before.findings.retain(|finding| finding.page.id == *id);
            for finding in &before.findings {
                let Some(fix) = &finding.fix else { continue };
                seen = true;
                let declared = match page.page.fix {
                    Some(Fix::Safe) => Safety::Safe,
                    Some(Fix::Unsafe) => Safety::Unsafe,
                    None => panic!("{id} has a fix and does not declare it"),
                };
                assert!(
                    declared == Safety::Unsafe || fix.safety == Safety::Safe,
                    "{id} is less safe than declared"
                );
            }
            if before.findings.iter().all(|finding| finding.fix.is_none()) {
                continue;
            }
            let unfixable = before
                .findings
                .iter()
                .filter(|finding| finding.fix.is_none())
                .count();
            let mut case = cured(&before, case);
            let all_before =
                counts(&check(&page, &case_of(&page.cases, &case.role)).expect("checked before"));
            let mut after = check(&page, &case).expect("checked before");
            // What a cause has hidden may be found once it is gone.
            let hides = before.findings.iter().any(|finding| !finding.explains.is_empty());
            for (rule, count) in counts(&after).into_iter().filter(|_| !hides) {
                // The switch that the tutorials write begins to work, and is one to be warned of.
                let is_meant = (id.as_str(), rule) == ("RSY102", "RSY606");
                assert!(
                    is_meant || count <= all_before.get(rule).copied().unwrap_or(0),
                    "{id} {}: {rule} is new",
                    case.role
                );
            }
            after.findings.retain(|finding| finding.page.id == *id);
            // Fixes that touch the same bytes take several rounds.
            for _ in 0..5 {
                case = cured(&after, &case);
                after = check(&page, &case).expect("checked before");
                after.findings.retain(|finding| finding.page.id == *id);
            }
            assert_eq!(after.findings.len(), unfixable, "{id} {} is not cured", case.role);
            assert!(
                fixed(&after.sources, &all(&after), Safety::Unsafe).is_empty(),
                "{id} never ends"
            );
        }
        if page.page.proof.is_none() {
            assert_eq!(
                seen,
                page.page.fix.is_some(),
                "{id} declares a fix that no example shows"
            );
        }
    }
}

fn all(report: &Report) -> Vec<&Finding> {
    report.findings.iter().collect()
}

fn case_of(cases: &[ExampleCase], role: &str) -> ExampleCase {
    let case = cases.iter().find(|case| case.role == role).expect("the case");
    ExampleCase {
        role: case.role.clone(),
        blocks: case.blocks.clone(),
    }
}

/// The example with the fixes of a report applied.
fn cured(report: &Report, case: &ExampleCase) -> ExampleCase {
    let mut blocks = case.blocks.clone();
    for (source, bytes) in fixed(&report.sources, &all(report), Safety::Unsafe) {
        let name = report.sources.get(source).name();
        let block = blocks
            .iter_mut()
            .find(|block| block.path.as_deref().unwrap_or(&block.kind) == name);
        block.expect("a block of that name").text = bytes;
    }
    ExampleCase {
        role: case.role.clone(),
        blocks,
    }
}

/// How many findings of each rule there are. What is only mentioned may be so of a line that begins to work.
fn counts(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let told = report.findings.iter();
    for finding in told.filter(|finding| finding.severity >= Severity::Warning) {
        *counts.entry(finding.page.id).or_default() += 1;
    }
    counts
}

#[test]
fn fix_keeps_mode_and_link_and_changes_only_what_it_must() {
    let before = "# my daemon\r\n[data]\r\npath = /srv/data\r\nhosts alow = 192.0.2.7\r\n";
    let folder = folder(&[("rsyncd.conf", before)]);
    let file = folder.path().join("rsyncd.conf");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("a mode");
    symlink("rsyncd.conf", folder.path().join("link-rsyncd.conf")).expect("a link");

    let output = rsyncctl(&folder, &["lint", "link-rsyncd.conf", "--diff", "--fix=unsafe"]);
    assert!(
        stdout(&output).contains("-hosts alow = 192.0.2.7"),
        "{}",
        stdout(&output)
    );
    assert!(
        stdout(&output).contains("+hosts allow = 192.0.2.7"),
        "{}",
        stdout(&output)
    );
    assert_eq!(fs::read_to_string(&file).expect("the file"), before);

    assert_eq!(
        rsyncctl(&folder, &["lint", "link-rsyncd.conf", "--fix"])
            .status
            .code(),
        Some(1)
    );
    assert_eq!(fs::read_to_string(&file).expect("the file"), before);

    let output = rsyncctl(&folder, &["lint", "link-rsyncd.conf", "--fix=unsafe"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(
        fs::read_to_string(&file).expect("the file"),
        before.replace("hosts alow", "hosts allow")
    );
    assert_eq!(
        fs::metadata(&file).expect("metadata").permissions().mode() & 0o777,
        0o640
    );
    assert!(
        fs::symlink_metadata(folder.path().join("link-rsyncd.conf"))
            .expect("a link")
            .is_symlink()
    );
}

#[test]
fn diffs_of_files_with_passwords_are_not_shown() {
    let folder = folder(&[("rsync.pass", "joe:not-a-real-password\n")]);
    let output = rsyncctl(
        &folder,
        &[
            "lint",
            "rsync.pass",
            "--kind",
            "password",
            "--diff",
            "--fix=unsafe",
        ],
    );
    assert!(
        stdout(&output).contains("rsync.pass: would change"),
        "{}",
        stdout(&output)
    );
    assert!(!stdout(&output).contains("not-a-real"));
}

#[test]
fn settings_choose_rules_and_severities() {
    let folder = folder(&[
        (
            "rsyncd.conf",
            "[data]\npath = /srv/data\nignore errors\nread only = on\nhosts allow = ::1\n",
        ),
        (
            "rsyncctl.toml",
            "ignore = [\"RSY2\", \"RSY5\", \"RSY6\"]\n[severity]\nline-without-equals = \"info\"\n",
        ),
    ]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--format", "concise"]);
    assert!(
        stdout(&output).contains("rsyncd.conf:3:1: info RSY102"),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(0));
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--no-settings"]);
    assert_eq!(output.status.code(), Some(1));
    fs::write(folder.path().join("rsyncctl.toml"), "ignored = []\n").expect("a file");
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        error.contains("rsyncctl.toml: line 1: unknown field `ignored`"),
        "{error}"
    );
    assert!(page("RSY102").is_some());
}

#[test]
fn a_cure_that_does_harm_is_left_out_and_told() {
    let module = |n: usize| format!("[m{n}]\npath = /srv/{n}\nhosts alow = 192.0.2.7\n");
    let mut text: String = (0..40).map(module).collect();
    // The switch begins to work, and is one to be warned of.
    text += "[bad]\npath = /srv/bad\nread only = no\nhosts allow = 192.0.2.7\nignore errors\n";
    text.extend((40..80).map(module));
    let folder = folder(&[("rsyncd.conf", &text)]);
    let left_out =
        "rsyncctl: rsyncd.conf:125: the cure of RSY102 is left out, because it would bring RSY606\n";
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--diff", "--fix=unsafe"]);
    assert_eq!(stderr(&output), left_out);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--fix=unsafe"]);
    assert_eq!(
        stderr(&output),
        format!("rsyncctl: 1 of 1 files changed\n{left_out}")
    );
    let after = fs::read_to_string(folder.path().join("rsyncd.conf")).expect("the file");
    assert_eq!(after, text.replace("alow", "allow"));
}

#[test]
fn a_file_of_several_names_is_not_torn_apart() {
    let before = "[data]\npath = /srv/data\nhosts alow = 192.0.2.7\n";
    let folder = folder(&[("rsyncd.conf", before), ("other.rsyncd.conf", before)]);
    let (first, second) = (folder.path().join("rsyncd.conf"), folder.path().join("second"));
    fs::hard_link(&first, &second).expect("a second name");
    let output = rsyncctl(&folder, &["lint", ".", "--fix=unsafe"]);
    let error = stderr(&output);
    assert!(
        error.contains("`./rsyncd.conf` is not changed: it has 2 names (hard links)"),
        "{error}"
    );
    assert!(error.contains("1 of 2 files changed"), "{error}");
    assert_eq!(fs::read_to_string(&first).expect("the file"), before);
    let other = fs::read_to_string(folder.path().join("other.rsyncd.conf")).expect("the file");
    assert_eq!(other, before.replace("alow", "allow"));
    // What was not cured is still reported.
    assert!(
        stdout(&output).contains("[./rsyncd.conf:3:1]"),
        "{}",
        stdout(&output)
    );
    assert!(
        !stdout(&output).contains("[./other.rsyncd.conf:3:1]"),
        "{}",
        stdout(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn standard_input_is_not_fixed_and_nothing_else_is_then() {
    let before = "[data]\npath = /srv/data\nhosts alow = 192.0.2.7\n";
    let folder = folder(&[("rsyncd.conf", before)]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "-", "--fix=unsafe"]);
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        stderr(&output),
        "rsyncctl: standard input cannot be fixed; --diff shows what would change\n"
    );
    assert_eq!(
        fs::read_to_string(folder.path().join("rsyncd.conf")).expect("the file"),
        before
    );
}

/// A cure moves lines; what is left out is told by its line in the file as it is.
#[test]
fn lines_are_those_of_the_file_as_it_is() {
    let text = "timeout = 60 # one\nmax connections = 4\n[data]\npath = /srv/data\nread only = no\n\
                hosts allow = 192.0.2.7\nignore errors\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let told = |arguments: &[&str]| {
        let output = rsyncctl(
            &folder,
            &[&["lint", "rsyncd.conf", "--fix=unsafe"], arguments].concat(),
        );
        stderr(&output)
    };
    let left_out = "rsyncd.conf:7: the cure of RSY102 is left out";
    let error = told(&["--diff"]);
    assert!(error.contains(left_out), "{error}");
    let path = folder.path().join("rsyncd.conf");
    fs::hard_link(&path, folder.path().join("second")).expect("a second name");
    let error = told(&[]);
    assert!(
        error.contains("is not changed") && error.contains(left_out),
        "{error}"
    );
    fs::remove_file(folder.path().join("second")).expect("the second name");
    let error = told(&[]);
    assert!(
        error.contains("rsyncd.conf:8: the cure of RSY102 is left out"),
        "{error}"
    );
}

#[test]
fn a_mistake_in_the_settings_has_a_place() {
    let folder = folder(&[("here/rsyncd.conf", "[data]\npath = /srv/data\n")]);
    for (settings, error) in [
        (
            "fail-on = \"error\"\nignore = [\"RSY6\", \"RSY9999\"]\n",
            "rsyncctl.toml: line 2: no rule is called `RSY9999`",
        ),
        (
            "select = [\n\"no-timeouts\"]\n",
            "rsyncctl.toml: line 2: no rule is called `no-timeouts`; did you mean RSY601",
        ),
        (
            "[severity]\n\nRSY9999 = \"info\"\n",
            "rsyncctl.toml: line 3: no rule is called `RSY9999`",
        ),
        (
            "select = \"RSY3\"\n",
            "rsyncctl.toml: line 1: this is a list, even of one rule: write `[\"RSY3\"]`",
        ),
    ] {
        fs::write(folder.path().join("rsyncctl.toml"), settings).expect("a file");
        let output = rsyncctl(&folder, &["lint", "here/rsyncd.conf"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains(error), "{}", stderr(&output));
    }
    let output = rsyncctl(&folder, &["lint", "--limit", "abc"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("write a number such as 20, or 0 for all"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn every_command_reads_for_the_release_of_the_settings() {
    let folder = folder(&[
        ("rsyncd.conf", "proxy protocol = yes\n[data]\npath = /srv/data\n"),
        ("rsyncctl.toml", "target-version = \"3.1.3\"\n"),
    ]);
    let release = |arguments: &[&str]| {
        let output = rsyncctl(&folder, &[arguments, &["--json"]].concat());
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        report["summary"]["release"].as_str().map(str::to_owned)
    };
    for command in ["lint", "config", "access"] {
        assert_eq!(
            release(&[command, "rsyncd.conf"]).as_deref(),
            Some("3.1.3"),
            "{command}"
        );
        let other = [command, "rsyncd.conf", "--target-version", "3.2.7"];
        assert_eq!(release(&other).as_deref(), Some("3.2.7"), "{command}");
        let none = [command, "rsyncd.conf", "--no-settings"];
        assert_eq!(release(&none).as_deref(), Some("3.5.0"), "{command}");
    }
    let compared = rsyncctl(&folder, &["access", "--compare", "rsyncd.conf", "rsyncd.conf"]);
    assert_eq!(compared.status.code(), Some(0), "{}", stderr(&compared));
    fs::write(folder.path().join("rsyncctl.toml"), "target = 3\n").expect("a file");
    assert_eq!(
        rsyncctl(&folder, &["config", "rsyncd.conf"]).status.code(),
        Some(2)
    );
}
