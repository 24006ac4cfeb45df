use crate::rsync::{
    proto::{
        ItemFlags, Tag,
        file_list::{Entry, FileList},
    },
    transfer::Outcome,
};

/// What happens in a session, for whoever prints.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A line of the daemon's before the session: message of the day, or listing.
    Line(&'a [u8]),
    /// A message of the peer's, and its kind.
    Message(Tag, &'a [u8]),
    /// A list has come.
    Listed {
        /// The list.
        list: &'a FileList,
        /// The folder whose content it is, if the lists of folders come one by one, and the list that it is in.
        folder: Option<(&'a FileList, &'a Entry)>,
        /// Whether it is the first one.
        is_first: bool,
        /// Whether the lists of folders come one by one.
        is_incremental: bool,
    },
    /// The destination was made.
    Created(&'a str),
    /// So many folders were made for the destination.
    CreatedPath(usize, &'a str),
    /// Something about a file: what is other than before.
    Item {
        /// The list that holds it.
        list: &'a FileList,
        /// The file.
        entry: &'a Entry,
        /// What is other.
        flags: ItemFlags,
        /// What a hard link was made to.
        link: Option<&'a [u8]>,
    },
    /// Something was deleted, or would be.
    Deleted {
        /// Its name below the destination.
        name: &'a [u8],
        /// Whether it was a folder.
        is_directory: bool,
    },
    /// A file or folder failed; the session goes on, and ends with code 23.
    Failed(&'a str),
    /// A file's bytes were not those of the sender; it is asked for once more.
    Retried(&'a str),
    /// Something odd that does no harm.
    Warning(&'a str),
    /// A file's bytes arrived: how many of it there are now, and how many it will have.
    Progress(u64, u64),
    /// The end.
    Done(&'a Outcome),
}

/// Takes what happens; called from several threads, one at a time for a file.
pub trait Observer: Sync {
    /// Takes an event.
    fn observe(&self, event: Event<'_>);
}
