use std::{borrow::Cow, ffi::OsStr, os::unix::ffi::OsStrExt as _, path::PathBuf};

use crate::rsync::{
    proto::{
        ItemFlags,
        file_list::{Entry, FileKind, FileList},
    },
    transfer::{Options, text::shown},
    tree::{Attributes, Identity, Status},
};

/// What of a file is kept, and where it goes.
pub(crate) struct Keep<'a> {
    pub(crate) options: &'a Options,
    pub(crate) identity: Identity,
    /// The name at the destination, if a single file gets another one.
    pub(crate) single: Option<Vec<u8>>,
    /// Whether the destination itself was made for this transfer.
    pub(crate) is_new: bool,
    /// The folder in which all is, as an absolute path.
    pub(crate) root: PathBuf,
}

impl Keep<'_> {
    /// The name below the destination.
    pub(crate) fn place<'n>(&'n self, list: &'n FileList, entry: &Entry) -> Cow<'n, [u8]> {
        Cow::Borrowed(match &self.single {
            Some(name) => name,
            None => list.name(entry),
        })
    }

    /// The whole path at the destination, for messages.
    pub(crate) fn shown(&self, list: &FileList, entry: &Entry) -> String {
        self.shown_name(&self.place(list, entry))
    }

    /// The whole path of a name at the destination, for messages.
    pub(crate) fn shown_name(&self, name: &[u8]) -> String {
        let name = if name == b"." { &b""[..] } else { name };
        format!(
            "\"{}\"",
            shown(self.root.join(OsStr::from_bytes(name)).as_os_str().as_bytes())
        )
    }

    /// What is other than at the sender (`itemize` in generator.c). `is_replaced` if its data or the thing itself is made
    /// anew, which changes its time.
    pub(crate) fn difference(&self, entry: &Entry, now: &Status, is_replaced: bool) -> u16 {
        let options = self.options;
        let kind = entry.kind();
        let mut flags = 0;
        let mut note = |is_other: bool, flag: u16| {
            if is_other {
                flags |= flag;
            }
        };
        note(
            kind == FileKind::Regular && now.size != entry.size,
            ItemFlags::SIZE,
        );
        if self.keeps_time(entry) {
            note(!self.is_same_time(entry, now), ItemFlags::TIME);
        } else {
            note(is_replaced, ItemFlags::TIME);
        }
        let is_link = kind == FileKind::Symlink;
        note(
            options.permissions && !is_link && now.mode & 0o7777 != entry.permissions(),
            ItemFlags::PERMISSIONS,
        );
        let owns = options.owner && self.identity.is_root;
        note(owns && now.uid != entry.uid, ItemFlags::OWNER);
        let groups = options.group && self.identity.may_give_to(entry.gid);
        note(groups && now.gid != entry.gid, ItemFlags::GROUP);
        flags
    }

    /// Whether the modification times are as near as `--modify-window` allows (`same_time` in util1.c).
    pub(crate) fn is_same_time(&self, entry: &Entry, now: &Status) -> bool {
        match self.options.modify_window {
            ..0 => (now.mtime, now.nanoseconds) == (entry.mtime, entry.nanoseconds),
            window => now.mtime.abs_diff(entry.mtime) <= window.unsigned_abs(),
        }
    }

    /// Whether the modification time is kept.
    pub(crate) fn keeps_time(&self, entry: &Entry) -> bool {
        self.options.times && !(entry.is_directory() && self.options.omit_directory_times)
    }

    /// The permissions of something that is not there yet (`dest_mode` in rsync.c).
    pub(crate) fn new_permissions(&self, entry: &Entry) -> u32 {
        if self.options.permissions {
            entry.permissions()
        } else {
            entry.permissions() & 0o777 & !self.identity.umask
        }
    }

    /// What must be set of something that is there: not a time that is near enough.
    pub(crate) fn changes(&self, entry: &Entry, now: &Status) -> Attributes {
        let attributes = self.attributes(entry, Some(now));
        Attributes {
            mtime: attributes.mtime.filter(|_| !self.is_same_time(entry, now)),
            ..attributes
        }
    }

    /// What it is to have, given what is there now.
    pub(crate) fn attributes(&self, entry: &Entry, now: Option<&Status>) -> Attributes {
        let is_link = entry.kind() == FileKind::Symlink;
        let permissions = match now {
            Some(now) if !self.options.permissions => now.mode & 0o7777,
            _ => self.new_permissions(entry),
        };
        Attributes {
            permissions: (!is_link).then_some(permissions),
            mtime: self.keeps_time(entry).then_some((entry.mtime, entry.nanoseconds)),
            uid: (self.options.owner && self.identity.is_root).then_some(entry.uid),
            gid: (self.options.group && self.identity.may_give_to(entry.gid)).then_some(entry.gid),
        }
    }
}
