//! The daemon's own files: its number, its locks, its greeting.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    host::{EntryKind, Metadata},
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Effect, Parameter, Scope, Setting, has_variable},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY604", pid_file_folder_missing),
    Check::configuration("RSY605", runtime_file_in_shared_folder),
    Check::configuration("RSY607", motd_missing),
    Check::configuration("RSY608", lock_file_unopenable),
    Check::configuration("RSY618", one_file_for_two_purposes),
    Check::configuration("RSY622", motd_ends_sessions),
];

/// The files that a daemon reads or writes for itself.
const FILES: [Parameter; 5] = [
    Parameter::LockFile,
    Parameter::LogFile,
    Parameter::MotdFile,
    Parameter::PidFile,
    Parameter::SecretsFile,
];

/// A client reads lines of so many bytes.
const LONGEST_LINE: usize = 5118;

/// Folders into which every user of the machine may put files.
const SHARED: [&str; 3] = ["/tmp/", "/var/tmp/", "/dev/shm/"];

/// RSY604: the daemon ends before it listens.
fn pid_file_folder_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.configuration.text(Scope::Global, Parameter::PidFile);
    let Some(setting) = file.origin.setting() else {
        return;
    };
    let path = Path::new(OsStr::from_bytes(file.value));
    let is_at_start = !subject.configuration.blocks[setting.block].after_modules;
    if !path.is_absolute() || has_variable(file.value) || !is_at_start {
        return;
    }
    let folder = path.parent().unwrap_or(path);
    let name = folder.display().to_string();
    if let Some(None) = out.fact(&name, subject.host.metadata(folder, true)) {
        let variant = if is_volatile(folder) {
            "volatile"
        } else {
            "missing"
        };
        out.report(
            Case::at(setting.value_span())
                .variant(variant)
                .with("folder", name),
        );
    }
}

/// RSY605: where everybody may create files, somebody else's file may be there first.
fn runtime_file_in_shared_folder(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&FILES) {
        let value = setting.bytes();
        let folder = SHARED.iter().find(|folder| value.starts_with(folder.as_bytes()));
        let (Effect::Set(_), Some(folder)) = (setting.effect, folder) else {
            continue;
        };
        // In a folder of its own below it, only the owner of that one may create files.
        if !value[folder.len()..].contains(&b'/') {
            out.report(
                Case::at(setting.value_span())
                    .with("parameter", setting.parameter.name())
                    .with("file", setting.text.display())
                    .with("folder", folder.trim_end_matches('/')),
            );
        }
    }
}

/// RSY607: instead of the message an empty line is sent.
fn motd_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.configuration.text(Scope::Global, Parameter::MotdFile);
    if let Some(setting) = file.origin.setting()
        && file.value.first().is_some_and(|first| !b"/%\"'".contains(first))
    {
        let is_text = file.value.iter().any(|byte| *byte == b' ' || !byte.is_ascii());
        let case = Case::at(setting.value_span()).variant(if is_text { "text" } else { "relative" });
        out.report(case.with("file", setting.text.display()));
        return;
    }
    let Some((setting, place)) = file.origin.setting().zip(subject.place(file.value)) else {
        return;
    };
    let name = place.display().to_string();
    if let Some(None) = out.fact(&name, subject.host.metadata(&place, true)) {
        out.report(
            Case::at(setting.value_span())
                .variant("missing")
                .with("file", name),
        );
    }
}

/// RSY622: the client takes the message for lines of the daemon, and reads them as such (`start_inband_exchange` in
/// clientserver.c, `read_line_old` in io.c).
fn motd_ends_sessions(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let file = subject.configuration.text(Scope::Global, Parameter::MotdFile);
    let Some((setting, place)) = file.origin.setting().zip(subject.place(file.value)) else {
        return;
    };
    let name = place.display().to_string();
    let Some(Some(text)) = out.fact(&name, subject.host.read(&place)) else {
        return;
    };
    for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
        // Carriage returns are dropped.
        let line: Vec<u8> = line.iter().copied().filter(|&byte| byte != b'\r').collect();
        let case = Case::at(setting.value_span())
            .with("file", &name)
            .with("number", (number + 1).to_string());
        let case = match (line.strip_prefix(b"@ERROR"), &line[..]) {
            (Some(text), _) => case
                .variant("refusal")
                .with("line", String::from_utf8_lossy(text)),
            (None, b"@RSYNCD: EXIT") => case.variant("exit"),
            (None, b"@RSYNCD: OK") => case.variant("start"),
            (None, line) if line.len() > LONGEST_LINE => {
                case.variant("long").with("length", line.len().to_string())
            }
            (None, _) => continue,
        };
        return out.report(case);
    }
}

