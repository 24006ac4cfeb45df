//! Names that nobody asked for, from a daemon that is not honest: our client and the real one refuse them alike.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener},
    process::{Command, Output},
    thread,
};

use crate::support::{daemon::installed, program::program, skip};

/// A list with the file `f1` of six bytes.
const LIST: &[u8] = b"\x18\x02f1\x00\x06\x00\x3b\x00\xca\x9a\xa4\x81\x00\x00\x00";

/// What comes of a client whose daemon sends that list whatever it is asked for.
fn answered(words: &[&str], ours: bool) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "rsync://127.0.0.1:{}",
        listener.local_addr().expect("bound").port()
    );
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it connects");
        stream
            .write_all(b"@RSYNCD: 32.0 sha512 md5\n")
            .expect("it listens");
        let mut reader = BufReader::new(stream.try_clone().expect("a socket"));
        for _ in 0..2 {
            reader.read_until(b'\n', &mut Vec::new()).expect("a line");
        }
        stream.write_all(b"@RSYNCD: OK\n").expect("it listens");
        while reader
            .read_until(0, &mut Vec::new())
            .is_ok_and(|length| length > 1)
        {}
        // Compatibility flags, seed, and a frame.
        let head = (7 << 24 | LIST.len() as u32).to_le_bytes();
        let said = [&[0, 1, 0, 0, 0], &head[..], LIST].concat();
        stream.write_all(&said).expect("it listens");
        let _ = stream.shutdown(Shutdown::Write);
        let _ = reader.read_to_end(&mut Vec::new());
    });
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = if ours {
        program(folder.path(), &["sync"])
    } else {
        let mut command = Command::new("timeout");
        command.args(["60", "rsync"]).current_dir(folder.path());
        command
    };
    command.args(words.iter().map(|word| word.replace("{url}", &url)));
    let output = command.output().expect("the client runs");
    peer.join().expect("the peer ends");
    assert!(!folder.path().join("d/f1").exists(), "it was written");
    output
}

#[test]
fn names_that_nobody_asked_for_are_refused() {
    if let Err(reason) = installed() {
        skip(&format!("the comparison needs a real rsync; {reason}"));
        return;
    }
    for (words, expected) in [
        (
            "-r {url}/m/other d",
            "ERROR: rejecting unrequested file-list name: f1",
        ),
        (
            "-r {url}/m/f[2-9] d",
            "ERROR: rejecting unrequested file-list name: f1",
        ),
        (
            "-r --exclude=f* {url}/m/ d",
            "ERROR: rejecting excluded file-list name: f1",
        ),
        (
            "-r -f H_f1 {url}/m/ d",
            "ERROR: rejecting excluded file-list name: f1",
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let output = answered(&words, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(error.lines().next(), Some(expected), "{words:?} {ours}");
            assert_eq!(output.status.code(), Some(4), "{words:?} {ours}");
        }
    }
    // What is trusted, protected here, or decided by files that only the sender has, comes as far as the hang-up.
    for words in [
        "-r --trust-sender {url}/m/other d",
        "-r -f P_f1 {url}/m/ d",
        "-r -f :_.f -f -_f1 {url}/m/ d",
        "-r {url}/m/f[12] d",
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let output = answered(&words, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!error.contains("rejecting"), "{words:?} {ours}: {error}");
        }
    }
}
