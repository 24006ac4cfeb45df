use std::{
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use crate::rsync::tree::Tree;

/// A folder that the user names, and that may have to be made first. It is looked for once, before a peer can change
/// anything: what is missing then is made through no symlink.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The folder, or the nearest one above it that is there.
    tree: Tree,
    /// The way from there; empty if it was there.
    rest: Vec<u8>,
    is_made: bool,
}

impl Outside {
    /// Looks for a folder.
    ///
    /// # Errors
    ///
    /// What the system says, except that something is missing.
    pub fn find(path: &Path) -> io::Result<Self> {
        let mut there = path.to_owned();
        let mut rest = Vec::new();
        loop {
            match Tree::open_trusted(&there) {
                Ok(tree) => {
                    let rest = way(rest.iter().rev());
                    return Ok(Self {
                        tree,
                        is_made: rest.is_empty(),
                        rest,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let Some(Component::Normal(name)) = there.components().next_back() else {
                return Err(io::ErrorKind::NotFound.into());
            };
            rest.push(PathBuf::from(name));
            there.pop();
            if there.as_os_str().is_empty() {
                there.push(".");
            }
        }
    }

    /// A folder of a tree, which is to be made there unless it is, through no symlink.
    pub fn within(tree: &Tree, folder: &[u8]) -> Self {
        Self {
            tree: tree.without_following(),
            rest: folder.to_vec(),
            is_made: false,
        }
    }

    /// Its parent, and its name there: a folder that comes and goes.
    ///
    /// # Errors
    ///
    /// What the system says of the parent, and a path without a name.
    pub fn of_parent(path: &Path) -> io::Result<Self> {
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut outside = Self::find(parent)?;
        outside.rest = outside.below(name.as_bytes());
        Ok(outside)
    }

    /// The tree, for the names that [`Self::below`] gives.
    pub fn tree(&mut self) -> &mut Tree {
        &mut self.tree
    }

    /// The name of something in the folder, as the tree has it.
    pub fn below(&self, name: &[u8]) -> Vec<u8> {
        match self.rest.is_empty() {
            true => name.to_vec(),
            false => [&*self.rest, b"/", name].concat(),
        }
    }

    /// Makes the folder and those above it, if they are missing.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn make(&mut self) -> io::Result<()> {
        if self.is_made {
            return Ok(());
        }
        let slashes = self.rest.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        let ends = slashes.map(|(at, _)| at).chain([self.rest.len()]);
        for end in ends.collect::<Vec<_>>() {
            match self.tree.make_directory(&self.rest[..end], 0o777) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        self.is_made = true;
        Ok(())
    }
}

fn way<'p>(parts: impl Iterator<Item = &'p PathBuf>) -> Vec<u8> {
    let mut way = Vec::new();
    for part in parts {
        if !way.is_empty() {
            way.push(b'/');
        }
        way.extend_from_slice(part.as_os_str().as_bytes());
    }
    way
}
