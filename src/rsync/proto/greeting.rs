use crate::rsync::proto::{Digest, OLDEST_PROTOCOL, PROTOCOL, Violation};

/// The first line of a daemon: `@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4` (`exchange_protocols` in clientserver.c).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting {
    /// The newest protocol of the peer's.
    pub protocol: u32,
    /// Not zero in a release that was not finished.
    pub sub: u32,
    /// The digests for passwords; daemons before 3.2.7 do not name them.
    pub digests: Option<Vec<Vec<u8>>>,
}

impl Greeting {
    /// What a client says that wants to speak that protocol.
    pub fn of_client(protocol: u8) -> Vec<u8> {
        let names = Digest::ALL.map(Digest::name).join(" ");
        format!("@RSYNCD: {protocol}.0 {names}\n").into_bytes()
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    ///
    /// A line that is no greeting, or without what its version must say.
    pub fn parse(line: &[u8]) -> Result<Self, NoGreeting> {
        // The blank of `sscanf` stands for any number of blanks, none among them.
        let text = line.strip_prefix(b"@RSYNCD:").ok_or(NoGreeting::Foreign)?;
        let text = text.trim_ascii_start();
        let mut words = text.split(|&byte| byte == b' ').filter(|word| !word.is_empty());
        let version = words.next().ok_or(NoGreeting::Foreign)?;
        let (protocol, sub) = match version.iter().position(|&byte| byte == b'.') {
            Some(dot) => (number(&version[..dot])?, Some(number(&version[dot + 1..])?)),
            None => (number(version)?, None),
        };
        let digests: Vec<_> = words.map(<[u8]>::to_vec).collect();
        if protocol >= 30 && sub.is_none() {
            return Err(NoGreeting::Lacks("subprotocol value"));
        }
        if protocol >= 32 && digests.is_empty() {
            return Err(NoGreeting::Lacks("digest name list"));
        }
        Ok(Self {
            protocol,
            sub: sub.unwrap_or(0),
            digests: (!digests.is_empty()).then_some(digests),
        })
    }

    /// The protocol that both speak, if we do not want a newer one than `ours`.
    ///
    /// # Errors
    ///
    /// There is none, or one that this client does not speak.
    pub fn agree(&self, ours: u8) -> Result<u8, Violation> {
        let ours = u32::from(ours.min(PROTOCOL));
        let agreed = match self.protocol {
            theirs if theirs < ours => theirs - u32::from(self.sub != 0 && theirs > 0),
            theirs if theirs == ours => ours - u32::from(self.sub != 0),
            _ => ours,
        };
        match u8::try_from(agreed) {
            Ok(agreed) if agreed >= OLDEST_PROTOCOL => Ok(agreed),
            // rsync goes on with these.
            Ok(agreed) if agreed >= OLDEST_OF_RSYNC => Err(Violation::OldVersion(agreed)),
            _ => Err(Violation::Version(self.protocol)),
        }
    }
}

/// What speaks an older one is no rsync (`MIN_PROTOCOL_VERSION` in rsync.h).
const OLDEST_OF_RSYNC: u8 = 20;

/// What says that it speaks a newer one is not believed (`MAX_PROTOCOL_VERSION` in rsync.h).
const FURTHEST_PROTOCOL: u32 = 40;

impl Greeting {
    /// Whether a session may begin, which is looked at once the daemon has said yes (`setup_protocol` in compat.c).
    ///
    /// # Errors
    ///
    /// A protocol that no daemon can have.
    pub fn check(&self) -> Result<(), Violation> {
        match self.protocol > FURTHEST_PROTOCOL {
            true => Err(Violation::Version(self.protocol)),
            false => Ok(()),
        }
    }
}

/// Why a line is no greeting (`exchange_protocols` in clientserver.c).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoGreeting {
    /// It is something else.
    Foreign,
    /// It lacks what a greeting of its version has.
    Lacks(&'static str),
}

fn number(digits: &[u8]) -> Result<u32, NoGreeting> {
    std::str::from_utf8(digits)
        .ok()
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or(NoGreeting::Foreign)
}

/// A line of the daemon's behind the greeting (`start_inband_exchange` in clientserver.c).
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reply<'a> {
    /// The session may begin.
    Ok,
    /// A user and a password are wanted; the text is to be hashed with it.
    Challenge(&'a [u8]),
    /// The daemon refuses; the whole line.
    Refused(&'a [u8]),
    /// The listing is complete.
    End,
    /// The message of the day, or the listing.
    Text(&'a [u8]),
}

impl<'a> Reply<'a> {
    /// Reads a line without its end.
    pub fn parse(line: &'a [u8]) -> Self {
        if let Some(challenge) = line.strip_prefix(b"@RSYNCD: AUTHREQD ") {
            Self::Challenge(challenge)
        } else if line == b"@RSYNCD: OK" {
            Self::Ok
        } else if line == b"@RSYNCD: EXIT" {
            Self::End
        } else if line.starts_with(b"@ERROR") {
            Self::Refused(line)
        } else {
            Self::Text(line)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Greeting, NoGreeting};
    use crate::rsync::proto::Violation;

    #[test]
    fn greetings_of_every_age_are_read() {
        let newest = Greeting::parse(b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4").expect("a greeting");
        assert_eq!(newest.agree(32), Ok(32));
        assert_eq!(newest.agree(29), Ok(29));
        assert_eq!(newest.digests.as_ref().map(Vec::len), Some(5));
        let of = |line: &[u8]| Greeting::parse(line).map(|greeting| greeting.agree(32));
        assert_eq!(of(b"@RSYNCD: 31.0"), Ok(Ok(31)));
        assert_eq!(of(b"@RSYNCD:31.0"), Ok(Ok(31)));
        assert_eq!(of(b"@RSYNCD: 31.14"), Ok(Ok(30)));
        assert_eq!(of(b"@RSYNCD: 29"), Ok(Ok(29)));
        assert_eq!(of(b"@RSYNCD: 40.0 md5"), Ok(Ok(32)));
        assert_eq!(of(b"@RSYNCD: 41.0 md5"), Ok(Ok(32)));
        assert_eq!(of(b"@RSYNCD: 29.1"), Ok(Err(Violation::OldVersion(28))));
        assert_eq!(of(b"@RSYNCD: 28"), Ok(Err(Violation::OldVersion(28))));
        assert_eq!(of(b"@RSYNCD: 20"), Ok(Err(Violation::OldVersion(20))));
        assert_eq!(of(b"@RSYNCD: 19"), Ok(Err(Violation::Version(19))));
        assert_eq!(of(b"@RSYNCD: 0"), Ok(Err(Violation::Version(0))));
        assert_eq!(of(b"@RSYNCD: 31"), Err(NoGreeting::Lacks("subprotocol value")));
        assert_eq!(of(b"@RSYNCD: 32.0"), Err(NoGreeting::Lacks("digest name list")));
        assert_eq!(of(b"@RSYNCD: +31.0"), Err(NoGreeting::Foreign));
        assert_eq!(of(b"SSH-2.0-OpenSSH_9.2"), Err(NoGreeting::Foreign));
    }
}
