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

/// What is printed in front of a failure, or behind its last line, is no failure of its own and not the cause.
#[test]
fn noise_around_a_failure_is_not_its_cause() {
    for (text, first) in [
        (
            "stdin: is not a tty\nERROR: module is read only\nrsync error: syntax or usage error (code 1) at main.c(1185) \
             [Receiver=3.5.0]\nrsync: [sender] read error: Connection reset by peer (104)\n",
            "RSY885",
        ),
        (
            "$ rsync -a a/ joe@h:data --password-file=x\nThe --password-file option may only be used when accessing an rsync \
             daemon.\nrsync error: syntax or usage error (code 1) at main.c(1383) [sender=3.1.2]\n",
            "RSY874",
        ),
        (
            "rsync  version 3.5.0  protocol version 32\nUsage: rsync [OPTION]... SRC [SRC]... DEST\n  or   rsync \
             [OPTION]... [USER@]HOST::SRC [DEST]\nrsync error: syntax or usage error (code 1) at main.c(1886)\n",
            "RSY977",
        ),
    ] {
        let explanation = explained(text.as_bytes());
        let [incident] = &explanation.incidents[..] else {
            panic!("{} failures in\n{text}", explanation.incidents.len());
        };
        assert_eq!(
            incident.causes.first().map(|cause| cause.page.id),
            Some(first),
            "{text}"
        );
    }
}
