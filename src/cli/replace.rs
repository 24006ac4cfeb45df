//! Writes files so that each is the old or the new one at every instant.

use std::{
    fs,
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::Path,
};

use nix::{
    errno::Errno,
    fcntl::{FcntlArg, OFlag, fcntl},
};
use tempfile::{Builder, NamedTempFile};

use crate::host::{LARGEST_FILE, SAFE_TO_OPEN, read_bounded};

/// Puts a new file in the place of an old one, which is no link; it keeps its owner, mode and attributes.
pub(super) fn replace(path: &Path, original: &[u8], bytes: &[u8]) -> io::Result<()> {
    if read_bounded(path, LARGEST_FILE)? != original {
        return Err(io::Error::other(
            "it was changed while it was checked; check it again",
        ));
    }
    let metadata = fs::symlink_metadata(path)?;
    let names = metadata.nlink();
    if names > 1 {
        return Err(io::Error::other(format!(
            "it has {names} names (hard links), and only this one would get the new content; \
             `--diff` shows the change, to be made by hand"
        )));
    }
    let mut new = NamedTempFile::new_in(folder(path))?;
    new.write_all(bytes)?;
    let (uid, gid) = (metadata.uid(), metadata.gid());
    fchown(new.as_file(), Some(uid), Some(gid)).map_err(|_| {
        io::Error::other(format!(
            "it belongs to {uid}:{gid}, and only root can give it back to them"
        ))
    })?;
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    // Access lists and security labels are attributes too; what we may not set is the system's to give.
    for name in xattr::list(path)? {
        if let Some(value) = xattr::get(path, &name)? {
            let _ = xattr::set(new.path(), &name, &value);
        }
    }
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

/// Writes a file that may be there: a new one has the mode that the user's mask leaves, one that is there keeps its own.
/// A link that leads nowhere is refused.
pub(super) fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mode = fs::Permissions::from_mode(0o666);
    let mut new = Builder::new().permissions(mode).tempfile_in(folder(path))?;
    new.write_all(bytes)?;
    match fs::symlink_metadata(path) {
        // Callers follow links; what is still one leads nowhere, and its mode says nothing.
        Ok(old) if old.is_symlink() => {
            return Err(io::Error::other("it is a symlink to something that is not there"));
        }
        Ok(old) => new.as_file().set_permissions(old.permissions())?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    new.as_file().sync_all()?;
    new.persist(path)?;
    Ok(())
}

/// Writes a file anew; what is no file, such as a pipe, gets the bytes.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::canonicalize(path) {
        Ok(path) if path.is_file() => write(&path, bytes),
        Ok(path) => hand_over(&path, bytes),
        Err(_) => write(path, bytes),
    }
}

/// Writes into what is no file. A pipe that nobody reads is told, and not waited for.
fn hand_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let opened = fs::OpenOptions::new()
        .write(true)
        .custom_flags(SAFE_TO_OPEN.bits())
        .open(path);
    let mut file = opened.map_err(|error| match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::ENXIO) => io::Error::other("nobody reads from that pipe"),
        _ => error,
    })?;
    // Whoever reads may take its time.
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    file.write_all(bytes)
}

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => Path::new("/"),
    }
}
