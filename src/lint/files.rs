use std::{ffi::OsStr, path::Path};

use crate::{
    host::{EntryKind, Host, Unknown},
    model::{Files, NotOpened, Opened},
};

/// Follows includes on a machine.
pub(crate) struct HostFiles<'a>(pub(crate) &'a dyn Host);

impl Files for HostFiles<'_> {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        if path.as_os_str().is_empty() {
            return Err(NotOpened::Failed("no path is given".to_owned()));
        }
        if path.is_relative() {
            // rsync looks below the folder in which the daemon was started, and that is in no file.
            return Err(NotOpened::Unknown(Unknown::Relative));
        }
        self.open_place(path)
    }
}

impl HostFiles<'_> {
    /// Opens what is at a place, whichever folder that is seen from.
    pub(super) fn open_place(&self, path: &Path) -> Result<Opened, NotOpened> {
        let missing = || NotOpened::Failed("No such file or directory".to_owned());
        match self.0.metadata(path, true).map_err(not_opened)? {
            None => Err(missing()),
            Some(metadata) if metadata.kind == EntryKind::Directory => {
                let names = self.0.list(path).map_err(not_opened)?;
                Ok(Opened::Folder(names.ok_or_else(missing)?))
            }
            Some(metadata) if metadata.kind == EntryKind::File => {
                let bytes = self.0.read(path).map_err(not_opened)?;
                Ok(Opened::File(bytes.ok_or_else(missing)?))
            }
            Some(_) => Err(NotOpened::Failed("it is neither a file nor a folder".to_owned())),
        }
    }
}

fn not_opened(reason: Unknown) -> NotOpened {
    NotOpened::Unknown(reason)
}

/// The name of a path, as far as it is text.
pub(crate) fn file_name(path: &Path) -> &str {
    path.file_name().and_then(OsStr::to_str).unwrap_or_default()
}
