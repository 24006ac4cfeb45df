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
    rsync::transfer::{KeptOut, kept_out},
    terms::RsyncOption,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY981", links_lost),
    Check::script("RSY992", unknown_option),
    Check::script("RSY623", folders_closed),
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
                let (dashes, name) = by_hand(&text);
                case.variant("typographic")
                    .with("meant", format!("{dashes}{name}"))
            });
        }
        for (word, target) in transfer.targets() {
            let crate::terms::Target::Local(text) = target else {
                continue;
            };
            let first = text.chars().next().unwrap_or_default();
            if matches!(first, '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}') {
                let (dashes, option) = by_hand(text);
                let range = word.range.clone();
                let length = text.len() - option.len();
                let case = Case::at(subject.span(range.clone()))
                    .variant("typographic")
                    .with("option", text.as_str())
                    .with("meant", format!("{dashes}{option}"));
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

/// RSY623: a mode that is meant for files takes the `x` from folders too.
fn folders_closed(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for transfer in subject.transfers() {
        let invocation = &transfer.invocation;
        let modes = invocation.folder_modes();
        let Some((modes, keeps_permissions)) = modes.filter(|(modes, _)| !modes.contains(UNKNOWN)) else {
            continue;
        };
        let Some((who, meant)) = kept_out(&modes, keeps_permissions) else {
            continue;
        };
        let given: Vec<_> = invocation
            .options
            .iter()
            .filter(|given| given.name == "chmod")
            .collect();
        let Some(last) = given.last() else {
            continue;
        };
        let word = transfer.word(last.value_word.unwrap_or(last.word));
        let span = subject.span(word.range.clone());
        let case = Case::at(span)
            .with("mode", modes.clone())
            .with("meant", meant.clone());
        let case = case.variant(match who {
            KeptOut::Owner => "owner",
            KeptOut::Others => "others",
        });
        let text = subject.bytes(word.range.clone());
        let at = text
            .windows(modes.len())
            .rposition(|part| part == modes.as_bytes());
        out.report(match at {
            // It stands in one word of the script as it is.
            Some(at) if given.len() == 1 => {
                let start = word.range.start + at;
                let place = subject.span(start..start + modes.len());
                case.fix(Safety::Unsafe, [Edit::replace(place, meant)])
            }
            _ => case,
        });
    }
}

/// The dashes that were meant in front of an option, and the rest of it: two in front of a name, one in front of letters.
fn by_hand(text: &str) -> (&'static str, &str) {
    let option = text.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let name = option.split('=').next().unwrap_or_default();
    let is_letters = name
        .bytes()
        .all(|letter| RsyncOption::of_letter(letter).is_some());
    let is_name = RsyncOption::of_name(name).is_some() || !is_letters;
    (if is_name { "--" } else { "-" }, option)
}

#[cfg(test)]
mod tests {
    use super::by_hand;

    #[test]
    fn letters_have_one_dash_and_names_two() {
        for (text, dashes, option) in [
            ("\u{2013}avz", "-", "avz"),
            ("\u{2014}a", "-", "a"),
            ("\u{2013}delete", "--", "delete"),
            ("\u{2013}\u{2013}exclude=*.tmp", "--", "exclude=*.tmp"),
            ("\u{2013}no-such-option", "--", "no-such-option"),
        ] {
            assert_eq!(by_hand(text), (dashes, option), "{text}");
        }
    }
}
