use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Seek as _},
    os::{
        fd::{AsFd as _, BorrowedFd, OwnedFd},
        unix::{ffi::OsStrExt as _, fs::FileTypeExt as _},
    },
    path::Path,
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, open, openat, openat2, readlinkat},
    sys::stat::{FileStat, Mode, fstatat},
};

use crate::rsync::{
    proto::file_list::FileKind,
    tree::{aliases::Aliases, trusted::open_trusted_folder},
};

/// A folder and all below it. Copies share the root and hold a folder of their own open.
#[derive(Debug)]
pub struct Tree {
    root: Arc<OwnedFd>,
    /// The folder that was used last.
    held: Option<(Vec<u8>, Arc<OwnedFd>)>,
    /// Symlinks to folders are followed: they are the user's own.
    follows: bool,
    /// Those to files too.
    follows_files: bool,
    /// Whether the user's own symlinks are followed on the way.
    follows_own: bool,
    /// Symlinks that stand for folders, if they are kept.
    pub(super) aliases: Option<Arc<Aliases>>,
    /// Files that are read keep their access times.
    keeps_access_times: bool,
    /// Devices are read as files are.
    reads_devices: bool,
}

/// What is at a place.
#[derive(Clone, Copy, Debug)]
pub struct Status {
    /// Kind and permissions.
    pub mode: u32,
    /// The length in bytes.
    pub size: i64,
    /// Seconds of the modification time.
    pub mtime: i64,
    /// Nanoseconds of it.
    pub nanoseconds: u32,
    /// Seconds of the access time.
    pub atime: i64,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// The device's number.
    pub device: u64,
    /// The file system that it is on.
    pub filesystem: u64,
    /// Its number there.
    pub inode: u64,
    /// How many names it has.
    pub links: u64,
}

impl Status {
    /// What it is.
    pub fn kind(&self) -> FileKind {
        FileKind::of(self.mode).unwrap_or(FileKind::Special)
    }
}

impl From<FileStat> for Status {
    fn from(stat: FileStat) -> Self {
        Self {
            mode: stat.st_mode,
            size: stat.st_size,
            mtime: stat.st_mtime,
            nanoseconds: u32::try_from(stat.st_mtime_nsec).unwrap_or(0),
            atime: stat.st_atime,
            uid: stat.st_uid,
            gid: stat.st_gid,
            device: stat.st_rdev,
            filesystem: stat.st_dev,
            inode: stat.st_ino,
            links: stat.st_nlink,
        }
    }
}

impl Clone for Tree {
    fn clone(&self) -> Self {
        Self {
            root: self.root.clone(),
            held: None,
            follows: self.follows,
            follows_files: self.follows_files,
            follows_own: self.follows_own,
            aliases: self.aliases.clone(),
            keeps_access_times: self.keeps_access_times,
            reads_devices: self.reads_devices,
        }
    }
}

