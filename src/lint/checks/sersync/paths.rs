//! The paths that sersync writes into shell commands: the tree, the password file, the fail log.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Component, Path},
};

use crate::{
    host::EntryKind,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::Setting,
    syntax::sersync::Trouble,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY906", watch_root),
    Check::sersync("RSY907", unsafe_characters_in_path),
    Check::sersync("RSY908", watch_missing),
    Check::sersync("RSY928", fail_log_in_tmp),
    Check::sersync("RSY929", fail_log_interval),
    Check::sersync("RSY942", watch_not_one_folder),
    Check::sersync("RSY943", password_file_not_a_path),
    Check::sersync("RSY946", own_file_inside_watch),
];

/// The longest interval that somebody may have meant: a day, in minutes.
const A_DAY: i64 = 24 * 60;

/// RSY906: sersync cuts one slash off, and a bare `cd` leads home.
fn watch_root(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(watch) = watch(subject) else {
        return;
    };
    let variant = match watch.value.bytes() {
        b"" | b"/" => "home",
        bytes if bytes.iter().all(|&byte| byte == b'/') => "everything",
        _ => return,
    };
    out.report(
        Case::at(subject.value(watch))
            .variant(variant)
            .with("watch", watch.value.display()),
    );
}

/// RSY907: no path is quoted, so the shell reads every character that means something to it.
fn unsafe_characters_in_path(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    let paths = [
        ("watch", watch(subject)),
        // What is no path may be a password, and that is not told.
        (
            "password-file",
            password_file(subject).filter(|file| is_path(file)),
        ),
        (
            "fail-log",
            configuration.fail_log().and_then(|log| log.path.as_ref()),
        ),
    ];
    for (variant, path) in paths {
        let Some(path) = path else {
            continue;
        };
        let means_something = |byte: &u8| byte.is_ascii_whitespace() || b"&;|<>()$`\"'\\".contains(byte);
        if let Some(at) = path.value.bytes().iter().position(means_something)
            && !is_raw_ampersand(subject, path.value.range_of(at..at + 1).start)
        {
            out.report(
                Case::at(subject.span(path.value.range_of(at..at + 1)))
                    .variant(variant)
                    .with("path", path.value.display())
                    .with("character", char::from(path.value.bytes()[at])),
            );
        }
    }
}

/// Whether sersync gives up the file at that place, so that no command is ever made of it.
fn is_raw_ampersand(subject: &SersyncSubject<'_>, place: usize) -> bool {
    let mut problems = subject.document.problems.iter();
    problems.any(|problem| problem.trouble == Trouble::AmpersandInValue && problem.range.contains(&place))
}

/// RSY908: sersync does not end where there is nothing to watch, and an empty tree empties its targets.
fn watch_missing(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(watch) = watch(subject) else {
        return;
    };
    let path = path(watch);
    let name = path.display().to_string();
    // What is relative is so to wherever sersync is started; the root has a rule of its own.
    if !path.is_absolute() || path.parent().is_none() {
        return;
    }
    let Some(found) = out.fact(&name, subject.host.metadata(path, true)) else {
        return;
    };
    let variant = match found {
        None => "missing",
        Some(metadata) if metadata.kind != EntryKind::Directory => "file",
        Some(_) if !subject.configuration.deletes() => return,
        Some(_) => match out.fact(&name, subject.host.list(path)).flatten() {
            Some(names) if !names.is_empty() => return,
            None => return,
            Some(_) if subject.configuration.active_crontab().is_some() => "empty-crontab",
            Some(_) => "empty",
        },
    };
    out.report(
        Case::at(subject.value(watch))
            .variant(variant)
            .with("watch", name),
    );
}

/// RSY928: a script that everybody may write and that root runs.
fn fail_log_in_tmp(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let log = subject.configuration.fail_log();
    let Some(log) = log.and_then(|log| log.path.as_ref()) else {
        return;
    };
    let path = path(log);
    let case = || Case::at(subject.value(log)).with("path", log.value.display());
    if ["/tmp", "/var/tmp", "/dev/shm"]
        .iter()
        .any(|folder| path.starts_with(folder))
    {
        out.report(case());
        return;
    }
    let is_plain = path
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if !path.is_absolute() || !is_plain {
        return;
    }
    for folder in path.ancestors().skip(1) {
        let name = folder.display().to_string();
        match out.fact(name, subject.host.metadata(folder, true)) {
            Some(Some(metadata)) if metadata.mode & 0o001 != 0 => {}
            _ => return,
        }
    }
    let folder = path.parent().unwrap_or(path).display().to_string();
    out.report(case().variant("enterable").with("folder", folder));
}

