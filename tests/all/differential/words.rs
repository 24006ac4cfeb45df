//! What generated configurations are made of.

/// The lines that keep every daemon on loopback and its log in one place. They are never mutated.
pub(crate) const PREFIX: &str =
    "reverse lookup = no\nforward lookup = no\nuse chroot = no\nlog file = session.log\n";

/// Folders that are always there, each with a file that tells it from the others.
pub(crate) const FOLDERS: [&str; 5] = ["d1", "d2", "sp ace", "d1/deep", "empty"];

/// Files that are always there, so that most includes find something.
pub(crate) const BASE: [(&str, &str); 5] = [
    ("base/a.conf", "comment = from a\n[included]\npath = d2\n"),
    ("base/b.conf", "[b]\nread only = no\npath = d1\n"),
    ("base/c.inc", "list = no\nread only = no\n"),
    (
        "base.conf",
        "comment = from base\nread only = no\nlist = no\nhosts deny = 127.0.0.2\n",
    ),
    ("base.inc", "comment = merged\nhosts deny = 127.1.2.3\n"),
];

/// Files that an include may name, where they are part of a case.
pub(crate) const FILES: [&str; 8] = [
    "inc/a.conf",
    "inc/b.conf",
    "inc/.hidden.conf",
    "inc/c.inc",
    "inc/d.inc",
    "inc/e.txt",
    "inc/folder.conf/x.conf",
    "one.inc",
];

pub(crate) const TARGETS: [&str; 28] = [
    "base",
    "base",
    "base",
    "base/",
    "base/a.conf",
    "base/c.inc",
    "base.inc",
    "base.inc",
    "empty",
    "base/b.conf",
    "inc",
    "inc/",
    "inc",
    "./inc//",
    "inc/a.conf",
    "inc/b.conf",
    "inc/c.inc",
    "one.inc",
    "one.inc",
    "empty",
    "d1",
    "d1/marker-1",
    "missing.conf",
    "rsyncd.conf",
    "inc/folder.conf",
    "/dev/null",
    "",
    "one.inc # note",
];

pub(crate) const MODULES: [&str; 18] = [
    "a",
    "a",
    "b",
    "b",
    "c",
    " a ",
    "A",
    "mod one",
    "mod\tone",
    "ModOne",
    "x;y",
    "a=b",
    "#x",
    "%NAME%",
    "%NONE%",
    "-x",
    "[x",
    "caf\u{e9}",
];

pub(crate) const GLOBALS: [&str; 4] = ["global", "GLOBAL", "g l o b a l", "Global"];

pub(crate) const BROKEN_HEADERS: [&str; 6] = ["[]", "[ ]", "[x", "[a/b]", "[\\", "[ x \\\n y ] # joined"];

pub(crate) const BOOLEANS: [&str; 22] = [
    "yes",
    "no",
    "yes",
    "no",
    "true",
    "false",
    "1",
    "0",
    "YES",
    "F a L s E",
    "on",
    "off",
    "y",
    "",
    "unset",
    "-1",
    "no # really",
    "yes;",
    "\"no\"",
    "%YES%",
    "%NONE%",
    "%BAD%",
];

pub(crate) const PATHS: [&str; 30] = [
    "d1",
    "d1",
    "d2",
    "d1",
    "d1",
    "d2",
    "sp ace",
    "d2",
    "d1/deep",
    "d2/",
    "d1//",
    "./d2",
    "d1/../d2",
    "sp ace",
    "sp  ace",
    "d1/deep///",
    "missing",
    "plain",
    "/",
    "//",
    "",
    "%ROOT%/d1",
    "%ROOT%/%DIR%/deep/",
    "%DIR%",
    "%NONE%",
    "%dir%",
    "%ROOT%/%RSYNC_MODULE_NAME%",
    "\"d1\"",
    "d1 # data",
    "d2/.",
];

pub(crate) const NUMBERS: [&str; 12] = [
    "-1",
    "-5 slots",
    "0",
    "ten",
    "100",
    "+200",
    "-0",
    "",
    "99999999999999999999",
    "4294967295",
    "2147483648",
    "0x10",
];

pub(crate) const USERS: [&str; 12] = [
    "joe",
    "joe,ann",
    "ann",
    "j*:deny",
    "*:ro",
    "",
    "joe:rw",
    ",joe, ann",
    "@nogroup ann",
    "[a-k]oe:d",
    "!joe",
    "%NAME%",
];

pub(crate) const COMMENTS: [&str; 10] = [
    "",
    "a module",
    "caf\u{e9}",
    "two  blanks",
    "with # hash",
    "%DIR%",
    "%NONE%%DIR%%",
    "%DIR",
    "tab\there",
    "= x",
];

pub(crate) const IDENTITIES: [&str; 10] = [
    "0",
    "root",
    "nobody",
    "no-such-one",
    "",
    "12a",
    "%NONE%",
    "root no-such-one",
    ",root",
    "0,0",
];

pub(crate) const OTHER_LINES: [&str; 15] = [
    "",
    "   ",
    "# comment",
    "; comment",
    "# comment \\",
    "  ;; \\",
    "no equals sign",
    "ignore errors",
    "\\",
    "\\path = d2",
    "# [x]",
    "\u{feff}list = no",
    "a\\\nb = c",
    "&include",
    "&merge=base.inc",
];

/// Lines that rsync gives up on.
pub(crate) const FATAL_LINES: [&str; 5] = [
    "= value",
    "&path = x",
    "& include base.inc",
    "&unknown base.inc",
    "path \\\n[]",
];

pub(crate) const UNKNOWN: [&str; 9] = [
    "read_only",
    "hosts-allow",
    "host allow",
    "bind address",
    "-path",
    "path.",
    "chroot",
    "\u{fffd}",
    "paths",
];

pub(crate) const MISPLACED: [&str; 5] = [
    "port = 8730",
    "address = 127.0.0.1",
    "listen backlog = 5",
    "socket options = SO_NONE",
    "P O R T=x",
];

/// What a mutation inserts.
pub(crate) const BYTES: [&[u8]; 19] = [
    b"\0",
    b"\r",
    b"\\",
    b"\n",
    b" ",
    b"\t",
    b"[",
    b"]",
    b"=",
    b"#",
    b";",
    b"&",
    b"%",
    b"/",
    b"\x0b",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\r\n",
    b"\\\n",
];
