//! One cause is reported once: what it lets other rules find is dropped.

use crate::{
    diagnosis::{Explained, Finding},
    terms::Span,
};

/// Drops the findings that another finding explains.
pub(super) fn drop_explained(findings: &mut Vec<Finding>) {
    let mut explained: Vec<(Explained, &'static str)> = findings
        .iter()
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
    findings.retain(|finding| {
        let place = finding.labels[0].span;
        let last = explained.partition_point(|(one, _)| {
            (one.span.source, one.span.start) < (place.source, place.end.max(place.start + 1))
        });
        let touching = (0..last)
            .rev()
            .take_while(|&index| reach[index] > (place.source, place.start));
        !touching
            .map(|index| &explained[index])
            .any(|(one, rule)| is_consequence(finding, place, one, rule))
    });
}

fn is_consequence(finding: &Finding, place: Span, one: &Explained, rule: &str) -> bool {
    let overlaps = one.span.source == place.source
        && one.span.end > place.start
        && one.span.start < place.end.max(place.start + 1);
    let is_meant = one.rules.is_empty() || one.rules.contains(&finding.page.id);
    let explains_back = !finding.explains.is_empty() && finding.page.id < rule;
    overlaps && is_meant && finding.page.id != rule && !explains_back
}
