//! Notes behind values: rsync takes them for a part of the value.

use std::{collections::BTreeSet, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    catalog::{Harm, Safety},
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, loosens, values},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter, Setting, Value,
        access::{AddressPattern, is_host_separator},
        parameter::Kind,
    },
    terms::Span,
};

mod split;

use split::Note;
pub(super) use split::{note, note_in, words_of};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY201", note_in_value)];

/// RSY201: there are no comments behind a value. What the note does depends on what the value is for.
fn note_in_value(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let place = Place::of(subject, setting);
        let Some(note) = note(setting).filter(|_| place != Place::There) else {
            continue;
        };
        // Where no number is in front of the note, the whole value is what is wrong.
        if setting.parameter.facts().kind == Kind::Integer
            && !values::is_number(&setting.text.bytes()[..note.head])
        {
            continue;
        }
        let bytes = setting.text.bytes();
        let shown = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let behind = setting.part(note.start..bytes.len());
        let effect = match may_be_meant(setting, &note).filter(|_| place == Place::Unknown) {
            Some(variant) => variant,
            None => effect(setting),
        };
        let head = &bytes[..note.head];
        let may_be_meant = matches!(effect, "path-word" | "path-words");
        let harms = match may_be_meant {
            true => BTreeSet::new(),
            false => harm::of_value(subject, setting, note.head, head),
        };
        let effect = match effect {
            "boolean" if holds_anyway(subject, setting, head) => "held",
            "boolean" if holds(subject, setting) == "unset" => "boolean-unset",
            // Not `include` and `exclude`, in which every word is a pattern.
            "patterns" if harms.contains(&Harm::HangUp) => "filter",
            "charset" if !harms.contains(&Harm::HangUp) => "other",
            "digest" if !harms.contains(&Harm::Login) => "other",
            effect => effect,
        };
        let case = Case::at(behind)
            .variant(effect)
            .harms(harms)
            .with("call", harm::call(subject, setting.block))
            .with("parameter", setting.parameter.name())
            .with("note", shown(&bytes[note.start..]))
            .with("value", shown(bytes))
            .with("head", shown(&bytes[..note.head]))
            .with("holds", holds(subject, setting))
            .with("words", words(setting, &note))
            .explains_value(behind, setting.value_span());
        let is_told_apart = !may_be_meant && !names_hosts(setting, &note);
        out.report(match cure(subject, setting, &note).filter(|_| is_told_apart) {
            // The words of a note in `refuse options` are refused, if they are options.
            Some(edits) if effect == "text" || setting.parameter == Parameter::RefuseOptions => {
                case.fix(Safety::Unsafe, edits)
            }
            Some(edits) => case.fix(loosens::safety(setting.parameter, &bytes[..note.head]), edits),
            None => case,
        });
    }
}

/// Whether a boolean that is not read has the value that it was to have.
fn holds_anyway(subject: &ConfigurationSubject<'_>, setting: &Setting, head: &[u8]) -> bool {
    let scope = subject.configuration.blocks[setting.block].scope;
    let holds = match subject.configuration.boolean(scope, setting.parameter).value {
        Some(value) => Value::Boolean(value),
        None => Value::Unset,
    };
    Value::read(setting.parameter.facts().kind, head) == Some(holds)
}

/// Whether a path of that name is on the machine, note and all: it may hold blanks and any other character.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    There,
    Missing,
    Unknown,
}

impl Place {
    fn of(subject: &ConfigurationSubject<'_>, setting: &Setting) -> Self {
        let path = Path::new(OsStr::from_bytes(setting.bytes()));
        if !path.is_absolute() {
            return Self::Missing;
        }
        match subject.host.metadata(path, true) {
            Ok(Some(_)) => Self::There,
            Ok(None) => Self::Missing,
            Err(_) => Self::Unknown,
        }
    }
}

/// `/srv/c #recycle`, `/volume1/Backup #1`: folders have such names, and only the machine can tell. The variant for one
/// word, or for several.
fn may_be_meant(setting: &Setting, note: &Note) -> Option<&'static str> {
    let bytes = setting.text.bytes();
    let is_one_blank = &bytes[note.head..note.start] == b" ";
    let [b'#', first, rest @ ..] = &bytes[note.start..] else {
        return None;
    };
    let is_word = !matches!(first, b' ' | b'\t') && bytes[note.start..].is_ascii();
    if setting.parameter != Parameter::Path || !is_one_blank || !is_word {
        return None;
    }
    Some(if rest.contains(&b' ') {
        "path-words"
    } else {
        "path-word"
    })
}

