use std::{
    ffi::OsString,
    fs,
    io::{self, ErrorKind, Read as _},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use nix::unistd;

use crate::host::{EntryKind, Fact, Host, LARGEST_FILE, Metadata, Unknown, User};

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
        present(read_bounded(path))
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

    fn group(&self, name: &str) -> Fact<Option<u32>> {
        let group = unistd::Group::from_name(name).map_err(|error| Unknown::Failed(error.to_string()))?;
        Ok(group.map(|group| group.gid.as_raw()))
    }
}

/// Reads a regular file that is not larger than any configuration is.
pub(crate) fn read_bounded(path: &Path) -> io::Result<Vec<u8>> {
    let metadata = fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LARGEST_FILE + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST_FILE {
        return Err(io::Error::other("it is larger than 256 MiB"));
    }
    Ok(bytes)
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

fn unknown(error: &io::Error) -> Unknown {
    match error.kind() {
        ErrorKind::PermissionDenied => Unknown::Denied,
        _ => Unknown::Failed(plain(error)),
    }
}
