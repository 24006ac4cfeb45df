//! Peers that say nothing: our client waits as long as the real one, and says the same.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    process::{Command, Output},
    thread,
};

use nix::sys::socket::{Backlog, listen};
use socket2::{Domain, Socket, Type};

use crate::support::{daemon::has_rsync, program::program};

/// A listener whose queue is full, and what fills it: the system drops who asks next.
fn deaf() -> (TcpListener, Vec<Socket>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listen(&listener, Backlog::new(0).expect("it is small")).expect("it listens");
    let address = listener.local_addr().expect("bound");
    let fill = || {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_nonblocking(true).expect("a socket");
        let _ = socket.connect(&address.into());
        socket
    };
    let filled = (0..4).map(|_| fill()).collect();
    (listener, filled)
}

fn both(address: SocketAddr, words: &[&str]) -> [Output; 2] {
    let url = format!("rsync://{address}/m/");
    let folder = tempfile::tempdir().expect("a folder");
    let mut theirs = Command::new("timeout");
    theirs
        .args(["--signal=KILL", "60", "rsync"])
        .current_dir(folder.path());
    let ours = program(folder.path(), &["sync"]);
    [theirs, ours].map(|mut command| command.args(words).arg(&url).output().expect("it runs"))
}

/// What is said, without where in the program and without what ours adds.
fn said(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|line| !line.starts_with("rsyncctl"));
    let line = |line: &str| match (line.split_once(" at "), line.split_once(" [")) {
        (Some((start, _)), _) => start.to_owned(),
        (None, Some((start, _))) if !start.is_empty() => start.to_owned(),
        _ => line.to_owned(),
    };
    lines.map(line).collect()
}

#[test]
fn waits_end_as_those_of_rsync() {
    if !has_rsync() {
        return;
    }
    let (deaf, _filled) = deaf();
    let [theirs, ours] = both(deaf.local_addr().expect("bound"), &["--contimeout=1"]);
    assert_eq!(said(&ours), said(&theirs));
    assert_eq!((ours.status.code(), theirs.status.code()), (Some(35), Some(35)));
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let [theirs, ours] = both(
        silent.local_addr().expect("bound"),
        &["--contimeout=1", "--timeout=1"],
    );
    assert_eq!(said(&ours), said(&theirs));
    assert_eq!((ours.status.code(), theirs.status.code()), (Some(30), Some(30)));
}

/// A daemon that says how long it waits (`MSG_IO_TIMEOUT` in io.c), then nothing more, to two clients.
fn impatient(listener: &TcpListener) {
    for _ in 0..2 {
        let (mut stream, _) = listener.accept().expect("a client");
        stream.write_all(b"@RSYNCD: 30.0\n").expect("it listens");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        for _ in 0..2 {
            reader.read_until(b'\n', &mut Vec::new()).expect("a line");
        }
        stream.write_all(b"@RSYNCD: OK\n").expect("it listens");
        let mut argument = Vec::new();
        while reader.read_until(0, &mut argument).expect("an argument") > 1 {}
        // No compatibility flag, a seed, and a message of four bytes: one second.
        stream
            .write_all(&[0, 1, 2, 3, 4, 4, 0, 0, 7 + 33, 1, 0, 0, 0])
            .expect("it listens");
        let _ = reader.read_to_end(&mut Vec::new());
    }
}

#[test]
fn the_limit_that_ended_a_wait_is_told_where_it_is_the_servers() {
    if !has_rsync() {
        return;
    }
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("bound");
    thread::scope(|scope| {
        scope.spawn(|| impatient(&listener));
        let [theirs, ours] = both(address, &["-r", "--timeout=9"]);
        assert_eq!(said(&ours), said(&theirs));
        assert_eq!((ours.status.code(), theirs.status.code()), (Some(30), Some(30)));
    });
}
