use std::sync::Arc;

use crate::rsync::{
    proto::{
        Index, Violation,
        file_list::{Entry, FileList},
    },
    transfer::part::{Listed, Part},
};

/// The folders of all lists, numbered in the order of the lists and of the names in them. They stay when their list goes,
/// since the lists of what they hold come later.
#[derive(Debug, Default)]
pub(crate) struct Folders {
    /// Those of each list that has some, behind the number of the first.
    lists: Vec<(u32, Arc<FileList>)>,
    states: Vec<State>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    /// Its list has not come.
    Waiting,
    /// Its list has come.
    Listed,
    /// There is another one of its name.
    Removed,
}

/// The folders of a list alone, in the order of their names, and which of them take part.
pub(crate) fn folders_of(part: &Part) -> (Arc<FileList>, Vec<bool>) {
    let (mut folders, mut taking_part) = (FileList::default(), Vec::new());
    for (place, takes_part) in part.places() {
        let entry = part.list.entries()[place as usize];
        if entry.is_directory() {
            let extra = part.list.extra(&entry).cloned().unwrap_or_default();
            folders.push(part.list.name(&entry), entry, extra);
            taking_part.push(takes_part);
        }
    }
    (Arc::new(folders), taking_part)
}

impl Folders {
    /// Numbers the folders of the next list.
    pub(crate) fn add(&mut self, part: &Part) -> Arc<FileList> {
        let (folders, taking_part) = folders_of(part);
        let first = u32::try_from(self.states.len()).expect("there are fewer folders than files");
        self.states
            .extend(taking_part.into_iter().map(|takes_part| match takes_part {
                true => State::Waiting,
                false => State::Removed,
            }));
        if !folders.is_empty() {
            self.lists.push((first, folders.clone()));
        }
        folders
    }

    /// How many there are.
    pub(crate) const fn len(&self) -> usize {
        self.states.len()
    }

    /// The folder whose list comes now.
    ///
    /// # Errors
    ///
    /// A number that no folder has whose list may come.
    pub(crate) fn take(&mut self, number: u32) -> Result<Listed, Violation> {
        let known = self.states.len();
        let unknown = || Violation::FolderIndex {
            index: Index::List(number).value(),
            known,
            is_second: false,
        };
        let state = self.states.get_mut(number as usize).ok_or_else(unknown)?;
        match *state {
            State::Waiting => *state = State::Listed,
            State::Listed => return Err(Violation::ListTwice(number)),
            State::Removed => return Err(Violation::ListOfRemoved(number)),
        }
        let index = self.lists.partition_point(|(first, _)| *first <= number) - 1;
        let (first, list) = &self.lists[index];
        Ok(Listed::new(list, number - first))
    }

    /// All that take part, those in front that hold others.
    pub(crate) fn all(&self) -> impl DoubleEndedIterator<Item = (&FileList, &Entry)> {
        self.lists.iter().flat_map(|(first, list)| {
            let states = &self.states[*first as usize..];
            let taking_part = list.entries().iter().zip(states);
            let taking_part = taking_part.filter(|(_, state)| **state != State::Removed);
            taking_part.map(|(entry, _)| (&**list, entry)).collect::<Vec<_>>()
        })
    }
}
