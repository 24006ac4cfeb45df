//! What a client must not take from a daemon: ours and the real one refuse it with the same words and the same code.

use std::fs;

use crate::{
    support::daemon::has_rsync,
    sync::peer::{Step, data, frame, met},
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
    for ours in [false, true] {
        let Case {
            words,
            steps,
            has_older,
            code,
            line,
        } = case();
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
        assert_eq!(found, Some(&*line), "{words}, ours: {ours}");
        assert_eq!(output.status.code(), Some(code), "{words}, ours: {ours}");
        // A case may have given it another name.
        let mut there = ["d/f1", "d/f2"]
            .iter()
            .filter_map(|name| fs::read_to_string(path.join(name)).ok());
        let there = there.next();
        assert_eq!(
            there.as_deref(),
            has_older.then_some("before"),
            "{words}, ours: {ours}"
        );
    }
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

#[test]
fn names_that_lead_elsewhere() {
    for (name, code, line) in [
        ("../f1", 4, "ABORTING due to unsafe pathname from sender: ../f1"),
        (
            "a/../f1",
            4,
            "ABORTING due to unsafe pathname from sender: a/../f1",
        ),
        ("/f1", 4, "ABORTING due to unsafe pathname from sender: /f1"),
        (".", 2, "ERROR: rejecting non-directory transfer-root entry: ."),
    ] {
        let entry = Entry {
            flags: &[0x18, name.len() as u8],
            name: name.as_bytes(),
            ..Entry::default()
        };
        check_list("-r {url}/m/ d", &entry.list(), code, line);
    }
}

#[test]
fn names_that_are_too_long() {
    let long = Entry {
        flags: b"\x58\xc1\x70\x11",
        name: b"aaaaaaaaaa",
        ..Entry::default()
    };
    let line = "overflow: xflags=0x58 l1=0 l2=70000 lastname= [Receiver]";
    check_list("-r {url}/m/ d", &long.list(), 22, line);
    let link = Entry {
        mode: 0o120_777,
        rest: b"\xc1\xa0\x86",
        ..Entry::default()
    };
    let line = "overflow: linkname_len=100000";
    check_list("-rl {url}/m/ d", &link.list(), 22, line);
}

#[test]
fn attributes_that_cannot_be() {
    let mode = Entry {
        mode: 0o644,
        ..Entry::default()
    };
    let line = "invalid file mode 0644 for f1 [Receiver]";
    check_list("-r {url}/m/ d", &mode.list(), 2, line);
    let length = Entry {
        size: b"\xfc\xff\xff\xff\xff\xff\xff\xff\xff",
        ..Entry::default()
    };
    let line = "Offset underflow: file-length is negative";
    check_list("-r {url}/m/ d", &length.list(), 4, line);
    let nanoseconds = Entry {
        flags: b"\x1c\x20\x02",
        time: b"\x3b\0\xca\x9a\xf0\0\x94\x35\x77",
        ..Entry::default()
    };
    let line = "wire value modtime_nsec out of range: 2000000000 not in [0,999999999] [Receiver]";
    check_list("-rt {url}/m/ d", &nanoseconds.list(), 2, line);
    let group = Entry {
        flags: b"\x1c\x02\x02",
        leader: b"\x81\xf4",
        ..Entry::default()
    };
    let line = "hard-link reference out of range: 500 (0)";
    check_list("-rH {url}/m/ d", &group.list(), 2, line);
}

#[test]
fn numbers_that_are_too_long() {
    let varint = Entry {
        flags: b"\x1c\x02\x02",
        leader: b"\xff\xff\xff\xff\xff\xff",
        ..Entry::default()
    };
    check_list("-rH {url}/m/ d", &varint.list(), 12, "Overflow in read_varint()");
    let varlong = Entry {
        time: b"\xfc\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ..Entry::default()
    };
    check_list(
        "-rt {url}/m/ d",
        &varlong.list(),
        12,
        "Overflow in read_varlong()",
    );
    // Flags with which the algorithms are negotiated, and the text with which that begins.
    let line = "over-long vstring received (32767 > 255)";
    check_said("-r {url}/m/ d", b"\x80\x80\xff\xff", 4, line);
}

#[test]
fn access_lists_that_cannot_be() {
    for (rest, code, line) in [
        (
            &b"\x09"[..],
            12,
            "recv_acl_index: ACL_TYPE_ACCESS ACL index 9 > 0",
        ),
        (b"\0\x01\x7f", 12, "recv_acl_access: value out of range: 7f"),
        (
            b"\0\x10\xc1\x71\x11",
            2,
            "wire value ACL count out of range: 70001 not in [0,65536] [Receiver]",
        ),
    ] {
        let entry = Entry {
            rest,
            ..Entry::default()
        };
        check_list("-rA {url}/m/ d", &entry.list(), code, line);
    }
    let folder = Entry {
        flags: b"\x19\x02",
        mode: 0o40_755,
        rest: b"\0\0\x09",
        ..Entry::default()
    };
    let line = "recv_acl_index: ACL_TYPE_DEFAULT ACL index 9 > 0";
    check_list("-rA {url}/m/ d", &folder.list(), 12, line);
}

#[test]
fn extended_attributes_that_cannot_be() {
    for (rest, code, line) in [
        (&b"\x09"[..], 12, "receive_xattr: xa index 9 out of range for f1"),
        (
            b"\0\xc1\x71\x11",
            2,
            "wire value xattr count out of range: 70001 not in [0,65536] [Receiver]",
        ),
        (
            b"\0\x01\xc1\x71\x11",
            2,
            "wire size xattr name_len out of range: 70001 > 4096 [Receiver]",
        ),
        (
            b"\0\x01\x04\xf0\xff\xff\xff\xff",
            2,
            "wire size xattr datum_len out of range: -1 > 2147483647 [Receiver]",
        ),
        (
            b"\0\x01\x04\xf0\0\0\0\x10u.x\0",
            2,
            "xattr datum_len exceeds per-value limit [Receiver]",
        ),
        (
            b"\0\x01\x04\x01u.xxv",
            11,
            "Invalid xattr name received (missing trailing \\0).",
        ),
    ] {
        let entry = Entry {
            rest,
            ..Entry::default()
        };
        check_list("-rX {url}/m/ d", &entry.list(), code, line);
    }
}

#[test]
fn extended_attributes_that_are_too_much_together() {
    // Five values of nearly 128 MiB.
    let mut rest = b"\0\x05".to_vec();
    for number in b'1'..=b'5' {
        rest.extend(b"\x09\xf0\0\0\0\x07user.lo");
        rest.extend([number, 0]);
        rest.extend(b"................");
    }
    let entry = Entry {
        rest: &rest,
        ..Entry::default()
    };
    let line = "xattr list exceeds per-file limit [Receiver]";
    check_list("-rX {url}/m/ d", &entry.list(), 2, line);
}

/// An attribute whose value of forty bytes is named by its digest.
const LONG_VALUE: &[u8] = b"\0\x01\x09\x28user.lon\0................";

#[test]
fn values_of_attributes_that_were_not_asked_for() {
    const FIRST: &[u8] = b"\x01\x28........................................";
    for (numbers, line) in [
        (b"\x02".to_vec(), "[receiver] could not find xattr #2 for f1"),
        (
            [FIRST, b"\xf0\xff\xff\xff\x7f"].concat(),
            "xattr rel_pos accumulation overflow [receiver]",
        ),
        (
            b"\x01\xf0\0\0\0\x09".to_vec(),
            "xattr datum_len exceeds per-value limit [receiver]",
        ),
    ] {
        let entry = Entry {
            rest: LONG_VALUE,
            ..Entry::default()
        };
        let reply = [b"\x01\0\x81", &*numbers].concat();
        reply_to("-rX {url}/m/ d", &entry, false, ASKED, &reply, 2, line);
    }
}

#[test]
fn indices_of_no_file() {
    for (index, line) in [
        (
            &b"\x0a\0\x80"[..],
            "File-list index 9 not in -1 - 0 (read_ndx_and_attrs) [receiver]",
        ),
        (
            b"\xfe\x7f\xff\0\x80",
            "File-list index 32766 not in -1 - 0 (read_ndx_and_attrs) [receiver]",
        ),
        (b"\xff\x01", "Invalid file index: -2 (-1 - 0) [receiver]"),
        (b"\xff\x08", "Invalid file index: -9 (-1 - 0) [receiver]"),
        (b"\xff\x64", "Invalid file index: -101 (-1 - 0) [receiver]"),
    ] {
        let said = [&Entry::default().list(), index].concat();
        check_list("-r {url}/m/ d", &said, 2, line);
    }
    for (index, line) in [
        (
            &b"\x20\0\x80"[..],
            "File-list index 31 not in -1 - 1 (read_ndx_and_attrs) [sender]",
        ),
        // A name is announced, and does not come.
        (
            b"\x20\0\x90",
            "File-list index 31 not in -1 - 1 (read_ndx_and_attrs) [sender]",
        ),
        (b"\xff\x01", "Invalid file index: -2 (-1 - 1) [sender]"),
        (b"\xff\x64", "Invalid file index: -101 (-1 - 1) [sender]"),
    ] {
        check_request(index, 2, line);
    }
}

/// What is asked for before it was named is no success, however soon it is named.
#[test]
fn files_of_later_lists_are_asked_for_too_soon() {
    let folder = tempfile::tempdir().expect("a folder");
    for number in 0..3000 {
        let place = folder.path().join(format!("s/{}", number / 1500));
        fs::create_dir_all(&place).expect("a folder");
        fs::write(place.join(number.to_string()), "").expect("a file");
    }
    for _ in 0..10 {
        let request = [b"\x01\x01\0\0\0", &*data(b"\xfe\x0a\0\0\x80")].concat();
        let words = ["-r", "s/", "{url}/m/"];
        let output = met(folder.path(), &words, vec![Step::Say(request)], true);
        let code = output.status.code();
        assert!(matches!(code, Some(2 | 12)), "{output:?}");
    }
}

#[test]
fn data_that_cannot_be() {
    let folder = Entry {
        flags: b"\x19\x02",
        mode: 0o40_755,
        ..Entry::default()
    };
    let said = [&*folder.list(), TRANSFER, &no_sums()].concat();
    let line = "received request to transfer non-regular file: 0 [receiver]";
    check_list("-r {url}/m/ d", &said, 2, line);
    let line = "received request to transfer non-regular file: 0 [sender]";
    check_request(&[TRANSFER, &no_sums()].concat(), 2, line);
    check_request(TRANSFER, 2, line);
    // The second file of a name takes no part.
    let twice = [Entry::default().bytes(), Entry::default().list()].concat();
    let line = "received request to transfer non-regular file: 1 [receiver]";
    check_list("-r {url}/m/ d", &[&*twice, b"\x02\0\x80"].concat(), 2, line);
    let line = "rsync: refusing transfer of cleared file index 1";
    check_list("-r {url}/m/ d", &[&*twice, b"\x02\0\x20"].concat(), 2, line);
}

#[test]
fn data_behind_their_phase() {
    let line = "got transfer request in phase 2 [sender]";
    check_request(&[b"\0\0\x02\0\x80", &*no_sums()].concat(), 2, line);
    check_request(b"\0\0\x02\0\x80", 2, line);
    let line = "got transfer request in phase 2 [receiver]";
    let said = [&*Entry::default().list(), b"\0\0", TRANSFER, &no_sums()].concat();
    check_list("-r --existing {url}/m/ d", &said, 2, line);
}

#[test]
fn a_basis_that_was_not_chosen() {
    for (flags, line) in [
        (
            &b"\0\x88\x83"[..],
            "rsync: refusing malicious fuzzy operation for ",
        ),
        (
            b"\0\x98\x83\x02f2",
            "rsync: refusing malicious fuzzy operation for f2",
        ),
        (b"\0\x88\x05", "invalid basis_dir index: 5."),
        (b"\0\x88\x84", "invalid basis_dir index: 132."),
    ] {
        let reply = [b"\x01", flags, &no_sums()].concat();
        check_reply("-r {url}/m/ d", &reply, 2, line);
    }
}

#[test]
fn heads_of_block_sums_that_cannot_be() {
    let heads = [
        ([-1, 700, 16, 0], "Invalid checksum count -1"),
        ([1, 200_000, 16, 0], "Invalid block length 200000"),
        ([1, 0, 16, 0], "Invalid zero block length"),
        ([1, 700, 99, 0], "Invalid checksum length 99"),
        ([1, 700, 16, 800], "Invalid remainder length 800"),
    ];
    for (head, line) in heads {
        let request = [b"\x02\0\x80", &*numbers(&head)].concat();
        check_request(&request, 2, &format!("{line} [sender]"));
        let reply = [TRANSFER, &numbers(&head)].concat();
        check_reply("-r {url}/m/ d", &reply, 2, &format!("{line} [receiver]"));
    }
}

#[test]
fn blocks_that_the_basis_does_not_have() {
    let reply = [TRANSFER, &no_sums(), &numbers(&[-1])].concat();
    let line = "Invalid block index 0 (count=0) [receiver]";
    check_reply("-r {url}/m/ d", &reply, 2, line);
    let reply = [TRANSFER, &numbers(&[1, 700, 2, 6, -8])].concat();
    let line = "Invalid block index 7 (count=1) [receiver]";
    let entry = Entry::default();
    reply_to("-r {url}/m/ d", &entry, true, ASKED_WITH_BLOCK, &reply, 2, line);
}

#[test]
fn a_basis_that_has_gone() {
    if !has_rsync() {
        return;
    }
    let reply = [TRANSFER, &numbers(&[1, 700, 2, 6, -1])].concat();
    check(|| Case {
        words: "-r {url}/m/ d",
        steps: vec![
            Step::Say([SETUP, &data(&Entry::default().list())].concat()),
            Step::Hear(ASKED_WITH_BLOCK),
            Step::Do(|place| fs::rename(place.join("d/f1"), place.join("d/f2")).expect("it is there")),
            Step::Say(data(&reply)),
        ],
        has_older: true,
        code: 2,
        line: "got a block match with no basis file for \"{here}/d/f1\" [receiver]",
    });
}

#[test]
fn compressed_data_that_cannot_be() {
    for (words, token, code, line) in [
        (
            "-rz --zc=zlib {url}/m/ d",
            &b"\x80"[..],
            2,
            "Invalid block index 0 (count=0) [receiver]",
        ),
        (
            "-rz --zc=zlib {url}/m/ d",
            b"\x20\xff\xff\xff\xff",
            2,
            "invalid token number in compressed stream",
        ),
        (
            "-rz --zc=zlib {url}/m/ d",
            b"\x21\xff\xff\xff\x7f\xff\xff",
            2,
            "invalid token number in compressed stream",
        ),
        (
            "-rz --zc=zlib {url}/m/ d",
            b"\x40\x05\xff\xff\xff\xff\xff",
            12,
            "inflate returned -3 (0 bytes)",
        ),
        (
            "-rz --zc=zstd {url}/m/ d",
            b"\x40\x05\xff\xff\xff\xff\xff",
            12,
            "ZSTD decomp returned ",
        ),
        (
            "-rz --zc=lz4 {url}/m/ d",
            b"\x40\x05\xff\xff\xff\xff\xff",
            12,
            "uncompress failed: ",
        ),
    ] {
        let reply = [TRANSFER, &no_sums(), token].concat();
        check_reply(words, &reply, code, line);
    }
    // A block in the middle of compressed data.
    let reply = [TRANSFER, &numbers(&[1, 700, 2, 6]), b"\x40\x02\x4a\x4c\x80"].concat();
    let (words, entry) = ("-rz --zc=zlib {url}/m/ d", Entry::default());
    let line = "decompressor lost sync!";
    reply_to(words, &entry, true, ASKED_WITH_BLOCK, &reply, 12, line);
}

#[test]
fn lists_of_no_folder() {
    let root = Entry {
        flags: b"\x19\x01",
        name: b".",
        mode: 0o40_755,
        ..Entry::default()
    };
    let incremental = |list: &[u8]| [b"\x01\x01\0\0\0", &*data(list)].concat();
    for (index, number) in [(b"\xff\x69", -106), (b"\xff\x63", -100)] {
        // One file alone is followed by another list, or by the end of all.
        let list = [&*root.list(), index].concat();
        let line = format!("[Receiver] Invalid dir index: {number} (-101 - -101)");
        check_said("-r {url}/m/ d", &incremental(&list), 2, &line);
        let list = [&*root.bytes(), &Entry::default().list(), index].concat();
        let line = format!("Invalid dir index: {number} (-101 - -101) [receiver]");
        check_said("-r {url}/m/ d", &incremental(&list), 2, &line);
    }
}

#[test]
fn frames_that_cannot_be() {
    let said = |tag, bytes: &[u8]| [SETUP, &frame(tag, bytes)].concat();
    let line = "unexpected tag 50 [Receiver]";
    check_said("-r {url}/m/ d", &said(50, b"x"), 12, line);
    let line = "invalid multi-message 33:2 [Receiver]";
    check_said("-r {url}/m/ d", &said(33, b"xx"), 12, line);
    let line = "multiplexing overflow 2:6000 [Receiver]";
    check_said("-r {url}/m/ d", &said(2, &[b'a'; 6000]), 12, line);
    let incremental = [b"\x01\x01\0\0\0", &*frame(50, b"x")].concat();
    let line = "unexpected tag 50 [Receiver/inc]";
    check_said("-r {url}/m/ d", &incremental, 12, line);
}

#[test]
fn patience_that_cannot_be_ends_nothing() {
    for seconds in [0, -1, 90_000] {
        let list = Entry {
            name: b"/1",
            ..Entry::default()
        };
        let said = [SETUP, &frame(33, &numbers(&[seconds])), &data(&list.list())].concat();
        let line = "ABORTING due to unsafe pathname from sender: /1";
        check_said("-r --timeout=50 {url}/m/ d", &said, 4, line);
    }
}

#[test]
fn something_else_than_the_goodbye() {
    if !has_rsync() {
        return;
    }
    let done = || Step::Say(data(b"\0"));
    check(|| Case {
        words: "-r --existing {url}/m/ d",
        steps: vec![
            Step::Say([SETUP, &data(&Entry::default().list())].concat()),
            // Rules, and the end of the list.
            Step::Hear(4 + 1),
            done(),
            // The ends of all other phases.
            Step::Hear(3),
            done(),
            // With what the sender counted.
            Step::Say(data(&[0; 1 + 15])),
            Step::Say(data(b"\x01\0\0")),
            Step::Wait,
        ],
        has_older: false,
        // The receiver ends with 2, which the generator does not hear of.
        code: 12,
        line: "Invalid packet at end of run (0) [receiver]",
    });
}
