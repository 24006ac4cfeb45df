use std::{io, sync::Arc, thread};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::rsync::net::Connections;

/// Connections that end when the user wants the program to end, so that every wait ends and nothing is left.
///
/// # Errors
///
/// The system takes no handler.
pub(super) fn ending_with_signals() -> io::Result<Arc<Connections>> {
    let connections = Arc::new(Connections::default());
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let ended = connections.clone();
    thread::spawn(move || {
        for _ in signals.forever() {
            ended.end();
        }
    });
    Ok(connections)
}
