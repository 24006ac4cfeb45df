use std::{ffi::OsStr, io, os::unix::ffi::OsStrExt as _};

use nix::{
    errno::Errno,
    fcntl::{AtFlags, renameat},
    unistd::{UnlinkatFlags, linkat, unlinkat},
};

use crate::rsync::tree::Tree;

impl Tree {
    /// Gives something a second name in its folder, before something else takes its place; what had that name is gone.
    /// Without hard links it is moved. Nothing to keep is fine.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn back_up(&mut self, name: &[u8], backup: &[u8]) -> io::Result<()> {
        let (folder, base) = self.place(name)?;
        let backup = backup.rsplit(|&byte| byte == b'/').next().unwrap_or(backup);
        let backup = OsStr::from_bytes(backup);
        let link = || linkat(&*folder, base, &*folder, backup, AtFlags::empty());
        let linked = match link() {
            Err(Errno::EEXIST) => {
                match unlinkat(&*folder, backup, UnlinkatFlags::NoRemoveDir) {
                    Err(Errno::EISDIR) => unlinkat(&*folder, backup, UnlinkatFlags::RemoveDir)?,
                    other => other?,
                }
                link()
            }
            other => other,
        };
        match linked {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(_) => Ok(renameat(&*folder, base, &*folder, backup)?),
        }
    }

    /// Moves something to a name in its folder in place of removing it; what had that name is gone.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn move_to_backup(&mut self, name: &[u8], backup: &[u8]) -> io::Result<()> {
        let (folder, base) = self.place(name)?;
        let backup = backup.rsplit(|&byte| byte == b'/').next().unwrap_or(backup);
        let backup = OsStr::from_bytes(backup);
        let moved = match renameat(&*folder, base, &*folder, backup) {
            Err(Errno::EISDIR) => {
                unlinkat(&*folder, backup, UnlinkatFlags::RemoveDir)?;
                renameat(&*folder, base, &*folder, backup)
            }
            other => other,
        };
        moved?;
        // Two names of one file are left alone by a move.
        match unlinkat(&*folder, base, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
