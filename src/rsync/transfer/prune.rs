use std::collections::HashSet;

use crate::rsync::{
    filter::{FilterList, Purpose},
    transfer::part::Part,
};

/// Takes folders out of the list in which, and below which, there is nothing else; what a rule protects counts as
/// something (`flist_sort_and_clean` in flist.c).
pub(crate) fn prune(part: &mut Part, filters: &FilterList) {
    let list = part.list.clone();
    let mut kept: HashSet<&[u8]> = HashSet::new();
    for (place, _) in part.places().filter(|(_, takes_part)| *takes_part) {
        let entry = &list.entries()[place as usize];
        let name = list.name(entry);
        let counts = !entry.is_directory() || filters.excludes(name, true, Purpose::Deleting);
        let mut rest = name;
        while counts && let Some(slash) = rest.iter().rposition(|&byte| byte == b'/') {
            rest = &rest[..slash];
            // Those above it are kept already.
            if !kept.insert(rest) {
                break;
            }
        }
        if counts && entry.is_directory() {
            kept.insert(name);
        }
    }
    part.retain(|list, entry| {
        let name = list.name(entry);
        !entry.is_directory() || name == b"." || kept.contains(name)
    });
}
