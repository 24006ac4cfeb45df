//! Clients in scripts, cron tables and units, and the daemons that they ask, where both are given.

mod options;
mod target;
mod users;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[target::CHECKS, users::CHECKS, options::CHECKS];
