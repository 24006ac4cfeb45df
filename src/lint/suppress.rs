//! Comments that say what is meant: `# rsyncctl: allow RSY501 until 2027-01-31 -- only the lab reaches it`.

use std::{collections::BTreeMap, ops::Range};

use jiff::civil::Date;

use crate::{
    catalog::{self, Page},
    terms::{Source, SourceId, Span},
};

const MARK: &[u8] = b"rsyncctl:";

/// One rule that a comment allows.
#[derive(Debug)]
pub(crate) struct Suppression {
    /// The rule.
    pub(crate) page: &'static Page,
    /// The rule's name in the comment.
    pub(crate) span: Span,
    /// The 0-based lines that it covers.
    pub(crate) lines: Range<usize>,
    /// The last day on which it holds.
    pub(crate) until: Option<(Date, Span)>,
    /// Whether somebody wrote down why.
    pub(crate) has_reason: bool,
    /// Whether a finding was kept back.
    pub(crate) used: bool,
}

/// A comment that is meant for us and that we do not understand.
#[derive(Debug)]
pub(crate) struct Misunderstood {
    pub(crate) span: Span,
    pub(crate) word: String,
    pub(crate) what: Mistake,
}

/// What is wrong with a comment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Mistake {
    /// Not `allow` or `allow-file`.
    Verb,
    /// Not a rule.
    Rule,
    /// Not a date.
    Date,
}

/// What the comments of a file allow.
#[derive(Debug, Default)]
pub(crate) struct Suppressions {
    /// In the order of the file.
    pub(crate) allowed: Vec<Suppression>,
    /// Comments that are meant for us and that we do not understand.
    pub(crate) misunderstood: Vec<Misunderstood>,
    lines: Lines,
    /// The first in `allowed` that holds, by rule and lines.
    first: BTreeMap<(&'static str, usize, usize), usize>,
}

impl Suppressions {
    /// Finds the suppressions of a file. A comment covers the next line that is neither blank nor a comment, and, if
    /// that is a section header, the whole section; `allow-file` covers the file.
    pub(crate) fn of(id: SourceId, source: &Source, today: Date) -> Self {
        let mut found = Self::default();
        if !contains(source.bytes(), MARK) {
            return found;
        }
        found.lines = Lines::of(source);
        for line in 0..source.line_count() {
            let range = source.line_range(line);
            let text = &source.bytes()[range.clone()];
            if !is_comment(text.trim_ascii_start()) {
                continue;
            }
            let covered = found.lines.covered(line);
            found.take(id, source, range, covered);
        }
        found.note_first(today);
        found
    }

    /// Takes in a comment that stands in another source and is about the whole of this one.
    pub(crate) fn take_for_file(&mut self, id: SourceId, source: &Source, range: Range<usize>, today: Date) {
        self.take(id, source, range, WHOLE_FILE);
        self.note_first(today);
    }

    fn take(&mut self, id: SourceId, source: &Source, range: Range<usize>, covered: Range<usize>) {
        let text = &source.bytes()[range.clone()];
        let Some(mark) = find(text, MARK) else {
            return;
        };
        let start = range.start + mark + MARK.len();
        let end = range.start + text.trim_ascii_end().len();
        let end = if source.bytes()[start..end].ends_with(b"-->") {
            end - 3
        } else {
            end
        };
        let comment = Comment {
            id,
            words: words(source.bytes(), start, end),
            covered,
        };
        comment.read(&mut self.allowed, &mut self.misunderstood);
    }

    fn note_first(&mut self, today: Date) {
        for (index, one) in self.allowed.iter().enumerate() {
            if one.until.is_none_or(|(until, _)| today <= until) {
                let key = (one.page.id, one.lines.start, one.lines.end);
                self.first.entry(key).or_insert(index);
            }
        }
    }

