//! Password files that scripts and cron tables name, on a machine that shows them.

use std::fs;

use crate::support::program::{folder, rsyncctl, stdout};

const SCRIPT: &str =
    "#!/bin/sh\nrsync -a --timeout=60 --password-file=/etc/rsync.pass /srv/data/ joe@192.0.2.9::data\n";

/// What is found in the files of a machine.
fn found(files: &[(&str, &str)], asked: &[&str]) -> String {
    let folder = folder(files);
    let root = folder.path().display().to_string();
    let arguments = [
        &[
            "lint", "--root", &root, "--format", "concise", "--select", "RSY327",
        ],
        asked,
    ]
    .concat();
    stdout(&rsyncctl(&folder, &arguments))
}

#[test]
fn the_file_that_a_script_names_is_read() {
    let secret = ("etc/rsync.pass", "joe:not-a-real-password\n");
    let script = found(&[("etc/push.sh", SCRIPT), secret], &["etc/push.sh"]);
    assert!(script.contains("rsync.pass:1:1: warning RSY327"), "{script}");
    let table = "0 3 * * * root rsync -a --password-file=/etc/rsync.pass /srv/data/ joe@192.0.2.9::data\n";
    let crontab = found(&[("etc/cron.d/backup", table), secret], &["etc/cron.d/backup"]);
    assert!(crontab.contains("rsync.pass:1:1: warning RSY327"), "{crontab}");
    let plain = ("etc/rsync.pass", "not-a-real-password\n");
    assert_eq!(found(&[("etc/push.sh", SCRIPT), plain], &["etc/push.sh"]), "");
}

/// Two clients may have the same password file; neither shows what the server has.
#[test]
fn a_copy_of_a_password_file_proves_nothing() {
    let folder = folder(&[]);
    for name in ["one.pass", "two.pass"] {
        fs::write(folder.path().join(name), "joe:not-a-real-password\n").expect("a file");
    }
    let arguments = [
        "lint", "one.pass", "two.pass", "--host", "none", "--format", "concise",
    ];
    let text = stdout(&rsyncctl(&folder, &arguments));
    assert!(!text.contains(" error "), "{text}");
    assert_eq!(text.matches(" warning RSY327").count(), 2, "{text}");
}
