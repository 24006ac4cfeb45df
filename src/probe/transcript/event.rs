use std::{io, net::SocketAddr};

/// Bytes that stand on one line.
pub(super) const PIECE: usize = 512;

/// Something that happened on the wire.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Event {
    /// The host has this address.
    Resolved(SocketAddr),
    /// The host has none.
    Unresolved(String),
    /// An address takes no connection.
    Refused(SocketAddr, Failure),
    /// A connection is made; none of our doing has no address.
    Connected(Option<SocketAddr>),
    /// There is none, and what rsync ends with.
    Unconnected(u8, String),
    /// The client begins to write.
    Sent(Vec<u8>),
    /// The same with bytes that nobody shall see.
    Hidden(usize),
    /// So many of these bytes it could not write.
    Untaken(usize),
    /// It could not write: the peer takes nothing, or this failure.
    Unsent(End),
    /// The client has read.
    Received(Vec<u8>),
    /// It could not read any more.
    Ended(End),
    /// The password could not be had, and why; without a reason nobody gave one.
    NoPassword(String),
    /// The folder of the write test is called so.
    Sample(String),
    /// The client has closed.
    Closed,
    /// The rest is left out.
    Cut,
}

/// How a direction ends.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum End {
    /// The peer has closed.
    Closed,
    /// Nothing went for too long.
    Late,
    /// The connection failed.
    Failed(Failure),
}

/// What the system says: its number, if it has one, and its words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    number: Option<i32>,
    text: String,
}

impl Failure {
    /// The system's error again.
    pub(super) fn error(&self) -> io::Error {
        match self.number {
            Some(number) => io::Error::from_raw_os_error(number),
            None => io::Error::other(self.text.clone()),
        }
    }

    fn write(&self) -> String {
        let number = self
            .number
            .map_or_else(|| "-".to_owned(), |number| number.to_string());
        format!("{number} {}", quoted(self.text.as_bytes()))
    }

    fn read(text: &str) -> Option<Self> {
        let (number, text) = text.split_once(' ')?;
        let number = match number {
            "-" => None,
            number => Some(number.parse().ok().filter(|number| *number > 0)?),
        };
        Some(Self {
            number,
            text: text_of(text)?,
        })
    }
}

impl From<&io::Error> for Failure {
    fn from(error: &io::Error) -> Self {
        Self {
            number: error.raw_os_error(),
            text: error.to_string(),
        }
    }
}

impl End {
    /// What an error of a connection's means.
    pub(super) fn of(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Late,
            _ => Self::Failed(error.into()),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Closed => "end".to_owned(),
            Self::Late => "late".to_owned(),
            Self::Failed(failure) => format!("failed {}", failure.write()),
        }
    }

    fn read(text: &str) -> Option<Self> {
        match text {
            "end" => Some(Self::Closed),
            "late" => Some(Self::Late),
            text => Some(Self::Failed(Failure::read(text.strip_prefix("failed ")?)?)),
        }
    }
}

impl Event {
    /// How it is written, on one or more lines.
    pub(super) fn lines(&self) -> Vec<String> {
        let pieces = |sign: &str, bytes: &[u8]| {
            let pieces = bytes.chunks(PIECE);
            pieces.map(|piece| format!("{sign} {}", quoted(piece))).collect()
        };
        let one = match self {
            Self::Sent(bytes) => return pieces(">", bytes),
            Self::Received(bytes) => return pieces("<", bytes),
            Self::Resolved(address) => format!("resolved {address}"),
            Self::Unresolved(text) => format!("unresolved {}", quoted(text.as_bytes())),
            Self::Refused(address, failure) => format!("refused {address} {}", failure.write()),
            Self::Connected(None) => "connected".to_owned(),
            Self::Connected(Some(address)) => format!("connected {address}"),
            Self::Unconnected(exit, text) => format!("unconnected {exit} {}", quoted(text.as_bytes())),
            Self::Hidden(count) => format!("> hidden {count}"),
            Self::Untaken(count) => format!("> untaken {count}"),
            Self::Unsent(end) => format!("> {}", end.write()),
            Self::Ended(end) => format!("< {}", end.write()),
            Self::NoPassword(text) => format!("password {}", quoted(text.as_bytes())),
            Self::Sample(name) => format!("sample {}", quoted(name.as_bytes())),
            Self::Closed => "closed".to_owned(),
            Self::Cut => "cut".to_owned(),
        };
        vec![one]
    }

