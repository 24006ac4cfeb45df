//! The text of a file that a shell reads.

use std::ops::Range;

/// What stands for a carriage return while a shell's words are found: for a shell it is a letter as any other, where the
/// reader of scripts takes it for a blank.
const RETURN: u8 = 1;

/// A file as a shell reads it, and whether some of its lines end with carriage returns.
pub(super) fn as_a_shell_reads(bytes: &[u8]) -> (Vec<u8>, bool) {
    let has_returns = bytes.windows(2).any(|pair| pair == b"\r\n") && !bytes.contains(&RETURN);
    let letter = |byte: &u8| {
        if has_returns && *byte == b'\r' {
            RETURN
        } else {
            *byte
        }
    };
    (bytes.iter().map(letter).collect(), has_returns)
}

/// The text of a word, with its carriage returns.
pub(super) fn with_returns(text: &[u8]) -> Vec<u8> {
    text.iter()
        .map(|&byte| if byte == RETURN { b'\r' } else { byte })
        .collect()
}

/// The lines of a file, with their ends.
pub(super) fn lines(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    bytes.split_inclusive(|&byte| byte == b'\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end;
        range
    })
}

/// Whether a line that is no comment has rsync's name as a word.
pub(super) fn names_rsync(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace);
    let is_comment = line.trim_ascii_start().starts_with(b"#");
    !is_comment && words.any(|word| word == b"rsync" || word.ends_with(b"/rsync"))
}
