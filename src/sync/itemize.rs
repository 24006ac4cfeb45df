use crate::rsync::{
    proto::{
        ItemFlags, Session,
        file_list::{Entry, FileKind},
    },
    transfer::Options,
};

/// Flags that are worth a line.
const SIGNIFICANT: u16 = !(ItemFlags::BASIS_TYPE | ItemFlags::NAME | ItemFlags::LOCAL_CHANGE);

/// Whether something is other than before.
pub(super) const fn is_significant(flags: ItemFlags) -> bool {
    flags.has(SIGNIFICANT)
}

/// The eleven letters of `%i` (`log_formatted` in log.c), in a session that goes the way of the arrow.
pub(super) fn letters(
    entry: &Entry,
    flags: ItemFlags,
    options: &Options,
    session: Option<Session>,
    arrow: char,
) -> String {
    let kind = entry.kind();
    let update = match flags {
        // Only a hard link comes with a name.
        flags if flags.has(ItemFlags::LOCAL_CHANGE) && flags.has(ItemFlags::NAME) => 'h',
        flags if flags.has(ItemFlags::LOCAL_CHANGE) => 'c',
        flags if !flags.has(ItemFlags::TRANSFER) => '.',
        _ => arrow,
    };
    let letter = match kind {
        FileKind::Regular | FileKind::Missing => 'f',
        FileKind::Directory => 'd',
        FileKind::Symlink => 'L',
        FileKind::Device => 'D',
        FileKind::Special => 'S',
    };
    if flags.has(ItemFlags::NEW) {
        return format!("{update}{letter}+++++++++");
    }
    let is_link = kind == FileKind::Symlink;
    // A receiver may be unable to set the times of symlinks, or fail at it: of a symlink, `ITEM_REPORT_TIMEFAIL` in rsync.h
    // is what is the size of others.
    let sets_link_times = arrow != '<' || session.is_some_and(|now| now.compatibility.has_symlink_times());
    let keeps_time = options.times && (!is_link || (sets_link_times && !flags.has(ItemFlags::SIZE)));
    let time = if keeps_time { 't' } else { 'T' };
    let size = if is_link { '.' } else { 's' };
    let attributes: String = [
        (ItemFlags::CHANGE, 'c'),
        (ItemFlags::SIZE, size),
        (ItemFlags::TIME, time),
        (ItemFlags::PERMISSIONS, 'p'),
        (ItemFlags::OWNER, 'o'),
        (ItemFlags::GROUP, 'g'),
        (ItemFlags::ATIME, 'u'),
        (ItemFlags::ACL, 'a'),
        (ItemFlags::XATTR, 'x'),
    ]
    .iter()
    .map(|&(flag, letter)| if flags.has(flag) { letter } else { '.' })
    .collect();
    let attributes = match attributes.bytes().all(|byte| byte == b'.') {
        true if update != arrow => " ".repeat(attributes.len()),
        _ => attributes,
    };
    format!("{update}{letter}{attributes}")
}

/// The ten letters of a mode, as `ls` writes them.
pub(super) fn permissions(mode: u32) -> String {
    let kind = match mode & 0o170_000 {
        0o040_000 => 'd',
        0o120_000 => 'l',
        0o060_000 => 'b',
        0o020_000 => 'c',
        0o010_000 => 'p',
        0o140_000 => 's',
        _ => '-',
    };
    let mut letters = String::from(kind);
    for (shift, special, set) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift & 7;
        letters.push(if bits & 4 != 0 { 'r' } else { '-' });
        letters.push(if bits & 2 != 0 { 'w' } else { '-' });
        letters.push(match (mode & special != 0, bits & 1 != 0) {
            (true, true) => set,
            (true, false) => set.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    letters
}
