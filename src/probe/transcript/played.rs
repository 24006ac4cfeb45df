use std::{
    collections::VecDeque,
    io::{self, Read as _},
    net::{Shutdown, TcpStream},
    ops::Range,
    sync::{Condvar, Mutex, MutexGuard},
    time::Duration,
};

use nix::errno::Errno;

use crate::{
    probe::transcript::{
        event::{End, Event, PIECE},
        payload::Payload,
    },
    rsync::net::Transport,
};

/// For so long a reader waits for a writer that has written less than it had then, such as fewer signs
/// of life.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the peer of a connection does.
#[derive(Debug, Default)]
pub(super) struct Script {
    /// What is still to be read.
    pieces: VecDeque<Piece>,
    /// How it ended when that was read, and after how much was written.
    end: Option<(u64, End)>,
    /// After how much the client could write no more, what was still to be read then, and why.
    unsent: Option<(u64, usize, End)>,
    /// How much it wrote.
    written: Payload,
}

/// Bytes that come once so many were written.
#[derive(Debug)]
struct Piece {
    after: u64,
    bytes: VecDeque<u8>,
}

impl Script {
    /// What happens next.
    pub(super) fn push(&mut self, event: Event) {
        // What could be written after all was only slow.
        if matches!(event, Event::Sent(_) | Event::Hidden(_)) {
            self.unsent = None;
        }
        let written = &mut self.written.count;
        match event {
            Event::Sent(bytes) => self.written.take(&bytes, PIECE),
            Event::Hidden(count) => *written = written.saturating_add(count as u64),
            Event::Untaken(count) => *written = written.saturating_sub(count as u64),
            Event::Unsent(end) => self.unsent = Some((*written, self.pieces.len(), end)),
            Event::Ended(end) => self.end = Some((*written, end)),
            Event::Received(bytes) if !bytes.is_empty() => {
                self.end = None;
                match self.pieces.back_mut() {
                    Some(piece) if piece.after == *written && self.unsent.is_none() => {
                        piece.bytes.extend(bytes);
                    }
                    _ => self.pieces.push_back(Piece {
                        after: *written,
                        bytes: bytes.into(),
                    }),
                }
            }
            _ => {}
        }
    }
}

/// A connection whose peer says what a transcript says, each piece as soon as the client has written as much as it had
/// written then.
#[derive(Debug)]
pub(super) struct Played {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    script: Script,
    /// How much the client has written.
    written: Payload,
    /// What this side has shut.
    is_deaf: bool,
    is_mute: bool,
    /// Whether a wait has ended as it ended then, and no other may follow.
    is_late: bool,
}

