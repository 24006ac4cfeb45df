use std::{net::SocketAddr, ops::RangeInclusive, time::Duration};

use crate::{sync::LoginSource, terms::Release};

/// What a client does with a daemon, in order.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Step {
    /// The command line makes sense.
    CommandLine,
    /// The name has addresses.
    Resolve,
    /// One of them takes a connection.
    Connect,
    /// What answers greets as a daemon does.
    Greeting,
    /// Both speak a protocol.
    Version,
    /// The daemon lists its modules.
    Modules,
    /// The module is there.
    Module,
    /// Clients of this address may use it, and it has room for one more.
    Access,
    /// The user may, too.
    Authentication,
    /// The daemon takes the arguments.
    Arguments,
    /// Both agree on algorithms.
    Setup,
    /// The file list comes.
    List,
    /// Both go through it and change nothing.
    DryRun,
    /// The server opens what would come, and sends none of it.
    Opening,
    /// Files come.
    Pull,
    /// A changed copy becomes the same again, by its difference.
    Delta,
    /// A folder of our own is written into the module.
    Push,
    /// A change of it is written, by its difference.
    PushDelta,
    /// It is read back.
    ReadBack,
    /// It is deleted again.
    Removal,
    /// What the user's own command line does.
    Transfer,
}

impl Step {
    /// All, in order.
    pub const ALL: [Self; 21] = [
        Self::CommandLine,
        Self::Resolve,
        Self::Connect,
        Self::Greeting,
        Self::Version,
        Self::Modules,
        Self::Module,
        Self::Access,
        Self::Authentication,
        Self::Arguments,
        Self::Setup,
        Self::List,
        Self::DryRun,
        Self::Opening,
        Self::Pull,
        Self::Delta,
        Self::Push,
        Self::PushDelta,
        Self::ReadBack,
        Self::Removal,
        Self::Transfer,
    ];

    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::CommandLine => "command-line",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Version => "version",
            Self::Modules => "modules",
            Self::Module => "module",
            Self::Access => "access",
            Self::Authentication => "authentication",
            Self::Arguments => "arguments",
            Self::Setup => "setup",
            Self::List => "list",
            Self::DryRun => "dry-run",
            Self::Opening => "opening",
            Self::Pull => "pull",
            Self::Delta => "delta",
            Self::Push => "push",
            Self::PushDelta => "push-delta",
            Self::ReadBack => "read-back",
            Self::Removal => "removal",
            Self::Transfer => "transfer",
        }
    }
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// It works.
    Passed,
    /// It does not.
    Failed,
    /// It was left out.
    Skipped(Skip),
    /// A stage before it ended the probe.
    NotReached,
}

impl State {
    /// Whether it works.
    pub fn is_passed(self) -> bool {
        self == Self::Passed
    }

    /// Whether nothing was done.
    pub const fn is_idle(self) -> bool {
        matches!(self, Self::Skipped(_) | Self::NotReached)
    }
}

/// Why a stage is left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Skip {
    /// The target names no module.
    NoModule,
    /// A program or a proxy makes the connection.
    OtherWay,
    /// The module wants no password.
    Anonymous,
    /// No file within the limits was found.
    NoFile,
    /// The daemon refuses an option that it needs.
    Refused,
    /// The module may be written to and not read.
    WriteOnly,
    /// The server speaks so old a protocol that it would read all of the files.
    OldProtocol,
    /// It did not come to its end, for a reason of its own.
    Unfinished,
    /// It is no part of what was asked for.
    NotAsked,
}

impl Skip {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NoModule => "no-module-named",
            Self::OtherWay => "proxy-or-program",
            Self::Anonymous => "no-password-wanted",
            Self::NoFile => "no-file-within-limits",
            Self::Refused => "option-refused",
            Self::WriteOnly => "write-only",
            Self::OldProtocol => "old-protocol",
            Self::Unfinished => "not-finished",
            Self::NotAsked => "not-asked",
        }
    }
}

/// A stage of a probe.
#[derive(Clone, Debug)]
pub struct Stage {
    /// What was done.
    pub step: Step,
    /// How it ended.
    pub state: State,
    /// How long it took, if it was done.
    pub time: Option<Duration>,
    /// What it showed.
    pub facts: Vec<Fact>,
}

/// Something that a stage showed.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum Fact {
    /// An address of the host.
    Address(SocketAddr),
    /// An address that takes no connection, and why.
    Unreachable(SocketAddr, String),
    /// What answers is another service.
    Service(&'static str),
    /// The first line that came, as far as it can be shown.
    Line(String),
    /// The protocol that both speak.
    Protocol(u8),
    /// The newest one that the daemon speaks.
    Newest(u32),
    /// The digests for passwords that the daemon names; old ones name none.
    Digests(Vec<String>),
    /// The releases of rsync that the server may be of.
    Releases(RangeInclusive<Release>),
    /// A module of the list, and its comment.
    Module(String, String),
    /// The user that was named to the daemon, and where the name comes from.
    User(String, LoginSource),
    /// The digest that the password travels in.
    Digest(&'static str),
    /// An option that the daemon refuses, and the probe leaves out.
    Refused(&'static str),
    /// The algorithm for files and blocks, and the one for compression.
    Algorithms(String, String),
    /// So many files of so many bytes in all.
    Files(u64, u64),
    /// So many bytes of a file came, and so many were here.
    Saving(u64, u64),
    /// So many bytes of a file went, and so many were there.
    Saved(u64, u64),
    /// The server opened so many files, and sent none.
    Opened(u64),
    /// So many files of so many bytes in all would be written.
    Writes(u64, u64),
    /// So many entries are deleted, or would be.
    Deleted(u64),
    /// A folder of a probe that is still in the module.
    Left {
        /// Its name, from the module on.
        name: String,
        /// The module's own folder on the server, where the configuration tells it.
        module: Option<String>,
    },
    /// A line that the client would print.
    Said(String),
    /// So many names failed, and so many are in the list.
    Partial(u64, u64),
    /// What keeps a file from being read or written.
    Lacks {
        /// Whether it is the server's account; else whoever runs the client.
        is_of_server: bool,
        /// The account, where the server's configuration tells it.
        account: Option<String>,
        /// What it lacks.
        right: Right,
        /// The file or folder, as rsync names it.
        path: String,
    },
}

/// A right that an account needs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Right {
    /// To go into a folder, or into one above it.
    EnterFolder,
    /// To read a file.
    ReadFile,
    /// To list a folder.
    ReadFolder,
    /// To make, replace or delete something in the folder that holds it.
    WriteFolder,
}

impl Right {
    /// The letters of a mode.
    pub const fn letters(self) -> &'static str {
        match self {
            Self::EnterFolder => "x",
            Self::ReadFile => "r",
            Self::ReadFolder => "rx",
            Self::WriteFolder => "wx",
        }
    }

    /// What has to have them, for programs.
    pub const fn key(self) -> &'static str {
        match self {
            Self::EnterFolder => "folder-or-above",
            Self::ReadFile => "file",
            Self::ReadFolder => "folder",
            Self::WriteFolder => "folder-above",
        }
    }
}
