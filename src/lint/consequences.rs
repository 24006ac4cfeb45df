//! One cause is reported once: what it lets other rules find is dropped.

use crate::{
    diagnosis::{Explained, Finding},
    lint::report::Findings,
    terms::Span,
};

/// Drops the findings that another finding explains.
pub(super) fn drop_explained(findings: &mut Findings) {
    let all = findings.kept.iter().chain(&findings.surplus);
    let mut explained: Vec<(Explained, &'static str)> = all
        .flat_map(|finding| finding.explains.iter().map(|one| (*one, finding.page.id)))
        .collect();
    if explained.is_empty() {
        return;
    }
    explained.sort_by_key(|(one, rule)| (one.span, *rule));
    let reach: Vec<_> = explained
        .iter()
        .scan(None, |farthest, (one, _)| {
            *farthest = (*farthest).max(Some((one.span.source, one.span.end)));
            *farthest
        })
        .collect();
    let touches = |finding: &Finding, place: Span, is_first: bool| {
        let end = place.end.max(place.start + 1);
        let last =
            explained.partition_point(|(one, _)| (one.span.source, one.span.start) < (place.source, end));
        (0..last)
            .rev()
            .take_while(|&index| reach[index] > (place.source, place.start))
            .map(|index| &explained[index])
            .any(|(one, rule)| is_consequence(finding, place, one, rule, is_first))
    };
    for findings in [&mut findings.kept, &mut findings.surplus] {
        findings.retain(|finding| {
            let mut labels = finding.labels.iter().enumerate();
            !labels.any(|(index, label)| touches(finding, label.span, index == 0))
        });
    }
}

/// Whether a finding with a label at `place` follows from the cause. What certain rules find because of a cause may
/// have its first label elsewhere, as that of two lines that repeat each other.
fn is_consequence(finding: &Finding, place: Span, one: &Explained, rule: &str, is_first: bool) -> bool {
    let overlaps = one.span.source == place.source
        && one.span.end > place.start
        && one.span.start < place.end.max(place.start + 1);
    let is_meant = if one.rules.is_empty() {
        is_first
    } else {
        one.rules.contains(&finding.page.id)
    };
    let explains_back = !finding.explains.is_empty() && finding.page.id < rule;
    overlaps && is_meant && finding.page.id != rule && !explains_back
}
