//! `path`, and what it leads to.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use crate::{
    host::EntryKind,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::Parameter,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY401", module_without_path),
    Check::configuration("RSY402", path_missing),
];

/// RSY401: a module without a path can be listed and never used.
fn module_without_path(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        if !module.has(Parameter::Path) {
            out.report(Case::at(module.header()).with("module", module.name()));
        }
    }
}

/// RSY402: clients of the module are told `chdir failed` or `chroot failed`, which names no path.
fn path_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let Some(setting) = path.origin.setting() else {
            continue;
        };
        let place = Path::new(OsStr::from_bytes(path.value));
        // What is relative or holds a variable has pages of its own.
        if !place.is_absolute() || path.value.contains(&b'%') {
            continue;
        }
        let Some(found) = out.fact(place.display().to_string(), subject.host.metadata(place, true)) else {
            continue;
        };
        let variant = match found {
            None => "missing",
            Some(metadata) if metadata.kind != EntryKind::Directory => "file",
            Some(_) => continue,
        };
        let call = if module.tries_chroot(subject) {
            "chroot"
        } else {
            "chdir"
        };
        out.report(
            Case::at(setting.value_span())
                .variant(variant)
                .with("module", module.name())
                .with("path", place.display().to_string())
                .with("call", call),
        );
    }
}
