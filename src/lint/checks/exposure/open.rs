//! Modules that strangers may use.

use std::collections::HashSet;

use super::{asks_for_users, has_host_list, is_guarded, listens_on_loopback};
use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, access::Admitted},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY501", writable_by_anybody),
    Check::configuration("RSY505", writable_by_address),
    Check::configuration("RSY509", hidden_not_protected),
    Check::configuration("RSY511", readable_by_anybody),
    Check::configuration("RSY506", private_module_listed),
];

/// RSY501: whoever reaches the port may replace or delete every file of the module.
fn writable_by_anybody(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        if module.is_writable() && !is_guarded(&module) {
            let read_only = module.boolean(Parameter::ReadOnly).origin;
            let case = Case::at(module.place(read_only)).with("module", module.name());
            out.report(match module.admitted_percent() {
                None => case,
                Some([v4, v6]) => case
                    .variant("part")
                    .with("v4", v4.to_string())
                    .with("v6", v6.to_string()),
            });
        }
    }
}

/// RSY505: an address is all that a client must have to write.
fn writable_by_address(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let place = module.place(module.boolean(Parameter::ReadOnly).origin);
        let by_address = module.admitted() == Admitted::Some && !asks_for_users(&module);
        if by_address && module.is_writable() && seen.insert(place) {
            out.report(Case::at(place).with("module", module.name()));
        }
    }
}

/// RSY509: a module that is not listed serves everybody who knows or guesses its name.
fn hidden_not_protected(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let list = module.boolean(Parameter::List);
        // Who says whom to keep out knows that all others get in.
        let is_meant = module.has(Parameter::HostsDeny);
        // A writable one has a page of its own.
        if list.value == Some(false) && !is_meant && !is_guarded(&module) && !module.is_writable() {
            out.report(Case::at(module.place(list.origin)).with("module", module.name()));
        }
    }
}

/// RSY511: whoever reaches the port may read every file of the module that its `uid` may read.
fn readable_by_anybody(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let is_listed = module.is(Parameter::List);
        let serves = module.has(Parameter::Path) && !module.is(Parameter::WriteOnly);
        // Who says whom to let in or to keep out knows that all others get in.
        let is_meant = has_host_list(&module);
        if is_listed && serves && !is_meant && !is_guarded(&module) && !module.is_writable() {
            out.report(Case::at(module.header()).with("module", module.name()));
        }
    }
}

/// RSY506: the listing tells everybody what there is.
fn private_module_listed(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let listed = subject
        .modules()
        .filter(|module| is_guarded(module) && !listens_on_loopback(module) && module.is(Parameter::List));
    if let Some(case) = Case::of_all(listed.map(|module| module.member(module.header()))) {
        out.report(case);
    }
}
