use std::{
    fmt, io,
    net::{Shutdown, TcpStream},
    ops::Range,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::{
    probe::transcript::{
        Head,
        event::{End, Event},
    },
    rsync::net::{Stream, Transport},
};

/// A transcript is no longer than so many bytes.
const LONGEST: usize = 16 << 20;

/// A transcript in the making.
pub struct Trace {
    start: Instant,
    state: Mutex<State>,
}

struct State {
    out: Box<dyn io::Write + Send>,
    /// So many bytes may still be written.
    left: usize,
    connections: usize,
    failure: Option<io::Error>,
}

impl Trace {
    /// Begins one.
    ///
    /// # Errors
    ///
    /// What writing gives.
    pub fn begin(mut out: Box<dyn io::Write + Send>, head: &Head) -> io::Result<Self> {
        out.write_all(head.text().as_bytes())?;
        Ok(Self {
            start: Instant::now(),
            state: Mutex::new(State {
                out,
                left: LONGEST,
                connections: 0,
                failure: None,
            }),
        })
    }

    /// The first failure to write it, if one came.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.state().failure.take()
    }

    /// Writes an event of a connection down; 0 is none. Each is in the file at once: a probe that hangs is read, too.
    pub(super) fn note(&self, connection: usize, event: &Event) {
        let mut state = self.state();
        state.note(self.start.elapsed(), connection, event);
    }

    /// A connection that is written down.
    pub(super) fn join(self: Arc<Self>, stream: Stream, event: &Event) -> Stream {
        let number = {
            let mut state = self.state();
            state.connections += 1;
            let number = state.connections;
            state.note(self.start.elapsed(), number, event);
            number
        };
        Stream::new(Traced {
            stream,
            number,
            trace: self,
        })
    }

    /// The number of the last connection.
    pub(super) fn last(&self) -> usize {
        self.state().connections
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }
}

impl State {
    fn note(&mut self, time: Duration, connection: usize, event: &Event) {
        if self.left == 0 || self.failure.is_some() {
            return;
        }
        let line = |line: String| format!("{:.6} {connection} {line}\n", time.as_secs_f64());
        let mut text: String = event.lines().into_iter().map(line).collect();
        match self.left.checked_sub(text.len()) {
            Some(left) => self.left = left,
            None => {
                text = Event::Cut.lines().into_iter().map(line).collect();
                self.left = 0;
            }
        }
        self.failure = self.out.write_all(text.as_bytes()).err();
    }
}

impl fmt::Debug for Trace {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Trace").finish_non_exhaustive()
    }
}

/// A connection whose bytes are written down.
#[derive(Debug)]
struct Traced {
    stream: Stream,
    number: usize,
    trace: Arc<Trace>,
}

impl Traced {
    fn note(&self, event: &Event) {
        self.trace.note(self.number, event);
    }
}

impl Transport for Traced {
    fn read(&self, to: &mut [u8]) -> io::Result<usize> {
        let read = Transport::read(&*self.stream, to);
        match &read {
            Ok(0) => self.note(&Event::Ended(End::Closed)),
            Ok(count) => self.note(&Event::Received(to[..*count].to_vec())),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.note(&Event::Ended(End::of(error))),
        }
        read
    }

    fn write(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<usize> {
        // Before it is done: the answer may be read by another thread before this one goes on.
        let (start, end) = (secret.start.min(bytes.len()), secret.end.min(bytes.len()));
        self.note(&Event::Sent(bytes[..start].to_vec()));
        if start < end {
            self.note(&Event::Hidden(end - start));
        }
        self.note(&Event::Sent(bytes[end..].to_vec()));
        let written = Transport::write(&*self.stream, bytes, secret);
        match &written {
            Ok(count) if *count == bytes.len() => {}
            Ok(count) => self.note(&Event::Untaken(bytes.len() - count)),
            Err(error) => {
                self.note(&Event::Untaken(bytes.len()));
                if error.kind() != io::ErrorKind::Interrupted {
                    self.note(&Event::Unsent(End::of(error)));
                }
            }
        }
        written
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.stream.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.stream.set_write_timeout(limit)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.stream.socket()
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.note(&Event::Closed);
    }
}
