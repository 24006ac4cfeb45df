//! Values that rsync reads otherwise than they look.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Effect, FACILITIES, Parameter, Setting, Value, parameter::Kind},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY202", malformed_boolean),
    Check::configuration("RSY203", three_way_value_on_boolean),
    Check::configuration("RSY204", integer_with_text),
    Check::configuration("RSY205", unknown_syslog_facility),
    Check::configuration("RSY206", quoted_value),
    Check::configuration("RSY217", negative_max_connections),
    Check::configuration("RSY218", inert_dont_compress),
];

/// RSY202: rsync knows six words for yes and no; at any other it keeps what held before.
fn malformed_boolean(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let is_boolean = matches!(
            setting.parameter.facts().kind,
            Kind::Boolean | Kind::BooleanOrUnset
        );
        if !is_boolean || setting.effect != Effect::Malformed || is_third_value(setting) {
            continue;
        }
        let case = Case::at(place(setting))
            .with("parameter", setting.parameter.name())
            .with("value", setting.text.display())
            .with("holds", holds(subject, setting));
        out.report(if setting.text.is_empty() {
            case.variant("empty")
        } else if let Some(word) = meant(setting.text.bytes()) {
            case.variant("word")
                .with("meant", word)
                .fix(Safety::Unsafe, [Edit::replace(setting.value_span(), word)])
        } else {
            case
        });
    }
}

/// RSY203: `unset` is a value of four booleans only; at the others rsync keeps what held before.
fn three_way_value_on_boolean(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let is_two_way = setting.parameter.facts().kind == Kind::Boolean;
        if is_two_way && setting.effect == Effect::Malformed && is_third_value(setting) {
            out.report(
                Case::at(setting.value_span())
                    .with("parameter", setting.parameter.name())
                    .with("value", setting.text.display())
                    .with("holds", holds(subject, setting)),
            );
        }
    }
}

/// The value, or the whole line where there is none.
fn place(setting: &Setting) -> crate::terms::Span {
    if setting.text.is_empty() {
        setting.name
    } else {
        setting.value_span()
    }
}

fn is_third_value(setting: &Setting) -> bool {
    Value::read(Kind::BooleanOrUnset, setting.text.bytes()) == Some(Value::Unset)
}

/// What other programs' words for yes and no mean.
fn meant(value: &[u8]) -> Option<&'static str> {
    let is = |words: &[&str]| {
        words
            .iter()
            .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    if is(&["on", "y", "t", "enable", "enabled", "ok", "是"]) {
        Some("yes")
    } else if is(&["off", "n", "f", "none", "disable", "disabled", "否"]) {
        Some("no")
    } else {
        None
    }
}

fn holds(subject: &ConfigurationSubject<'_>, setting: &Setting) -> &'static str {
    let scope = subject.configuration.blocks[setting.block].scope;
    match subject.configuration.boolean(scope, setting.parameter).value {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unset",
    }
}

/// RSY204: rsync reads the digits at the start and no more.
fn integer_with_text(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let Effect::Set(Value::Integer(number)) = setting.effect else {
            continue;
        };
        let value = setting.text.bytes();
        if setting.parameter.facts().kind != Kind::Integer || value.is_empty() {
            continue;
        }
        let digits = value
            .strip_prefix(b"-")
            .or_else(|| value.strip_prefix(b"+"))
            .unwrap_or(value);
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let written = str::from_utf8(&value[..value.len() - digits.len() + length]).unwrap_or_default();
        let variant = if length == 0 {
            "none"
        } else if length < digits.len() {
            "text"
        } else if written.trim_start_matches('+').parse() != Ok(number) {
            "range"
        } else {
            continue;
        };
        out.report(
            Case::at(setting.value_span())
                .variant(variant)
                .with("parameter", setting.parameter.name())
                .with("value", setting.text.display())
                .with("number", number.to_string()),
        );
    }
}

/// RSY205: a facility that rsync does not know leaves the one that held before.
fn unknown_syslog_facility(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::SyslogFacility]) {
        if setting.effect != Effect::Malformed {
            continue;
        }
        let value = setting.text.display();
        let case = Case::at(place(setting)).with("value", value.clone());
        let near = FACILITIES
            .iter()
            .map(|(name, _)| (strsim::damerau_levenshtein(name, &value.to_lowercase()), *name))
            .min()
            .filter(|(distance, _)| *distance <= 2);
        out.report(match near {
            Some((_, name)) => case
                .variant("near")
                .with("nearest", name)
                .fix(Safety::Unsafe, [Edit::replace(setting.value_span(), name)]),
            None => case,
        });
    }
}

/// RSY206: quotes have no meaning; they are the first and the last character of the value.
fn quoted_value(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    use Parameter as P;
    for setting in &subject.configuration.settings {
        let value = setting.text.bytes();
        let ([quote @ (b'"' | b'\''), inner @ .., last], true) = (value, value.len() > 1) else {
            continue;
        };
        if quote != last || inner.contains(quote) {
            continue;
        }
        let has_blank = inner.contains(&b' ');
        let (variant, safety) = match (setting.parameter.facts().kind, setting.parameter) {
            // A shell reads these, and for it quotes have a meaning.
            (_, P::EarlyExec | P::PreXferExec | P::PostXferExec | P::NameConverter) => continue,
            (_, P::Comment | P::LogFormat | P::SyslogTag) => ("text", Safety::Safe),
            (Kind::Path, _) => ("path", Safety::Safe),
            (Kind::Boolean | Kind::BooleanOrUnset, _) => ("boolean", Safety::Safe),
            (_, P::Exclude | P::Include | P::Filter) if has_blank => ("other", Safety::Unsafe),
            _ => ("other", Safety::Safe),
        };
        let text = String::from_utf8_lossy(inner).into_owned();
        let ends = [setting.part(0..1), setting.part(value.len() - 1..value.len())];
        out.report(
            Case::at(setting.value_span())
                .variant(variant)
                .with("parameter", setting.parameter.name())
                .with("value", setting.text.display())
                .with("inner", text)
                .explains(setting.value_span())
                .fix(safety, ends.map(Edit::delete)),
        );
    }
}

/// RSY217: a limit below zero lets nobody in; no limit is 0.
fn negative_max_connections(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::MaxConnections]) {
        if let Effect::Set(Value::Integer(number @ ..0)) = setting.effect {
            out.report(
                Case::at(setting.value_span())
                    .with("number", number.to_string())
                    .fix(Safety::Unsafe, [Edit::replace(setting.value_span(), "0")]),
            );
        }
    }
}

/// RSY218: of the old list of endings only `*` still does something.
fn inert_dont_compress(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::DontCompress]) {
        let mut words = setting.text.tokens(|byte| byte.is_ascii_whitespace());
        if !setting.text.is_empty() && !words.any(|word| word.bytes == b"*") {
            out.report(Case::at(setting.span()).with("value", setting.text.display()));
        }
    }
}
