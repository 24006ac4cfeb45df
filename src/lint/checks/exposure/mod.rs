//! What a configuration leaves open.

mod open;
mod paths;
mod privileges;

use std::net::IpAddr;

use crate::{
    lint::{checks::Check, subject::ModuleSubject},
    model::{Parameter, Scope, access::Admitted},
};

pub(super) const FAMILIES: &[&[Check]] = &[open::CHECKS, privileges::CHECKS, paths::CHECKS];

fn asks_for_users(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::AuthUsers)
}

/// Whether there is a host list that says who may come, and be it everybody.
fn has_host_list(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::HostsAllow) || module.has(Parameter::HostsDeny)
}

/// Whether the host lists keep strangers out: a list that makes a few exceptions does not.
fn keeps_strangers_out(module: &ModuleSubject<'_>) -> bool {
    module.admitted() != Admitted::Strangers
}

/// Whether a client must log in, come from some address, or be on this machine.
fn is_guarded(module: &ModuleSubject<'_>) -> bool {
    asks_for_users(module) || keeps_strangers_out(module) || listens_on_loopback(module)
}

/// Whether the daemon can only be reached from its own machine, as behind a tunnel.
fn listens_on_loopback(module: &ModuleSubject<'_>) -> bool {
    let address = module.configuration.text(Scope::Global, Parameter::Address).value;
    let address = std::str::from_utf8(address)
        .ok()
        .and_then(|text| text.parse::<IpAddr>().ok());
    address.is_some_and(|address| address.is_loopback())
}
