//! Cures that a machine can apply: which of them go together, and what the file is afterwards.

use std::collections::BTreeMap;

use crate::{
    catalog::Safety,
    diagnosis::{Edit, Finding},
    terms::{SourceId, Sources, Span},
};

/// Applies the findings' fixes that are at least as safe as `safety` allows. A fix is applied whole or not at all;
/// one that touches the same bytes as an earlier one waits for the next round.
///
/// Returns the new content of each source that changes.
pub fn fixed(sources: &Sources, findings: &[&Finding], safety: Safety) -> BTreeMap<SourceId, Vec<u8>> {
    let mut chosen: BTreeMap<SourceId, BTreeMap<u32, &Edit>> = BTreeMap::new();
    for finding in findings.iter().filter(|finding| is_curable(finding, safety)) {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        if edits
            .clone()
            .all(|edit| is_free(edit, chosen.get(&edit.span.source)))
        {
            for edit in edits {
                chosen
                    .entry(edit.span.source)
                    .or_default()
                    .insert(edit.span.start, edit);
            }
        }
    }
    chosen
        .into_iter()
        .map(|(source, edits)| (source, apply(sources.get(source).bytes(), edits.into_values())))
        .collect()
}

/// Ends the lines that a fix brings as the lines around them end.
pub(crate) fn end_lines_alike(finding: &mut Finding, sources: &Sources) {
    for edit in finding.fix.iter_mut().flat_map(|fix| &mut fix.edits) {
        if edit.replacement.contains(&b'\n') && has_carriage_returns(sources, edit.span) {
            let lines = edit.replacement.split_inclusive(|byte| *byte == b'\n');
            let ended = lines.map(|line| match line.strip_suffix(b"\n") {
                Some(text) if !text.ends_with(b"\r") => [text, b"\r\n"].concat(),
                _ => line.to_vec(),
            });
            edit.replacement = ended.collect::<Vec<_>>().concat();
        }
    }
}

/// Whether the line in which a span begins ends with a carriage return; if it does not end, the line in front of it.
fn has_carriage_returns(sources: &Sources, span: Span) -> bool {
    let source = sources.get(span.source);
    let line = source.line_of(span.start as usize);
    let text = |line: usize| &source.bytes()[source.line_range(line)];
    let ended = match text(line).ends_with(b"\n") {
        true => line,
        false => line.saturating_sub(1),
    };
    text(ended).ends_with(b"\r\n")
}

/// Whether a finding has a fix that is at least as safe as `safety` allows.
pub fn is_curable(finding: &Finding, safety: Safety) -> bool {
    let fix = finding.fix.as_ref();
    fix.is_some_and(|fix| fix.safety == Safety::Safe || safety == Safety::Unsafe)
}

/// Whether an edit touches none of those that are chosen, which do not touch each other. Two insertions at one place
/// touch too: their order would be a guess.
fn is_free(edit: &Edit, chosen: Option<&BTreeMap<u32, &Edit>>) -> bool {
    let Some(chosen) = chosen else {
        return true;
    };
    let span = edit.span;
    let before = chosen.range(..=span.start).next_back();
    let after = chosen.range(span.start..).next();
    before.is_none_or(|(start, other)| *start != span.start && other.span.end <= span.start)
        && after.is_none_or(|(start, _)| *start >= span.end && *start != span.start)
}

/// Puts edits that are in order in place.
fn apply<'e>(bytes: &[u8], edits: impl Iterator<Item = &'e Edit>) -> Vec<u8> {
    let mut fixed = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for edit in edits {
        let range = edit.span.range();
        fixed.extend_from_slice(&bytes[at..range.start]);
        fixed.extend_from_slice(&edit.replacement);
        at = range.end;
    }
    fixed.extend_from_slice(&bytes[at..]);
    fixed
}
