//! Where no daemon runs, or not the one that is meant, or who asks may not see it.

use std::{fs, net::TcpListener, os::unix::fs::PermissionsExt as _, process::Stdio, thread};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::{
    can_serve, causes,
    daemons::{Place, healthy},
    examined, outcome, states,
};
use crate::support::{
    port::Closed,
    program::{folder, keeps_to, program, rsyncctl, schema, stdout, unprivileged},
};

#[test]
fn without_a_daemon_the_command_that_starts_it_is_named() {
    let place = Place::new(&[healthy("data")]);
    let closed = Closed::new();
    place.name_port(closed.port);
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(causes(&report), [("RSY782", "now")], "{report:#}");
    let command = report["summary"]["next"].as_str().expect("a command");
    let file = place.path().join("rsyncd.conf");
    assert_eq!(command, format!("rsync --daemon --config={}", file.display()));
    assert_eq!(
        states(&report),
        [
            ("daemon", "failed"),
            ("changed", "skipped"),
            ("configuration", "passed"),
            ("paths", "passed"),
            ("confinement", "skipped"),
            ("reach", "skipped"),
            ("log", "skipped"),
            ("loopback", "skipped"),
        ]
    );
}

#[test]
fn a_configuration_that_is_not_there() {
    let empty = folder(&[]);
    let (report, code) = examined(empty.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    // Nobody but a daemon of this machine would have the port then.
    let port_is_free = rsyncctl::host::Listener::on(873) == rsyncctl::host::Listener::Nobody;
    if port_is_free {
        assert_eq!(causes(&report), [("RSY893", "now")], "{report:#}");
    }
    assert_eq!(
        states(&report)[1..],
        [
            ("changed", "skipped"),
            ("configuration", "skipped"),
            ("paths", "skipped"),
            ("confinement", "skipped"),
            ("reach", "skipped"),
            ("log", "skipped"),
            ("loopback", "skipped"),
        ]
    );
}

#[test]
fn another_program_that_has_the_port_is_named() {
    let place = Place::new(&[healthy("data")]);
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    place.name_port(taken.local_addr().expect("bound").port());
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY890", "now")]),
        "{report:#}"
    );
    let because = report["diagnoses"][0]["because"][0].as_str().expect("a fact");
    let own = format!("(process {}) listens on port", std::process::id());
    assert!(because.contains(&own), "{because}");
}

#[test]
fn of_two_daemons_the_one_that_is_meant_is_examined() {
    if !can_serve() {
        return;
    }
    let [one, other] = [healthy("data"), healthy("gone")].map(|module| Place::new(&[module]));
    fs::remove_dir_all(other.path().join("gone")).expect("it goes");
    let (first, second) = (one.start(), other.start());
    for (place, daemon, expected) in [(&one, &first, vec![]), (&other, &second, vec![("RSY402", "now")])] {
        let (report, _) = examined(place.path(), &[]);
        assert_eq!(causes(&report), expected, "{report:#}");
        assert_eq!(report["stages"][0]["facts"][0]["process"], daemon.process());
    }
    // One that is to take the other's port finds it taken.
    drop(first);
    one.name_port(second.port);
    let (report, code) = examined(one.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY890", "now")]),
        "{report:#}"
    );
    let because = report["diagnoses"][0]["because"][0].as_str().expect("a fact");
    assert!(
        because.contains(&other.path().join("rsyncd.conf").display().to_string()),
        "{because}"
    );
}

#[test]
fn a_daemon_that_lost_its_configuration() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&[healthy("data")]);
    let _daemon = place.start();
    fs::rename(place.path().join("rsyncd.conf"), place.path().join("away")).expect("it moves");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(
        (code, causes(&report)),
        (Some(1), vec![("RSY809", "now")]),
        "{report:#}"
    );
}

#[test]
fn a_plain_user_is_told_what_was_not_seen() {
    if !can_serve() {
        return;
    }
    let folder = folder(&[("secrets", "joe:x\n")]);
    fs::set_permissions(folder.path().join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let place = Place::new(&[format!(
        "{}auth users = joe\nsecrets file = {}/secrets\n",
        healthy("data"),
        folder.path().display()
    )]);
    let daemon = place.start();
    fs::set_permissions(place.path().join("rsyncd.log"), fs::Permissions::from_mode(0o600)).expect("a mode");
    place.name_port(daemon.port);
    let file = place.path().join("rsyncd.conf").display().to_string();
    let output = unprivileged(&folder, &["doctor", "--json", "--config", &file]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    assert_eq!(output.status.code(), Some(3), "{report:#}");
    assert_eq!(causes(&report), []);
    assert_eq!(outcome(&report, "data"), "asks-password");
    let unseen = report["unchecked"].as_array().expect("a list");
    let log = place.path().join("rsyncd.log").display().to_string();
    for subject in [log, format!("the ports of process {}", daemon.process())] {
        assert!(
            unseen.iter().any(|one| one["subject"] == *subject),
            "{subject}: {report:#}"
        );
    }
    let told = stdout(&unprivileged(&folder, &["doctor", "--config", &file]));
    assert!(
        told.contains("not seen: permission denied: run as root to check it"),
        "{told}"
    );
    assert!(
        told.contains("nothing wrong was found; not all could be seen"),
        "{told}"
    );
}

#[test]
fn nothing_is_written() {
    let place = Place::new(&[healthy("data")]);
    let closed = Closed::new();
    place.name_port(closed.port);
    let list = || {
        let mut names: Vec<_> = fs::read_dir(place.path())
            .expect("the folder")
            .map(|entry| entry.expect("an entry").path())
            .map(|path| {
                (
                    fs::metadata(&path)
                        .expect("it is there")
                        .modified()
                        .expect("a time"),
                    path,
                )
            })
            .collect();
        names.sort();
        names
    };
    let before = list();
    let output = rsyncctl(place.path(), &["doctor", "--config", "rsyncd.conf"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(list(), before);
}

#[test]
fn a_daemon_that_does_not_answer_is_asked_once() {
    if !can_serve() {
        return;
    }
    let place = Place::new(&["one", "two", "three"].map(healthy));
    let daemon = place.start();
    let process = Pid::from_raw(i32::try_from(daemon.process()).expect("a process"));
    kill(process, Signal::SIGSTOP).expect("our own child");
    let (report, code) = examined(place.path(), &[]);
    assert_eq!(code, Some(1), "{report:#}");
    let outcomes = ["one", "two", "three"].map(|module| outcome(&report, module));
    assert_eq!(outcomes, ["fails", "not-tried", "not-tried"]);
    assert!(!causes(&report).is_empty(), "{report:#}");
    // Who waits for it and wants no more is told nothing wrong.
    let words = ["doctor", "--config", "rsyncd.conf"];
    let mut waiting = program(place.path(), &words);
    let mut waiting = waiting.stdout(Stdio::piped()).spawn().expect("it runs");
    let own = Pid::from_raw(i32::try_from(waiting.id()).expect("a process"));
    // It listens to signals from its first connection on.
    while !is_connected(daemon.port) && waiting.try_wait().expect("a child").is_none() {
        thread::yield_now();
    }
    kill(own, Signal::SIGTERM).expect("our own child");
    let output = waiting.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(20), "{output:?}");
    assert!(!stdout(&output).contains("RSY"), "{}", stdout(&output));
}

/// Whether a client is connected to a port of this machine.
fn is_connected(port: u16) -> bool {
    let table = fs::read_to_string("/proc/net/tcp").expect("the kernel's table");
    let peer = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        fields.get(2).is_some_and(|field| field.ends_with(&peer)) && fields.get(3) == Some(&"01")
    })
}