    /// Reads a line again.
    pub(super) fn read(line: &str) -> Option<Self> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        Some(match (verb, rest) {
            ("resolved", address) => Self::Resolved(address.parse().ok()?),
            ("unresolved", text) => Self::Unresolved(text_of(text)?),
            ("refused", rest) => {
                let (address, failure) = rest.split_once(' ')?;
                Self::Refused(address.parse().ok()?, Failure::read(failure)?)
            }
            ("connected", "") => Self::Connected(None),
            ("connected", address) => Self::Connected(Some(address.parse().ok()?)),
            ("unconnected", rest) => {
                let (exit, text) = rest.split_once(' ')?;
                Self::Unconnected(exit.parse().ok()?, text_of(text)?)
            }
            (">", bytes) if bytes.starts_with('"') => Self::Sent(unquoted(bytes)?),
            ("<", bytes) if bytes.starts_with('"') => Self::Received(unquoted(bytes)?),
            (">", rest) => match rest.split_once(' ') {
                Some(("hidden", count)) => Self::Hidden(count.parse().ok()?),
                Some(("untaken", count)) => Self::Untaken(count.parse().ok()?),
                _ => Self::Unsent(End::read(rest)?),
            },
            ("<", rest) => Self::Ended(End::read(rest)?),
            ("password", text) => Self::NoPassword(text_of(text)?),
            ("sample", name) => Self::Sample(text_of(name)?),
            ("closed", "") => Self::Closed,
            ("cut", "") => Self::Cut,
            _ => return None,
        })
    }
}

/// Bytes as text in quotes.
pub(super) fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", bytes.escape_ascii())
}

/// The text of quoted bytes.
pub(super) fn text_of(quoted: &str) -> Option<String> {
    String::from_utf8(unquoted(quoted)?).ok()
}

/// The bytes of a text in quotes.
fn unquoted(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'"' => return None,
            b'\\' => match rest.next()? {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'x' => {
                    let digit = |byte: u8| char::from(byte).to_digit(16);
                    let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
                    u8::try_from(value).ok()?
                }
                escaped @ (b'"' | b'\'' | b'\\') => escaped,
                _ => return None,
            },
            b' '..=b'~' => byte,
            _ => return None,
        });
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::{End, Event, quoted, unquoted};

    #[test]
    fn what_is_written_is_read() {
        let address = "[2001:db8::1]:873".parse().expect("an address");
        let failed = || (&io::Error::from_raw_os_error(104)).into();
        let other = || (&io::Error::other("no \"local\" address\n")).into();
        for event in [
            Event::Resolved(address),
            Event::Unresolved("Name or service not known".to_owned()),
            Event::Refused(address, failed()),
            Event::Refused(address, other()),
            Event::Connected(Some(address)),
            Event::Connected(None),
            Event::Unconnected(35, "two\nlines".to_owned()),
            Event::Sent(b"joe \x00\xff\"'\\\r\n\t".to_vec()),
            Event::Hidden(22),
            Event::Untaken(1),
            Event::Unsent(End::Late),
            Event::Unsent(End::Failed(failed())),
            Event::Received(b"@RSYNCD: 32.0\n".to_vec()),
            Event::Ended(End::Closed),
            Event::Ended(End::Failed(other())),
            Event::NoPassword("ERROR: \u{53e3}\u{4ee4}".to_owned()),
            Event::Sample("rsyncctl-probe-0123456789abcdef".to_owned()),
            Event::Closed,
            Event::Cut,
        ] {
            let lines = event.lines();
            assert!(lines.len() == 1 && lines[0].is_ascii(), "{lines:?}");
            assert_eq!(Event::read(&lines[0]), Some(event));
        }
        let long = Event::Received(vec![0; 2000]).lines();
        assert_eq!(long.len(), 4);
    }

    #[test]
    fn what_is_none_is_refused() {
        for line in [
            "",
            "resolved host",
            "> x",
            "> \"\\q\"",
            "> \"\\x1\"",
            "> \"a\"b\"",
            "> \"",
            "< hidden 1",
            "> hidden -1",
            "< failed 0 \"\"",
            "closed now",
            "unresolved \"\\xff\"",
        ] {
            assert_eq!(Event::read(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_survive_the_quotes(bytes: Vec<u8>) {
            prop_assert_eq!(unquoted(&quoted(&bytes)), Some(bytes));
        }

        #[test]
        fn any_line_is_read_or_refused(line: String) {
            let _ = Event::read(&line);
        }
    }
}