/// RSY929: minutes, and what fails in between is lost.
fn fail_log_interval(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let log = subject.configuration.fail_log();
    let Some(interval) = log.and_then(|log| log.time_to_execute.as_ref()) else {
        return;
    };
    let minutes = std::str::from_utf8(interval.value.bytes())
        .ok()
        .and_then(|text| text.trim().parse::<i64>().ok());
    let case = Case::at(subject.value(interval)).with("value", interval.value.display());
    match minutes {
        _ if interval.value.is_empty() => out.report(case.variant("empty")),
        Some(minutes) if minutes > A_DAY => {
            out.report(case.with("hours", (minutes / 60).to_string()));
        }
        Some(1..) => {}
        _ => out.report(case.variant("number")),
    }
}

/// RSY942: sersync takes the text as it is, for one folder.
fn watch_not_one_folder(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(watch) = watch(subject).filter(|watch| !watch.value.is_empty()) else {
        return;
    };
    let text = watch.value.display();
    let case = Case::at(subject.value(watch)).with("watch", &*text);
    let is_list = text.match_indices('/').any(|(at, _)| {
        let before = text[..at].trim_end();
        // A letter and a colon are a drive of Windows.
        before.len() > 2
            && (before.ends_with([',', ';', ':', '，', '、', '；'])
                || (before.len() < at && before.starts_with('/')))
    });
    let case = match text.find(['*', '?']) {
        _ if is_list => case.variant("list"),
        Some(at) => {
            let folder = text[..at].rfind('/').map_or("", |slash| &text[..slash]);
            case.variant("pattern")
                .with("folder", if folder.is_empty() { "/srv/site" } else { folder })
        }
        None if text.starts_with('~') => case.variant("home"),
        None if !text.starts_with('/') => case.variant("relative"),
        None => return,
    };
    out.report(case.explains_rules(subject.value(watch), &["RSY907"]));
}

/// RSY943: rsync runs in the watched tree, so that a relative path leads there. A word without a slash may be the
/// password itself; [`crate::syntax::sersync::Document::passwords`] keeps it out of every report.
fn password_file_not_a_path(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(file) = password_file(subject).filter(|file| !file.value.is_empty()) else {
        return;
    };
    let case = Case::at(subject.value(file));
    if !is_path(file) {
        out.report(case.variant("word"));
    } else if !path(file).is_absolute() {
        out.report(case.with("path", file.value.display()));
    }
}

/// RSY946: what lies in the tree is pushed.
fn own_file_inside_watch(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(watch) = watch(subject).filter(|watch| is_plain(path(watch))) else {
        return;
    };
    let log = subject.configuration.fail_log().and_then(|log| log.path.as_ref());
    for (variant, file) in [(None, password_file(subject)), (Some("fail-log"), log)] {
        let Some(file) = file.filter(|file| is_plain(path(file)) && path(file).starts_with(path(watch)))
        else {
            continue;
        };
        let case = Case::at(subject.value(file))
            .also(subject.value(watch), "watch")
            .with("path", file.value.display());
        out.report(match variant {
            Some(variant) => case.variant(variant),
            None => case,
        });
    }
}

/// Whether a path is absolute, more than the root, and leads straight down.
fn is_plain(path: &Path) -> bool {
    let mut parts = path.components();
    path.is_absolute()
        && path.parent().is_some()
        && parts.all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

fn password_file<'a>(subject: &SersyncSubject<'a>) -> Option<&'a Setting> {
    subject.configuration.active_auth()?.passwordfile.as_ref()
}

/// Whether a text can be told as a path; any other may be a password.
fn is_path(setting: &Setting) -> bool {
    setting.value.bytes().contains(&b'/')
}

fn watch<'a>(subject: &SersyncSubject<'a>) -> Option<&'a Setting> {
    subject.configuration.localpath()?.watch.as_ref()
}

fn path(setting: &Setting) -> &Path {
    Path::new(OsStr::from_bytes(setting.value.bytes()))
}
