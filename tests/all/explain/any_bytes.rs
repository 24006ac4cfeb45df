//! Whatever is pasted is explained, or told to be nothing.

use proptest::{collection::vec, prelude::*};
use rsyncctl::{
    catalog::Language,
    render::{self, Format, Style},
};

use super::explained;

proptest! {
    #[test]
    fn any_bytes_are_explained(text in vec(any::<u8>(), 0..2000)) {
        hold(&text);
    }

    #[test]
    fn pieces_of_messages_are_explained(pieces in vec((0..PIECES.len(), any::<u8>()), 0..60)) {
        let text: Vec<u8> = pieces
            .iter()
            .flat_map(|(piece, byte)| PIECES[*piece].iter().copied().chain((byte % 9 == 0).then_some(*byte)))
            .collect();
        hold(&text);
    }
}

const PIECES: [&[u8]; 24] = [
    b"rsync",
    b" ",
    b"rsync error: ",
    b"(code ",
    b"12",
    b") at main.c(1) [",
    b"sender=3.2.7",
    b"]",
    b"\n",
    b"\r",
    b"\x1b[1m",
    b"@ERROR: auth failed on module ",
    b"failed to connect to ",
    b": Connection refused (111)",
    b"2026/11/21 04:00:01 [",
    b"7] ",
    b"password mismatch",
    b"$ rsync -a ",
    b"h::data",
    b"'",
    b"\"",
    b"\xe2\x80\x99",
    b"\xc2\xa0",
    b"#errno ",
];

/// What holds for any text: every report can be written, and says nothing that commands a terminal.
fn hold(text: &[u8]) {
    let explanation = explained(text);
    for format in [Format::Human, Format::Json] {
        for language in [Language::English, Language::Chinese] {
            let style = Style {
                language,
                color: false,
                unicode: true,
                width: 80,
                limit: 10,
            };
            let mut report = Vec::new();
            render::explanation(format, &explanation, "text", style, &mut report).expect("memory");
            assert!(!report.contains(&0x1b), "{}", String::from_utf8_lossy(&report));
        }
    }
}
