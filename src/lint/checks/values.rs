//! Values that rsync reads otherwise than they look.

use std::collections::BTreeSet;

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, loosens, notes},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Effect, FACILITIES, Parameter, Setting, Value,
        access::{self, is_host_separator},
        charset, has_variable,
        parameter::Kind,
    },
};

mod marks;

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY202", malformed_boolean),
    Check::configuration("RSY203", three_way_value_on_boolean),
    Check::configuration("RSY204", integer_with_text),
    Check::configuration("RSY205", unknown_syslog_facility),
    Check::configuration("RSY206", quoted_value),
    Check::configuration("RSY216", write_only_and_read_only),
    Check::configuration("RSY217", negative_max_connections),
    Check::configuration("RSY218", inert_dont_compress),
    Check::configuration("RSY220", unknown_charset),
    Check::configuration("RSY230", marks::mark_behind_value),
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
        let holds = holds(subject, setting);
        let case = Case::at(place(setting))
            .with("parameter", setting.parameter.name())
            .with("value", setting.text.display())
            .with("holds", holds);
        let meant = meant(setting.text.bytes());
        let case = case.harms(harm::of_value(
            subject,
            setting,
            0,
            meant.unwrap_or_default().as_bytes(),
        ));
        out.report(if setting.text.is_empty() {
            case.variant("empty")
        } else if let Some(word) = meant {
            case.variant(if word == holds { "held" } else { "word" })
                .with("meant", word)
                .fix(Safety::Unsafe, [Edit::replace(setting.value_span(), word)])
        } else {
            case.variant("other")
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
                    .harms(harm::of_value(subject, setting, 0, b""))
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
                .with("number", number.to_string())
                .explains_rules(setting.span(), &["RSY601", "RSY602", "RSY613"]),
        );
    }
}

/// Whether rsync reads the whole text as the number that it says.
pub(super) fn is_number(text: &[u8]) -> bool {
    str::from_utf8(text).is_ok_and(|text| text.parse::<i32>().is_ok())
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

/// RSY220: the daemon ends where iconv_open(3) fails (`setup_iconv` in rsync.c).
fn unknown_charset(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::Charset]) {
        let Some(charset) = charset(setting.bytes()).filter(|charset| !charset.is_known()) else {
            continue;
        };
        // A note behind the name has a page of its own.
        if has_variable(setting.bytes()) || notes::note(setting).is_some() {
            continue;
        }
        let case = Case::at(setting.value_span()).with("value", setting.text.display());
        out.report(match charset.nearest() {
            Some(name) => case.variant("near").with("nearest", name.clone()).fix(
                Safety::Unsafe,
                [Edit::replace(setting.value_span(), name.into_owned())],
            ),
            None => case,
        });
    }
}

/// RSY206: quotes have no meaning; they are the first and the last character of the value.
fn quoted_value(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    use Parameter as P;
    for setting in &subject.configuration.settings {
        if let Some(case) = quoted_words(subject, setting) {
            out.report(case);
            continue;
        }
        let value = setting.text.bytes();
        let ([quote @ (b'"' | b'\''), inner @ .., last], true) = (value, value.len() > 1) else {
            continue;
        };
        if quote != last || inner.contains(quote) {
            continue;
        }
        let has_blank = inner.contains(&b' ');
        let (variant, safety) = match (setting.parameter.facts().kind, setting.parameter) {
            // A shell reads these, and for it quotes have a meaning; charsets are compared without them.
            (_, P::EarlyExec | P::PreXferExec | P::PostXferExec | P::NameConverter | P::Charset) => continue,
            (_, P::Comment | P::LogFormat | P::SyslogTag) => ("text", Safety::Safe),
            (_, P::Path) => ("path", loosens::safety(setting.parameter, inner)),
            (Kind::Boolean | Kind::BooleanOrUnset, _) => {
                ("boolean", loosens::safety(setting.parameter, inner))
            }
            (_, P::Exclude | P::Include | P::Filter) if has_blank => ("other", Safety::Unsafe),
            _ => ("other", loosens::safety(setting.parameter, inner)),
        };
        let harms = harm::of_value(subject, setting, 0, inner);
        let variant = match variant {
            "other" if !harms.is_empty() => "closes",
            variant => variant,
        };
        let shown = |value: &[u8]| match setting.parameter {
            P::SecretsFile => access::shown_secrets_file(value),
            _ => String::from_utf8_lossy(value).into_owned(),
        };
        let ends = [setting.part(0..1), setting.part(value.len() - 1..value.len())];
        out.report(
            Case::at(setting.value_span())
                .variant(variant)
                .harms(harms)
                .with("call", harm::call(subject, setting.block))
                .with("parameter", setting.parameter.name())
                .with("value", shown(value))
                .with("inner", shown(inner))
                .explains_value(setting.value_span(), setting.value_span())
                .fix(safety, ends.map(Edit::delete)),
        );
    }
}

