//! What somebody may do with folders and files, tried as that user: in a process of its own, which gives up our rights first.
//! Nothing is written.

mod ask;
mod serve;

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use serde::{Deserialize, Serialize};

pub use ask::{COMMAND, Denied, ask};
pub use serve::serve;

/// The most questions of one request.
pub const MOST_QUESTIONS: usize = 256;

/// A user with groups, for whom the system's permissions count.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The first group.
    pub gid: u32,
    /// All groups that a file may be opened by, the first one with them.
    pub groups: Vec<u32>,
}

/// What is to be tried, and as whom.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Request {
    /// The process whose root folder paths begin at, and whose mounts count; without one it is ours.
    pub root_of: Option<u32>,
    /// As whom folders are entered: the daemon.
    pub daemon: Identity,
    /// The daemon's effective capabilities, if it has fewer than root.
    pub capabilities: Option<u64>,
    /// As whom what is in them is read and written: the module's user.
    pub user: Identity,
    /// In this order.
    pub questions: Vec<Question>,
}

/// One thing to try.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Question {
    path: Vec<u8>,
    /// What is done with it.
    pub wish: Wish,
    /// What below it the user wants, where the wish is for something below.
    below: Vec<u8>,
}

/// What is done with a path.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Wish {
    /// The daemon enters the folder, and no more.
    Enter,
    /// The daemon enters the folder; its user lists it and opens some of what is in it.
    Read,
    /// The same, and its user is to create files in it.
    Write,
    /// The daemon opens the file for reading.
    ReadFile,
    /// The daemon opens the file for writing, and creates it if it is missing.
    WriteFile,
    /// The daemon enters the folder; its user wants one thing below.
    Below(Access),
}

/// What a user wants of one thing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub enum Access {
    /// To read a file.
    Read,
    /// To list a folder.
    List,
    /// To enter a folder.
    Enter,
    /// To create something in a folder.
    Create,
    /// To set its times and its mode, which the owner may.
    Own,
}

impl Question {
    /// About a path from the root on.
    pub fn new(path: &Path, wish: Wish) -> Self {
        Self {
            path: path.as_os_str().as_bytes().to_vec(),
            wish,
            below: Vec::new(),
        }
    }

    /// About what is below a folder, by its path from there on.
    pub fn below(folder: &Path, below: &Path, access: Access) -> Self {
        Self {
            below: below.as_os_str().as_bytes().to_vec(),
            ..Self::new(folder, Wish::Below(access))
        }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

/// What the system says to a try.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Said {
    /// It lets it happen.
    Yes,
    /// It refuses, with the number of an error.
    No(i32),
}

impl Said {
    /// Whether it lets it happen.
    pub fn is_yes(self) -> bool {
        self == Self::Yes
    }

    /// Its error, if it refuses.
    pub fn error(self) -> Option<Errno> {
        match self {
            Self::Yes => None,
            Self::No(number) => Some(Errno::from_raw(number)),
        }
    }
}

/// What came of a question.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub enum Answer {
    /// The folder cannot be entered, or the file not opened.
    Refused(i32),
    /// The folder can be entered, or the file opened.
    Open,
    /// The folder can be entered, and that is what its user may do in it.
    Folder(Folder),
    /// The system did not answer in time.
    Late,
}

/// What a user may do in a folder.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Folder {
    /// Whether it can list the names.
    pub list: Said,
    /// Whether it can reach what is in it.
    pub pass: Said,
    /// Whether it can create files in it; none if nobody asks.
    pub write: Option<Said>,
    /// Whether it can create files in a folder directly below, if nobody asks for more than that.
    pub writes_below: bool,
    /// How many of the files and folders in it were opened.
    pub opened: usize,
    /// Those that it cannot open, with the number of the error.
    pub closed: Vec<(Vec<u8>, i32)>,
    /// What room the file system has.
    pub room: Option<Room>,
}

impl Folder {
    /// The first name that cannot be opened, with the error.
    pub fn first_closed(&self) -> Option<(PathBuf, Errno)> {
        let (name, error) = self.closed.first()?;
        Some((PathBuf::from(OsStr::from_bytes(name)), Errno::from_raw(*error)))
    }
}

/// What room a file system has (statvfs(3)).
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Room {
    /// All bytes of it.
    pub bytes: u64,
    /// Free bytes.
    pub free: u64,
    /// Free bytes for others than root.
    pub available: u64,
    /// All inodes; 0 where it counts none.
    pub inodes: u64,
    /// Free inodes.
    pub free_inodes: u64,
    /// Whether it is mounted read-only.
    pub is_read_only: bool,
}
