use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

use crate::terms::Target;

/// A source or a destination.
pub(super) struct Argument<'a> {
    pub(super) target: &'a Target,
    /// As it was typed: names of files need not be text.
    pub(super) word: &'a [u8],
}

impl Argument<'_> {
    /// The path, of one on this machine.
    pub(super) fn local(&self) -> PathBuf {
        PathBuf::from(OsStr::from_bytes(self.word))
    }

    /// Module and path, as the server gets them.
    pub(super) fn module_and_path(&self) -> Vec<u8> {
        let path = self.target.remote().map_or("", |remote| &remote.path);
        let mut bytes = path.as_bytes().to_vec();
        // What stands in front of the path is text, and was read as it stands.
        let text = String::from_utf8_lossy(self.word);
        let start = text.len() - path.len();
        if self.word.get(..start) == Some(&text.as_bytes()[..start]) {
            bytes = self.word[start..].to_vec();
        }
        if !bytes.contains(&b'/') {
            bytes.push(b'/');
        }
        bytes
    }
}
