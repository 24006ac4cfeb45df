//! Lines as somebody pastes them: coloured, wrapped, with blanks of web pages and bytes of any encoding.

use std::{borrow::Cow, fmt::Write as _, io};

use crate::syntax::Lookalike;

/// Bytes of a line that are read; what stands behind them in the same line is not.
const LONGEST_LINE: usize = 16 << 10;

/// The most bytes that are read of a text. One that goes on is no log that somebody pastes, or never ends.
const LONGEST_TEXT: u64 = 4 << 30;

/// The most bytes without the end of a line. What has more is no text: a device, an image of a disk.
const LONGEST_STRETCH: u64 = 64 << 20;

/// Where the reading of a text stopped before its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stop {
    /// After this many bytes of the text.
    Text(u64),
    /// After this many bytes of one line.
    Line(u64),
}

/// Calls `each` with every line and its 1-based number. A carriage return ends a line too: progress is drawn with it.
/// Returns where it stopped before the end, if it did.
///
/// # Errors
/// What reading gives.
pub(super) fn for_each(text: impl io::BufRead, each: impl FnMut(usize, &[u8])) -> io::Result<Option<Stop>> {
    bounded(text, LONGEST_TEXT, LONGEST_STRETCH, each)
}

fn bounded(
    mut text: impl io::BufRead,
    longest_text: u64,
    longest_stretch: u64,
    mut each: impl FnMut(usize, &[u8]),
) -> io::Result<Option<Stop>> {
    let mut line = Vec::new();
    let mut number = 1;
    let (mut read, mut stretch) = (0, 0);
    let mut stop = None;
    while stop.is_none() {
        let bytes = match text.fill_buf() {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            break;
        }
        let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let length = end.map_or(bytes.len(), |end| end + 1) as u64;
        read += length;
        stretch += length;
        if read > longest_text {
            stop = Some(Stop::Text(longest_text));
        } else if end.is_none() && stretch > longest_stretch {
            stop = Some(Stop::Line(longest_stretch));
        }
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
        stretch = 0;
        if !line.is_empty() {
            each(number, &line);
            line.clear();
        }
        number += usize::from(is_newline);
    }
    if !line.is_empty() {
        each(number, &line);
    }
    Ok(stop)
}

/// The line as rsync wrote it: without colours, with plain quotes and blanks, and without a web page's entities.
pub(super) fn clean(line: &[u8]) -> Cow<'_, str> {
    let text = without_colours(line);
    if !(text.contains('&') && text.contains(';')) {
        return text;
    }
    let mut text = text.into_owned();
    for (entity, plain) in ENTITIES {
        text = text.replace(entity, plain);
    }
    Cow::Owned(text)
}

/// The lines that a value of JSON holds, as Ansible prints them: `"msg": "rsync: … \"/a\" failed …\nrsync error: …"`.
pub(super) fn unescaped(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_json = (text.contains("\": \"") || text.contains("\":\""))
        && (text.contains("\\n") || text.contains("\\\""));
    if !is_json {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => plain.push('\n'),
            Some('r' | 't') => plain.push(' '),
            Some(escaped @ ('"' | '/' | '\\')) => plain.push(escaped),
            Some(other) => plain.extend(['\\', other]),
            None => {}
        }
    }
    Cow::Owned(plain)
}

/// What web pages write for characters that mean something in HTML; the ampersand last, as it begins the others.
const ENTITIES: [(&str, &str); 9] = [
    ("&lt;", "<"),
    ("&gt;", ">"),
    ("&quot;", "\""),
    ("&#34;", "\""),
    ("&apos;", "'"),
    ("&#39;", "'"),
    ("&#039;", "'"),
    ("&nbsp;", " "),
    ("&amp;", "&"),
];

