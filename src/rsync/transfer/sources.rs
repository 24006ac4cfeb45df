use std::{
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use crate::rsync::{transfer::text::shown, tree::Tree};

/// The folder that an argument counts from.
pub(crate) struct Source {
    pub(crate) tree: Tree,
    pub(super) path: PathBuf,
    /// Whether the argument is what is in the folder.
    pub(super) is_content: bool,
    /// The file system of the argument.
    pub(super) filesystem: u64,
}

/// Below which arguments the files of a list are: each with the first of those that follow.
#[derive(Debug, Default)]
pub(crate) struct Origins(Vec<(u32, usize)>);

impl Origins {
    /// The number of the argument that a file of the list is below.
    pub(crate) fn of(&self, place: u32) -> usize {
        let behind = self.0.partition_point(|(first, _)| *first <= place);
        behind.checked_sub(1).map_or(0, |index| self.0[index].1)
    }

    /// From here on files are below that argument.
    pub(super) fn note(&mut self, place: u32, argument: usize) {
        if self.0.last().is_none_or(|(_, last)| *last != argument) {
            self.0.push((place, argument));
        }
    }
}

impl Source {
    /// A folder whose content or one of whose files an argument is.
    pub(super) fn new(tree: Tree, path: &Path) -> Self {
        Self {
            tree,
            path: path.to_owned(),
            is_content: false,
            filesystem: 0,
        }
    }

    /// The folder as it was given.
    pub(crate) fn folder(&self) -> &[u8] {
        self.path.as_os_str().as_bytes()
    }

    /// The whole path, for messages.
    pub(crate) fn shown(&self, name: &[u8]) -> String {
        let mut path = whole(&self.path);
        while path.len() > 1 && path.ends_with(b"/") {
            path.pop();
        }
        if name != b"." {
            if path != b"/" {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        shown(&path)
    }
}

/// A path from the root on.
pub(super) fn whole(path: &Path) -> Vec<u8> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.into_os_string().into_vec()
}
