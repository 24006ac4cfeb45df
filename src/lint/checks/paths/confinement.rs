//! What the module's jail changes: temporary folders, munged links, names of users.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    host::EntryKind,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, has_variable},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY410", munged_folder_present),
    Check::configuration("RSY412", temp_dir_under_module),
    Check::configuration("RSY413", temp_dir_missing),
    Check::configuration("RSY420", numeric_ids_off_in_chroot),
];

/// Folders that a system has, and a module hardly ever.
const SYSTEM_FOLDERS: [&str; 5] = ["/tmp", "/var/tmp", "/dev/shm", "/run", "/var/cache"];

/// RSY410: while links are munged, a folder of the prefix's name would bring them back to life.
fn munged_folder_present(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let Some(setting) = path.origin.setting() else {
            continue;
        };
        let dot = path.value.windows(3).position(|part| part == b"/./");
        let is_confined = module.tries_chroot(subject);
        if !module.munges_links(subject) {
            continue;
        }
        let jail: &[u8] = match (is_confined, dot) {
            (false, _) => b"/",
            (true, Some(0)) => b"/",
            (true, Some(dot)) => &path.value[..dot],
            (true, None) => path.value,
        };
        let Some(folder) = subject.place(jail).map(|jail| jail.join("rsyncd-munged")) else {
            continue;
        };
        let name = folder.display().to_string();
        let Some(Some(found)) = out.fact(&name, subject.host.metadata(&folder, true)) else {
            continue;
        };
        if found.kind == EntryKind::Directory {
            let case = Case::at(setting.value_span())
                .with("module", module.name())
                .with("folder", &name);
            let munge = module.boolean(Parameter::MungeSymlinks);
            out.report(match munge.origin.setting() {
                Some(munge) => case.also(munge.span(), "munge"),
                None => case,
            });
        }
    }
}

/// RSY412: an absolute `temp dir` is one below the module's path.
fn temp_dir_under_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for temp in temp_dirs(subject) {
        let Some(variant) = temp.mistake() else {
            continue;
        };
        let there = subject.host.metadata(&temp.folder, true);
        let span = temp.setting.value_span();
        // Somebody has made the folder where rsync looks for it.
        if matches!(there, Ok(Some(_))) || !seen.insert((span.source, span.start)) {
            continue;
        }
        // Where nobody can look, it may be there.
        let variant = match (variant, there) {
            ("repeats-path", Ok(None)) => "repeats-path-missing",
            ("system", Ok(None)) => "system-missing",
            (variant, _) => variant,
        };
        let case = Case::at(span)
            .variant(variant)
            .with("module", temp.module.name())
            .with("value", temp.setting.text.display())
            .with("folder", temp.folder.display().to_string());
        let rest = temp
            .setting
            .bytes()
            .strip_prefix(temp.module.text(Parameter::Path).value);
        out.report(match rest.filter(|rest| rest.starts_with(b"/")) {
            Some(rest) => case.fix(Safety::Unsafe, [Edit::replace(span, rest)]),
            None => case,
        });
    }
}

/// RSY413: without its temporary folder every push fails.
fn temp_dir_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for temp in temp_dirs(subject) {
        if temp.mistake().is_some() {
            continue;
        }
        let name = temp.folder.display().to_string();
        let Some(found) = out.fact(&name, subject.host.metadata(&temp.folder, true)) else {
            continue;
        };
        if found.is_none_or(|found| found.kind != EntryKind::Directory) {
            out.report(
                Case::at(temp.setting.value_span())
                    .with("module", temp.module.name())
                    .with("folder", &name)
                    .with("account", user(subject, &temp.module)),
            );
        }
    }
}

/// Who writes into a module; a daemon that root does not run stays who it is (`rsync_module` in clientserver.c).
fn user(subject: &ConfigurationSubject<'_>, module: &ModuleSubject<'_>) -> String {
    match (
        subject.circumstances.daemon_uid,
        module.text(Parameter::Uid).value,
    ) {
        (0, []) => "nobody".to_owned(),
        (0, _) => module.display(Parameter::Uid),
        (other, _) => other.to_string(),
    }
}

/// RSY420: inside the jail there is no user database to look names up in.
fn numeric_ids_off_in_chroot(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let numeric = module.boolean(Parameter::NumericIds);
        let Some(setting) = numeric.origin.setting() else {
            continue;
        };
        if numeric.value != Some(false)
            || !module.tries_chroot(subject)
            || module.has(Parameter::NameConverter)
        {
            continue;
        }
        let path = module.text(Parameter::Path).value;
        let jail = path.windows(3).position(|part| part == b"/./");
        let users = subject
            .place(&path[..jail.unwrap_or(path.len())])
            .map(|jail| subject.host.metadata(&jail.join("etc/passwd"), true));
        let has_users = matches!(users, Some(Ok(Some(_))));
        if !has_users && seen.insert((setting.source, setting.span().start)) {
            out.report(Case::at(setting.span()).with("module", module.name()));
        }
    }
}

/// The `temp dir` of a module that clients may write into, and where it leads to.
struct TempDir<'a> {
    module: ModuleSubject<'a>,
    setting: &'a crate::model::Setting,
    folder: PathBuf,
}

impl TempDir<'_> {
    /// Whether the value is one that was hardly meant below the module's path: it repeats the path, or it is a
    /// folder of the system.
    fn mistake(&self) -> Option<&'static str> {
        let value = Path::new(OsStr::from_bytes(self.setting.bytes()));
        let path = Path::new(OsStr::from_bytes(self.module.text(Parameter::Path).value));
        // Below the root folder both readings are one.
        path.parent()?;
        if value.starts_with(path) {
            return Some("repeats-path");
        }
        let is_system = SYSTEM_FOLDERS.iter().any(|folder| value.starts_with(folder));
        is_system.then_some("system")
    }
}

fn temp_dirs<'a>(subject: &ConfigurationSubject<'a>) -> Vec<TempDir<'a>> {
    let modules = subject.modules().filter(ModuleSubject::is_writable);
    modules
        .filter_map(|module| {
            let temp = module.text(Parameter::TempDir);
            let setting = temp.origin.setting().filter(|_| !temp.value.is_empty())?;
            if has_variable(temp.value) {
                return None;
            }
            let inside = temp.value.strip_prefix(b"/").unwrap_or(temp.value);
            let folder = module.folder(subject)?.join(OsStr::from_bytes(inside));
            Some(TempDir {
                module,
                setting,
                folder,
            })
        })
        .collect()
}
