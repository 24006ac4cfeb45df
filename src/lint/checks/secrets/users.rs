//! Whether the rules of `auth users` and the lines of the secrets file name the same people.

use std::{collections::HashSet, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use super::lines::{BYTE_ORDER_MARK, blanks_around};
use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SecretsSubject,
    },
    model::{
        Configuration, Parameter, Setting,
        access::{Right, UserRule, user_rules},
        wildmatch::wildmatch,
    },
    syntax::secrets::{Content, parse},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::secrets("RSY315", user_without_secret),
    Check::secrets("RSY316", secret_without_user),
];

/// More patterns than any honest `auth users` holds; each is compared with each line.
const MOST_PATTERNS: usize = 64;

/// RSY315: a rule admits the user, and the file has no password for it.
fn user_without_secret(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.sources.get(subject.source);
    let lines = parse(file.bytes());
    // What has no colon has a page of its own: a password without its user, or a user without a password.
    let bare = lines.iter().filter(|line| line.content == Content::WithoutColon);
    let bare: HashSet<&[u8]> = bare.map(|line| &file.bytes()[line.text.clone()]).collect();
    let names: HashSet<&[u8]> = lines
        .into_iter()
        .filter_map(|line| match line.content {
            Content::Secret {
                name,
                is_group: false,
                ..
            } => Some(plain(&file.bytes()[name])),
            _ => None,
        })
        .collect();
    if names.is_empty() && !bare.is_empty() {
        return;
    }
    for (module, setting, configuration) in asking(subject) {
        let mut before = Vec::new();
        for rule in user_rules(setting, configuration.release) {
            // A name that begins with `#` has a page of its own.
            let is_exact = !rule.is_group && is_exact(rule.pattern) && !rule.pattern.starts_with(b"#");
            let is_reached = !before
                .iter()
                .any(|pattern: &&[u8]| wildmatch(pattern, rule.pattern));
            if is_exact
                && is_reached
                && rule.right != Right::Deny
                && !names.contains(rule.pattern)
                && !bare.contains(rule.pattern)
            {
                let start = rule.token.part.start;
                out.report(
                    Case::at(setting.part(start..start + rule.pattern.len()))
                        .with("user", String::from_utf8_lossy(rule.pattern))
                        .with("module", &*module)
                        .with("path", file.name()),
                );
            }
            if !rule.is_group && !is_exact && before.len() < MOST_PATTERNS {
                before.push(rule.pattern);
            }
        }
    }
}

/// RSY316: no rule admits the user whose password this is.
fn secret_without_user(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    let asking = asking(subject);
    if asking.is_empty() {
        return;
    }
    let rules: Vec<UserRule<'_>> = asking
        .iter()
        .flat_map(|(_, setting, configuration)| user_rules(setting, configuration.release))
        .filter(|rule| rule.right != Right::Deny)
        .collect();
    let patterns = |is_group| {
        rules
            .iter()
            .filter(move |rule| rule.is_group == is_group && !is_exact(rule.pattern))
    };
    if patterns(false).count() + patterns(true).count() > MOST_PATTERNS {
        return;
    }
    let exact: HashSet<(bool, &[u8])> = rules.iter().map(|rule| (rule.is_group, rule.pattern)).collect();
    let has_groups = rules.iter().any(|rule| rule.is_group);
    let file = subject.sources.get(subject.source).bytes();
    for line in parse(file) {
        let Content::Secret { name, is_group, .. } = line.content else {
            continue;
        };
        let bytes = &file[name.clone()];
        // A member of a group may also use a line of its own; and a blank in a name has a page of its own.
        let is_admitted = exact.contains(&(is_group, bytes))
            || patterns(is_group).any(|rule| wildmatch(rule.pattern, bytes))
            || (has_groups && !is_group);
        if !is_admitted && !line.is_rest && plain(bytes) == bytes {
            out.report(Case::at(Span::new(subject.source, name)));
        }
    }
}

/// The `auth users` lines of the modules that use the file, each once, with the first module's name.
fn asking<'a>(subject: &SecretsSubject<'a>) -> Vec<(String, &'a Setting, &'a Configuration)> {
    let here = Path::new(subject.sources.get(subject.source).name());
    let mut found = Vec::new();
    for &configuration in subject.configurations {
        let named = |scope| {
            Path::new(OsStr::from_bytes(
                configuration.text(scope, Parameter::SecretsFile).value,
            ))
        };
        let all: Vec<&Path> = configuration
            .module_scopes()
            .map(|(scope, _)| named(scope))
            .collect();
        // A copy in a work tree has the name of the file on the server, and lies beside its configuration. Elsewhere it
        // may be the copy of another server.
        let is_there = all.contains(&here);
        let root = Path::new(subject.sources.get(configuration.root).name());
        if !is_there && root.parent() != here.parent() {
            continue;
        }
        let alike: HashSet<&Path> = all
            .iter()
            .copied()
            .filter(|path| path.file_name() == here.file_name())
            .collect();
        if !is_there && alike.len() != 1 {
            continue;
        }
        let mut seen = HashSet::new();
        for ((scope, module), path) in configuration.module_scopes().zip(&all) {
            if !configuration.is_settled(scope) {
                continue;
            }
            let is_used = if is_there {
                *path == here
            } else {
                alike.contains(path)
            };
            let users = configuration.text(scope, Parameter::AuthUsers);
            if let Some(setting) = users.origin.setting()
                && is_used
                && !users.value.is_empty()
                && seen.insert(setting.span())
            {
                let name = module.name.display().into_owned();
                found.push((name, setting, configuration));
            }
        }
    }
    found
}

/// Whether a pattern matches one name only, the one that it spells (`wildmatch` in lib/wildmatch.c).
pub(in crate::lint::checks) fn is_exact(pattern: &[u8]) -> bool {
    !pattern.iter().any(|byte| b"*?[\\".contains(byte))
}

/// A name without what other pages complain about.
fn plain(name: &[u8]) -> &[u8] {
    let name = name.strip_prefix(BYTE_ORDER_MARK).unwrap_or(name);
    let [before, after] = blanks_around(name, &(0..name.len()));
    &name[before.end..after.start]
}
