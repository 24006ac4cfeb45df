//! Lists of patterns and of options, which only white space divides.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, notes},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Setting, wildmatch::wildmatch},
    syntax::Token,
    terms::{OPTIONS, RsyncOption},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY213", comma_in_patterns),
    Check::configuration("RSY214", comma_in_refuse_options),
    Check::configuration("RSY215", unknown_refuse_option),
    Check::configuration("RSY229", include_as_filter),
];

/// RSY213: the comma is a part of the pattern, so the file is not hidden.
fn comma_in_patterns(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Exclude, Parameter::Include, Parameter::Filter]) {
        let tokens: Vec<_> = entries(setting, is_white_space);
        let is_filter = setting.parameter == Parameter::Filter;
        let ends: Vec<_> = tokens
            .iter()
            .filter(|token| token.bytes.len() > 1 && token.bytes.ends_with(b","))
            .collect();
        let inside: Vec<_> = tokens
            .iter()
            .filter(|token| !is_filter && has_comma_inside(token.bytes))
            .collect();
        let Some(first) = ends.first().or_else(|| inside.first()) else {
            continue;
        };
        let pattern = first.bytes.strip_suffix(b",").unwrap_or(first.bytes);
        let pattern = pattern.split(|byte| *byte == b',').next().unwrap_or_default();
        // A comma at a word's end is never meant; one inside may well be a part of the name.
        let (variant, safety, words) = if ends.is_empty() {
            ("inside", Safety::Unsafe, &inside)
        } else {
            ("end", ends_safety(setting, &tokens), &ends)
        };
        let edits: Vec<_> = words
            .iter()
            .flat_map(|token| last_comma_or_all(setting, token))
            .collect();
        out.report(
            Case::at(setting.part(first.part.clone()))
                .variant(variant)
                .with("parameter", setting.parameter.name())
                .with("word", first.display())
                .with("pattern", String::from_utf8_lossy(pattern))
                .fix(safety, edits),
        );
    }
}

/// More that is hidden is safe. Patterns that show files, or take other patterns back, give clients more.
fn ends_safety(setting: &Setting, tokens: &[Token<'_>]) -> Safety {
    let shows = |token: &Token<'_>| token.bytes.starts_with(b"+") || token.bytes.starts_with(b"!");
    if setting.parameter == Parameter::Exclude && !tokens.iter().any(shows) {
        Safety::Safe
    } else {
        Safety::Unsafe
    }
}

/// What to take out of a word: the comma that it ends with, or those inside if it ends with none.
fn last_comma_or_all(setting: &Setting, token: &Token<'_>) -> Vec<Edit> {
    let mut edits: Vec<_> = commas(setting, token).collect();
    if token.bytes.ends_with(b",") {
        edits.drain(..edits.len().saturating_sub(1));
    }
    edits
}

/// `a,b`, but not RCS's `*,v`, nor a set of characters, nor what a shell would take apart.
fn has_comma_inside(word: &[u8]) -> bool {
    let parts: Vec<_> = word.split(|byte| *byte == b',').collect();
    parts.len() > 1
        && !word.ends_with(b",")
        && !word.ends_with(b",v")
        && !word.iter().any(|byte| b"[{".contains(byte))
        && parts.iter().all(|part| !part.is_empty())
}

/// RSY229: files are read by a line that begins with `&`; `include` is a filter for the names of what is served.
fn include_as_filter(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Include]) {
        let value = setting.text.display();
        let inner = value.trim_matches(['"', '\'']);
        let is_one_path = inner.starts_with('/') && !inner.contains(' ');
        let (folder, name) = inner.rsplit_once('/').unwrap_or_default();
        let is_configuration =
            name.starts_with("rsyncd") || folder.contains("rsyncd") || folder.starts_with("/etc");
        let meant = match name {
            "*" | "*.conf" | "*.inc" => folder,
            _ if name.ends_with(".conf") || name.ends_with(".inc") => inner,
            _ if name.ends_with(".d") => inner,
            "" if folder.ends_with(".d") => folder,
            _ => continue,
        };
        if is_one_path && is_configuration {
            out.report(
                Case::at(setting.value_span())
                    .with("value", &*value)
                    .with("meant", meant),
            );
        }
    }
}

