//! Configuration in the code blocks of Markdown files: documentation is where mistakes spread from.

mod kind;
mod sections;

pub(super) use kind::is_markdown;

use std::{ops::Range, path::PathBuf};

use crate::{
    catalog::FileKind,
    diagnosis::Finding,
    syntax::markdown::{self, Block},
    terms::{Bytes, SourceId, Span},
};

/// The most code blocks of one file that are looked at.
pub(super) const MOST_BLOCKS: usize = 2_000;

/// Rules about what is not there. A part of a file does not show that the rest lacks it too.
const ABSENCES: &[&str] = &[
    "RSY232", "RSY311", "RSY332", "RSY401", "RSY409", "RSY422", "RSY501", "RSY503", "RSY505", "RSY506",
    "RSY511", "RSY512", "RSY601", "RSY602", "RSY713", "RSY714", "RSY722", "RSY723", "RSY751", "RSY901",
];

/// Rules about a single command. Of a list of commands nothing else can be told.
const OF_ONE_COMMAND: &[&str] = &["RSY980", "RSY992", "RSY993", "RSY994"];

/// A file that a code block shows.
#[derive(Debug)]
pub(super) struct Excerpt {
    /// What the file is called, as far as the text around it tells.
    pub(super) name: PathBuf,
    /// What it is.
    pub(super) kind: FileKind,
    /// Which bytes of the Markdown file it is.
    pieces: Vec<Range<usize>>,
    /// Whether it is a part of a file only.
    is_part: bool,
    /// The HTML comment directly above the block.
    pub(super) comment: Option<Range<usize>>,
}

/// The files that the code blocks of a Markdown file show, and whether there are more blocks than are looked at.
pub(super) fn excerpts(file: &[u8]) -> (Vec<Excerpt>, bool) {
    let blocks = markdown::blocks(file);
    let is_cut = blocks.len() > MOST_BLOCKS;
    let blocks = blocks.iter().take(MOST_BLOCKS);
    (blocks.flat_map(|block| of_block(file, block)).collect(), is_cut)
}

/// Whether a Markdown file shows any file of ours.
pub fn shows_any(file: &[u8]) -> bool {
    let mut blocks = markdown::blocks(file).into_iter().take(MOST_BLOCKS);
    blocks.any(|block| !of_block(file, &block).is_empty())
}

fn of_block(file: &[u8], block: &Block) -> Vec<Excerpt> {
    let lines = lines(file, &block.pieces);
    let before = &file[block.before.clone()];
    let sections = sections::sections(file, &lines).into_iter();
    let excerpts = sections.filter_map(|section| {
        let pieces = joined(&lines[section.lines]);
        let text = Bytes::from(text(file, &pieces));
        let (kind, name) = kind::kind(&block.info, before, section.path, &text)?;
        Some(Excerpt {
            is_part: kind::is_part(kind, &text),
            name,
            kind,
            pieces,
            comment: comment(before).map(|comment| {
                let start = block.before.start;
                start + comment.start..start + comment.end
            }),
        })
    });
    excerpts.collect()
}

impl Excerpt {
    /// Its bytes.
    pub(super) fn text(&self, file: &[u8]) -> Vec<u8> {
        text(file, &self.pieces)
    }

    /// Whether a rule can be judged in it.
    pub(super) fn shows(&self, rule: &str) -> bool {
        match self.kind {
            _ if !self.is_part => true,
            FileKind::Script => OF_ONE_COMMAND.contains(&rule),
            _ => !ABSENCES.contains(&rule),
        }
    }

    /// Moves a finding to where the Markdown file has it. A cure is kept where the block's lines are the file's own.
    pub(super) fn place(&self, finding: &mut Finding, from: SourceId, document: SourceId) {
        for label in &mut finding.labels {
            label.span = self.span(label.span, from, document);
        }
        for member in &mut finding.members {
            member.span = self.span(member.span, from, document);
        }
        let is_plain = self.pieces.len() == 1;
        finding.fix = finding.fix.take().filter(|_| is_plain);
        for edit in finding.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
            edit.span = self.span(edit.span, from, document);
        }
    }

    /// Moves a place in the excerpt to where the Markdown file has it.
    pub(super) fn span(&self, span: Span, from: SourceId, document: SourceId) -> Span {
        if span.source != from {
            return span;
        }
        let range = span.range();
        let start = self.offset(range.start, false);
        let end = self.offset(range.end, !range.is_empty());
        Span::new(document, start..end.max(start))
    }

    /// Moves ranges that are in order; one that covers several lines becomes one for each.
    pub(super) fn ranges(&self, ranges: impl Iterator<Item = Range<usize>>) -> Vec<Range<usize>> {
        let mut moved = Vec::new();
        for range in ranges {
            let mut at = 0;
            for piece in &self.pieces {
                let (start, end) = (range.start.max(at), range.end.min(at + piece.len()));
                if start < end {
                    moved.push(piece.start + start - at..piece.start + end - at);
                }
                at += piece.len();
            }
        }
        moved
    }

    /// Where an offset lies in the Markdown file; one between two pieces is the end of the first or the start of the
    /// second.
    fn offset(&self, offset: usize, is_end: bool) -> usize {
        let mut at = 0;
        for piece in &self.pieces {
            let inside = offset - at;
            if inside < piece.len() || (is_end && inside == piece.len()) {
                return piece.start + inside;
            }
            at += piece.len();
        }
        self.pieces.last().map_or(0, |piece| piece.end)
    }
}

/// The bytes that pieces of a file are together.
fn text(file: &[u8], pieces: &[Range<usize>]) -> Vec<u8> {
    let pieces: Vec<&[u8]> = pieces.iter().map(|piece| &file[piece.clone()]).collect();
    pieces.concat()
}

/// Cuts pieces into lines, each with its newline. A line may be in several pieces.
fn lines(file: &[u8], pieces: &[Range<usize>]) -> Vec<Vec<Range<usize>>> {
    let mut lines: Vec<Vec<Range<usize>>> = Vec::new();
    let mut is_open = false;
    for piece in pieces {
        let mut start = piece.start;
        for part in file[piece.clone()].split_inclusive(|&byte| byte == b'\n') {
            let range = start..start + part.len();
            start = range.end;
            match lines.last_mut() {
                Some(line) if is_open => line.push(range),
                _ => lines.push(vec![range]),
            }
            is_open = !part.ends_with(b"\n");
        }
    }
    lines
}

/// Lines as pieces, those that touch being one.
fn joined(lines: &[Vec<Range<usize>>]) -> Vec<Range<usize>> {
    let mut pieces: Vec<Range<usize>> = Vec::new();
    for part in lines.iter().flatten() {
        match pieces.last_mut() {
            Some(last) if last.end == part.start => last.end = part.end,
            _ => pieces.push(part.clone()),
        }
    }
    pieces
}

/// The HTML comment that a text ends with.
fn comment(before: &[u8]) -> Option<Range<usize>> {
    let is_around = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'>';
    let end = before.len() - before.iter().rev().take_while(|byte| is_around(byte)).count();
    // The comment's own `>` is one of those that a quote puts in front of a line.
    let end = end + usize::from(before.get(end) == Some(&b'>'));
    if !before[..end].ends_with(b"-->") {
        return None;
    }
    let start = before[..end].windows(4).rposition(|window| window == b"<!--")?;
    Some(start..end)
}
