use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io, mem,
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nix::{
    errno::Errno,
    fcntl::renameat,
    unistd::{UnlinkatFlags, unlinkat},
};

use crate::terms::UntrustedLink;

/// Something new under a name of its own, until it is moved to its place; nothing is left of it if it is dropped before.
#[derive(Debug)]
pub(super) struct Temporary {
    number: u64,
    folder: Arc<OwnedFd>,
    name: OsString,
    is_placed: bool,
}

/// Something new that could not be made.
#[derive(Debug)]
pub struct Unmade {
    /// The name that was tried last, or would have been: then with six times `X` at its end.
    pub name: OsString,
    /// What the system says.
    pub error: io::Error,
}

impl Unmade {
    /// In a folder for temporary files that a symlink of somebody else's leads to.
    pub fn refused(name: &[u8]) -> Self {
        let base = name.rsplit(|&byte| byte == b'/').next().unwrap_or(name);
        let error = io::Error::other(UntrustedLink);
        Self::untried(OsStr::from_bytes(base), false, error)
    }

    /// Before any name was tried.
    pub(super) fn untried(base: &OsStr, is_hidden: bool, error: io::Error) -> Self {
        let name = named(base, is_hidden, *b"XXXXXX");
        Self { name, error }
    }
}

impl From<Unmade> for io::Error {
    fn from(unmade: Unmade) -> Self {
        unmade.error
    }
}

/// All that is there at the moment, by its number.
#[derive(Default)]
struct Table {
    last: u64,
    names: BTreeMap<u64, (Arc<OwnedFd>, OsString)>,
}

static TABLE: Mutex<Table> = Mutex::new(Table {
    last: 0,
    names: BTreeMap::new(),
});

fn table() -> MutexGuard<'static, Table> {
    TABLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So much of a file's name stands in that of what is new, in bytes: Linux has names of 255.
const LONGEST_BASE: usize = 246;

/// How many names are tried.
const ATTEMPTS: u32 = 100;

const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Temporary {
    /// Makes something under a name that nothing has: `.NAME.` and six letters, without the dot unless it is hidden.
    ///
    /// # Errors
    ///
    /// What the system says, with the name.
    pub(super) fn make(
        folder: Arc<OwnedFd>,
        base: &OsStr,
        is_hidden: bool,
        mut make: impl FnMut(&OwnedFd, &OsStr) -> nix::Result<()>,
    ) -> Result<Self, Unmade> {
        let mut table = table();
        let mut attempts = 1;
        loop {
            let name = named(base, is_hidden, random_letters());
            match make(&folder, &name) {
                Ok(()) => {
                    table.last += 1;
                    let number = table.last;
                    table.names.insert(number, (folder.clone(), name.clone()));
                    return Ok(Self {
                        number,
                        folder,
                        name,
                        is_placed: false,
                    });
                }
                Err(Errno::EEXIST) if attempts < ATTEMPTS => attempts += 1,
                Err(error) => {
                    let error = error.into();
                    return Err(Unmade { name, error });
                }
            }
        }
    }

    pub(super) fn name(&self) -> &OsStr {
        &self.name
    }

    /// Moves it to its place; if that fails, it stays.
    pub(super) fn place(&mut self, folder: impl AsFd, base: &OsStr) -> nix::Result<()> {
        renameat(&*self.folder, &*self.name, folder, base)?;
        self.is_placed = true;
        Ok(())
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.is_placed {
            remove(&self.folder, &self.name);
        }
        table().names.remove(&self.number);
    }
}

fn remove(folder: &OwnedFd, name: &OsStr) {
    let _ = unlinkat(folder, name, UnlinkatFlags::NoRemoveDir);
}

/// Removes whatever new does not stand at its place yet, in all sessions of this process. None of them makes anything
/// anew from then on: this is for a process that ends while they are busy.
pub fn remove_unfinished() {
    let table = table();
    for (folder, name) in table.names.values() {
        remove(folder, name);
    }
    mem::forget(table);
}

/// The name of something new (`get_tmpname` in receiver.c): no second dot in front of one, and no second one behind one.
fn named(base: &OsStr, is_hidden: bool, letters: [u8; 6]) -> OsString {
    let base = base.as_bytes();
    let base = base.strip_prefix(b".").filter(|_| is_hidden).unwrap_or(base);
    let mut end = base.len().min(LONGEST_BASE);
    // A character of several bytes is not cut in two.
    let is_continued = |at: usize| base.get(at).is_some_and(|byte| !byte.is_ascii());
    if is_continued(end) {
        while end > 0 && is_continued(end - 1) {
            end -= 1;
        }
    }
    let dot: &[u8] = if is_hidden { b"." } else { b"" };
    let mut name = [dot, &base[..end]].concat();
    if name.last() == Some(&b'.') {
        name.pop();
    }
    name.push(b'.');
    name.extend_from_slice(&letters);
    OsString::from_vec(name)
}

fn random_letters() -> [u8; 6] {
    let mut random = random_bits();
    [0; 6].map(|_: u8| {
        let letter = LETTERS[(random % LETTERS.len() as u64) as usize];
        random /= LETTERS.len() as u64;
        letter
    })
}

/// Some bits that differ from call to call and from process to process.
fn random_bits() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
