//! Notes behind values: rsync takes them for a part of the value.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Setting, access::is_host_separator, parameter::Kind},
    terms::Span,
};

mod split;

use split::Note;
pub(super) use split::{note, note_in, words_of};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY201", note_in_value)];

/// RSY201: there are no comments behind a value. What the note does depends on what the value is for.
fn note_in_value(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let Some(note) = note(setting).filter(|_| !is_a_path_that_exists(subject, setting)) else {
            continue;
        };
        let bytes = setting.text.bytes();
        let shown = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        let behind = setting.part(note.start..bytes.len());
        let effect = effect(setting);
        let case = Case::at(behind)
            .variant(effect)
            .with("parameter", setting.parameter.name())
            .with("note", shown(&bytes[note.start..]))
            .with("value", shown(bytes))
            .with("head", shown(&bytes[..note.head]))
            .with("holds", holds(subject, setting))
            .with("words", words(setting, &note))
            .explains(behind);
        out.report(match cure(subject, setting, &note) {
            Some(edits) if effect == "text" || loosens(setting.parameter) => case.fix(Safety::Unsafe, edits),
            Some(edits) => case.fix(Safety::Safe, edits),
            None => case,
        });
    }
}

/// Whether a value that begins to count may give clients more than they have: somebody is to look at that first.
fn loosens(parameter: Parameter) -> bool {
    use Parameter as P;
    matches!(
        parameter,
        P::ReadOnly | P::Uid | P::Gid | P::UseChroot | P::StrictModes | P::MungeSymlinks | P::InsecureLinks
    )
}

/// A path may hold blanks and any other character; then the machine knows.
fn is_a_path_that_exists(subject: &ConfigurationSubject<'_>, setting: &Setting) -> bool {
    let path = Path::new(OsStr::from_bytes(setting.bytes()));
    path.is_absolute() && matches!(subject.host.metadata(path, true), Ok(Some(_)))
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
    let mut comment = b"# ".to_vec();
    comment.extend_from_slice(words_of(&bytes[note.start..]));
    comment.push(b'\n');
    comment.extend_from_slice(indent);
    let above = Span::new(setting.source, name..name);
    Some(vec![
        Edit::replace(above, comment),
        Edit::delete(setting.part(note.head..bytes.len())),
    ])
}
