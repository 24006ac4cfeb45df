use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard},
};

use crate::rsync::{
    proto::{Violation, file_list::FileList},
    transfer::{
        folders::Folders,
        part::{Listed, Part, found, last_number, position},
    },
};

/// The lists of a pull, between the thread that reads them and the one that goes through them: one, or with incremental
/// recursion one for each folder. A list is let go when all that was asked for of it has come, and the sender has
/// confirmed that.
#[derive(Debug)]
pub(crate) struct Lists {
    is_incremental: bool,
    /// So many files must be known ahead before a list is gone through, or all.
    least_ahead: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    live: VecDeque<Live>,
    /// How many of those the sender was told of that they are done.
    done: usize,
    /// How many of those the generator has begun with.
    begun: usize,
    /// How many of those it knows the hard links of.
    known: usize,
    /// How many files there are in the others.
    ahead: usize,
    /// The number of the next list's first file.
    next: u32,
    folders: Folders,
    /// Something came since this was looked at.
    has_settled: bool,
    /// Files whose digest was wrong.
    again: VecDeque<u32>,
    /// No more lists come.
    is_complete: bool,
    /// Nothing comes any more.
    is_closed: bool,
}

#[derive(Debug)]
struct Live {
    part: Arc<Part>,
    /// Files that were asked for and have not come.
    open: u32,
}

/// What the generator is to do.
#[derive(Debug)]
pub(crate) enum Next {
    /// To go through a list.
    List(Arc<Part>),
    /// To ask once more for a file.
    Again(u32),
    /// To look for files whose other names wait for what came.
    Settled,
    /// To say that the first of the lists is done.
    Done,
    /// Nothing: all lists are done, or the session has ended.
    Nothing,
}

/// So many files are to be known ahead (half of `MIN_FILECNT_LOOKAHEAD` in rsync.h).
const LEAST_AHEAD: usize = 500;

/// The highest number that a file can have.
const MAX_NUMBER: u64 = i32::MAX as u64;

impl Lists {
    /// With hard links a list waits for those behind it, where other names of a file may be.
    pub(crate) fn new(is_incremental: bool, has_hard_links: bool) -> Self {
        Self {
            is_incremental,
            least_ahead: if has_hard_links { LEAST_AHEAD } else { 0 },
            state: Mutex::new(State {
                next: u32::from(is_incremental),
                ..State::default()
            }),
            changed: Condvar::new(),
        }
    }

    /// Whether the folders' lists come one by one.
    pub(crate) const fn is_incremental(&self) -> bool {
        self.is_incremental
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics with it")
    }

    /// The number of the next list's first file.
    pub(crate) fn next_number(&self) -> u32 {
        self.state().next
    }

    /// The folder whose list comes now.
    ///
    /// # Errors
    ///
    /// A folder that is unknown or has a list, or a list behind the last one (`recv_file_list` in flist.c).
    pub(crate) fn begin(&self, folder: u32) -> Result<Listed, Violation> {
        let mut state = self.state();
        if state.is_complete {
            return Err(Violation::ListBehindLast);
        }
        state.folders.take(folder)
    }

    /// A list came, of a folder or of the arguments; `adjust` takes out what is to take no part.
    ///
    /// # Errors
    ///
    /// More files than there can be numbers.
    pub(crate) fn push(
        &self,
        list: FileList,
        folder: Option<Listed>,
        adjust: impl FnOnce(&mut Part),
    ) -> Result<Arc<Part>, Violation> {
        let start = self.next_number();
        let is_first = folder.is_none();
        let mut part = Part::received(list, start, folder);
        adjust(&mut part);
        let mut state = self.state();
        let next = u64::from(start) + part.len() as u64 + 1;
        state.next = u32::try_from(next)
            .ok()
            .filter(|_| next <= MAX_NUMBER)
            .ok_or(Violation::LongList(next as i64))?;
        let folders = state.folders.add(&part);
        if self.is_incremental && is_first {
            part.folder = part.root(&folders);
            if part.folder.is_some() {
                state.folders.take(0)?;
            }
        }
        state.ahead += part.len();
        let part = Arc::new(part);
        state.live.push_back(Live {
            part: part.clone(),
            open: 0,
        });
        state.is_complete = !self.is_incremental;
        self.changed.notify_all();
        Ok(part)
    }

    /// No more lists come.
    pub(crate) fn complete(&self) {
        self.state().is_complete = true;
        self.changed.notify_all();
    }

