//! Many targets, what is none, and where their reports go.

use std::{collections::BTreeSet, fs};

use super::peer;
use serde_json::Value;

use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    port::Closed,
    program::{folder, program, rsyncctl, stderr, stdout},
};

/// Each target has a report, in the order of the targets, and the highest code counts.
#[test]
fn many_targets_are_told_in_their_order() {
    let closed = Closed::new();
    let other = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let lines = format!("127.0.0.1:: # no port is named\n\nrsync://127.0.0.1:{other}/\n").repeat(40);
    let folder = folder(&[("list", &lines)]);
    let port = closed.port.to_string();
    let words = [
        "probe",
        "--targets",
        "list",
        "--port",
        &port,
        "--format",
        "concise",
        "--metrics",
        "probe.prom",
    ];
    let output = rsyncctl(folder.path(), &words);
    let told = stdout(&output);
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told.len(), 80, "{told:?}");
    assert!(
        told.iter()
            .step_by(2)
            .all(|line| line.contains("connect fails, code 10")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .skip(1)
            .step_by(2)
            .all(|line| line.contains("module list fails, code 5")),
        "{told:?}"
    );
    assert_eq!(output.status.code(), Some(10));
    let metrics = fs::read_to_string(folder.path().join("probe.prom")).expect("metrics");
    keeps_to_openmetrics(&metrics);
    for line in [
        "rsyncctl_probe_success{target=\"127.0.0.1::\"} 0".to_owned(),
        "rsyncctl_probe_exit_code{target=\"127.0.0.1::\"} 10".to_owned(),
        format!("rsyncctl_probe_exit_code{{target=\"rsync://127.0.0.1:{other}/\"}} 5"),
        "rsyncctl_probe_failure{target=\"127.0.0.1::\",stage=\"connect\",cause=\"RSY801\"} 1".to_owned(),
        format!("rsyncctl_probe_findings{{target=\"rsync://127.0.0.1:{other}/\",severity=\"warning\"}} 1"),
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
}

/// The rules of the text format that readers insist on: each name has its type first and its series together, each
/// series has one value, and the end is marked.
fn keeps_to_openmetrics(text: &str) {
    let lines = text.strip_suffix("# EOF\n").expect("an end").lines();
    let (mut name, mut names, mut series) = ("", BTreeSet::new(), BTreeSet::new());
    for line in lines {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            name = declared.strip_suffix(" gauge").expect("a gauge");
            assert!(names.insert(name), "{line}");
        } else if let Some(declared) = line.strip_prefix("# ") {
            assert_eq!(declared.split(' ').nth(1), Some(name), "{line}");
        } else {
            let (one, value) = line.rsplit_once(' ').expect("a value");
            assert!(
                one.starts_with(&format!("{name}{{")) && one.ends_with("\"}"),
                "{line}"
            );
            assert!(series.insert(one), "{line}");
            value.parse::<f64>().expect(line);
        }
    }
}

#[test]
fn what_is_no_target_is_refused() {
    let rubbish = "\0\u{1}\nrsync://host.example/m\nall of it\n/srv/data\n";
    let folder = folder(&[("empty", "# none yet\n\n"), ("rubbish", rubbish)]);
    for (words, expected) in [
        (&["/srv/data"][..], "is a path of this machine"),
        (&["host:/srv"], "is a path behind a remote shell"),
        (&["hello world"], "has a blank or an unprintable character"),
        (
            &["--targets", "rubbish"],
            "nor are 2 more lines targets, the next is line 3",
        ),
        (&["--reproduce", "cp a b"], "has no `rsync`"),
        (&["--reproduce", "rsync 'a"], "missing closing quote"),
        (&["--targets", "nowhere"], "cannot read `nowhere`"),
        (&["--targets", "empty"], "`empty` names no target"),
    ] {
        let output = rsyncctl(folder.path(), &[&["probe"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            stderr(&output).contains(expected),
            "{words:?}: {}",
            stderr(&output)
        );
    }
}

/// A report that could not be written is no success; a reader that went away early has read enough.
#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = format!("rsync://127.0.0.1:{}/", peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n"));
    for format in ["human", "concise", "json"] {
        let words = ["probe", "--format", format, &target];
        let full = fs::File::options().write(true).open("/dev/full").expect("it");
        let output = program(folder.path(), &words)
            .stdout(full)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("No space left on device"), "{output:?}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program(folder.path(), &words)
            .stdout(writer)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(stderr(&output), "");
    }
}

/// A list may be long: what is no target in it is named with its line.
#[test]
fn a_line_that_is_no_target_is_named() {
    let folder = folder(&[("targets", "# ours\nhost.example::data\n\n/srv/data\n")]);
    let output = rsyncctl(folder.path(), &["probe", "--targets", "targets"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let expected = "line 4 of `targets`: `/srv/data` is a path of this machine";
    assert!(stderr(&output).contains(expected), "{output:?}");
}

/// A path that begins with a slash names no module: rsync refuses it once it has been greeted.
#[test]
fn a_slash_too_many_names_no_module() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("rsyncd.conf", "use chroot = no\n[m]\npath = /\n")]);
    let daemon = Daemon::start(&folder.path().join("rsyncd.conf"), &Run::default());
    let port = daemon.port().to_string();
    let url = format!("rsync://127.0.0.1:{port}//m");
    for words in [
        &[&*url][..],
        &["--port", &port, "127.0.0.1::/m"],
        &["--config", "rsyncd.conf", &url],
    ] {
        let words = [&["probe", "--json"], words].concat();
        let output = rsyncctl(folder.path(), &words);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(5), "{report:#}");
        assert_eq!(report["diagnoses"][0]["rule"], "RSY873", "{report:#}");
    }
}

/// What some editors put in front of a file is no part of its first target.
#[test]
fn a_byte_order_mark_is_no_part_of_a_target() {
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let folder = folder(&[("list", &format!("\u{feff}rsync://127.0.0.1:{port}/\n"))]);
    let words = [
        "probe",
        "--targets",
        "list",
        "--format",
        "concise",
        "--metrics",
        "-",
    ];
    let output = rsyncctl(folder.path(), &words);
    assert_eq!(output.status.code(), Some(5), "{output:?}");
    assert!(stdout(&output).ends_with("# EOF\n"), "{output:?}");
    assert!(!folder.path().join("-").exists());
    let output = rsyncctl(folder.path(), &["probe", "--really", "127.0.0.1::"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(stderr(&output).contains("--reproduce"), "{output:?}");
}

/// Several modules of one daemon share its limit of connections, and none of ours fails by another one of ours.
#[test]
fn probes_of_one_daemon_wait_for_each_other() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("data/one", "text\n")]);
    let root = folder.path();
    let modules = (0..12).map(|number| format!("[m{number}]\npath = {}/data\n", root.display()));
    let text = format!(
        "use chroot = no\nreverse lookup = no\nmax connections = 2\nlock file = {}/lock\n{}",
        root.display(),
        modules.collect::<String>()
    );
    fs::write(root.join("rsyncd.conf"), text).expect("a file");
    let daemon = Daemon::start(&root.join("rsyncd.conf"), &Run::default());
    let targets = (0..12).map(|number| format!("rsync://127.0.0.1:{}/m{number}\n", daemon.port()));
    fs::write(root.join("list"), targets.collect::<String>()).expect("a file");
    let output = rsyncctl(root, &["probe", "--targets", "list", "--format", "concise"]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}
