/// The statuses that rsync ends with (`errcode.h`, and `rerr_names` of log.c for the texts).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Exit {
    /// Nothing failed.
    Success,
    /// A wrong command line.
    Syntax,
    /// The two sides do not speak the same protocol, or the peer broke it.
    Protocol,
    /// Files or folders could not be selected.
    FileSelect,
    /// The other side cannot do what was asked for.
    Unsupported,
    /// The daemon said no before the session began.
    StartClient,
    /// A socket failed.
    SocketIo,
    /// A file failed.
    FileIo,
    /// The stream of bytes broke off, or made no sense.
    Stream,
    /// A message could not be printed.
    MessageIo,
    /// Processes could not talk to each other.
    Ipc,
    /// A signal by which one of rsync's processes ends another, or somebody both.
    UserSignal,
    /// A signal that asks to end.
    Signal,
    /// Memory ran out.
    Malloc,
    /// Some files were not transferred.
    Partial,
    /// Some source files vanished.
    Vanished,
    /// `--max-delete` stopped a deletion.
    DeleteLimit,
    /// Nothing came for too long.
    Timeout,
    /// The daemon did not accept the connection in time.
    ConnectTimeout,
}

impl Exit {
    /// All of them, by number.
    pub const ALL: [Self; 19] = [
        Self::Success,
        Self::Syntax,
        Self::Protocol,
        Self::FileSelect,
        Self::Unsupported,
        Self::StartClient,
        Self::SocketIo,
        Self::FileIo,
        Self::Stream,
        Self::MessageIo,
        Self::Ipc,
        Self::UserSignal,
        Self::Signal,
        Self::Malloc,
        Self::Partial,
        Self::Vanished,
        Self::DeleteLimit,
        Self::Timeout,
        Self::ConnectTimeout,
    ];

    /// The one of a number.
    pub fn of_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// The number that a shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Syntax => 1,
            Self::Protocol => 2,
            Self::FileSelect => 3,
            Self::Unsupported => 4,
            Self::StartClient => 5,
            Self::SocketIo => 10,
            Self::FileIo => 11,
            Self::Stream => 12,
            Self::MessageIo => 13,
            Self::Ipc => 14,
            Self::UserSignal => 19,
            Self::Signal => 20,
            Self::Malloc => 22,
            Self::Partial => 23,
            Self::Vanished => 24,
            Self::DeleteLimit => 25,
            Self::Timeout => 30,
            Self::ConnectTimeout => 35,
        }
    }

    /// How rsync names it in its last line.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Syntax => "syntax or usage error",
            Self::Protocol => "protocol incompatibility",
            Self::FileSelect => "errors selecting input/output files, dirs",
            Self::Unsupported => "requested action not supported",
            Self::StartClient => "error starting client-server protocol",
            Self::SocketIo => "error in socket IO",
            Self::FileIo => "error in file IO",
            Self::Stream => "error in rsync protocol data stream",
            Self::MessageIo => "errors with program diagnostics",
            Self::Ipc => "error in IPC code",
            Self::UserSignal => "received SIGUSR1",
            Self::Signal => "received SIGINT, SIGTERM, or SIGHUP",
            Self::Malloc => "error allocating core memory buffers",
            Self::Partial => "some files/attrs were not transferred (see previous errors)",
            Self::Vanished => "some files vanished before they could be transferred",
            Self::DeleteLimit => "the --max-delete limit stopped deletions",
            Self::Timeout => "timeout in data send/receive",
            Self::ConnectTimeout => "timeout waiting for daemon connection",
        }
    }
}