    /// The session has ended, well or not.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// The file of a number.
    pub(crate) fn file(&self, number: u32) -> Option<Listed> {
        let state = self.state();
        let index = position(&state.live, number, |live| live.part.start)?;
        state.live[index].part.file(number)
    }

    /// The file of a number that came with a record, as [`found`] has it.
    pub(crate) fn found(&self, number: u32, has_data: bool) -> Result<Listed, Violation> {
        let state = self.state();
        let (_, file) = found(&state.live, |live| &live.part, number, has_data)?;
        Ok(file)
    }

    /// How many folders came.
    pub(crate) fn folders(&self) -> usize {
        self.state().folders.len()
    }

    /// What stands in the stream of indices and cannot.
    pub(crate) fn wrong_index(&self, index: i32) -> Violation {
        let state = self.state();
        if self.is_incremental && index <= -4 {
            return Violation::FolderIndex {
                index,
                known: state.folders.len(),
                is_second: false,
            };
        }
        let last = last_number(&state.live, |live| &live.part);
        Violation::Index { index, last }
    }

    /// A file was asked for. Without incremental recursion it makes no difference to the end of the list.
    pub(crate) fn asked(&self, number: u32) {
        if self.is_incremental {
            self.state().open(number, 1);
        }
    }

    /// A file that was asked for has come, or will not come.
    pub(crate) fn settled(&self, number: u32) {
        if self.is_incremental {
            let mut state = self.state();
            let is_last = state.open(number, -1);
            let is_to_look = self.least_ahead > 0 && !std::mem::replace(&mut state.has_settled, true);
            // Who waits has nothing to do before: to wake it for each file of a long list takes longer than the file.
            if is_last || is_to_look {
                self.changed.notify_all();
            }
        }
    }

    /// A file that was asked for must be asked for once more, before its list is done.
    pub(crate) fn again(&self, number: u32) {
        self.state().again.push_back(number);
        self.changed.notify_all();
    }

    /// The sender says that a list is done, or a phase: whether it is the phase, which is over with the last list.
    ///
    /// # Errors
    ///
    /// A list that is not done.
    pub(crate) fn end(&self) -> Result<bool, Violation> {
        let mut state = self.state();
        if !self.is_incremental || state.live.is_empty() {
            return Ok(true);
        }
        if state.done == 0 {
            return Err(Violation::EarlyEnd);
        }
        state.done -= 1;
        state.begun -= 1;
        state.known = state.known.saturating_sub(1);
        state.live.pop_front();
        Ok(state.live.is_empty())
    }

    /// The first file of all.
    pub(crate) fn first(&self) -> Option<Listed> {
        let state = self.state();
        let part = &state.live.front()?.part;
        part.file(part.files().next()?.0)
    }

    /// What the generator is to do now, if there is something.
    pub(crate) fn ready(&self) -> Option<Next> {
        self.state().ready(self.least_ahead)
    }

    /// Waits for something that the generator is to do.
    pub(crate) fn wait(&self) -> Next {
        let mut state = self.state();
        loop {
            if let Some(next) = state.ready(self.least_ahead) {
                return next;
            }
            state = self.changed.wait(state).expect("no thread panics with it");
        }
    }

    /// Whether the first of the lists is done while the generator goes through another.
    pub(crate) fn is_done(&self) -> bool {
        let mut state = self.state();
        let is_done = state.done + 1 < state.begun && state.live[state.done].open == 0;
        state.done += usize::from(is_done);
        is_done
    }

    /// Whether the sender must hear soon how far this side is, since it sends only so many files ahead.
    pub(crate) fn is_short(&self) -> bool {
        let state = self.state();
        !state.is_complete && state.ahead < LEAST_AHEAD
    }

    /// The lists that came since this was asked.
    pub(crate) fn take_new(&self) -> Vec<Arc<Part>> {
        let mut state = self.state();
        let new = state
            .live
            .range(state.known..)
            .map(|live| live.part.clone())
            .collect();
        state.known = state.live.len();
        new
    }

    /// Hands all folders out, those in front that hold others.
    pub(crate) fn take_folders(&self) -> Folders {
        std::mem::take(&mut self.state().folders)
    }
}

impl State {
    /// Counts the files of a list that are awaited; whether none is.
    fn open(&mut self, number: u32, more: i32) -> bool {
        let Some(index) = position(&self.live, number, |live| live.part.start) else {
            return false;
        };
        let live = &mut self.live[index];
        live.open = live.open.saturating_add_signed(more);
        live.open == 0
    }

