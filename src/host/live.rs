use std::{
    ffi::{CString, OsString},
    fs,
    io::{self, ErrorKind, Read as _, Seek as _, SeekFrom},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use nix::{fcntl::OFlag, unistd};

use crate::host::{EntryKind, Fact, Host, LARGEST_FILE, Metadata, Unknown, User, output::output};

/// The machine that we run on.
#[derive(Debug)]
pub struct Live;

impl Host for Live {
    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>> {
        let result = if follow {
            fs::metadata(path)
        } else {
            fs::symlink_metadata(path)
        };
        present(result).map(|found| found.map(|metadata| describe(&metadata)))
    }

    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>> {
        present(read_bounded(path, LARGEST_FILE))
    }

    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>> {
        let names = fs::read_dir(path).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<io::Result<Vec<_>>>()
        });
        present(names)
    }

    fn read_link(&self, path: &Path) -> Fact<PathBuf> {
        fs::read_link(path).map_err(|error| unknown(&error))
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        let user = unistd::User::from_name(name).map_err(|error| Unknown::Failed(error.to_string()))?;
        Ok(user.map(|user| User {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        }))
    }

    fn has_number(&self, uid: u32) -> Fact<bool> {
        let user = unistd::User::from_uid(uid.into()).map_err(|error| Unknown::Failed(error.to_string()))?;
        Ok(user.is_some())
    }

    fn group(&self, name: &str) -> Fact<Option<u32>> {
        let group = unistd::Group::from_name(name).map_err(|error| Unknown::Failed(error.to_string()))?;
        Ok(group.map(|group| group.gid.as_raw()))
    }

    fn groups(&self, user: &str) -> Fact<Vec<String>> {
        let failed = |error: nix::Error| Unknown::Failed(error.to_string());
        let (Some(account), Ok(name)) = (self.user(user)?, CString::new(user)) else {
            return Ok(Vec::new());
        };
        let numbers = unistd::getgrouplist(&name, unistd::Gid::from_raw(account.gid)).map_err(failed)?;
        let names = numbers.into_iter().map(unistd::Group::from_gid);
        let names: Vec<_> = names.collect::<nix::Result<_>>().map_err(failed)?;
        Ok(names.into_iter().flatten().map(|group| group.name).collect())
    }

    fn output(&self, program: &str, arguments: &[&str]) -> Fact<Option<Vec<u8>>> {
        output(program, arguments)
    }

    fn attribute(&self, path: &Path, name: &str) -> Fact<Option<Vec<u8>>> {
        attribute(path, name)
    }

    fn tail(&self, path: &Path, most: u64) -> Fact<Option<Tail>> {
        tail(path, most)
    }
}

/// An attribute of a file of ours; `None` too where its file system has no attributes.
pub(crate) fn attribute(path: &Path, name: &str) -> Fact<Option<Vec<u8>>> {
    match xattr::get_deref(path, name) {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(None),
        found => present(found).map(Option::flatten),
    }
}

/// What is said of what cannot be read to an end: a folder, a pipe, a device.
pub(crate) const NOT_REGULAR: &str = "it is not a regular file";

/// How a file is opened that may turn out to be a pipe without a writer, or a terminal.
pub(crate) const SAFE_TO_OPEN: OFlag = OFlag::O_NONBLOCK.union(OFlag::O_NOCTTY);

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// Those of the system; anything else than a regular file; a larger one.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // To open a device may do something; to look at it does not.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).custom_flags(SAFE_TO_OPEN.bits()).open(path)?;
    read_regular(file, limit)
}

/// The same for a file that is open. It is asked what it is now: the path may have led elsewhere before.
pub(crate) fn read_regular(file: fs::File, limit: u64) -> io::Result<Vec<u8>> {
    if !file.metadata()?.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        let limit = limit >> 20;
        return Err(io::Error::other(format!("it is larger than {limit} MiB")));
    }
    Ok(bytes)
}

/// The last part of a file.
#[derive(Debug)]
pub struct Tail {
    /// Its bytes, which may begin within a line.
    pub bytes: Vec<u8>,
    /// Whether there is more in front of it.
    pub is_cut: bool,
}

/// The last `most` bytes of a regular file of this machine; `None` if there is none.
///
/// # Errors
/// The reason why nobody knows.
pub fn tail(path: &Path, most: u64) -> Fact<Option<Tail>> {
    present(read_tail(path, most))
}

fn read_tail(path: &Path, most: u64) -> io::Result<Tail> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other(NOT_REGULAR));
    }
    let mut options = fs::OpenOptions::new();
    let file = options.read(true).custom_flags(SAFE_TO_OPEN.bits()).open(path)?;
    tail_of(file, most)
}

/// The end of a file that is open.
pub(crate) fn tail_of(mut file: fs::File, most: u64) -> io::Result<Tail> {
    let from = file.metadata()?.len().saturating_sub(most);
    file.seek(SeekFrom::Start(from))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(Tail {
        bytes,
        is_cut: from > 0,
    })
}

/// When a file of this machine was last changed or put in its place, in seconds since 1970; `None` if there is none.
///
/// # Errors
/// The reason why nobody knows.
pub fn changed(path: &Path) -> Fact<Option<i64>> {
    present(fs::metadata(path).map(|found| found.ctime()))
}

pub(crate) fn describe(metadata: &fs::Metadata) -> Metadata {
    let file_type = metadata.file_type();
    let kind = if file_type.is_dir() {
        EntryKind::Directory
    } else if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_symlink() {
        EntryKind::Link
    } else {
        EntryKind::Other
    };
    Metadata {
        kind,
        mode: metadata.mode() & 0o7777,
        uid: metadata.uid(),
        gid: metadata.gid(),
        size: metadata.size(),
        device: metadata.dev(),
        inode: metadata.ino(),
    }
}

/// Tells "there is none" from "nobody knows".
pub(crate) fn present<T>(result: io::Result<T>) -> Fact<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(unknown(&error)),
    }
}

/// An error as people know it, without its number.
pub(crate) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

pub(crate) fn unknown(error: &io::Error) -> Unknown {
    match error.kind() {
        ErrorKind::PermissionDenied => Unknown::Denied,
        _ => Unknown::Failed(plain(error)),
    }
}
