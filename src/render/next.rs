//! What to type next.

use crate::{
    catalog::{Confidence, Language, Side},
    explain::Explanation,
    render::{
        case::{Case, place as where_to_type},
        names::Command,
    },
};

/// What comes next, and where: the side in words, and a command, or words where there is none to type.
pub(super) struct Next {
    pub(super) side: Option<&'static str>,
    pub(super) text: String,
    pub(super) is_command: bool,
}

/// What comes next: a command, or else the beginning of the first cause's cure in words.
pub(super) fn next(explanation: &Explanation, language: Language) -> Option<Next> {
    if let Some((side, text)) = command(explanation, language) {
        return Some(Next {
            side: Some(side),
            text,
            is_command: true,
        });
    }
    let cause = explanation.incidents.first()?.causes.first()?;
    let case = Case { cause, language };
    let help = case.help();
    let text = help.split([';', '；']).next().unwrap_or_default().to_owned();
    let side = Some(where_to_type(case.side(cause.page.side), language));
    Some(match text.is_empty() {
        true => Next {
            side: None,
            text: format!("rsyncctl explain {}", cause.page.id),
            is_command: true,
        },
        false => Next {
            side,
            text,
            is_command: false,
        },
    })
}

/// Where to type what next: what tells whether it is the first cause, or else its cure; the cure at once where a file has
/// the mistake for sure. Nothing where each command has something to fill in.
fn command(explanation: &Explanation, language: Language) -> Option<(&'static str, String)> {
    let cause = explanation.incidents.first()?.causes.first()?;
    let case = Case { cause, language };
    let check = cause.page.check.as_ref();
    let check = check.map(|check| (check.side, case.commands(check.commands)));
    let cure = Some((cause.page.side, case.cure()));
    let place = case.place();
    let line = place.and_then(edit).map(|text| {
        (
            cause.page.side,
            vec![Command {
                text,
                open: Vec::new(),
            }],
        )
    });
    let in_order = match (place, cause.confidence) {
        (Some(_), Confidence::Possible) => [check, cure, line],
        (Some(_), _) => [cure, line, check],
        (None, _) => [check, cure, None],
    };
    let in_order = in_order.into_iter().flatten();
    let firsts =
        in_order.filter_map(|(side, commands)| Some((case.side(side), commands.into_iter().next()?)));
    let firsts: Vec<_> = firsts.collect();
    // What has to be filled in first is no last line: on the server the doctor knows its files and modules, and the page
    // says the rest.
    let usable = firsts.iter().find(|(_, command)| command.open.is_empty());
    let first = match (usable, firsts.first()) {
        (Some((side, command)), _) => Some((*side, command.text.clone())),
        (None, Some((Some(Side::Server), _))) => Some((Some(Side::Server), "rsyncctl doctor".to_owned())),
        (None, _) => None,
    };
    first.map(|(side, command)| (where_to_type(side, language), command))
}

/// Where to type what next, if a trial met what the configuration is found to have: the cure, or what shows the line of
/// the file that is tried.
pub(super) fn cure(explanation: &Explanation, language: Language) -> Option<(Option<&'static str>, String)> {
    let cause = explanation.incidents.first()?.causes.first()?;
    let case = Case { cause, language };
    let Some(found) = case.place() else {
        let next = next(explanation, language)?;
        return Some(match next.is_command {
            true => (next.side, next.text),
            false => (None, format!("rsyncctl explain {}", cause.page.id)),
        });
    };
    let mut ready = case.cure().into_iter().filter(|command| command.open.is_empty());
    if let Some(command) = ready.next() {
        return Some((
            Some(where_to_type(case.side(cause.page.side), language)),
            command.text,
        ));
    }
    Some((None, edit(found)?))
}

/// What shows the line of a place: `FILE:LINE`, perhaps with the line's text behind it.
pub(super) fn edit(place: &str) -> Option<String> {
    let (file, line) = place.split(": `").next()?.rsplit_once(':')?;
    Some(format!("vi +{line} {}", shell_words::quote(file)))
}
