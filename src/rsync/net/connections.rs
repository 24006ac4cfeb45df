use std::{
    collections::BTreeMap,
    net::Shutdown,
    sync::{Mutex, MutexGuard},
};

use crate::rsync::net::Stream;

/// The connections of a program, which can be ended all at once: every wait ends then.
#[derive(Debug, Default)]
pub struct Connections {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_ended: bool,
    next: u64,
    open: BTreeMap<u64, Stream>,
}

/// A connection that is among them as long as this lives.
#[derive(Debug)]
pub struct Joined<'c> {
    connections: &'c Connections,
    number: u64,
}

impl Connections {
    /// Takes a connection in.
    pub fn join(&self, stream: Stream) -> Joined<'_> {
        let mut state = self.state();
        if state.is_ended {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let number = state.next;
        state.next += 1;
        state.open.insert(number, stream);
        Joined {
            connections: self,
            number,
        }
    }

    /// Ends all that are open, and all that will be.
    pub fn end(&self) {
        let mut state = self.state();
        state.is_ended = true;
        for stream in state.open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether they were ended.
    pub fn are_ended(&self) -> bool {
        self.state().is_ended
    }

    /// Whether one is open.
    pub fn are_any(&self) -> bool {
        !self.state().open.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.connections.state().open.remove(&self.number);
    }
}
