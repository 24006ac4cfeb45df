//! Hands miette the lines that a finding is about, decoded, and nothing else of the file: on a whole file it is
//! quadratic, and its carets are misplaced in text that is not UTF-8.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::{
    diagnosis::{Finding, Label},
    lint::Report,
    render::visible::{shown_as, visible},
    terms::{Source, SourceId, Sources},
};

/// Places that are at most this many lines apart are shown together.
const NEAR: usize = 8;
/// Lines around a place.
const CONTEXT: usize = 1;
/// Bytes of a line that are shown; longer lines are cut around the place.
const LONGEST_LINE: usize = 240;
/// Bytes of a cut line that are shown before the place.
const BEFORE: usize = 60;
/// Stands where a line is cut.
const CUT: &str = "…";
/// Keeps the offsets of the groups of lines apart.
const GAP: usize = 1 << 24;

/// Groups of lines, each with offsets of its own.
#[derive(Debug)]
pub(super) struct Window {
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    name: String,
    source: SourceId,
    /// 0-based.
    first_line: usize,
    last_line: usize,
    offset: usize,
    text: String,
    lines: Vec<Line>,
}

/// A line of a group.
#[derive(Clone, Copy, Debug)]
struct Line {
    /// Where it begins in the group's text.
    text_start: usize,
    /// Where what is shown of it begins in the group's text.
    shown_start: usize,
    shown_end: usize,
    /// Which bytes of the source are shown.
    source_start: usize,
    source_end: usize,
    /// How many characters are cut off at its start.
    skipped: usize,
}

impl Window {
    /// The lines around the places of a finding.
    pub(super) fn new(report: &Report, finding: &Finding) -> Self {
        let sources = &report.sources;
        let mut groups: Vec<Group> = Vec::new();
        let mut places: Vec<_> = finding
            .labels
            .iter()
            .map(|label| {
                let source = sources.get(label.span.source);
                let first = source.line_of(label.span.start as usize);
                (label.span.source, first, source.line_of(last_byte(label)))
            })
            .collect();
        places.sort_unstable();
        for (id, first, last) in places {
            // A finding about a whole file shows its start.
            let last = last.min(first + 3 * NEAR);
            match groups.last_mut() {
                Some(group) if group.source == id && first <= group.last_line + NEAR => {
                    group.last_line = group.last_line.max(last);
                }
                _ => groups.push(Group {
                    name: visible(sources.get(id).name()),
                    source: id,
                    first_line: first.saturating_sub(CONTEXT),
                    last_line: last,
                    offset: groups.len() * GAP,
                    text: String::new(),
                    lines: Vec::new(),
                }),
            }
        }
        for group in &mut groups {
            let source = sources.get(group.source);
            let labels = finding.labels.iter();
            let in_source = labels.filter(|label| label.span.source == group.source);
            let places: Vec<_> = in_source.map(|label| label.span.start as usize).collect();
            group.read(source, &places);
        }
        Self { groups }
    }

    /// Where a label stands in the window, for miette.
    pub(super) fn span(&self, label: &Label, sources: &Sources) -> SourceSpan {
        let source = sources.get(label.span.source);
        let line = source.line_of(label.span.start as usize);
        let group = self
            .groups
            .iter()
            .find(|group| {
                group.source == label.span.source && (group.first_line..=group.last_line).contains(&line)
            })
            .unwrap_or(&self.groups[0]);
        let start = group.offset_of(source, label.span.start as usize);
        let end = group.offset_of(source, label.span.end as usize);
        (start, end.saturating_sub(start)).into()
    }
}

impl Group {
    /// Decodes the lines; each of `places` is to be seen if its line is cut.
    fn read(&mut self, source: &Source, places: &[usize]) {
        self.last_line = (self.last_line + CONTEXT).min(source.line_count() - 1);
        for line in self.first_line..=self.last_line {
            let mut range = source.line_range(line);
            let is_here = |place: &&usize| range.contains(place);
            let place = places.iter().find(is_here).copied().unwrap_or(range.start);
            range.end = range.start + source.bytes()[range.clone()].trim_ascii_end().len();
            let shown = shown(source.bytes(), &range, place);
            let text_start = self.text.len();
            if shown.start > range.start {
                self.text += CUT;
            }
            let shown_start = self.text.len();
            self.text += &printable(&source.shown(shown.clone()));
            self.lines.push(Line {
                text_start,
                shown_start,
                shown_end: self.text.len(),
                source_start: shown.start,
                source_end: shown.end,
                skipped: source.position(shown.start).column - 1,
            });
            if shown.end < range.end {
                self.text += CUT;
            }
            self.text.push('\n');
        }
    }

    /// An offset of the source as an offset of the window; what is cut off stands at the cut.
    fn offset_of(&self, source: &Source, offset: usize) -> usize {
        let line = source.line_of(offset).clamp(self.first_line, self.last_line);
        let line = self.lines[line - self.first_line];
        let offset = offset.clamp(line.source_start, line.source_end);
        let before = printable(&source.shown(line.source_start..offset)).len();
        let mut at = (line.shown_start + before).min(line.shown_end);
        // Part of a character decodes to another length than the character.
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        self.offset + at
    }

    /// Line and column of a span of the window.
    fn place(&self, span: &SourceSpan) -> MietteSpanContents<'_> {
        let start = span.offset() - self.offset;
        let index = self.lines.partition_point(|line| line.text_start <= start) - 1;
        let line = self.lines[index];
        let column = line.skipped + self.text[line.shown_start..start].chars().count();
        MietteSpanContents::new_named(
            self.name.clone(),
            &self.text.as_bytes()[start..start + span.len()],
            *span,
            self.first_line + index,
            column,
            1,
        )
    }
}

/// Which bytes of a line are shown, cut where characters begin.
fn shown(bytes: &[u8], line: &Range<usize>, place: usize) -> Range<usize> {
    if line.len() <= LONGEST_LINE {
        return line.clone();
    }
    let latest = line.end - LONGEST_LINE;
    let start = place.saturating_sub(BEFORE).clamp(line.start, latest);
    let begins = |at: &usize| bytes[*at] & 0xc0 != 0x80;
    // A character has at most three bytes that continue it; more of them are none.
    let start = (start..start + 4).find(begins).unwrap_or(start);
    let end = start + LONGEST_LINE;
    let end = (end..line.end)
        .take(4)
        .find(begins)
        .unwrap_or_else(|| end.min(line.end));
    start..end
}

impl SourceCode for Window {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let group = self
            .groups
            .iter()
            .rev()
            .find(|group| group.offset <= span.offset())
            .ok_or(MietteError::OutOfBounds)?;
        if span.offset() + span.len() > group.offset + group.text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // Without context miette asks for the place that stands in the snippet's frame.
        if before == 0 && after == 0 {
            return Ok(Box::new(group.place(span)));
        }
        Ok(Box::new(MietteSpanContents::new_named(
            group.name.clone(),
            group.text.trim_end_matches('\n').as_bytes(),
            (group.offset, group.text.len()).into(),
            group.first_line,
            0,
            group.lines.len(),
        )))
    }
}

fn last_byte(label: &Label) -> usize {
    label.span.end.saturating_sub(1).max(label.span.start) as usize
}

/// A text in which every character takes the place that it seems to take. Tabs are the business of miette.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c == '\t' { c } else { shown_as(c) })
        .collect()
}
