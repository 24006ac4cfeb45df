use std::{collections::VecDeque, sync::Mutex};

use crate::rsync::proto::{ItemFlags, SumHead};

/// What the generator decided, in its order, for the receiver to report and to match replies with.
#[derive(Debug)]
pub(crate) enum Pending {
    /// A file was asked for.
    Transfer {
        number: u32,
        flags: ItemFlags,
        /// How the basis was described.
        sums: SumHead,
    },
    /// Long values of extended attributes were asked for, or will have come when this is reached.
    Values(u32, ItemFlags),
    /// Something was done without the sender.
    Local(u32, ItemFlags),
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
