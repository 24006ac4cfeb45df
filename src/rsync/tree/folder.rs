use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Read as _},
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _},
};

use nix::{
    dir::Dir,
    fcntl::{AtFlags, OFlag},
    sys::stat::{FchmodatFlags, Mode, fchmodat, fstatat},
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

impl Tree {
    /// What a folder holds, in no order, symlinks not followed, each with what it is or why that is unknown.
    ///
    /// # Errors
    ///
    /// What the system says of the folder.
    pub fn entries(&mut self, name: &[u8]) -> io::Result<Vec<Found>> {
        let (folder, base) = self.place(name)?;
        let mut flags = self.folder_flags();
        flags.remove(OFlag::O_PATH);
        let mut opened = Dir::openat(&*folder, base, flags, Mode::empty())?;
        let mut names = Vec::new();
        for entry in opened.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if !matches!(name, b"." | b"..") {
                names.push(name.to_vec());
            }
        }
        let found = names.into_iter().map(|name| {
            let base = OsStr::from_bytes(&name);
            let status = fstatat(opened.as_fd(), base, AtFlags::AT_SYMLINK_NOFOLLOW);
            Found {
                status: status.map(Status::from).map_err(io::Error::from),
                name,
            }
        });
        Ok(found.collect())
    }

    /// What a folder holds, in no order, symlinks not followed; what vanishes meanwhile is left out.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn contents(&mut self, name: &[u8]) -> io::Result<Vec<(Vec<u8>, Status)>> {
        let found = self.entries(name)?.into_iter();
        Ok(found
            .filter_map(|found| Some((found.name, found.status.ok()?)))
            .collect())
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

    /// The content of a small file.
    ///
    /// # Errors
    ///
    /// What the system says, and a file that is too large.
    pub fn read_small(&mut self, name: &[u8]) -> io::Result<Vec<u8>> {
        small(self.read(name)?)
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
