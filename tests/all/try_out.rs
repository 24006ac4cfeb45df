//! Configurations on trial: a real daemon does with them what the report says.

mod empty;
mod ended;
mod foretold;
mod groups;
mod hooks;
mod ignored;
mod plain_user;
mod told;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Output};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    daemon::has_rsync,
    program::{folder, keeps_to, program, rsyncctl, schema, stderr, stdout, unprivileged},
    skip,
    stage::is_root,
};

/// Nothing of the trial may touch these, or ask a name service.
const HEAD: &str = "\
use chroot = no\nreverse lookup = no\nport = 8730\naddress = 127.0.0.9\n\
pid file = $ROOT/touched.pid\nlog file = $ROOT/touched.log\nlock file = $ROOT/touched.lock\n";

/// Root serves as somebody who may read the test's folder; who is not root may not say who serves.
const ROOT: &str = "uid = 0\ngid = 0\n";

const SECRETS: &str = "joe:not-a-secret\nann:not-a-password\nmax:no-word\njoe:another\n";

/// A folder with a configuration, two files to serve, and a secrets file.
fn stage(text: &str) -> TempDir {
    let folder = folder(&[
        ("files/a", "one\n"),
        ("files/sub/b", "two\n"),
        ("secrets", SECRETS),
        ("open-secrets", SECRETS),
    ]);
    let root = folder.path();
    for (name, mode) in [("", 0o755), ("secrets", 0o600), ("open-secrets", 0o644)] {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    write(
        root,
        "rsyncd.conf",
        &format!("{}{HEAD}{text}", if is_root() { ROOT } else { "" }),
    );
    fs::create_dir(root.join("tmp")).expect("a folder");
    folder
}

fn write(root: &Path, name: &str, text: &str) {
    let text = text.replace("$ROOT", &root.display().to_string());
    fs::write(root.join(name), text).expect("a file");
}

/// Tries the configuration of a folder, and looks that nothing is left of it.
fn tried(folder: &TempDir, arguments: &[&str]) -> Output {
    let root = folder.path();
    let arguments = [&["try", "rsyncd.conf"], arguments].concat();
    let mut command = program(root, &arguments);
    let output = command.env("TMPDIR", root.join("tmp")).output().expect("it runs");
    assert_untouched(root);
    output
}

/// No file of the trial is left, nor one that the configuration names, nor a daemon.
fn assert_untouched(root: &Path) {
    let left = fs::read_dir(root.join("tmp")).expect("a folder");
    let left: Vec<_> = left.map(|entry| entry.expect("an entry").path()).collect();
    assert!(left.is_empty(), "{left:?} is left");
    for name in [
        "touched.pid",
        "touched.log",
        "touched.lock",
        "touched.module",
        "hook",
    ] {
        assert!(!root.join(name).exists(), "{name} is touched");
    }
    assert_eq!(daemons(root), [], "a daemon is left");
}

/// The processes whose command line names a folder of the trial's, and who started them. Those that only wait to be
/// reaped have none.
fn daemons(root: &Path) -> Vec<(i32, i32)> {
    let name = root.join("tmp").display().to_string();
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let of_trial = ids.filter(|id| {
        let words = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&name)
    });
    of_trial
        .filter_map(|id| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            let behind_name = stat.rsplit_once(')')?.1;
            Some((id, behind_name.split_whitespace().nth(1)?.parse().ok()?))
        })
        .collect()
}

