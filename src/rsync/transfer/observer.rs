use crate::rsync::{
    proto::{
        ItemFlags, Session, Tag,
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
    /// The first line of what answers, without its end: a greeting, or something else. What came of it if it has no end.
    Greeting(&'a [u8]),
    /// What came in place of a greeting, or of its end.
    NoGreeting(&'a [u8]),
    /// Both speak this protocol; the server is not yet told what to do.
    Agreed(u8),
    /// The daemon wants a user and a password, and this digest of them.
    Challenged(&'static str),
    /// The daemon says that the session may begin.
    Accepted,
    /// Both know how the session goes.
    Began(&'a Session),
    /// The first list begins to be made, or to come.
    Listing,
    /// That many files are in the list by now.
    Counted(u64),
    /// A list has come.
    Listed {
        /// The list.
        list: &'a FileList,
        /// Where in it those stand that are left, in order, if empty folders were taken out.
        kept: Option<&'a [u32]>,
        /// The folder whose content it is, if the lists of folders come one by one, and the list that it is in.
        folder: Option<(&'a FileList, &'a Entry)>,
        /// Whether it is the first one.
        is_first: bool,
        /// Whether the lists of folders come one by one.
        is_incremental: bool,
    },
    /// It was the last one.
    AllListed,
    /// The destination was made.
    Created(&'a str),
    /// So many folders were made for the destination.
    CreatedPath(usize, &'a str),
    /// Something about a file: what is other than before.
    Item {
        /// The list that holds it.
        list: &'a FileList,
        /// Its number, as both sides count.
        number: u32,
        /// The file.
        entry: &'a Entry,
        /// What is other.
        flags: ItemFlags,
        /// What a hard link was made to.
        link: Option<&'a [u8]>,
        /// The folder that its name counts from; empty at a receiver.
        folder: &'a [u8],
    },
    /// Something was deleted, or would be.
    Deleted {
        /// Its name below the destination.
        name: &'a [u8],
        /// Its kind and permissions as `st_mode` has them; without permissions where the server alone knows them.
        mode: u32,
    },
    /// A file that was asked for cannot be opened; it counts as one that is transferred (`send_files` in sender.c).
    Unopened {
        /// Its number, as both sides count.
        number: u32,
        /// The file.
        entry: &'a Entry,
        /// What is other.
        flags: ItemFlags,
    },
    /// A file or folder failed; the session goes on, and ends with code 23.
    Failed(&'a str),
    /// A file's bytes were not those of the sender; it is asked for once more.
    Retried(&'a str),
    /// Something odd that does no harm.
    Warning(&'a str),
    /// Something that was wanted did not succeed; the session goes on, and its end does not tell.
    Complained(&'a str),
    /// Something that is told to the user alone, and not kept.
    Note(&'a str),
    /// A file is under way: how much of it is done, and how long it will be.
    Progress(u64, u64),
    /// A file's data went or came.
    Transferred(&'a Transferred<'a>),
    /// From here on this side of a pull is that, as rsync's messages have it: the generator, or the receiver, if that is
    /// what ends the session. Before it is a `Receiver`.
    Acting(&'static str),
    /// The server is done with a list, or a phase.
    PhaseEnded,
    /// The end.
    Done(&'a Outcome),
}

/// A file whose data went or came.
#[derive(Clone, Copy, Debug)]
pub struct Transferred<'a> {
    /// The list that holds it.
    pub list: &'a FileList,
    /// The file.
    pub entry: &'a Entry,
    /// What is other.
    pub flags: ItemFlags,
    /// The folder that its name counts from; empty at a receiver.
    pub folder: &'a [u8],
    /// Its length, as it was sent or is expected.
    pub size: u64,
    /// Bytes on the wire for its data.
    pub data: u64,
    /// Bytes on the wire for the sums of what was there.
    pub sums: u64,
    /// The digest that went along with its data.
    pub digest: &'a [u8],
}

/// Takes what happens; called from several threads, one at a time for a file.
pub trait Observer: Sync {
    /// Takes an event.
    fn observe(&self, event: Event<'_>);
}
