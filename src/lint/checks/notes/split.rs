use crate::{
    model::{Parameter, Setting, Value, parameter::Kind},
    syntax::{Lookalike, blank_length},
};

/// A note behind a value.
pub(in crate::lint::checks) struct Note {
    /// How many bytes of the text are the value that is meant.
    pub(in crate::lint::checks) head: usize,
    /// Where the note begins: at its `#` or `;`, or at its first word.
    pub(in crate::lint::checks) start: usize,
}

/// The note behind a value, if there is plainly one.
pub(in crate::lint::checks) fn note(setting: &Setting) -> Option<Note> {
    note_in(setting.parameter, setting.text.bytes())
}

/// The note in a text that would be the value of a parameter.
pub(in crate::lint::checks) fn note_in(parameter: Parameter, bytes: &[u8]) -> Option<Note> {
    let shape = shape(parameter)?;
    marked(bytes, shape)
        .or_else(|| unmarked(bytes, parameter.facts().kind, shape))
        .filter(|note| is_visible(&bytes[note.start..]))
}

/// Whether there is anything to read.
fn is_visible(mut bytes: &[u8]) -> bool {
    while let Some((Lookalike::Blank | Lookalike::Nothing, length)) = Lookalike::at(bytes) {
        bytes = skip_blanks(&bytes[length..]);
    }
    !bytes.is_empty()
}

/// What a note says, without its mark.
pub(in crate::lint::checks) fn words_of(note: &[u8]) -> &[u8] {
    let behind = mark_length(note);
    let mut words = note[behind..].trim_ascii_start();
    while let Some(length) = blank_length(words) {
        words = &words[length..];
    }
    words
}

/// How a value looks that has no note.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Shape {
    /// A word such as `yes`, `10`, `daemon`.
    Word,
    /// An absolute path.
    Path,
    /// A user, an address: blanks are most unusual.
    Name,
    /// Words.
    List,
    /// Patterns, which may begin with `#`.
    Patterns,
    /// Text for people.
    Text,
}

/// `None`: a command line or a format, in which everything may be meant.
fn shape(parameter: Parameter) -> Option<Shape> {
    use Parameter as P;
    match (parameter.facts().kind, parameter) {
        (Kind::Boolean | Kind::BooleanOrUnset | Kind::Integer | Kind::Enum, _) => Some(Shape::Word),
        (Kind::Path, _)
        | (
            _,
            P::SecretsFile
            | P::ExcludeFrom
            | P::IncludeFrom
            | P::LogFile
            | P::PidFile
            | P::LockFile
            | P::MotdFile
            | P::DaemonChroot,
        ) => Some(Shape::Path),
        (_, P::Exclude | P::Include | P::Filter | P::DontCompress) => Some(Shape::Patterns),
        (_, P::Comment | P::SyslogTag | P::Name) => Some(Shape::Text),
        (_, P::EarlyExec | P::PreXferExec | P::PostXferExec | P::NameConverter | P::LogFormat) => None,
        (_, P::Uid | P::DaemonUid | P::Address | P::Charset | P::AuthDigest) => Some(Shape::Name),
        _ => Some(Shape::List),
    }
}

/// A note behind `#` or `;`.
fn marked(bytes: &[u8], shape: Shape) -> Option<Note> {
    let start = (0..bytes.len()).find(|&at| {
        let length = mark_length(&bytes[at..]);
        length > 0 && begins_note(bytes, at, length, shape)
    })?;
    Some(Note {
        head: trimmed(&bytes[..start]),
        start,
    })
}

fn begins_note(bytes: &[u8], at: usize, length: usize, shape: Shape) -> bool {
    let behind = &bytes[at + length..];
    let stands_apart = at == 0 || ends_with_blank(&bytes[..at]);
    let first = behind.first().copied().unwrap_or(b' ');
    let is_loose = blank_length(behind).is_some() || !first.is_ascii();
    if bytes[at] == b';' {
        // Between addresses it is a wrong separator, not a comment.
        let next = words_of(&bytes[at..]).first().copied().unwrap_or(b'0');
        return at > 0
            && stands_apart
            && !next.is_ascii_digit()
            && !matches!(shape, Shape::Patterns | Shape::Text);
    }
    match shape {
        Shape::Word => at > 0,
        Shape::Path | Shape::Name | Shape::List => stands_apart && (at > 0 || is_loose),
        Shape::Patterns => stands_apart && is_loose,
        Shape::Text => {
            at > 0
                && stands_apart
                && is_loose
                && !words_of(&bytes[at..]).first().is_none_or(u8::is_ascii_digit)
        }
    }
}

