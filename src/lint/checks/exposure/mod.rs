//! What a configuration leaves open.

mod open;
mod paths;
mod privileges;

use std::net::IpAddr;

use crate::{
    lint::{
        checks::{Check, hosts::is_everybody},
        subject::ModuleSubject,
    },
    model::{Parameter, Scope, access::is_host_separator},
};

pub(super) const FAMILIES: &[&[Check]] = &[open::CHECKS, privileges::CHECKS, paths::CHECKS];

fn asks_for_users(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::AuthUsers)
}

/// Whether the host lists keep an address out. `hosts allow` is asked first, so one that admits everybody does not.
fn has_host_list(module: &ModuleSubject<'_>) -> bool {
    let has_list = module.has(Parameter::HostsAllow) || module.has(Parameter::HostsDeny);
    has_list && !allows_everybody(module)
}

/// Whether `hosts allow` says outright that everybody may come.
fn allows_everybody(module: &ModuleSubject<'_>) -> bool {
    let allow = module.text(Parameter::HostsAllow).value;
    allow.split(|&byte| is_host_separator(byte)).any(is_everybody)
}

/// Whether a client must log in, come from some address, or be on this machine.
pub(in crate::lint::checks) fn is_guarded(module: &ModuleSubject<'_>) -> bool {
    asks_for_users(module) || has_host_list(module) || listens_on_loopback(module)
}

/// Whether the daemon can only be reached from its own machine, as behind a tunnel.
fn listens_on_loopback(module: &ModuleSubject<'_>) -> bool {
    let address = module.configuration.text(Scope::Global, Parameter::Address).value;
    let address = std::str::from_utf8(address)
        .ok()
        .and_then(|text| text.parse::<IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
}
