//! Hands miette the lines that a finding is about, decoded, and nothing else of the file: on a whole file it is
//! quadratic, and its carets are misplaced in text that is not UTF-8.

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::{
    diagnosis::{Finding, Label},
    terms::{Source, SourceId, Sources},
};

/// Places that are at most this many lines apart are shown together.
const NEAR: usize = 8;
/// Lines around a place.
const CONTEXT: usize = 1;
/// Longer lines are cut around the place, in characters.
const LONGEST_LINE: usize = 400;
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
    /// For each line: its offset in `text`, its offset in the source.
    lines: Vec<(usize, usize)>,
}

impl Window {
    /// The lines around the places of a finding.
    pub(super) fn new(sources: &Sources, finding: &Finding) -> Self {
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
                    name: sources.get(id).name().to_owned(),
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
            group.read(sources.get(group.source));
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
    fn read(&mut self, source: &Source) {
        self.last_line = (self.last_line + CONTEXT).min(source.line_count() - 1);
        for line in self.first_line..=self.last_line {
            let range = source.line_range(line);
            self.lines.push((self.text.len(), range.start));
            let length = source.bytes()[range.clone()].trim_ascii_end().len();
            let shown = range.start..range.start + length.min(LONGEST_LINE * 4);
            let text = printable(&source.shown(shown));
            self.text.extend(text.chars().take(LONGEST_LINE));
            self.text.push('\n');
        }
    }

    /// An offset of the source as an offset of the window.
    fn offset_of(&self, source: &Source, offset: usize) -> usize {
        let line = source.line_of(offset).clamp(self.first_line, self.last_line);
        let index = line - self.first_line;
        let (text_start, source_start) = self.lines[index];
        let text_end = self
            .lines
            .get(index + 1)
            .map_or(self.text.len(), |(start, _)| *start)
            - 1;
        let offset = offset.clamp(source_start, source.line_range(line).end);
        let before = printable(&source.shown(source_start..offset)).len();
        self.offset + (text_start + before).min(text_end)
    }

    /// Line and column of a span of the window.
    fn place(&self, span: &SourceSpan) -> MietteSpanContents<'_> {
        let start = span.offset() - self.offset;
        let line = self.lines.partition_point(|(text_start, _)| *text_start <= start) - 1;
        let column = self.text[self.lines[line].0..start].chars().count();
        MietteSpanContents::new_named(
            self.name.clone(),
            &self.text.as_bytes()[start..start + span.len()],
            *span,
            self.first_line + line,
            column,
            1,
        )
    }
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

/// Replaces characters so that every character takes the place that it seems to take, and none commands the terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => c,
            '\u{a0}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}' => '·',
            c if c.is_control() => '·',
            c => c,
        })
        .collect()
}
