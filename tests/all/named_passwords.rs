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

/// In a tree that stands for a machine's root the file is reported by the path at which we find it.
#[test]
fn a_file_below_another_root_is_reported_where_it_is() {
    let push = "#!/bin/sh\nrsync -a --timeout=60 --password-file=/etc/rsync.pass /a/ joe@192.0.2.1::b\n";
    let folder = folder(&[
        ("rt/push.sh", push),
        ("rt/etc/rsync.pass", "joe:not-a-real-one\n"),
    ]);
    let arguments = ["lint", "--root", "rt", "--format", "concise", "rt/push.sh"];
    let report = stdout(&rsyncctl(&folder, &arguments));
    assert!(report.contains("rt/etc/rsync.pass:1:1: "), "{report}");
    assert!(!report.lines().any(|line| line.starts_with("/etc/")), "{report}");
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
    assert_eq!(text.matches(" info RSY327").count(), 2, "{text}");
}

/// A colon is a letter like any other in a password, as long as nobody is called as what stands in front of it.
#[test]
fn a_password_may_have_a_colon() {
    let secret = ("rsync.pass", "x7:not-a-real-password\n");
    let daemon = |user: &str| format!("[data]\npath = /srv/data\nauth users = @staff, {user}:rw\n");
    let script = |user: &str| format!("#!/bin/sh\nrsync -a /srv/data/ {user}@192.0.2.9::data\n");
    let sersync = |user: &str| {
        format!(
            "<head version=\"2.5\"><host hostip=\"localhost\" port=\"8008\"></host><sersync><localpath watch=\"/srv\">\
             <remote ip=\"192.0.2.9\" name=\"data\"/></localpath><rsync><commonParams params=\"-az\"/>\
             <auth start=\"true\" users=\"{user}\" passwordfile=\"/etc/other.pass\"/></rsync></sersync></head>"
        )
    };
    let server = |user: &str| format!("{user}:another-fake-one\n");
    let found = |files: &[(&str, &str)]| {
        let folder = folder(files);
        let asked = [
            "lint", ".", "--host", "none", "--format", "concise", "--select", "RSY327",
        ];
        stdout(&rsyncctl(&folder, &asked))
    };
    assert!(found(&[secret]).contains(" info RSY327"));
    for (name, text) in [
        ("rsyncd.conf", &daemon as &dyn Fn(&str) -> String),
        ("push.sh", &script),
        ("confxml.xml", &sersync),
        ("rsyncd.secrets", &server),
    ] {
        let report = found(&[secret, (name, &text("x7"))]);
        assert!(
            report.contains("rsync.pass:1:1: warning RSY327"),
            "{name}: {report}"
        );
        let report = found(&[secret, (name, &text("joe"))]);
        assert!(report.contains("rsync.pass:1:1: info RSY327"), "{name}: {report}");
    }
}
