use crate::{
    catalog::Language,
    diagnosis::Finding,
    render::words::{pick, witness},
    terms::Release,
};

/// What a report says about a finding below its title: each paragraph with the word that introduces it.
pub(super) fn paragraphs(
    finding: &Finding,
    release: Release,
    language: Language,
) -> Vec<(&'static str, String)> {
    let mut found = vec![(
        pick(language, "why", "原因"),
        finding.message(language).into_owned(),
    )];
    for symptom in finding.predictions(release) {
        found.push(match symptom.client {
            Some(client) => {
                let code = pick(language, "exit code", "退出码");
                let seen = format!("`{}` ({code} {})", finding.filled(client), symptom.exit);
                (witness(symptom.stage, language), seen)
            }
            None => {
                let effect = finding.filled(symptom.effect[language as usize]);
                (pick(language, "effect", "后果"), effect.into_owned())
            }
        });
    }
    for fact in &finding.facts {
        found.push((pick(language, "seen", "事实"), fact.clone()));
    }
    found.push((
        pick(language, "cure", "解决"),
        finding.help(language).into_owned(),
    ));
    found
}

/// A finding as plain text: the title, the paragraphs and what to type, each on a line of its own.
pub(super) fn plain(finding: &Finding, release: Release, language: Language) -> String {
    let mut text = finding.title(language).into_owned();
    for (word, paragraph) in paragraphs(finding, release, language) {
        text += &format!("\n{word}: {paragraph}");
    }
    for command in finding.commands() {
        text += "\n  ";
        text += &command;
    }
    text
}
