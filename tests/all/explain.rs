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

#[test]
fn wait_statuses_of_hooks_are_translated() {
    for (status, code) in [("1792", Some("7")), ("32512", Some("127")), ("9", None)] {
        let explanation = explained(format!("pre-xfer exec returned failure ({status})").as_bytes());
        let arguments = &explanation.incidents[0].causes[0].arguments;
        let found = arguments.iter().find(|(kind, _)| *kind == "hook-code");
        assert_eq!(found.map(|(_, code)| code.as_str()), code, "{status}");
    }
}

/// A shell that could not be run, and the hang-up that follows from it, are one failure.
#[test]
fn hang_ups_belong_to_the_failure_before_them() {
    let text = b"rsync: [Receiver] Failed to exec ssh: No such file or directory (2)
rsync error: error in IPC code (code 14) at pipe.c(85) [Receiver=3.5.0]
rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]
rsync error: error in rsync protocol data stream (code 12) at io.c(285) [Receiver=3.5.0]
";
    assert_eq!(explained(text).incidents.len(), 1);
}
