//! The probe, at real daemons that are broken on purpose.

mod causes;
mod connections;
mod greetings;
mod healthy;
mod live;
mod local;
mod made;
mod meant;
mod opened;
mod opening;
mod own_limit;
mod proofs;
mod push;
mod reached;
mod really;
mod refused;
mod reproduced;
mod scenarios;
mod server_files;
mod shells;
pub(crate) mod situations;
mod staging;
mod started;
mod tables;
mod targets;
mod told;
mod transcripts;
mod units;
mod variables;

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    os::unix::fs::PermissionsExt as _,
    thread,
};

use serde_json::Value;

use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, keeps_to, rsyncctl, schema, stdout},
    skip,
    stage::is_root,
};

/// The causes, likeliest first.
fn causes(report: &Value) -> Vec<&str> {
    let diagnoses = report["diagnoses"].as_array().into_iter().flatten();
    diagnoses
        .filter(|diagnosis| diagnosis["failure"] == 1)
        .filter_map(|diagnosis| diagnosis["rule"].as_str())
        .collect()
}

/// What is noticed besides, but for the holes of an old release.
fn remarks(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let rules = findings.map(|finding| finding["rule"].as_str().expect("a rule"));
    rules.filter(|rule| *rule != "RSY513").collect()
}

/// A peer that says this to each who connects, and then hears them out.
fn peer(says: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let _ = stream.write_all(says);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    port
}

/// A peer that says this to each who connects, and then nothing until they go.
fn peer_that_waits(says: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            thread::spawn(move || {
                let _ = stream.write_all(says);
                let _ = stream.read_to_end(&mut Vec::new());
            });
        }
    });
    port
}

#[test]
fn a_password_is_never_told() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("RSYNC_PASSWORD=not-a-secret rsync -av rsync://joe@127.0.0.1:{port}/data/ here/");
    for format in ["human", "concise", "json"] {
        let output = rsyncctl(
            folder.path(),
            &["probe", "--format", format, "--reproduce", &line],
        );
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        assert!(stdout(&output).contains("authentication"), "{output:?}");
        assert!(!format!("{output:?}").contains("not-a-secret"), "{output:?}");
    }
}

/// What the password file shows decides between causes that look alike from outside.
#[test]
fn the_password_file_is_looked_at() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let target = format!("rsync://joe@127.0.0.1:{port}/data");
    for (text, mode, code, rule) in [
        ("not-a-secret\n", 0o600, 5, "RSY810"),
        ("joe:not-a-secret\n", 0o600, 5, "RSY327"),
        ("not-a-secret\n", 0o644, 1, "RSY328"),
    ] {
        let folder = folder(&[("password", text)]);
        let path = folder.path().join("password");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        let file = format!("--password-file={}", path.display());
        let output = rsyncctl(folder.path(), &["probe", "--json", &file, &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{report:#}");
        assert_eq!(report["diagnoses"][0]["rule"], rule, "{report:#}");
    }
}

/// Commands are pasted into a shell: a name that somebody gave a file is a name there, and no command.
#[test]
fn names_of_files_are_no_commands() {
    if !is_root() {
        skip("a file that the daemon may not read needs root");
        return;
    }
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/a';touch here;'b", "text\n")]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let file = folder.path().join("served/a';touch here;'b");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let configuration = folder.path().join("rsyncd.conf");
    let served = folder.path().join("served").display().to_string();
    let text = format!("use chroot = no\nuid = nobody\n[m]\npath = {served}\n");
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let target = format!("rsync://127.0.0.1:{}/m", daemon.port());
    let output = rsyncctl(
        folder.path(),
        &["probe", "--json", "--config", "rsyncd.conf", &target],
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let first = &report["diagnoses"][0];
    let commands = [&first["check"]["commands"], &first["remedy"]["commands"]];
    let words: Vec<_> = commands
        .into_iter()
        .flat_map(|commands| commands.as_array().expect("commands"))
        .flat_map(|command| shell_words::split(command.as_str().expect("text")).expect("words"))
        .collect();
    assert!(words.contains(&file.display().to_string()), "{report:#}");
    assert!(!words.contains(&"here;".to_owned()), "{report:#}");
}

/// Code 23 alone says neither whether one file failed or all, nor who may not do what.
#[test]
fn a_partial_failure_tells_how_much_and_who_lacks_what() {
    if !is_root() {
        skip("a file that the daemon may not read needs root");
        return;
    }
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("served/open", "text\n"),
        ("served/closed", "text\n"),
        ("served/sub/one", "text\n"),
    ]);
    for (name, mode) in [("", 0o755), ("served/closed", 0o600), ("served/sub", 0o700)] {
        fs::set_permissions(folder.path().join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let configuration = folder.path().join("rsyncd.conf");
    let served = folder.path().join("served").display().to_string();
    let text = format!(
        "use chroot = no\nuid = games\ngid = games\n[m]\npath = {served}\n[sub]\npath = {served}/sub\n"
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    for (module, config, expected) in [
        (
            "m",
            true,
            &[
                "1 of 4 names in the list failed, the others did not",
                "the server's account `games` lacks `rx` on folder `sub`",
                "the server's account `games` lacks `r` on file `closed`",
            ][..],
        ),
        (
            "m",
            false,
            &["the account of the module's `uid` (`nobody` if none is set) lacks `r` on file `closed`"],
        ),
        (
            "sub",
            true,
            &[
                "nothing else came: the list is empty",
                "lacks `x` on folder `.` or one above it",
            ],
        ),
    ] {
        let target = format!("rsync://127.0.0.1:{}/{module}", daemon.port());
        let config = if config {
            &["--config", "rsyncd.conf"][..]
        } else {
            &[]
        };
        let output = rsyncctl(folder.path(), &[&["probe", &target], config].concat());
        assert_eq!(output.status.code(), Some(23), "{output:?}");
        for line in expected {
            assert!(stdout(&output).contains(line), "{line}:\n{}", stdout(&output));
        }
        let output = rsyncctl(folder.path(), &[&["probe", "--json", &target], config].concat());
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    }
}
