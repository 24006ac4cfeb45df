use std::{
    collections::BTreeMap,
    io,
    net::{Shutdown, TcpStream},
    sync::{Mutex, MutexGuard},
};

/// The connections of a program, which can be ended all at once: every wait ends then.
#[derive(Debug, Default)]
pub struct Connections {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_ended: bool,
    next: u64,
    open: BTreeMap<u64, TcpStream>,
}

/// A connection that is among them as long as this lives.
#[derive(Debug)]
pub struct Joined<'c> {
    connections: &'c Connections,
    number: u64,
}

impl Connections {
    /// Takes a connection in.
    ///
    /// # Errors
    ///
    /// No descriptor is left.
    pub fn join(&self, stream: &TcpStream) -> io::Result<Joined<'_>> {
        let stream = stream.try_clone()?;
        let mut state = self.state();
        if state.is_ended {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let number = state.next;
        state.next += 1;
        state.open.insert(number, stream);
        Ok(Joined {
            connections: self,
            number,
        })
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
