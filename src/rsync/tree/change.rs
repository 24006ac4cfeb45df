use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{AtFlags, renameat},
    sys::stat::{FchmodatFlags, Mode, SFlag, fchmodat, makedev, mkdirat, mknodat},
    unistd::{UnlinkatFlags, linkat, mkdir, symlinkat, unlinkat},
};

use crate::rsync::tree::{
    Output, Tree,
    temporary::{Temporary, Unmade},
};

/// What is made, moved and removed in a tree.
impl Tree {
    /// Makes a folder that the user names.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make(path: &Path) -> io::Result<()> {
        Ok(mkdir(path, Mode::from_bits_truncate(0o777))?)
    }

    /// Makes a folder.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make_directory(&mut self, name: &[u8], mode: u32) -> io::Result<()> {
        let (folder, base) = self.place(name)?;
        Ok(mkdirat(&*folder, base, Mode::from_bits_truncate(mode))?)
    }

    /// Makes a symlink; what is there is replaced at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make_symlink(&mut self, name: &[u8], target: &[u8]) -> io::Result<()> {
        self.replace(name, |folder, base| {
            symlinkat(OsStr::from_bytes(target), folder, base)
        })
    }

    /// Makes a device, a named pipe or a socket; what is there is replaced at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make_node(&mut self, name: &[u8], mode: u32, device: Option<(u32, u32)>) -> io::Result<()> {
        let device = device.map_or(0, |(major, minor)| makedev(u64::from(major), u64::from(minor)));
        let (kind, mode) = (
            SFlag::from_bits_truncate(mode),
            Mode::from_bits_truncate(mode & 0o7777),
        );
        self.replace(name, |folder, base| {
            mknodat(folder, base, kind, mode, device)?;
            // What it takes the place of may have had more than the umask leaves.
            fchmodat(folder, base, mode, FchmodatFlags::NoFollowSymlink)
        })
    }

    /// Removes what is no folder, or an empty folder.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn remove(&mut self, name: &[u8], is_directory: bool) -> io::Result<()> {
        let (folder, base) = self.place(name)?;
        let flag = if is_directory {
            UnlinkatFlags::RemoveDir
        } else {
            UnlinkatFlags::NoRemoveDir
        };
        Ok(unlinkat(&*folder, base, flag)?)
    }

    /// Moves something to a place of a tree; what is there is replaced at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn move_to(&mut self, name: &[u8], to: &mut Self, place: &[u8]) -> io::Result<()> {
        let (from, base) = self.place(name)?;
        let (folder, place) = to.place(place)?;
        Ok(renameat(&*from, base, &*folder, place)?)
    }

    /// Gives something a second name in another tree; what is there is replaced at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn link_to(&mut self, name: &[u8], to: &mut Self, place: &[u8]) -> io::Result<()> {
        let (from, base) = self.place(name)?;
        to.replace(place, |folder, beside| {
            linkat(&*from, base, folder, beside, AtFlags::empty())
        })
    }

    /// Gives something a second name in the tree; what is there is replaced at once.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn link_over(&mut self, name: &[u8], place: &[u8]) -> io::Result<()> {
        let (from, base) = self.place(name)?;
        self.replace(place, |folder, beside| {
            linkat(&*from, base, folder, beside, AtFlags::empty())
        })
    }

    /// Begins a file that will stand at a place once it is complete, and is to have a mode then.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn begin(&mut self, name: &[u8], mode: u32) -> Result<Output, Unmade> {
        match self.place(name) {
            Ok((folder, base)) => Output::create(folder, base, true, mode),
            Err(error) => Err(Unmade::untried(last(name), true, error)),
        }
    }

    /// Begins such a file in this folder itself, which is there for temporary files: it will stand at a place of another
    /// tree.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn begin_elsewhere(&mut self, name: &[u8], mode: u32) -> Result<Output, Unmade> {
        Output::create(self.root(), last(name), false, mode)
    }

    /// Opens a file to write over it in place, or makes it.
    ///
    /// # Errors
    ///
    /// What the system says, and anything that is neither a regular file nor a device.
    pub fn begin_over(&mut self, name: &[u8]) -> io::Result<Output> {
        let (folder, base) = self.place(name)?;
        Output::over(&folder, base)
    }

    /// Makes something beside the place, and moves it there.
    fn replace(
        &mut self,
        name: &[u8],
        make: impl Fn(BorrowedFd<'_>, &OsStr) -> nix::Result<()>,
    ) -> io::Result<()> {
        let (folder, base) = self.place(name)?;
        match make(folder.as_fd(), base) {
            Err(Errno::EEXIST) => {}
            other => return Ok(other?),
        }
        let mut beside = Temporary::make(folder.clone(), base, true, |folder, name| {
            make(folder.as_fd(), name)
        })?;
        Ok(beside.place(&*folder, base)?)
    }
}

/// What is behind the last slash.
fn last(name: &[u8]) -> &OsStr {
    OsStr::from_bytes(name.rsplit(|&byte| byte == b'/').next().unwrap_or(name))
}
