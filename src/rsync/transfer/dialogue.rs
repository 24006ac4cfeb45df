use std::{
    io::{self, Read as _},
    ops::Range,
    thread,
    time::{Duration, Instant},
};

use crate::rsync::{
    net::Stream,
    proto::{Digest, Greeting, NoGreeting, Reply, response},
    transfer::{Error, Event, Observer, text::shown, wire::socket_error},
};

/// A line of so many bytes without its end is none, and rsync goes on no further (`read_line_old` in io.c, with
/// `BIGPATHBUFLEN` bytes for the line; seen with the message of the day of rsync 3.5.0).
const MAX_LINE: usize = 5119;

/// Asks for a user's password when the daemon wants one.
pub trait Credentials {
    /// The user's name.
    fn user(&self) -> String;

    /// The password; empty if there is none.
    ///
    /// # Errors
    ///
    /// A password file that cannot be used.
    fn password(&self) -> Result<Vec<u8>, Error>;
}

/// What a client wants of a daemon.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Dialogue<'a> {
    /// The list of its modules.
    List,
    /// A session with a module.
    Module {
        /// Its name.
        name: &'a [u8],
        /// What the daemon hands to the module's `early exec`.
        early_input: &'a [u8],
    },
}

/// When a client asks for what it wants.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Opening {
    /// At once, which saves a round trip. A peer that hangs up without a look at it resets the connection.
    Ahead,
    /// As rsync does: greets at once, and asks behind the daemon's greeting (`exchange_protocols` and
    /// `start_inband_exchange` in clientserver.c). A peer that hangs up with the greeting unread resets the connection.
    BehindGreeting,
    /// The same to a program in the place of a connection. Until it is started the greeting is there, so that its end
    /// resets the connection unless it has read that (seen with rsync 3.5.0).
    OfProgram,
}

/// As long rsync needs from the connection to its greeting: it reads the configuration of OpenSSL meanwhile (seen with
/// rsync 3.5.0). What hangs up within that time has nothing unread yet, and ends it without a reset.
const PREPARATION: Duration = Duration::from_micros(1500);

/// A connection whose daemon said yes.
#[derive(Debug)]
pub struct Opened {
    /// The connection.
    pub stream: Stream,
    /// The protocol that both speak.
    pub protocol: u8,
    /// What the daemon already sent behind its yes.
    pub received: Vec<u8>,
    /// How long it took to answer, at best.
    pub round_trip: Duration,
}

