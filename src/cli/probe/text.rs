//! The text of a file that a shell reads.

use std::ops::Range;

use crate::model::script::{Argument, Piece};

/// What stands for a carriage return while a shell's words are found: for a shell it is a letter as any other, where the
/// reader of scripts takes it for a blank.
pub(super) const RETURN: u8 = 1;

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

/// The line that a place of a file is in; the first one is 1.
pub(super) fn position(bytes: &[u8], place: usize) -> usize {
    1 + bytes[..place].iter().filter(|&&byte| byte == b'\n').count()
}

/// Whether a line that is no comment has rsync's name as a word.
pub(super) fn names_rsync(line: &[u8]) -> bool {
    let mut words = line.split(u8::is_ascii_whitespace);
    let is_comment = line.trim_ascii_start().starts_with(b"#");
    !is_comment && words.any(is_rsync)
}

/// Whether a line is a comment that has rsync's name as a word.
pub(super) fn is_comment_of_rsync(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let mut words = line.split(|byte| byte.is_ascii_whitespace() || *byte == b'#');
    line.starts_with(b"#") && words.any(is_rsync)
}

pub(super) fn is_rsync(word: &[u8]) -> bool {
    word == b"rsync" || word.ends_with(b"/rsync")
}

/// A pasted line without the prompt of the shell: `$ `, `[root@web ~]# `, `root@web:~# `.
pub(super) fn without_prompt(line: &str) -> &str {
    let line = line.trim_start();
    let is_prompt = |text: &str| {
        let in_brackets = text.starts_with('[') && text.trim_end().ends_with(']');
        text.is_empty() || in_brackets || text.contains('@') && !text.contains(char::is_whitespace)
    };
    let prompts = ["# ", "$ "].into_iter().filter_map(|sign| line.split_once(sign));
    let mut commands = prompts.filter(|(prompt, _)| is_prompt(prompt));
    commands.next().map_or(line, |(_, command)| command.trim_start())
}

/// An argument as it is written; of what is put in nothing but its place or its name, for that may hold a password.
pub(super) fn shown(argument: &Argument, bytes: &[u8]) -> String {
    let known = |piece: &Piece| match (&piece.text, &piece.variable) {
        (Some(text), _) => String::from_utf8_lossy(text).into_owned(),
        (None, Some(name)) => format!("${}", String::from_utf8_lossy(&bytes[name.clone()])),
        (None, None) => "$(...)".to_owned(),
    };
    argument.pieces.iter().map(known).collect()
}
