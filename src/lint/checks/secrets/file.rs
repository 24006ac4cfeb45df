//! Whether the daemon can and will use the secrets file that it is told to use.

use std::{
    collections::{HashMap, hash_map::Entry},
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::Path,
};

use crate::{
    host::{EntryKind, Metadata, walk},
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject, SecretsSubject},
    },
    model::{Parameter, Setting, access::shown_secrets_file},
    terms::{Release, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY302", secrets_file_world_readable),
    Check::secrets("RSY302", lone_file_world_readable),
    Check::configuration("RSY312", secrets_file_missing),
    Check::configuration("RSY313", secrets_file_owner),
    Check::secrets("RSY313", lone_file_owner),
    Check::configuration("RSY318", untrusted_link),
    Check::configuration("RSY320", relative_secrets_file),
];

/// A line that names the secrets file of a module that asks for users.
pub(super) struct Named<'a> {
    pub(super) setting: &'a Setting,
    pub(super) path: &'a Path,
    /// The first module that uses it.
    pub(super) module: ModuleSubject<'a>,
    /// The first of them with `strict modes`.
    strict: Option<ModuleSubject<'a>>,
}

/// Every such line, once, however many modules inherit it.
pub(super) fn named<'a>(subject: &ConfigurationSubject<'a>) -> Vec<Named<'a>> {
    let mut found: Vec<Named<'a>> = Vec::new();
    let mut known = HashMap::new();
    for module in subject.modules() {
        let file = module.text(Parameter::SecretsFile);
        let Some(setting) = file.origin.setting() else {
            continue;
        };
        if file.value.is_empty() || !module.has(Parameter::AuthUsers) {
            continue;
        }
        let strict = Some(module).filter(|module| module.is(Parameter::StrictModes));
        match known.entry(setting.span()) {
            Entry::Occupied(index) => {
                let index: &usize = index.get();
                let known = &mut found[*index];
                known.strict = known.strict.or(strict);
            }
            Entry::Vacant(free) => {
                free.insert(found.len());
                found.push(Named {
                    setting,
                    path: Path::new(OsStr::from_bytes(file.value)),
                    module,
                    strict,
                });
            }
        }
    }
    found
}

impl Named<'_> {
    /// The path, if the machine can be asked for it: absolute, and without variables.
    pub(super) fn place(&self) -> Option<&Path> {
        let is_plain = self.path.is_absolute() && !self.path.as_os_str().as_bytes().contains(&b'%');
        is_plain.then_some(self.path)
    }

    pub(super) fn case(&self) -> Case {
        Case::at(self.setting.value_span())
            .with("module", self.module.name())
            .with("path", shown_secrets_file(self.path.as_os_str().as_bytes()))
    }
}

/// RSY302: with `strict modes` the daemon refuses a file that others may read or write, and the client is told no
/// more than `auth failed`.
fn secrets_file_world_readable(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for named in named(subject) {
        let (Some(path), Some(module)) = (named.place(), named.strict) else {
            continue;
        };
        let name = path.display().to_string();
        let Some(Some(metadata)) = out.fact(&name, subject.host.metadata(path, true)) else {
            continue;
        };
        // A folder has a page of its own, and no mode makes a file of it.
        if metadata.kind != EntryKind::Directory && metadata.mode & 0o006 != 0 {
            // Who is not root reads it by the rights that go.
            let daemon = subject.circumstances.daemon_uid;
            let is_read = daemon == 0 || daemon == metadata.uid;
            out.report(
                Case::at(named.setting.value_span())
                    .variant(if is_read { "module" } else { "account" })
                    .with("uid", daemon.to_string())
                    .with("module", module.name())
                    .with("path", name)
                    .with("mode", format!("{:o}", metadata.mode)),
            );
        }
    }
}

