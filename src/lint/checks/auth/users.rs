//! The rules of `auth users`: the first that fits decides.

use std::{
    collections::{HashMap, HashSet},
    ops::Range,
};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, notes, secrets::is_exact},
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{
        Parameter, Scope, Setting,
        access::{Right, UserRule, user_rules},
        has_variable,
        wildmatch::wildmatch,
    },
    terms::{Release, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY311", no_secrets_file),
    Check::configuration("RSY314", unknown_suffix),
    Check::configuration("RSY334", root_user),
    Check::configuration("RSY336", torn_group),
    Check::configuration("RSY337", rule_never_reached),
    Check::configuration("RSY339", wrong_separator),
    Check::configuration("RSY341", name_begins_with_hash),
    Check::configuration("RSY435", group_missing),
];

/// More patterns than any honest list holds; each is compared with each rule behind it.
const MOST_PATTERNS: usize = 64;

/// Every `auth users` line that holds in a module, once, with the first module.
fn asking<'a>(subject: &ConfigurationSubject<'a>) -> Vec<(ModuleSubject<'a>, &'a Setting)> {
    let mut seen = HashSet::new();
    subject
        .modules()
        .filter_map(|module| {
            let users = module.text(Parameter::AuthUsers);
            let setting = users.origin.setting().filter(|_| !users.value.is_empty())?;
            seen.insert(setting.span()).then_some((module, setting))
        })
        .collect()
}

/// RSY311: users are asked for, and there is nothing to compare their passwords with.
fn no_secrets_file(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let users = module.text(Parameter::AuthUsers);
        if let Some(setting) = users.origin.setting()
            && !users.value.is_empty()
            && !module.has(Parameter::SecretsFile)
            && seen.insert(setting.span())
        {
            out.report(Case::at(setting.span()).with("module", module.name()));
        }
    }
}

/// RSY314: only `:deny`, `:ro` and `:rw` mean something; rsync ignores any other word without a line in the log.
fn unknown_suffix(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (module, setting) in asking(subject) {
        let parted = parted_suffixes(setting);
        for one in &parted {
            out.report(parted_suffix(&module, setting, one));
        }
        for rule in user_rules(setting, subject.configuration.release) {
            let (suffix, is_parted) = match rule.suffix_part() {
                Some(part) => (
                    part.clone(),
                    parted.iter().any(|one| one.colon.contains(&(part.start - 1))),
                ),
                None => (0..0, false),
            };
            if let [b'!', name @ ..] = rule.pattern
                && !name.is_empty()
            {
                let span = setting.part(rule.token.part.clone());
                out.report(
                    Case::at(span)
                        .variant("negated")
                        .with("user", String::from_utf8_lossy(name))
                        .with("module", module.name())
                        .explains(span),
                );
            } else if rule.suffix.is_some() && rule.right == Right::Module && !is_parted {
                let span = setting.part(suffix.start - 1..suffix.end);
                out.report(ignored_suffix(&module, &rule, span));
            }
        }
    }
}

/// `joe : ro`: the suffix is a user of its own.
fn parted_suffix(module: &ModuleSubject<'_>, setting: &Setting, parted: &Parted) -> Case {
    let text = setting.text.bytes();
    let Parted { user, colon, word } = parted;
    let right = RIGHTS
        .iter()
        .find(|(name, _)| text[word.clone()].eq_ignore_ascii_case(name.as_bytes()));
    let is_open = right.is_some_and(|(_, right)| match right {
        Right::ReadOnly => !module.is(Parameter::ReadOnly),
        right => *right == Right::Deny,
    });
    let whole = setting.part(colon.start..word.end);
    let case = Case::at(setting.part(colon.clone()))
        .variant(if is_open { "parted-open" } else { "parted" })
        .with("user", String::from_utf8_lossy(&text[user.clone()]))
        .with("module", module.name())
        .explains(whole);
    match right {
        Some((name, _)) => case.fix(Safety::Unsafe, [Edit::replace(whole, format!(":{name}"))]),
        None => case,
    }
}

/// A suffix that means nothing to rsync.
fn ignored_suffix(module: &ModuleSubject<'_>, rule: &UserRule<'_>, span: Span) -> Case {
    let case = Case::at(span)
        .with("user", String::from_utf8_lossy(rule.pattern))
        .with("module", module.name());
    let Some(meant) = rule.meant() else {
        // It may be a password: no text names it.
        return case.variant("other");
    };
    let (word, is_open) = match meant {
        Right::ReadOnly => ("ro", !module.is(Parameter::ReadOnly)),
        Right::Deny => ("deny", true),
        _ => ("rw", false),
    };
    case.variant(if is_open { "open" } else { "ignored" })
        .with("suffix", String::from_utf8_lossy(rule.suffix.unwrap_or_default()))
        .with("meant", word)
        .fix(Safety::Unsafe, [Edit::replace(span, format!(":{word}"))])
}

