use std::{
    collections::VecDeque,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Component, Path, PathBuf},
};

use nix::unistd::geteuid;

use crate::rsync::tree::Tree;

/// Symlinks on a way, before it is taken for endless (as Linux does).
const MOST_LINKS: usize = 40;

/// A symlink of the destination on the way to a folder that the user names. The transfer may remove it, or put something
/// else in its place.
#[derive(Clone)]
pub(super) struct LinkOnWay {
    /// Its name in the destination.
    pub(super) name: Vec<u8>,
    target: Vec<u8>,
    /// The folder in the destination that the way leads to once a folder is in the link's place.
    pub(super) folder: Vec<u8>,
}

impl LinkOnWay {
    /// Whether it still leads where it led; one that stands for a folder of the transfer does (`--keep-dirlinks`).
    pub(super) fn is_there(&self, destination: &Tree) -> bool {
        let target = destination.without_following().link(&self.name);
        target.is_ok_and(|target| target == self.target)
    }
}

/// Those on the way to a folder, however it is written: from the root on, through `..`, or through symlinks elsewhere. The
/// first one that is met is the first one.
pub(super) fn links_on_way(destination: &Path, folder: &Path) -> Vec<LinkOnWay> {
    let mut links = Vec::new();
    let Some(destination) = identity(destination) else {
        return links;
    };
    let mut way = PathBuf::new();
    let mut left = parts(folder);
    let mut count = 0;
    while let Some(part) = left.pop_front() {
        if part == Path::new("..") {
            way.pop();
            continue;
        }
        let here = way.join(&part);
        let Ok(found) = here.symlink_metadata() else { break };
        if !found.is_symlink() {
            way = here;
            continue;
        }
        let Ok(target) = fs::read_link(&here) else { break };
        let root = way.ancestors().find(|above| identity(above) == Some(destination));
        if let Some(name) = root.and_then(|root| here.strip_prefix(root).ok()) {
            links.push(LinkOnWay {
                name: name.as_os_str().as_bytes().to_vec(),
                target: target.as_os_str().as_bytes().to_vec(),
                folder: behind(name, &left),
            });
        }
        count += 1;
        if ![0, geteuid().as_raw()].contains(&found.uid()) || count > MOST_LINKS {
            break;
        }
        for part in parts(&target).into_iter().rev() {
            left.push_front(part);
        }
    }
    links
}

/// Where the rest of a way leads behind a folder.
fn behind(folder: &Path, rest: &VecDeque<PathBuf>) -> Vec<u8> {
    let mut folder = folder.to_owned();
    for part in rest {
        // One that leads out of the destination stays as it is, and is refused there.
        let goes_up = part == Path::new("..") && folder.file_name().is_some();
        match goes_up {
            true => _ = folder.pop(),
            false => folder.push(part),
        }
    }
    folder.as_os_str().as_bytes().to_vec()
}

/// What a folder is, by whatever path it is reached.
fn identity(folder: &Path) -> Option<(u64, u64)> {
    let found = fs::metadata(folder).ok()?;
    Some((found.dev(), found.ino()))
}

fn parts(path: &Path) -> VecDeque<PathBuf> {
    let parts = path.components().filter(|part| *part != Component::CurDir);
    parts.map(|part| PathBuf::from(part.as_os_str())).collect()
}
