//! Whether there is room to write.

use std::path::{Path, PathBuf};

use nix::sys::quota::{QuotaType, quotactl_get};

use crate::{
    doctor::Tried,
    host::{Mount, trial::Room},
};

/// Less than that is none: rsync writes a new copy beside the old one.
const NONE: u64 = 1 << 20;
/// A file system is nearly full below that, and below a hundredth of its size.
const LITTLE: u64 = 1 << 30;
/// Bytes of a block of quotas (`QIF_DQBLKSIZE` of linux/quota.h).
const BLOCK: u64 = 1 << 10;

/// What there is too little of.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Lack {
    /// So many bytes are free, of so many.
    Bytes(u64, u64),
    /// So many inodes are free, of so many.
    Inodes(u64, u64),
    /// So many bytes are left to the user, of so many.
    Quota(u64, u64),
    /// So many files are left to the user, of so many.
    Files(u64, u64),
}

/// What a user lacks by its quota, where the kernel tells it: for others than ourselves to root alone.
pub(super) fn quota(mount: &Mount, uid: u32) -> Option<Lack> {
    if uid == 0 {
        // It binds everybody but root.
        return None;
    }
    let source = Path::new(&mount.source).is_absolute().then_some(&*mount.source)?;
    let found = quotactl_get(QuotaType::USRQUOTA, source, i32::try_from(uid).ok()?).ok()?;
    let bytes = found
        .blocks_hard_limit()
        .map(|blocks| blocks.saturating_mul(BLOCK));
    let files = found.inodes_hard_limit();
    left(bytes, found.occupied_space(), Lack::Quota)
        .filter(Lack::is_used_up)
        .or_else(|| left(files, found.allocated_inodes(), Lack::Files).filter(Lack::is_used_up))
}

/// What is left below a limit; 0 is none.
fn left(limit: Option<u64>, used: Option<u64>, lack: fn(u64, u64) -> Lack) -> Option<Lack> {
    let limit = limit.filter(|limit| *limit > 0)?;
    Some(lack(limit.saturating_sub(used?), limit))
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
            Self::Bytes(free, all) | Self::Quota(free, all) => *free < NONE && *free < *all / 10,
            Self::Inodes(free, _) | Self::Files(free, _) => *free == 0,
        }
    }

    pub(super) const fn variant(&self) -> &'static str {
        match (self.is_used_up(), self) {
            (true, Self::Bytes(..)) => "blocks",
            (true, Self::Inodes(..)) => "inodes",
            (true, Self::Quota(..) | Self::Files(..)) => "quota",
            (false, _) => "low",
        }
    }

    /// How much is free, for people.
    pub(super) fn free(&self) -> String {
        match self {
            Self::Bytes(free, _) | Self::Quota(free, _) => format!("{} MiB", free >> 20),
            Self::Inodes(free, _) => format!("{free} inodes"),
            Self::Files(free, _) => format!("{free} files"),
        }
    }

    /// In English.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Bytes(free, all) => format!("{} of {} MiB are free", free >> 20, all >> 20),
            Self::Inodes(free, all) => format!("{free} of {all} inodes are free"),
            Self::Quota(free, all) => format!("{} of {} MiB of the quota are left", free >> 20, all >> 20),
            Self::Files(free, all) => format!("{free} of {all} files of the quota are left"),
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
    use crate::host::Mounts;

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
    fn a_quota_is_used_up_at_its_limit() {
        let quota = |used| left(Some(100 << 20), Some(used), Lack::Quota).filter(Lack::is_used_up);
        assert_eq!(quota(100 << 20).map(|lack| lack.variant()), Some("quota"));
        assert_eq!(quota(200 << 20), Some(Lack::Quota(0, 100 << 20)));
        assert_eq!(quota(50 << 20), None);
        assert_eq!(left(Some(0), Some(7), Lack::Files), None);
        assert_eq!(left(None, None, Lack::Files), None);
        let mount = Mounts::read(b"1 0 0:1 / / rw - tmpfs none rw\n");
        assert_eq!(quota_of(&mount), None);
    }

    /// What the kernel tells of a file system that has none.
    fn quota_of(mounts: &Mounts) -> Option<Lack> {
        quota(mounts.of(Path::new("/"))?, 7)
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
