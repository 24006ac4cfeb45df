//! Everything that is asked of a machine, behind one trait: this machine, the image of another, or none at all.

mod acl;
mod daemons;
mod groups;
mod holders;
mod image;
mod immutable;
mod listener;
mod live;
mod locks;
mod mounts;
mod output;
mod planned;
mod processes;
mod routes;
mod spaces;
mod status;
pub mod trial;
mod trusted;
mod units;
mod view;
mod walk;
mod zone;

use std::{
    ffi::OsString,
    fmt,
    path::{Path, PathBuf},
};

pub use acl::{ACCESS_LIST, AccessList, is_denied};
pub use daemons::{Daemon, daemons, is_super_server, running_configurations, user_inside};
pub use groups::{GroupLimit, Resource, group_limits};
pub use holders::{Holder, holders};
pub use image::Image;
pub use immutable::is_immutable;
pub use listener::{Listener, is_left_by_client, listening_on, ports_of, starts_rsync};
pub use live::{Live, Tail, changed, tail};
pub(crate) use live::{NOT_REGULAR, SAFE_TO_OPEN, plain, read_bounded};
pub use locks::{Lock, locks};
pub use mounts::{Mount, Mounts};
pub use planned::{PlannedMount, planned_mounts};
pub use processes::{Descendant, descendants, is_running, process_of};
pub use routes::{Route, addresses_of, has_address, hindrance_to, packets_without_route, routes};
pub use spaces::has_shut_mounts;
pub use status::{Capability, Status};
pub use trusted::{is_own, resolved};
pub use units::{PROGRAM_FOLDERS, UNIT_FOLDERS, UnitFile, UnitFiles, units_with};
pub use view::View;
pub use walk::{Component, follow, normalize, walk};
pub use zone::zone;

/// The most that is read of one file, in bytes. Larger ones are no configuration.
pub const LARGEST_FILE: u64 = 32 << 20;

/// An answer, or why there is none.
pub type Fact<T> = Result<T, Unknown>;

/// Why a machine does not answer.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, thiserror::Error)]
pub enum Unknown {
    /// There is no machine to ask.
    #[error("the file is judged without a machine (--host live or --root DIR give one)")]
    NoHost,
    /// We may not look.
    #[error("permission denied: run as root to check it")]
    Denied,
    /// The path is relative, and no file says to what.
    #[error("the path is relative to the folder in which the daemon is started")]
    Relative,
    /// There is more of it than a report holds.
    #[error("{0} more findings are not kept")]
    NotKept(usize),
    /// Folders are searched so deep, and there are deeper ones.
    #[error("folders are searched {0} deep, and no deeper")]
    TooDeep(usize),
    /// It shows more code blocks than are read.
    #[error("only the first {0} code blocks are read, and it has more")]
    TooManyBlocks(usize),
    /// It is larger than so many KiB, and nothing of its kind is.
    #[error("it is larger than {0} KiB, and no {1} file is")]
    TooLarge(usize, String),
    /// It has more lines that mean something than are read.
    #[error("only the first {0} lines that mean something are read, and it has more")]
    TooLong(usize),
    /// It has more parts of a kind than are looked at.
    #[error("only the first {0} {1} are looked at, and it has more")]
    TooManyParts(usize, Part),
    /// More files, or more MiB, are included than are read.
    #[error("more is included than is read: {0} files of {1} MiB together")]
    TooMuch(usize, usize),
    /// It is reached over a remote shell.
    #[error("the command line reaches it over a remote shell, and none is called")]
    RemoteShell,
    /// It would only be met by writing.
    #[error(
        "a dry run writes nothing, so whether the module's user may write there, and whether there is room, shows on the server alone: run `rsyncctl doctor` there"
    )]
    DryRun,
    /// The server could not be asked to open them.
    #[error(
        "a dry run opens no file there, so whether the module's user may read each shows on the server alone: run `rsyncctl doctor` there"
    )]
    Unopened,
    /// The machine answers with an error.
    #[error("{0}")]
    Failed(String),
}

/// What a script can have many of.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Part {
    /// Commands of a Dockerfile that call one of our programs.
    Command,
    /// Password files.
    PasswordFile,
    /// Files that it writes.
    WrittenFile,
    /// Watches of inotifywait, and what is run for them.
    Watch,
}

impl fmt::Display for Part {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Command => "commands that call rsync or a watcher",
            Self::PasswordFile => "password files",
            Self::WrittenFile => "files that it writes",
            Self::Watch => "watches of inotifywait",
        })
    }
}