/// RSY608: with `max connections` a module is closed as long as its lock file cannot be opened.
fn lock_file_unopenable(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let limit = module.integer(Parameter::MaxConnections);
        let file = module.text(Parameter::LockFile);
        if let Some(setting) = file.origin.setting()
            && file.value.is_empty()
            && limit.value > 0
        {
            if seen.insert((setting.source, setting.span().start)) {
                out.report(
                    Case::at(setting.span())
                        .variant("empty")
                        .with("module", module.name()),
                );
            }
            continue;
        }
        let Some((counting, path)) = limit
            .origin
            .setting()
            .filter(|_| limit.value > 0)
            .zip(subject.place(file.value))
        else {
            continue;
        };
        let place: Span = file
            .origin
            .setting()
            .map_or_else(|| counting.span(), Setting::value_span);
        let variant = if file.value.ends_with(b"/") {
            Some("folder")
        } else {
            obstacle(subject, out, &path)
        };
        let Some(variant) = variant else {
            continue;
        };
        if seen.insert((place.source, place.start)) {
            let folder = path.parent().unwrap_or(&path).display().to_string();
            out.report(
                Case::at(place)
                    .variant(variant)
                    .with("module", module.name())
                    .with("file", path.display().to_string())
                    .with("folder", folder),
            );
        }
    }
}

/// Why the daemon cannot open a lock file.
fn obstacle(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>, path: &Path) -> Option<&'static str> {
    let folder = path.parent().unwrap_or(path);
    let name = path.display().to_string();
    let file = out.fact(&name, subject.host.metadata(path, true))?;
    let above = out.fact(&name, subject.host.metadata(folder, true))?;
    let daemon = subject.circumstances.daemon_uid;
    // A plain user's groups are not known; only what neither they nor the others may do is certain.
    let is_denied = |entry: &Metadata, wanted: u32| {
        let lacks = |shift: u32| (entry.mode >> shift) & wanted != wanted;
        daemon != 0
            && if entry.uid == daemon {
                lacks(6)
            } else {
                lacks(3) && lacks(0)
            }
    };
    match (file, above) {
        (Some(file), _) if file.kind == EntryKind::Directory => Some("folder"),
        (Some(file), _) if is_denied(&file, 6) => Some("denied"),
        (Some(_), _) => None,
        (None, None) if is_volatile(folder) => Some("volatile"),
        (None, None) => Some("missing"),
        (None, Some(above)) => is_denied(&above, 3).then_some("denied"),
    }
}

/// RSY618: what one part of the daemon writes, another reads or removes.
fn one_file_for_two_purposes(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut first: BTreeMap<PathBuf, &Setting> = BTreeMap::new();
    for setting in subject.settings(&FILES) {
        let value = setting.bytes();
        let path = PathBuf::from(OsStr::from_bytes(value));
        if !path.is_absolute() || has_variable(value) || !matches!(setting.effect, Effect::Set(_)) {
            continue;
        }
        let other = *first.entry(path).or_insert(setting);
        if other.parameter != setting.parameter {
            out.report(
                Case::at(setting.value_span())
                    .with("file", setting.text.display())
                    .with("parameter", setting.parameter.name())
                    .with("other", other.parameter.name())
                    .also(other.value_span(), "other"),
            );
        }
    }
}

/// Whether a folder lies where every start of the machine, or of the service, begins with nothing.
fn is_volatile(folder: &Path) -> bool {
    folder.starts_with("/run") || folder.starts_with("/var/run")
}
