//! What a configuration leaves open.

mod open;
mod paths;
mod privileges;

use crate::{
    lint::{checks::Check, subject::ModuleSubject},
    model::Parameter,
};

pub(super) const FAMILIES: &[&[Check]] = &[open::CHECKS, privileges::CHECKS, paths::CHECKS];

fn asks_for_users(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::AuthUsers)
}

fn has_host_list(module: &ModuleSubject<'_>) -> bool {
    module.has(Parameter::HostsAllow) || module.has(Parameter::HostsDeny)
}

fn is_guarded(module: &ModuleSubject<'_>) -> bool {
    asks_for_users(module) || has_host_list(module)
}
