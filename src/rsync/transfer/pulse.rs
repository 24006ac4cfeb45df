use std::{
    io::{self, ErrorKind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::rsync::{
    net::Stream,
    transfer::{Error, wire::socket_error},
};

/// For so many time limits, and for six hours at least, a peer is believed that only says that it is there. After a damaged
/// byte each side may take the other for the busy one, which cannot be told from work: while we wait for a file, or for
/// what is to be sent next, the peer may hash or search a large file, list a large folder or delete one, and says the same
/// empty frames meanwhile as when it waits for the rest of a request that it misread. rsync waits without end.
const LULLS: u64 = 100;
const LONGEST_LULL: u64 = 6 * 60 * 60 * 1000;

/// When bytes went last, in either direction: the time limit counts from there (`check_timeout` in io.c).
#[derive(Clone, Debug)]
pub(crate) struct Pulse {
    start: Instant,
    /// Milliseconds behind the start.
    last: Arc<AtomicU64>,
    /// The same for bytes that mean something.
    work: Arc<AtomicU64>,
    /// Milliseconds; without a limit 0.
    limit: Arc<AtomicU64>,
    /// When all ends.
    stop_at: Option<Instant>,
}

impl Pulse {
    pub(crate) fn new(limit: Option<Duration>, stop_at: Option<Instant>) -> Self {
        Self {
            start: Instant::now(),
            last: Arc::default(),
            work: Arc::default(),
            limit: Arc::new(AtomicU64::new(limit.map_or(0, milliseconds))),
            stop_at,
        }
    }

    /// How long a socket may wait at most.
    pub(crate) fn patience(&self) -> Option<Duration> {
        // A socket does not take nothing for a time.
        let left = self.left().map(|left| left.max(Duration::from_millis(1)));
        [self.limit(), left].into_iter().flatten().min()
    }

    /// What is left until all ends.
    fn left(&self) -> Option<Duration> {
        let stop_at = self.stop_at?;
        Some(stop_at.saturating_duration_since(Instant::now()))
    }

    /// Whether all is to end (`perform_io` in io.c).
    ///
    /// # Errors
    ///
    /// It is.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.left() {
            Some(Duration::ZERO) => Err(Error::Stopped),
            _ => Ok(()),
        }
    }

    /// What a socket's failure means.
    pub(crate) fn failure(&self, action: &'static str, error: io::Error) -> Error {
        let error = socket_error(action, error);
        match error {
            Error::Timeout => self.check().err().unwrap_or(error),
            error => error,
        }
    }

    /// The peer waits no longer than this, so we need not either; `false` if we would not have anyway.
    pub(crate) fn shorten(&self, limit: Duration) -> bool {
        if self.limit().is_some_and(|before| before <= limit) {
            return false;
        }
        self.beat_now();
        self.limit.store(milliseconds(limit), Ordering::Relaxed);
        true
    }

    fn limit(&self) -> Option<Duration> {
        match self.limit.load(Ordering::Relaxed) {
            0 => None,
            limit => Some(Duration::from_millis(limit)),
        }
    }

    /// Bytes came, whatever they mean.
    pub(crate) fn hear(&self) {
        if self.limit.load(Ordering::Relaxed) > 0 {
            self.last.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Bytes went that mean something.
    pub(crate) fn beat(&self) {
        if self.limit.load(Ordering::Relaxed) > 0 {
            self.beat_now();
        }
    }

    fn beat_now(&self) {
        let now = self.now();
        self.last.store(now, Ordering::Relaxed);
        self.work.store(now, Ordering::Relaxed);
    }

    /// The peer says that it is there.
    ///
    /// # Errors
    ///
    /// It has said nothing else for too long.
    pub(crate) fn lull(&self) -> Result<(), Error> {
        let idle = self.now().saturating_sub(self.work.load(Ordering::Relaxed));
        let limit = self.limit.load(Ordering::Relaxed);
        if limit > 0 && !is_believed(idle, limit) {
            return Err(Error::Timeout);
        }
        Ok(())
    }

    /// What to do about a socket's failure: to try again for as long as something went the other way meanwhile.
    pub(crate) fn retry(&self, stream: &Stream, error: &io::Error) -> bool {
        let is_late = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
        if !is_late {
            return false;
        }
        let idle = Duration::from_millis(self.now().saturating_sub(self.last.load(Ordering::Relaxed)));
        let quiet = self.limit().map(|limit| limit.saturating_sub(idle));
        let Some(left) = [quiet, self.left()].into_iter().flatten().min() else {
            return false;
        };
        if left.is_zero() {
            return false;
        }
        // Whatever is read or written next waits no longer than that.
        stream.set_read_timeout(Some(left)).is_ok() && stream.set_write_timeout(Some(left)).is_ok()
    }

    fn now(&self) -> u64 {
        milliseconds(self.start.elapsed())
    }
}

/// Whether a peer that was so long without work, in milliseconds, may still be busy.
fn is_believed(idle: u64, limit: u64) -> bool {
    idle < limit.saturating_mul(LULLS).max(LONGEST_LULL)
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::{
        io::ErrorKind,
        net,
        sync::atomic::{AtomicU64, Ordering},
        time::{Duration, Instant},
    };

    use super::{Pulse, is_believed};
    use crate::rsync::{net::Stream, transfer::Error};

    #[test]
    fn a_peer_that_only_says_that_it_is_there_is_not_believed_for_ever() {
        let hours = |count: u64| count * 60 * 60 * 1000;
        let seconds = |count: u64| count * 1000;
        for (idle, limit, expected) in [
            (hours(5), seconds(1), true),
            (hours(6), seconds(1), false),
            (hours(16), seconds(600), true),
            (hours(17), seconds(600), false),
            (hours(1), u64::MAX, true),
        ] {
            assert_eq!(is_believed(idle, limit), expected, "{idle} {limit}");
        }
        let begun = Instant::now().checked_sub(Duration::from_secs(1));
        let pulse = Pulse {
            start: begun.expect("the machine has run for a second"),
            ..Pulse::new(Some(Duration::from_secs(1)), None)
        };
        let at = |time: &AtomicU64| time.load(Ordering::Relaxed);
        pulse.hear();
        assert!(at(&pulse.last) >= 1000 && at(&pulse.work) == 0);
        pulse.beat();
        assert!(at(&pulse.work) >= 1000 && pulse.lull().is_ok());
    }

    #[test]
    fn a_wait_ends_when_nothing_goes_either_way() {
        let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream =
            net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let stream = Stream::from(stream);
        let late = ErrorKind::WouldBlock.into();
        let patient = Pulse::new(Some(Duration::from_secs(3600)), None);
        patient.beat();
        assert!(patient.retry(&stream, &late));
        assert!(!patient.retry(&stream, &ErrorKind::ConnectionReset.into()));
        let impatient = Pulse::new(None, None);
        assert!(impatient.shorten(Duration::from_secs(60)) && impatient.retry(&stream, &late));
        assert!(!impatient.shorten(Duration::from_secs(60)));
        assert!(!patient.shorten(Duration::from_secs(7200)));
        assert!(!Pulse::new(None, None).retry(&stream, &late));
    }

    #[test]
    fn all_ends_at_a_time() {
        let listener = net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream =
            net::TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let stream = Stream::from(stream);
        let late = || ErrorKind::WouldBlock.into();
        let hour = Duration::from_secs(3600);
        let over = Pulse::new(Some(hour), Some(Instant::now()));
        assert!(matches!(over.check(), Err(Error::Stopped)) && !over.retry(&stream, &late()));
        assert!(matches!(over.failure("read", late()), Error::Stopped));
        assert_eq!(over.patience(), Some(Duration::from_millis(1)));
        let soon = Pulse::new(None, Some(Instant::now() + hour));
        assert!(soon.check().is_ok() && soon.retry(&stream, &late()));
        assert!(matches!(soon.failure("read", late()), Error::Timeout));
        assert!(soon.patience().is_some_and(|patience| patience <= hour));
    }
}
