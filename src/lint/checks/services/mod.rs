//! What starts the daemon: systemd, xinetd, inetd, and the files of their options.

mod confinement;
mod defaults;
mod inetd;
mod lines;
mod listeners;
mod network;
mod only_from;
mod rights;
mod sandbox;
mod start;
mod watchers;
mod xinetd;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[
    sandbox::CHECKS,
    confinement::CHECKS,
    start::CHECKS,
    watchers::CHECKS,
    defaults::CHECKS,
    rights::CHECKS,
    network::CHECKS,
    listeners::CHECKS,
    lines::CHECKS,
    xinetd::CHECKS,
    only_from::CHECKS,
    inetd::CHECKS,
];
