use std::{borrow::Cow, ops::Range};

use crate::{syntax::rsyncd_conf::is_space, terms::Bytes};

/// Bytes as rsync reads them (continuations joined, carriage returns dropped), with the way back to the file.
///
/// It takes 16 bytes, and no more where the file has the bytes as rsync reads them: almost everywhere. Bytes that were
/// put together are held a second time, each break in them with 8 bytes more.
#[derive(Clone, Debug)]
pub struct Text(Place);

#[derive(Clone, Debug)]
enum Place {
    InFile { file: Bytes, start: u32, end: u32 },
    Joined(Box<Joined>),
}

#[derive(Clone, Debug, Default)]
struct Joined {
    bytes: Vec<u8>,
    /// Offset in the file of the first byte, or of the place where a byte would stand if there is none.
    start: u32,
    /// Where the run of contiguous bytes breaks: (index into `bytes`, offset in the file), ascending.
    breaks: Vec<(u32, u32)>,
}

impl Text {
    /// A text without bytes that stands at `offset` of a file and is read from there on.
    pub(crate) fn begin(file: &Bytes, offset: usize) -> Self {
        Self(Place::InFile {
            file: file.clone(),
            start: offset as u32,
            end: offset as u32,
        })
    }

    /// A text without bytes that stands at `offset` of a file and is put together.
    pub(crate) fn at(offset: usize) -> Self {
        Self(Place::Joined(Box::new(Joined {
            start: offset as u32,
            ..Joined::default()
        })))
    }

    /// The text of `range` of a file, byte for byte.
    pub fn verbatim(file: &[u8], range: Range<usize>) -> Self {
        Self(Place::Joined(Box::new(Joined {
            bytes: file[range.clone()].to_vec(),
            start: range.start as u32,
            breaks: Vec::new(),
        })))
    }

    /// Appends a byte that stands at `offset` of the file, where the file may have another one.
    pub(crate) fn push(&mut self, byte: u8, offset: usize) {
        let offset = offset as u32;
        match &mut self.0 {
            Place::InFile { file, start, end } if file.get(offset as usize) == Some(&byte) => {
                if start == end {
                    (*start, *end) = (offset, offset);
                }
                if *end == offset {
                    *end += 1;
                } else {
                    self.joined().push(byte, offset);
                }
            }
            _ => self.joined().push(byte, offset),
        }
    }

    /// Appends the bytes that stand in `range` of `file`.
    pub(crate) fn extend(&mut self, file: &[u8], range: Range<usize>) {
        match &mut self.0 {
            Place::InFile { start, end, .. } if start == end || *end == range.start as u32 => {
                if start == end {
                    *start = range.start as u32;
                }
                *end = range.end as u32;
            }
            _ => {
                let joined = self.joined();
                for offset in range {
                    joined.push(file[offset], offset as u32);
                }
            }
        }
    }

    /// Keeps the first `length` bytes.
    pub(crate) fn truncate(&mut self, length: usize) {
        match &mut self.0 {
            Place::InFile { start, end, .. } => *end = (*end).min(*start + length as u32),
            Place::Joined(joined) => joined.truncate(length),
        }
    }

    /// A part of the text, with its own way back to the file.
    pub(crate) fn slice(&self, part: Range<usize>) -> Self {
        let mut text = Self::at(self.offset_of(part.start) as usize);
        for index in part {
            text.push(self.bytes()[index], self.offset_of(index) as usize);
        }
        text
    }

    /// The text without the blanks around it.
    pub(crate) fn trimmed(&self) -> Self {
        let end = self.bytes().trim_ascii_end().len();
        let start = end - self.bytes()[..end].trim_ascii_start().len();
        self.slice(start..end)
    }

