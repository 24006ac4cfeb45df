use std::{ffi::OsStr, fs::File, io, os::fd::AsFd as _, sync::Arc};

use nix::{
    errno::Errno,
    fcntl::AtFlags,
    sys::{
        stat::{FchmodatFlags, Mode, SFlag, UtimensatFlags, fchmod, fchmodat, futimens, utimensat},
        time::TimeSpec,
    },
    unistd::{Gid, Uid, fchown, fchownat},
};

use crate::{
    rsync::{
        filter::FilterList,
        tree::{Chosen, Extended, Handle, Status, Tree},
    },
    terms::describe,
};

/// Who may give away what.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// Whether owners can be set.
    pub is_root: bool,
    /// The groups of the process.
    pub groups: Vec<u32>,
    /// What a new file's mode leaves out.
    pub umask: u32,
    /// The rules that have `x`, if there are any: they decide which extended attributes are kept.
    pub attribute_rules: Option<Arc<FilterList>>,
}

impl Identity {
    /// Which extended attributes are kept.
    pub fn chosen(&self) -> Chosen {
        match &self.attribute_rules {
            Some(rules) => Chosen::Unhidden(rules.clone()),
            None if self.is_root => Chosen::All,
            None => Chosen::OfUsers,
        }
    }

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

/// Something of the attributes that could not be set (`set_file_attrs` in rsync.c).
#[derive(Debug)]
pub enum Unset {
    /// The owner, and with it all else.
    Owner(io::Error),
    /// The group, and with it all else.
    Group(io::Error),
    /// An id that the system takes for none at all: of `uid` or `gid`.
    NoId(&'static str),
    /// An extended attribute, with the call that failed, as rsync names it.
    Attribute(String, io::Error),
    /// An ACL, with the call that failed, as rsync names it (`set_rsync_acl` in acls.c).
    Acl(&'static str, io::Error),
    /// Which extended attributes and ACLs there are.
    Extended(io::Error),
    /// The permissions.
    Permissions(io::Error),
    /// The permissions that a folder has only until all in it is written.
    Lent(io::Error),
    /// The times.
    Times(io::Error),
}

impl Unset {
    /// An extended attribute of something with that mode: rsync opens files, folders and pipes for it.
    pub fn attribute(call: &str, mode: u32, name: &[u8], error: io::Error) -> Self {
        let kind = SFlag::from_bits_truncate(mode) & SFlag::S_IFMT;
        let is_opened = [SFlag::S_IFREG, SFlag::S_IFDIR, SFlag::S_IFIFO].contains(&kind);
        let letter = if is_opened { 'f' } else { 'l' };
        let name = String::from_utf8_lossy(name);
        let says = format!("rsync_xal_set: {letter}{call}({{}},\"{name}\") failed");
        Self::Attribute(says, error)
    }

    /// Whether nothing behind it was set either.
    pub const fn is_last(&self) -> bool {
        matches!(self, Self::Permissions(_) | Self::Times(_)) || self.is_of_owners()
    }

    /// Whether nothing of all was set.
    pub const fn is_of_owners(&self) -> bool {
        matches!(self, Self::Owner(_) | Self::Group(_))
    }

    /// As rsync's process of that name says it of a place, and of the name that it has in the transfer.
    pub fn text(&self, role: &str, place: &str, name: &str) -> String {
        let (role, says, error) = match self {
            Self::Acl(call, error) => {
                let says = call.replacen("{}", name, 1);
                return format!("rsync: [{role}] set_acl: {says}: {}", describe(error));
            }
            Self::NoId(id) => return format!("{id} {} (-1) is impossible to set on {place}", u32::MAX),
            Self::Attribute(says, error) => ("receiver", &**says, error),
            Self::Owner(error) => (role, "chown {} failed", error),
            Self::Group(error) => (role, "chgrp {} failed", error),
            Self::Extended(error) => (role, "failed to set attributes of {}", error),
            Self::Permissions(error) => (role, "failed to set permissions on {}", error),
            Self::Lent(error) => (role, "failed to modify permissions on {}", error),
            Self::Times(error) => (role, "failed to set times on {}", error),
        };
        let says = says.replacen("{}", place, 1);
        format!("rsync: [{role}] {says}: {}", describe(error))
    }

    /// The same of permissions that were to be lent.
    pub fn of_lent(self) -> Self {
        match self {
            Self::Permissions(error) => Self::Lent(error),
            other => other,
        }
    }

    fn of_owners(owners: &Owners, error: Errno) -> Self {
        match owners.0 {
            Some(_) => Self::Owner(error.into()),
            None => Self::Group(error.into()),
        }
    }

    /// The ids that stay as they are because the system takes them for none.
    fn impossible(owners: &Owners) -> impl Iterator<Item = Self> {
        let user = owners.0.filter(|uid| uid.as_raw() == u32::MAX);
        let group = owners.1.filter(|gid| gid.as_raw() == u32::MAX);
        let user = user.map(|_| Self::NoId("uid"));
        user.into_iter().chain(group.map(|_| Self::NoId("gid")))
    }
}

/// A new owner, and a new group.
type Owners = (Option<Uid>, Option<Gid>);

impl Attributes<'_> {
    /// Whether the owner or the group is other.
    fn owners(&self, now: &Status) -> Option<Owners> {
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

    /// The ids that it cannot have, which a dry run knows of too.
    pub fn impossible(&self, now: &Status) -> Vec<Unset> {
        let owners = self.owners(now).unwrap_or_default();
        Unset::impossible(&owners).collect()
    }

    /// Sets what is other at an open file; what could not be set. One that cannot be given away is left alone.
    pub fn apply_to(&self, file: &File, now: &Status) -> Vec<Unset> {
        let mut unset = Vec::new();
        let owners = self.owners(now);
        if let Some(owners) = owners {
            if let Err(error) = fchown(file, owners.0, owners.1) {
                return vec![Unset::of_owners(&owners, error)];
            }
            unset.extend(Unset::impossible(&owners));
        }
        let mode = self.permissions.unwrap_or(now.mode);
        unset.extend(Handle::of_file(file).apply(&self.extended, mode, now.mode));
        let rest = || {
            if let Some(mode) = self.mode(now, owners.is_some()) {
                fchmod(file, mode).map_err(|error| Unset::Permissions(error.into()))?;
            }
            if let Some((access, modification)) = self.times() {
                futimens(file, &access, &modification).map_err(|error| Unset::Times(error.into()))?;
            }
            Ok(())
        };
        // Without its time a file would come again and again.
        unset.extend(rest().err());
        unset
    }
}

impl Tree {
    /// Sets what is other at a place, not through a symlink; what could not be set.
    pub fn apply(&mut self, name: &[u8], attributes: &Attributes<'_>, now: &Status) -> Vec<Unset> {
        let (folder, base) = match self.place(name) {
            Ok((folder, base)) => (folder, base.to_owned()),
            Err(error) => return vec![Unset::Extended(error)],
        };
        let base: &OsStr = &base;
        let mut unset = Vec::new();
        let owners = attributes.owners(now);
        if let Some(owners) = owners {
            let given = fchownat(&*folder, base, owners.0, owners.1, AtFlags::AT_SYMLINK_NOFOLLOW);
            if let Err(error) = given {
                return vec![Unset::of_owners(&owners, error)];
            }
            unset.extend(Unset::impossible(&owners));
        }
        if attributes.extended.is_something() {
            let mode = attributes.permissions.unwrap_or(now.mode);
            match self.handle(name) {
                Ok(there) => unset.extend(there.apply(&attributes.extended, mode, now.mode)),
                Err(error) => unset.push(Unset::Extended(error)),
            }
        }
        let rest = || {
            if let Some(mode) = attributes.mode(now, owners.is_some()) {
                fchmodat(folder.as_fd(), base, mode, FchmodatFlags::NoFollowSymlink)
                    .map_err(|error| Unset::Permissions(error.into()))?;
            }
            if let Some((access, modification)) = attributes.times() {
                let flag = UtimensatFlags::NoFollowSymlink;
                utimensat(folder.as_fd(), base, &access, &modification, flag)
                    .map_err(|error| Unset::Times(error.into()))?;
            }
            Ok(())
        };
        unset.extend(rest().err());
        unset
    }
}
