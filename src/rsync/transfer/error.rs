use std::io;

use thiserror::Error;

use crate::{
    rsync::{filter::FilterError, net::ConnectError, proto::Violation},
    terms::{Exit, describe},
};

/// What ends a session. The texts are those of rsync where it has one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no connection.
    #[error("{0}")]
    Connect(#[from] ConnectError),
    /// The daemon says why it refuses.
    #[error("{0}")]
    Refused(String),
    /// The password file cannot be used.
    #[error("{0}")]
    PasswordFile(String),
    /// What the daemon is to be handed first cannot be read.
    #[error("{0}")]
    EarlyInput(String),
    /// No digest for the password is known to both sides.
    #[error("Failed to negotiate a daemon auth checksum choice.\nServer list: {theirs}\nClient list: {ours}")]
    NoDigest {
        /// Those of the daemon.
        theirs: String,
        /// Those of ours.
        ours: String,
    },
    /// The peer hung up before the session began.
    #[error("did not see server greeting")]
    NoGreeting,
    /// Something else answers there.
    #[error("server sent \"{0}\" rather than greeting")]
    NotGreeting(String),
    /// A greeting lacks what its version must say.
    #[error("the server omitted the {what}: {line}")]
    ShortGreeting {
        /// What it lacks.
        what: &'static str,
        /// The greeting.
        line: String,
    },
    /// The peer hung up before it said whether the module may be used.
    #[error("didn't get server startup line")]
    NoStartupLine,
    /// The peer hung up.
    #[error("connection unexpectedly closed ({received} bytes received so far) [{role}]")]
    Closed {
        /// How many bytes came.
        received: u64,
        /// Who waited.
        role: &'static str,
    },
    /// Nothing came for too long.
    #[error("io timeout -- exiting")]
    Timeout,
    /// The user wants it to end; what is ended with then.
    #[error("interrupted")]
    Interrupted(Exit),
    /// The socket failed before the session began.
    #[error("{action}: {}", describe(source))]
    Dialogue {
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The socket failed.
    #[error("{action} error: {}", describe(source))]
    Socket {
        /// What was tried.
        action: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// The socket failed while files came: rsync's receiver says so, and its generator, which hears of no more than the
    /// receiver's end, decides about the code.
    #[error("read error: {}", describe(source))]
    Receiving {
        /// What the system says.
        source: io::Error,
    },
    /// The peer broke the protocol.
    #[error("{0}")]
    Violation(#[from] Violation),
    /// The time has come at which all was to end.
    #[error("stopping at requested limit")]
    Stopped,
    /// A rule that makes no sense, or that the peer's protocol cannot express.
    #[error("{0}")]
    Filter(#[from] FilterError),
    /// The peer ends with a status.
    #[error("the other side ends with code {0}")]
    PeerExit(i32),
    /// The peer's protocol is too old for an option.
    #[error("--{option} requires protocol 30 or higher (negotiated {protocol}).")]
    OldProtocol {
        /// The option.
        option: &'static str,
        /// The protocol of the session.
        protocol: u8,
    },
    /// Deletions at an old server, which hears of errors too late.
    #[error("FATAL I/O ERROR: dying to avoid a --delete issue with a pre-3.0.7 receiver.")]
    UnsafeDeletion,
    /// The peer is to compare digests where there are none (`file_checksum` in checksum.c).
    #[error("Invalid checksum-choice for --checksum: none (0)")]
    NoChecksums,
    /// A name among those that are to be sent makes all of them useless.
    #[error("{text}")]
    Source {
        /// What is wrong with it.
        text: String,
        /// What rsync ends with then.
        exit: Exit,
    },
    /// The destination cannot be used.
    #[error("{text}")]
    Destination {
        /// What is wrong with it.
        text: String,
        /// What rsync ends with then.
        exit: Exit,
    },
}

impl Error {
    /// What rsync ends with then.
    pub fn exit(&self) -> u8 {
        let exit = match self {
            Self::Connect(ConnectError::TimedOut) => Exit::ConnectTimeout,
            Self::Connect(_) => Exit::SocketIo,
            Self::Refused(_)
            | Self::NoGreeting
            | Self::NotGreeting(_)
            | Self::ShortGreeting { .. }
            | Self::NoStartupLine => Exit::StartClient,
            Self::PasswordFile(_) => Exit::Syntax,
            Self::EarlyInput(_) => Exit::StartClient,
            Self::NoDigest { .. } => Exit::Unsupported,
            Self::Closed { .. } | Self::Receiving { .. } => Exit::Stream,
            Self::Timeout | Self::Stopped => Exit::Timeout,
            Self::Interrupted(exit) => *exit,
            Self::Dialogue { .. } => Exit::Stream,
            Self::Socket { .. } => Exit::SocketIo,
            Self::Violation(violation) => violation.exit(),
            Self::Filter(error) => error.exit(),
            Self::OldProtocol { .. } => Exit::Protocol,
            Self::NoChecksums | Self::UnsafeDeletion => Exit::Unsupported,
            // It ends without a reason.
            Self::PeerExit(0) => Exit::Stream,
            Self::PeerExit(code) => return u8::try_from(*code).unwrap_or(u8::MAX),
            Self::Source { exit, .. } | Self::Destination { exit, .. } => *exit,
        };
        exit.code()
    }
}
