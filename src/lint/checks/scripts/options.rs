//! The options that rsync is given.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::ScriptSubject,
    },
    model::script::UNKNOWN,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY981", links_lost),
    Check::script("RSY992", unknown_option),
];

/// What `-a` stands for, without `-l`.
const PRESERVED: [&str; 5] = ["recursive", "times", "perms", "owner", "group"];

/// What says that somebody has thought of links.
const ABOUT_LINKS: [&str; 8] = [
    "archive",
    "links",
    "copy-links",
    "copy-unsafe-links",
    "safe-links",
    "no-links",
    "no-l",
    "munge-links",
];

/// RSY981: all that `-a` preserves is spelt out, and the links are missing.
fn links_lost(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let is_spelt_out = PRESERVED.iter().all(|name| transfer.has(name));
        if !is_spelt_out
            || ABOUT_LINKS.iter().any(|name| transfer.has(name))
            || transfer.may_have_more_options()
        {
            continue;
        }
        let Some(given) = transfer.invocation.option("recursive") else {
            continue;
        };
        let word = transfer.word(given.word);
        let letters = word.text();
        let case = Case::at(subject.span(word.range.clone())).with("letters", letters.clone());
        // The word stands in the script as it is, and all of its letters are options without a value.
        let is_written = subject.bytes(word.range.clone()) == letters.as_bytes();
        out.report(if is_written && !letters.starts_with("--") {
            let at = word.range.start + 1;
            case.fix(Safety::Unsafe, [Edit::replace(subject.span(at..at), "l")])
        } else {
            case
        });
    }
}

/// RSY992: rsync ends at once.
fn unknown_option(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let mut last = None;
        for given in &transfer.invocation.options {
            // Of the letters of one word the first one counts: rsync ends there.
            if given.is_known || last == Some(given.word) {
                continue;
            }
            last = Some(given.word);
            let word = transfer.word(given.word);
            let text = word.text();
            let shown = if text.starts_with("--") {
                format!("--{}", given.name)
            } else {
                format!("-{}", given.name)
            };
            // Behind an unknown part nobody knows what a letter means; and a letter that is no text is no option.
            if text.contains(UNKNOWN) || given.name.is_empty() || word.has_pattern() {
                continue;
            }
            let case = Case::at(subject.span(word.range.clone())).with("option", shown);
            out.report(if given.name.is_ascii() {
                case
            } else {
                case.variant("typographic")
            });
        }
        for (word, target) in transfer.targets() {
            let crate::terms::Target::Local(text) = target else {
                continue;
            };
            let first = text.chars().next().unwrap_or_default();
            if matches!(first, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}') {
                let option = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
                let dashes = if option.chars().count() > 2 { "--" } else { "-" };
                let range = word.range.clone();
                let length = text.len() - option.len();
                let case = Case::at(subject.span(range.clone()))
                    .variant("typographic")
                    .with("option", text.as_str());
                let is_written = subject.bytes(range.clone()) == text.as_bytes();
                out.report(if is_written {
                    let place = subject.span(range.start..range.start + length);
                    case.fix(Safety::Unsafe, [Edit::replace(place, dashes)])
                } else {
                    case
                });
            }
        }
    }
}
