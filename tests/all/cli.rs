//! The program as a user runs it.

use std::{io::Write as _, process::Stdio};

use crate::support::program::{folder, program, rsyncctl, stdout};

#[test]
fn a_clean_file_ends_with_0() {
    let folder = folder(&[(
        "rsyncd.conf",
        "timeout = 600\nmax connections = 9\n[data]\npath = /srv/data\nhosts allow = 192.0.2.7\nlist = no\n",
    )]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).contains("no findings"));
}

#[test]
fn findings_end_with_1_unless_they_are_below_the_threshold() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\nignore errors\n")]);
    assert_eq!(rsyncctl(&folder, &["lint", "rsyncd.conf"]).status.code(), Some(1));
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--fail-on", "error"]);
    assert_eq!(output.status.code(), Some(0));
    let output = rsyncctl(
        &folder,
        &["lint", "rsyncd.conf", "--ignore", "line-without-equals"],
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_to_do() {
    let folder = folder(&[("notes.txt", "nothing of ours\n")]);
    for (arguments, text) in [
        (&["lint", "missing.conf"][..], "cannot read `missing.conf`"),
        (&["lint", "notes.txt"], "cannot tell what `notes.txt` is"),
        (&["lint", "--select", "RSY9999"], "no rule is called `RSY9999`"),
        (&["lint", "--select", "unknown-paramter"], "did you mean RSY101"),
        (&["lint", "--target-version", "three"], "is not an rsync release"),
        (
            &["lint", "--daemon-user", "no such user"],
            "the machine has no user `no such user`",
        ),
    ] {
        let output = rsyncctl(&folder, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(error.contains(text), "{arguments:?}: {error}");
    }
}

#[test]
fn who_starts_the_daemon_and_which_release_it_had_are_taken_into_account() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\ngid = 7\n")]);
    let lint = |arguments: &[&str]| {
        let fixed = ["lint", "rsyncd.conf", "--format", "concise"];
        stdout(&rsyncctl(&folder, &[&fixed[..], arguments].concat()))
    };
    assert_eq!(lint(&["--select", "RSY409,RSY701"]), "");
    let by_user = lint(&["--select", "RSY409", "--daemon-user", "1000"]);
    assert!(by_user.starts_with("rsyncd.conf:3:1: error RSY409"), "{by_user}");
    let upgrade = lint(&["--select", "RSY701", "--from-version", "3.2.6"]);
    assert!(upgrade.starts_with("rsyncd.conf:1:1: info RSY701"), "{upgrade}");
    let same = lint(&["--select", "RSY701", "--from-version", "3.5.0"]);
    assert_eq!(same, "");
}

#[test]
fn concise_is_one_line_a_finding() {
    let text = "[data]\npath = /srv/data\nread only = on\nhosts allow = ::1\n";
    let folder = folder(&[("rsyncd.conf", text)]);
    let output = rsyncctl(
        &folder,
        &[
            "lint",
            "rsyncd.conf",
            "--format",
            "concise",
            "--ignore",
            "RSY506,RSY6",
        ],
    );
    assert_eq!(
        stdout(&output),
        "rsyncd.conf:3:13: error RSY202 `on` is not a boolean, so `read only` stays `yes`\n"
    );
}

#[test]
fn standard_input_is_checked_under_a_name() {
    let folder = folder(&[]);
    let mut child = program(
        &folder,
        &[
            "lint",
            "-",
            "--stdin-name",
            "rsyncd.conf",
            "--format",
            "concise",
            "--ignore",
            "RSY6",
        ],
    )
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .spawn()
    .expect("the program runs");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(b"[data]\npath = /srv/data\nhost allow = ::1\n")
        .expect("written");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert!(
        stdout(&output).contains("rsyncd.conf:3:1: warning RSY101"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn what_is_not_checked_is_said_by_name() {
    let folder = folder(&[("rsyncd.conf", "[data]\npath = /srv/data\n")]);
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf"]);
    assert!(
        stdout(&output).contains("- /srv/data (RSY402, RSY405)"),
        "{}",
        stdout(&output)
    );
    let output = rsyncctl(&folder, &["lint", "rsyncd.conf", "--root", "."]);
    assert!(stdout(&output).contains("error RSY402"), "{}", stdout(&output));
}

#[test]
fn a_closed_pipe_is_a_quiet_success() {
    let folder = folder(&[]);
    let mut child = program(&folder, &["rules"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn pages_and_parameters_are_explained() {
    let folder = folder(&[]);
    for name in ["RSY101", "unknown-parameter"] {
        let output = rsyncctl(&folder, &["explain", name]);
        assert!(
            stdout(&output).starts_with("RSY101 unknown-parameter\n"),
            "{}",
            stdout(&output)
        );
    }
    let output = rsyncctl(&folder, &["explain", "hosts", "allow", "--lang", "zh"]);
    assert!(stdout(&output).starts_with("hosts allow\n"));
    assert_eq!(
        rsyncctl(&folder, &["explain", "no such thing"]).status.code(),
        Some(1)
    );
}
