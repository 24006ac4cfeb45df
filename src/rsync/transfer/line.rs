use std::{
    io::{ErrorKind, Write as _},
    sync::{Arc, Mutex, MutexGuard, mpsc},
    thread,
    time::{Duration, Instant},
};

use crate::rsync::{
    net::Stream,
    proto::{Tag, frame_header},
    transfer::{Error, pace::Pace, pulse::Pulse, wire::socket_error},
};

/// The way to the peer, which whole frames are written to.
#[derive(Debug)]
pub(crate) struct Line {
    stream: Stream,
    pulse: Pulse,
    pace: Option<Pace>,
    /// When something was written last.
    last: Instant,
}

/// The same for all who write.
#[derive(Clone, Debug)]
pub(crate) struct SharedLine(Arc<Mutex<Line>>);

impl SharedLine {
    pub(crate) fn new(stream: Stream, pulse: Pulse, pace: Option<Pace>) -> Self {
        Self(Arc::new(Mutex::new(Line {
            stream,
            pulse,
            pace,
            last: Instant::now(),
        })))
    }

    /// Writes all, at the pace that is wanted.
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        self.line().write(bytes)
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().expect("no thread panics with it")
    }

    /// Lets the peer know that we are here, if nothing was written for a time; how long that can wait.
    fn keep_alive(&self, lull: Duration) -> Duration {
        // Somebody writes.
        let Ok(mut line) = self.0.try_lock() else {
            return lull;
        };
        let idle = line.last.elapsed();
        if let Some(left) = lull.checked_sub(idle).filter(|left| !left.is_zero()) {
            return left;
        }
        // An empty frame of data, which every protocol with frames knows (`maybe_send_keepalive` in io.c). It is no sign
        // of life of the peer's, so that it does not count against the time limit; who writes next sees what fails.
        let _ = line.stream.write_all(&frame_header(Tag::Data, 0));
        line.last = Instant::now();
        lull
    }
}

impl Line {
    fn write(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            self.pulse.check()?;
            let most = self.pace.as_ref().map_or(usize::MAX, Pace::piece);
            let piece = &bytes[..bytes.len().min(most)];
            match self.stream.write(piece) {
                Ok(0) => return Err(socket_error("write", ErrorKind::WriteZero.into())),
                Ok(count) => {
                    bytes = &bytes[count..];
                    self.pulse.beat();
                    self.rest(count);
                }
                Err(error)
                    if error.kind() == ErrorKind::Interrupted || self.pulse.retry(&self.stream, &error) => {}
                Err(error) => return Err(self.pulse.failure("write", error)),
            }
        }
        self.last = Instant::now();
        Ok(())
    }

    fn rest(&mut self, count: usize) {
        let Some(pace) = &mut self.pace else { return };
        if let Some(rest) = pace.wrote(count, Instant::now()) {
            thread::sleep(rest);
            pace.rested(Instant::now());
        }
    }
}

/// Lets the peer know that we are here while we are busy, so that it does not give up.
#[derive(Debug)]
pub(crate) struct KeepAlive {
    line: SharedLine,
    /// To the thread that does it; without a time limit there is none.
    limits: Mutex<Option<mpsc::Sender<Duration>>>,
}

impl KeepAlive {
    /// For a line of frames; with a time limit at once, otherwise when [`Self::limit`] tells of one.
    pub(crate) fn new(line: SharedLine, limit: Option<Duration>) -> Self {
        let alive = Self {
            line,
            limits: Mutex::default(),
        };
        if let Some(limit) = limit {
            alive.limit(limit);
        }
        alive
    }

    /// The peer waits no longer than this.
    pub(crate) fn limit(&self, limit: Duration) {
        let mut limits = self.limits.lock().expect("no thread panics with it");
        let sender = limits.get_or_insert_with(|| {
            let (sender, receiver) = mpsc::channel();
            let line = self.line.clone();
            thread::spawn(move || stay_alive(&line, &receiver));
            sender
        });
        let _ = sender.send(limit);
    }
}

/// Until nobody tells limits any more: the session is over then.
fn stay_alive(line: &SharedLine, limits: &mpsc::Receiver<Duration>) {
    let Ok(mut limit) = limits.recv() else { return };
    let mut wait = limit / 2;
    loop {
        match limits.recv_timeout(wait) {
            Ok(other) => (limit, wait) = (other, other / 2),
            Err(mpsc::RecvTimeoutError::Timeout) => wait = line.keep_alive(limit / 2),
            Err(mpsc::RecvTimeoutError::Disconnected) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::Read as _,
        net::{TcpListener, TcpStream},
        time::Duration,
    };

    use super::{KeepAlive, SharedLine};
    use crate::rsync::transfer::pulse::Pulse;

    #[test]
    fn a_busy_client_says_that_it_is_there() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let (mut peer, _) = listener.accept().expect("a connection");
        let line = SharedLine::new(stream.into(), Pulse::new(None, None), None);
        line.write(b"x").expect("it is written");
        let alive = KeepAlive::new(line.clone(), None);
        alive.limit(Duration::from_millis(10));
        let mut bytes = [0; 9];
        peer.read_exact(&mut bytes).expect("the frames come");
        assert_eq!(bytes, [b'x', 0, 0, 0, 7, 0, 0, 0, 7]);
        drop((alive, line));
        // The thread ends with what it works for.
        let mut rest = Vec::new();
        peer.read_to_end(&mut rest).expect("the connection ends");
        assert!(rest.chunks(4).all(|frame| frame == [0, 0, 0, 7]), "{rest:?}");
    }
}
