//! The programs that the daemon runs around a transfer.

use std::collections::BTreeSet;

use crate::{
    catalog::Harm,
    host::EntryKind,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, Setting, has_variable},
    terms::{Release, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY414", hook_missing),
    Check::configuration("RSY415", hook_without_absolute_path),
    Check::configuration("RSY416", unsafe_variable_in_hook),
    Check::configuration("RSY417", name_converter_missing),
];

const HOOKS: [Parameter; 3] = [
    Parameter::EarlyExec,
    Parameter::PreXferExec,
    Parameter::PostXferExec,
];

/// What a shell does itself, or every system has in every `PATH`.
const ALWAYS_FOUND: [&str; 24] = [
    ".", ":", "[", "bash", "cat", "cd", "chmod", "chown", "date", "echo", "env", "exec", "exit", "export",
    "false", "if", "mkdir", "printf", "rm", "set", "sh", "test", "touch", "true",
];

/// RSY414: a hook that is not there refuses every transfer, or silently never runs.
fn hook_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (module, setting) in programs(subject, &HOOKS) {
        let variant = match setting.parameter {
            Parameter::EarlyExec => "early",
            Parameter::PreXferExec => "before",
            _ => "after",
        };
        missing(subject, out, &module, setting, variant);
    }
}

/// RSY417: the transfer hangs up at the first name that is to be looked up.
fn name_converter_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (module, setting) in programs(subject, &[Parameter::NameConverter]) {
        missing(subject, out, &module, setting, "converter");
    }
}

fn missing(
    subject: &ConfigurationSubject<'_>,
    out: &mut Reporter<'_>,
    module: &ModuleSubject<'_>,
    setting: &Setting,
    variant: &'static str,
) {
    let Some((program, part)) = program(setting.text.bytes()) else {
        return;
    };
    let Some(place) = subject.place(program) else {
        return;
    };
    let name = place.display().to_string();
    let Some(found) = out.fact(&name, subject.host.metadata(&place, true)) else {
        return;
    };
    let state = match found {
        None => "there is no such file",
        Some(found) if found.kind == EntryKind::Directory => "it is a folder",
        Some(found) if found.mode & 0o111 == 0 => "nobody may execute it",
        Some(_) => return,
    };
    out.report(
        Case::at(setting.part(part))
            .variant(variant)
            .with("module", module.name())
            .with("parameter", setting.parameter.name())
            .with("program", &name)
            .fact(format!("{name}: {state}")),
    );
}

/// RSY415: which program is meant depends on where and with which `PATH` the daemon was started.
fn hook_without_absolute_path(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let [early, before, after] = HOOKS;
    for (_, setting) in programs(subject, &[early, before, after, Parameter::NameConverter]) {
        let Some((program, part)) = program(setting.text.bytes()) else {
            continue;
        };
        let name = String::from_utf8_lossy(program);
        let variant = match (program.first(), program.contains(&b'/')) {
            (Some(b'/' | b'%' | b'~'), _) => continue,
            (_, true) => "relative",
            (_, false) if ALWAYS_FOUND.contains(&name.as_ref()) => continue,
            (_, false) => "bare",
        };
        out.report(
            Case::at(setting.part(part))
                .variant(variant)
                .harms(match setting.parameter {
                    Parameter::EarlyExec => Some(Harm::EarlyHook),
                    Parameter::PreXferExec => Some(Harm::Hook),
                    _ => None,
                })
                .with("parameter", setting.parameter.name())
                .with("program", name),
        );
    }
}

/// RSY416: a variable whose value holds a blank or a character of the shell makes the daemon hang up
/// (`shell_exec` and `expand_vars` since 3.5.0).
fn unsafe_variable_in_hook(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if subject.configuration.release < Release::new(3, 5, 0) {
        return;
    }
    let mut seen = BTreeSet::new();
    let [early, before, after] = HOOKS;
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let name = &module.configuration.modules[module.index()].name;
        let values = [
            ("%RSYNC_MODULE_PATH%", path.value, module.place(path.origin)),
            ("%RSYNC_MODULE_NAME%", name.bytes(), module.header()),
        ];
        for parameter in [early, before, after, Parameter::NameConverter] {
            let Some(setting) = module.text(parameter).origin.setting() else {
                continue;
            };
            for (variable, value, place) in values {
                let Some((part, letter)) = occurrence(setting, variable).zip(unsafe_letter(value)) else {
                    continue;
                };
                if has_variable(value) || !seen.insert((setting.source, part.start)) {
                    continue;
                }
                out.report(
                    Case::at(part)
                        .with("module", module.name())
                        .with("variable", variable)
                        .with("plain", variable.trim_matches('%'))
                        .with("value", String::from_utf8_lossy(value))
                        .with("letter", letter)
                        .also(place, "value"),
                );
            }
        }
    }
}

/// Every line of those parameters that counts, once, with a module for which it does.
fn programs<'a>(
    subject: &ConfigurationSubject<'a>,
    parameters: &[Parameter],
) -> Vec<(ModuleSubject<'a>, &'a Setting)> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for module in subject.modules() {
        for &parameter in parameters {
            let text = module.text(parameter);
            let Some(setting) = text.origin.setting().filter(|_| !text.value.is_empty()) else {
                continue;
            };
            if seen.insert((setting.source, setting.span().start)) {
                found.push((module, setting));
            }
        }
    }
    found
}

/// The first word of a command, and where it stands; `None` if only a shell can tell.
fn program(command: &[u8]) -> Option<(&[u8], std::ops::Range<usize>)> {
    let (start, end) = match command.first()? {
        &quote @ (b'\'' | b'"') => {
            let length = command[1..].iter().position(|&byte| byte == quote)?;
            (1, 1 + length)
        }
        _ => {
            let blank = command.iter().position(u8::is_ascii_whitespace);
            (0, blank.unwrap_or(command.len()))
        }
    };
    let word = &command[start..end];
    let is_plain = start == 1 && !word.iter().any(|byte| b"$`\\".contains(byte))
        || !word.iter().any(|byte| b"\"'`$\\;&|<>()*?[]#!={}".contains(byte))
        || word == b"[";
    (is_plain && !word.is_empty()).then_some((word, start..end))
}

fn occurrence(setting: &Setting, variable: &str) -> Option<Span> {
    let text = setting.text.bytes();
    let at = text
        .windows(variable.len())
        .position(|part| part == variable.as_bytes())?;
    Some(setting.part(at..at + variable.len()))
}

fn unsafe_letter(value: &[u8]) -> Option<String> {
    let is_unsafe = |byte: &u8| byte.is_ascii_control() || b" \"'`$\\;&|<>()*?[]#!~{}".contains(byte);
    let letter = value.iter().copied().find(is_unsafe)?;
    Some(char::from(letter).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_are_taken_for_programs() {
        let word = |command: &'static str| program(command.as_bytes()).map(|(word, _)| word);
        assert_eq!(
            word("/usr/local/bin/check -v"),
            Some(&b"/usr/local/bin/check"[..])
        );
        assert_eq!(word("'/opt/my hook' -v"), Some(&b"/opt/my hook"[..]));
        for shell in ["A=1 /bin/x", "$HOME/x", "(/bin/x)", "`x`", "'/open", ""] {
            assert_eq!(word(shell), None, "{shell}");
        }
    }
}
