//! What a client must not take from a daemon: ours and the real one refuse it with the same words and the same code.

mod lists;
mod replies;

use std::fs;

use crate::{
    support::daemon::has_rsync,
    sync::peer::{Step, data, met},
};

/// An entry of a list: what stands in front of its name, its name, and what follows it. The regular file `f1` of six bytes,
/// made in 2001, by default.
struct Entry<'e> {
    flags: &'e [u8],
    name: &'e [u8],
    /// The number of the first file of its group, if it is one of several names.
    leader: &'e [u8],
    size: &'e [u8],
    time: &'e [u8],
    mode: u32,
    rest: &'e [u8],
}

impl Default for Entry<'_> {
    fn default() -> Self {
        Self {
            flags: b"\x18\x02",
            name: b"f1",
            leader: b"",
            size: b"\0\x06\0",
            time: b"\x3b\0\xca\x9a",
            mode: 0o100_644,
            rest: b"",
        }
    }
}

impl Entry<'_> {
    fn bytes(&self) -> Vec<u8> {
        let mode = self.mode.to_le_bytes();
        [
            self.flags,
            self.name,
            self.leader,
            self.size,
            self.time,
            &mode,
            self.rest,
        ]
        .concat()
    }

    /// A list with nothing else.
    fn list(&self) -> Vec<u8> {
        [&*self.bytes(), b"\0"].concat()
    }
}

/// What comes behind the arguments first: the flags of compatibility and the seed of the checksums.
const SETUP: &[u8] = b"\0\x01\0\0\0";

/// The first file's data come, or are wanted.
const TRANSFER: &[u8] = b"\x01\0\x80";

fn numbers(numbers: &[i32]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
}

/// The head of no block sums.
fn no_sums() -> Vec<u8> {
    numbers(&[0; 4])
}

/// What a client says first in a pull, and what it says of a file that it lacks, or has another version of, in bytes:
/// rules, index, flags, and the head of block sums, with a block if there is one.
const ASKED: usize = 4 + 3 + 16;
const ASKED_WITH_BLOCK: usize = ASKED + 4 + 2;

struct Case<'c> {
    words: &'c str,
    steps: Vec<Step>,
    /// Whether there is an older version of the file at the destination.
    has_older: bool,
    code: i32,
    /// The first line.
    line: &'c str,
}

fn check<'c>(case: impl Fn() -> Case<'c>) {
    // Which of rsync's processes meets the end of the connection first is a matter of chance.
    let mut theirs = (0..20).map(|_| fault(case(), false));
    let first = theirs.next().flatten();
    assert!(
        first.is_none() || theirs.any(|fault| fault.is_none()),
        "rsync: {first:?}"
    );
    assert_eq!(fault(case(), true), None);
}

/// What is otherwise than in the case.
fn fault(case: Case<'_>, ours: bool) -> Option<String> {
    let Case {
        words,
        steps,
        has_older,
        code,
        line,
    } = case;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    fs::create_dir(path.join("s")).expect("a folder");
    fs::write(path.join("s/f1"), "six by").expect("a file");
    if has_older {
        fs::create_dir(path.join("d")).expect("a folder");
        fs::write(path.join("d/f1"), "before").expect("a file");
    }
    let split: Vec<_> = words.split(' ').collect();
    let output = met(path, &split, steps, ours);
    let error = String::from_utf8_lossy(&output.stderr);
    let (line, found) = (
        line.replace("{here}", &path.display().to_string()),
        error.lines().next(),
    );
    // The numbers of the libraries' errors are not to be had.
    let found = if line.ends_with(' ') {
        found.and_then(|found| found.get(..line.len()))
    } else {
        found
    };
    // A case may have given it another name.
    let mut there = ["d/f1", "d/f2"]
        .iter()
        .filter_map(|name| fs::read_to_string(path.join(name)).ok());
    let there = there.next();
    let met = (found, output.status.code(), there.as_deref());
    let expected = (Some(&*line), Some(code), has_older.then_some("before"));
    (met != expected).then(|| format!("{words}: {met:?}, not {expected:?}"))
}

/// Nothing but what the daemon says at once.
fn check_said(words: &str, said: &[u8], code: i32, line: &str) {
    if !has_rsync() {
        return;
    }
    check(|| Case {
        words,
        steps: vec![Step::Say(said.to_vec())],
        has_older: false,
        code,
        line,
    });
}

/// A list that the daemon of a pull sends.
fn check_list(words: &str, list: &[u8], code: i32, line: &str) {
    check_said(words, &[SETUP, &data(list)].concat(), code, line);
}

/// What the daemon of a pull says behind a list with the file, once it was asked for it.
fn check_reply(words: &str, reply: &[u8], code: i32, line: &str) {
    reply_to(words, &Entry::default(), false, ASKED, reply, code, line);
}

fn reply_to(
    words: &str,
    entry: &Entry<'_>,
    has_older: bool,
    heard: usize,
    reply: &[u8],
    code: i32,
    line: &str,
) {
    if !has_rsync() {
        return;
    }
    check(|| Case {
        words,
        steps: vec![
            Step::Say([SETUP, &data(&entry.list())].concat()),
            Step::Hear(heard),
            Step::Say(data(reply)),
        ],
        has_older,
        code,
        line,
    });
}

/// What the daemon of a push says once it has the list, in which the file has the second place.
fn check_request(request: &[u8], code: i32, line: &str) {
    check_said("-rt s/ {url}/m/", &[SETUP, &data(request)].concat(), code, line);
}
