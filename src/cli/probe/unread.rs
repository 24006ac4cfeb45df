//! Lines of scripts and crontabs that cannot be followed.

/// Why a line of a file is no command line that can be carried out.
#[derive(Debug, Eq, PartialEq, thiserror::Error)]
pub(in crate::cli) enum Unread {
    /// There is no such line, or it does not call rsync.
    #[error("{0}")]
    NoCommand(String),
    /// It calls rsync, and what rsync gets is not known.
    #[error("{0}")]
    Unclear(String),
}
