use std::{
    ffi::OsStr,
    fs::{self, File, Permissions},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::{FileTypeExt as _, PermissionsExt as _},
    },
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, OFlag, fallocate, openat},
    sys::stat::Mode,
};

use crate::rsync::tree::{
    Attributes, Status, Tree, Unset,
    temporary::{Temporary, Unmade},
};

/// A file that is written: a new one under a name of its own until it is complete, of which nothing is left if it is dropped
/// before, or one that is written over in place.
#[derive(Debug)]
pub struct Output {
    /// The name of the new one.
    temporary: Option<Temporary>,
    file: File,
    /// The length of what is written over, in bytes.
    old_length: u64,
    /// How much room was reserved for it, in bytes.
    reserved: u64,
    /// Whether long runs of zeros become holes, and how much of such a run has come.
    is_sparse: bool,
    hole: u64,
}

/// Where content is looked at for holes, in bytes.
const HOLE: usize = 1024;

const ZEROS: [u8; HOLE] = [0; HOLE];

/// What is read at once of a file that is copied, in bytes.
const PIECE: usize = 256 * 1024;

impl Output {
    /// Makes an empty file beside a place, `.NAME.` and six letters; in a folder for temporary files without the dot.
    /// Until all is set that it is to keep, only its owner has what the mode gives (`open_tmpfile` in receiver.c).
    pub(super) fn create(
        folder: Arc<OwnedFd>,
        base: &OsStr,
        is_hidden: bool,
        mode: u32,
    ) -> Result<Self, Unmade> {
        let mode = Mode::from_bits_truncate(mode) & Mode::S_IRWXU | Mode::S_IWUSR;
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut file = None;
        let temporary = Temporary::make(folder, base, is_hidden, |folder, name| {
            file = Some(openat(folder, name, flags, mode)?);
            Ok(())
        })?;
        Ok(Self {
            temporary: Some(temporary),
            file: File::from(file.expect("made under the name that was found")),
            old_length: 0,
            reserved: 0,
            is_sparse: false,
            hole: 0,
        })
    }

    /// Opens what is at a place, or makes it, and writes over it (`recv_files` in receiver.c).
    pub(super) fn over(folder: &OwnedFd, base: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_WRONLY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK;
        let make = |flags| openat(folder, base, flags, Mode::S_IRUSR | Mode::S_IWUSR);
        let opened = match make(flags | OFlag::O_CREAT) {
            // In a folder that others may write to, the system lets nobody make what is there.
            Err(Errno::EACCES) => make(flags),
            opened => opened,
        };
        let file = File::from(match opened {
            Err(Errno::EACCES) => open_read_only(folder, base, flags)?,
            opened => opened?,
        });
        let metadata = file.metadata()?;
        let kind = metadata.file_type();
        if !kind.is_file() && !kind.is_block_device() && !kind.is_char_device() {
            return Err(Errno::EINVAL.into());
        }
        Ok(Self {
            temporary: None,
            old_length: metadata.len(),
            file,
            reserved: 0,
            is_sparse: false,
            hole: 0,
        })
    }

    /// From here on, long runs of zeros become holes (`write_sparse` in fileio.c).
    pub const fn be_sparse(&mut self) {
        self.is_sparse = true;
    }