fn without_colours(line: &[u8]) -> Cow<'_, str> {
    if !line.iter().any(|byte| needs_a_look(*byte)) {
        return decoded(line);
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
            set_apart(&mut cleaned, lookalike, &rest[length..]);
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
    // Terminals obey some characters beyond ASCII too.
    Cow::Owned(decoded(&cleaned).replace(char::is_control, ""))
}

/// A text, with what is not UTF-8 as rsync prints it and writes it into its log (`\#265`, by `filtered_fwrite` in log.c):
/// such a name then stands here as it stands there.
fn decoded(line: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(line) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(line.len() * 2);
    for chunk in line.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\#{byte:03o}");
        }
    }
    Cow::Owned(text)
}

/// What a command line of rsync's has in the place of a quote or of a blank, before it is made plain: a program is called by
/// one of its first words.
pub(super) fn of_command(line: &[u8]) -> Option<Lookalike> {
    if line.is_ascii() || line.len() > LONGEST_COMMAND {
        return None;
    }
    let text = str::from_utf8(line).ok()?;
    let mut words = text
        .split([' ', '\t', '\r', '\n'])
        .filter(|word| !word.is_empty());
    let is_called = |word: &str| word == "rsync" || word.ends_with("/rsync");
    words.by_ref().take(FIRST_WORDS).find(|word| is_called(word))?;
    words.find_map(Lookalike::in_word)
}

/// Whether a line of output has curved quotes alone, where rsync prints straight ones.
pub(super) fn is_curved(line: &[u8]) -> bool {
    let has_quote = |at: usize| matches!(Lookalike::at(&line[at..]), Some((Lookalike::Quote, _)));
    !line.is_ascii() && of_command(line).is_none() && !line.contains(&b'"') && (0..line.len()).any(has_quote)
}

/// A longer line is no command that somebody has typed.
const LONGEST_COMMAND: usize = 4096;

/// What may stand in front of a program: a prompt, `sudo`, `time`.
const FIRST_WORDS: usize = 4;

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

/// Puts the blanks around the last sign that rsync writes there, and Chinese typography does not: `rsync：failed`,
/// `refused（111）`.
fn set_apart(cleaned: &mut Vec<u8>, lookalike: Lookalike, behind: &[u8]) {
    let before = cleaned.len().checked_sub(2).map(|at| cleaned[at]);
    match lookalike {
        Lookalike::Wide(b':')
            if before != Some(b':') && behind.first().is_some_and(u8::is_ascii_alphabetic) =>
        {
            cleaned.push(b' ');
        }
        Lookalike::Wide(b'(') if before.is_some_and(|before| before.is_ascii_alphabetic()) => {
            cleaned.insert(cleaned.len() - 1, b' ');
        }
        _ => {}
    }
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
        assert_eq!(clean(b"\x1b]0;title\x07rsync\x08 \xff"), "rsync \\#377");
        assert_eq!(clean(b"\x1b["), "[");
        assert_eq!(
            clean("rsync：failed to connect：refused（111） 10.0.0.1：：web 04：30".as_bytes()),
            "rsync: failed to connect: refused (111) 10.0.0.1::web 04:30"
        );
        assert_eq!(
            clean(b"&gt; &quot;R&amp;amp;D&quot; &c; &#39;"),
            "> \"R&amp;D\" &c; '"
        );
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

    #[test]
    fn what_never_ends_is_not_read_for_ever() {
        let read = |text: Box<dyn io::Read>| {
            let mut lines = 0;
            let text = io::BufReader::with_capacity(7, text);
            let stop = bounded(text, 1_000, 100, |_, _| lines += 1).expect("a text");
            (stop, lines)
        };
        let zeros = Box::new(io::repeat(0));
        assert_eq!(read(zeros), (Some(Stop::Line(100)), 1));
        let newlines = Box::new(io::repeat(b'\n'));
        assert_eq!(read(newlines), (Some(Stop::Text(1_000)), 0));
        let whole = io::Cursor::new("0123456789\n".repeat(90));
        assert_eq!(read(Box::new(whole)), (None, 90));
    }
}
