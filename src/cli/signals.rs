use std::{io, sync::Arc, thread};

use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::{Handle, Signals},
};

use crate::rsync::net::Connections;

/// Does something each time that the user wants the program to end.
///
/// # Errors
///
/// The system takes no handler.
pub(super) fn on_signals(act: impl Fn() + Send + 'static) -> io::Result<Handle> {
    // A signal that came while its handler is being put in place could be lost.
    let held_back = SigSet::from_iter([Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP]);
    let before = held_back.thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let signals = Signals::new([SIGINT, SIGTERM, SIGHUP]);
    before.thread_set_mask()?;
    let mut signals = signals?;
    let handle = signals.handle();
    thread::spawn(move || signals.forever().for_each(|_| act()));
    Ok(handle)
}

/// Connections that end when the user wants the program to end, so that every wait ends and nothing is left.
///
/// # Errors
///
/// The system takes no handler.
pub(super) fn ending_with_signals() -> io::Result<Arc<Connections>> {
    let connections = Arc::new(Connections::default());
    let ended = connections.clone();
    on_signals(move || ended.end())?;
    Ok(connections)
}
