//! What a module leads to on the server, and as whom: its folder, its identity, its confinement, its programs.

pub(super) mod account;
mod confinement;
mod filters;
mod folder;
mod hooks;
mod identity;
mod near;
mod rights;

pub(crate) use account::{Account, Accounts};
pub(crate) use filters::{merged_files, rules_of_filter};
pub(crate) use rights::unwritable;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[
    folder::CHECKS,
    identity::CHECKS,
    rights::CHECKS,
    confinement::CHECKS,
    hooks::CHECKS,
    filters::CHECKS,
];
