//! Bytes with lookalikes, seen as whoever typed them saw them.

use crate::syntax::Lookalike;

/// Every lookalike in some bytes: where, what, how long.
pub(super) fn lookalikes(bytes: &[u8]) -> Vec<(usize, Lookalike, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match Lookalike::at(&bytes[at..]) {
            Some((what, length)) => {
                found.push((at, what, length));
                at += length;
            }
            None => at += 1,
        }
    }
    found
}

/// What stands in a lookalike's place when it is cured; `None`: nothing would be right.
pub(super) fn plain_form(what: Lookalike) -> Option<Vec<u8>> {
    match what {
        Lookalike::Blank => Some(b" ".to_vec()),
        Lookalike::Nothing => Some(Vec::new()),
        Lookalike::Wide(plain) => Some(vec![plain]),
        // A straight quote would be as wrong as a curved one.
        Lookalike::Quote => None,
    }
}

/// Some bytes with each lookalike made what it looks like.
pub(super) fn plain(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for (start, what, length) in lookalikes(bytes) {
        plain.extend_from_slice(&bytes[at..start]);
        plain.extend(plain_form(what).unwrap_or_default());
        at = start + length;
    }
    plain.extend_from_slice(&bytes[at..]);
    plain
}

/// Where the wide form of a character stands first.
pub(super) fn wide(bytes: &[u8], plain: u8) -> Option<usize> {
    let found = lookalikes(bytes);
    found
        .iter()
        .find(|(_, what, _)| *what == Lookalike::Wide(plain))
        .map(|(at, _, _)| *at)
}

/// The length of the blanks at the start, lookalikes included.
pub(super) fn skip(bytes: &[u8]) -> usize {
    let mut at = 0;
    while at < bytes.len() {
        match Lookalike::at(&bytes[at..]) {
            Some((Lookalike::Blank | Lookalike::Nothing, length)) => at += length,
            _ if matches!(bytes[at], b' ' | b'\t') => at += 1,
            _ => break,
        }
    }
    at
}

/// The length without the blanks at the end, lookalikes included.
pub(super) fn trim(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    while end > 0 {
        let is_blank = |length: &usize| {
            let part = &bytes[end - length..end];
            matches!(
                Lookalike::at(part),
                Some((Lookalike::Blank | Lookalike::Nothing, whole)) if whole == *length
            ) || matches!(part, b" " | b"\t")
        };
        match (1..=3.min(end)).find(is_blank) {
            Some(length) => end -= length,
            None => break,
        }
    }
    end
}

/// `U+00A0`, and the character itself where it can be seen.
pub(super) fn shown(character: char) -> String {
    let code = format!("U+{:04X}", u32::from(character));
    match character {
        '、' | '【' | '】' | '！'..='～' | '“' | '”' | '‘' | '’' => {
            format!("`{character}` ({code})")
        }
        _ => code,
    }
}
