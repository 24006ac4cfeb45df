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
    file: SourceId,
    operations: Vec<DiffOp>,
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
        let place = finding.labels[0].span;
        let line = self.after.sources.get(place.source).line_of(place.start as usize);
        if self.safety == Safety::Unsafe {
            return self.cures.iter().any(|cure| cure.severity >= finding.severity);
        }
        let (before, after, cures) = (self.before, self.after, self.cures);
        let changes = self.changes.entry(place.source);
        let changes = changes.or_insert_with(|| Changes::of(before, after, place.source, cures));
        changes
            .as_ref()
            .is_some_and(|changes| changes.hid(before, line, finding.severity))
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
            let explained = cure.explains.iter().map(|explained| explained.span);
            let spans = edits.chain(explained).filter(|span| span.source == file);
            hidden.extend(spans.map(|span| (dead(old, span), cure.severity)));
        }
        Some(Self {
            file,
            operations: diff.ops().to_vec(),
            hidden,
        })
    }

    /// Whether a line of the new file stands where something no less severe hid what is wrong with it.
    fn hid(&self, before: &Report, line: usize, severity: Severity) -> bool {
        let old = before.sources.get(self.file);
        let was = self.operations.iter().find_map(|operation| {
            let (from, to) = (operation.old_range(), operation.new_range());
            let is_equal = matches!(operation, DiffOp::Equal { .. });
            to.contains(&line).then(|| match is_equal {
                true => from.start + line - to.start..from.start + line - to.start + 1,
                // What is new may stand in front of what it was taken from, or behind it.
                false => from.start.saturating_sub(1)..(from.end + 1).min(old.line_count()),
            })
        });
        let was = was.unwrap_or_default();
        let mut hidden = self.hidden.iter();
        hidden.any(|(lines, worst)| *worst >= severity && lines.start < was.end && was.start < lines.end)
    }
}

/// The lines of a span. Where rsync does not read a header, or not what a module cannot do without, the whole section is
/// dead.
fn dead(source: &Source, span: Span) -> Range<usize> {
    let range = span.range();
    let first = source.line_of(range.start);
    let last = source.line_of(range.end.saturating_sub(1).max(range.start));
    let is_header = |line: usize| {
        source.bytes()[source.line_range(line)]
            .trim_ascii()
            .starts_with(b"[")
    };
    let end = match is_header(first) {
        true => (last + 1..source.line_count())
            .find(|line| is_header(*line))
            .unwrap_or_else(|| source.line_count()),
        false => last + 1,
    };
    first..end
}
