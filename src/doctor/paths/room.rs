//! Whether there is room to write.

use std::path::PathBuf;

use crate::{doctor::Tried, host::trial::Room};

/// Less than that is none: rsync writes a new copy beside the old one.
const NONE: u64 = 1 << 20;
/// A file system is nearly full below that, and below a hundredth of its size.
const LITTLE: u64 = 1 << 30;

/// What there is too little of.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Lack {
    /// So many bytes are free, of so many.
    Bytes(u64, u64),
    /// So many inodes are free, of so many.
    Inodes(u64, u64),
}

/// What a user lacks; a part is kept for root alone.
pub(super) fn judge(room: &Room, uid: u32) -> Option<Lack> {
    let free = match uid {
        0 => room.free,
        _ => room.available,
    };
    let bytes = Lack::Bytes(free, room.bytes);
    let inodes = Lack::Inodes(room.free_inodes, room.inodes);
    // Some file systems count no inodes, and some no blocks.
    if room.bytes > 0 && bytes.is_used_up() {
        Some(bytes)
    } else if room.inodes > 0 && inodes.is_used_up() {
        Some(inodes)
    } else if room.bytes > 0 && free < LITTLE && free < room.bytes / 100 {
        Some(bytes)
    } else if room.inodes > 0 && room.free_inodes < room.inodes / 100 {
        Some(inodes)
    } else {
        None
    }
}

impl Lack {
    /// Whether nothing can be written any more.
    pub(super) const fn is_used_up(&self) -> bool {
        match self {
            Self::Bytes(free, all) => *free < NONE && *free < *all / 10,
            Self::Inodes(free, _) => *free == 0,
        }
    }

    pub(super) const fn variant(&self) -> &'static str {
        match (self.is_used_up(), self) {
            (true, Self::Bytes(..)) => "blocks",
            (true, Self::Inodes(..)) => "inodes",
            (false, _) => "low",
        }
    }

    /// How much is free, for people.
    pub(super) fn free(&self) -> String {
        match self {
            Self::Bytes(free, _) => format!("{} MiB", free >> 20),
            Self::Inodes(free, _) => format!("{free} inodes"),
        }
    }

    /// In English.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Bytes(free, all) => format!("{} of {} MiB are free", free >> 20, all >> 20),
            Self::Inodes(free, all) => format!("{free} of {all} inodes are free"),
        }
    }

    pub(super) fn tried(&self, mount: PathBuf) -> Tried {
        match self.is_used_up() {
            true => Tried::Full(mount),
            false => Tried::Low(mount, self.free()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn room(free: u64, available: u64, inodes: u64, free_inodes: u64) -> Room {
        Room {
            bytes: 100 << 30,
            free,
            available,
            inodes,
            free_inodes,
            is_read_only: false,
        }
    }

    #[test]
    fn what_is_kept_for_root_helps_nobody_else() {
        let full = room(5 << 30, 0, 1000, 500);
        assert_eq!(judge(&full, 7).map(|lack| lack.variant()), Some("blocks"));
        assert_eq!(judge(&full, 0), None);
        assert_eq!(
            judge(&room(9 << 30, 9 << 30, 1000, 0), 0).map(|lack| lack.variant()),
            Some("inodes")
        );
        assert_eq!(
            judge(&room(1 << 29, 1 << 29, 0, 0), 0).map(|lack| lack.variant()),
            Some("low")
        );
        assert_eq!(
            judge(&room(9 << 30, 9 << 30, 1000, 9), 7).map(|lack| lack.variant()),
            Some("low")
        );
        // btrfs counts no inodes; a file system of half a GiB that is nearly empty is not full.
        assert_eq!(judge(&room(50 << 30, 50 << 30, 0, 0), 7), None);
        let small = Room {
            bytes: 1 << 19,
            free: 1 << 19,
            available: 1 << 19,
            ..full
        };
        assert_eq!(judge(&small, 7), None);
    }
}
