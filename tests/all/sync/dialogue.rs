//! What a server says before a session: both clients take it alike.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{Shutdown, TcpListener},
    process::Command,
    thread,
};

use nix::{
    libc,
    sys::socket::{setsockopt, sockopt},
};

use crate::support::{daemon::has_rsync, program::program};

/// How a server ends that has said its part.
#[derive(Clone, Copy)]
enum End {
    /// It waits until the client hangs up.
    Patient,
    /// It resets the connection.
    Reset,
}

/// The code of a client that asks for a module and is answered so, and what it prints.
fn met(answer: &[u8], end: End, ours: bool) -> (Option<i32>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let answer = answer.to_vec();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it connects");
        stream.write_all(b"@RSYNCD: 31.0\n").expect("it listens");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        for _ in 0..2 {
            reader.read_until(b'\n', &mut Vec::new()).expect("a line");
        }
        if matches!(end, End::Reset) {
            let at_once = libc::linger {
                l_onoff: 1,
                l_linger: 0,
            };
            setsockopt(&stream, sockopt::Linger, &at_once).expect("a socket");
        }
        // A client that has had enough hangs up before.
        let _ = stream.write_all(&answer);
        if matches!(end, End::Patient) {
            let _ = stream.shutdown(Shutdown::Write);
            let _ = reader.read_until(0, &mut Vec::new());
        }
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = if ours {
        program(folder.path(), &["sync"])
    } else {
        let mut command = Command::new("timeout");
        command
            .args(["--signal=KILL", "60", "rsync"])
            .current_dir(folder.path());
        command
    };
    command.args([
        "-r",
        "--timeout=20",
        &format!("rsync://127.0.0.1:{port}/data/"),
        "here/",
    ]);
    let output = command.output().expect("the client runs");
    server.join().expect("the server ends");
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    (output.status.code(), printed)
}

#[test]
fn answers_are_taken_as_rsync_takes_them() {
    if !has_rsync() {
        return;
    }
    let long = |length: usize| [&vec![b'm'; length][..], b"\n@RSYNCD: EXIT\n"].concat();
    for (name, answer, end, code) in [
        ("the longest line", long(5118), End::Patient, 0),
        ("a line that is too long", long(5119), End::Patient, 5),
        ("a line without an end", vec![b'm'; 1 << 20], End::Patient, 5),
        (
            "a list's end in place of a module",
            b"@RSYNCD: EXIT\n".to_vec(),
            End::Patient,
            0,
        ),
        (
            "words of its own",
            b"@ERROR: not on Sundays\n".to_vec(),
            End::Patient,
            5,
        ),
        (
            "a yes, and a reset behind it",
            b"@RSYNCD: OK\n".to_vec(),
            End::Reset,
            12,
        ),
    ] {
        let [theirs, ours] = [false, true].map(|ours| met(&answer, end, ours));
        assert_eq!(theirs.0, Some(code), "{name}");
        assert_eq!(ours, theirs, "{name}");
    }
}

/// A program in the place of a connection that ends without a greeting: what it left unread decides, as for rsync.
#[test]
fn a_program_that_ends_is_taken_as_rsync_takes_it() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    // With nothing in front of it rsync may find it gone before it has greeted it.
    for (command, target, code) in [
        ("sleep .1; /no/such/program", "host.example::", 12),
        ("sleep .1; /no/such/program %H", "rsync://host.example/data/", 12),
        ("sleep .1; exit 3", "rsync://host.example/data/", 12),
        ("read -r line; exit 3", "rsync://host.example/data/", 5),
        ("cat /proc/sys/kernel/ostype", "rsync://host.example/data/", 5),
    ] {
        let told = [false, true].map(|ours| {
            let mut client = match ours {
                true => program(folder.path(), &["sync"]),
                false => Command::new("rsync"),
            };
            client
                .current_dir(folder.path())
                .env("RSYNC_CONNECT_PROG", command);
            let output = client.args(["-r", target]).output().expect("the client runs");
            let printed = String::from_utf8_lossy(&output.stderr).into_owned();
            let said = printed.lines().find(|line| line.starts_with("rsync: "));
            (output.status.code(), said.unwrap_or_default().to_owned())
        });
        let [theirs, ours] = told;
        assert_eq!(theirs.0, Some(code), "{command}: {theirs:?}");
        assert_eq!(ours, theirs, "{command}");
    }
}
