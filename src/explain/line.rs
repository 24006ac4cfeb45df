//! Lines as somebody pastes them: coloured, wrapped, with blanks of web pages and bytes of any encoding.

use std::{borrow::Cow, io};

use crate::syntax::Lookalike;

/// Bytes of a line that are read; what stands behind them in the same line is not.
const LONGEST_LINE: usize = 16 << 10;

/// Calls `each` with every line and its 1-based number. A carriage return ends a line too: progress is drawn with it.
///
/// # Errors
/// What reading gives.
pub(super) fn for_each(mut text: impl io::BufRead, mut each: impl FnMut(usize, &[u8])) -> io::Result<()> {
    let mut line = Vec::new();
    let mut number = 1;
    loop {
        let bytes = match text.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            break;
        }
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let piece = &bytes[..end.unwrap_or(bytes.len())];
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend_from_slice(&piece[..piece.len().min(room)]);
        let Some(end) = end else {
            let length = bytes.len();
            text.consume(length);
            continue;
        };
        let is_newline = bytes[end] == b'\n';
        text.consume(end + 1);
        if !line.is_empty() {
            each(number, &line);
            line.clear();
        }
        number += usize::from(is_newline);
    }
    if !line.is_empty() {
        each(number, &line);
    }
    Ok(())
}

/// The line as rsync wrote it: without colours, with plain quotes and blanks.
pub(super) fn clean(line: &[u8]) -> Cow<'_, str> {
    if !line.iter().any(|byte| needs_a_look(*byte)) {
        return String::from_utf8_lossy(line);
    }
    let mut cleaned = Vec::with_capacity(line.len());
    let mut rest = line;
    while !rest.is_empty() {
        let plain_length = rest
            .iter()
            .position(|byte| needs_a_look(*byte))
            .unwrap_or(rest.len());
        let (as_it_is, behind) = rest.split_at(plain_length);
        cleaned.extend_from_slice(as_it_is);
        rest = behind;
        let Some(first) = rest.first() else { break };
        let length = if let Some(length) = escape(rest) {
            length
        } else if let Some((lookalike, length)) = Lookalike::at(rest) {
            cleaned.extend(plain(lookalike, &rest[..length]));
            length
        } else {
            match first {
                b'\t' => cleaned.push(b' '),
                byte if byte.is_ascii_control() => {}
                byte => cleaned.push(*byte),
            }
            1
        };
        rest = &rest[length..];
    }
    Cow::Owned(String::from_utf8_lossy(&cleaned).into_owned())
}

/// Whether a byte commands the terminal, or may begin a lookalike.
fn needs_a_look(byte: u8) -> bool {
    byte.is_ascii_control() || matches!(byte, 0xc2 | 0xe2 | 0xe3 | 0xef)
}

/// The length of the escape sequence with which some bytes begin: colours, and the titles of terminals.
fn escape(bytes: &[u8]) -> Option<usize> {
    let inner = bytes.strip_prefix(b"\x1b")?;
    let end = match inner.first()? {
        b'[' => {
            inner
                .iter()
                .skip(1)
                .position(|byte| matches!(byte, 0x40..=0x7e))?
                + 1
        }
        b']' => inner.iter().position(|byte| matches!(byte, 0x07 | b'\\'))?,
        _ => 0,
    };
    Some(end + 2)
}

fn plain(lookalike: Lookalike, bytes: &[u8]) -> Option<u8> {
    match lookalike {
        Lookalike::Blank => Some(b' '),
        Lookalike::Nothing => None,
        Lookalike::Quote if matches!(bytes, [.., 0x98 | 0x99]) => Some(b'\''),
        Lookalike::Quote => Some(b'"'),
        Lookalike::Wide(byte) => Some(byte),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_and_lookalikes_go() {
        assert_eq!(
            clean("\x1b[1;31mrsync\x1b[0m: ‘a’\u{a0}“b”：\u{200b}c".as_bytes()),
            "rsync: 'a' \"b\":c"
        );
        assert_eq!(clean(b"\x1b]0;title\x07rsync\x08 \xff"), "rsync \u{fffd}");
        assert_eq!(clean(b"\x1b["), "[");
    }

    #[test]
    fn lines_end_at_carriage_returns_and_have_a_bound() {
        let mut text = b"one\r\n\n 10%\r 20%\rdone\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', LONGEST_LINE * 2));
        let mut lines = Vec::new();
        let reader = io::BufReader::with_capacity(7, &*text);
        for_each(reader, |number, line| lines.push((number, line.to_vec()))).expect("a text");
        let shown: Vec<_> = lines
            .iter()
            .map(|(number, line)| (*number, &line[..line.len().min(4)]))
            .collect();
        assert_eq!(
            shown,
            [
                (1, &b"one"[..]),
                (3, b" 10%"),
                (3, b" 20%"),
                (3, b"done"),
                (4, b"xxxx")
            ]
        );
        assert_eq!(lines[4].1.len(), LONGEST_LINE);
    }
}
