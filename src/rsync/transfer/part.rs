use std::{collections::VecDeque, sync::Arc};

use crate::rsync::proto::{
    Violation,
    file_list::{Entry, FileKind, FileList, duplicates, sorted, taking_part},
};

/// A list of the transfer, and the numbers of its files.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) list: Arc<FileList>,
    /// The number of the first file.
    pub(crate) start: u32,
    /// The folder whose content the list is: it has the number in front of the first one.
    pub(crate) folder: Option<Listed>,
    /// Bits of the errors that the sender met when it made the list. They count from where the list is looked at: in
    /// folders in front of it something may still be deleted.
    pub(crate) errors: i32,
    /// For each number from `start` on, where its file stands in the list.
    places: Vec<u32>,
    /// Which of them take part after all.
    taking_part: Vec<bool>,
}

/// A file and the list that it is in.
#[derive(Clone, Debug)]
pub(crate) struct Listed {
    pub(crate) list: Arc<FileList>,
    pub(crate) entry: Entry,
    /// How many files came before it in its list.
    pub(crate) place: u32,
}

impl Listed {
    /// The file that came as the `place`th to its list.
    pub(crate) fn new(list: &Arc<FileList>, place: u32) -> Self {
        Self {
            list: list.clone(),
            entry: list.entries()[place as usize],
            place,
        }
    }

    /// Its name below the root of the transfer.
    pub(crate) fn name(&self) -> &[u8] {
        self.list.name(&self.entry)
    }
}

impl Part {
    /// A list whose files are numbered from `start` on.
    pub(crate) fn new(list: FileList, start: u32, folder: Option<Listed>) -> Self {
        let places = sorted(&list);
        let taking_part = taking_part(&places, &duplicates(&list, &places));
        Self {
            list: Arc::new(list),
            start,
            folder,
            errors: 0,
            places,
            taking_part,
        }
    }

    /// The same for a list that came: folders of one name are one, and no name begins with a slash any more.
    pub(crate) fn received(mut list: FileList, start: u32, folder: Option<Listed>) -> Self {
        let places = sorted(&list);
        let duplicates = duplicates(&list, &places);
        for &(kept, dropped) in &duplicates {
            list.merge_folder(kept, dropped);
        }
        list.strip_root();
        Self {
            list: Arc::new(list),
            start,
            folder,
            errors: 0,
            taking_part: taking_part(&places, &duplicates),
            places,
        }
    }

    /// The root of the transfer, from the folders of the list, if it is the first file: what the root holds comes together
    /// with it.
    pub(crate) fn root(&self, folders: &Arc<FileList>) -> Option<Listed> {
        let (_, first) = self.files().next()?;
        matches!(self.list.name(first), b"." | b"/.").then(|| Listed::new(folders, 0))
    }

    /// How many files there are, with those that take no part.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    /// The files that take part, in order, with their numbers.
    pub(crate) fn files(&self) -> impl DoubleEndedIterator<Item = (u32, &Entry)> {
        let numbered = self.places().enumerate();
        numbered.filter_map(|(index, (place, takes_part))| {
            let number = self.start + u32::try_from(index).expect("a list holds fewer");
            takes_part.then(|| (number, &self.list.entries()[place as usize]))
        })
    }

    /// Where the files stand in the list, in order, and whether they take part.
    pub(crate) fn places(&self) -> impl DoubleEndedIterator<Item = (u32, bool)> + ExactSizeIterator {
        self.places.iter().copied().zip(self.taking_part.iter().copied())
    }

    /// The files that take no part, with their numbers.
    pub(crate) fn left_out(&self) -> impl Iterator<Item = (u32, &Entry)> {
        let numbered = (self.start..).zip(self.places());
        let left_out = numbered.filter(|(_, (_, takes_part))| !takes_part);
        left_out.map(|(number, (place, _))| (number, &self.list.entries()[place as usize]))
    }

    /// Takes files out that took part up to now; they keep their numbers.
    pub(crate) fn retain(&mut self, is_kept: impl Fn(&FileList, &Entry) -> bool) {
        for (place, takes_part) in self.places.iter().zip(&mut self.taking_part) {
            *takes_part = *takes_part && is_kept(&self.list, &self.list.entries()[*place as usize]);
        }
    }

    /// The file of a number.
    pub(crate) fn file(&self, number: u32) -> Option<Listed> {
        let Some(index) = number.checked_sub(self.start) else {
            return self.folder.clone();
        };
        let place = *self.places.get(index as usize)?;
        self.taking_part[index as usize].then(|| Listed::new(&self.list, place))
    }
}

/// Finds the file of a number that came with a record, and its list among those that are there (`flist_for_ndx` and
/// `read_ndx_and_attrs` in rsync.c).
///
/// # Errors
///
/// A number of no file, or of one that takes no part or cannot have data, if data come or are wanted.
pub(crate) fn found<T>(
    parts: &VecDeque<T>,
    part: impl Fn(&T) -> &Part,
    number: u32,
    has_data: bool,
) -> Result<(usize, Listed), Violation> {
    let behind_last = |part: &Part| i64::from(part.start) + part.len() as i64;
    let index = position(parts, number, |one| part(one).start);
    let index = index.filter(|&index| i64::from(number) < behind_last(part(&parts[index])));
    let Some(index) = index else {
        return Err(Violation::UnknownIndex {
            index: number,
            first: parts.front().map_or(0, |first| i64::from(part(first).start) - 1),
            last: last_number(parts, part),
        });
    };
    let file = part(&parts[index]).file(number);
    let is_regular = |file: &Listed| file.entry.kind() == FileKind::Regular;
    if has_data && !file.as_ref().is_some_and(is_regular) {
        return Err(Violation::NotRegular(number));
    }
    let file = file.ok_or(Violation::RemovedIndex(number))?;
    Ok((index, file))
}

/// The highest number that a file has, or one below zero.
pub(crate) fn last_number<T>(parts: &VecDeque<T>, part: impl Fn(&T) -> &Part) -> i64 {
    let last = parts.back().map(part);
    last.map_or(-1, |last| i64::from(last.start) + last.len() as i64 - 1)
}

/// Finds the list of a number; a list has the number in front of its files too.
pub(crate) fn position<T>(parts: &VecDeque<T>, number: u32, start: impl Fn(&T) -> u32) -> Option<usize> {
    let behind = parts.partition_point(|part| start(part).saturating_sub(1) <= number);
    behind.checked_sub(1)
}
