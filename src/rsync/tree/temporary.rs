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

/// Something new under a name of its own, until it is moved to its place; nothing is left of it if it is dropped before.
#[derive(Debug)]
pub(super) struct Temporary {
    number: u64,
    folder: Arc<OwnedFd>,
    name: OsString,
    is_placed: bool,
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

/// Longest name of a file on Linux, in bytes.
const LONGEST_NAME: usize = 255;

/// How many names are tried.
const ATTEMPTS: u32 = 100;

const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

impl Temporary {
    /// Makes something under a name that nothing has: `.NAME.` and six letters, without the dot unless it is hidden.
    pub(super) fn make(
        folder: Arc<OwnedFd>,
        base: &OsStr,
        is_hidden: bool,
        mut make: impl FnMut(&OwnedFd, &OsStr) -> nix::Result<()>,
    ) -> io::Result<Self> {
        let mut table = table();
        for _ in 0..ATTEMPTS {
            let name = new_name(base, is_hidden);
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
                Err(Errno::EEXIST) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Errno::EEXIST.into())
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

fn new_name(base: &OsStr, is_hidden: bool) -> OsString {
    // The dot, the other dot, and six letters.
    let base = base.as_bytes();
    let base = &base[..base.len().min(LONGEST_NAME - 8)];
    let mut name = Vec::with_capacity(base.len() + 8);
    name.extend(is_hidden.then_some(b'.'));
    name.extend_from_slice(base);
    name.push(b'.');
    let mut random = random_bits();
    for _ in 0..6 {
        name.push(LETTERS[(random % LETTERS.len() as u64) as usize]);
        random /= LETTERS.len() as u64;
    }
    OsString::from_vec(name)
}

/// Some bits that differ from call to call and from process to process.
fn random_bits() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(0)
}
