use std::borrow::Cow;

use crate::{
    catalog::{Language, fill},
    doctor::{Cause, Check, Told},
    render::explanation::{self, edit},
};

/// What is said of a cause.
pub(super) struct Words {
    pub(super) title: String,
    /// Where it stands: `rsyncd.conf:7`.
    pub(super) place: Option<String>,
    pub(super) message: Option<String>,
    pub(super) facts: Vec<String>,
    pub(super) help: String,
    pub(super) commands: Vec<String>,
    /// What else it may be.
    pub(super) others: Vec<String>,
    pub(super) next: Option<String>,
}

impl Words {
    pub(super) fn of(cause: &Cause, language: Language) -> Self {
        match &cause.told {
            Told::Finding(report, index) => {
                let finding = &report.findings[*index];
                // Nobody can open what was typed.
                let is_typed = cause.seen.contains(&Check::CommandLine);
                let place = report.sources.place(finding.labels[0].span);
                let commands = finding.commands();
                Self {
                    title: finding.title(language).into_owned(),
                    message: Some(finding.message(language).into_owned()),
                    facts: finding.facts.clone(),
                    help: finding.help(language).into_owned(),
                    next: commands
                        .first()
                        .cloned()
                        .or_else(|| edit(&place))
                        .filter(|_| !is_typed),
                    place: (!is_typed).then_some(place),
                    commands,
                    others: Vec::new(),
                }
            }
            Told::Text(explanation, index) => {
                let incident = &explanation.incidents[*index];
                let words = explanation::words(incident, language);
                let words = words.expect("a failure is told by its first cause");
                let line = incident
                    .lines
                    .first()
                    .map(|seen| format!("`{}`", seen.text.trim()));
                let times = match (incident.count, language) {
                    (0 | 1, _) => String::new(),
                    (count, Language::English) => format!(", {count} times"),
                    (count, Language::Chinese) => format!("，共 {count} 次"),
                };
                Self {
                    title: words.title,
                    place: None,
                    message: words.message,
                    facts: line.map(|line| format!("{line}{times}")).into_iter().collect(),
                    help: words.help,
                    commands: words.commands,
                    others: words.others,
                    next: words.next,
                }
            }
            Told::Page(_, arguments, facts) => {
                let text = cause.page.text(None, language);
                let filled = |text: &'static str| fill(text, arguments);
                let filled_or = |text: Option<&'static str>| filled(text.unwrap_or_default());
                let commands: Vec<_> = cause
                    .page
                    .commands
                    .iter()
                    .map(|text| known(filled(text).into_owned(), arguments))
                    .collect();
                let check = cause.page.check.iter().flat_map(|check| check.commands);
                let check = check.map(|text| filled(text).into_owned()).next();
                Self {
                    title: filled_or(text.title).into_owned(),
                    place: None,
                    message: text.message.map(filled).map(Cow::into_owned),
                    facts: facts.clone(),
                    help: filled_or(text.help).into_owned(),
                    next: check.or_else(|| commands.first().cloned()),
                    commands,
                    others: Vec::new(),
                }
            }
        }
    }
}

/// Puts what is known of this machine in the place of words like `MOUNT_POINT`, which a page has where others do not know it.
fn known(mut command: String, arguments: &[(&'static str, String)]) -> String {
    for (word, value) in arguments {
        if word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_') {
            command = command.replace(word, value);
        }
    }
    command
}
