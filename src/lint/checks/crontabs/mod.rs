//! cron's tables.

mod commands;
mod files;
mod lines;
mod path;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[lines::CHECKS, files::CHECKS, path::CHECKS, commands::CHECKS];
