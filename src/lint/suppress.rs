//! Comments that say what is meant: `# rsyncctl: allow RSY501 until 2027-01-31 -- only the lab reaches it`.

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
    pub(crate) lines: std::ops::Range<usize>,
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

/// Finds the suppressions of a file. A comment covers the next line that is neither blank nor a comment, and, if
/// that is a section header, the whole section; `allow-file` covers the file.
pub(crate) fn suppressions(id: SourceId, source: &Source) -> (Vec<Suppression>, Vec<Misunderstood>) {
    let mut found = Vec::new();
    let mut misunderstood = Vec::new();
    if !contains(source.bytes(), MARK) {
        return (found, misunderstood);
    }
    for line in 0..source.line_count() {
        let range = source.line_range(line);
        let text = &source.bytes()[range.clone()];
        let trimmed = text.trim_ascii_start();
        if !is_comment(trimmed) {
            continue;
        }
        let Some(mark) = find(text, MARK) else {
            continue;
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
            source,
            words: words(source.bytes(), start, end),
            line,
        };
        comment.read(&mut found, &mut misunderstood);
    }
    (found, misunderstood)
}

struct Comment<'a> {
    id: SourceId,
    source: &'a Source,
    words: Vec<(&'a [u8], usize)>,
    line: usize,
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
            b"allow" => self.covered(),
            b"allow-file" => 0..usize::MAX,
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

    fn covered(&self) -> std::ops::Range<usize> {
        let text = |line| self.source.bytes()[self.source.line_range(line)].trim_ascii();
        let count = self.source.line_count();
        let first = (self.line + 1..count)
            .find(|&line| !text(line).is_empty() && !is_comment(text(line)))
            .unwrap_or(count);
        if first == count || !text(first).starts_with(b"[") {
            return first..first + 1;
        }
        let end = (first + 1..count).find(|&line| text(line).starts_with(b"["));
        first..end.unwrap_or(count)
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