/// The same as JSON, which keeps to the schema and tells no password.
fn report(folder: &TempDir, arguments: &[&str]) -> (Value, i32) {
    let output = tried(folder, &[&["--json"], arguments].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    for password in ["not-a-secret", "not-a-password", "no-word", "another"] {
        assert!(!report.to_string().contains(password), "{report:#}");
    }
    (report, output.status.code().expect("it ends by itself"))
}

/// What came of a module: user, then the ends of both ways.
fn ends(report: &Value, module: &str) -> Vec<(Value, Value, Value)> {
    let modules = report["modules"].as_array().expect("modules");
    let module = modules.iter().find(|one| one["module"] == module);
    let attempts = module.expect("the module")["attempts"]
        .as_array()
        .expect("attempts");
    let of_attempt = |attempt: &Value| {
        let end = |way: &str| attempt[way]["end"].clone();
        (attempt["user"].clone(), end("read"), end("write"))
    };
    attempts.iter().map(of_attempt).collect()
}

const SOUND: &str = "\
[open]\npath = $ROOT/files\n\
[closed]\npath = $ROOT/files\nread only = no\nauth users = joe, ann:ro\nsecrets file = $ROOT/secrets\nmax connections = 1\n\
[hidden]\npath = $ROOT/files\nlist = no\nlog file = $ROOT/touched.module\n\
[drop]\npath = $ROOT/files\nread only = no\nwrite only = yes\npost-xfer exec = touch $ROOT/hook\n\
[shut]\npath = $ROOT/files\nmax connections = -1\n";

#[test]
fn a_sound_configuration_does_what_it_says() {
    if !has_rsync() {
        return;
    }
    let folder = stage(SOUND);
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 0, "{report:#}");
    assert_eq!(report["start"]["verdict"], "works", "{report:#}");
    assert_eq!(report["summary"]["works"], 4, "{report:#}");
    assert_eq!(report["summary"]["shut"], 1, "{report:#}");
    assert_eq!(report["diagnoses"], json!([]), "{report:#}");
    let end = |user: Value, read: &str, write: Value| (user, json!(read), write);
    for (module, expected) in [
        ("open", vec![end(Value::Null, "works", json!("no-writing"))]),
        (
            "closed",
            vec![
                end(json!("joe"), "works", json!("works")),
                end(json!("ann"), "works", json!("no-writing")),
                end(json!("max"), "no-login", Value::Null),
            ],
        ),
        ("hidden", vec![end(Value::Null, "works", json!("no-writing"))]),
        ("drop", vec![end(Value::Null, "no-reading", json!("works"))]),
        ("shut", vec![end(Value::Null, "shut", Value::Null)]),
    ] {
        assert_eq!(ends(&report, module), expected, "{module}: {report:#}");
    }
    let without_effect = report["without_effect"].as_array().expect("names");
    for name in [
        "port",
        "address",
        "pid file",
        "log file",
        "lock file",
        "post-xfer exec",
    ] {
        assert!(without_effect.contains(&json!(name)), "{name}: {report:#}");
    }
    // Connections are counted.
    assert!(!without_effect.contains(&json!("max connections")), "{report:#}");
}

/// A module that fails, the code that a client ends with, and the cause that is told.
const BROKEN: [(&str, &str, u8, &str); 8] = [
    ("gone", "path = $ROOT/nowhere\n", 5, "RSY402"),
    ("file", "path = $ROOT/files/a\n", 5, "RSY402"),
    ("pathless", "comment = nothing to serve\n", 5, "RSY401"),
    ("uid", "path = $ROOT/files\nuid = no-such-user\n", 5, "RSY407"),
    (
        "mode",
        "path = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/open-secrets\n",
        5,
        "RSY302",
    ),
    (
        "secretless",
        "path = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/no-secrets\n",
        5,
        "RSY312",
    ),
    (
        "nameless",
        "path = $ROOT/files\nauth users = eve\nsecrets file = $ROOT/secrets\n",
        5,
        "RSY315",
    ),
    ("#note", "path = $ROOT/files\n", 5, "RSY114"),
];

#[test]
fn what_is_broken_fails_and_is_explained() {
    if !has_rsync() {
        return;
    }
    let text: String = BROKEN
        .iter()
        .map(|(name, lines, ..)| format!("[{name}]\n{lines}"))
        .collect();
    let folder = stage(&format!("{text}[good]\npath = $ROOT/files\n"));
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 1, "{report:#}");
    assert_eq!(report["summary"]["fails"], BROKEN.len(), "{report:#}");
    assert_eq!(report["summary"]["works"], 1, "{report:#}");
    assert_eq!(report["summary"]["differs"], false, "{report:#}");
    for (name, _, exit, rule) in BROKEN {
        let modules = report["modules"].as_array().expect("modules");
        let module = modules.iter().find(|one| one["module"] == name).expect("it");
        let attempts = module["attempts"].as_array().expect("attempts");
        let mut reads = attempts.iter().map(|attempt| &attempt["read"]);
        let failed = reads.find(|read| read["verdict"] == "fails");
        let failed = failed.unwrap_or_else(|| panic!("{name}: {module:#}"));
        assert_eq!(failed["exit"], exit, "{name}: {module:#}");
        if name != "file" {
            assert_eq!(failed["rule"], rule, "{name}: {module:#}");
            assert_eq!(failed["foreseen"], true, "{name}: {module:#}");
        }
    }
}