/// The words that change what a user may do.
const RIGHTS: [(&str, Right); 3] = [
    ("deny", Right::Deny),
    ("ro", Right::ReadOnly),
    ("rw", Right::ReadWrite),
];

/// `joe : ro`: a user, a colon with blanks beside it, and a word, which make two or three rules.
struct Parted {
    user: Range<usize>,
    /// From the user's end to the word.
    colon: Range<usize>,
    word: Range<usize>,
}

/// Every colon that a blank parts from its user or from the word behind it.
fn parted_suffixes(setting: &Setting) -> Vec<Parted> {
    let text = setting.text.bytes();
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let ends = |byte: &u8| matches!(byte, b' ' | b'\t' | b',' | b':');
    let colons = (0..text.len()).filter(|&at| text[at] == b':');
    colons
        .filter_map(|colon| {
            let before = text[..colon]
                .iter()
                .rev()
                .take_while(|byte| is_blank(byte))
                .count();
            let behind = text[colon + 1..].iter().take_while(|byte| is_blank(byte)).count();
            let (end, start) = (colon - before, colon + 1 + behind);
            let user = text[..end].iter().rev().take_while(|byte| !ends(byte)).count();
            let word = text[start..].iter().take_while(|byte| !ends(byte)).count();
            (before + behind > 0 && user > 0 && word > 0).then(|| Parted {
                user: end - user..end,
                colon: end..start,
                word: start..start + word,
            })
        })
        .collect()
}

/// RSY339: users are parted by blanks, commas and tabs alone (`conf_strtok` in util1.c).
fn wrong_separator(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (module, setting) in asking(subject) {
        for rule in user_rules(setting, subject.configuration.release) {
            let text = rule.token.display();
            let Some(joint) = [";", "|"].into_iter().find(|joint| text.contains(joint)) else {
                continue;
            };
            let parts = rule.token.bytes.split(|byte| *byte == joint.as_bytes()[0]);
            let parts: Vec<&[u8]> = parts.filter(|part| !part.is_empty()).collect();
            if parts.is_empty() {
                let case = Case::at(setting.part(rule.token.part.clone())).variant("alone");
                out.report(case.with("word", &*text).with("joint", joint));
                continue;
            }
            // What stands behind a colon may be a password, with any character in it.
            if rule.suffix.is_some() || rule.token.bytes.starts_with(b"#") {
                continue;
            }
            let span = setting.part(rule.token.part.clone());
            out.report(
                Case::at(span)
                    .variant("joined")
                    .with("word", &*text)
                    .with("joint", joint)
                    .with("module", module.name())
                    .explains(span)
                    .fix(Safety::Unsafe, [Edit::replace(span, parts.join(&b", "[..]))]),
            );
        }
    }
}

/// RSY341: the daemon refuses such a name before it looks at a rule (`auth_server` in authenticate.c).
fn name_begins_with_hash(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (module, setting) in asking(subject) {
        // What follows a blank and a mark is a note, which has a page of its own.
        let end = notes::note(setting).map_or_else(|| setting.text.bytes().len(), |note| note.head);
        for rule in user_rules(setting, subject.configuration.release) {
            let is_name = !rule.is_group && rule.token.part.start < end && rule.right != Right::Deny;
            if is_name && rule.pattern.starts_with(b"#") {
                let span = name_span(setting, &rule);
                out.report(
                    Case::at(span)
                        .with("user", String::from_utf8_lossy(rule.pattern))
                        .with("module", module.name()),
                );
            }
        }
    }
}

/// RSY334: the names are rsync's own, and this one promises what it does not give.
fn root_user(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (_, setting) in asking(subject) {
        for rule in user_rules(setting, subject.configuration.release) {
            if rule.pattern == b"root" && !rule.is_group && rule.right != Right::Deny {
                out.report(Case::at(name_span(setting, &rule)));
            }
        }
    }
}

