use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

use crate::{
    sync::usage::UsageError,
    terms::{Misread, Target, without_password},
};

/// A source or a destination.
pub(super) struct Argument<'a> {
    pub(super) target: &'a Target,
    /// As it was typed: names of files need not be text.
    pub(super) word: &'a [u8],
}

impl Argument<'_> {
    /// As rsync's messages show it, without a password.
    pub(super) fn shown(&self) -> String {
        without_password(&String::from_utf8_lossy(self.word))
    }

    /// Why it cannot be used where a daemon is needed.
    pub(super) fn refusal(&self) -> UsageError {
        if let Some(misread) = Misread::of(&String::from_utf8_lossy(self.word)) {
            return misread.into();
        }
        match self.target {
            Target::Local(_) => UsageError::NotYet("a copy on this machine"),
            Target::Shell(_) | Target::Daemon(_)
                if self.word.to_ascii_lowercase().starts_with(b"rsync://") =>
            {
                UsageError::Address(self.shown())
            }
            Target::Shell(_) | Target::Daemon(_) => {
                let shown = self.shown();
                // A drive's letter is no host.
                let is_host = !matches!(shown.as_bytes(), [_, b':', ..]);
                match shown.split_once(':') {
                    Some(_) if is_host => UsageError::Shell {
                        right: with_daemon(&shown),
                        shown,
                    },
                    _ => UsageError::NotYet("a transfer through a remote shell"),
                }
            }
        }
    }

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

/// An address with one colon as a daemon's is written: the wide characters of an input method are those that look so, and
/// what begins with another scheme is a URL.
fn with_daemon(shown: &str) -> String {
    let narrow = shown.replace('：', ":").replace('／', "/");
    if let Some((_, rest)) = narrow.split_once("://") {
        return format!("rsync://{rest}");
    }
    if narrow.contains("::") {
        return narrow;
    }
    let (host, path) = narrow.split_once(':').unwrap_or((&narrow, ""));
    format!("{host}::{}", path.trim_start_matches('/'))
}
