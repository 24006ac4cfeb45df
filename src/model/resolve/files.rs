use std::{ffi::OsString, path::Path};

use crate::host::Unknown;

/// Where included files come from.
pub trait Files {
    /// Opens what an `&include` or `&merge` names.
    ///
    /// # Errors
    /// Says whether there is nothing to read, or whether that cannot be known from here.
    fn open(&self, path: &Path) -> Result<Opened, NotOpened>;

    /// How reports call what was opened.
    fn name(&self, path: &Path) -> String {
        path.display().to_string()
    }
}

/// What an include names.
#[derive(Debug)]
pub enum Opened {
    /// A file with its content.
    File(Vec<u8>),
    /// A folder with the names in it, in any order.
    Folder(Vec<OsString>),
}

/// Why an include was not opened.
#[derive(Debug)]
pub enum NotOpened {
    /// It cannot be read: a daemon gives up, for the reason given.
    Failed(String),
    /// Nobody can tell from here what a daemon would find, for the reason given.
    Unknown(Unknown),
}
