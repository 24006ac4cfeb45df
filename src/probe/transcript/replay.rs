use std::{
    collections::{BTreeMap, VecDeque},
    io,
    net::SocketAddr,
    sync::{Mutex, MutexGuard},
};

use thiserror::Error as ThisError;

use crate::{
    probe::{
        sample::is_name,
        transcript::{
            Head,
            event::{Event, Failure},
            played::{Played, Script},
        },
    },
    rsync::net::{ConnectError, Stream},
    terms::Exit,
};

/// Connections of a transcript: no probe makes so many.
const MOST_CONNECTIONS: usize = 1000;

/// A text that is no transcript, or not a whole one.
#[derive(Debug, ThisError)]
pub enum NoTranscript {
    /// A line that makes no sense, counted from 1.
    #[error("line {0}: no transcript of `rsyncctl probe --trace` has such a line here")]
    Line(usize),
    /// The rest of it was left out.
    #[error("it was cut at 16 MiB, so that it cannot be played again; record less of it, with `--max-bytes`")]
    Cut,
}

/// A network that says what a transcript says.
#[derive(Debug)]
pub struct Replay {
    /// What it is about.
    pub head: Head,
    /// The addresses of the host, or what the resolver said.
    pub(super) resolved: Result<Vec<SocketAddr>, String>,
    /// Why there was no password; an empty reason is that nobody gave one.
    pub no_password: Option<String>,
    /// What the folder of the write test was called.
    pub(super) sample: Option<String>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// What comes of each attempt to connect, in order.
    attempts: VecDeque<Attempt>,
    is_short: bool,
}

#[derive(Debug)]
enum Attempt {
    Refused(Failure),
    Unconnected(u8, String),
    Connected(Script),
}

impl Replay {
    /// Reads a transcript.
    ///
    /// # Errors
    ///
    /// A text that is none.
    pub fn read(text: &[u8]) -> Result<Self, NoTranscript> {
        let first_bad = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let text = str::from_utf8(text)
            .map_err(|error| NoTranscript::Line(first_bad(&text[..error.valid_up_to()])))?;
        let mut lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        let head = Head::read(&mut lines).map_err(NoTranscript::Line)?;
        let mut replay = Self {
            head,
            resolved: Ok(Vec::new()),
            no_password: None,
            sample: None,
            state: Mutex::new(State {
                attempts: VecDeque::new(),
                is_short: false,
            }),
        };
        // Where the attempt of each connection stands.
        let mut places = BTreeMap::new();
        let mut attempts: Vec<Attempt> = Vec::new();
        for (number, line) in lines.filter(|(_, line)| !line.is_empty()) {
            let read = read(line).ok_or(NoTranscript::Line(number))?;
            let is_sound = match read {
                (_, Event::Cut) => return Err(NoTranscript::Cut),
                (_, event @ (Event::Resolved(_) | Event::Unresolved(_))) => replay.resolve(event),
                (_, Event::NoPassword(text)) => {
                    replay.no_password = Some(text);
                    true
                }
                (_, Event::Sample(name)) => is_name(&name) && replay.sample.replace(name).is_none(),
                (_, Event::Refused(_, failure)) => {
                    attempts.push(Attempt::Refused(failure));
                    true
                }
                (_, Event::Unconnected(exit, text)) => {
                    attempts.push(Attempt::Unconnected(exit, text));
                    true
                }
                (connection, Event::Connected(_)) => {
                    let before = places.insert(connection, attempts.len());
                    attempts.push(Attempt::Connected(Script::default()));
                    before.is_none()
                }
                (connection, event) => {
                    let place = places.get(&connection);
                    match place.map(|place| &mut attempts[*place]) {
                        Some(Attempt::Connected(script)) => {
                            script.push(event);
                            true
                        }
                        _ => false,
                    }
                }
            };
            if !is_sound || attempts.len() > MOST_CONNECTIONS {
                return Err(NoTranscript::Line(number));
            }
        }
        replay.state().attempts = attempts.into();
        Ok(replay)
    }

    fn resolve(&mut self, event: Event) -> bool {
        match (event, &mut self.resolved) {
            (Event::Resolved(address), Ok(addresses)) if addresses.len() < MOST_CONNECTIONS => {
                addresses.push(address);
                true
            }
            (Event::Unresolved(text), _) => {
                self.resolved = Err(text);
                true
            }
            _ => false,
        }
    }

    /// What comes of the next attempt to connect.
    ///
    /// # Errors
    ///
    /// There is no connection.
    pub(super) fn connect(&self) -> Result<Stream, (io::Error, ConnectError)> {
        let refused = |error: &io::Error| ConnectError::ProxyAnswer(error.to_string());
        let mut state = self.state();
        match state.attempts.pop_front() {
            Some(Attempt::Connected(script)) => Ok(Stream::new(Played::new(script))),
            Some(Attempt::Refused(failure)) => {
                let again = refused(&failure.error());
                Err((failure.error(), again))
            }
            Some(Attempt::Unconnected(exit, text)) => {
                let error = match exit == Exit::ConnectTimeout.code() {
                    true => ConnectError::TimedOut,
                    false => ConnectError::ProxyAnswer(text.clone()),
                };
                Err((io::Error::other(text), error))
            }
            None => {
                state.is_short = true;
                let error = io::Error::other("the transcript has no more connections");
                let same = refused(&error);
                Err((error, same))
            }
        }
    }

    /// Whether more was asked for than it has.
    pub(super) fn is_short(&self) -> bool {
        self.state().is_short
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }
}

/// The connection and the event of a line.
fn read(line: &str) -> Option<(usize, Event)> {
    let mut parts = line.splitn(3, ' ');
    let _seconds: f64 = parts.next()?.parse().ok()?;
    let connection = parts.next()?.parse().ok()?;
    Some((connection, Event::read(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{NoTranscript, Replay};

    const TEXT: &str = "rsyncctl transcript 1\n# note\nbegan \"2026-01-02T03:04:05Z\"\nprobe \"host::\"\n\n\
                        0.1 0 resolved 192.0.2.1:873\n0.2 1 connected 192.0.2.1:873\n0.3 1 > \"x\"\n0.4 1 < end\n";

    #[test]
    fn a_line_that_makes_no_sense_is_named() {
        assert!(Replay::read(TEXT.as_bytes()).is_ok());
        for (line, number) in [
            ("0.5 2 < \"x\"", 10),
            ("x 1 < \"x\"", 10),
            ("0.5 1 connected 192.0.2.1:873", 10),
            ("0.5 0 sample \"/etc\"", 10),
            ("\u{7f}", 10),
        ] {
            let read = Replay::read(format!("{TEXT}{line}\n").as_bytes());
            assert!(
                matches!(read, Err(NoTranscript::Line(at)) if at == number),
                "{line}: {read:?}"
            );
        }
        let mut bytes = TEXT.as_bytes().to_vec();
        bytes.push(0xff);
        assert!(matches!(Replay::read(&bytes), Err(NoTranscript::Line(10))));
        assert!(matches!(Replay::read(b"x"), Err(NoTranscript::Line(1))));
        assert!(Replay::read(&bytes[..29]).is_ok());
        let head = TEXT.replace("probe", "prove");
        assert!(matches!(
            Replay::read(head.as_bytes()),
            Err(NoTranscript::Line(4))
        ));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(at in 0..TEXT.len(), with: Vec<u8>) {
            let mut bytes = TEXT.as_bytes().to_vec();
            let end = bytes.len().min(at + with.len() / 2);
            bytes.splice(at..end, with);
            let _ = Replay::read(&bytes);
        }
    }
}
