use std::{collections::VecDeque, sync::Mutex};

use crate::rsync::{proto::ItemFlags, transfer::store::Wanted};

/// What the generator decided, in its order, for the receiver to report and to match replies with.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A file was asked for.
    Transfer {
        number: u32,
        flags: ItemFlags,
        wanted: Wanted,
    },
    /// Long values of extended attributes were asked for, or will have come when this is reached.
    Values(u32, ItemFlags),
    /// Something was done without the sender.
    Local(u32, ItemFlags),
    /// A second name was made for something; an empty one if it is in another folder.
    Linked(u32, ItemFlags, Vec<u8>),
    /// Something was deleted.
    Deleted { name: Vec<u8>, is_directory: bool },
    /// The sender was told that a list is done.
    Done,
    /// Something odd that does no harm.
    Said(String),
    /// Something that the user alone is told.
    Noted(String),
    /// So many files were looked at.
    Counted(u64),
    /// Something failed.
    Failed(String),
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

/// The files that are safely stored, for a sender that removes them then.
#[derive(Debug)]
pub(crate) struct Stored(Option<Mutex<Vec<u32>>>);

impl Stored {
    /// Without the option nothing is kept.
    pub(crate) fn new(is_wanted: bool) -> Self {
        Self(is_wanted.then(Mutex::default))
    }

    pub(crate) fn push(&self, number: u32) {
        if let Some(numbers) = &self.0 {
            let mut numbers = numbers.lock().expect("no thread panics with it");
            numbers.push(number);
        }
    }

    /// Those that were not told yet.
    pub(crate) fn take(&self) -> Vec<u32> {
        self.0.as_ref().map_or_else(Vec::new, |numbers| {
            std::mem::take(&mut *numbers.lock().expect("no thread panics with it"))
        })
    }
}