    /// Whether a rule is allowed in a 0-based line. Notes that the comment was of use.
    pub(crate) fn allow(&mut self, rule: &'static str, line: usize) -> bool {
        let ranges = [Some(line..line + 1), self.lines.section(line), Some(WHOLE_FILE)];
        let first = ranges
            .into_iter()
            .flatten()
            .filter_map(|lines| self.first.get(&(rule, lines.start, lines.end)))
            .min();
        let Some(&first) = first else {
            return false;
        };
        self.allowed[first].used = true;
        true
    }
}

const WHOLE_FILE: Range<usize> = 0..usize::MAX;

/// What comments can cover.
#[derive(Debug, Default)]
struct Lines {
    /// The lines that are neither blank nor a comment.
    significant: Vec<usize>,
    /// Those of them that are section headers.
    headers: Vec<usize>,
    count: usize,
}

impl Lines {
    fn of(source: &Source) -> Self {
        let mut lines = Self {
            count: source.line_count(),
            ..Self::default()
        };
        for line in 0..lines.count {
            let text = source.bytes()[source.line_range(line)].trim_ascii();
            if !text.is_empty() && !is_comment(text) {
                lines.significant.push(line);
                if text.starts_with(b"[") {
                    lines.headers.push(line);
                }
            }
        }
        lines
    }

    /// What a comment in a line covers.
    fn covered(&self, comment: usize) -> Range<usize> {
        let next = self.significant.partition_point(|&line| line <= comment);
        let first = self.significant.get(next).copied().unwrap_or(self.count);
        match self.section(first) {
            Some(section) if section.start == first => section,
            _ => first..first + 1,
        }
    }

    /// The section in which a line stands, its header included.
    fn section(&self, line: usize) -> Option<Range<usize>> {
        let next = self.headers.partition_point(|&header| header <= line);
        let start = self.headers[next.checked_sub(1)?];
        let end = self.headers.get(next).copied().unwrap_or(self.count);
        (line < self.count).then_some(start..end)
    }
}

struct Comment<'a> {
    id: SourceId,
    words: Vec<(&'a [u8], usize)>,
    covered: Range<usize>,
}

impl Comment<'_> {
    fn read(&self, found: &mut Vec<Suppression>, misunderstood: &mut Vec<Misunderstood>) {
        let mut mistake = |word: &(&[u8], usize), what| {
            misunderstood.push(Misunderstood {
                span: self.span(word),
                word: String::from_utf8_lossy(word.0).into_owned(),
                what,
            });
        };
        let Some((verb, rest)) = self.words.split_first() else {
            return;
        };
        let lines = match verb.0 {
            b"allow" => self.covered.clone(),
            b"allow-file" => WHOLE_FILE,
            _ => return mistake(verb, Mistake::Verb),
        };
        let reason = rest.iter().position(|word| word.0 == b"--");
        let has_reason = reason.is_some_and(|at| at + 1 < rest.len());
        let rest = &rest[..reason.unwrap_or(rest.len())];
        let (rules, until) = match rest.iter().position(|word| word.0 == b"until") {
            Some(at) => (&rest[..at], rest.get(at + 1)),
            None => (rest, None),
        };
        let until = until.and_then(|word| {
            let date = std::str::from_utf8(word.0)
                .ok()
                .and_then(|text| text.parse::<Date>().ok());
            if date.is_none() {
                mistake(word, Mistake::Date);
            }
            date.map(|date| (date, self.span(word)))
        });
        for word in rules {
            let name = String::from_utf8_lossy(word.0);
            match catalog::page(&name) {
                Some(page) => found.push(Suppression {
                    page,
                    span: self.span(word),
                    lines: lines.clone(),
                    until,
                    has_reason,
                    used: false,
                }),
                None => mistake(word, Mistake::Rule),
            }
        }
    }

    fn span(&self, (word, start): &(&[u8], usize)) -> Span {
        Span::new(self.id, *start..start + word.len())
    }
}

fn is_comment(line: &[u8]) -> bool {
    line.starts_with(b"#") || line.starts_with(b";") || line.starts_with(b"<!--")
}

/// Words at blanks and commas, with their offsets.
fn words(bytes: &[u8], start: usize, end: usize) -> Vec<(&[u8], usize)> {
    bytes[start..end]
        .split(|byte| matches!(byte, b' ' | b'\t' | b','))
        .scan(start, |at, word| {
            let here = *at;
            *at += word.len() + 1;
            Some((word, here))
        })
        .filter(|(word, _)| !word.is_empty())
        .collect()
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

fn contains(text: &[u8], what: &[u8]) -> bool {
    find(text, what).is_some()
}