    /// The bytes as rsync reads them.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Place::InFile { file, start, end } => &file[*start as usize..*end as usize],
            Place::Joined(joined) => &joined.bytes,
        }
    }

    /// The bytes decoded for people.
    pub fn display(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes())
    }

    /// Whether rsync reads nothing here.
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Where the whole text stands in the file.
    pub fn range(&self) -> Range<usize> {
        self.range_of(0..self.bytes().len())
    }

    /// Where the bytes `part` of the text stand in the file.
    pub fn range_of(&self, part: Range<usize>) -> Range<usize> {
        let start = self.offset_of(part.start);
        let end = match part.end.checked_sub(1) {
            Some(last) if part.end > part.start => self.offset_of(last) + 1,
            _ => start,
        };
        start as usize..end as usize
    }

    /// Splits as C's `strtok` does: runs of bytes for which `is_separator` is false.
    pub fn tokens(&self, is_separator: impl Fn(u8) -> bool) -> impl Iterator<Item = Token<'_>> {
        let bytes = self.bytes();
        let mut at = 0;
        std::iter::from_fn(move || {
            let rest = &bytes[at..];
            let start = at + rest.iter().position(|&byte| !is_separator(byte))?;
            let rest = &bytes[start..];
            let end = rest
                .iter()
                .position(|&byte| is_separator(byte))
                .map_or(bytes.len(), |length| start + length);
            at = end;
            Some(Token {
                bytes: &bytes[start..end],
                part: start..end,
                range: self.range_of(start..end),
            })
        })
    }

    /// Splits as `conf_strtok` in util1.c does: at blanks and commas, or, when the text begins with a comma, at
    /// commas alone with the blanks around each word dropped.
    pub fn conf_tokens(&self) -> Vec<Token<'_>> {
        if self.bytes().first() != Some(&b',') {
            return self
                .tokens(|byte| matches!(byte, b' ' | b',' | b'\t' | b'\r' | b'\n'))
                .collect();
        }
        self.tokens(|byte| byte == b',')
            .filter_map(|token| {
                let start = token.bytes.iter().position(|&byte| !is_space(byte))?;
                let end = token.bytes.iter().rposition(|&byte| !is_space(byte))? + 1;
                let part = token.part.start + start..token.part.start + end;
                Some(Token {
                    bytes: &self.bytes()[part.clone()],
                    range: self.range_of(part.clone()),
                    part,
                })
            })
            .collect()
    }

    fn offset_of(&self, index: usize) -> u32 {
        match &self.0 {
            Place::InFile { start, .. } => start + index as u32,
            Place::Joined(joined) => joined.offset_of(index as u32),
        }
    }

    fn joined(&mut self) -> &mut Joined {
        if let Place::InFile { file, start, end } = &self.0 {
            *self = Self::verbatim(file, *start as usize..*end as usize);
        }
        let Place::Joined(joined) = &mut self.0 else {
            unreachable!("what stood in the file was just copied");
        };
        joined
    }
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes() && self.range() == other.range()
    }
}

impl Joined {
    fn push(&mut self, byte: u8, offset: u32) {
        if self.bytes.is_empty() {
            self.start = offset;
        } else if self.offset_of(self.bytes.len() as u32) != offset {
            self.breaks.push((self.bytes.len() as u32, offset));
        }
        self.bytes.push(byte);
    }

    fn truncate(&mut self, length: usize) {
        self.bytes.truncate(length);
        let kept = self
            .breaks
            .partition_point(|(index, _)| (*index as usize) < length);
        self.breaks.truncate(kept);
    }

    fn offset_of(&self, index: u32) -> u32 {
        let after = self.breaks.partition_point(|(at, _)| *at <= index);
        match after.checked_sub(1).map(|i| self.breaks[i]) {
            Some((at, offset)) => offset + (index - at),
            None => self.start + index,
        }
    }
}

/// One word of a list-valued parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Token<'a> {
    /// The word.
    pub bytes: &'a [u8],
    /// Where it stands in the text.
    pub part: Range<usize>,
    /// Where it stands in the file.
    pub range: Range<usize>,
}

impl Token<'_> {
    /// The word decoded for people.
    pub fn display(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_lines_lead_back_to_the_file() {
        let mut text = Text::at(0);
        for (byte, offset) in [(b'a', 10), (b' ', 11), (b'b', 15), (b'c', 16)] {
            text.push(byte, offset);
        }
        assert_eq!(text.bytes(), b"a bc");
        assert_eq!(text.range(), 10..17);
        assert_eq!(text.range_of(2..4), 15..17);
        assert_eq!(text.range_of(4..4), 17..17);
        let tokens: Vec<_> = text.tokens(|byte| byte == b' ').map(|t| t.range).collect();
        assert_eq!(tokens, [10..11, 15..17]);
        text.truncate(1);
        assert_eq!(text.range(), 10..11);
    }

    #[test]
    fn where_the_file_has_the_bytes_they_are_held_once() {
        let file = Bytes::from("a \t b\\\nc");
        let mut text = Text::begin(&file, 7);
        text.extend(&file, 0..1);
        text.push(b' ', 1);
        assert!(matches!(text.0, Place::InFile { .. }));
        assert_eq!((text.bytes(), text.range()), (&b"a "[..], 0..2));
        text.extend(&file, 4..5);
        text.extend(&file, 7..8);
        assert!(matches!(text.0, Place::Joined(_)));
        assert_eq!((text.bytes(), text.range()), (&b"a bc"[..], 0..8));
        assert_eq!(text.range_of(2..3), 4..5);
        let mut tab = Text::begin(&file, 2);
        tab.push(b' ', 2);
        assert_eq!((tab.bytes(), tab.range()), (&b" "[..], 2..3));
        assert_eq!(size_of::<Text>(), 16);
    }

    #[test]
    fn a_leading_comma_keeps_blanks_inside_words() {
        let words = |text: &[u8]| -> Vec<String> {
            let text = Text::verbatim(text, 0..text.len());
            text.conf_tokens()
                .iter()
                .map(|t| t.display().into_owned())
                .collect()
        };
        assert_eq!(words(b"joe, @staff  ann:ro"), ["joe", "@staff", "ann:ro"]);
        assert_eq!(
            words(b", @Domain Users:deny ,, joe"),
            ["@Domain Users:deny", "joe"]
        );
    }
}
