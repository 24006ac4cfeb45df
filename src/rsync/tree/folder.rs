use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
};

use nix::{
    dir::{Dir, OwningIter},
    fcntl::{AtFlags, OFlag, openat},
    sys::stat::{FchmodatFlags, Mode, fchmodat, fstatat},
    unistd::{AccessFlags, faccessat},
};

use crate::rsync::tree::{Status, Tree};

/// The largest file that is read whole, in bytes.
const MAX_SMALL: u64 = 16 << 20;

/// The content of a file that is small enough.
pub(super) fn small(file: File) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    file.take(MAX_SMALL + 1).read_to_end(&mut content)?;
    if content.len() as u64 > MAX_SMALL {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(content)
}

/// Something in a folder.
#[derive(Debug)]
pub struct Found {
    /// Its name there.
    pub name: Vec<u8>,
    /// What it is.
    pub status: io::Result<Status>,
}

/// What a folder holds, found while it is gone through: folders may be large.
#[derive(Debug)]
pub struct Entries {
    folder: OwnedFd,
    /// None once it failed.
    names: Option<OwningIter>,
}

impl Iterator for Entries {
    /// Something there, or why the rest is unknown.
    type Item = io::Result<Found>;

    fn next(&mut self) -> Option<io::Result<Found>> {
        loop {
            let entry = match self.names.as_mut()?.next()? {
                Ok(entry) => entry,
                Err(error) => {
                    self.names = None;
                    return Some(Err(error.into()));
                }
            };
            let name = entry.file_name().to_bytes();
            if matches!(name, b"." | b"..") {
                continue;
            }
            let status = fstatat(&self.folder, entry.file_name(), AtFlags::AT_SYMLINK_NOFOLLOW);
            return Some(Ok(Found {
                name: name.to_vec(),
                status: status.map(Status::from).map_err(io::Error::from),
            }));
        }
    }
}

impl Tree {
    /// Opens a folder that the user names as [`Tree::open_trusted`] does, and that this process may enter; where it is, it
    /// needs not be let in once more (`change_dir` in util1.c).
    ///
    /// # Errors
    ///
    /// What the system says, and a symlink of somebody else's.
    pub fn enter(path: &Path) -> io::Result<Self> {
        let tree = Self::open_trusted(path)?;
        if path.as_os_str() != "." {
            faccessat(&*tree.root(), ".", AccessFlags::X_OK, AtFlags::AT_EACCESS)?;
        }
        Ok(tree)
    }

    /// What a folder holds, in no order, symlinks not followed, each with what it is or why that is unknown.
    ///
    /// # Errors
    ///
    /// What the system says of the folder.
    pub fn entries(&mut self, name: &[u8]) -> io::Result<Entries> {
        let (folder, base) = self.place(name)?;
        let mut flags = self.folder_flags();
        flags.remove(OFlag::O_PATH);
        let folder = openat(&*folder, base, flags, Mode::empty())?;
        let names = Dir::from_fd(folder.try_clone()?)?.into_iter();
        Ok(Entries {
            folder,
            names: Some(names),
        })
    }

    /// What a folder holds, in no order, symlinks not followed; what vanishes meanwhile is left out.
    ///
    /// # Errors
    ///
    /// What the system says of the folder.
    pub fn contents(
        &mut self,
        name: &[u8],
    ) -> io::Result<impl Iterator<Item = io::Result<(Vec<u8>, Status)>> + use<>> {
        let known = |found: Found| Some((found.name, found.status.ok()?));
        Ok(self
            .entries(name)?
            .filter_map(move |found| found.map(known).transpose()))
    }

    /// Makes the folders that are missing on the way to something, as new ones are made.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make_way_to(&mut self, name: &[u8]) -> io::Result<()> {
        if self.place(name).is_ok() {
            return Ok(());
        }
        let slashes = (0..name.len()).filter(|&place| name[place] == b'/');
        for slash in slashes {
            if self.status_of_folder(&name[..slash])?.is_none() {
                self.make_directory(&name[..slash], 0o777)?;
            }
        }
        Ok(())
    }

    /// Lets the owner write to something that is to be removed.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make_writable(&mut self, name: &[u8], now: &Status) -> io::Result<()> {
        let (folder, base) = self.place(name)?;
        let mode = Mode::from_bits_truncate(now.mode & 0o7777 | 0o200);
        Ok(fchmodat(
            folder.as_fd(),
            base,
            mode,
            FchmodatFlags::NoFollowSymlink,
        )?)
    }
}
