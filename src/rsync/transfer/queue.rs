use std::{collections::VecDeque, sync::Mutex};

use crate::rsync::{proto::ItemFlags, transfer::store::Wanted};

/// What the generator decided, in its order, for the receiver to report and to match replies with. The generator may be
/// ahead by all files, so each is small.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A file was asked for; nothing more is known of most that are new.
    Transfer {
        number: u32,
        wanted: Option<Box<Wanted>>,
    },
    /// Long values of extended attributes were asked for, or will have come when this is reached.
    Values(u32, ItemFlags),
    /// Something was done without the sender.
    Local(u32, ItemFlags),
    /// A second name was made for something; an empty one if it is in another folder.
    Linked(u32, ItemFlags, Box<[u8]>),
    /// Something was deleted.
    Deleted { name: Box<[u8]>, mode: u32 },
    /// The sender was told that a list is done.
    Done,
    /// Something odd that does no harm.
    Said(Box<str>),
    /// Something that the user alone is told.
    Noted(Box<str>),
    /// So many files were looked at.
    Counted(u64),
    /// Something that was wanted did not succeed, which does not count.
    Complained(Box<str>),
    /// Something failed.
    Failed(Box<str>),
}

/// Between the generator and the receiver.
#[derive(Debug, Default)]
pub(crate) struct Queue(Mutex<VecDeque<Pending>>);

impl Queue {
    pub(crate) fn push(&self, pending: Pending) {
        self.0
            .lock()
            .expect("no thread panics with it")
            .push_back(pending);
    }

    pub(crate) fn pop(&self) -> Option<Pending> {
        self.0.lock().expect("no thread panics with it").pop_front()
    }
}

/// A file that was asked for, or is right as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Came {
    pub(crate) number: u32,
    /// Whether it is safely stored; else it does not come any more.
    pub(crate) is_stored: bool,
}

/// What became of files, for a sender that removes them then, and for other names of theirs.
#[derive(Debug)]
pub(crate) struct Stored(Option<Mutex<VecDeque<Came>>>);

impl Stored {
    /// Without the option nothing is kept.
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self(is_wanted.then(Mutex::default))
    }

    pub(crate) fn push(&self, number: u32) {
        self.note(number, true);
    }

    /// It does not come any more.
    pub(crate) fn fail(&self, number: u32) {
        self.note(number, false);
    }

    fn note(&self, number: u32, is_stored: bool) {
        if let Some(files) = &self.0 {
            let mut files = files.lock().expect("no thread panics with it");
            files.push_back(Came { number, is_stored });
        }
    }

    /// The next one that was not told yet.
    pub(crate) fn take(&self) -> Option<Came> {
        let files = self.0.as_ref()?;
        files.lock().expect("no thread panics with it").pop_front()
    }
}
