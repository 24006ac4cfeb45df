//! What cures bring that was not found before, and what of it they may.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use similar::{DiffOp, TextDiff};

use crate::{
    catalog::{Safety, Severity},
    diagnosis::Finding,
    lint::Report,
    model::Parameter,
    terms::{Source, SourceId, Span},
};

/// The rules that find more than before and may not.
///
/// A fault hides others where rsync did not read the line as it stands. Cured, it may uncover them: none that is worse than
/// what is cured, and if the cure is to be safe, none on a line that worked before.
pub(super) fn brings(
    before: &Report,
    after: &Report,
    cures: &[&Finding],
    safety: Safety,
) -> BTreeSet<&'static str> {
    let had = counts(before);
    let more = counts(after).into_iter();
    let more: BTreeMap<&'static str, usize> = more
        .map(|(rule, count)| (rule, count.saturating_sub(had.get(rule).copied().unwrap_or(0))))
        .filter(|(_, more)| *more > 0)
        .collect();
    let hiding = cures.iter().filter(|cure| !cure.explains.is_empty());
    let hiding: Vec<&Finding> = hiding.copied().collect();
    if more.is_empty() || hiding.is_empty() {
        return more.into_keys().collect();
    }
    let mut uncovered = Uncovered::new(before, after, &hiding, safety);
    let is_more = |(rule, more): &(&'static str, usize)| {
        let found = after.findings.iter().filter(|found| found.page.id == *rule);
        let found = found.filter(|found| uncovered.may_be(found));
        found.map(Finding::count).sum::<usize>() < *more
    };
    more.into_iter().filter(is_more).map(|(rule, _)| rule).collect()
}

/// How often each rule fires. What is good to know may become true with a cure: that a module can be written, for one.
fn counts(report: &Report) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    let told = report.findings.iter();
    for finding in told.filter(|finding| finding.severity > Severity::Info) {
        *counts.entry(finding.page.id).or_default() += finding.count();
    }
    counts
}

/// Where some cures may uncover what they hid.
struct Uncovered<'r> {
    before: &'r Report,
    after: &'r Report,
    cures: &'r [&'r Finding],
    safety: Safety,
    /// How the lines of each file have changed.
    changes: BTreeMap<SourceId, Option<Changes>>,
}

/// How the lines of a file have changed.
struct Changes {
    operations: Vec<DiffOp>,
    /// How many lines there were.
    count: usize,
    /// Which lines some cures hid, with the worst of the cures.
    hidden: Vec<(Range<usize>, Severity)>,
}

impl<'r> Uncovered<'r> {
    fn new(before: &'r Report, after: &'r Report, cures: &'r [&'r Finding], safety: Safety) -> Self {
        Self {
            before,
            after,
            cures,
            safety,
            changes: BTreeMap::new(),
        }
    }

    fn may_be(&mut self, finding: &Finding) -> bool {
        if self.safety == Safety::Unsafe {
            return self.cures.iter().any(|cure| cure.severity >= finding.severity);
        }
        let place = finding.labels[0].span;
        let (before, after, cures) = (self.before, self.after, self.cures);
        let changes = self.changes.entry(place.source);
        let changes = changes.or_insert_with(|| Changes::of(before, after, place.source, cures));
        let source = after.sources.get(place.source);
        let line = source.line_of(place.start as usize);
        changes.as_ref().is_some_and(|changes| {
            let hid = |line: usize| changes.hid(line, finding.severity);
            hid(line) || hid(first_of_value(source, line)) || vital(source, line).any(hid)
        })
    }
}

impl Changes {
    /// `None` for a file that was not there before.
    fn of(before: &Report, after: &Report, file: SourceId, cures: &[&Finding]) -> Option<Self> {
        let new = after.sources.get(file);
        let (file, old) = before
            .sources
            .iter()
            .find(|(_, source)| source.name() == new.name())?;
        let diff = TextDiff::from_lines(&old.bytes()[..], &new.bytes()[..]);
        let mut hidden = Vec::new();
        for cure in cures {
            let edits = cure.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
            let explained = cure
                .explains
                .iter()
                .filter(|explained| explained.rules.is_empty());
            let spans = edits.chain(explained.map(|explained| explained.span));
            let spans = spans.filter(|span| span.source == file);
            hidden.extend(spans.map(|span| (lines(old, span), cure.severity)));
        }
        Some(Self {
            operations: diff.ops().to_vec(),
            count: old.line_count(),
            hidden,
        })
    }

    /// Whether a line of the new file stands where something no less severe hid what is wrong with it.
    fn hid(&self, line: usize, severity: Severity) -> bool {
        let was = self.operations.iter().find_map(|operation| {
            let (from, to) = (operation.old_range(), operation.new_range());
            let is_equal = matches!(operation, DiffOp::Equal { .. });
            to.contains(&line).then(|| match is_equal {
                true => from.start + line - to.start..from.start + line - to.start + 1,
                // What is new may stand in front of what it was taken from, or behind it.
                false => from.start.saturating_sub(1)..(from.end + 1).min(self.count),
            })
        });
        let was = was.unwrap_or_default();
        let mut hidden = self.hidden.iter();
        hidden.any(|(lines, worst)| *worst >= severity && lines.start < was.end && was.start < lines.end)
    }
}

/// The lines that a span touches.
fn lines(source: &Source, span: Span) -> Range<usize> {
    let range = span.range();
    let last = range.end.saturating_sub(1).max(range.start);
    source.line_of(range.start)..source.line_of(last) + 1
}

fn text(source: &Source, line: usize) -> &[u8] {
    source.bytes()[source.line_range(line)].trim_ascii()
}

/// The line on which a value begins that goes on behind backslashes.
fn first_of_value(source: &Source, line: usize) -> usize {
    let goes_on = |line: &usize| text(source, line - 1).ends_with(b"\\");
    (1..=line).rev().find(|line| !goes_on(line)).unwrap_or(0)
}

/// The header of a line's section, and what sets its path: without them all of it is dead.
fn vital(source: &Source, line: usize) -> impl Iterator<Item = usize> + '_ {
    let is_header = |line: usize| text(source, line).starts_with(b"[");
    let header = (0..=line).rev().find(|line| is_header(*line));
    let start = header.unwrap_or_else(|| source.line_count());
    let end = (start + 1..source.line_count()).find(|line| is_header(*line));
    let end = end.unwrap_or_else(|| source.line_count());
    (start..end).filter(move |line| {
        let name = text(source, *line).split(|byte| *byte == b'=').next();
        let is_path = Parameter::from_name(name.unwrap_or_default()) == Some(Parameter::Path);
        *line == start || is_path
    })
}