/// A note without a mark: words where the value cannot have any.
fn unmarked(bytes: &[u8], kind: Kind, shape: Shape) -> Option<Note> {
    if shape == Shape::Word {
        return behind_word(bytes, kind);
    }
    if shape == Shape::Path && bytes.first() != Some(&b'/') {
        return None;
    }
    gaps(bytes).find(|note| {
        let head = &bytes[..note.head];
        let gap = &bytes[note.head..note.start];
        let is_foreign = !bytes[note.start].is_ascii() && head.is_ascii();
        let is_wide = gap.len() > 1 || gap == b"\t";
        // File managers put no-break spaces into names; nobody parts a note from a path with one.
        if shape == Shape::Path && !gap.is_ascii() {
            return false;
        }
        match shape {
            Shape::Path | Shape::Name => is_wide || is_foreign,
            Shape::Text => is_wide && is_foreign,
            _ => is_foreign,
        }
    })
}

/// `yes   only reading`, `873     the port`, `600秒`: a whole value and then words. `10 minutes` is none: there the
/// words belong to the number.
fn behind_word(bytes: &[u8], kind: Kind) -> Option<Note> {
    let head = bytes
        .iter()
        .position(|&byte| !byte.is_ascii_alphanumeric() && byte != b'-')?;
    let start = bytes.len() - skip_blanks(&bytes[head..]).len();
    if head == 0 || start >= bytes.len() || Value::read(kind, bytes).is_some() && kind != Kind::Integer {
        return None;
    }
    let word = &bytes[..head];
    // `6００`: the same number goes on, in wide digits.
    if start == head
        && matches!(
            Lookalike::at(&bytes[start..]),
            Some((Lookalike::Wide(b'0'..=b'9'), _))
        )
    {
        return None;
    }
    let is_wide = start - head > 1 || bytes[head] == b'\t';
    let is_foreign = !bytes[start].is_ascii();
    let is_value = match kind {
        Kind::Integer => {
            let digits = word.strip_prefix(b"-").unwrap_or(word);
            !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) && (is_wide || is_foreign)
        }
        _ => Value::read(kind, word).is_some() && (start > head || is_foreign),
    };
    is_value.then_some(Note { head, start })
}

/// Every run of blanks inside a value, with what stands behind it.
fn gaps(bytes: &[u8]) -> impl Iterator<Item = Note> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while at < bytes.len() {
            let head = at;
            match blank_length(&bytes[at..]) {
                Some(_) => {
                    at = bytes.len() - skip_blanks(&bytes[at..]).len();
                    if head > 0 && at < bytes.len() {
                        return Some(Note { head, start: at });
                    }
                }
                None => at += 1,
            }
        }
        None
    })
}

/// `#`, `;`, or the wide `＃` that Chinese keyboards give.
fn mark_length(bytes: &[u8]) -> usize {
    match bytes {
        [b'#' | b';', ..] => 1,
        _ if bytes.starts_with("＃".as_bytes()) => "＃".len(),
        _ => 0,
    }
}

fn skip_blanks(mut bytes: &[u8]) -> &[u8] {
    while let Some(length) = blank_length(bytes) {
        bytes = &bytes[length..];
    }
    bytes
}

fn ends_with_blank(bytes: &[u8]) -> bool {
    trimmed(bytes) < bytes.len()
}

/// The length without the blanks at the end.
fn trimmed(bytes: &[u8]) -> usize {
    let mut end = bytes.len();
    loop {
        let length = (1..=3.min(end)).find(|&length| blank_length(&bytes[end - length..end]) == Some(length));
        match length {
            Some(length) => end -= length,
            None => return end,
        }
    }
}
