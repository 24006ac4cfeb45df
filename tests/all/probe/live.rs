//! What a terminal shows while a probe is under way.

use std::{
    fs::{self},
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    process::Stdio,
    thread,
    time::Duration,
};

use nix::{
    sys::{
        signal::{Signal, kill},
        stat::Mode,
    },
    unistd::{Pid, mkfifo},
};

use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, rsyncctl, stderr},
    terminal::Terminal,
};

#[test]
fn the_stage_that_is_under_way_is_shown_and_taken_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let target = format!("rsync://127.0.0.1:{port}/data");
    let terminal = Terminal::new();
    let mut command = program(folder.path(), &["probe", "--format", "concise", &target]);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::from(terminal.program));
    let child = command.spawn().expect("it runs");
    // Our end of it is closed with the command.
    drop(command);
    let (mut peer, _) = listener.accept().expect("the probe");
    peer.write_all(b"@RSYNCD: 31.0\n").expect("it listens");
    let mut screen = terminal.screen;
    let mut shown = Vec::new();
    let mut piece = [0; 1024];
    // It waits for the list of modules until that is shown.
    let text = |shown: &[u8]| String::from_utf8_lossy(shown).into_owned();
    while !text(&shown).contains("module list") {
        let count = screen.read(&mut piece).expect("something is shown");
        shown.extend_from_slice(&piece[..count]);
    }
    drop((peer, listener));
    let output = child.wait_with_output().expect("it ends");
    // The end of a terminal that nobody writes to any more is an error.
    while let Ok(count @ 1..) = screen.read(&mut piece) {
        shown.extend_from_slice(&piece[..count]);
    }
    let shown = text(&shown);
    assert!(shown.starts_with("probing 1 target"), "{shown:?}");
    assert!(shown.contains(&format!("  {target}  module list")), "{shown:?}");
    // The last thing that it does with its one line is to take it away.
    assert!(shown.ends_with("\x1b[1A\r\x1b[J"), "{shown:?}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(" fails, code "),
        "{output:?}"
    );
}

#[test]
fn a_pipe_gets_no_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = format!(
        "rsync://127.0.0.1:{}/data",
        listener.local_addr().expect("bound").port()
    );
    let output = rsyncctl(folder.path(), &["probe", "--timeout=1", &target]);
    assert_eq!(stderr(&output), "");
    assert_eq!(output.status.code(), Some(30));
}

/// A daemon that is never silent for long, and never done.
#[test]
fn a_peer_that_never_comes_to_an_end_is_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let dripping = thread::spawn(move || {
        let (mut peer, _) = listener.accept().expect("the probe");
        peer.write_all(b"@RSYNCD: 31.0\n").expect("it listens");
        while peer.write_all(b"welcome\n").is_ok() {
            thread::sleep(Duration::from_millis(100));
        }
    });
    let target = format!("rsync://127.0.0.1:{port}/");
    let output = rsyncctl(folder.path(), &["probe", "--timeout=1", &target]);
    assert_eq!(output.status.code(), Some(30), "{output:?}");
    dripping.join().expect("the probe hung up");
}

/// Whoever ends a probe is not told to look for who ended it.
#[test]
fn a_probe_that_is_ended_has_no_cause() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let target = format!("rsync://127.0.0.1:{port}/");
    let mut command = program(folder.path(), &["probe", &target]);
    let child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let (mut peer, _) = listener.accept().expect("the probe");
    peer.write_all(b"@RSYNCD: 31.0\n").expect("it listens");
    let mut heard = Vec::new();
    while !heard.ends_with(b"#list\n") {
        let mut byte = [0];
        peer.read_exact(&mut byte).expect("it speaks");
        heard.extend(byte);
    }
    let process = Pid::from_raw(i32::try_from(child.id()).expect("a process"));
    kill(process, Signal::SIGINT).expect("it is there");
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(20), "{output:?}");
    assert!(!format!("{output:?}").contains("type next"), "{output:?}");
}

/// A password file that never says anything holds a probe up, and not its end.
#[test]
fn a_probe_that_is_held_up_leaves_nothing_when_it_is_ended() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("secrets", "joe:not-a-secret\n"),
        ("tmp/.keep", ""),
        ("served/a", "a\n"),
    ]);
    let root = folder.path();
    fs::remove_file(root.join("tmp/.keep")).expect("it is there");
    for (place, mode) in [("", 0o755), ("secrets", 0o600)] {
        fs::set_permissions(root.join(place), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    mkfifo(&root.join("password"), Mode::from_bits_truncate(0o600)).expect("a pipe");
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\n[m]\npath = {0}/served\nauth users = joe\nsecrets file = {0}/secrets\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let target = format!("rsync://joe@127.0.0.1:{}/m", daemon.port());
    let mut probe = program(root, &["probe", "--password-file=password", &target]);
    let mut probe = probe.env("TMPDIR", root.join("tmp")).spawn().expect("it runs");
    let is_empty = || fs::read_dir(root.join("tmp")).expect("a folder").next().is_none();
    while is_empty() && probe.try_wait().expect("it is ours").is_none() {
        thread::yield_now();
    }
    kill(Pid::from_raw(probe.id().cast_signed()), Signal::SIGINT).expect("it waits");
    assert_eq!(probe.wait().expect("it ends").code(), Some(20));
    assert!(is_empty(), "a folder is left");
}