/// `192.0.2.1 #office 192.0.2.9`: the hosts behind the mark work, and are perhaps meant to.
fn names_hosts(setting: &Setting, note: &Note) -> bool {
    let is_list = matches!(
        setting.parameter,
        Parameter::HostsAllow | Parameter::HostsDeny | Parameter::ProxyProtocolHosts
    );
    let mut behind = setting
        .text
        .tokens(is_host_separator)
        .filter(|token| token.part.start >= note.start);
    is_list && behind.any(|token| AddressPattern::parse(token.bytes).is_some())
}

/// What a note does to the value, as the page's variants call it.
fn effect(setting: &Setting) -> &'static str {
    use Parameter as P;
    match (setting.parameter.facts().kind, setting.parameter) {
        (Kind::Boolean | Kind::BooleanOrUnset, _) => "boolean",
        (Kind::Integer, _) => "integer",
        (Kind::Enum, _) => "facility",
        (_, P::Path) => "path",
        (_, P::SecretsFile) => "secrets",
        (_, P::ExcludeFrom | P::IncludeFrom) => "rules",
        (_, P::LogFile | P::PidFile | P::LockFile | P::MotdFile | P::TempDir | P::DaemonChroot) => "file",
        (_, P::Uid | P::Gid | P::DaemonUid | P::DaemonGid) => "identity",
        (_, P::AuthUsers) => "users",
        (_, P::HostsDeny) => "deny",
        (_, P::HostsAllow | P::ProxyProtocolHosts) => "access",
        (_, P::Exclude | P::Include | P::Filter | P::RefuseOptions | P::DontCompress) => "patterns",
        (_, P::Comment | P::SyslogTag | P::Name) => "text",
        (_, P::Charset) => "charset",
        (_, P::AuthDigest) => "digest",
        _ => "other",
    }
}

/// What holds in place of a value that is malformed because of its note.
fn holds(subject: &ConfigurationSubject<'_>, setting: &Setting) -> String {
    let scope = subject.configuration.blocks[setting.block].scope;
    match setting.parameter.facts().kind {
        Kind::Boolean | Kind::BooleanOrUnset => {
            match subject.configuration.boolean(scope, setting.parameter).value {
                Some(true) => "yes".to_owned(),
                Some(false) => "no".to_owned(),
                None => "unset".to_owned(),
            }
        }
        _ => {
            let text = subject.configuration.text(scope, setting.parameter);
            String::from_utf8_lossy(text.value).into_owned()
        }
    }
}

/// The words of a list that only the note brings in.
fn words(setting: &Setting, note: &Note) -> String {
    let tokens = setting.text.tokens(is_host_separator);
    let words: Vec<_> = tokens
        .filter(|token| token.part.end > note.start)
        .map(|token| format!("`{}`", token.display()))
        .collect();
    words.join(", ")
}

/// The note becomes a comment on a line above.
fn cure(subject: &ConfigurationSubject<'_>, setting: &Setting, note: &Note) -> Option<Vec<Edit>> {
    let bytes = setting.text.bytes();
    let source = subject.sources.get(setting.source);
    let name = setting.name.start as usize;
    let value = setting.value_span().range();
    let line = source.line_range(source.line_of(name));
    let indent = &source.bytes()[line.start..name];
    let is_one_line = line.contains(&value.start) && value.len() == bytes.len();
    if note.head == 0 || !is_one_line || !indent.iter().all(u8::is_ascii_whitespace) {
        return None;
    }
    let delete = Edit::delete(setting.part(note.head..bytes.len()));
    let words = words_of(&bytes[note.start..]);
    if words.is_empty() {
        return Some(vec![delete]);
    }
    let mut comment = b"# ".to_vec();
    comment.extend_from_slice(words);
    comment.push(b'\n');
    comment.extend_from_slice(indent);
    let above = Span::new(setting.source, name..name);
    Some(vec![Edit::replace(above, comment), delete])
}
