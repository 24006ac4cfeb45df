use std::{
    io::{self, ErrorKind},
    net::{Shutdown, TcpStream},
    ops::Range,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use crate::rsync::net::{Stream, Transport};

/// When a session has taken too long for a probe. None of it is told to the server, which may refuse `--timeout` or take
/// it over for itself (`set_io_timeout` in io.c).
#[derive(Clone, Debug)]
pub(super) struct Deadline {
    began: Instant,
    /// How long what comes before the transfer may take.
    length: Duration,
    /// How long all of it may; none where a transfer takes as long as its files do.
    whole: Option<Duration>,
    /// How long nothing may come or go, where the command line sets no limit of its own.
    silence: Duration,
    /// Whether a transcript tells when it was too long.
    is_played: bool,
    is_lifted: Arc<AtomicBool>,
    /// The limit that was reached.
    struck: Arc<OnceLock<Duration>>,
}

impl Deadline {
    /// All of a session.
    pub(super) fn of_session(length: Duration, silence: Duration) -> Self {
        Self {
            began: Instant::now(),
            length,
            whole: Some(length),
            silence,
            is_played: false,
            is_lifted: Arc::default(),
            struck: Arc::default(),
        }
    }

    /// What comes before its transfer.
    pub(super) fn of_dialogue(length: Duration, silence: Duration) -> Self {
        Self {
            whole: None,
            ..Self::of_session(length, silence)
        }
    }

    /// The same, and all of the session in no more than that.
    pub(super) fn in_all(self, whole: Duration) -> Self {
        Self {
            length: self.length.min(whole),
            whole: Some(whole),
            ..self
        }
    }

    /// The same, which is over by then.
    pub(super) fn until(self, until: Instant) -> Self {
        let left = until.saturating_duration_since(self.began);
        Self {
            length: self.length.min(left),
            whole: self.whole.map(|whole| whole.min(left)),
            ..self
        }
    }

    /// The same for a session that is played, where no time passes.
    pub(super) fn played(self) -> Self {
        Self {
            is_played: true,
            ..self
        }
    }

    /// How long nothing may come or go.
    pub(super) const fn silence(&self) -> Duration {
        self.silence
    }

    /// The transfer begins.
    pub(super) fn pass_dialogue(&self) {
        self.is_lifted.store(true, Ordering::Relaxed);
    }

    /// The limit of ours that ended the session, if one did.
    pub(super) fn struck(&self) -> Option<Duration> {
        self.struck.get().copied()
    }

    /// Whether nothing may be begun any more.
    pub(super) fn is_over(&self) -> bool {
        self.check().is_err()
    }

    fn check(&self) -> io::Result<()> {
        let limit = match self.is_lifted.load(Ordering::Relaxed) {
            true => self.whole,
            false => Some(self.length),
        };
        match limit.filter(|limit| self.began.elapsed() >= *limit) {
            None => Ok(()),
            Some(limit) => {
                let _ = self.struck.set(limit);
                Err(ErrorKind::TimedOut.into())
            }
        }
    }

    /// How long nothing may come or go from now on; an error if that was long enough.
    fn left(&self, last: Duration) -> io::Result<Duration> {
        let idle = self.began.elapsed().saturating_sub(last);
        let left = self.silence.saturating_sub(idle);
        if left.is_zero() || self.is_played {
            let _ = self.struck.set(self.silence);
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(left)
    }
}

/// A connection that carries nothing any more after a time. A peer that sends something now and then keeps the time limit
/// of its silence from ever being reached.
#[derive(Debug)]
pub(super) struct Bounded {
    stream: Stream,
    deadline: Deadline,
    heard: Arc<Mutex<Vec<u8>>>,
    /// Milliseconds from the deadline's beginning until bytes went last, in either direction.
    last: AtomicU64,
    /// Whether the session has limits of its own, for reading and for writing.
    is_limited: [AtomicBool; 2],
}

/// So many of the first bytes are kept.
const MOST_HEARD: usize = 64 << 10;

impl Bounded {
    /// Bounds a connection; whoever reads or writes after the deadline is told that it takes too long. The first bytes that
    /// come are kept in `heard`.
    pub(super) fn stream(stream: Stream, deadline: Deadline, heard: Arc<Mutex<Vec<u8>>>) -> Stream {
        Stream::new(Self {
            stream,
            last: AtomicU64::new(milliseconds(deadline.began.elapsed())),
            deadline,
            heard,
            is_limited: [const { AtomicBool::new(false) }; 2],
        })
    }

    /// Reads or writes, again for as long as something goes the other way meanwhile.
    fn patiently(
        &self,
        [reading, writing]: [bool; 2],
        mut work: impl FnMut() -> io::Result<usize>,
    ) -> io::Result<usize> {
        let is_limited = &self.is_limited[usize::from(writing)];
        loop {
            self.deadline.check()?;
            match work() {
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
                        && !is_limited.load(Ordering::Relaxed) =>
                {
                    let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
                    let left = self.deadline.left(last)?.max(Duration::from_millis(1));
                    if reading {
                        self.stream.set_read_timeout(Some(left))?;
                    }
                    if writing {
                        self.stream.set_write_timeout(Some(left))?;
                    }
                }
                ended => {
                    if let Ok(1..) = ended {
                        let now = milliseconds(self.deadline.began.elapsed());
                        self.last.store(now, Ordering::Relaxed);
                    }
                    return ended;
                }
            }
        }
    }

    /// The limit of a wait: the session's, else ours.
    fn limit(&self, is_of_writing: bool, limit: Option<Duration>) -> Option<Duration> {
        self.is_limited[usize::from(is_of_writing)].store(limit.is_some(), Ordering::Relaxed);
        let own = || self.deadline.silence.max(Duration::from_millis(1));
        Some(limit.unwrap_or_else(own))
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl Transport for Bounded {
    fn read(&self, to: &mut [u8]) -> io::Result<usize> {
        let count = self.patiently([true, false], || self.stream.read(to))?;
        let mut heard = self.heard.lock().expect("no thread panics with it");
        let room = MOST_HEARD - heard.len();
        heard.extend_from_slice(&to[..count.min(room)]);
        Ok(count)
    }

    fn write(&self, bytes: &[u8], secret: Range<usize>) -> io::Result<usize> {
        self.patiently([false, true], || self.stream.write(bytes, secret.clone()))
    }

    fn set_read_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.deadline.check()?;
        self.stream.set_read_timeout(self.limit(false, limit))
    }

    fn set_write_timeout(&self, limit: Option<Duration>) -> io::Result<()> {
        self.deadline.check()?;
        self.stream.set_write_timeout(self.limit(true, limit))
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
    use crate::rsync::net::Stream;

    const LONG: Duration = Duration::from_secs(600);

    fn pair() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("a connection");
        (stream.into(), listener.accept().expect("a connection").0)
    }

    #[test]
    fn nothing_goes_over_it_after_the_time() {
        let (stream, mut peer) = pair();
        peer.write_all(b"ab").expect("it is taken");
        let early = Bounded::stream(stream, Deadline::of_session(LONG, LONG), Arc::default());
        assert_eq!(early.read(&mut [0]).expect("a byte"), 1);
        assert!(early.write_all_with_secret(b"c", 0..0).is_ok());
        let passed = Deadline::of_dialogue(Duration::ZERO, LONG);
        let late = Bounded::stream(early.clone(), passed.clone(), Arc::default());
        for failed in [
            late.read(&mut [0]).map(drop),
            late.write_all_with_secret(b"d", 0..0),
            late.set_read_timeout(None),
            late.set_write_timeout(None),
        ] {
            assert_eq!(failed.expect_err("too late").kind(), ErrorKind::TimedOut);
        }
        assert_eq!(passed.struck(), Some(Duration::ZERO));
        passed.pass_dialogue();
        assert_eq!(late.read(&mut [0]).expect("a byte"), 1);
        let whole = Deadline::of_session(Duration::ZERO, LONG);
        whole.pass_dialogue();
        assert!(
            Bounded::stream(early, whole, Arc::default())
                .read(&mut [0])
                .is_err()
        );
    }

    #[test]
    fn a_transfer_has_more_time_than_what_comes_before_it() {
        let short = Duration::from_millis(20);
        for (whole, is_over) in [(LONG, false), (short, true)] {
            let deadline = Deadline::of_dialogue(short, LONG).in_all(whole);
            assert!(!deadline.is_over());
            std::thread::sleep(short);
            assert!(deadline.is_over());
            assert_eq!(deadline.struck(), Some(short));
            deadline.pass_dialogue();
            assert_eq!(deadline.is_over(), is_over);
        }
    }

    #[test]
    fn silence_ends_where_nobody_else_set_a_limit() {
        let short = Duration::from_millis(20);
        let (stream, _peer) = pair();
        let deadline = Deadline::of_session(LONG, short);
        let ours = Bounded::stream(stream, deadline.clone(), Arc::default());
        ours.set_read_timeout(None).expect("a limit");
        assert_eq!(
            ours.read(&mut [0]).expect_err("nothing comes").kind(),
            ErrorKind::TimedOut
        );
        assert_eq!(deadline.struck(), Some(short));
        let (stream, _peer) = pair();
        let deadline = Deadline::of_session(LONG, LONG);
        let theirs = Bounded::stream(stream, deadline.clone(), Arc::default());
        theirs.set_read_timeout(Some(short)).expect("a limit");
        assert!(theirs.read(&mut [0]).is_err() && deadline.struck().is_none());
    }
}