impl Tree {
    /// Opens a folder that the user names and that is read; symlinks on the way are the user's.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut flags = FOLDER;
        flags.remove(OFlag::O_NOFOLLOW);
        Ok(Self::of(open(path, flags, Mode::empty())?))
    }

    /// Opens a folder that the user names and that is written to or trusted, through no symlink of somebody else's.
    ///
    /// # Errors
    ///
    /// What the system says, and such a symlink ([`crate::terms::refusal`]).
    pub fn open_trusted(path: &Path) -> io::Result<Self> {
        open_trusted_folder(path).map(Self::of)
    }

    fn of(root: OwnedFd) -> Self {
        Self {
            root: Arc::new(root),
            held: None,
            follows: false,
            follows_files: false,
            follows_own: false,
            aliases: None,
            keeps_access_times: false,
            reads_devices: false,
        }
    }

    /// Opens a folder in another.
    pub(super) fn below(folder: &OwnedFd, base: &OsStr) -> io::Result<Self> {
        Ok(Self::of(openat(folder, base, FOLDER, Mode::empty())?))
    }

    /// The folder itself.
    pub(super) fn root(&self) -> Arc<OwnedFd> {
        self.root.clone()
    }

    /// From here on symlinks on the way are followed, wherever they lead: for what the user sends with `--copy-links`.
    pub fn follow_links(&mut self) {
        (self.follows, self.follows_files) = (true, true);
    }

    /// From here on the user's own symlinks and those of root are followed on the way, wherever they lead: for folders that
    /// files are compared with, which the user names and nobody writes to.
    pub fn follow_own_links(&mut self) {
        self.follows_own = true;
    }

    /// The same folder, in which those alone are followed.
    pub fn through_own_links(&self) -> Self {
        Self {
            follows_own: true,
            ..self.without_following()
        }
    }

    /// The same folder, in which no symlink is followed.
    pub fn without_following(&self) -> Self {
        Self {
            follows: false,
            follows_files: false,
            aliases: None,
            held: None,
            ..self.clone()
        }
    }

    /// The same of symlinks to folders only: for what the user names with `--relative`.
    pub fn follow_folders(&mut self) {
        self.follows = true;
    }

    /// From here on files that are read keep their access times; the system allows that for one's own.
    pub fn keep_access_times(&mut self) {
        self.keeps_access_times = true;
    }

    /// From here on a device is read as a file is.
    pub fn read_devices(&mut self) {
        self.reads_devices = true;
    }

    /// What is there, or what a symlink there leads to.
    ///
    /// # Errors
    ///
    /// What the system says, a symlink that leads nowhere too.
    pub fn followed_status(&mut self, name: &[u8]) -> io::Result<Status> {
        let (folder, base) = self.place(name)?;
        Ok(fstatat(&*folder, base, AtFlags::empty())?.into())
    }

    /// What is there, without following a symlink; none if nothing is.
    ///
    /// # Errors
    ///
    /// What the system says, except that there is nothing.
    pub fn status(&mut self, name: &[u8]) -> io::Result<Option<Status>> {
        let found = self
            .place(name)
            .and_then(|(folder, base)| Ok(fstatat(&*folder, base, AtFlags::AT_SYMLINK_NOFOLLOW)?));
        match found {
            Ok(stat) => Ok(Some(stat.into())),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens a regular file for reading.
    ///
    /// # Errors
    ///
    /// What the system says, and anything that is no regular file.
    pub fn read(&mut self, name: &[u8]) -> io::Result<File> {
        Ok(self.read_with_length(name)?.0)
    }

    /// Opens a regular file for reading; it, and its length in bytes.
    ///
    /// # Errors
    ///
    /// What the system says, and anything that is no regular file; devices count as such where they are read.
    pub fn read_with_length(&mut self, name: &[u8]) -> io::Result<(File, u64)> {
        let (folder, base) = self.place(name)?;
        let mut flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        flags.set(OFlag::O_NOFOLLOW, !self.follows_files);
        flags.set(OFlag::O_NOATIME, self.keeps_access_times);
        let mut file = File::from(openat(&*folder, base, flags, Mode::empty())?);
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if self.reads_devices && (kind.is_block_device() || kind.is_char_device()) {
            let length = file.seek(io::SeekFrom::End(0))?;
            file.rewind()?;
            return Ok((file, length));
        }
        if !metadata.is_file() {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "it is not a regular file",
            ));
        }
        Ok((file, metadata.len()))
    }

    /// Where a symlink leads.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn link(&mut self, name: &[u8]) -> io::Result<Vec<u8>> {
        let (folder, base) = self.place(name)?;
        Ok(readlinkat(&*folder, base)?.as_bytes().to_vec())
    }

    /// The folder of a name, opened, and the last component.
    pub(super) fn place<'n>(&mut self, name: &'n [u8]) -> io::Result<(Arc<OwnedFd>, &'n OsStr)> {
        let (folder, base) = match name.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (&name[..slash], &name[slash + 1..]),
            None => (&b""[..], name),
        };
        let base = OsStr::from_bytes(base);
        let Some(aliases) = self.aliases.clone() else {
            return Ok((self.open_folder(folder)?, base));
        };
        if aliases.contains(name) {
            return Ok((self.open_folder(&aliases.place(name)?)?, OsStr::new(".")));
        }
        Ok((self.open_folder(&aliases.place(folder)?)?, base))
    }

    /// A folder of the tree; the root if the name is empty.
    pub(super) fn open_folder(&mut self, folder: &[u8]) -> io::Result<Arc<OwnedFd>> {
        if folder.is_empty() {
            return Ok(self.root.clone());
        }
        if let Some((held, descriptor)) = &self.held
            && held == folder
        {
            return Ok(descriptor.clone());
        }
        let descriptor = Arc::new(if self.follows {
            openat(
                &*self.root,
                OsStr::from_bytes(folder),
                self.folder_flags(),
                Mode::empty(),
            )?
        } else {
            match beneath(self.root.as_fd(), folder) {
                // A symlink in the end is no folder, and one before it a loop.
                Err(error) if self.follows_own && is_link(&error) => self.open_below(folder, FOLDER)?,
                other => other?,
            }
        });
        self.held = Some((folder.to_vec(), descriptor.clone()));
        Ok(descriptor)
    }
}

impl Tree {
    /// Whether symlinks are followed.
    pub(super) const fn follows(&self) -> bool {
        self.follows
    }

    /// How a folder of the tree is opened.
    pub(super) fn folder_flags(&self) -> OFlag {
        let mut flags = FOLDER;
        flags.set(OFlag::O_NOFOLLOW, !self.follows);
        flags
    }
}

fn is_missing(error: &io::Error) -> bool {
    error.raw_os_error().map(Errno::from_raw) == Some(Errno::ENOENT)
}

fn is_link(error: &io::Error) -> bool {
    let error = error.raw_os_error().map(Errno::from_raw);
    matches!(error, Some(Errno::ELOOP | Errno::ENOTDIR))
}

/// How a folder is held: one that may be entered and written to need not be one that may be read.
const FOLDER: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NOFOLLOW);

/// Opens a folder below another, through no symlink.
pub(super) fn beneath(root: BorrowedFd<'_>, folder: &[u8]) -> io::Result<OwnedFd> {
    let folder = if folder.is_empty() { b"." } else { folder };
    let how = OpenHow::new().flags(FOLDER).resolve(
        ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS,
    );
    loop {
        match openat2(root, OsStr::from_bytes(folder), how) {
            // Somebody moved folders meanwhile.
            Err(Errno::EAGAIN) => {}
            // An old kernel, or a sandbox that does not know the call.
            Err(Errno::ENOSYS | Errno::EPERM) => return step_by_step(root, folder),
            other => return Ok(other?),
        }
    }
}

fn step_by_step(root: BorrowedFd<'_>, folder: &[u8]) -> io::Result<OwnedFd> {
    let mut current = root.try_clone_to_owned()?;
    for component in folder.split(|&byte| byte == b'/') {
        if component == b".." {
            return Err(Errno::EXDEV.into());
        }
        current = openat(&current, OsStr::from_bytes(component), FOLDER, Mode::empty())?;
    }
    Ok(current)
}
