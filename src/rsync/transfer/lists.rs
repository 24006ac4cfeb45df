use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard},
};

use crate::rsync::proto::file_list::{Entry, FileList, numbered};

/// A list of the transfer, and the numbers of its files.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) list: Arc<FileList>,
    /// For each number from `start` on, where its file stands in the list; none for those that take no part after all.
    pub(crate) numbers: Vec<Option<u32>>,
    /// The number of the first file.
    pub(crate) start: u32,
}

/// A file and the list that it is in.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) list: Arc<FileList>,
    pub(crate) entry: Entry,
    /// How many files came before it in its list.
    pub(crate) place: u32,
}

impl Part {
    /// A list whose files are numbered from `start` on.
    pub(crate) fn new(list: FileList, start: u32) -> Self {
        Self {
            numbers: numbered(&list),
            list: Arc::new(list),
            start,
        }
    }

    /// The files that take part, in order, with their numbers.
    pub(crate) fn files(&self) -> impl DoubleEndedIterator<Item = (u32, &Entry)> {
        let entries = self.list.entries();
        self.numbers.iter().enumerate().filter_map(move |(index, place)| {
            let number = self.start + u32::try_from(index).expect("a list holds fewer");
            Some((number, &entries[(*place)? as usize]))
        })
    }

    /// The file of a number.
    pub(crate) fn file(&self, number: u32) -> Option<Listed> {
        let index = number.checked_sub(self.start)?;
        let place = (*self.numbers.get(index as usize)?)?;
        Some(Listed {
            list: self.list.clone(),
            entry: self.list.entries()[place as usize],
            place,
        })
    }
}

/// Lists one behind the other, whose numbers go on from list to list.
#[derive(Debug, Default)]
pub(crate) struct Parts(VecDeque<Arc<Part>>);

impl Parts {
    /// Appends a list; its numbers must be behind those of the last one.
    pub(crate) fn push(&mut self, part: Arc<Part>) {
        self.0.push_back(part);
    }

    /// The file of a number.
    pub(crate) fn file(&self, number: u32) -> Option<Listed> {
        let behind = self.0.partition_point(|part| part.start <= number);
        self.0.get(behind.checked_sub(1)?)?.file(number)
    }
}

/// The lists that came, between the thread that reads them and the one that goes through them.
#[derive(Debug, Default)]
pub(crate) struct Lists(Mutex<Parts>);

impl Lists {
    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.0.lock().expect("no thread panics with it")
    }

    /// A list came.
    pub(crate) fn push(&self, part: Arc<Part>) {
        self.parts().push(part);
    }

    /// The file of a number.
    pub(crate) fn file(&self, number: u32) -> Option<Listed> {
        self.parts().file(number)
    }
}
