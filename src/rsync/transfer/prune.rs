use std::collections::HashSet;

use crate::rsync::{
    filter::{FilterList, Purpose},
    transfer::part::Part,
};

/// Takes folders out of the list in which, and below which, there is nothing else; what a rule protects counts as
/// something, and so does what was named twice (`flist_sort_and_clean` in flist.c).
pub(crate) fn prune(part: &mut Part, filters: &FilterList) {
    let list = part.list.clone();
    let mut kept: HashSet<&[u8]> = HashSet::new();
    let mut last_folder: Option<&[u8]> = None;
    // What comes behind the last one does not count.
    let behind = part.places().rev().take_while(|(_, takes_part)| !takes_part);
    let length = part.places().len() - behind.count();
    for (place, takes_part) in part.places().take(length) {
        let entry = &list.entries()[place as usize];
        let name = list.name(entry);
        let is_folder = takes_part && entry.is_directory();
        // A second one of the same name is no folder any more, and keeps the one in front of it.
        let keeper = if takes_part { Some(name) } else { last_folder };
        let counts = !is_folder || filters.excludes(name, true, Purpose::Deleting);
        if is_folder {
            last_folder = Some(name);
        }
        let Some(mut rest) = keeper.filter(|_| counts) else {
            continue;
        };
        if is_folder || !takes_part {
            kept.insert(rest);
        }
        while let Some(slash) = rest.iter().rposition(|&byte| byte == b'/') {
            rest = &rest[..slash];
            // Those above it are kept already.
            if !kept.insert(rest) {
                break;
            }
        }
    }
    part.retain(|list, entry| {
        let name = list.name(entry);
        !entry.is_directory() || name == b"." || kept.contains(name)
    });
}
