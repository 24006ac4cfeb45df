//! A baseline keeps back what is known, survives moved lines, and only shrinks.

use std::{fs, path::Path, process::Output};

use crate::support::program::{folder, rsyncctl, stderr, stdout};

const BAD: &str = "[data]\npath = /srv/data\nread only = perhaps\nhosts allow = ::1\n[more]\npath = /srv/more\n\
                   read only = perhaps\nhosts allow = ::1\n";
const RULES: &str = "RSY202,RSY005";

/// Runs lint with a baseline on a file of the folder.
fn lint(folder: impl AsRef<Path>, more: &[&str]) -> Output {
    let common = ["lint", "etc", "--baseline", "known.txt", "--select", RULES];
    rsyncctl(folder, &[&common[..], more].concat())
}

fn known(folder: impl AsRef<Path>) -> String {
    fs::read_to_string(folder.as_ref().join("known.txt")).expect("the baseline")
}

fn set(folder: impl AsRef<Path>, text: &str) {
    fs::write(folder.as_ref().join("etc/rsyncd.conf"), text).expect("a file");
}

#[test]
fn what_is_known_is_not_shown_again() {
    let folder = folder(&[("etc/rsyncd.conf", BAD)]);
    let output = lint(&folder, &["--write-baseline"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(
        stderr(&output),
        "rsyncctl: known.txt: 2 findings, 2 of them new\n"
    );
    let text = known(&folder);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("rsyncctl baseline 1"));
    let entries: Vec<_> = lines.filter(|line| !line.starts_with('#')).collect();
    assert_eq!(entries.len(), 2, "{text}");
    assert!(entries.is_sorted() && entries.iter().all(|entry| entry.ends_with(" 1 etc/rsyncd.conf")));

    let output = lint(&folder, &[]);
    let report = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(
        report.contains("no findings, 2 kept back by the baseline"),
        "{report}"
    );
    let output = lint(&folder, &["--lang", "zh"]);
    assert!(stdout(&output).contains("2 个在基线里"), "{}", stdout(&output));
}

#[test]
fn lines_may_move_and_new_findings_are_shown() {
    let folder = folder(&[("etc/rsyncd.conf", BAD)]);
    lint(&folder, &["--write-baseline"]);
    set(&folder, &format!("# a note\n\ntimeout = 60\n{BAD}"));
    assert_eq!(lint(&folder, &[]).status.code(), Some(0));
    // The same line once more in the same module, and in another one.
    let again = "read only = perhaps\n";
    set(
        &folder,
        &format!("{BAD}{again}[third]\npath = /x\n{again}hosts allow = ::1\n"),
    );
    let output = lint(&folder, &["--format", "concise"]);
    let report = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{report}");
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 2, "{report}");
    assert!(
        lines[0].starts_with("etc/rsyncd.conf:9:13: error RSY202"),
        "{report}"
    );
    assert!(
        lines[1].starts_with("etc/rsyncd.conf:12:13: error RSY202"),
        "{report}"
    );
    // They get in only if that is asked for.
    let before = known(&folder);
    lint(&folder, &["--update-baseline"]);
    assert_eq!(known(&folder), before);
    let output = lint(&folder, &["--write-baseline"]);
    assert_eq!(
        stderr(&output),
        "rsyncctl: known.txt: 4 findings, 2 of them new\n"
    );
    assert_eq!(lint(&folder, &[]).status.code(), Some(0));
}

