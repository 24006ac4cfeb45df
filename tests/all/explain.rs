//! Texts that somebody pastes, and the causes that are found in them.

use rsyncctl::explain::{Explanation, Known, explain};

use crate::support::examples::pages;

fn explained(text: &[u8]) -> Explanation {
    explain(text, &Known::default()).expect("a text in memory")
}

#[test]
fn pages_are_the_first_cause_of_the_texts_they_cite() {
    let mut wrong = Vec::new();
    for page in pages() {
        for text in &page.outputs {
            let explanation = explained(text);
            let causes = explanation
                .incidents
                .first()
                .map_or(&[][..], |incident| &incident.causes);
            let first = causes.first().map(|cause| cause.page.id);
            if first != Some(&page.page.id) {
                let text = String::from_utf8_lossy(text);
                wrong.push(format!("{}: {first:?} comes first in\n{text}", page.page.id));
            }
        }
        let is_only_seen = page.page.files.is_empty();
        if is_only_seen && page.outputs.is_empty() {
            wrong.push(format!("{} shows no output in which it is seen", page.page.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every wording of every symptom finds its page, whatever else it finds.
#[test]
fn every_pattern_is_recognised_in_its_own_text() {
    let mut wrong = Vec::new();
    for page in rsyncctl::catalog::pages()
        .iter()
        .filter(|page| page.files.is_empty())
    {
        for symptom in page.symptoms {
            let texts = symptom
                .client
                .into_iter()
                .chain(symptom.log)
                .chain(symptom.wordings.iter().copied());
            for text in texts {
                let line = text.replace(['{', '}'], "");
                let explanation = explained(line.as_bytes());
                let mut causes = explanation.incidents.iter().flat_map(|incident| &incident.causes);
                if !causes.any(|cause| cause.page.id == page.id) {
                    wrong.push(format!("{}: {text}", page.id));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The side that fails closes the connection; what the other says of that is no second failure.
#[test]
fn a_hang_up_behind_an_exit_code_belongs_to_its_failure() {
    let text = "rsync: [sender] link_stat \"nosuch\" (in data) failed: No such file or directory (2)
rsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1956) [Receiver=3.5.0]
rsync: [Receiver] read error: Connection reset by peer (104)
";
    let explanation = explained(text.as_bytes());
    assert_eq!(explanation.incidents.len(), 1);
    assert_eq!(explanation.incidents[0].causes[0].page.id, "RSY851");
}
