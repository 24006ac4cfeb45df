//! What a module hides: `exclude from`, `include from`, `filter`.

use std::{collections::BTreeSet, ops::Range};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Scope, has_variable},
    syntax::rsyncd_conf::is_space,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY418", filter_file_missing),
    Check::configuration("RSY419", unparsable_filter),
    Check::configuration("RSY428", pattern_with_path_of_module),
];

/// RSY418: the daemon hangs up on everybody who asks for the module.
fn filter_file_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let chroot = subject
        .configuration
        .text(Scope::Global, Parameter::DaemonChroot)
        .value;
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        for parameter in [Parameter::ExcludeFrom, Parameter::IncludeFrom] {
            let file = module.text(parameter);
            let Some(setting) = file.origin.setting().filter(|_| !file.value.is_empty()) else {
                continue;
            };
            if has_variable(file.value) || !seen.insert((setting.source, setting.span().start)) {
                continue;
            }
            let case = Case::at(setting.value_span())
                .with("parameter", parameter.name())
                .with("module", module.name())
                .with("file", setting.text.display());
            let Some(place) = subject.place(file.value) else {
                if chroot.is_empty() {
                    out.report(case.variant("relative"));
                }
                continue;
            };
            if let Some(None) = out.fact(place.display().to_string(), subject.host.metadata(&place, true)) {
                out.report(case.variant("missing"));
            }
        }
    }
}

/// RSY428: a pattern that begins with a slash begins in the module, whose folder is `/` there.
fn pattern_with_path_of_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let path = module.text(Parameter::Path).value;
        let path = path.strip_suffix(b"/").unwrap_or(path);
        if path.first() != Some(&b'/') || has_variable(path) || path.windows(3).any(|part| part == b"/./") {
            continue;
        }
        for parameter in [Parameter::Exclude, Parameter::Include, Parameter::Filter] {
            let Some(setting) = module.text(parameter).origin.setting() else {
                continue;
            };
            for token in setting.text.tokens(|byte| byte.is_ascii_whitespace()) {
                let inside = token.bytes.strip_prefix(path).filter(|rest| rest.len() > 1);
                let Some(inside) = inside.filter(|rest| rest.starts_with(b"/")) else {
                    continue;
                };
                let span = setting.part(token.part.clone());
                if seen.insert((span.source, span.start)) {
                    out.report(
                        Case::at(span)
                            .variant(if parameter == Parameter::Exclude {
                                "exclude"
                            } else {
                                "other"
                            })
                            .with("parameter", parameter.name())
                            .with("module", module.name())
                            .with("pattern", token.display())
                            .with("inside", String::from_utf8_lossy(inside))
                            .fix(Safety::Unsafe, [Edit::replace(span, inside)]),
                    );
                }
            }
        }
    }
}

/// RSY419: one bad rule closes the module.
fn unparsable_filter(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Filter]) {
        let text = setting.text.bytes();
        if has_variable(text) {
            continue;
        }
        if let Some((variant, part)) = first_mistake(text) {
            let rule = String::from_utf8_lossy(&text[part.clone()]).into_owned();
            out.report(Case::at(setting.part(part)).variant(variant).with("rule", rule));
        }
    }
}

/// The first rule that rsync cannot read, and why (`parse_rule_tok` in exclude.c, with the words of a line split).
fn first_mistake(text: &[u8]) -> Option<(&'static str, Range<usize>)> {
    let mut at = 0;
    loop {
        at += text[at..].iter().position(|&byte| !is_space(byte))?;
        let rule = &text[at..];
        let word_end = |from: usize| {
            let blank = text[from..].iter().position(|&byte| is_space(byte));
            blank.map_or(text.len(), |length| from + length)
        };
        let Some((kind, mut prefix)) = kind(rule) else {
            return Some(("unknown", at..word_end(at)));
        };
        let mut flags = Flags::of(kind);
        let mut is_cvs = false;
        if kind != b'!' {
            while let Some(&byte) = rule.get(prefix).filter(|&&byte| byte != b'_' && !is_space(byte)) {
                if !flags.take(byte) {
                    return Some(("modifier", at..word_end(at)));
                }
                is_cvs |= byte == b'C';
                prefix += 1;
            }
        }
        // One blank or underscore parts the rule from its pattern; behind a tab rsync finds none.
        let is_parted = kind != b'!' && matches!(rule.get(prefix), Some(b' ' | b'_'));
        let start = (at + prefix + usize::from(is_parted)).min(text.len());
        let end = word_end(start);
        match (kind, start < end) {
            (b'!', true) => return Some(("trailing", at..end)),
            (b'!', false) => {}
            (_, false) if !is_cvs => return Some(("end", at..word_end(at))),
            _ => {}
        }
        at = end;
    }
}