/// A list of which single words stand in quotes.
fn quoted_words(subject: &ConfigurationSubject<'_>, setting: &Setting) -> Option<Case> {
    use Parameter as P;
    let is_list = matches!(
        setting.parameter,
        P::AuthUsers
            | P::DontCompress
            | P::Exclude
            | P::Gid
            | P::HostsAllow
            | P::HostsDeny
            | P::Include
            | P::ProxyProtocolHosts
            | P::RefuseOptions
    );
    let words: Vec<_> = setting.text.tokens(is_host_separator).collect();
    let quoted: Vec<_> = words.iter().filter(|word| is_quoted(word.bytes)).collect();
    let first = quoted.first().filter(|_| is_list && words.len() > 1)?;
    let marks = || setting.text.bytes().iter().filter(|byte| b"\"'".contains(byte));
    let ends = quoted.iter().flat_map(|word| {
        let part = &word.part;
        [
            setting.part(part.start..part.start + 1),
            setting.part(part.end - 1..part.end),
        ]
    });
    let inner = &first.bytes[1..first.bytes.len() - 1];
    let harms = harm::of_value(subject, setting, first.part.start, inner);
    let case = Case::at(setting.part(first.part.clone()))
        .variant(if harms.is_empty() { "word" } else { "word-closes" })
        .harms(harms)
        .with("parameter", setting.parameter.name())
        .with("value", first.display())
        .with("inner", String::from_utf8_lossy(inner))
        .explains_value(setting.value_span(), setting.value_span());
    // Quotes that hold several words together leave nobody sure of what was meant.
    Some(if marks().count() == 2 * quoted.len() {
        case.fix(
            loosens::safety(setting.parameter, setting.bytes()),
            ends.map(Edit::delete),
        )
    } else {
        case
    })
}

fn is_quoted(word: &[u8]) -> bool {
    matches!(word, [first @ (b'"' | b'\''), _, .., last] if first == last)
}

/// RSY216: pulls are refused by the one, pushes by the other.
fn write_only_and_read_only(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut reported = BTreeSet::new();
    for module in subject.modules() {
        let place = module.place(module.boolean(Parameter::WriteOnly).origin);
        if !module.is(Parameter::WriteOnly) || module.is_writable() || !reported.insert(place) {
            continue;
        }
        let case = Case::at(place).with("module", module.name());
        let read_only = module.boolean(Parameter::ReadOnly).origin;
        out.report(match read_only.setting() {
            Some(setting) => case
                .variant("set")
                .also(setting.span(), "read-only")
                .fix(Safety::Unsafe, [Edit::replace(setting.value_span(), "no")]),
            None => case.variant("default"),
        });
    }
}

/// RSY217: a limit below zero lets nobody in; no limit is 0.
fn negative_max_connections(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::MaxConnections]) {
        if let Effect::Set(Value::Integer(number @ ..0)) = setting.effect {
            let end = notes::note(setting).map_or_else(|| setting.text.bytes().len(), |note| note.head);
            let place = setting.part(0..end);
            out.report(
                Case::at(place)
                    .with("number", number.to_string())
                    .fix(Safety::Unsafe, [Edit::replace(place, "0")]),
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
