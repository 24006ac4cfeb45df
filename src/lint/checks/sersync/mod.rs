//! sersync's confxml.xml.

mod addresses;
mod connection;
mod daemon;
mod events;
mod filters;
mod params;
mod password;
mod paths;
mod plugins;
mod remotes;
mod schedule;
mod structure;
mod switches;

pub(super) use daemon::Module;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[
    structure::CHECKS,
    switches::CHECKS,
    remotes::CHECKS,
    addresses::CHECKS,
    paths::CHECKS,
    events::CHECKS,
    filters::CHECKS,
    params::CHECKS,
    connection::CHECKS,
    schedule::CHECKS,
    plugins::CHECKS,
    daemon::CHECKS,
    password::CHECKS,
];
