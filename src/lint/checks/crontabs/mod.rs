//! cron's tables.

mod commands;
mod files;
mod folders;
mod lines;
mod passwords;
mod path;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[
    lines::CHECKS,
    files::CHECKS,
    folders::CHECKS,
    path::CHECKS,
    commands::CHECKS,
    passwords::CHECKS,
];
