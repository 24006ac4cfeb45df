//! A daemon that is not honest.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write as _},
    net::{Shutdown, TcpListener},
    path::Path,
    process::{Command, Output},
    thread,
};

use crate::support::program::program;

/// What such a daemon does next.
pub(super) enum Step {
    Say(Vec<u8>),
    /// It waits for so many bytes of the stream.
    Hear(usize),
    /// Something happens to the folder of the client.
    Do(fn(&Path)),
    /// It waits until the client hangs up.
    Wait,
}

/// Bytes of the stream in a frame.
pub(super) fn data(bytes: &[u8]) -> Vec<u8> {
    frame(0, bytes)
}

/// A frame with a tag.
pub(super) fn frame(tag: u32, bytes: &[u8]) -> Vec<u8> {
    let head = (tag + 7) << 24 | bytes.len() as u32;
    [&head.to_le_bytes(), bytes].concat()
}

/// What comes of a client whose daemon sends these flags of compatibility, and then these bytes in one frame, whatever it
/// is asked for. Nothing of that is written.
pub(super) fn answered(words: &[&str], flags: u8, bytes: &[u8], ours: bool) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let output = answered_in(folder.path(), words, flags, bytes, 0, ours);
    assert!(!folder.path().join("d/f1").exists(), "it was written");
    output
}

/// The same for a client that starts in a folder where something is, by a daemon that hangs up once so many bytes of
/// the stream came behind the arguments.
pub(super) fn answered_in(
    folder: &Path,
    words: &[&str],
    flags: u8,
    bytes: &[u8],
    heard: usize,
    ours: bool,
) -> Output {
    // Behind the flags the seed of the checksums.
    let said = [&[flags, 1, 0, 0, 0], &*data(bytes)].concat();
    met(folder, words, vec![Step::Say(said), Step::Hear(heard)], ours)
}

/// What comes of a client that starts in a folder, and whose daemon takes these steps behind the arguments, and then says
/// no more.
pub(super) fn met(folder: &Path, words: &[&str], steps: Vec<Step>, ours: bool) -> Output {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!(
        "rsync://127.0.0.1:{}",
        listener.local_addr().expect("bound").port()
    );
    let place = folder.to_owned();
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
        for step in steps {
            // A client that has had enough hangs up before.
            let _ = match step {
                Step::Say(bytes) => stream.write_all(&bytes),
                Step::Hear(length) => hear(&mut reader, length),
                Step::Do(change) => {
                    change(&place);
                    Ok(())
                }
                Step::Wait => reader.read_to_end(&mut Vec::new()).map(drop),
            };
        }
        let _ = stream.shutdown(Shutdown::Write);
        let _ = reader.read_to_end(&mut Vec::new());
    });
    let client = if ours {
        program(folder, &["sync"])
    } else {
        Command::new("rsync")
    };
    let words = words.iter().map(|word| word.replace("{url}", &url));
    let mut command = Command::new("timeout");
    command
        .args(["--signal=KILL", "60"])
        .arg(client.get_program())
        .args(client.get_args())
        .args(words)
        .current_dir(folder);
    let output = command.output().expect("the client runs");
    peer.join().expect("the peer ends");
    output
}

/// Reads frames until so many bytes of the stream have come in them.
fn hear(reader: &mut impl Read, length: usize) -> io::Result<()> {
    let mut heard = 0;
    while heard < length {
        let mut head = [0; 4];
        reader.read_exact(&mut head)?;
        let head = u32::from_le_bytes(head);
        let mut content = vec![0; (head & 0xff_ffff) as usize];
        reader.read_exact(&mut content)?;
        if head >> 24 == 7 {
            heard += content.len();
        }
    }
    Ok(())
}