/// RSY214: a word with a comma is no option, and the options that were meant are accepted.
fn comma_in_refuse_options(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::RefuseOptions]) {
        let tokens: Vec<_> = entries(setting, is_blank);
        let with_comma: Vec<_> = tokens
            .iter()
            .filter(|token| token.bytes.contains(&b','))
            .collect();
        let Some(first) = with_comma.first() else {
            continue;
        };
        let edits = with_comma.iter().flat_map(|token| commas(setting, token));
        let takes_back = with_comma.iter().any(|token| token.bytes.contains(&b'!'));
        let (variant, safety) = match takes_back {
            true => ("accepts", Safety::Unsafe),
            false => ("refuses", Safety::Safe),
        };
        let list: Vec<_> = tokens.iter().map(options).collect();
        let mut case = Case::at(setting.part(first.part.clone()))
            .variant(variant)
            .with("word", first.display())
            .with("options", options(first))
            .with("list", list.join(" "))
            .fix(safety, edits);
        for token in &with_comma {
            case = case.explains_rules(setting.part(token.part.clone()), &["RSY215"]);
        }
        out.report(case);
    }
}

/// The options that a word was to name.
fn options(token: &Token<'_>) -> String {
    let text = String::from_utf8_lossy(token.bytes);
    let names: Vec<_> = text.split(',').filter(|name| !name.is_empty()).collect();
    names.join(" ")
}

/// RSY215: rsync logs a word that matches no option, and refuses nothing for it.
fn unknown_refuse_option(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::RefuseOptions]) {
        for token in entries(setting, is_blank) {
            let word = match token.bytes {
                [b'!', word @ ..] if !word.is_empty() => word,
                word => word,
            };
            if matches_an_option(word) {
                continue;
            }
            let place = setting.part(token.part.clone());
            let case = Case::at(place).with("word", String::from_utf8_lossy(word));
            let start = token.part.end - word.len();
            let meant = |name: &[u8]| Edit::replace(setting.part(start..token.part.end), name);
            let text = String::from_utf8_lossy(word);
            let bare = text.trim_start_matches('-');
            let without_dashes = &word[text.len() - bare.len()..];
            out.report(if bare.len() < text.len() && matches_an_option(without_dashes) {
                let takes_back = token.bytes.len() > word.len();
                let safety = if takes_back { Safety::Unsafe } else { Safety::Safe };
                case.variant("dashes")
                    .with("nearest", bare)
                    .fix(safety, [meant(without_dashes)])
            } else if let Some(name) = nearest(bare) {
                case.variant("near")
                    .with("nearest", name)
                    .fix(Safety::Unsafe, [meant(name.as_bytes())])
            } else {
                case
            });
        }
    }
}

/// Whether a word of `refuse options` stands for an option at all (`parse_one_refuse_match` in options.c).
fn matches_an_option(word: &[u8]) -> bool {
    let is_pattern = word.iter().any(|byte| b"*?[\\".contains(byte));
    let fits = |name: &[u8]| name == word || (is_pattern && wildmatch(word, name));
    let matches = |option: &RsyncOption| {
        option.long.is_some_and(|name| fits(name.as_bytes()))
            || option.short.is_some_and(|letter| fits(&[letter]))
    };
    OPTIONS.iter().any(matches)
}

fn nearest(word: &str) -> Option<&'static str> {
    let reach = |name: &str| (name.len() / 4).max(1);
    // A distance is dear, and at least the difference of the lengths.
    let length = word.chars().count();
    OPTIONS
        .iter()
        .filter_map(|option| option.long)
        .filter(|name| name.len() > 2 && name.len().abs_diff(length) <= reach(name))
        .map(|name| (strsim::damerau_levenshtein(name, word), name))
        .filter(|(distance, name)| *distance <= reach(name))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The entries of a list, without those of a note behind it.
fn entries(setting: &Setting, is_separator: fn(u8) -> bool) -> Vec<Token<'_>> {
    let end = notes::note(setting).map_or_else(|| setting.text.bytes().len(), |note| note.head);
    let tokens = setting.text.tokens(is_separator);
    tokens.filter(|token| token.part.end <= end).collect()
}

/// Each comma of a word, made a blank, or taken away at the word's end.
fn commas<'a>(setting: &'a Setting, token: &'a Token<'_>) -> impl Iterator<Item = Edit> + 'a {
    let start = token.part.start;
    let commas = token.bytes.iter().enumerate().filter(|(_, byte)| **byte == b',');
    commas.map(move |(at, _)| {
        let is_last = at + 1 == token.bytes.len();
        let place = setting.part(start + at..start + at + 1);
        Edit::replace(place, if is_last { "" } else { " " })
    })
}

fn is_white_space(byte: u8) -> bool {
    byte.is_ascii_whitespace()
}

/// `refuse options` is divided at blanks alone; a tab belongs to the word.
fn is_blank(byte: u8) -> bool {
    byte == b' '
}
