use std::{borrow::Cow, io};

use crate::rsync::transfer::text::shown;

/// What failed with a file.
pub(super) struct Failed {
    /// What was tried, with `{}` for the place.
    pub(super) says: Cow<'static, str>,
    /// The place, if it is not that of the file.
    pub(super) at: Option<Vec<u8>>,
    /// What the system says.
    pub(super) error: Option<io::Error>,
    /// The session is not to go on.
    pub(super) is_fatal: bool,
}

impl Failed {
    pub(super) fn to_begin(at: Vec<u8>, error: io::Error) -> Self {
        Self {
            at: Some(at),
            ..Self::from(("mkstemp {} failed", error))
        }
    }

    /// A folder has taken the place of the file since it was asked for.
    pub(super) fn is_directory() -> Self {
        Self {
            says: "recv_files: {} is a directory".into(),
            at: None,
            error: None,
            is_fatal: false,
        }
    }

    pub(super) fn to_rename(from: Vec<u8>, to: &[u8], error: io::Error) -> Self {
        Self {
            says: format!("rename {{}} -> \"{}\"", shown(to)).into(),
            at: Some(from),
            ..Self::from(("", error))
        }
    }

    /// What cannot be kept is not replaced, and neither is anything behind it.
    pub(super) fn to_back_up(to: &[u8], error: io::Error) -> Self {
        Self {
            says: format!("keep_backup failed: {{}} -> \"{}\"", shown(to)).into(),
            is_fatal: true,
            ..Self::from(("", error))
        }
    }
}

impl From<(&'static str, io::Error)> for Failed {
    fn from((says, error): (&'static str, io::Error)) -> Self {
        Self {
            says: says.into(),
            at: None,
            error: Some(error),
            is_fatal: false,
        }
    }
}

/// The first thing that failed with a file.
#[derive(Default)]
pub(super) struct Trouble(pub(super) Option<Failed>);

impl Trouble {
    pub(super) fn note<T>(&mut self, action: &'static str, result: io::Result<T>) -> Option<T> {
        self.note_failed(result.map_err(|error| (action, error).into()))
    }

    pub(super) fn note_failed<T>(&mut self, result: Result<T, Failed>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failed) => {
                self.0.get_or_insert(failed);
                None
            }
        }
    }
}