/// RSY336: the blank in a group's name ends the name.
fn torn_group(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let knows_comma = subject.configuration.release >= Release::new(3, 5, 0);
    for (_, setting) in asking(subject) {
        let text = setting.text.bytes();
        let begins_with_comma = text.first() == Some(&b',');
        if begins_with_comma && knows_comma {
            continue;
        }
        let tokens: Vec<_> = setting
            .text
            .tokens(|byte| matches!(byte, b' ' | b',' | b'\t'))
            .collect();
        // Where commas stand between the others, a blank alone was hardly meant to part two.
        let gap =
            |pair: &[crate::syntax::Token<'_>]| text[pair[0].part.end..pair[1].part.start].contains(&b',');
        let uses_commas = begins_with_comma || tokens.windows(2).any(gap);
        for pair in tokens.windows(2) {
            let is_group = pair[0].bytes.starts_with(b"@") && !pair[0].bytes.contains(&b':');
            if is_group && uses_commas && !gap(pair) && !pair[1].bytes.starts_with(b"@") {
                let variant = if begins_with_comma { "old" } else { "blank" };
                let rest = pair[1]
                    .bytes
                    .split(|&byte| byte == b':')
                    .next()
                    .unwrap_or_default();
                out.report(
                    Case::at(setting.part(pair[0].part.start..pair[1].part.end))
                        .variant(variant)
                        .with("group", pair[0].display())
                        .with("rest", String::from_utf8_lossy(rest)),
                );
            }
        }
    }
}

/// RSY435: the groups are those of the system, and one that it does not have has no members (`auth_server` in authenticate.c).
fn group_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let chroot = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot)
        .value;
    if !chroot.is_empty() {
        return;
    }
    for (module, setting) in asking(subject) {
        if has_variable(setting.text.bytes()) {
            continue;
        }
        let rules = user_rules(setting, subject.configuration.release);
        let mut missing = HashSet::new();
        for rule in rules
            .iter()
            .filter(|rule| rule.is_group && is_exact(rule.pattern))
        {
            let name = String::from_utf8_lossy(rule.pattern);
            if out.fact(&*name, subject.host.group(&name)) == Some(None) {
                missing.insert(rule.pattern);
            }
        }
        let is_missing = |rule: &UserRule<'_>| rule.is_group && missing.contains(rule.pattern);
        let admits = |rule: &UserRule<'_>| rule.right != Right::Deny;
        let lets_in = rules.iter().any(|rule| admits(rule) && !is_missing(rule));
        for rule in rules.iter().filter(|rule| is_missing(rule)) {
            let variant = match (admits(rule), lets_in) {
                (true, false) => "only",
                (true, true) => "admits",
                // Whom it was to keep out nobody lets in.
                (false, false) => continue,
                (false, true) => "denies",
            };
            out.report(
                Case::at(name_span(setting, rule))
                    .variant(variant)
                    .with("group", String::from_utf8_lossy(rule.pattern))
                    .with("module", module.name()),
            );
        }
    }
}

/// RSY337: an earlier rule fits everybody whom this one is for.
fn rule_never_reached(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (_, setting) in asking(subject) {
        let mut patterns: Vec<UserRule<'_>> = Vec::new();
        let mut known: HashMap<(bool, &[u8]), (Span, Right)> = HashMap::new();
        for rule in user_rules(setting, subject.configuration.release) {
            let key = (rule.is_group, rule.pattern);
            let wider = patterns
                .iter()
                .find(|wider| wider.is_group == rule.is_group && covers(wider.pattern, rule.pattern))
                .map(|wider| (name_span(setting, wider), wider.right));
            if let Some((first, right)) = known.get(&key).copied().or(wider) {
                let variant = if right == rule.right { "same" } else { "other" };
                out.report(
                    Case::at(setting.part(rule.token.part.clone()))
                        .variant(variant)
                        .also(first, "first")
                        .with("user", String::from_utf8_lossy(rule.pattern)),
                );
                continue;
            }
            known.insert(key, (name_span(setting, &rule), rule.right));
            if !is_exact(rule.pattern) && patterns.len() < MOST_PATTERNS {
                patterns.push(rule);
            }
        }
    }
}

/// Whether a pattern matches every name that another one does, as far as that is easy to tell.
fn covers(wider: &[u8], pattern: &[u8]) -> bool {
    wider == b"*" || (is_exact(pattern) && wildmatch(wider, pattern))
}

/// The name of a rule, without its suffix.
fn name_span(setting: &Setting, rule: &UserRule<'_>) -> Span {
    let part = &rule.token.part;
    let end = rule.suffix_part().map_or(part.end, |suffix| suffix.start - 1);
    setting.part(part.start..end)
}
