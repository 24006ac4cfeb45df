use std::{
    ffi::{OsStr, OsString},
    fs::File,
    io::{self, Seek as _, SeekFrom, Write},
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{OFlag, openat, renameat},
    sys::stat::Mode,
    unistd::{UnlinkatFlags, unlinkat},
};

use crate::rsync::tree::{Attributes, Status};

/// A new file under a name of its own, `.NAME.` and six letters, until it is complete; what is dropped before leaves nothing.
#[derive(Debug)]
pub struct Temporary {
    folder: Arc<OwnedFd>,
    /// None once it stands at its place.
    name: Option<OsString>,
    file: File,
    /// Whether long runs of zeros become holes, and how much of such a run has come.
    is_sparse: bool,
    hole: u64,
}

/// Longest name of a file on Linux, in bytes.
const LONGEST_NAME: usize = 255;

/// Where content is looked at for holes, in bytes.
const HOLE: usize = 1024;

/// How many names are tried.
const ATTEMPTS: u32 = 100;

const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Temporary {
    /// Makes an empty file beside a place.
    pub(super) fn create(folder: Arc<OwnedFd>, base: &OsStr) -> io::Result<Self> {
        let flags = OFlag::O_RDWR | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
        let mut file = None;
        let name = Self::name_new(base, |name| {
            file = Some(openat(
                folder.as_fd(),
                name,
                flags,
                Mode::S_IRUSR | Mode::S_IWUSR,
            )?);
            Ok(())
        })?;
        Ok(Self {
            folder,
            name: Some(name),
            file: File::from(file.expect("made under the name that was found")),
            is_sparse: false,
            hole: 0,
        })
    }

    /// From here on, long runs of zeros become holes (`write_sparse` in fileio.c).
    pub const fn be_sparse(&mut self) {
        self.is_sparse = true;
    }

    /// Writes all but the zeros at its end, which may go on.
    fn write_sparse(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(HOLE) {
            let zeros = piece.iter().take_while(|&&byte| byte == 0).count();
            self.hole += zeros as u64;
            let rest = &piece[zeros..];
            if rest.is_empty() {
                continue;
            }
            let skipped = i64::try_from(std::mem::take(&mut self.hole)).expect("a file is shorter");
            self.file.seek(SeekFrom::Current(skipped))?;
            self.file.write_all(rest)?;
        }
        Ok(())
    }

    /// Makes something under a name that nothing has.
    pub(super) fn name_new(
        base: &OsStr,
        mut make: impl FnMut(&OsStr) -> nix::Result<()>,
    ) -> io::Result<OsString> {
        // The dot, the other dot, and six letters.
        let base = base.as_bytes();
        let base = &base[..base.len().min(LONGEST_NAME - 8)];
        for _ in 0..ATTEMPTS {
            let mut name = vec![b'.'];
            name.extend_from_slice(base);
            name.push(b'.');
            let mut random = rand_bits();
            for _ in 0..6 {
                name.push(LETTERS[(random % LETTERS.len() as u64) as usize]);
                random /= LETTERS.len() as u64;
            }
            let name = OsString::from_vec(name);
            match make(&name) {
                Ok(()) => return Ok(name),
                Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::EEXIST.into())
    }

    /// Sets what the file is to keep, and moves it to its place.
    ///
    /// # Errors
    ///
    /// What the system says; nothing is left then.
    pub fn commit(mut self, base: &[u8], attributes: &Attributes<'_>) -> io::Result<()> {
        if self.hole > 0 {
            let end = self.file.stream_position()? + self.hole;
            self.file.set_len(end)?;
        }
        let new = Status {
            mode: 0o100_600,
            ..Status::from(nix::sys::stat::fstat(&self.file)?)
        };
        attributes.apply_to(&self.file, &new)?;
        let name = self.name.take().expect("set until now");
        renameat(&*self.folder, &*name, &*self.folder, OsStr::from_bytes(base)).map_err(|error| {
            self.name = Some(name);
            error.into()
        })
    }
}

impl Write for Temporary {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_sparse {
            self.write_sparse(bytes)?;
            return Ok(bytes.len());
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(name) = &self.name {
            let _ = unlinkat(&*self.folder, &**name, UnlinkatFlags::NoRemoveDir);
        }
    }
}

/// Some bits that differ from call to call and from process to process.
fn rand_bits() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