    fn ready(&mut self, least_ahead: usize) -> Option<Next> {
        if self.is_closed {
            return Some(Next::Nothing);
        }
        if std::mem::take(&mut self.has_settled) {
            return Some(Next::Settled);
        }
        let is_last_known = self.done + 1 == self.live.len();
        if let Some(first) = self.live.get(self.done)
            && self.done < self.begun
            && first.open == 0
            && (!is_last_known || self.is_complete)
        {
            self.done += 1;
            return Some(Next::Done);
        }
        if let Some(number) = self.again.pop_front() {
            return Some(Next::Again(number));
        }
        if let Some(live) = self.live.get(self.begun)
            && (self.is_complete || self.ahead >= least_ahead)
        {
            self.begun += 1;
            self.ahead -= live.part.len();
            return Some(Next::List(live.part.clone()));
        }
        (self.is_complete && self.done == self.live.len()).then_some(Next::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::{Lists, Next};
    use crate::rsync::proto::{
        Violation,
        file_list::{Entry, Extra, FileList},
    };

    /// A list of folders and files; those that end in a slash are folders.
    fn list(names: &[&str]) -> FileList {
        let mut list = FileList::default();
        for name in names {
            let mut entry = Entry::default();
            entry.mode = if name.ends_with('/') { 0o040_755 } else { 0o100_644 };
            let name = name.trim_end_matches('/');
            assert!(list.push(name.as_bytes(), entry, Extra::default()));
        }
        list
    }

    fn push(lists: &Lists, folder: Option<u32>, names: &[&str]) {
        let folder = folder.map(|number| lists.begin(number).expect("a folder that has no list"));
        lists.push(list(names), folder, |_| {}).expect("few files");
    }

    #[test]
    fn numbers_go_on_behind_that_of_the_folder() {
        let lists = Lists::new(true, false);
        push(&lists, None, &["d/", "./", "f"]);
        push(&lists, Some(1), &["d/y", "d/x"]);
        let name = |number| lists.file(number).map(|file| file.name().to_vec());
        for (number, expected) in [
            (0, Some(".")),
            (1, Some(".")),
            (2, Some("f")),
            (3, Some("d")),
            (4, Some("d")),
            (5, Some("d/x")),
            (6, Some("d/y")),
            (7, None),
        ] {
            let expected = expected.map(|name: &str| name.as_bytes().to_vec());
            assert_eq!(name(number), expected, "{number}");
        }
        assert!(matches!(lists.begin(0), Err(Violation::ListTwice(0))));
        assert!(matches!(lists.begin(1), Err(Violation::ListTwice(1))));
        assert!(matches!(
            lists.begin(2),
            Err(Violation::FolderIndex { index: -103, .. })
        ));
        lists.complete();
        assert!(matches!(lists.begin(1), Err(Violation::ListBehindLast)));
    }

    #[test]
    fn a_list_is_done_when_another_is_there_and_nothing_is_open() {
        let lists = Lists::new(true, false);
        push(&lists, None, &["./", "d/", "f"]);
        assert!(matches!(lists.ready(), Some(Next::List(_))));
        lists.asked(2);
        // The sender may not end what was not said to be done.
        assert_eq!(lists.end(), Err(Violation::EarlyEnd));
        push(&lists, Some(1), &["d/x"]);
        assert!(matches!(lists.ready(), Some(Next::List(_))));
        assert!(!lists.is_done() && lists.ready().is_none());
        lists.again(2);
        assert!(matches!(lists.ready(), Some(Next::Again(2))));
        lists.settled(2);
        assert!(lists.is_done() && !lists.is_done());
        assert_eq!(lists.end(), Ok(false));
        assert!(lists.file(2).is_none() && lists.file(5).is_some());
        // The last one is done when no more come.
        assert!(lists.ready().is_none());
        lists.complete();
        assert!(matches!(lists.ready(), Some(Next::Done)));
        assert_eq!(lists.end(), Ok(true));
        assert!(matches!(lists.ready(), Some(Next::Nothing)));
        // What follows are phases.
        assert_eq!(lists.end(), Ok(true));
    }

    #[test]
    fn one_list_does_not_wait_for_its_files() {
        let lists = Lists::new(false, false);
        push(&lists, None, &["f"]);
        assert!(matches!(lists.ready(), Some(Next::List(_))));
        lists.asked(0);
        assert!(matches!(lists.ready(), Some(Next::Done)));
        assert!(matches!(lists.ready(), Some(Next::Nothing)));
        // It stays for the files that are asked for once more.
        assert_eq!(lists.end(), Ok(true));
        assert!(lists.file(0).is_some());
    }
}
