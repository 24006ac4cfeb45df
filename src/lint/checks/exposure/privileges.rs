//! What a client may do once it is in.

use std::collections::HashSet;

use super::asks_for_users;
use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Scope},
    terms::Release,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY502", writable_as_root),
    Check::configuration("RSY503", writable_without_chroot),
    Check::configuration("RSY507", munge_symlinks_off),
    Check::configuration("RSY508", insecure_links),
];

/// RSY502: a client that may write as root may write anything that the module's path leads to.
fn writable_as_root(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let uid = module.text(Parameter::Uid).origin;
        if !module.is_writable() || !module.serves_as_root(subject) {
            continue;
        }
        let variant = match (asks_for_users(&module), module.tries_chroot(subject)) {
            (true, true) => "confined",
            (true, false) => "free",
            (false, _) => "nameless",
        };
        let place = module.place(uid);
        if seen.insert((place, variant)) {
            out.report(Case::at(place).variant(variant).with("module", module.name()));
        }
    }
}

/// RSY503: without chroot only rsync's own care keeps a client inside the folder.
fn writable_without_chroot(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let chroot = module.boolean(Parameter::UseChroot);
        // A daemon that is confined as a whole has less to lose, and cannot confine a module on top.
        let is_jailed = !subject
            .configuration
            .text(Scope::Global, Parameter::DaemonChroot)
            .value
            .is_empty();
        let is_off = chroot.value == Some(false) && subject.circumstances.daemon_uid == 0 && !is_jailed;
        let place = module.place(chroot.origin);
        if is_off && module.is_writable() && seen.insert(place) {
            let variant = if subject.circumstances.release < Release::new(3, 4, 3) {
                "old"
            } else {
                "now"
            };
            out.report(Case::at(place).variant(variant).with("module", module.name()));
        }
    }
}

/// RSY507: where links are not munged they are cleaned, which changes them for good.
fn munge_symlinks_off(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let munge = module.boolean(Parameter::MungeSymlinks);
        let has_inside = module
            .text(Parameter::Path)
            .value
            .windows(3)
            .any(|part| part == b"/./");
        // In a plain chroot they are kept as they are.
        let is_cleaned = !module.tries_chroot(subject) || has_inside;
        let place = module.place(munge.origin);
        if munge.value == Some(false) && module.is_writable() && is_cleaned && seen.insert(place) {
            out.report(Case::at(place).with("module", module.name()));
        }
    }
}

/// RSY508: links of anybody lead anywhere.
fn insecure_links(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let insecure = module.boolean(Parameter::InsecureLinks);
        let place = module.place(insecure.origin);
        if insecure.value == Some(true) && seen.insert(place) {
            out.report(Case::at(place).with("module", module.name()));
        }
    }
}