impl Played {
    pub(super) fn new(mut script: Script) -> Self {
        let all = script.pieces.len();
        if let Some((_, pieces, _)) = &mut script.unsent {
            *pieces = all - *pieces;
        }
        Self {
            state: Mutex::new(State {
                script,
                written: Payload::default(),
                is_deaf: false,
                is_mute: false,
                is_late: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    /// Waits until something holds, but no longer than others do something.
    fn wait<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        holds: impl Fn(&State) -> bool,
    ) -> MutexGuard<'s, State> {
        let progress = |state: &State| (state.written.count, state.script.pieces.len());
        while !holds(&state) {
            let before = progress(&state);
            let waited = self.changed.wait_timeout(state, PATIENCE);
            let (next, timeout) = waited.expect("no thread panics with it");
            state = next;
            if timeout.timed_out() && progress(&state) == before {
                break;
            }
        }
        state
    }
}

impl State {
    /// What a direction ends with.
    fn fail(&mut self, end: End) -> io::Result<usize> {
        match end {
            End::Closed => Ok(0),
            End::Late => {
                self.is_late = true;
                Err(io::ErrorKind::WouldBlock.into())
            }
            End::Failed(failure) => Err(failure.error()),
        }
    }

    fn set_timeout(&self) -> io::Result<()> {
        // Whoever would wait again need not: nothing comes any more.
        match self.is_late {
            true => Err(io::ErrorKind::Unsupported.into()),
            false => Ok(()),
        }
    }
}

impl Transport for Played {
    fn read(&self, to: &mut [u8]) -> io::Result<usize> {
        let next = |state: &State| match (state.script.pieces.front(), &state.script.end) {
            (Some(piece), _) => piece.after,
            (None, Some((after, _))) => *after,
            (None, None) => 0,
        };
        let is_ready = |state: &State| state.is_deaf || state.written.count >= next(state);
        let mut state = self.wait(self.state(), is_ready);
        if state.is_deaf {
            return Ok(0);
        }
        // What was waited for in vain is as good as written.
        state.written.count = state.written.count.max(next(&state));
        let Some(piece) = state.script.pieces.front_mut() else {
            let end = state.script.end.clone();
            return state.fail(end.map_or(End::Closed, |(_, end)| end));
        };
        let count = piece.bytes.read(to)?;
        if piece.bytes.is_empty() {
            state.script.pieces.pop_front();
        }
        self.changed.notify_all();
        Ok(count)
    }

    fn write(&self, bytes: &[u8], _secret: Range<usize>) -> io::Result<usize> {
        let mut state = self.state();
        let mut count = bytes.len();
        if let Some((most, left, end)) = state.script.unsent.clone() {
            let room = most.saturating_sub(state.written.count);
            if room == 0 {
                state = self.wait(state, |state| state.is_mute || state.script.pieces.len() <= left);
                if !state.is_mute {
                    return state.fail(end);
                }
            }
            count = count.min(usize::try_from(room).unwrap_or(count));
        }
        if state.is_mute {
            return Err(Errno::EPIPE.into());
        }
        bytes[..count]
            .chunks(PIECE)
            .for_each(|piece| state.written.take(piece, PIECE));
        self.changed.notify_all();
        Ok(count)
    }

    fn set_read_timeout(&self, _limit: Option<Duration>) -> io::Result<()> {
        self.state().set_timeout()
    }

    fn set_write_timeout(&self, _limit: Option<Duration>) -> io::Result<()> {
        self.state().set_timeout()
    }

    fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let mut state = self.state();
        state.is_deaf |= matches!(how, Shutdown::Read | Shutdown::Both);
        state.is_mute |= matches!(how, Shutdown::Write | Shutdown::Both);
        self.changed.notify_all();
        Ok(())
    }

    fn socket(&self) -> Option<&TcpStream> {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::{io::ErrorKind, net::Shutdown, thread};

    use super::{Played, Script};
    use crate::{
        probe::transcript::event::{End, Event},
        rsync::net::Transport as _,
    };

    fn played(lines: &[&str]) -> Played {
        let mut script = Script::default();
        for line in lines {
            script.push(Event::read(line).expect(line));
        }
        Played::new(script)
    }

    fn read(played: &Played) -> String {
        let mut bytes = [0; 64];
        match played.read(&mut bytes) {
            Ok(count) => String::from_utf8_lossy(&bytes[..count]).into_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn an_answer_comes_after_what_it_answers() {
        let played = played(&["< \"a\"", "> \"xy\"", "> hidden 2", "< \"b\"", "< \"c\"", "< end"]);
        assert_eq!(read(&played), "a");
        thread::scope(|scope| {
            let reading = scope.spawn(|| read(&played));
            for _ in 0..4 {
                assert_eq!(played.write(b"?", 0..0).expect("it is taken"), 1);
            }
            assert_eq!(reading.join().expect("no panic"), "bc");
        });
        assert_eq!([read(&played), read(&played)], ["", ""]);
    }

    #[test]
    fn who_writes_less_is_answered_all_the_same() {
        let played = played(&["> \"xy\"", "< \"a\"", "> \"z\"", "< \"b\"", "< failed 104 \"\""]);
        played.write(b"?", 0..0).expect("it is taken");
        assert_eq!(read(&played), "a");
        played.write(b"?", 0..0).expect("it is taken");
        assert_eq!(read(&played), "b");
        assert!(read(&played).starts_with("Connection reset"));
    }

    #[test]
    fn what_could_not_be_written_cannot_be_written_again() {
        let played = played(&["> \"xyz\"", "> untaken 1", "< \"a\"", "> failed 32 \"\""]);
        assert_eq!(played.write(b"?", 0..0).expect("it is taken"), 1);
        thread::scope(|scope| {
            let writing = scope.spawn(|| played.write(b"???", 0..0));
            assert_eq!(read(&played), "a");
            assert_eq!(writing.join().expect("no panic").expect("one is taken"), 1);
        });
        let error = played.write(b"?", 0..0).expect_err("no more");
        assert_eq!(error.kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_wait_that_was_too_long_is_not_waited_again() {
        let played = played(&["< late", "< \"a\"", "< late"]);
        assert_eq!(read(&played), "a");
        assert!(played.set_read_timeout(None).is_ok());
        let error = played.read(&mut [0]).expect_err("nothing");
        assert_eq!(End::of(&error), End::Late);
        assert!(played.set_read_timeout(None).is_err());
    }

    #[test]
    fn what_is_shut_ends_waits() {
        let played = played(&["> \"x\"", "< \"a\""]);
        thread::scope(|scope| {
            let reading = scope.spawn(|| read(&played));
            played.shutdown(Shutdown::Both).expect("it is shut");
            assert_eq!(reading.join().expect("no panic"), "");
        });
        assert!(played.write(b"x", 0..0).is_err());
    }
}
