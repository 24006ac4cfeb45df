//! Scripts and container entry points that call rsync, inotifywait or sersync.

mod deletion;
mod events;
mod options;
mod outcome;
mod passwords;
mod processes;
mod signals;
mod targets;
mod watch;

use crate::lint::checks::Check;

pub(super) const FAMILIES: &[&[Check]] = &[
    targets::CHECKS,
    options::CHECKS,
    deletion::CHECKS,
    events::CHECKS,
    watch::CHECKS,
    passwords::CHECKS,
    outcome::CHECKS,
    processes::CHECKS,
    signals::CHECKS,
];
