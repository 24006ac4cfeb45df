//! Options that a daemon refuses, and that a client may leave out.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use serde_json::Value;

use super::remarks;
use crate::support::{
    daemon::{Daemon, Run, has_rsync, rsync},
    program::{folder, rsyncctl, stdout},
    threads::at_once,
};

/// A module of two files that anybody may read and write, with these lines.
fn served(root: &Path, lines: &str) -> Daemon {
    fs::create_dir_all(root.join("files/sub")).expect("folders");
    for name in ["files/one", "files/sub/two"] {
        fs::write(root.join(name), "text\n").expect("a file");
    }
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let path = root.join("files").display().to_string();
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "uid = {user}\ngid = {group}\nuse chroot = no\nreverse lookup = no\nread only = no\n[data]\npath = {path}\n{lines}\n"
    );
    fs::write(&configuration, text).expect("a file");
    Daemon::start(&configuration, &Run::default())
}

/// A client without it works, and so does the probe; a client with it is told.
#[test]
fn a_refused_option_is_left_out_and_told() {
    if !has_rsync() {
        return;
    }
    let cases = [
        "times",
        "perms",
        "links",
        "recursive",
        "owner",
        "compress",
        "dry-run",
        "a d",
    ];
    at_once(4, &cases, |refused| {
        let folder = folder(&[]);
        let daemon = served(folder.path(), &format!("refuse options = {refused}"));
        let target = format!("rsync://127.0.0.1:{}/data", daemon.port());
        let here = folder.path().join("here").display().to_string();
        let real = [format!("{target}/one"), here];
        let real = rsync(&real, None);
        assert_eq!(real.status.code(), Some(0), "{refused}: {real:?}");
        let output = rsyncctl(folder.path(), &["probe", &target]);
        assert_eq!(output.status.code(), Some(0), "{refused}: {output:?}");
        let first = stdout(&output).lines().next().unwrap_or_default().to_owned();
        assert!(first.contains("works without --"), "{refused}: {first}");
        let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert!(remarks(&report).contains(&"RSY887"), "{refused}: {report:#}");
        assert!(
            !report.to_string().contains("\"severity\":\"error\""),
            "{refused}: {report:#}"
        );
        // Trees are what is written.
        let output = rsyncctl(
            folder.path(),
            &["probe", "--push", "--format", "concise", &target],
        );
        let may_write = !refused.contains("recursive");
        assert_eq!(output.status.code(), Some(0), "{refused}: {output:?}");
        assert!(
            !may_write || stdout(&output).contains("works without"),
            "{refused}: {output:?}"
        );
        let output = rsyncctl(folder.path(), &["try", "rsyncd.conf"]);
        assert_eq!(output.status.code(), Some(0), "{refused}: {output:?}");
        assert!(
            stdout(&output).contains("of 1 module, 1 works"),
            "{refused}: {output:?}"
        );
        drop(daemon);
    });
}

/// The probe hangs up on a daemon that has refused; it counts the connection for as long as it sleeps then.
#[test]
fn a_refusal_is_not_waited_for_in_vain() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[]);
    let lock = folder.path().join("lock").display().to_string();
    let lines = format!("refuse options = times perms\nmax connections = 1\nlock file = {lock}");
    let daemon = served(folder.path(), &lines);
    let target = format!("rsync://127.0.0.1:{}/data", daemon.port());
    let output = rsyncctl(folder.path(), &["probe", &target]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = stdout(&output);
    let last = told.lines().next_back().unwrap_or_default();
    assert!(
        last.starts_with("do next: run rsync without --times, --perms"),
        "{told}"
    );
}

/// Nobody told the probe to leave an option out of the user's own command line.
#[test]
fn a_command_line_keeps_its_options() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[]);
    let daemon = served(folder.path(), "refuse options = times");
    let line = format!("rsync -rt rsync://127.0.0.1:{}/data/ here/", daemon.port());
    let output = rsyncctl(folder.path(), &["probe", "--reproduce", &line]);
    assert!(matches!(output.status.code(), Some(4 | 10)), "{output:?}");
    assert!(
        stdout(&output).contains("the daemon refuses `--times` (RSY887)"),
        "{output:?}"
    );
}

/// `rsync -a` asks for owners, and so meets what turns their names.
#[test]
fn owners_are_asked_for() {
    if !has_rsync() {
        return;
    }
    let script =
        "#!/bin/sh\nwhile read -r line; do echo \"$line\" >> \"$(dirname \"$0\")/asked\"; echo; done\n";
    let folder = folder(&[("converter", script)]);
    let converter = folder.path().join("converter");
    fs::set_permissions(&converter, fs::Permissions::from_mode(0o755)).expect("a mode");
    let daemon = served(
        folder.path(),
        &format!("name converter = {}", converter.display()),
    );
    let target = format!("rsync://127.0.0.1:{}/data", daemon.port());
    let output = rsyncctl(folder.path(), &["probe", &target]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let asked = fs::read_to_string(folder.path().join("asked")).expect("what it was asked");
    assert!(asked.contains("uid "), "{asked}");
}
