use std::{borrow::Cow, ops::Range, sync::OnceLock};

use serde::Serialize;

use crate::terms::{Bytes, credentials};

/// A file (or standard input) that was read, with its bytes as they are.
#[derive(Debug)]
pub struct Source {
    name: String,
    bytes: Bytes,
    line_starts: OnceLock<Vec<u32>>,
    /// What no report shows, in order and without overlaps.
    hidden: Vec<Range<usize>>,
    /// What of it no report shows in other places either.
    passwords: Vec<Range<usize>>,
    /// What is a password by what stands around it, once somebody asks.
    seen: OnceLock<Vec<Range<usize>>>,
    milestones: OnceLock<Vec<Milestone>>,
}

/// How many characters of the whole source stand before a byte that begins one.
#[derive(Clone, Copy, Debug, Default)]
struct Milestone {
    offset: u32,
    characters: u32,
}

/// Bytes from one milestone to the next, about.
const STRIDE: usize = 256;

/// A text of as many bytes. One that is not UTF-8 has a letter in the place of each byte that is no ASCII.
fn in_single_bytes(bytes: &[u8]) -> Cow<'_, str> {
    match str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => {
            let letter = |byte: &u8| if byte.is_ascii() { char::from(*byte) } else { 'x' };
            bytes.iter().map(letter).collect::<String>().into()
        }
    }
}

impl Source {
    /// `name` is how reports call the file; `bytes` is its whole content, at most 4 GiB.
    pub fn new(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            line_starts: OnceLock::new(),
            hidden: Vec::new(),
            passwords: Vec::new(),
            seen: OnceLock::new(),
            milestones: OnceLock::new(),
        }
    }

    /// Keeps `ranges` out of every report: passwords. They do not overlap.
    pub fn hide(&mut self, ranges: impl IntoIterator<Item = Range<usize>>) {
        self.hidden = ranges.into_iter().collect();
        self.hidden.sort_by_key(|range| range.start);
        self.passwords.clone_from(&self.hidden);
    }

    /// Keeps all of it out of every report, line by line; its words may stand elsewhere.
    pub fn hide_lines(&mut self) {
        let mut start = 0;
        let lines = self.bytes.split_inclusive(|&byte| byte == b'\n');
        let lines: Vec<_> = lines
            .map(|line| {
                let range = start..start + line.trim_ascii_end().len();
                start += line.len();
                range
            })
            .collect();
        self.hide_around(lines, []);
    }

    /// What is kept out of reports.
    pub fn hidden(&self) -> &[Range<usize>] {
        &self.hidden
    }

    /// The same where only `passwords` are too secret to be said of another place: the rest of what is hidden may be
    /// words like any others.
    pub fn hide_around(
        &mut self,
        ranges: impl IntoIterator<Item = Range<usize>>,
        passwords: impl IntoIterator<Item = Range<usize>>,
    ) {
        self.hide(ranges);
        self.passwords = passwords.into_iter().collect();
    }

    /// A range decoded for people, with a `*` for each character that is hidden, or that is a password by what stands
    /// around it.
    pub fn shown(&self, range: Range<usize>) -> String {
        let mut text = String::with_capacity(range.len());
        let mut at = range.start;
        for hidden in self.kept_back(&range) {
            let hidden = hidden.start.max(at)..hidden.end.min(range.end);
            if hidden.is_empty() {
                continue;
            }
            text += &String::from_utf8_lossy(&self.bytes[at..hidden.start]);
            text.extend(std::iter::repeat_n(
                '*',
                String::from_utf8_lossy(&self.bytes[hidden.clone()])
                    .chars()
                    .count(),
            ));
            at = hidden.end;
        }
        text += &String::from_utf8_lossy(&self.bytes[at..range.end]);
        text
    }

    /// What of a range no report shows, in order.
    fn kept_back(&self, range: &Range<usize>) -> Vec<Range<usize>> {
        let seen = self
            .seen
            .get_or_init(|| credentials::kept_back(&in_single_bytes(&self.bytes)));
        let within = |ranges: &[Range<usize>]| {
            let first = ranges.partition_point(|one| one.end <= range.start);
            let inside = ranges[first..].iter().take_while(|one| one.start < range.end);
            inside.cloned().collect::<Vec<_>>()
        };
        let mut all = within(&self.hidden);
        all.extend(within(seen));
        all.sort_by_key(|one| (one.start, one.end));
        all
    }

    /// What is hidden, decoded.
    pub fn hidden_texts(&self) -> impl Iterator<Item = String> {
        self.texts(&self.hidden)
    }

    /// What no report shows of any place, decoded.
    pub fn passwords(&self) -> impl Iterator<Item = String> {
        self.texts(&self.passwords)
    }

    fn texts(&self, ranges: &[Range<usize>]) -> impl Iterator<Item = String> {
        ranges.iter().map(|range| {
            String::from_utf8_lossy(&self.bytes[range.clone()])
                .trim()
                .to_owned()
        })
    }

    /// Whether a part of a range is hidden.
    pub fn hides_any(&self, range: Range<usize>) -> bool {
        let first = self.hidden.partition_point(|hidden| hidden.end <= range.start);
        self.hidden
            .get(first)
            .is_some_and(|hidden| hidden.start < range.end)
    }

    /// How reports call the file.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole content.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// The 0-based number of the line that holds the byte at `offset`; the end of the file is in the last line.
    pub fn line_of(&self, offset: usize) -> usize {
        self.line_starts()
            .partition_point(|&start| start as usize <= offset)
            .saturating_sub(1)
    }

    /// The bytes of the 0-based line `line`, with its newline if it has one.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line).map_or(self.bytes.len(), |&s| s as usize);
        let end = starts.get(line + 1).map_or(self.bytes.len(), |&s| s as usize);
        start..end
    }

    /// How many lines there are; an empty file has one.
    pub fn line_count(&self) -> usize {
        self.line_starts().len()
    }

    /// Line and column of a byte offset, 1-based, the column in characters. Bytes that are not UTF-8 count as
    /// their replacement characters do, so that carets stand where a terminal shows the text.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.bytes.len());
        let line = self.line_of(offset);
        let start = self.line_range(line).start;
        Position {
            line: line + 1,
            column: self.characters_before(offset) - self.characters_before(start) + 1,
        }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let milestones = self.milestones.get_or_init(|| milestones(&self.bytes));
        let next = milestones.partition_point(|milestone| milestone.offset as usize <= offset);
        let Some(last) = next.checked_sub(1).map(|index| milestones[index]) else {
            // ASCII has no milestones.
            return offset;
        };
        let rest = &self.bytes[last.offset as usize..offset];
        last.characters as usize + String::from_utf8_lossy(rest).chars().count()
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let newlines = self.bytes.iter().enumerate();
            std::iter::once(0)
                .chain(
                    newlines
                        .filter(|(_, byte)| **byte == b'\n')
                        .map(|(i, _)| i as u32 + 1),
                )
                .collect()
        })
    }
}

