//! Peers that are no daemon, and command lines that make no sense: both clients say the same and end the same.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Output},
    thread,
};

use crate::support::{daemon::has_rsync, program::program};

/// What comes of both clients at a peer that says this, then, once it is answered, that; theirs first.
fn both(greeting: &'static [u8], answer: &'static [u8], words: &[&str]) -> [Output; 2] {
    both_at("m/", greeting, answer, words)
}

/// The same for what they ask of the peer.
fn both_at(path: &str, greeting: &'static [u8], answer: &'static [u8], words: &[&str]) -> [Output; 2] {
    [false, true].map(|ours| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("rsync://{}/{path}", listener.local_addr().expect("bound"));
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("it connects");
            stream.write_all(greeting).expect("it listens");
            let mut heard = vec![0; 4096];
            if !answer.is_empty() {
                let _ = stream.read(&mut heard);
                let _ = stream.write_all(answer);
            }
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut heard);
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
        command
            .args(words)
            .arg(&url)
            .env("RSYNC_PASSWORD", "not-a-secret");
        let output = command.output().expect("it runs");
        peer.join().expect("the peer ends");
        output
    })
}

/// What is said, without where in the program, and without what ours adds.
fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines = text.lines().filter(|line| !line.starts_with("rsyncctl"));
    let line = |line: &str| match (line.starts_with("rsync error"), line.split_once(')')) {
        (true, Some((start, _))) => start.to_owned(),
        _ => line.to_owned(),
    };
    lines.map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_no_greeting_is_told_as_by_rsync() {
    if !has_rsync() {
        return;
    }
    for (greeting, answer) in [
        (&b""[..], &b""[..]),
        (b"abc", b""),
        (b"\n", b""),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", b""),
        (b"220 mail.example ESMTP\r\n", b""),
        (b"\x15\x03\x01\x00\x02\n", b""),
        (b"@ERROR: go away\n", b""),
        (b"@RSYNCD: x\n", b""),
        (b"@RSYNCD: 31\n", b""),
        (b"@RSYNCD: 32.0\n", b""),
        (b"@RSYNCD: 31.0\n", b""),
        (b"@RSYNCD: 99.0 md5\n", b""),
        (b"@RSYNCD: 31.0\n", b"hello\n"),
        (b"@RSYNCD: 32.0 rot13\n", b"@RSYNCD: AUTHREQD abc\n"),
    ] {
        let [theirs, ours] = both(greeting, answer, &["-r", "--no-motd"]);
        let case = greeting.escape_ascii();
        assert_eq!(said(&ours), said(&theirs), "{case}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{case}");
    }
}

#[test]
fn a_list_of_modules_that_breaks_off_fails_as_with_rsync() {
    if !has_rsync() {
        return;
    }
    for answer in [
        &b"open           \tfor all\n"[..],
        b"open           \tfor all\n@RSYNCD: EXIT\n",
    ] {
        let [theirs, ours] = both_at("", b"@RSYNCD: 31.0 md5\n", answer, &[]);
        let case = answer.escape_ascii();
        assert_eq!(said(&ours), said(&theirs), "{case}");
        assert_eq!(ours.stdout, theirs.stdout, "{case}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{case}");
    }
}

#[test]
fn words_that_make_no_sense_are_refused_as_by_rsync() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in [("empty", ""), ("line", "\n")] {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let file = |name| format!("--password-file={}", folder.path().join(name).display());
    let greeting = b"@RSYNCD: 31.0\n";
    for words in [
        vec!["--delate".to_owned()],
        vec!["-Z".to_owned()],
        vec![file("empty")],
        vec![file("line")],
    ] {
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        // The peer is needed where a password is wanted alone.
        let [theirs, ours] = match words[0].starts_with("--password") {
            true => both(greeting, b"@RSYNCD: AUTHREQD abc\n", &words),
            false => [alone(&words, false), alone(&words, true)],
        };
        assert_eq!(said(&ours), said(&theirs), "{words:?}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{words:?}");
    }
    for words in [
        &["127.0.0.1::m/", "--exclude-from"][..],
        &["--timeout"],
        &["-6", "127.0.0.1::m/"],
        &["127.0.0.1::/m/"],
    ] {
        let [theirs, ours] = [alone(words, false), alone(words, true)];
        assert_eq!(said(&ours), said(&theirs), "{words:?}");
        assert_eq!(ours.status.code(), theirs.status.code(), "{words:?}");
    }
}

fn alone(words: &[&str], ours: bool) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = if ours {
        program(folder.path(), &["sync"])
    } else {
        Command::new("rsync")
    };
    command.args(words).output().expect("it runs")
}
