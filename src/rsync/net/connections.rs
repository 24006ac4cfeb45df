use std::{
    collections::{BTreeMap, BTreeSet},
    net::Shutdown,
    path::{Path, PathBuf},
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
    /// How much else is to be left in order.
    held: usize,
    /// Folders that are gone when their owners are done.
    folders: BTreeSet<PathBuf>,
}

/// Something that is to be left in order, also while no connection is open.
#[derive(Debug)]
pub struct Held<'c>(&'c Connections);

/// A folder that its owner takes away in the end, or whoever does not wait for that.
#[derive(Debug)]
pub struct Kept<'c> {
    connections: &'c Connections,
    folder: PathBuf,
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

    /// Counts as an open connection as long as what it returns lives.
    pub fn hold(&self) -> Held<'_> {
        self.state().held += 1;
        Held(self)
    }

    /// Knows of a temporary folder as long as what it returns lives.
    pub fn keep(&self, folder: &Path) -> Kept<'_> {
        let folder = folder.to_owned();
        self.state().folders.insert(folder.clone());
        let connections = self;
        Kept { connections, folder }
    }

    /// The temporary folders whose owners are not done.
    pub fn folders(&self) -> Vec<PathBuf> {
        self.state().folders.iter().cloned().collect()
    }

    /// Ends all that are open, and all that will be; whether there is something to be left in order.
    pub fn end(&self) -> bool {
        let mut state = self.state();
        state.is_ended = true;
        for stream in state.open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        !state.open.is_empty() || state.held > 0
    }

    /// Whether they were ended.
    pub fn are_ended(&self) -> bool {
        self.state().is_ended
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.state().held -= 1;
    }
}

impl Drop for Kept<'_> {
    fn drop(&mut self) {
        self.connections.state().folders.remove(&self.folder);
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.connections.state().open.remove(&self.number);
    }
}