/// Without them a long line would be decoded again for each place in it.
fn milestones(bytes: &[u8]) -> Vec<Milestone> {
    if bytes.is_ascii() {
        return Vec::new();
    }
    let mut found = vec![Milestone::default()];
    let (mut offset, mut characters, mut next) = (0, 0, STRIDE);
    let mut step = |length: usize| {
        offset += length;
        characters += 1;
        if offset >= next {
            next = offset + STRIDE;
            found.push(Milestone {
                offset: offset as u32,
                characters,
            });
        }
    };
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|c| step(c.len_utf8()));
        if !chunk.invalid().is_empty() {
            step(chunk.invalid().len());
        }
    }
    found
}

/// A place in a source, 1-based; `column` counts characters.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Position {
    /// 1 for the first line.
    pub line: usize,
    /// 1 for the first character of the line.
    pub column: usize,
}

/// Names a source inside its [`Sources`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SourceId(u32);

/// A range of bytes of one source.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Span {
    /// Which source.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset behind the last byte; equal to `start` for a place between two bytes.
    pub end: u32,
}

impl Span {
    /// A span of `source` from byte offsets.
    pub fn new(source: SourceId, range: Range<usize>) -> Self {
        Self {
            source,
            start: range.start as u32,
            end: range.end as u32,
        }
    }

    /// The byte offsets.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span that holds both; `other` must be of the same source.
    pub fn join(self, other: Self) -> Self {
        assert_eq!(self.source, other.source);
        Self {
            source: self.source,
            start: self.start.min(other.start),
            end: self.end.max(other.end),
        }
    }
}

