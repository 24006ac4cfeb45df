//! Any bytes give a report: no panic, no edit outside the file, no edits of one fix that overlap.

use proptest::prelude::*;
use rsyncctl::{
    catalog::{FileKind, Language},
    host::NoHost,
    lint::{Input, lint},
};

use crate::support::report::options;

/// What configurations are made of, and what spoils them.
const PIECES: &[&[u8]] = &[
    b"[data]",
    b"[global]",
    b"[",
    b"]",
    b"\n",
    b"\n\n",
    b" ",
    b"\t",
    b"=",
    b" = ",
    b"#",
    b" # ",
    b";",
    b"\\\n",
    b"\\",
    b"&include ",
    b"&merge",
    b"&x",
    b"\0",
    b"\r\n",
    b"\"",
    b"'",
    b"path",
    b"path = /srv/data",
    b"read only",
    b"no",
    b"hosts allow",
    b"10.0.0.1",
    b",",
    b"refuse options = ",
    b"delete",
    b"exclude = ",
    b"max connections = ",
    b"-1",
    b"gid = root",
    b"use chroot = no",
    b"ignore errors",
    b"auth users",
    b"timeout",
    b"10 minutes",
    b"%HOME%",
    b"log file = /var/log/x",
    b"name = x",
    b"write only = yes",
    b"incoming chmod = ",
    b"charset = ",
    b"uid",
    b"\xef\xbb\xbf",
    b"\xc2\xa0",
    b"\xe2\x80\x8b",
    b"\xef\xbc\x9d",
    b"\xef\xbc\x83",
    b"\xe2\x80\x9c",
    b"\xe3\x80\x80",
    b"\xff",
    b"\xe4\xb8\xad\xe6\x96\x87",
    b"\xef\xbc",
    b"\xe2",
];

proptest! {
    #[test]
    fn any_bytes_give_a_report(file in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let bytes = file.concat();
        let length = bytes.len();
        let input = Input {
            name: "rsyncd.conf".to_owned(),
            path: None,
            bytes: bytes.into(),
            kind: FileKind::RsyncdConf,
            is_guess: false,
            host: &NoHost,
        };
        let report = lint(vec![input], &options());
        for finding in &report.findings {
            prop_assert!(finding.labels.iter().all(|label| label.span.range().end <= length));
            prop_assert!(!finding.title(Language::Chinese).is_empty());
            let mut edits: Vec<_> = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span).collect();
            edits.sort();
            prop_assert!(edits.iter().all(|span| span.range().end <= length));
            prop_assert!(edits.windows(2).all(|pair| pair[0].end <= pair[1].start), "{} {edits:?}", finding.page.id);
        }
    }
}
