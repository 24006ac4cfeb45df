use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard},
    time::{Duration, Instant},
};

use crate::rsync::{
    delta::BlockSums,
    proto::{Record, Tag, Violation},
    transfer::{
        Error, FileCounts,
        part::{Part, found, last_number},
    },
};

/// What a receiving server sent, in its order.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// It says something of a file, or wants its data.
    Request {
        number: u32,
        record: Record,
        /// The numbers of the long values of extended attributes that are wanted.
        values: Vec<i32>,
        sums: BlockSums,
    },
    /// A phase ends.
    Done,
    /// What it deleted.
    Deletions(FileCounts),
    /// A message.
    Message(Tag, Vec<u8>),
}

impl Arrived {
    fn size(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::Request { sums, values, .. } => sums.size() + size_of_val(&**values),
                Self::Done | Self::Deletions(_) => 0,
                Self::Message(_, text) => text.len(),
            }
    }
}

/// As much is held before the reader waits, in bytes; one thing is always taken.
const MOST: usize = 1024 * 1024;

/// Between the thread that reads and the one that answers.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arrived>,
    size: usize,
    end: Option<Result<(), Error>>,
    has_ended: bool,
    is_closed: bool,
    /// How many lists the peer ends, once that is known.
    lists: Option<u32>,
    /// The lists that were sent and that the peer is not done with.
    parts: VecDeque<Arc<Part>>,
    /// Whether the other thread waits for a change: telling a thread that does not would cost a system call each time.
    is_awaited: bool,
}

impl Requests {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    fn wait<'a>(&self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        state.is_awaited = true;
        self.changed.wait(state).expect("no thread panics with it")
    }

    fn wake(&self, state: &mut State) {
        if std::mem::take(&mut state.is_awaited) {
            self.changed.notify_all();
        }
    }

    /// Hands something over; waits while there is too much. `false` once nobody takes anything any more.
    pub(crate) fn push(&self, arrived: Arrived) -> bool {
        let size = arrived.size();
        let mut state = self.state();
        while !state.is_closed && !state.waiting.is_empty() && state.size + size > MOST {
            state = self.wait(state);
        }
        if state.is_closed {
            return false;
        }
        state.size += size;
        state.waiting.push_back(arrived);
        self.wake(&mut state);
        true
    }

    /// The peer will end so many lists.
    pub(crate) fn expect(&self, lists: Option<u32>) {
        self.state().lists = lists;
    }

    /// How many lists the peer ends, once that is known.
    pub(crate) fn lists(&self) -> Option<u32> {
        self.state().lists
    }

    /// A list is about to be sent: the peer may ask for its files as soon as it is on its way.
    pub(crate) fn announce(&self, part: Arc<Part>) {
        self.state().parts.push_back(part);
    }

    /// The peer is done with the first list.
    pub(crate) fn forget(&self) {
        self.state().parts.pop_front();
    }

    /// Looks whether the peer may say something of a number, or want the data of its file.
    ///
    /// # Errors
    ///
    /// As [`found`] has them.
    pub(crate) fn check(&self, number: u32, has_data: bool) -> Result<(), Violation> {
        found(&self.state().parts, |part| part, number, has_data).map(drop)
    }

    /// What stands in the stream of indices and cannot.
    pub(crate) fn wrong_index(&self, index: i32) -> Violation {
        let last = last_number(&self.state().parts, |part| part);
        Violation::Index { index, last }
    }

    /// Nothing more comes.
    pub(crate) fn end(&self, result: Result<(), Error>) {
        let mut state = self.state();
        (state.end, state.has_ended) = (Some(result), true);
        self.wake(&mut state);
    }

    /// The next thing, if it is there already.
    pub(crate) fn take_ready(&self) -> Option<Arrived> {
        self.take(&mut self.state())
    }

    /// Waits for the next thing; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// What ended the reading, once.
    pub(crate) fn next(&self) -> Result<Option<Arrived>, Error> {
        let mut state = self.state();
        loop {
            if let Some(arrived) = self.take(&mut state) {
                return Ok(Some(arrived));
            }
            if state.has_ended {
                return state.end.take().map_or(Ok(None), |end| end.map(|()| None));
            }
            state = self.wait(state);
        }
    }

    /// The same, but nobody waits for longer than that.
    ///
    /// # Errors
    ///
    /// What ended the reading, once, and that the time is over.
    pub(crate) fn next_within(&self, limit: Duration) -> Result<Option<Arrived>, Error> {
        let start = Instant::now();
        let mut state = self.state();
        loop {
            if let Some(arrived) = self.take(&mut state) {
                return Ok(Some(arrived));
            }
            if state.has_ended {
                return state.end.take().map_or(Ok(None), |end| end.map(|()| None));
            }
            let left = limit.saturating_sub(start.elapsed());
            if left.is_zero() {
                return Err(Error::Timeout);
            }
            state.is_awaited = true;
            let waited = self.changed.wait_timeout(state, left);
            state = waited.expect("no thread panics with it").0;
        }
    }

    /// Nobody takes anything any more.
    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        self.wake(&mut state);
    }

    fn take(&self, state: &mut State) -> Option<Arrived> {
        let arrived = state.waiting.pop_front()?;
        state.size -= arrived.size();
        self.wake(state);
        Some(arrived)
    }
}