/// Every file that one run has read, in the order in which they were read.
#[derive(Debug, Default)]
pub struct Sources(Vec<Source>);

impl Sources {
    /// Takes a source in and names it.
    pub fn add(&mut self, source: Source) -> SourceId {
        self.0.push(source);
        SourceId(self.0.len() as u32 - 1)
    }

    /// The source of that name. An id is only ever made by [`Sources::add`] of the same collection.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id.0 as usize]
    }

    /// The bytes that a span covers.
    pub fn slice(&self, span: Span) -> &[u8] {
        &self.get(span.source).bytes()[span.range()]
    }

    /// The text that a span covers, decoded for people, without what is hidden.
    pub fn text(&self, span: Span) -> String {
        self.get(span.source).shown(span.range())
    }

    /// Where a span begins, as compilers write it: `file:line`.
    pub fn place(&self, span: Span) -> String {
        let source = self.get(span.source);
        format!("{}:{}", source.name(), source.position(span.start as usize).line)
    }

    /// The id that the next source gets.
    pub fn next(&self) -> SourceId {
        SourceId(self.0.len() as u32)
    }

    /// Keeps `ranges` of a source out of every report, see [`Source::hide`].
    pub fn hide(&mut self, id: SourceId, ranges: impl IntoIterator<Item = Range<usize>>) {
        self.0[id.0 as usize].hide(ranges);
    }

    /// Keeps all of a source out of every report, see [`Source::hide_lines`].
    pub fn hide_lines(&mut self, id: SourceId) {
        self.0[id.0 as usize].hide_lines();
    }

    /// Keeps `ranges` of a source out of every report, and `passwords` out of what is said of other places too, see
    /// [`Source::hide_around`].
    pub fn hide_around(
        &mut self,
        id: SourceId,
        ranges: impl IntoIterator<Item = Range<usize>>,
        passwords: impl IntoIterator<Item = Range<usize>>,
    ) {
        self.0[id.0 as usize].hide_around(ranges, passwords);
    }

    /// All sources with their ids.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.0
            .iter()
            .enumerate()
            .map(|(i, source)| (SourceId(i as u32), source))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn columns_are_those_of_the_decoded_line(
            parts in proptest::collection::vec(
                prop_oneof![
                    "[a-z ]{0,200}".prop_map(String::into_bytes),
                    "\\PC{0,100}".prop_map(String::into_bytes),
                    proptest::collection::vec(any::<u8>(), 0..9),
                    Just(b"\n".to_vec()),
                ],
                0..20,
            ),
            place in any::<prop::sample::Index>(),
        ) {
            let bytes = parts.concat();
            let offset = place.index(bytes.len() + 1);
            let source = Source::new("x", bytes.clone());
            let start = bytes[..offset].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
            let before = String::from_utf8_lossy(&bytes[start..offset]).chars().count();
            prop_assert_eq!(source.position(offset).column, before + 1);
        }
    }

    #[test]
    fn columns_count_characters_even_in_broken_utf8() {
        let source = Source::new("x", "a = é\u{4e2d}b\n");
        assert_eq!(source.position(0), Position { line: 1, column: 1 });
        assert_eq!(source.position(9), Position { line: 1, column: 7 });
        let latin = Source::new("x", b"\xe9\xe8 = c\n".to_vec());
        assert_eq!(latin.position(3), Position { line: 1, column: 4 });
    }

    #[test]
    fn what_is_hidden_is_shown_as_stars() {
        let mut source = Source::new("x", "joe:s\u{e9}cret\nann:x\n");
        source.hide(vec![4..11, 16..17]);
        assert_eq!(source.shown(0..11), "joe:******");
        assert_eq!(source.shown(2..8), "e:***");
        assert_eq!(source.shown(5..18), "*****\nann:*\n");
        assert_eq!(source.shown(11..15), "\nann");
    }

    #[test]
    fn the_end_of_the_file_is_in_its_last_line() {
        let source = Source::new("x", "one\ntwo");
        assert_eq!(source.position(7), Position { line: 2, column: 4 });
        assert_eq!(source.position(99), Position { line: 2, column: 4 });
        assert_eq!(source.line_range(1), 4..7);
        assert_eq!(Source::new("x", "").line_count(), 1);
    }
}
