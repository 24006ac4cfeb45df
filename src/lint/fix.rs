//! Cures that a machine can apply: which of them go together, and what the file is afterwards.

use std::collections::BTreeMap;

use crate::{
    catalog::Safety,
    diagnosis::{Edit, Finding},
    terms::{SourceId, Sources},
};

/// Applies the findings' fixes that are at least as safe as `safety` allows. A fix is applied whole or not at all;
/// one that touches the same bytes as an earlier one waits for the next round.
///
/// Returns the new content of each source that changes.
pub fn fixed(sources: &Sources, findings: &[Finding], safety: Safety) -> BTreeMap<SourceId, Vec<u8>> {
    let mut chosen: BTreeMap<SourceId, Vec<&Edit>> = BTreeMap::new();
    let allowed = |finding: &&Finding| {
        let fix = finding.fix.as_ref();
        fix.is_some_and(|fix| fix.safety == Safety::Safe || safety == Safety::Unsafe)
    };
    for finding in findings.iter().filter(allowed) {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        let is_free = edits.clone().all(|edit| {
            let others = chosen.get(&edit.span.source).into_iter().flatten();
            others.into_iter().all(|other| !overlap(edit, other))
        });
        if is_free {
            for edit in edits {
                chosen.entry(edit.span.source).or_default().push(edit);
            }
        }
    }
    chosen
        .into_iter()
        .map(|(source, edits)| (source, apply(sources.get(source).bytes(), edits)))
        .collect()
}

/// Two insertions at one place overlap too: their order would be a guess.
fn overlap(one: &Edit, other: &Edit) -> bool {
    let (a, b) = (one.span, other.span);
    a.source == b.source && (a.start < b.end && b.start < a.end || a.start == b.start)
}

fn apply(bytes: &[u8], mut edits: Vec<&Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| edit.span.start);
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
