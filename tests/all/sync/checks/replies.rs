//! What comes behind the list: frames, indices, data, and the goodbye.

use std::fs;

use super::{
    ASKED, ASKED_WITH_BLOCK, Case, Entry, SETUP, TRANSFER, check, check_list, check_reply, check_request,
    check_said, no_sums, numbers, reply_to,
};
use crate::{
    support::daemon::has_rsync,
    sync::peer::{Step, data, frame, met},
};

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
        // On a slow machine the client would have whole lists.
        let words = ["-r", "--inc-recursive", "s/", "{url}/m/"];
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

/// It costs this file, and no more.
#[test]
fn a_folder_that_came_in_the_place_of_a_file() {
    if !has_rsync() {
        return;
    }
    let literal = [&numbers(&[3])[..], b"abc"].concat();
    let (end, digest) = (numbers(&[0]), [0; 16]);
    // The ends of the phases, what the server counted, and its goodbye.
    let rest = [0; 3 + 5 * 3 + 1];
    for words in [
        "-r {url}/m/ d",
        "-rtp {url}/m/ d",
        "-r --inplace {url}/m/ d",
        "-rb {url}/m/ d",
        "-r --delay-updates {url}/m/ d",
        "-rW {url}/m/ d",
    ] {
        let heard = if words.contains('W') {
            ASKED
        } else {
            ASKED_WITH_BLOCK
        };
        let data_of_file = match heard {
            ASKED => [TRANSFER, &no_sums(), &literal, &end, &digest].concat(),
            _ => [TRANSFER, &numbers(&[1, 700, 2, 6, -1]), &literal, &end, &digest].concat(),
        };
        check(|| Case {
            words,
            steps: vec![
                Step::Say([SETUP, &data(&Entry::default().list())].concat()),
                // With the end of the first phase.
                Step::Hear(heard + 1),
                Step::Do(|place| {
                    fs::rename(place.join("d/f1"), place.join("d/f2")).expect("it is there");
                    fs::create_dir(place.join("d/f1")).expect("a folder");
                }),
                Step::Say(data(&data_of_file)),
                Step::Say(data(&rest)),
                Step::Hear(3 + 1),
            ],
            has_older: true,
            code: 23,
            line: "recv_files: \"{here}/d/f1\" is a directory",
        });
    }
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
