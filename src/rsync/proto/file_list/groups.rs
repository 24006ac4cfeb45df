use std::collections::{HashMap, HashSet};

use crate::rsync::proto::{
    Violation,
    file_list::{Entry, Extra, FileList, read::Last},
};

/// The groups of files that are one, as far as they have come.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    /// Before protocol 30: the first file of each device and inode.
    pairs: HashMap<(i64, i64), u32>,
    /// From 30 on: the first files of groups, whose others may be in later lists.
    leaders: HashSet<u32>,
}

impl Groups {
    /// The first file of a device and inode, which is `here` if none came before.
    pub(super) fn first_of(&mut self, pair: (i64, i64), here: u32) -> u32 {
        *self.pairs.entry(pair).or_insert(here)
    }

    /// A file is the first one of its group.
    pub(super) fn lead(&mut self, leader: Option<u32>) {
        self.leaders.extend(leader);
    }

    /// Looks whether the first file of a group was there, if it is in a list before the one that begins with `start`.
    pub(super) fn check(&self, leader: Option<u32>, start: u32) -> Result<(), Violation> {
        match leader.filter(|leader| *leader < start && !self.leaders.contains(leader)) {
            Some(leader) => Err(Violation::EarlyHardLink { leader, start }),
            None => Ok(()),
        }
    }
}

/// All that a later file of a group shares with the first one.
pub(super) fn copy_leader(list: &FileList, leader: usize, last: &mut Last, extra: &mut Extra) -> Entry {
    let entry = list.entries()[leader];
    *extra = list.extra(&entry).cloned().unwrap_or_default();
    // Each has its own.
    (extra.acl, extra.default_acl, extra.xattrs) = (None, None, None);
    (last.mode, last.mtime, last.uid, last.gid) = (entry.mode, entry.mtime, entry.uid, entry.gid);
    last.atime = extra.atime.unwrap_or(last.atime);
    last.major = extra.device.map_or(last.major, |(major, _)| major);
    entry
}
