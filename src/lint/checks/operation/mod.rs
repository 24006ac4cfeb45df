//! What a daemon needs to run for long: limits, logs, files of its own, an address.

mod deletion;
mod files;
mod limits;
mod logs;
mod network;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[
    limits::CHECKS,
    logs::CHECKS,
    files::CHECKS,
    deletion::CHECKS,
    network::CHECKS,
];
