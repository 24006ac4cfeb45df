//! The fixes of the pages' bad examples: each one cures its finding and brings no new one.

use std::collections::BTreeMap;

use rsyncctl::{catalog::Language, diagnosis::Finding};

use crate::{
    pages::check,
    support::examples::{ExampleCase, pages},
};

#[test]
fn fixes_cure_and_bring_nothing_new() {
    let mut wrong = Vec::new();
    for page in pages() {
        for case in page.cases.iter().filter(|case| case.is_bad()) {
            let Some(report) = check(&page, case) else {
                continue;
            };
            let before = titles(&report.findings);
            let own = report
                .findings
                .iter()
                .filter(|finding| finding.page.id == page.page.id);
            for finding in own.filter(|finding| finding.fix.is_some()) {
                let Some(fixed) = fixed(case, finding, &report.sources) else {
                    continue;
                };
                let after = titles(&check(&page, &fixed).expect("it was checked before").findings);
                let title = finding.title(Language::English).into_owned();
                if after.get(&title) >= before.get(&title) {
                    wrong.push(format!("{} {}: still there: {title}", page.page.id, case.role));
                }
                for (new, count) in &after {
                    if before.get(new) < Some(count) {
                        let text = String::from_utf8_lossy(&fixed.blocks[0].text).into_owned();
                        wrong.push(format!("{} {}: new: {new}\n{text}", page.page.id, case.role));
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The example with a finding's edits applied; `None` if they are in a file that is not a block of the example.
fn fixed(case: &ExampleCase, finding: &Finding, sources: &rsyncctl::terms::Sources) -> Option<ExampleCase> {
    let mut blocks = case.blocks.clone();
    let mut edits = finding.fix.as_ref()?.edits.clone();
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.start, edit.span.end)));
    for edit in &edits {
        let name = sources.get(edit.span.source).name();
        let block = blocks
            .iter_mut()
            .find(|block| block.path.as_deref().unwrap_or(&block.kind) == name)?;
        block
            .text
            .splice(edit.span.range(), edit.replacement.iter().copied());
    }
    Some(ExampleCase {
        role: case.role.clone(),
        blocks,
    })
}

fn titles(findings: &[Finding]) -> BTreeMap<String, usize> {
    let mut titles = BTreeMap::new();
    for finding in findings {
        *titles
            .entry(finding.title(Language::English).into_owned())
            .or_default() += 1;
    }
    titles
}
