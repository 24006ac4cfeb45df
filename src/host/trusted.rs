//! Whether what a file is, nobody decides but root and who runs us.

use std::{
    ffi::OsString,
    fs::{self, Metadata},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Component, Path, PathBuf},
};

use nix::unistd::geteuid;

/// Symbolic links on a way, before it is taken for endless (as Linux does).
const MOST_LINKS: usize = 40;
/// The bits of a folder's mode with which others may change what is in it.
const WRITABLE: u32 = 0o022;
/// With that one they may not touch what is not theirs.
const STICKY: u32 = 0o1000;

/// The place that a path leads to, if nobody else has a hand in that: each folder and each link on the way belongs to root
/// or to us, and others may not write in these folders. The file itself may be anybody's.
///
/// # Errors
/// What the system says, and that somebody else decides.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut place = PathBuf::from("/");
    let mut left: Vec<_> = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        check(&place, &fs::symlink_metadata(&place)?)?;
        if part == ".." {
            place.pop();
            continue;
        }
        let next = place.join(&part);
        let found = fs::symlink_metadata(&next)?;
        if !found.is_symlink() {
            place = next;
            continue;
        }
        links += 1;
        if links > MOST_LINKS || !is_ours(&found) {
            return Err(decides(&next));
        }
        let target = fs::read_link(&next)?;
        if target.is_absolute() {
            place = PathBuf::from("/");
        }
        left.extend(parts(&target));
    }
    Ok(place)
}

/// Whether a file is root's or ours, too.
pub fn is_own(path: &Path) -> bool {
    let found = resolved(path).and_then(fs::symlink_metadata);
    found.is_ok_and(|found| is_ours(&found) && found.mode() & WRITABLE == 0)
}

/// The parts of a path, the last one first.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().rev().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    });
    parts.collect()
}

fn check(folder: &Path, found: &Metadata) -> io::Result<()> {
    let is_closed = found.mode() & WRITABLE == 0 || found.mode() & STICKY != 0;
    match is_ours(found) && is_closed {
        true => Ok(()),
        false => Err(decides(folder)),
    }
}

fn is_ours(found: &Metadata) -> bool {
    found.uid() == 0 || found.uid() == geteuid().as_raw()
}

fn decides(place: &Path) -> io::Error {
    io::Error::other(format!(
        "somebody else decides what is at `{}`; type the command yourself",
        place.display()
    ))
}
