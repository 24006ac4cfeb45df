use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use crate::{host::Metadata, probe};

/// Something that was seen of a client.
#[derive(Debug)]
pub enum ClientFact {
    /// The command line, and how many errors and warnings it has.
    Line(String, usize, usize),
    /// The password file: who owns it, and its mode.
    PasswordFile(PathBuf, Metadata),
    /// None is named.
    NoPasswordFile,
    /// A stage of the connection that was made.
    Probed(probe::Stage),
    /// The address that packets to another leave from; none if there is no route.
    Route(SocketAddr, Option<IpAddr>),
    /// The command line cannot be carried out by our client, for that reason.
    NotCarriedOut(String),
    /// It was not done within so many seconds, and all was well until then.
    NotFinished(u64),
    /// What is left on the file system that files come to.
    Room(Room),
    /// A source of this machine that is there.
    Source(PathBuf),
    /// So many entries of the destination are no longer at the source.
    Leftover(u64),
    /// A program that watches folders.
    Watches(Watcher),
    /// A limit of inotify.
    Limit(Limit),
}

/// What is left on a file system.
#[derive(Clone, Debug)]
pub struct Room {
    /// The folder that was asked about.
    pub path: PathBuf,
    /// Bytes that its user may still write.
    pub free: u64,
    /// Bytes in all.
    pub size: u64,
    /// Entries that may still be made; none if it does not count them.
    pub entries: Option<u64>,
}

impl Room {
    /// Whether nothing can be written there.
    pub(super) fn is_full(&self) -> bool {
        self.free == 0 || self.entries == Some(0)
    }

    /// How much is used, in percent.
    pub const fn used(&self) -> u64 {
        match self.size {
            0 => 0,
            size => 100 - self.free.saturating_mul(100) / size,
        }
    }
}

/// A program that watches folders.
#[derive(Clone, Debug)]
pub struct Watcher {
    /// Its process.
    pub process: u32,
    /// Its name.
    pub program: String,
    /// Its configuration file, if it has one that is known.
    pub configuration: Option<PathBuf>,
    /// How many watches it has; none if only root may see that.
    pub watches: Option<u64>,
}

/// A limit of inotify, for each user.
#[derive(Clone, Debug)]
pub struct Limit {
    /// The name of its setting.
    pub name: &'static str,
    /// How much is used of it, by the user of the watching programs.
    pub used: u64,
    /// How much may be.
    pub most: u64,
    /// Whether some of the use could not be seen.
    pub is_partial: bool,
}