/// The letter that a rule begins with or whose long name it begins with, and how many bytes that takes.
fn kind(rule: &[u8]) -> Option<(u8, usize)> {
    const NAMES: [(&str, u8); 9] = [
        ("clear", b'!'),
        ("dir-merge", b':'),
        ("exclude", b'-'),
        ("hide", b'H'),
        ("include", b'+'),
        ("merge", b'.'),
        ("protect", b'P'),
        ("risk", b'R'),
        ("show", b'S'),
    ];
    let comma = |length: usize| length + usize::from(rule.get(length) == Some(&b','));
    for (name, letter) in NAMES {
        if let Some(behind) = rule.strip_prefix(name.as_bytes()) {
            let is_end = behind
                .first()
                .is_none_or(|&next| is_space(next) || next == b'_' || next == b',');
            return is_end.then(|| (letter, comma(name.len())));
        }
    }
    let letter = *rule.first()?;
    b":.+-SHRP!".contains(&letter).then(|| (letter, comma(1)))
}

/// Which modifiers a rule may still take.
struct Flags {
    is_merge: bool,
    names_side: bool,
    has_no_prefixes: bool,
}

impl Flags {
    fn of(kind: u8) -> Self {
        Self {
            is_merge: matches!(kind, b':' | b'.'),
            names_side: matches!(kind, b'S' | b'H' | b'R' | b'P'),
            has_no_prefixes: false,
        }
    }

    fn take(&mut self, modifier: u8) -> bool {
        match modifier {
            b'-' | b'+' if self.is_merge && !self.has_no_prefixes => {
                self.has_no_prefixes = true;
                true
            }
            b'C' if !self.has_no_prefixes && !self.names_side => {
                self.has_no_prefixes = true;
                true
            }
            b'/' | b'p' | b'x' => true,
            b'!' => !self.is_merge,
            b'e' | b'n' | b'w' => self.is_merge,
            b'r' | b's' => !self.names_side,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Observed with rsync 3.5.0, one daemon a line.
    #[test]
    fn rules_are_read_as_rsync_reads_them() {
        for good in [
            "- *.o",
            "+ /a - /b",
            "exclude *.o",
            "hide,! x",
            "! ",
            ": .rsync-filter",
            "dir-merge x",
            "P keep",
            "H *.o S *.c",
            "- /a, - /b",
            "-/ /a",
            "-p x",
            "-! x",
            "dir-merge,- x",
            "clear",
            "-C",
            "-_ab",
            "include,s x",
            "-sr x",
            "merge,e /etc/hostname",
            "-,r x",
            "",
        ] {
            assert_eq!(first_mistake(good.as_bytes()), None, "{good}");
        }
        for (bad, why) in [
            ("bad rule", "unknown"),
            ("*.o", "unknown"),
            ("c", "unknown"),
            ("exclude=*.o", "unknown"),
            ("- a b", "unknown"),
            ("- 'a b'", "unknown"),
            ("-*.o", "modifier"),
            ("--exclude=x", "modifier"),
            ("-", "end"),
            ("-x", "end"),
            (".x", "end"),
            ("hide", "end"),
            ("-\t*.o", "end"),
            ("!x", "trailing"),
        ] {
            assert_eq!(
                first_mistake(bad.as_bytes()).map(|(why, _)| why),
                Some(why),
                "{bad}"
            );
        }
    }
}
