//! Command lines of users.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use super::peer;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, rsyncctl, stderr},
};

/// Only rsync's own part of a command line is carried out: where the rest would change what it does, nothing is.
#[test]
fn what_stands_around_a_command_line_is_not_passed_over() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("here/precious", "ours\n"),
        ("there/old", "theirs\n"),
        ("served/new", "new\n"),
    ]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = folder.path().join("rsyncd.conf");
    let served = folder.path().join("served");
    let text = format!("use chroot = no\n[m]\npath = {}\n", served.display());
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let here = folder.path().join("here");
    let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
    for (line, name) in [
        (format!("cd ../there && rsync -a --delete {target} ./"), "`cd`"),
        (format!("sudo -u nobody rsync -a --delete {target} ./"), "`sudo`"),
        (format!("rsync -a --delete {target} $DEST/"), "`$DEST/`"),
    ] {
        let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(name), "{output:?}");
        let names: Vec<_> = fs::read_dir(&here)
            .expect("a folder")
            .map(|one| one.expect("one").file_name())
            .collect();
        assert_eq!(names, ["precious"], "{line}");
    }
    let table = format!("0 4 * * * games rsync -a {target} ./\n5 4 * * * root rsync -a {target} ./ %input\n");
    fs::create_dir(here.join("cron.d")).expect("a folder");
    fs::write(here.join("cron.d/backup"), table).expect("a file");
    for (line, name) in [(1, "cron's user games"), (2, "cron's input behind %")] {
        let line = format!("cron.d/backup:{line}");
        let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(name), "{output:?}");
    }
    let line = format!("cd ../there && rsync -a {target} ./");
    let output = rsyncctl(&here, &["probe", "--reproduce", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stderr(&output).contains("not carried out, as it stands around the rsync command: `cd`"),
        "{output:?}"
    );
    let line = format!("rsync -a {target} ./ > log 2>&1 && echo ok | tee log");
    let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        here.join("new").exists() && !here.join("log").exists(),
        "{output:?}"
    );
}

/// The command line of a script or a crontab is the one that is typed.
#[test]
fn a_command_line_is_reproduced_where_it_stands() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let line = format!("rsync -a rsync://joe@$HOST:{port}/data/ \\\n  here/");
    let folder = folder(&[
        (
            "backup.sh",
            &format!("#!/bin/sh\nHOST=127.0.0.1\nexport RSYNC_PASSWORD=not-a-secret\n{line}\n"),
        ),
        (
            "backup.cron",
            &format!(
                "RSYNC_PASSWORD=not-a-secret\nHOST=127.0.0.1\n0 3 * * * {}\n",
                line.replace("\\\n", "")
            ),
        ),
    ]);
    for place in ["backup.sh:5", "backup.sh:4", "backup.cron:3"] {
        let output = rsyncctl(folder.path(), &["probe", "--json", "--reproduce", place]);
        let report: Value = serde_json::from_slice(&output.stdout).expect(place);
        assert_eq!(output.status.code(), Some(5), "{report:#}");
        assert_eq!(
            report["target"],
            format!("rsync -a rsync://joe@127.0.0.1:{port}/data/ here/"),
            "{report:#}"
        );
        assert_eq!(report["diagnoses"][0]["rule"], "RSY810", "{report:#}");
        assert!(!format!("{output:?}").contains("not-a-secret"), "{output:?}");
    }
    for (place, expected) in [
        ("backup.sh:1", "calls no rsync; it does so on 4"),
        ("backup.sh:9", "has no line 9"),
        ("none.sh:1", "FILE:LINE"),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", place]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
    }
}

/// An address that rsync reads otherwise than it is meant is told as that, with what to write; the password stays unsaid.
#[test]
fn an_address_that_rsync_misreads_is_named() {
    let folder = folder(&[]);
    for (address, code, rule, right) in [
        (
            "rsync://joe:hush@127.0.0.1:1/data/",
            255,
            "RSY785",
            "rsync://joe@127.0.0.1:1/data/",
        ),
        ("joe:hush@127.0.0.1::data/", 255, "RSY785", "joe@127.0.0.1::data/"),
        (
            "rsync://127.0.0.1:65537/data/",
            10,
            "RSY786",
            "rsync://127.0.0.1/data/",
        ),
    ] {
        let output = rsyncctl(folder.path(), &["probe", address]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(right), "{output:?}");
        assert!(!format!("{output:?}").contains("hush"), "{output:?}");
        let line = format!("rsync -a {address} here/");
        let output = rsyncctl(folder.path(), &["probe", "--json", "--reproduce", &line]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{report:#}");
        assert_eq!(report["diagnoses"][0]["rule"], rule, "{report:#}");
        assert!(
            report["diagnoses"][0]["remedy"]["help"]
                .to_string()
                .contains(right),
            "{report:#}"
        );
        assert!(!format!("{output:?}").contains("hush"), "{output:?}");
    }
}