/// RSY302 of a file that no configuration of the run names: whether `strict modes` holds for it, nobody knows.
fn lone_file_world_readable(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    if let Some((name, metadata)) = lone_file(subject, out)
        && metadata.mode & 0o006 != 0
    {
        let case = Case::at(Span::new(subject.source, 0..0)).variant("lone");
        let mode = format!("{:o}", metadata.mode);
        out.report(case.with("path", name).with("mode", mode));
    }
}

/// RSY312: without the file nobody can log in, and the client is told no more than `auth failed`.
fn secrets_file_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for named in named(subject) {
        let Some(path) = named.place() else {
            continue;
        };
        let name = path.display().to_string();
        let Some(found) = out.fact(name, subject.host.metadata(path, true)) else {
            continue;
        };
        let variant = match found {
            None => "missing",
            Some(metadata) if metadata.kind == EntryKind::Directory => "folder",
            Some(_) => continue,
        };
        out.report(named.case().variant(variant));
    }
}

/// RSY313: a daemon that runs as root takes a file only from root (`check_secret` in authenticate.c).
fn secrets_file_owner(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if subject.circumstances.daemon_uid != 0 {
        return;
    }
    for named in named(subject) {
        let (Some(path), Some(module)) = (named.place(), named.strict) else {
            continue;
        };
        let name = path.display().to_string();
        let Some(Some(metadata)) = out.fact(&name, subject.host.metadata(path, true)) else {
            continue;
        };
        if metadata.kind != EntryKind::Directory && metadata.uid != 0 {
            out.report(
                Case::at(named.setting.value_span())
                    .with("module", module.name())
                    .with("path", name)
                    .with("owner", metadata.uid.to_string()),
            );
        }
    }
}

/// RSY313 of a file that no configuration of the run names.
fn lone_file_owner(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) {
    if subject.circumstances.daemon_uid != 0 {
        return;
    }
    if let Some((name, metadata)) = lone_file(subject, out)
        && metadata.uid != 0
    {
        let case = Case::at(Span::new(subject.source, 0..0)).variant("lone");
        let owner = metadata.uid.to_string();
        out.report(case.with("path", name).with("owner", owner));
    }
}

/// The name of a secrets file that was given without its configuration, and what the machine says about it.
fn lone_file(subject: &SecretsSubject<'_>, out: &mut Reporter<'_>) -> Option<(String, Metadata)> {
    let path = subject.path.filter(|_| subject.configurations.is_empty())?;
    let name = path.display().to_string();
    let metadata = out.fact(&name, subject.host.metadata(path, true))??;
    Some((name, metadata))
}

/// RSY318: since 3.5.0 a link on the way must belong to root or to the daemon's user (`open_no_attacker_symlinks` in
/// syscall.c).
fn untrusted_link(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    if subject.circumstances.release < Release::new(3, 5, 0) {
        return;
    }
    for named in named(subject) {
        let Some(path) = named.place() else {
            continue;
        };
        let name = path.display().to_string();
        let Some(passed) = out.fact(name, walk(subject.host, path)) else {
            continue;
        };
        let trusted = [0, subject.circumstances.daemon_uid];
        let link = passed.iter().find_map(|component| {
            let metadata = component.metadata?;
            let is_foreign = metadata.kind == EntryKind::Link && !trusted.contains(&metadata.uid);
            is_foreign.then_some((&component.path, metadata.uid))
        });
        if let Some((link, owner)) = link {
            out.report(
                named
                    .case()
                    .with("link", link.display().to_string())
                    .with("owner", owner.to_string()),
            );
        }
    }
}

/// RSY320: a relative path begins wherever the daemon was started, which is `/` at the next boot.
fn relative_secrets_file(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for named in named(subject) {
        let is_quoted = matches!(named.path.as_os_str().as_bytes(), [b'"' | b'\'', ..]);
        // Quotes have a page of their own.
        if !named.path.is_absolute() && !is_quoted {
            let is_secret = named.path.as_os_str().as_bytes().contains(&b':');
            let variant = if is_secret { "secret" } else { "relative" };
            out.report(named.case().variant(variant));
        }
    }
}
