use std::{io, path::Path};

use thiserror::Error;

use crate::{
    rsync::filter::FilterError,
    terms::{Exit, Misread, describe, refusal},
};

/// The first protocol that rsync still speaks (`MIN_PROTOCOL_VERSION` in rsync.h).
pub(super) const FIRST_PROTOCOL: u8 = 20;

/// A command line that cannot be carried out.
#[derive(Debug, Error, PartialEq)]
pub enum UsageError {
    /// rsync has no such option.
    #[error("{0}: unknown option")]
    Unknown(String),
    /// rsync has it, and this program not yet.
    #[error("{0}: this option of rsync is not supported yet")]
    Unsupported(String),
    /// The value is missing.
    #[error("{0}: missing argument")]
    MissingValue(String),
    /// The option has no value.
    #[error("{0}: option does not take an argument")]
    TakesNone(String),
    /// The value is no number.
    #[error("{0}: invalid numeric value")]
    Number(String),
    /// The value is a number of more than 32 bits.
    #[error("{0}: number too large or too small")]
    Overflow(String),
    /// The value is no port, and is to be one.
    #[error("--port={0}: number out of range (1 to 65535)")]
    NoPort(i32),
    /// The value is no size, or not one that is allowed.
    #[error("{option} is {problem}")]
    Size {
        /// The option, with its value.
        option: String,
        /// What is wrong with it.
        problem: String,
    },
    /// No algorithm has this name.
    #[error("unknown {what} name: {name}")]
    UnknownAlgorithm {
        /// What it would be for.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// rsync is built without it, and so are we.
    #[error("This rsync does not support --crtimes (-N)")]
    CreationTimes,
    /// Nobody speaks that any more.
    #[error("--protocol must be at least {FIRST_PROTOCOL} on the Client.")]
    OldProtocol {
        /// What rsync is by then.
        role: &'static str,
    },
    /// A daemon's files are in its modules.
    #[error("The remote path must start with a module name not a /")]
    NoModule {
        /// What rsync is by then.
        role: &'static str,
    },
    /// The value of an option that is no text.
    #[error("{0}: the value is not UTF-8; only sources and destinations may be anything")]
    NotText(String),
    /// A list of names that cannot be had.
    #[error("failed to open files-from file {path}: {reason}")]
    NoList {
        /// The file.
        path: String,
        /// What the system says.
        reason: String,
        /// Whether the way there leads through a symlink of somebody else's.
        is_untrusted: bool,
    },
    /// Nothing to do.
    #[error("a source is missing")]
    NoSource,
    /// Both sides are remote.
    #[error("The source and destination cannot both be remote.")]
    BothRemote,
    /// A source on another machine beside one on this.
    #[error("Unexpected remote arg: {0}")]
    UnexpectedRemote(String),
    /// A source on this machine beside one on another.
    #[error("Unexpected local arg: {0}\nIf arg is a remote file/dir, prefix it with a colon (:).")]
    UnexpectedLocal(String),
    /// A source without a name.
    #[error("Empty source arg specified.")]
    EmptySource,
    /// A destination without a name.
    #[error("Empty destination arg specified (use \".\" or see --old-args).")]
    EmptyDestination,
    /// Sources on several machines.
    #[error("All source args must come from the same machine.")]
    ManyHosts,
    /// Sources of a daemon and of a remote shell.
    #[error("All source args must use the same hostspec format.")]
    ManyFormats,
    /// Sources at several ports.
    #[error("All source args must use the same port number.")]
    ManyPorts,
    /// An address with something that rsync does not take there.
    #[error("{0}")]
    Misread(#[from] Misread),
    /// An address without a port that is a number.
    #[error("{0}: no `rsync://[USER@]HOST[:PORT]/MODULE/PATH`")]
    Address(String),
    /// A filter rule, or a file with such rules, that cannot be used.
    #[error("{0}")]
    Filter(#[from] FilterError),
    /// A change of modes that is none.
    #[error("Invalid argument passed to --chmod ({0})")]
    Mode(String),
    /// A suffix that names a folder.
    #[error("--suffix cannot contain slashes: {0}")]
    Suffix(String),
    /// A suffix that would let a backup be the file itself.
    #[error("--suffix cannot be empty without a --backup-dir")]
    EmptySuffix,
    /// The same, where the folder for backups is the destination.
    #[error("--suffix cannot be empty when --backup-dir is the same as the dest dir")]
    EmptySuffixThere,
    /// Deletions at several times.
    #[error("You may not combine multiple --delete-WHEN options.")]
    DeletionTimes,
    /// Deletions without a folder.
    #[error("--delete does not work without --recursive (-r) or --dirs (-d).")]
    DeletionWithoutFolders,
    /// A push can pass it on, a pull cannot carry it out yet.
    #[error("{}: this option of rsync is not supported yet in a pull", dashed(.0))]
    PushOnly(String),
    /// A list of files is for one folder.
    #[error("--files-from needs one source, in which the files are, and one destination")]
    ManySources,
    /// The server has no standard input for it.
    #[error("Invalid --files-from remote filename")]
    ListFromThere,
    /// The list is neither here nor where the files are.
    #[error("--files-from hostname is not the same as the transfer hostname")]
    ListFromElsewhere,
    /// Two options that exclude each other.
    #[error("{0} cannot be used with {1}")]
    Together(&'static str, &'static str),
    /// Two kinds of other destinations.
    #[error("ERROR: the {0} option conflicts with the {1} option")]
    BasisKinds(&'static str, &'static str),
    /// Too many other destinations.
    #[error("ERROR: at most 20 {kind} args may be specified")]
    ManyBases {
        /// Which option.
        kind: &'static str,
    },
    /// An owner that is mapped by two options.
    #[error("You can only specify a {0}-affecting --chown once.")]
    ChownTwice(&'static str),
    /// A map that is given twice.
    #[error("You can only specify --{0} once.")]
    MapTwice(&'static str),
    /// A map beside the option that is short for it.
    #[error("--{0} conflicts with prior --{1}.")]
    MapConflict(&'static str, &'static str),
    /// `--info=help`, or `--debug=help`: what there is to know.
    #[error("{0}")]
    Help(String),
    /// A word of `--info` or `--debug` that does not exist.
    #[error("{0}")]
    OutputWord(String),
    /// `--outbuf` with another letter.
    #[error("Invalid --outbuf setting -- specify N, L, or B.")]
    Buffer,
    /// `--stderr` with another mode.
    #[error("--stderr mode \"{0}\" is not one of errors, all, or client")]
    ErrorsMode(String),
    /// A time to stop at that is none, or is over.
    #[error("{0}")]
    Stop(String),
    /// What is to be handed to the other side as an option, and is none.
    #[error("Remote option must start with a dash: {0}")]
    RemoteOption(String),
    /// A way through a remote shell, which may be a daemon's with a colon too few.
    #[error(
        "`{shown}` has one colon, so it is reached through a remote shell, which is not supported yet; use rsync for it, or write `{right}` if a daemon's module is meant"
    )]
    Shell {
        /// The argument.
        shown: String,
        /// The same with two colons.
        right: String,
    },
    /// An option that is for daemons alone, where none is asked (`start_client` in main.c).
    #[error("The --{option} option may only be used when {what} an rsync daemon.")]
    DaemonOnly {
        /// Its name.
        option: &'static str,
        /// What would be done.
        what: &'static str,
        /// What rsync is by then.
        role: &'static str,
    },
    /// A file of the user's says what an option is to stand for.
    #[error("{0}")]
    Alias(String),
    /// What this program cannot do yet.
    #[error("{0} is not supported yet; use rsync for it")]
    NotYet(&'static str),
}

impl UsageError {
    pub(super) fn no_list(path: &Path, error: &io::Error) -> Self {
        // rsync leaves the number out here.
        let reason = describe(error);
        let reason = reason.split(" (").next().unwrap_or_default();
        Self::NoList {
            path: path.display().to_string(),
            reason: reason.to_owned(),
            is_untrusted: !refusal(error).is_empty(),
        }
    }

    /// The same of the word in which it was found, where rsync names that.
    pub(super) fn of_word(self, word: &str) -> Self {
        let word = word.to_owned();
        match self {
            Self::Unknown(_) => Self::Unknown(word),
            Self::TakesNone(_) => Self::TakesNone(word),
            Self::Number(_) => Self::Number(word),
            Self::Overflow(_) => Self::Overflow(word),
            other => other,
        }
    }

    /// What stands in front of it: what rsync has there, or our name where rsync says something else.
    pub const fn prefix(&self) -> &'static str {
        match self {
            Self::Unsupported(_)
            | Self::Alias(_)
            | Self::PushOnly(_)
            | Self::NotYet(_)
            | Self::NotText(_)
            | Self::Shell { .. }
            | Self::NoSource
            | Self::ManySources
            | Self::Misread(_)
            | Self::Address(_) => "rsyncctl: ",
            Self::NoList {
                is_untrusted: true, ..
            } => "refusing to follow a symlink owned by an untrusted user\nrsync: ",
            Self::Filter(FilterError::Unreadable {
                is_untrusted: true, ..
            }) => "refusing to follow a symlink owned by an untrusted user\nrsync: [client] ",
            Self::Filter(FilterError::Unreadable { .. }) => "rsync: [client] ",
            Self::BothRemote
            | Self::DaemonOnly { .. }
            | Self::EmptyDestination
            | Self::EmptySource
            | Self::Filter(_)
            | Self::ListFromElsewhere
            | Self::ManyFormats
            | Self::ManyHosts
            | Self::ManyPorts
            | Self::OldProtocol { .. }
            | Self::OutputWord(_)
            | Self::UnexpectedLocal(_)
            | Self::UnexpectedRemote(_)
            | Self::UnknownAlgorithm { .. } => "",
            Self::NoModule { .. } => "ERROR: ",
            _ => "rsync: ",
        }
    }

    /// What rsync is by then, as its last line has it.
    pub const fn role(&self) -> &'static str {
        match self {
            Self::BothRemote
            | Self::EmptyDestination
            | Self::ListFromElsewhere
            | Self::ManyFormats
            | Self::ManyHosts
            | Self::ManyPorts
            | Self::UnexpectedLocal(_) => "Receiver",
            Self::EmptySource | Self::UnexpectedRemote(_) => "sender",
            Self::DaemonOnly { role, .. } | Self::NoModule { role } | Self::OldProtocol { role } => role,
            _ => "client",
        }
    }

    /// What rsync ends with then.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::UnknownAlgorithm { .. } => Exit::Unsupported,
            Self::OldProtocol { .. } => Exit::Protocol,
            Self::NoModule { .. } => Exit::StartClient,
            Self::Filter(error) => error.exit(),
            Self::Help(_) => Exit::Success,
            _ => Exit::Syntax,
        }
    }
}

/// An option as it is typed.
pub(super) fn dashed(name: &str) -> String {
    if name.chars().count() == 1 {
        format!("-{name}")
    } else {
        format!("--{name}")
    }
}
