use std::{
    io,
    net::{Shutdown, TcpStream},
    ops::Range,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use crate::rsync::net::{Stream, Transport};

/// When a session has taken too long.
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    until: Instant,
    /// Whether only what comes before the transfer is bounded: that may take as long as its files do.
    is_of_dialogue: bool,
    is_lifted: Arc<AtomicBool>,
}

impl Deadline {
    /// All of a session.
    pub(super) fn of_session(limit: Duration) -> Self {
        Self {
            until: Instant::now() + limit,
            is_of_dialogue: false,
            is_lifted: Arc::default(),
        }
    }

    /// What comes before its transfer.
    pub(super) fn of_dialogue(limit: Duration) -> Self {
        Self {
            is_of_dialogue: true,
            ..Self::of_session(limit)
        }
    }

    /// The transfer begins.
    pub(super) fn pass_dialogue(&self) {
        self.is_lifted.store(self.is_of_dialogue, Ordering::Relaxed);
    }

    fn check(&self) -> io::Result<()> {
        match Instant::now() < self.until || self.is_lifted.load(Ordering::Relaxed) {
            true => Ok(()),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

/// A connection that carries nothing any more after a time. A peer that sends something now and then keeps the time limit
/// of its silence from ever being reached.
#[derive(Debug)]
pub(super) struct Bounded {
    stream: Stream,
    deadline: Deadline,
    heard: Arc<Mutex<Vec<u8>>>,
}

/// So many of the first bytes are kept.
const MOST_HEARD: usize = 64 << 10;

impl Bounded {
    /// Bounds a connection; whoever reads or writes after the deadline is told that it takes too long. The first bytes that
    /// come are kept in `heard`.
    pub(super) fn stream(stream: Stream, deadline: Deadline, heard: Arc<Mutex<Vec<u8>>>) -> Stream {
        Stream::new(Self {
            stream,
            deadline,
            heard,
        })
    }
}

impl Transport for Bounded {
    fn read(&self, to: &mut [u8]) -> io::Result<usize> {
        self.deadline.check()?;
        let count = self.stream.read(to)?;
        let mut heard = self.heard.lock().expect("no thread panics with it");
        let room = MOST_HEARD - heard.len();
        heard.extend_from_slice(&to[..count.min(room)]);
        Ok(count)
    }

    fn write(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<usize> {
        self.deadline.check()?;
        self.stream.write(bytes, secret)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.deadline.check()?;
        self.stream.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.deadline.check()?;
        self.stream.set_write_timeout(limit)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.stream.shutdown(how)
    }

    fn socket(&self) -> Option<&TcpStream> {
        self.stream.socket()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{ErrorKind, Write as _},
        net::{TcpListener, TcpStream},
        sync::Arc,
        time::Duration,
    };

    use super::{Bounded, Deadline};

    #[test]
    fn nothing_goes_over_it_after_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
        let (mut peer, _) = listener.accept().expect("a connection");
        peer.write_all(b"ab").expect("it is taken");
        let early = Bounded::stream(
            stream.into(),
            Deadline::of_session(Duration::from_secs(600)),
            Arc::default(),
        );
        assert_eq!(early.read(&mut [0]).expect("a byte"), 1);
        assert!(early.write_all_with_secret(b"c", 0..0).is_ok());
        let passed = Deadline::of_dialogue(Duration::ZERO);
        let late = Bounded::stream(early.clone(), passed.clone(), Arc::default());
        for failed in [
            late.read(&mut [0]).map(drop),
            late.write_all_with_secret(b"d", 0..0),
            late.set_read_timeout(None),
            late.set_write_timeout(None),
        ] {
            assert_eq!(failed.expect_err("too late").kind(), ErrorKind::TimedOut);
        }
        passed.pass_dialogue();
        assert_eq!(late.read(&mut [0]).expect("a byte"), 1);
        let whole = Deadline::of_session(Duration::ZERO);
        whole.pass_dialogue();
        assert!(
            Bounded::stream(early, whole, Arc::default())
                .read(&mut [0])
                .is_err()
        );
    }
}
