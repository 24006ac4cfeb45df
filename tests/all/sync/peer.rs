//! A daemon that is not honest.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{Shutdown, TcpListener},
    path::Path,
    process::{Command, Output},
    thread,
};

use crate::support::program::program;

/// What comes of a client whose daemon sends these flags of compatibility, and then these bytes in one frame, whatever it
/// is asked for. Nothing of that is written.
pub(super) fn answered(words: &[&str], flags: u8, bytes: &[u8], ours: bool) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let output = answered_in(folder.path(), words, flags, bytes, 0, ours);
    assert!(!folder.path().join("d/f1").exists(), "it was written");
    output
}

/// The same for a client that starts in a folder where something is, by a daemon that hangs up once so many bytes came
/// behind the arguments.
pub(super) fn answered_in(
    folder: &Path,
    words: &[&str],
    flags: u8,
    bytes: &[u8],
    heard: usize,
    ours: bool,
) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "rsync://127.0.0.1:{}",
        listener.local_addr().expect("bound").port()
    );
    let head = (7 << 24 | bytes.len() as u32).to_le_bytes();
    // Behind the flags the seed of the checksums.
    let said = [&[flags, 1, 0, 0, 0], &head[..], bytes].concat();
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
        stream.write_all(&said).expect("it listens");
        // A client that has had enough hangs up before.
        let _ = reader.read_exact(&mut vec![0; heard]);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = reader.read_to_end(&mut Vec::new());
    });
    let mut command = if ours {
        program(folder, &["sync"])
    } else {
        let mut command = Command::new("timeout");
        command.args(["60", "rsync"]).current_dir(folder);
        command
    };
    command.args(words.iter().map(|word| word.replace("{url}", &url)));
    let output = command.output().expect("the client runs");
    peer.join().expect("the peer ends");
    output
}
