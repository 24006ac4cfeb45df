//! The password file that sersync hands to rsync, and the secrets file of the daemon. No word of either is ever told.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use crate::{
    catalog::FileKind,
    lint::{
        checks::{
            Check,
            sersync::daemon::{Module, targets},
        },
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::{Parameter, sersync::Setting},
    syntax::secrets::{Content, parse, password},
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY954", secrets_file_as_password_file),
    Check::sersync("RSY956", password_differs),
];

/// RSY954: a secrets file has `user:password`, a password file the password only. The same path is wrong only where
/// both are one machine. A password file that is given is judged by its content, by a rule of its own.
fn secrets_file_as_password_file(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(file) = password_file(subject) else {
        return;
    };
    // A word without a slash may be a password, and that is not told.
    let is_path = file.value.bytes().contains(&b'/');
    if !is_path || given(subject, FileKind::Password, file.value.bytes()).is_some() {
        return;
    }
    let case = Case::at(subject.value(file)).with("path", file.value.display());
    let targets = targets(subject);
    let same = targets.iter().find_map(|target| {
        let mut lines = target.candidates.iter().filter_map(secrets_file);
        let line = lines.find(|line| line.bytes() == file.value.bytes())?;
        Some((target, line))
    });
    let name = file_name(file.value.bytes()).map(OsStr::to_ascii_lowercase);
    let is_secret = |name: &OsStr| name.as_bytes().windows(6).any(|part| part == b"secret");
    let sounds_wrong = name.is_some_and(|name| is_secret(&name));
    let case = match same {
        Some((_, line)) => case.also(line.span(), "secrets"),
        None => case,
    };
    match same {
        Some((target, _)) if target.is_local() => out.report(case.variant("same-machine")),
        // The same path on two machines is common, and right as long as the files differ.
        Some(_) if !sounds_wrong => out.report(case.variant("same-path")),
        _ if sounds_wrong => out.report(case),
        _ => {}
    }
}

/// RSY956: the password that is sent is not the one that the daemon has for the user.
fn password_differs(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let auth = subject.configuration.active_auth();
    let Some(user) = auth.and_then(|auth| auth.users.as_ref()) else {
        return;
    };
    let Some(file) = password_file(subject) else {
        return;
    };
    let Some(bytes) = given(subject, FileKind::Password, file.value.bytes()) else {
        return;
    };
    let Some(sent) = password(bytes).map(|range| &bytes[range]) else {
        return;
    };
    // A line with the user in front of the password is the business of another rule.
    if sent
        .strip_prefix(user.value.bytes())
        .is_some_and(|rest| rest.starts_with(b":"))
    {
        return;
    }
    for target in targets(subject) {
        // The secrets of the user in every daemon that may be meant; `None` where one is not seen.
        let secrets: Option<Vec<_>> = target
            .candidates
            .iter()
            .map(|module| secret(subject, module, user.value.bytes()))
            .collect();
        let Some(secrets) = secrets.filter(|secrets| !secrets.is_empty()) else {
            continue;
        };
        if secrets.iter().all(|secret| *secret != sent) {
            let line = target.candidates.first().and_then(secrets_file);
            let case = Case::at(subject.value(file)).with("user", user.value.display());
            out.report(match line {
                Some(line) => case.also(line.span(), "secrets"),
                None => case,
            });
            return;
        }
    }
}

/// The password of a user in the secrets file of a module, if the file is known and has a line for the user.
fn secret<'a>(subject: &SersyncSubject<'a>, module: &Module<'a>, user: &[u8]) -> Option<&'a [u8]> {
    let bytes = given(subject, FileKind::Secrets, secrets_file(module)?.bytes())?;
    parse(bytes).into_iter().find_map(|line| match line.content {
        Content::Secret {
            name,
            is_group: false,
            password,
        } if bytes[name.clone()] == *user => Some(&bytes[password]),
        _ => None,
    })
}

fn secrets_file<'a>(module: &Module<'a>) -> Option<&'a crate::model::Setting> {
    let file = module.daemon.text(module.scope, Parameter::SecretsFile);
    file.origin.setting().filter(|_| !file.value.is_empty())
}

/// The given file of that kind with the name of that path, if there is one only, or all are alike: a copy in a work
/// tree lies elsewhere.
fn given<'a>(subject: &SersyncSubject<'a>, kind: FileKind, path: &[u8]) -> Option<&'a [u8]> {
    let name = file_name(path)?;
    let mut files = subject
        .credentials
        .iter()
        .filter(|(_, other)| *other == kind)
        .map(|(source, _)| subject.sources.get(*source))
        .filter(|source| file_name(source.name().as_bytes()) == Some(name));
    let first = files.next()?.bytes();
    files.all(|other| other.bytes() == first).then_some(first)
}

fn password_file<'a>(subject: &SersyncSubject<'a>) -> Option<&'a Setting> {
    subject.configuration.active_auth()?.passwordfile.as_ref()
}

fn file_name(path: &[u8]) -> Option<&OsStr> {
    Path::new(OsStr::from_bytes(path)).file_name()
}