#[test]
fn what_is_gone_is_reported_and_taken_out() {
    let folder = folder(&[("etc/rsyncd.conf", BAD)]);
    lint(&folder, &["--write-baseline"]);
    set(&folder, &BAD.replacen("perhaps", "yes", 1));
    let output = lint(&folder, &["--format", "concise"]);
    let report = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(report.lines().count(), 1, "{report}");
    assert!(
        report.starts_with("known.txt:")
            && report.contains("RSY202 is not found in `etc/rsyncd.conf` any more"),
        "{report}"
    );
    let output = lint(&folder, &["--update-baseline"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert_eq!(stderr(&output), "rsyncctl: known.txt: 1 finding gone, 1 left\n");
    assert_eq!(
        known(&folder)
            .lines()
            .filter(|line| line.starts_with("RSY"))
            .count(),
        1
    );
    // A file that is gone takes its entries with it.
    fs::write(folder.path().join("etc/other.rsyncd.conf"), "").expect("a file");
    fs::remove_file(folder.path().join("etc/rsyncd.conf")).expect("a file");
    let report = stdout(&lint(&folder, &["--format", "concise"]));
    assert!(
        report.contains("`etc/rsyncd.conf` is not there any more"),
        "{report}"
    );
    lint(&folder, &["--update-baseline"]);
    assert!(!known(&folder).contains("\nRSY"), "{}", known(&folder));
}

#[test]
fn what_is_not_checked_stays() {
    let folder = folder(&[("etc/rsyncd.conf", BAD), ("etc/b.rsyncd.conf", BAD)]);
    lint(&folder, &["--write-baseline"]);
    let before = known(&folder);
    assert_eq!(
        before.lines().filter(|line| line.starts_with("RSY202")).count(),
        4
    );
    set(&folder, "");
    // Another file, and another rule.
    for arguments in [
        ["lint", "etc/b.rsyncd.conf", "--select", RULES],
        ["lint", "etc/rsyncd.conf", "--select", "RSY101,RSY005"],
    ] {
        for more in [&[][..], &["--update-baseline"], &["--write-baseline"]] {
            let output = rsyncctl(
                &folder,
                &[&arguments[..], &["--baseline", "known.txt"], more].concat(),
            );
            assert_eq!(output.status.code(), Some(0), "{more:?} {}", stdout(&output));
            assert_eq!(known(&folder), before);
        }
    }
    // What needs a machine is not gone where there is none.
    let more = "RSY402 0123456789abcdef 1 etc/b.rsyncd.conf\n";
    fs::write(folder.path().join("known.txt"), format!("{before}{more}")).expect("a file");
    let arguments = [
        "lint",
        "etc/b.rsyncd.conf",
        "--baseline",
        "known.txt",
        "--update-baseline",
    ];
    rsyncctl(&folder, &arguments);
    assert!(known(&folder).contains(more.trim_end()), "{}", known(&folder));
}

#[test]
fn cures_shrink_the_baseline() {
    let folder = folder(&[(
        "etc/rsyncd.conf",
        "[data]\npath = /srv/data\nignore errors\nhosts allow = ::1\nread only = perhaps\n",
    )]);
    let run = |more: &[&str]| {
        let common = [
            "lint",
            "etc",
            "--baseline",
            "known.txt",
            "--select",
            "RSY102,RSY202,RSY005",
        ];
        rsyncctl(&folder, &[&common[..], more].concat())
    };
    run(&["--write-baseline"]);
    assert_eq!(known(&folder).matches("\nRSY").count(), 2);
    let output = run(&["--fix=unsafe"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(
        stderr(&output).contains("known.txt: 1 finding gone, 1 left"),
        "{}",
        stderr(&output)
    );
    assert_eq!(known(&folder).matches("\nRSY").count(), 1);
    assert_eq!(run(&[]).status.code(), Some(0));
}

#[test]
fn settings_name_the_baseline() {
    let folder = folder(&[
        ("etc/rsyncd.conf", BAD),
        (
            "rsyncctl.toml",
            "baseline = \"ci/known.txt\"\nselect = [\"RSY202\", \"RSY005\"]\n",
        ),
    ]);
    fs::create_dir(folder.path().join("ci")).expect("a folder");
    let output = rsyncctl(&folder, &["lint", "etc"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("--write-baseline makes it"),
        "{}",
        stderr(&output)
    );
    // From wherever it is run.
    let inside = folder.path().join("etc");
    let output = rsyncctl(&inside, &["lint", "rsyncd.conf", "--write-baseline"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = fs::read_to_string(folder.path().join("ci/known.txt")).expect("the baseline");
    assert!(text.contains(" ../etc/rsyncd.conf\n"), "{text}");
    assert_eq!(rsyncctl(&folder, &["lint", "etc"]).status.code(), Some(0));
    assert_eq!(
        rsyncctl(&folder, &["lint", "./etc/rsyncd.conf"]).status.code(),
        Some(0)
    );
    assert_eq!(
        rsyncctl(&folder, &["lint", "etc", "--no-baseline"]).status.code(),
        Some(1)
    );
}

#[test]
fn a_broken_baseline_ends_with_2() {
    for (text, expected) in [
        ("", "line 1: the file is empty"),
        ("hello\n", "line 1: this is no baseline"),
        ("rsyncctl baseline 2\n", "line 1: the baseline has version `2`"),
        (
            "rsyncctl baseline 1\n\nRSY202 x 1 y\n",
            "line 3: expected `RULE FINGERPRINT COUNT FILE`",
        ),
        (
            "rsyncctl baseline 1\n<<<<<<< HEAD\n",
            "line 2: this is left over from a merge",
        ),
    ] {
        let folder = folder(&[("etc/rsyncd.conf", BAD), ("known.txt", text)]);
        for more in [&[][..], &["--write-baseline"], &["--update-baseline"]] {
            let output = lint(&folder, more);
            assert_eq!(output.status.code(), Some(2), "{text}");
            assert!(stderr(&output).contains(expected), "{}", stderr(&output));
            assert_eq!(known(&folder), text);
        }
    }
    let folder = folder(&[("rsyncd.conf", BAD)]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--write-baseline"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("give --baseline FILE"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn entries_of_both_sides_of_a_merge_are_read() {
    let folder = folder(&[("etc/rsyncd.conf", BAD)]);
    lint(&folder, &["--write-baseline"]);
    let text = known(&folder);
    let mut lines: Vec<_> = text.lines().collect();
    lines[1..].reverse();
    fs::write(folder.path().join("known.txt"), lines.join("\r\n")).expect("a file");
    assert_eq!(lint(&folder, &[]).status.code(), Some(0));
    lint(&folder, &["--update-baseline"]);
    assert_eq!(known(&folder), text);
}

#[test]
fn a_password_leaves_no_trace_in_a_baseline() {
    let baseline_of = |password: &str| {
        let folder = folder(&[("rsyncd.secrets", &format!("backup:{password} \n"))]);
        let arguments = [
            "lint",
            "rsyncd.secrets",
            "--baseline",
            "known.txt",
            "--write-baseline",
        ];
        rsyncctl(&folder, &arguments);
        known(&folder)
    };
    let text = baseline_of("not-a-real-password");
    assert!(text.contains("RSY322"), "{text}");
    assert_eq!(text, baseline_of("not-this-one-either"));
}

#[test]
fn a_link_that_leads_nowhere_is_not_replaced() {
    let folder = folder(&[("etc/rsyncd.conf", BAD)]);
    let link = folder.path().join("known.txt");
    std::os::unix::fs::symlink("gone.txt", &link).expect("a link");
    let output = lint(&folder, &["--write-baseline"]);
    assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
    let error = stderr(&output);
    assert!(
        error.contains("symlink to something that is not there"),
        "{error}"
    );
    assert!(link.is_symlink());
}
