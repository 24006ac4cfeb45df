use std::borrow::Cow;

use crate::{
    catalog::Language,
    diagnosis::Finding,
    render::{
        facts,
        words::{pick, witness},
    },
    terms::Release,
};

/// What a report says about a finding below its title: each paragraph with the word that introduces it.
pub(super) fn paragraphs(
    finding: &Finding,
    release: Release,
    language: Language,
) -> Vec<(&'static str, Cow<'static, str>)> {
    let mut found = vec![(pick(language, "why", "原因"), finding.message(language))];
    for symptom in finding.predictions(release) {
        let or = symptom.is_alternative.then(|| pick(language, "or", "或者"));
        found.push(match symptom.client {
            Some(client) => {
                let code = pick(language, "exit code", "退出码");
                let seen = format!("`{}` ({code} {})", finding.filled(client), symptom.exit);
                let witness = witness(finding.page, symptom.stage, language);
                (or.unwrap_or(witness), seen.into())
            }
            None => {
                let effect = finding.filled(symptom.effect[language as usize]);
                (or.unwrap_or_else(|| pick(language, "effect", "后果")), effect)
            }
        });
    }
    for fact in &finding.facts {
        let fact = facts::told(fact, language).into_owned();
        found.push((pick(language, "seen", "事实"), fact.into()));
    }
    found.push((pick(language, "cure", "解决"), finding.help(language)));
    found
}

/// A finding as plain text: the title, the paragraphs and what to type, each on a line of its own.
pub(super) fn plain(finding: &Finding, release: Release, language: Language) -> String {
    let mut text = finding.title(language).into_owned();
    for (word, paragraph) in paragraphs(finding, release, language) {
        for part in ["\n", word, ": ", &paragraph] {
            text += part;
        }
    }
    for command in finding.commands() {
        text += "\n  ";
        text += &command;
    }
    text
}
