//! sersync's confxml.xml.

mod switches;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[switches::CHECKS];
