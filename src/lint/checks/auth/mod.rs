//! `auth users`, and how passwords are proven.

mod digest;
mod users;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[users::CHECKS, digest::CHECKS];
