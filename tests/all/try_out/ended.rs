//! A trial that ends before its time leaves no daemon.

use std::{
    fs,
    path::Path,
    process::{Child, Stdio},
    thread,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{daemons, has_rsync, hooks::goes_on, stage};
use crate::support::program::program;

/// The trial, with a daemon that waits for a command of the user's.
fn busy(root: &Path) -> Child {
    let mut command = program(root, &["try", "rsyncd.conf", "--hooks"]);
    let command = command.env("TMPDIR", root.join("tmp"));
    let mut trial = command.stdout(Stdio::null()).spawn().expect("it runs");
    while !root.join("hook").exists() {
        let ended = trial.try_wait().expect("it can be waited for");
        assert_eq!(ended, None, "it ended before its time");
        thread::yield_now();
    }
    trial
}

/// The number of sockets that a process listens on.
fn listening(id: i32) -> usize {
    let tables = ["tcp", "tcp6"].map(|table| fs::read_to_string(format!("/proc/{id}/net/{table}")));
    let tables = tables.map(Result::unwrap_or_default);
    // Fields are the state, 0A for one that listens, and the inode.
    let lines = tables.iter().flat_map(|table| table.lines());
    let listens = lines.filter_map(|line| {
        let fields: Vec<_> = line.split_whitespace().collect();
        (fields.get(3) == Some(&"0A")).then(|| format!("socket:[{}]", fields[9]))
    });
    let listens: Vec<_> = listens.collect();
    let open = fs::read_dir(format!("/proc/{id}/fd"))
        .into_iter()
        .flatten()
        .flatten();
    let open = open.filter_map(|entry| fs::read_link(entry.path()).ok());
    open.filter(|link| listens.iter().any(|socket| link.as_os_str() == socket.as_str()))
        .count()
}

/// A trial that ends before its time leaves no daemon.
fn ended_by(signal: Signal, code: Option<i32>) {
    // The command ends once the test takes the other file away.
    let folder = stage(
        "[m]\npath = $ROOT/files\n\
         pre-xfer exec = echo $$ > $ROOT/hook.part; mv $ROOT/hook.part $ROOT/hook; while test -e $ROOT/waiting; do sleep 0.05; done\n",
    );
    let root = folder.path();
    fs::write(root.join("waiting"), "").expect("a file");
    let mut trial = busy(root);
    let own = trial.id().cast_signed();
    let started = daemons(root);
    let daemon = started
        .iter()
        .find(|(_, parent)| *parent == own)
        .expect("a daemon")
        .0;
    for id in started.iter().map(|(id, _)| *id).chain([own]) {
        assert_eq!(listening(id), 0, "a port is open to others");
    }
    kill(Pid::from_raw(own), signal).expect("it is running");
    assert_eq!(trial.wait().expect("it ends").code(), code);
    // Of one that is killed the system ends the daemon, a little later.
    while signal == Signal::SIGKILL && daemons(root).iter().any(|(id, _)| *id == daemon) {
        thread::yield_now();
    }
    let left = daemons(root);
    assert!(!left.iter().any(|(id, _)| *id == daemon), "{left:?}");
    if signal != Signal::SIGKILL {
        assert_eq!(left, [], "a daemon is left");
        let hook = fs::read_to_string(root.join("hook")).expect("its number");
        assert!(
            !goes_on(hook.trim().parse().expect("a number")),
            "the command goes on"
        );
        let left = fs::read_dir(root.join("tmp")).expect("a folder").count();
        assert_eq!(left, 0, "a folder is left");
    }
    fs::remove_file(root.join("waiting")).expect("it is there");
}

#[test]
fn an_interrupted_trial_leaves_no_daemon() {
    if has_rsync() {
        ended_by(Signal::SIGINT, Some(20));
    }
}

#[test]
fn a_terminated_trial_leaves_no_daemon() {
    if has_rsync() {
        ended_by(Signal::SIGTERM, Some(20));
    }
}

#[test]
fn a_killed_trial_leaves_no_daemon() {
    if has_rsync() {
        ended_by(Signal::SIGKILL, None);
    }
}
