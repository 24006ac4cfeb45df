//! Which modules the secrets file belongs to, and which it is exposed by.

use std::{collections::HashMap, ffi::OsStr, os::unix::ffi::OsStrExt, path::Path};

use super::file::named;
use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Origin, Parameter, ProblemKind, Scope},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY317", secrets_file_without_users),
    Check::configuration("RSY319", inside_module),
];

/// RSY317: without `auth users` a module asks nobody for a password, whatever `secrets file` says.
fn secrets_file_without_users(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    // A misspelt `auth users` has a page of its own.
    let is_misspelt = subject
        .configuration
        .problems
        .iter()
        .any(|problem| match &problem.kind {
            ProblemKind::UnknownParameter(name, _) => {
                Parameter::meant_by(name.bytes()) == Some(Parameter::AuthUsers)
            }
            _ => false,
        });
    if is_misspelt {
        return;
    }
    let mut somebody_is_asked = false;
    for module in subject.modules() {
        if module.has(Parameter::AuthUsers) {
            somebody_is_asked = true;
            continue;
        }
        let Origin::Own(setting) = module.text(Parameter::SecretsFile).origin else {
            continue;
        };
        // An empty `auth users` of its own says that nobody is to be asked.
        let is_meant = matches!(module.text(Parameter::AuthUsers).origin, Origin::Own(_));
        if !is_meant && !setting.text.is_empty() {
            let variant = if module.is_writable() {
                "writable"
            } else {
                "readable"
            };
            out.report(
                Case::at(setting.span())
                    .variant(variant)
                    .with("module", module.name()),
            );
        }
    }
    let global = subject
        .configuration
        .origin(Scope::Global, Parameter::SecretsFile);
    let has_modules = subject.modules().next().is_some();
    if let Some(setting) = global.setting().filter(|setting| !setting.text.is_empty())
        && has_modules
        && !somebody_is_asked
    {
        out.report(Case::at(setting.span()).variant("global"));
    }
}

/// RSY319: the file lies in a folder that a module exports.
fn inside_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let named = named(subject);
    if named.is_empty() {
        return;
    }
    let mut exported = HashMap::new();
    for module in subject.modules() {
        let path = module.text(Parameter::Path);
        let place = Path::new(OsStr::from_bytes(path.value));
        // Who exports everything is told so already.
        if let Some(setting) = path.origin.setting()
            && place.is_absolute()
            && place.parent().is_some()
        {
            exported.entry(place).or_insert((module, setting));
        }
    }
    for named in named {
        let Some(place) = named.place() else {
            continue;
        };
        let Some((module, path)) = place.ancestors().skip(1).find_map(|folder| exported.get(folder)) else {
            continue;
        };
        let variant = if module.serves_as_root(subject) {
            "root"
        } else {
            "other"
        };
        out.report(
            Case::at(named.setting.value_span())
                .variant(variant)
                .also(path.value_span(), "path")
                .with("path", place.display().to_string())
                .with("module", module.name()),
        );
    }
}
