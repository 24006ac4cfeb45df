//! What a cure changes: a file's text, its mode, its owner.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown},
    path::Path,
};

use nix::fcntl::OFlag;

use crate::{
    cli::{lint::File, replace::replace},
    host::resolved,
};

/// The mode of a file of passwords.
const PRIVATE: u32 = 0o600;
/// The bits of a mode for all others.
const OTHERS: u32 = 0o007;

/// Whether a cure changes a file.
pub(super) fn is_changed(file: &File<'_>) -> bool {
    file.bytes != file.original
}

/// Writes what was changed, each file whole or not at all.
pub(super) fn write(files: &[File<'_>]) -> io::Result<()> {
    for file in files.iter().filter(|file| is_changed(file)) {
        if let Some(path) = &file.path {
            replace(&resolved(path)?, &file.original, &file.bytes)?;
        }
    }
    Ok(())
}

/// The file of a path, which is that and not a link to another one, nor another one's second name.
fn opened(path: &Path) -> io::Result<(fs::File, fs::Metadata)> {
    if resolved(path)? != path {
        return Err(io::Error::other(
            "the way to it leads through a link; type the command yourself",
        ));
    }
    let flags = OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
    let opened = fs::OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits())
        .open(path);
    let file = opened.map_err(|error| match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => io::Error::other(
            "it is a link, and what it leads to may be somebody else's; type the command yourself",
        ),
        _ => error,
    })?;
    let found = file.metadata()?;
    if !found.is_file() || found.nlink() > 1 {
        return Err(io::Error::other(
            "it is no file, or has other names (hard links); type the command yourself",
        ));
    }
    Ok((file, found))
}

pub(super) fn set_mode(path: &Path) -> io::Result<()> {
    let (file, found) = opened(path)?;
    if found.mode() & OTHERS == 0 {
        return Err(io::Error::other("its mode was changed meanwhile; look again"));
    }
    file.set_permissions(fs::Permissions::from_mode(PRIVATE))
}

pub(super) fn set_owner(path: &Path) -> io::Result<()> {
    let (file, _) = opened(path)?;
    fchown(&file, Some(0), None)
}
