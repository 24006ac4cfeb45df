use std::{
    ffi::{OsStr, OsString},
    io,
    os::{
        fd::OwnedFd,
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    sync::Arc,
};

use nix::{
    errno::Errno,
    fcntl::{AtFlags, renameat},
    unistd::{UnlinkatFlags, linkat, unlinkat},
};

use crate::rsync::{
    proto::file_list::{FileKind, compare},
    tree::{Status, Tree},
};

/// Where something is: its folder, opened, and its name there.
type Place = (Arc<OwnedFd>, OsString);

/// Something that was in a folder that is gone.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Removed {
    /// Its name there.
    pub name: Vec<u8>,
    /// Its kind and permissions, as `st_mode` has them.
    pub mode: u32,
}

/// Why something is to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// It is to be removed.
    Removed,
    /// Something of another kind is to take its place.
    Displaced,
    /// Something of its kind is to take its place.
    Replaced,
}

/// What became of something that is to be kept.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kept {
    /// It has two names now, or there was nothing to keep.
    Linked,
    /// It has the other name only.
    Moved,
    /// Neither works: it must be copied.
    Not,
}

impl Tree {
    /// Gives something a second name, or another one if it is to be removed anyway or cannot have two; what had that name
    /// is gone. Without a tree for it the name is one in its folder (`link_or_rename` in backup.c). If a folder had the name,
    /// what was in it is added to `removed`, as it was removed.
    ///
    /// # Errors
    ///
    /// What the system says of the two folders, and of what has the name and cannot be removed.
    pub fn back_up(
        &mut self,
        name: &[u8],
        elsewhere: Option<&mut Self>,
        backup: &[u8],
        now: &Status,
        why: Why,
        removed: &mut Vec<Removed>,
    ) -> io::Result<Kept> {
        let (folder, base) = self.place(name)?;
        let from = (folder, base.to_owned());
        let last = backup.rsplit(|&byte| byte == b'/').next().unwrap_or(backup);
        let to = match elsewhere {
            Some(tree) => (tree.place(backup)?.0, OsString::from_vec(last.to_vec())),
            None => (from.0.clone(), OsStr::from_bytes(last).to_owned()),
        };
        match link_or_move(&from, &to, now, why) {
            Err(Errno::EEXIST | Errno::EISDIR | Errno::ENOTEMPTY) => remove_all(&to, b"", removed)?,
            kept => return Ok(done(kept)),
        }
        Ok(done(link_or_move(&from, &to, now, why)))
    }
}

fn done(kept: nix::Result<Kept>) -> Kept {
    match kept {
        Ok(kept) => kept,
        // Nothing to keep is fine.
        Err(Errno::ENOENT) => Kept::Linked,
        // Whatever it was, a copy may do.
        Err(_) => Kept::Not,
    }
}

fn link_or_move(from: &Place, to: &Place, now: &Status, why: Why) -> nix::Result<Kept> {
    if why != Why::Removed {
        match linkat(&*from.0, &*from.1, &*to.0, &*to.1, AtFlags::empty()) {
            Ok(()) => return Ok(Kept::Linked),
            Err(error @ (Errno::EEXIST | Errno::EISDIR | Errno::ENOENT)) => return Err(error),
            // The kernel may allow no second name of what somebody else owns (`protected_hardlinks` in proc_sys_fs(5)).
            Err(error) if now.kind() != FileKind::Regular && why != Why::Displaced => return Err(error),
            Err(_) => {}
        }
    }
    renameat(&*from.0, &*from.1, &*to.0, &*to.1)?;
    // Two names of one file are left alone by a move.
    if now.links > 1 && now.kind() != FileKind::Directory {
        match unlinkat(&*from.0, &*from.1, UnlinkatFlags::NoRemoveDir) {
            Ok(()) | Err(Errno::ENOENT) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Kept::Moved)
}

/// Removes what stands at a place, a folder with all that is in it; `below` is how it is named from the first one.
fn remove_all((folder, base): &Place, below: &[u8], removed: &mut Vec<Removed>) -> io::Result<()> {
    match unlinkat(&**folder, &**base, UnlinkatFlags::NoRemoveDir) {
        Ok(()) => {}
        Err(Errno::EISDIR | Errno::EPERM) => {
            let mut inside = Tree::below(folder, base)?;
            let mut names: Vec<_> = inside.contents(b".")?.collect::<io::Result<_>>()?;
            // The last one first, as wherever rsync deletes.
            let is_folder = |status: &Status| status.kind() == FileKind::Directory;
            names.sort_by(|(left, one), (right, other)| {
                compare((right, is_folder(other)), (left, is_folder(one)))
            });
            for (name, Status { mode, .. }) in names {
                let path = match below {
                    b"" => name.clone(),
                    below => [below, b"/", &*name].concat(),
                };
                remove_all(&(inside.root(), OsString::from_vec(name)), &path, removed)?;
                removed.push(Removed { name: path, mode });
            }
            unlinkat(&**folder, &**base, UnlinkatFlags::RemoveDir)?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(())
}
