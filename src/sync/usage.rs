use std::{io, path::Path};

use thiserror::Error;

use crate::{
    rsync::filter::FilterError,
    terms::{Exit, describe},
};

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
    /// The value makes no sense.
    #[error("{option}: {problem}")]
    Value {
        /// The option.
        option: String,
        /// What is wrong with its value.
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
    #[error("--protocol must be at least 20 on the Client.")]
    OldProtocol,
    /// A daemon's files are in its modules.
    #[error("The remote path must start with a module name not a /")]
    NoModule,
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
    },
    /// Nothing to do.
    #[error("a source is missing")]
    NoSource,
    /// Both sides are remote.
    #[error("The source and destination cannot both be remote.")]
    BothRemote,
    /// Sources on several machines.
    #[error("All source args must come from the same machine.")]
    ManyHosts,
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
        }
    }

    /// Whether rsync says the same, so that it is said as rsync does.
    pub const fn is_of_rsync(&self) -> bool {
        matches!(
            self,
            Self::EmptySuffixThere
                | Self::MissingValue(_)
                | Self::OldProtocol
                | Self::NoList { .. }
                | Self::NoModule
                | Self::Unknown(_)
                | Self::Together(..)
                | Self::ListFromThere
                | Self::ListFromElsewhere
                | Self::BasisKinds(..)
                | Self::ManyBases { .. }
                | Self::ChownTwice(_)
                | Self::OutputWord(_)
                | Self::Buffer
                | Self::ErrorsMode(_)
                | Self::Stop(_)
        )
    }

    /// What stands in front of it then.
    pub const fn prefix(&self) -> &'static str {
        match self {
            Self::OutputWord(_) | Self::OldProtocol | Self::ListFromElsewhere => "",
            Self::NoModule => "ERROR: ",
            _ => "rsync: ",
        }
    }

    /// What rsync ends with then.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::UnknownAlgorithm { .. } => Exit::Unsupported,
            Self::OldProtocol => Exit::Protocol,
            Self::NoModule => Exit::StartClient,
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
