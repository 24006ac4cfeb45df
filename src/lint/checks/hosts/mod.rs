//! `hosts allow`, `hosts deny` and the hosts of proxies.

mod addresses;
mod lists;
mod names;
mod proxy;
mod word;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[addresses::CHECKS, names::CHECKS, lists::CHECKS, proxy::CHECKS];
