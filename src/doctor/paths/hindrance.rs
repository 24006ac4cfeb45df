use crate::host::{Unknown, trial::Denied};

/// Why a module's folder is not tried.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Hindrance {
    /// The configuration lets nobody that far, which is told with its line.
    Configuration,
    /// Its users and paths are those of the folder of `daemon chroot`.
    DaemonChroot,
    /// The groups of its user are not known.
    Groups,
    /// Others before it did not answer.
    Time,
    /// So many modules are tried, and it is none of them.
    TooMany(usize),
    /// We may not try it, or cannot.
    Unseen(Unknown),
    /// Its path or its user depends on who connects.
    Variable,
}

impl Hindrance {
    /// What a report says that could not be seen, in English; none if another stage tells it.
    pub(super) fn unknown(&self) -> Option<Unknown> {
        let text = match self {
            Self::Configuration => return None,
            Self::Unseen(reason) => return Some(reason.clone()),
            Self::DaemonChroot => "its users and paths are those of the folder of `daemon chroot`",
            Self::Groups => "the groups of its user are not known",
            Self::Time => "others before it did not answer",
            Self::TooMany(_) => "too many modules are tried before it",
            Self::Variable => "its path or its user depends on who connects",
        };
        Some(Unknown::Failed(text.to_owned()))
    }
}

impl From<&Denied> for Hindrance {
    fn from(denied: &Denied) -> Self {
        match denied {
            Denied::Time => Self::Time,
            other => Self::Unseen(other.into()),
        }
    }
}