/// Greets a daemon and asks for a module; `None` if the listing was wanted, and came (`start_inband_exchange` in
/// clientserver.c).
///
/// # Errors
///
/// A peer that is no daemon, or a refusal.
pub fn open(
    stream: Stream,
    protocol: u8,
    opening: Opening,
    dialogue: Dialogue<'_>,
    credentials: &dyn Credentials,
    observer: &dyn Observer,
) -> Result<Option<Opened>, Error> {
    let mut lines = Lines {
        stream,
        buffer: Vec::new(),
    };
    let own = Greeting::of_client(protocol);
    match opening {
        Opening::Ahead => {
            let (request, secret) = request(dialogue);
            lines.write(&[&*own, &request].concat(), behind(&own, secret))?;
        }
        Opening::BehindGreeting => {
            thread::sleep(PREPARATION);
            lines.write(&own, 0..0)?;
        }
        Opening::OfProgram => lines.write(&own, 0..0)?,
    }
    let mut sent = Instant::now();
    let line = match lines.next() {
        Ok(Some(line)) => line,
        ended => {
            observer.observe(Event::NoGreeting(&lines.buffer));
            return Err(match ended {
                Ok(_) => Error::NoGreeting,
                // A text of rsync's ends there: whatever comes behind it, no greeting does.
                Err(_) if lines.buffer.contains(&0) => Error::NoGreeting,
                // rsync asks for nothing before it is greeted, and so is not told of what went unread.
                Err(Error::Dialogue { .. }) if lines.buffer.is_empty() && opening == Opening::Ahead => {
                    Error::NoGreeting
                }
                Err(error) => error,
            });
        }
    };
    let round_trip = sent.elapsed();
    // A text of rsync's ends there. What is no text may go on behind the end of its line.
    if line.contains(&0) {
        observer.observe(Event::NoGreeting(
            &[&line, b"\n".as_slice(), &lines.buffer].concat(),
        ));
        return Err(Error::NoGreeting);
    }
    observer.observe(Event::Greeting(&line));
    let greeting = Greeting::parse(&line).map_err(|why| match why {
        NoGreeting::Foreign => Error::NotGreeting(shown(&line)),
        NoGreeting::Lacks(what) => Error::ShortGreeting {
            what,
            line: shown(&line),
        },
    })?;
    let protocol = greeting.agree(protocol)?;
    observer.observe(Event::Agreed(protocol));
    if opening != Opening::Ahead {
        let (request, secret) = request(dialogue);
        lines.write(&request, secret)?;
        sent = Instant::now();
    }
    while let Some(line) = lines.next()? {
        match Reply::parse(&line) {
            Reply::Ok => {
                observer.observe(Event::Accepted);
                greeting.check()?;
                return Ok(Some(Opened {
                    stream: lines.stream,
                    protocol,
                    received: lines.buffer,
                    round_trip: round_trip.min(sent.elapsed()),
                }));
            }
            Reply::End => return Ok(None),
            Reply::Refused(line) => return Err(Error::Refused(shown(line))),
            Reply::Text(line) => observer.observe(Event::Line(line)),
            Reply::Challenge(challenge) => {
                let digest = Digest::choose(greeting.digests.as_deref(), protocol).ok_or_else(|| {
                    let names = greeting.digests.iter().flatten();
                    Error::NoDigest {
                        theirs: names.map(|name| shown(name)).collect::<Vec<_>>().join(" "),
                        ours: Digest::ALL.map(Digest::name).join(" "),
                    }
                })?;
                observer.observe(Event::Challenged(digest.name()));
                let password = credentials.password()?;
                let answer = response(digest, &password, challenge);
                let user = credentials.user();
                // Whoever has challenge and answer can guess passwords at leisure.
                let secret = user.len() + 1..user.len() + 1 + answer.len();
                lines.write(format!("{user} {answer}\n").as_bytes(), secret)?;
                sent = Instant::now();
            }
        }
    }
    // Daemons have said that a listing ends since protocol 25.
    Err(Error::NoStartupLine)
}

/// What a daemon is asked for, and what of it is a secret.
fn request(dialogue: Dialogue<'_>) -> (Vec<u8>, Range<usize>) {
    let mut request = Vec::new();
    let mut secret = 0..0;
    match dialogue {
        Dialogue::List => request.extend_from_slice(b"#list"),
        Dialogue::Module { name, early_input } => {
            if !early_input.is_empty() {
                request.extend_from_slice(format!("#early_input={}\n", early_input.len()).as_bytes());
                // It may be what unlocks a disk.
                secret = request.len()..request.len() + early_input.len();
                request.extend_from_slice(early_input);
            }
            request.extend_from_slice(name);
        }
    }
    request.push(b'\n');
    (request, secret)
}

/// A part of what stands behind some bytes.
fn behind(before: &[u8], part: Range<usize>) -> Range<usize> {
    before.len() + part.start..before.len() + part.end
}

/// The dialogue's lines, without their ends.
struct Lines {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Lines {
    fn write(&self, bytes: &[u8], secret: Range<usize>) -> Result<(), Error> {
        self.stream
            .write_all_with_secret(bytes, secret)
            .map_err(|error| failed("safe_write failed", error))
    }

    /// The next line; `None` when the daemon has hung up, or does not come to the line's end.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.buffer[searched..].iter().position(|&byte| byte == b'\n') {
                if searched + end >= MAX_LINE {
                    return Ok(None);
                }
                let mut line: Vec<_> = self.buffer.drain(..=searched + end).collect();
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(Some(line));
            }
            searched = self.buffer.len();
            if searched >= MAX_LINE {
                return Ok(None);
            }
            let mut piece = [0; 4096];
            match self.stream.read(&mut piece) {
                Ok(0) => return Ok(None),
                Ok(count) => self.buffer.extend_from_slice(&piece[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(failed("safe_read failed to read 1 bytes", error)),
            }
        }
    }
}

/// What a socket's failure means before the session.
fn failed(action: &'static str, source: io::Error) -> Error {
    match socket_error("", source) {
        Error::Socket { source, .. } => Error::Dialogue { action, source },
        error => error,
    }
}
