//! What a configuration leaves open.

mod open;
mod paths;
mod privileges;

use std::net::IpAddr;

use crate::{
    lint::{checks::Check, subject::ModuleSubject},
    model::{Parameter, Scope},
};

pub(super) const FAMILIES: &[&[Check]] = &[open::CHECKS, privileges::CHECKS, paths::CHECKS];

fn asks_for_users(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::AuthUsers)
}

fn has_host_list(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::HostsAllow) || module.has(Parameter::HostsDeny)
}

fn is_guarded(module: &ModuleSubject<'_>) -> bool {
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