    /// Leaves so many bytes as they are, which are right already.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn skip(&mut self, length: u64) -> io::Result<()> {
        self.end_hole()?;
        let length = i64::try_from(length).map_err(|_| Errno::EFBIG)?;
        self.file.seek(SeekFrom::Current(length)).map(drop)
    }

    /// Leaves these bytes, which are there already; long runs of zeros among them may become holes (`skip_matched` in
    /// fileio.c).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn keep(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self.is_sparse {
            true => self.write_sparse(bytes, true),
            false => self.skip(bytes.len() as u64),
        }
    }

    /// Reserves room on the disk, unless as much was there before. The length stays, except where holes are to be punched,
    /// which the system does only within it (`do_fallocate` in syscall.c).
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn reserve(&mut self, length: u64) -> io::Result<()> {
        if self.temporary.is_none() && length <= self.old_length {
            return Ok(());
        }
        let flags = match self.is_sparse {
            true => FallocateFlags::empty(),
            false => FallocateFlags::FALLOC_FL_KEEP_SIZE,
        };
        let whole = i64::try_from(length).map_err(|_| Errno::EFBIG)?;
        fallocate(&self.file, flags, 0, whole)?;
        self.reserved = length;
        Ok(())
    }

    /// Brings what was written to the disk.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// Takes bytes of which each long run of zeros, and those at both ends, which may go on, become holes. What is between is
    /// written, if it is not there already.
    fn write_sparse(&mut self, bytes: &[u8], is_there: bool) -> io::Result<()> {
        let start = zeros(bytes);
        self.hole += start as u64;
        let bytes = &bytes[start..];
        let end = bytes.len() - zeros_at_end(bytes);
        // Each run of that many zeros has one at one of the places that are looked at.
        let (mut from, mut at) = (0, HOLE);
        while at < end {
            if bytes[at] == 0 {
                let first = at - zeros_at_end(&bytes[from..at]);
                let last = at + zeros(&bytes[at..end]);
                if last - first >= HOLE {
                    self.write_between(&bytes[from..first], is_there)?;
                    self.hole += (last - first) as u64;
                    from = last;
                }
                at = last;
            }
            at += HOLE;
        }
        if from < end {
            self.write_between(&bytes[from..end], is_there)?;
        }
        self.hole += (bytes.len() - end) as u64;
        Ok(())
    }

    /// Takes what stands between two holes.
    fn write_between(&mut self, bytes: &[u8], is_there: bool) -> io::Result<()> {
        match is_there {
            true => self.skip(bytes.len() as u64),
            false => {
                self.end_hole()?;
                self.file.write_all(bytes)
            }
        }
    }

    /// Goes on behind a hole; what was there before is punched out.
    fn end_hole(&mut self) -> io::Result<()> {
        let length = std::mem::take(&mut self.hole);
        if length == 0 {
            return Ok(());
        }
        let start = self.file.stream_position()?;
        if start < self.old_length.max(self.reserved) {
            let (from, count) = (start.cast_signed(), length.cast_signed());
            let flags = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
            if fallocate(&self.file, flags, from, count).is_err() {
                return io::copy(&mut io::repeat(0).take(length), &mut self.file).map(drop);
            }
        }
        self.file.seek(SeekFrom::Start(start + length)).map(drop)
    }

    /// Ends the content: a file that is written over, or that room was reserved for, is cut off there.
    fn finish(&mut self) -> io::Result<()> {
        let is_open = self.hole > 0;
        self.end_hole()?;
        let is_cut = || Ok::<_, io::Error>(self.temporary.is_none() && self.file.metadata()?.is_file());
        if is_open || self.reserved > 0 || is_cut()? {
            let end = self.file.stream_position()?;
            self.file.set_len(end)?;
        }
        Ok(())
    }

    /// Ends the content, sets what the file is to keep, and moves it to its place, if it does not stand there. It stands
    /// there also if something could not be set, all of which is returned.
    ///
    /// # Errors
    ///
    /// What the system says; nothing is left of a new file then.
    pub fn commit(
        mut self,
        tree: &mut Tree,
        name: &[u8],
        attributes: &Attributes<'_>,
    ) -> io::Result<Vec<Unset>> {
        self.finish()?;
        let now = Status::from(nix::sys::stat::fstat(&self.file)?);
        let unset = attributes.apply_to(&self.file, &now);
        let Some(temporary) = &mut self.temporary else {
            return Ok(unset);
        };
        let (folder, base) = tree.place(name)?;
        match temporary.place(&*folder, base) {
            Err(Errno::EXDEV) => self.copy(tree, name, attributes),
            placed => Ok(placed.map(|()| unset)?),
        }
    }

    /// The name of a new file until it stands at its place.
    pub fn temporary_name(&self) -> Option<&OsStr> {
        self.temporary.as_ref().map(Temporary::name)
    }

    /// Makes a copy on the file system of the place, and moves that there.
    fn copy(mut self, tree: &mut Tree, name: &[u8], attributes: &Attributes<'_>) -> io::Result<Vec<Unset>> {
        let mode = self.file.metadata()?.permissions().mode();
        let mut copy = tree.begin(name, mode)?;
        if self.is_sparse {
            copy.be_sparse();
        }
        self.file.rewind()?;
        copy.fill_from(&mut self.file)?;
        copy.commit(tree, name, attributes)
    }

    /// Writes all of another file.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn fill_from(&mut self, from: &mut File) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            match from.read(&mut piece) {
                Ok(0) => return Ok(()),
                Ok(count) => self.write_all(&piece[..count])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// How many zeros stand in front.
fn zeros(bytes: &[u8]) -> usize {
    // Compared at once, as long as it goes on.
    let whole = bytes.chunks_exact(HOLE).take_while(|piece| **piece == ZEROS);
    let start = whole.count() * HOLE;
    start + bytes[start..].iter().take_while(|&&byte| byte == 0).count()
}

/// How many zeros stand at the end.
fn zeros_at_end(bytes: &[u8]) -> usize {
    let whole = bytes.rchunks_exact(HOLE).take_while(|piece| **piece == ZEROS);
    let count = whole.count() * HOLE;
    let rest = bytes[..bytes.len() - count].iter().rev();
    count + rest.take_while(|&&byte| byte == 0).count()
}

/// Opens a file that its owner may not write to: the permission is there only until it is open (`open_readonly_inplace` in
/// receiver.c). It need not be readable.
fn open_read_only(folder: &OwnedFd, base: &OsStr, flags: OFlag) -> io::Result<OwnedFd> {
    let held = OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    let held = File::from(openat(folder, base, held, Mode::empty())?);
    let metadata = held.metadata()?;
    let before = metadata.permissions();
    if !metadata.is_file() || before.mode() & 0o200 != 0 {
        return Err(Errno::EACCES.into());
    }
    // What is held in this way has its permissions changed by this name only.
    let this = format!("/proc/self/fd/{}", held.as_raw_fd());
    let writable = Permissions::from_mode(before.mode() | 0o200);
    fs::set_permissions(&this, writable).map_err(|_| Errno::EACCES)?;
    let opened = openat(folder, base, flags, Mode::empty());
    fs::set_permissions(&this, before)?;
    Ok(opened?)
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_sparse {
            self.write_sparse(bytes, false)?;
            return Ok(bytes.len());
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
