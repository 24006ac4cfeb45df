use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::fd::{AsFd as _, OwnedFd},
};

use nix::{
    fcntl::AtFlags,
    sys::{
        stat::{FchmodatFlags, Mode, UtimensatFlags, fchmod, fchmodat, futimens, utimensat},
        time::TimeSpec,
    },
    unistd::{Gid, Uid, fchown, fchownat},
};

use crate::rsync::tree::{Extended, Handle, Status, Tree};

/// Who may give away what.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Whether owners can be set.
    pub is_root: bool,
    /// The groups of the process.
    pub groups: Vec<u32>,
    /// What a new file's mode leaves out.
    pub umask: u32,
}

impl Identity {
    /// Whether a file can be given to a group.
    pub fn may_give_to(&self, group: u32) -> bool {
        self.is_root || self.groups.contains(&group)
    }
}

/// What something at the destination is to have; `None` stays as it is.
#[derive(Clone, Debug, Default)]
pub struct Attributes<'a> {
    /// Permissions.
    pub permissions: Option<u32>,
    /// Seconds and nanoseconds of the modification time.
    pub mtime: Option<(i64, u32)>,
    /// Seconds of the access time.
    pub atime: Option<i64>,
    /// The owner.
    pub uid: Option<u32>,
    /// The group.
    pub gid: Option<u32>,
    /// ACLs and extended attributes.
    pub extended: Extended<'a>,
}

/// Something of its attributes could not be set: the first of all that failed.
#[derive(Debug)]
pub struct Unset {
    /// What rsync says of it, with the place in `{}` (`set_file_attrs` in rsync.c).
    pub says: &'static str,
    /// What the system says.
    pub error: io::Error,
}

impl Unset {
    fn of<E: Into<io::Error>>(says: &'static str) -> impl Fn(E) -> Self {
        move |error| Self {
            says,
            error: error.into(),
        }
    }

    const OWNER: &'static str = "chown {} failed";
    const GROUP: &'static str = "chgrp {} failed";
    const EXTENDED: &'static str = "failed to set attributes of {}";
    /// What is said where the permissions could not be set.
    pub const PERMISSIONS: &'static str = "failed to set permissions on {}";
    const TIMES: &'static str = "failed to set times on {}";

    fn of_owners((uid, _): &(Option<Uid>, Option<Gid>)) -> &'static str {
        match uid {
            Some(_) => Self::OWNER,
            None => Self::GROUP,
        }
    }
}

impl From<Unset> for io::Error {
    fn from(unset: Unset) -> Self {
        unset.error
    }
}

impl Attributes<'_> {
    /// Whether the owner or the group is other.
    fn owners(&self, now: &Status) -> Option<(Option<Uid>, Option<Gid>)> {
        let uid = self.uid.filter(|&uid| uid != now.uid).map(Uid::from_raw);
        let gid = self.gid.filter(|&gid| gid != now.gid).map(Gid::from_raw);
        (uid.is_some() || gid.is_some()).then_some((uid, gid))
    }

    /// The permissions, if they must be set: they are other, or a change of the owner may take bits away.
    fn mode(&self, now: &Status, changes_owner: bool) -> Option<Mode> {
        let is_needed =
            |permissions: u32| permissions != now.mode & 0o7777 || changes_owner && permissions & 0o7000 != 0;
        self.permissions
            .filter(|&permissions| is_needed(permissions))
            .map(Mode::from_bits_truncate)
    }

    /// Both times for a call that sets them; one that is not asked for stays.
    fn times(&self) -> Option<(TimeSpec, TimeSpec)> {
        let access = self.atime.map(|seconds| TimeSpec::new(seconds, 0));
        let modification = self
            .mtime
            .map(|(seconds, nanoseconds)| TimeSpec::new(seconds, i64::from(nanoseconds)));
        (access.is_some() || modification.is_some()).then(|| {
            (
                access.unwrap_or(TimeSpec::UTIME_OMIT),
                modification.unwrap_or(TimeSpec::UTIME_OMIT),
            )
        })
    }

    /// Sets what is other at an open file; one that cannot be given away is left alone.
    ///
    /// # Errors
    ///
    /// The first that could not be set.
    pub fn apply_to(&self, file: &File, now: &Status) -> Result<(), Unset> {
        let owners = self.owners(now);
        if let Some(owners) = owners {
            fchown(file, owners.0, owners.1).map_err(Unset::of(Unset::of_owners(&owners)))?;
        }
        let extended = Handle::of_file(file).apply(&self.extended, self.permissions.unwrap_or(now.mode));
        let extended = extended.map_err(Unset::of(Unset::EXTENDED));
        let rest = || {
            if let Some(mode) = self.mode(now, owners.is_some()) {
                fchmod(file, mode).map_err(Unset::of(Unset::PERMISSIONS))?;
            }
            if let Some((access, modification)) = self.times() {
                futimens(file, &access, &modification).map_err(Unset::of(Unset::TIMES))?;
            }
            Ok(())
        };
        // Without its time a file would come again and again.
        let rest = rest();
        extended.and(rest)
    }
}

impl Tree {
    /// Sets what is other at a place, not through a symlink.
    ///
    /// # Errors
    ///
    /// The first that could not be set.
    pub fn apply(&mut self, name: &[u8], attributes: &Attributes<'_>, now: &Status) -> Result<(), Unset> {
        let place = self.place(name);
        let (folder, base) = place.map_err(Unset::of(Unset::EXTENDED))?;
        let base: &OsStr = base;
        let owners = attributes.owners(now);
        if let Some(owners) = owners {
            fchownat(&*folder, base, owners.0, owners.1, AtFlags::AT_SYMLINK_NOFOLLOW)
                .map_err(Unset::of(Unset::of_owners(&owners)))?;
        }
        let rest = |folder: &OwnedFd, base: &OsStr| {
            if let Some(mode) = attributes.mode(now, owners.is_some()) {
                fchmodat(folder.as_fd(), base, mode, FchmodatFlags::NoFollowSymlink)
                    .map_err(Unset::of(Unset::PERMISSIONS))?;
            }
            if let Some((access, modification)) = attributes.times() {
                let flag = UtimensatFlags::NoFollowSymlink;
                utimensat(folder.as_fd(), base, &access, &modification, flag)
                    .map_err(Unset::of(Unset::TIMES))?;
            }
            Ok(())
        };
        if !attributes.extended.is_something() {
            return rest(&folder, base);
        }
        let mode = attributes.permissions.unwrap_or(now.mode);
        let base = base.to_owned();
        let there = self.handle(name);
        let extended = there.and_then(|there| there.apply(&attributes.extended, mode));
        let rest = rest(&folder, &base);
        extended.map_err(Unset::of(Unset::EXTENDED)).and(rest)
    }
}
