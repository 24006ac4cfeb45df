//! The user wants the client to end, whatever it is at: it ends with rsync's code, and leaves nothing behind.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{Ipv4Addr, TcpListener},
    os::fd::OwnedFd,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
    },
    unistd::Pid,
};

use super::Stage;
use crate::support::{daemon::has_rsync, program::program, terminal::Terminal};

/// Long enough that whoever reads all of it is busy for minutes; all of it is a hole.
const HUGE: u64 = 1 << 40;

fn plant(folder: &Path) {
    fs::create_dir_all(folder).expect("folders");
    let file = File::create(folder.join("huge")).expect("a file");
    file.set_len(HUGE).expect("the file system has room for holes");
}

fn holds_open(client: &Child, matches: impl Fn(&Path) -> bool) -> bool {
    let folder = format!("/proc/{}/fd", client.id());
    let entries = fs::read_dir(folder).expect("it runs").flatten();
    let mut opened = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    opened.any(|path| matches(&path))
}

fn interrupt(client: &Child, signal: Signal) {
    let id = Pid::from_raw(client.id().cast_signed());
    kill(id, signal).expect("it is running");
}

/// The signal, once the client has a file open.
fn interrupt_while_busy(mut command: Command, matches: impl Fn(&Path) -> bool) -> Output {
    let command = command.stdin(Stdio::null()).stdout(Stdio::null());
    let client = command.stderr(Stdio::piped()).spawn().expect("it runs");
    while !holds_open(&client, &matches) {
        thread::yield_now();
    }
    interrupt(&client, Signal::SIGINT);
    client.wait_with_output().expect("it ends")
}

fn assert_interrupted(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(20), "{error}");
    assert!(
        error.contains("received SIGINT, SIGTERM, or SIGHUP (code 20)"),
        "{error}"
    );
}

#[test]
fn a_client_that_reads_for_minutes_ends_at_once() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.target()).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["there", "src"] {
        plant(&folder.path().join(name));
    }
    plant(&stage.source());
    let url = |module: &str| format!("rsync://127.0.0.1:{}/{module}", stage.daemon.port());
    let pull = url("data/src/");
    let client = |words: &[&str]| program(folder.path(), &[&["sync"], words].concat());
    let is_huge = |path: &Path| path.ends_with("huge");
    // The sums of what is there, and the contents of what is sent.
    let sums = client(&["-rI", &pull, "there"]);
    assert_interrupted(&interrupt_while_busy(sums, is_huge));
    let contents = client(&["-rc", "src/", &url("drop/")]);
    assert_interrupted(&interrupt_while_busy(contents, is_huge));
    // A copy of what another folder has.
    let copy = client(&["-rS", "--size-only", "--copy-dest=../there", &pull, "copy"]);
    let is_new = |path: &Path| path.to_string_lossy().contains("/copy/.huge.");
    assert_interrupted(&interrupt_while_busy(copy, is_new));
    let left = fs::read_dir(folder.path().join("copy")).expect("the folder");
    assert_eq!(left.count(), 0);
}

#[test]
fn a_client_that_has_no_connection_yet_ends_at_once() {
    // What takes a connection and says nothing.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    let folder = tempfile::tempdir().expect("a folder");
    let user = (Signal::SIGUSR1, 19, "received SIGUSR1 (code 19)");
    let end = |signal| (signal, 20, "received SIGINT, SIGTERM, or SIGHUP (code 20)");
    let ends = [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP].map(end);
    for (signal, code, text) in ends.into_iter().chain([user]) {
        let mut command = program(
            folder.path(),
            &["sync", "-a", "--json", "host.example::data/", "dst"],
        );
        command.env("RSYNC_PROXY", address.to_string());
        let command = command.stdin(Stdio::null()).stdout(Stdio::piped());
        let client = command.stderr(Stdio::piped()).spawn().expect("it runs");
        let _proxy = listener.accept().expect("it connects");
        interrupt(&client, signal);
        let output = client.wait_with_output().expect("it ends");
        let error = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{error}");
        assert!(error.contains(text), "{error}");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a whole document");
        assert_eq!(report["summary"]["exit"], code);
    }
}

/// A client that asks for a password at a terminal; `answer` is what happens then.
fn ask(answer: impl Fn(&mut File, &Child)) -> (Option<i32>, bool) {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    let terminal = Terminal::new();
    let inner = |descriptor: &OwnedFd| descriptor.try_clone().expect("a descriptor");
    let url = format!("rsync://joe@127.0.0.1:{}/locked/", stage.daemon.port());
    let mut client = Command::new("setsid")
        .args([
            "--ctty",
            env!("CARGO_BIN_EXE_rsyncctl"),
            "sync",
            "-r",
            &url,
            "dst",
        ])
        .current_dir(folder.path())
        .env("LC_ALL", "C.UTF-8")
        .env_remove("RSYNC_PASSWORD")
        .stdin(inner(&terminal.program))
        .stdout(inner(&terminal.program))
        .stderr(inner(&terminal.program))
        .spawn()
        .expect("setsid runs");
    let mut screen = terminal.screen;
    let mut shown = Vec::new();
    while !shown.ends_with(b"Password: ") {
        let mut byte = [0];
        screen.read_exact(&mut byte).expect("it asks");
        shown.push(byte[0]);
    }
    let is_echoed = || {
        let modes = tcgetattr(&terminal.program).expect("a terminal");
        modes.local_flags.contains(LocalFlags::ECHO)
    };
    // The question comes first; an end of input that is typed before the terminal's modes change ends nothing.
    while is_echoed() && client.try_wait().expect("a process").is_none() {
        thread::yield_now();
    }
    answer(&mut screen, &client);
    let status = client.wait().expect("it ends");
    (status.code(), is_echoed())
}

#[test]
fn a_question_for_a_password_can_be_left() {
    if !has_rsync() {
        return;
    }
    let typed = ask(|screen, _| screen.write_all(b"\x03").expect("it listens"));
    assert_eq!(typed, (Some(20), true));
    let killed = ask(|_, client| interrupt(client, Signal::SIGTERM));
    assert_eq!(killed, (Some(20), true));
    let answered = ask(|screen, _| screen.write_all(b"not-a-secret\r").expect("it listens"));
    assert_eq!(answered, (Some(0), true));
    // It is not asked for again.
    let ended = ask(|screen, _| screen.write_all(b"\x04").expect("it listens"));
    assert_eq!(ended, (Some(5), true));
}