#[test]
fn a_configuration_that_no_daemon_can_use_is_told() {
    if !has_rsync() {
        return;
    }
    let schema = schema("schemas/rsyncctl-1.schema.json");
    for (text, listens, rule) in [
        ("= x\n[a]\npath = /srv\n", false, "RSY104"),
        ("&include $ROOT/nowhere.d\n[a]\npath = /srv\n", false, "RSY106"),
        ("[a]\npath = /srv\n[b\npath = /srv\n", true, "RSY103"),
        ("[a]\npath = /srv\n&load $ROOT\n", true, "RSY105"),
        ("&include $ROOT/rsyncd.conf\n[a]\npath = /srv\n", false, "RSY107"),
        ("[a]\npath = /srv\n&merge $ROOT/rsyncd.conf\n", true, "RSY107"),
    ] {
        let folder = stage("");
        write(folder.path(), "rsyncd.conf", text);
        let output = tried(&folder, &["--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema, &report);
        assert_eq!(output.status.code(), Some(1), "{report:#}");
        let start = &report["start"];
        assert_eq!(start["verdict"], "fails", "{text}: {report:#}");
        assert_eq!(start["listens"], listens, "{text}: {report:#}");
        assert_eq!(start["foretold"]["listens"], listens, "{text}: {report:#}");
        assert_eq!(start["greets"], false, "{text}: {report:#}");
        let exit = match rule {
            // A signal.
            _ if listens => Value::Null,
            "RSY107" => Value::Null,
            _ => json!(1),
        };
        assert_eq!(start["exit"], exit, "{text}: {report:#}");
        assert_eq!(report["diagnoses"][0]["rule"], rule, "{text}: {report:#}");
        assert!(!report.to_string().contains("rsyncctl-try-"), "{report:#}");
    }
}

#[test]
fn commands_are_run_only_where_they_are_asked_for() {
    if !has_rsync() {
        return;
    }
    let folder = stage(
        "[m]\npath = $ROOT/files\nearly exec = touch $ROOT/hook\npre-xfer exec = touch $ROOT/hook; exit 7\n\
         name converter = touch $ROOT/hook\npost-xfer exec = touch $ROOT/hook\n",
    );
    let (report, code) = report(&folder, &[]);
    assert_eq!(code, 0, "{report:#}");
    let root = folder.path();
    let mut command = program(root, &["try", "rsyncd.conf", "--hooks", "--json"]);
    let output = command.env("TMPDIR", root.join("tmp")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(root.join("hook").exists(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["diagnoses"][0]["rule"], "RSY824", "{report:#}");
    let read = &report["modules"][0]["attempts"][0]["read"];
    assert_eq!(read["foreseen"], true, "{report:#}");
    assert_eq!(report["stayed"], json!([]), "{report:#}");
}

#[test]
fn included_files_are_served_too() {
    if !has_rsync() {
        return;
    }
    let folder = stage("&include modules\n&merge more.inc\n[last]\npath = files\n");
    let root = folder.path();
    fs::create_dir(root.join("modules")).expect("a folder");
    let module = |name: &str| format!("[{name}]\npath = $ROOT/files\nlog file = $ROOT/touched.module\n");
    // Behind a second file the globals are what they were in front of the first.
    for name in ["one", "two"] {
        write(root, &format!("modules/{name}.conf"), &module(name));
    }
    write(root, "more.inc", &module("three"));
    let directory = root.display().to_string();
    let (report, code) = report(&folder, &["--directory", &directory]);
    assert_eq!(code, 0, "{report:#}");
    for name in ["one", "two", "three", "last"] {
        assert_eq!(ends(&report, name)[0].1, "works", "{name}: {report:#}");
    }
}

#[test]
fn host_lists_are_tried_from_where_they_admit() {
    if !has_rsync() {
        return;
    }
    let folder = stage(
        "[lan]\npath = $ROOT/files\nhosts allow = 192.168.1.0/24\n\
         [six]\npath = $ROOT/files\nhosts allow = 2001:db8:1::/48\n\
         [one]\npath = $ROOT/files\nhosts allow = 10.0.0.7\nhosts deny = *\n\
         [nobody]\npath = $ROOT/files\nhosts deny = *\n",
    );
    let (told, code) = report(&folder, &[]);
    assert_eq!(code, 0, "{told:#}");
    for (index, (module, from, end)) in [
        ("lan", "192.168.1.1", "works"),
        ("six", "2001:db8:1::1", "works"),
        ("one", "10.0.0.7", "works"),
        ("nobody", "127.0.0.1", "no-entry"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(told["modules"][index]["from"], from, "{told:#}");
        assert_eq!(ends(&told, module)[0].1, end, "{module}: {told:#}");
    }
    assert_eq!(told["summary"]["not_tried"], 1, "{told:#}");
    // Who names a module wants to know of it.
    let (told, code) = report(&folder, &["--module", "lan", "--from", "192.168.2.1"]);
    assert_eq!(code, 3, "{told:#}");
    assert_eq!(ends(&told, "lan")[0].1, "no-entry", "{told:#}");
    assert_eq!(told["modules"].as_array().map(Vec::len), Some(1), "{told:#}");
    let (_, code) = report(&folder, &["--module", "lan", "--from", "192.168.1.9"]);
    assert_eq!(code, 0);
}

#[test]
fn a_trial_that_cannot_be_made_says_why() {
    let folder = stage("[Data]\npath = $ROOT/files\n");
    for (arguments, code, expected) in [
        (
            &["rsyncd.conf", "--rsync", "/nowhere/rsync"][..],
            3,
            "no rsync is found as `/nowhere/rsync`",
        ),
        (
            &["rsyncd.conf", "--rsync", "/bin/true"],
            3,
            "does not say which release of rsync it is",
        ),
    ] {
        let output = rsyncctl(folder.path(), &[&["try"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
        assert!(
            stderr(&output).contains(expected),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    if !has_rsync() {
        return;
    }
    for (arguments, expected) in [
        (&["nowhere.conf"][..], "cannot read `nowhere.conf`"),
        (
            &["rsyncd.conf", "--module", "data"],
            "clients must spell it `Data`",
        ),
        (
            &["rsyncd.conf", "--directory", "nowhere"],
            "is not a folder to start a daemon in",
        ),
    ] {
        let output = rsyncctl(folder.path(), &[&["try"], arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(
            stderr(&output).contains(expected),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn people_read_it_in_both_languages() {
    if !has_rsync() {
        return;
    }
    let folder = stage(SOUND);
    let english = stdout(&tried(&folder, &[]));
    assert!(
        english.starts_with("rsyncd.conf: of 5 modules, 1 is shut by `max connections`, 4 work"),
        "{english}"
    );
    assert!(
        english.contains("✓ closed  joe: may pull (2 files came), may push"),
        "{english}"
    );
    let chinese = stdout(&tried(&folder, &["--lang", "zh"]));
    assert!(chinese.starts_with("rsyncd.conf：共 5 个模块："), "{chinese}");
    assert!(
        chinese.contains("joe：可以拉取（取到 2 个文件），可以推送"),
        "{chinese}"
    );
    let concise = stdout(&tried(&folder, &["--format", "concise"]));
    let line = "rsyncd.conf: [closed] ann: may pull (2 files came), may not push (`read only`)";
    assert!(concise.lines().any(|one| one == line), "{concise}");
}

/// A daemon that does another thing than its configuration says: an rsync that is given more than the trial gives it.
#[test]
fn what_is_other_than_foretold_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[open]\npath = $ROOT/files\n[hidden]\npath = $ROOT/files\nlist = no\n");
    let root = folder.path();
    write(
        root,
        "rsync",
        "#!/bin/sh\nfor word; do case $word in --config=*)\n\
         printf '[open]\\nread only = no\\n[hidden]\\nlist = yes\\n' >> \"${word#--config=}\";;\n\
         esac; done\nexec rsync \"$@\"\n",
    );
    fs::set_permissions(root.join("rsync"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let program = root.join("rsync").display().to_string();
    let (told, code) = report(&folder, &["--rsync", &program]);
    assert_eq!(code, 1, "{told:#}");
    assert_eq!(told["summary"]["differs"], true, "{told:#}");
    let write = &told["modules"][0]["attempts"][0]["write"];
    assert_eq!(write["verdict"], "differs", "{told:#}");
    assert_eq!(write["foretold"], "no-writing", "{told:#}");
    assert_eq!(write["end"], "works", "{told:#}");
    assert_eq!(
        told["modules"][1]["listed"],
        json!({ "foretold": false, "is": true })
    );
    let told = stdout(&tried(&folder, &["--rsync", &program]));
    assert!(
        told.contains("! open    may pull (2 files came), may push; foretold was: may not push"),
        "{told}"
    );
    assert!(told.contains("is listed; foretold was that it is not"), "{told}");
    assert!(
        told.contains("that is a fault of rsyncctl; please report it"),
        "{told}"
    );
}
