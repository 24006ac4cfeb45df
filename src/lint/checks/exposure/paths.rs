//! Folders that hold more than they seem to.

use std::{
    collections::{HashMap, hash_map::Entry},
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use super::{asks_for_users, is_guarded, keeps_strangers_out};
use crate::{
    host::{Component, EntryKind, Host, follow, normalize},
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::{ConfigurationSubject, ModuleSubject},
    },
    model::{Parameter, Setting},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY504", sensitive_path),
    Check::configuration("RSY510", user_variable_without_users),
    Check::configuration("RSY512", open_way_round),
];

/// Folders of a whole system, with its keys, its passwords and the files of other people.
const SENSITIVE: [&str; 4] = ["/", "/etc", "/home", "/root"];

const USER_VARIABLE: &[u8] = b"%RSYNC_USER_NAME%";

/// RSY504: the folder holds what no client is to have, or whatever is put on a disk.
fn sensitive_path(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let Some((path, setting)) = place(&module) else {
            continue;
        };
        let path = destination(subject.host, path);
        let is_sensitive = SENSITIVE.iter().any(|sensitive| path == Path::new(sensitive));
        let variant = match (is_guarded(&module), module.is_writable()) {
            _ if !is_sensitive && is_mount_point(subject.host, &path) => "disk",
            _ if !is_sensitive => continue,
            (false, _) => "open",
            (true, true) => "writable",
            (true, false) => "guarded",
        };
        out.report(
            Case::at(setting.value_span())
                .variant(variant)
                .with("module", module.name())
                .with("path", String::from_utf8_lossy(path.as_os_str().as_bytes())),
        );
    }
}

/// Where a path leads: through the links that the daemon follows, which are those of root, or by its words alone.
fn destination(host: &dyn Host, path: &Path) -> PathBuf {
    let is_foreign = |component: &Component| {
        let link = component.metadata.filter(|found| found.kind == EntryKind::Link);
        link.is_some_and(|link| link.uid != 0)
    };
    match follow(host, path) {
        Ok((passed, end)) if !passed.iter().any(is_foreign) => end,
        _ => normalize(path),
    }
}

/// Whether another file system begins there than that of the folder above.
fn is_mount_point(host: &dyn Host, path: &Path) -> bool {
    let device = |path: &Path| {
        host.metadata(path, false)
            .ok()
            .flatten()
            .map(|found| found.device)
    };
    let above = path.parent().and_then(device);
    above.is_some_and(|above| device(path).is_some_and(|device| device != above))
}

/// RSY510: who has not logged in has no name, so the variable is empty.
fn user_variable_without_users(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        if asks_for_users(&module) {
            continue;
        }
        for (parameter, variant) in [(Parameter::Path, "path"), (Parameter::Uid, "uid")] {
            let text = module.text(parameter);
            let at = text
                .value
                .windows(USER_VARIABLE.len())
                .position(|part| part == USER_VARIABLE);
            if let (Some(setting), Some(at)) = (text.origin.setting(), at) {
                let without = [&text.value[..at], &text.value[at + USER_VARIABLE.len()..]].concat();
                out.report(
                    Case::at(setting.part(at..at + USER_VARIABLE.len()))
                        .variant(variant)
                        .with("module", module.name())
                        .with("path", String::from_utf8_lossy(&without)),
                );
            }
        }
    }
}

/// RSY512: what one module guards, another one gives away.
fn open_way_round(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut open = Folders::default();
    let mut guarded = Folders::default();
    for module in subject.modules() {
        // What a filter leaves out of a folder, nobody knows from here.
        let is_filtered = [
            Parameter::Exclude,
            Parameter::ExcludeFrom,
            Parameter::Filter,
            Parameter::Include,
            Parameter::IncludeFrom,
        ]
        .iter()
        .any(|&filter| module.has(filter));
        match place(&module) {
            Some((path, setting)) if admits_everybody(&module) && !is_filtered => {
                open.insert(path, module, setting);
            }
            Some((path, setting)) if is_guarded(&module) && !admits_everybody(&module) => {
                guarded.insert(path, module, setting);
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    for (path, module, setting) in &guarded.all {
        // Where writing is what the guard is for, reading beside it is a public mirror.
        let gives_away = |wide: &ModuleSubject<'_>| {
            wide.is_writable() || !(module.is_writable() || module.is(Parameter::WriteOnly))
        };
        let around = path.ancestors().find_map(|folder| open.get(folder));
        if let Some((_, wide, way)) = around.filter(|(_, wide, _)| gives_away(wide)) {
            let variant = if asks_for_users(module) {
                "password"
            } else {
                "hosts"
            };
            found.push((way, wide, setting, module, variant));
        }
    }
    for (path, module, way) in &open.all {
        let around = path.ancestors().skip(1).find_map(|folder| guarded.get(folder));
        if let Some((_, strict, setting)) = around.filter(|_| module.is_writable()) {
            found.push((way, module, setting, strict, "inside"));
        }
    }
    found.sort_by_key(|(way, _, setting, ..)| (way.value_span().start, setting.value_span().start));
    for (way, module, setting, strict, variant) in found {
        out.report(
            Case::at(way.value_span())
                .variant(variant)
                .also(setting.value_span(), "guarded")
                .with("module", module.name())
                .with("other", strict.name()),
        );
    }
}

/// The first module of each folder.
#[derive(Default)]
struct Folders<'a> {
    all: Vec<(&'a Path, ModuleSubject<'a>, &'a Setting)>,
    by_path: HashMap<&'a Path, usize>,
}

impl<'a> Folders<'a> {
    fn insert(&mut self, path: &'a Path, module: ModuleSubject<'a>, setting: &'a Setting) {
        if let Entry::Vacant(vacant) = self.by_path.entry(path) {
            vacant.insert(self.all.len());
            self.all.push((path, module, setting));
        }
    }

    fn get(&self, path: &Path) -> Option<&(&'a Path, ModuleSubject<'a>, &'a Setting)> {
        self.by_path.get(path).map(|&index| &self.all[index])
    }
}

/// Whether a module asks nobody for a name and keeps no stranger out.
fn admits_everybody(module: &ModuleSubject<'_>) -> bool {
    !asks_for_users(module) && !keeps_strangers_out(module)
}

/// Where a module's folder is, if its path says so outright.
fn place<'a>(module: &ModuleSubject<'a>) -> Option<(&'a Path, &'a Setting)> {
    let text = module.text(Parameter::Path);
    let path = Path::new(OsStr::from_bytes(text.value));
    let setting = text.origin.setting()?;
    let is_plain = path.is_absolute() && !text.value.contains(&b'%');
    is_plain.then_some((path, setting))
}
