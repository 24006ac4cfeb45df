//! Lines that rsync reads and that change nothing, or not what they say.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, harm},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Scope, has_variable, parameter::Kind},
    rsync::transfer::{KeptOut, open_for_folders},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY221", malformed_chmod),
    Check::configuration("RSY223", parameter_without_effect),
    Check::configuration("RSY224", literal_percent),
    Check::configuration("RSY227", chmod_of_folders),
];

/// RSY221: rsync logs modes that it cannot read, and changes none.
fn malformed_chmod(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::IncomingChmod, Parameter::OutgoingChmod]) {
        let value = setting.text.bytes();
        if value.is_empty() || value.contains(&b'%') {
            continue;
        }
        let mut start: usize = 0;
        for part in value.split(|byte| *byte == b',') {
            if !is_mode(part) {
                let case = if part.is_empty() {
                    // Nothing to point at but the comma in front, or the one that the value begins with.
                    let comma = start.saturating_sub(1);
                    Case::at(setting.part(comma..comma + 1)).variant("empty")
                } else {
                    Case::at(setting.part(start..start + part.len()))
                };
                out.report(
                    case.with("parameter", setting.parameter.name())
                        .with("mode", String::from_utf8_lossy(part)),
                );
                break;
            }
            start += part.len() + 1;
        }
    }
}

/// One mode of a list: `D` or `F`, then an octal number or who, how and what (`parse_chmod` in chmod.c).
fn is_mode(mode: &[u8]) -> bool {
    let is_kind = |byte: &u8| matches!(byte, b'D' | b'F');
    let has_both = mode.contains(&b'D') && mode.contains(&b'F');
    let who = mode
        .iter()
        .take_while(|byte| is_kind(byte) || matches!(byte, b'u' | b'g' | b'o' | b'a'))
        .count();
    let (who, rest) = mode.split_at(who);
    let Some((first, what)) = rest.split_first().filter(|_| !has_both) else {
        return false;
    };
    if first.is_ascii_digit() {
        let number = str::from_utf8(rest)
            .ok()
            .and_then(|text| u32::from_str_radix(text, 8).ok());
        return who.iter().all(is_kind) && number.is_some_and(|number| number <= 0o7777);
    }
    let copies = matches!(what, [b'u' | b'g' | b'o']);
    matches!(first, b'+' | b'-' | b'=')
        && (copies
            || what
                .iter()
                .all(|byte| matches!(byte, b'r' | b'w' | b'x' | b'X' | b's' | b't')))
}

/// RSY223: a lock file counts connections, and nothing is counted where there is no limit; a log format is for the
/// lines that only `transfer logging` writes.
fn parameter_without_effect(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    let is_open = |scope| !configuration.is_settled(scope);
    let has_limit =
        |scope| is_open(scope) || configuration.integer(scope, Parameter::MaxConnections).value != 0;
    let logs_transfers = |scope| is_open(scope) || configuration.is(scope, Parameter::TransferLogging);
    let modules = || configuration.module_scopes().map(|(scope, _)| scope);
    let (any_limit, any_log) = (modules().any(has_limit), modules().any(logs_transfers));
    for setting in subject.settings(&[Parameter::LockFile, Parameter::LogFormat]) {
        let is_lock = setting.parameter == Parameter::LockFile;
        let is_used = match configuration.blocks[setting.block].scope {
            Scope::Global if configuration.modules.is_empty() => true,
            Scope::Global if is_lock => any_limit,
            Scope::Global => any_log,
            module if is_lock => has_limit(module),
            module => logs_transfers(module),
        };
        if !is_used {
            out.report(
                Case::at(setting.span())
                    .variant(if is_lock { "lock-file" } else { "log-format" })
                    .with("parameter", setting.parameter.name()),
            );
        }
    }
}

/// Where a variable of Samba stands as a part of a path of its own: `%U`, `/home/%S`.
fn samba_variable(path: &[u8]) -> Option<usize> {
    let at = path.iter().position(|byte| *byte == b'%')?;
    let is_alone = path[..at].last().is_none_or(|byte| *byte == b'/')
        && path.get(at + 2).is_none_or(|byte| *byte == b'/');
    let letter = path.get(at + 1)?;
    (is_alone && b"uUgGSHDmMLIiPTwW".contains(letter) && !has_variable(path)).then_some(at)
}

/// RSY227: a mode without `D` or `F` holds for folders too, and a folder without `x` cannot be entered.
fn chmod_of_folders(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::IncomingChmod, Parameter::OutgoingChmod]) {
        let meant = str::from_utf8(setting.text.bytes()).ok();
        let Some(meant) = meant.and_then(|text| open_for_folders(text, KeptOut::Owner)) else {
            continue;
        };
        // Files may have a mode of their own in the same line.
        let is_of_folders = setting.text.bytes().contains(&b'D');
        let case = Case::at(setting.value_span());
        out.report(
            match is_of_folders {
                true => case.variant("folders"),
                false => case,
            }
            .with("parameter", setting.parameter.name())
            .with("mode", setting.text.display())
            .with("meant", meant.clone())
            .fix(Safety::Unsafe, [Edit::replace(setting.value_span(), meant)]),
        );
    }
}

/// RSY224: two percent signs stay two, whatever the manual says.
fn literal_percent(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let value = setting.text.bytes();
        let is_text = matches!(setting.parameter.facts().kind, Kind::Path | Kind::String);
        // A log format has escapes of its own.
        if !is_text || setting.parameter == Parameter::LogFormat {
            continue;
        }
        if setting.parameter == Parameter::Path
            && let Some(at) = samba_variable(value)
        {
            out.report(
                Case::at(setting.part(at..at + 2))
                    .variant("samba")
                    .harms(harm::of_value(subject, setting, at, value))
                    .with("call", harm::call(subject, setting.block))
                    .with("parameter", setting.parameter.name())
                    .with("word", String::from_utf8_lossy(&value[at..at + 2]))
                    .with("value", setting.text.display()),
            );
            continue;
        }
        let Some(at) = value.windows(2).position(|pair| pair == b"%%") else {
            continue;
        };
        let variant = if setting.parameter.facts().kind == Kind::Path {
            "path"
        } else {
            "text"
        };
        out.report(
            Case::at(setting.part(at..at + 2))
                .variant(variant)
                .harms(harm::of_value(subject, setting, at, value))
                .with("call", harm::call(subject, setting.block))
                .with("parameter", setting.parameter.name())
                .with("value", setting.text.display())
                .fix(Safety::Unsafe, [Edit::replace(setting.part(at..at + 2), "%")]),
        );
    }
}
