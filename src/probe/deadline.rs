use std::{
    io,
    net::{Shutdown, TcpStream},
    ops::Range,
    time::{Duration, Instant},
};

use crate::rsync::net::{Stream, Transport};

/// A connection that carries nothing any more after a time. A peer that sends something now and then keeps the time limit
/// of its silence from ever being reached.
#[derive(Debug)]
pub(super) struct Bounded {
    stream: Stream,
    until: Instant,
}

impl Bounded {
    /// Bounds a connection; whoever reads or writes after `until` is told that it takes too long.
    pub(super) fn stream(stream: Stream, until: Instant) -> Stream {
        Stream::new(Self { stream, until })
    }

    fn check(&self) -> io::Result<()> {
        match Instant::now() < self.until {
            true => Ok(()),
            false => Err(io::ErrorKind::TimedOut.into()),
        }
    }
}

impl Transport for Bounded {
    fn read(&self, to: &mut [u8]) -> io::Result<usize> {
        self.check()?;
        self.stream.read(to)
    }

    fn write(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<usize> {
        self.check()?;
        self.stream.write(bytes, secret)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.check()?;
        self.stream.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.check()?;
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
        time::{Duration, Instant},
    };

    use super::Bounded;

    #[test]
    fn nothing_goes_over_it_after_the_time() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
        let (mut peer, _) = listener.accept().expect("a connection");
        peer.write_all(b"ab").expect("it is taken");
        let now = Instant::now();
        let early = Bounded::stream(stream.into(), now + Duration::from_secs(600));
        assert_eq!(early.read(&mut [0]).expect("a byte"), 1);
        assert!(early.write_all_with_secret(b"c", 0..0).is_ok());
        let late = Bounded::stream(early, now);
        for failed in [
            late.read(&mut [0]).map(drop),
            late.write_all_with_secret(b"d", 0..0),
            late.set_read_timeout(None),
            late.set_write_timeout(None),
        ] {
            assert_eq!(failed.expect_err("too late").kind(), ErrorKind::TimedOut);
        }
    }
}
