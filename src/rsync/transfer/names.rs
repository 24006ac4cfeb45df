use std::hash::{BuildHasher as _, RandomState};

use crate::rsync::{proto::file_list::FileList, transfer::part::Part};

/// Finds the files of a list by name.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Places in the list, each near where its name's hash says; at least half of the slots are free.
    slots: Vec<u32>,
    hasher: RandomState,
}

const FREE: u32 = u32::MAX;

impl Names {
    /// The names of the files that take part.
    pub(crate) fn of(part: &Part) -> Self {
        let count = part.len();
        let mut names = Self {
            slots: vec![FREE; (count * 2 + 1).next_power_of_two()],
            hasher: RandomState::new(),
        };
        for (place, _) in part.places().filter(|(_, takes_part)| *takes_part) {
            let slot = names.slot(&part.list, part.list.name(&part.list.entries()[place as usize]));
            names.slots[slot] = place;
        }
        names
    }

    /// Whether a file of the list that they were made of has that name.
    pub(crate) fn contain(&self, list: &FileList, name: &[u8]) -> bool {
        !self.slots.is_empty() && self.slots[self.slot(list, name)] != FREE
    }

    /// Where the name is, or would be.
    fn slot(&self, list: &FileList, name: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = self.hasher.hash_one(name) as usize & mask;
        while self.slots[slot] != FREE && list.name(&list.entries()[self.slots[slot] as usize]) != name {
            slot = (slot + 1) & mask;
        }
        slot
    }
}

#[cfg(test)]
mod tests {
    use super::Names;
    use crate::rsync::{
        proto::file_list::{Entry, Extra, FileList},
        transfer::part::Part,
    };

    #[test]
    fn names_are_found_and_others_not() {
        let mut list = FileList::default();
        for number in 0..300 {
            let mut entry = Entry::default();
            entry.mode = 0o100_644;
            assert!(list.push(format!("f{number}").as_bytes(), entry, Extra::default()));
        }
        let mut part = Part::new(list, 1, None);
        part.retain(|list, entry| list.name(entry) != b"f0");
        let names = Names::of(&part);
        let absent = part.files().map(|(_, entry)| part.list.name(entry).to_vec());
        assert_eq!(absent.filter(|name| !names.contain(&part.list, name)).count(), 0);
        assert!(!names.contain(&part.list, b"f0") && !names.contain(&part.list, b"f300"));
        assert!(!Names::default().contain(&part.list, b"f1"));
    }
}
