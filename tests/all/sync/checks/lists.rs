//! Lists of files.

use super::{Entry, check_list, check_said};
use crate::sync::peer::data;

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