/// What a path names.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum EntryKind {
    /// A folder.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// A device, socket or pipe.
    Other,
}

/// Who owns a file, and who may do what with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Metadata {
    /// What it is.
    pub kind: EntryKind,
    /// The permission bits, without the type.
    pub mode: u32,
    /// The owner.
    pub uid: u32,
    /// The group.
    pub gid: u32,
    /// Bytes.
    pub size: u64,
    /// The file system that it is on: the same number for all that is on it.
    pub device: u64,
    /// The number of the file on it.
    pub inode: u64,
}

/// A user of the machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct User {
    /// The number.
    pub uid: u32,
    /// The primary group.
    pub gid: u32,
}

/// A machine that can be asked, by several threads at once.
pub trait Host: Sync {
    /// What is at a path, the last link followed if `follow`; `None` if nothing is.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>>;

    /// The content of a file of at most [`LARGEST_FILE`] bytes; `None` if there is none.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>>;

    /// The names in a folder; `None` if there is no such folder.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>>;

    /// Where a symbolic link leads.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn read_link(&self, path: &Path) -> Fact<PathBuf>;

    /// A user by name.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn user(&self, name: &str) -> Fact<Option<User>>;

    /// Whether a user has that number.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn has_number(&self, uid: u32) -> Fact<bool> {
        let accounts = self.read(Path::new("/etc/passwd"))?;
        let accounts = accounts.ok_or_else(|| Unknown::Failed("there is no /etc/passwd".to_owned()))?;
        let accounts = String::from_utf8_lossy(&accounts);
        let mut numbers = accounts.lines().filter_map(|line| line.split(':').nth(2));
        Ok(numbers.any(|number| number.parse() == Ok(uid)))
    }

    /// A group's number by name.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn group(&self, name: &str) -> Fact<Option<u32>>;

    /// The names of the groups that a user is in, the primary one first; none if there is no such user. A group
    /// without a name is left out.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn groups(&self, user: &str) -> Fact<Vec<String>>;

    /// What one of the system's own programs prints that only looks; `None` if it is not installed.
    ///
    /// # Errors
    /// The reason why nobody knows: it may not look, it fails, it takes too long.
    fn output(&self, _program: &str, _arguments: &[&str]) -> Fact<Option<Vec<u8>>> {
        Err(Unknown::NoHost)
    }

    /// The content of an extended attribute of what is at a path, the last link followed; `None` if it has none.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn attribute(&self, path: &Path, name: &str) -> Fact<Option<Vec<u8>>>;

    /// The last `most` bytes of a file; `None` if there is none.
    ///
    /// # Errors
    /// The reason why nobody knows.
    fn tail(&self, path: &Path, most: u64) -> Fact<Option<Tail>> {
        let cut = |bytes: Vec<u8>| {
            let from = bytes
                .len()
                .saturating_sub(usize::try_from(most).unwrap_or(usize::MAX));
            Tail {
                bytes: bytes[from..].to_vec(),
                is_cut: from > 0,
            }
        };
        Ok(self.read(path)?.map(cut))
    }

    /// The path by which we find what the machine has at a path, as reports call it.
    fn ours(&self, path: &Path) -> PathBuf {
        path.to_owned()
    }
}

/// No machine: a file in a work tree is judged by its text alone.
#[derive(Debug)]
pub struct NoHost;

impl Host for NoHost {
    fn metadata(&self, _: &Path, _: bool) -> Fact<Option<Metadata>> {
        Err(Unknown::NoHost)
    }

    fn read(&self, _: &Path) -> Fact<Option<Vec<u8>>> {
        Err(Unknown::NoHost)
    }

    fn list(&self, _: &Path) -> Fact<Option<Vec<OsString>>> {
        Err(Unknown::NoHost)
    }

    fn read_link(&self, _: &Path) -> Fact<PathBuf> {
        Err(Unknown::NoHost)
    }

    fn user(&self, _: &str) -> Fact<Option<User>> {
        Err(Unknown::NoHost)
    }

    fn group(&self, _: &str) -> Fact<Option<u32>> {
        Err(Unknown::NoHost)
    }

    fn groups(&self, _: &str) -> Fact<Vec<String>> {
        Err(Unknown::NoHost)
    }

    fn attribute(&self, _: &Path, _: &str) -> Fact<Option<Vec<u8>>> {
        Err(Unknown::NoHost)
    }
}
