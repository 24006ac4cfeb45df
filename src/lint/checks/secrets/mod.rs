//! The daemon's secrets file: where it is, who may read it, what is in it, and whom it is for.

mod file;
mod lines;
mod place;
mod users;

use crate::lint::checks::Check;
pub(super) use lines::{BYTE_ORDER_MARK, blanks_around, comment, dressed, may_be_password};
pub(super) use users::is_exact;

pub(super) const FAMILIES: &[&[Check]] = &[file::CHECKS, place::CHECKS, lines::CHECKS, users::CHECKS];
