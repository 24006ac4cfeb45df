//! One cause is reported once: what it lets other rules find is dropped.

use crate::{diagnosis::Explained, lint::report::Findings, terms::Span};

/// Drops the findings that another finding explains.
pub(super) fn drop_explained(findings: &mut Findings) {
    let mut explained: Vec<(Explained, &'static str)> = Vec::new();
    for finding in &findings.kept {
        explained.extend(finding.explains.iter().map(|one| (*one, finding.page.id)));
    }
    for finding in &findings.surplus {
        explained.extend(finding.explains.iter().map(|one| (*one, finding.page.id)));
    }
    if explained.is_empty() {
        return;
    }
    explained.sort_by_key(|(one, rule)| (one.span, *rule, one.from, one.rules));
    // A line that holds for many modules may be explained once for each.
    explained.dedup();
    let reach: Vec<_> = explained
        .iter()
        .scan(None, |farthest, (one, _)| {
            *farthest = (*farthest).max(Some((one.span.source, one.span.end)));
            *farthest
        })
        .collect();
    let touches = |finding: Judged, place: Span, is_first: bool| {
        let end = place.end.max(place.start + 1);
        let last =
            explained.partition_point(|(one, _)| (one.span.source, one.span.start) < (place.source, end));
        (0..last)
            .rev()
            .take_while(|&index| reach[index] > (place.source, place.start))
            .map(|index| &explained[index])
            .any(|(one, rule)| is_consequence(finding, place, one, rule, is_first))
    };
    findings.kept.retain_mut(|finding| {
        let judged = Judged::new(finding.page.id, &finding.explains);
        let mut further = finding.labels.iter().skip(1);
        !further.any(|label| touches(judged, label.span, false))
            && finding.retain(|span| !touches(judged, span, true)) > 0
    });
    findings.surplus.retain(|finding| {
        let judged = Judged::new(finding.page.id, &finding.explains);
        !touches(judged, finding.span, true)
    });
}

/// What counts of a finding that may be a consequence.
#[derive(Clone, Copy)]
struct Judged {
    rule: &'static str,
    explains_any: bool,
}

impl Judged {
    fn new(rule: &'static str, explains: &[Explained]) -> Self {
        let explains_any = !explains.is_empty();
        Self { rule, explains_any }
    }
}

/// Whether a finding with a label at `place` follows from the cause. What certain rules find because of a cause may
/// have its first label elsewhere, as that of two lines that repeat each other.
fn is_consequence(finding: Judged, place: Span, one: &Explained, rule: &str, is_first: bool) -> bool {
    let overlaps = one.span.source == place.source
        && one.span.end > place.start
        && one.span.start < place.end.max(place.start + 1)
        && one.from <= place.start;
    let is_meant = if one.rules.is_empty() {
        is_first
    } else {
        one.rules.contains(&finding.rule)
    };
    let explains_back = finding.explains_any && finding.rule < rule;
    overlaps && is_meant && finding.rule != rule && !explains_back
}
