use std::{
    io::{self, ErrorKind},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// When bytes went last, in either direction: the time limit counts from there (`check_timeout` in io.c).
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Milliseconds behind the start.
    last: Arc<AtomicU64>,
    limit: Option<Duration>,
}

impl Pulse {
    pub(crate) fn new(limit: Option<Duration>) -> Self {
        Self {
            start: Instant::now(),
            last: Arc::default(),
            limit,
        }
    }

    /// Bytes went.
    pub(crate) fn beat(&self) {
        if self.limit.is_some() {
            self.last.store(self.now(), Ordering::Relaxed);
        }
    }

    /// What to do about a socket's failure: to try again for as long as something went the other way meanwhile.
    pub(crate) fn retry(&self, stream: &TcpStream, error: &io::Error) -> bool {
        let is_late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        let Some(limit) = self.limit.filter(|_| is_late) else {
            return false;
        };
        let idle = Duration::from_millis(self.now() - self.last.load(Ordering::Relaxed));
        let Some(left) = limit.checked_sub(idle).filter(|left| !left.is_zero()) else {
            return false;
        };
        // Whatever is read or written next waits no longer than that.
        stream.set_read_timeout(Some(left)).is_ok() && stream.set_write_timeout(Some(left)).is_ok()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, net, time::Duration};

    use super::Pulse;

    #[test]
    fn a_wait_ends_when_nothing_goes_either_way() {
        let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream =
            net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let late = ErrorKind::WouldBlock.into();
        let patient = Pulse::new(Some(Duration::from_secs(3600)));
        patient.beat();
        assert!(patient.retry(&stream, &late));
        assert!(!patient.retry(&stream, &ErrorKind::ConnectionReset.into()));
        assert!(!Pulse::new(Some(Duration::ZERO)).retry(&stream, &late));
        assert!(!Pulse::new(None).retry(&stream, &late));
    }
}
