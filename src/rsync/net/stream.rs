use std::{
    fmt,
    io::{self, Read, Write},
    net::{Shutdown, TcpStream},
    ops::{Deref, Range},
    os::linux::net::TcpStreamExt as _,
    sync::Arc,
    time::Duration,
};

/// What carries the bytes of a session, both ways; several threads use it at once.
pub trait Transport: fmt::Debug + Send + Sync {
    /// Reads once; 0 at the end.
    ///
    /// # Errors
    ///
    /// What the system says; silence for longer than was allowed.
    fn read(&self, to: &mut [u8]) -> io::Result<usize>;

    /// Writes once; how many of the bytes. Those of a range are a secret, which no record may have.
    ///
    /// # Errors
    ///
    /// What the system says; a peer that takes nothing for longer than was allowed.
    fn write(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<usize>;

    /// How long a read waits at most.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// How long a write waits at most.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()>;

    /// Ends a direction, or both: every wait for it ends then.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn shutdown(&self, how: Shutdown) -> io::Result<()>;

    /// The socket that it is or has, if there is one.
    fn socket(&self) -> Option<&TcpStream>;
}

impl Transport for TcpStream {
    fn read(&self, to: &mut [u8]) -> io::Result<usize> {
        let count = Read::read(&mut &*self, to)?;
        // The daemon holds its last small piece back until we acknowledge the one before, and the kernel delays that by
        // 40 ms unless it is told not to, anew after each read.
        let _ = self.set_quickack(true);
        Ok(count)
    }

    fn write(&self, bytes: &[u8], _secret: Range<usize>) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set_read_timeout(limit)
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.set_write_timeout(limit)
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.shutdown(how)
    }

    fn socket(&self) -> Option<&TcpStream> {
        Some(self)
    }
}

/// A connection to a daemon. Copies of it are the same connection, which ends with the last of them.
#[derive(Clone, Debug)]
pub struct Stream(Arc<dyn Transport>);

impl Stream {
    /// A connection over any transport.
    pub fn new(transport: impl Transport + 'static) -> Self {
        Self(Arc::new(transport))
    }

    /// Writes all. The bytes of a range are a secret.
    ///
    /// # Errors
    ///
    /// What the transport says.
    pub fn write_all_with_secret(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<()> {
        let mut written = 0;
        while written < bytes.len() {
            let left = |place: usize| place.saturating_sub(written);
            match self
                .0
                .write(&bytes[written..], left(secret.start)..left(secret.end))
            {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Deref for Stream {
    type Target = dyn Transport;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl From<TcpStream> for Stream {
    fn from(stream: TcpStream) -> Self {
        Self::new(stream)
    }
}

impl Read for Stream {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.0.read(to)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes, 0..0)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        net::{Shutdown, TcpStream},
        ops::Range,
        sync::Mutex,
        time::Duration,
    };

    use super::{Stream, Transport};

    /// Takes three bytes at a time, and shows a secret as stars.
    #[derive(Debug, Default)]
    struct Slow(Mutex<String>);

    impl Transport for &'static Slow {
        fn read(&self, _to: &mut [u8]) -> io::Result<usize> {
            Ok(0)
        }

        fn write(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<usize> {
            let shown = bytes.iter().enumerate().take(3);
            let shown = shown.map(|(place, byte)| match secret.contains(&place) {
                true => '*',
                false => char::from(*byte),
            });
            let shown: String = shown.collect();
            self.0.lock().expect("no panic").push_str(&shown);
            Ok(shown.len())
        }

        fn set_read_timeout(&self, _limit: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn set_write_timeout(&self, _limit: Option<Duration>) -> io::Result<()> {
            Ok(())
        }

        fn shutdown(&self, _how: Shutdown) -> io::Result<()> {
            Ok(())
        }

        fn socket(&self) -> Option<&TcpStream> {
            None
        }
    }

    #[test]
    fn a_secret_stays_one_however_few_bytes_are_taken() {
        let slow: &'static Slow = Box::leak(Box::default());
        let stream = Stream::new(slow);
        stream
            .write_all_with_secret(b"joe not-a-secret\nmore\n", 4..16)
            .expect("it is taken");
        let shown = slow.0.lock().expect("no panic");
        assert_eq!(*shown, "joe ************\nmore\n");
    }
}
