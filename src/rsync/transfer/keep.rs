use std::{
    borrow::Cow,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

use crate::rsync::{
    proto::{
        ItemFlags,
        file_list::{Entry, FileKind, FileList},
    },
    transfer::{Options, text::shown},
    tree::{Attributes, Identity, Status, Tree},
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
    /// The folder that was asked about last, and what new things may have in it.
    pub(crate) usual: Mutex<Option<(Vec<u8>, u32)>>,
}

impl Keep<'_> {
    /// The name below the destination.
    pub(crate) fn place<'n>(&'n self, list: &'n FileList, entry: &Entry) -> Cow<'n, [u8]> {
        Cow::Borrowed(match &self.single {
            Some(name) => name,
            None => list.name(entry),
        })
    }

    /// Whether folders on the way to what was asked for are left as they are.
    pub(crate) const fn leaves_implied(&self) -> bool {
        self.options.relative && self.options.no_implied_directories
    }

    /// Whether it is a folder in whose place a symlink to one may stand.
    pub(crate) fn may_be_link(&self, entry: &Entry) -> bool {
        let is_left = self.leaves_implied() && entry.is_implied();
        entry.is_directory() && (self.options.receiving.keep_directory_links || is_left)
    }

    /// The whole path at the destination, for messages.
    pub(crate) fn shown(&self, list: &FileList, entry: &Entry) -> String {
        self.shown_name(&self.place(list, entry))
    }

    /// The whole path of a name at the destination, for messages.
    pub(crate) fn shown_name(&self, name: &[u8]) -> String {
        format!(
            "\"{}\"",
            shown(self.root.join(OsStr::from_bytes(name)).as_os_str().as_bytes())
        )
    }

    /// What is other than at the sender (`itemize` in generator.c). `is_replaced` if its data or the thing itself is made
    /// anew, which changes its time.
    pub(crate) fn difference(
        &self,
        entry: &Entry,
        atime: Option<i64>,
        now: &Status,
        is_replaced: bool,
    ) -> u16 {
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
        let atime = atime.filter(|_| !is_link && kind != FileKind::Directory);
        note(atime.is_some_and(|atime| atime != now.atime), ItemFlags::ATIME);
        let may_execute = |mode: u32| mode & 0o111 != 0;
        let is_other = if options.permissions {
            now.mode & 0o7777 != entry.permissions()
        } else {
            options.executability && may_execute(now.mode) != may_execute(entry.mode)
        };
        note(!is_link && is_other, ItemFlags::PERMISSIONS);
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

    /// Whether a file whose content was compared has another time, however near.
    pub(crate) fn is_compared_with_other_time(&self, entry: &Entry, now: &Status) -> bool {
        let is_compared = self.options.checksum && entry.kind() == FileKind::Regular;
        let is_other = (now.mtime, now.nanoseconds) != (entry.mtime, entry.nanoseconds);
        is_compared && is_other && self.keeps_time(entry)
    }

    /// Whether the modification time is kept.
    pub(crate) fn keeps_time(&self, entry: &Entry) -> bool {
        let is_omitted = match entry.kind() {
            // Backups change the times of folders all the time.
            FileKind::Directory => {
                let backs_up_beside =
                    self.options.backs_up && self.options.receiving.backup_directory.is_none();
                self.options.omit_directory_times || backs_up_beside
            }
            FileKind::Symlink => self.options.omit_link_times,
            _ => false,
        };
        self.options.times && !is_omitted
    }

    /// The access time, if it is kept.
    pub(crate) fn atime(&self, list: &FileList, entry: &Entry) -> Option<i64> {
        let is_omitted = entry.kind() == FileKind::Symlink && self.options.omit_link_times;
        list.extra(entry)?.atime.filter(|_| !is_omitted)
    }

    /// The permissions of something that is there (`dest_mode` in rsync.c).
    pub(crate) fn old_permissions(&self, entry: &Entry, now: &Status) -> u32 {
        let old = now.mode & 0o7777;
        if self.options.permissions {
            entry.permissions()
        } else if !self.options.executability || entry.kind() != FileKind::Regular {
            old
        } else if entry.mode & 0o111 == 0 {
            old & !0o111
        } else if old & 0o111 == 0 {
            // Whoever reads it may execute it.
            old | (old & 0o444) >> 2
        } else {
            old
        }
    }

    /// The permissions of something that is not there yet, by its name (`dest_mode` in rsync.c).
    pub(crate) fn new_permissions(&self, entry: &Entry, tree: &mut Tree, name: &[u8]) -> u32 {
        if self.options.permissions {
            entry.permissions()
        } else {
            entry.permissions() & self.usual_permissions(tree, name)
        }
    }

    /// The permissions of something that takes the place of something else, which hands its own on (`recv_generator` in
    /// generator.c). Those of a symlink, which rsync hands on too, say nothing: all may write then.
    pub(crate) fn inherited_permissions(
        &self,
        entry: &Entry,
        now: Option<&Status>,
        tree: &mut Tree,
        name: &[u8],
    ) -> u32 {
        match now.filter(|now| !matches!(now.kind(), FileKind::Directory | FileKind::Symlink)) {
            Some(now) => self.old_permissions(entry, now),
            None => self.new_permissions(entry, tree, name),
        }
    }

    /// What new things may have in the folder of a name: what its default ACL says, else what the umask leaves
    /// (`default_perms_for_dir` in acls.c).
    fn usual_permissions(&self, tree: &mut Tree, name: &[u8]) -> u32 {
        let folder = name
            .iter()
            .rposition(|&byte| byte == b'/')
            .map_or(&b"."[..], |end| &name[..end]);
        let mut usual = self.usual.lock().unwrap_or_else(PoisonError::into_inner);
        match &*usual {
            Some((known, permissions)) if known == folder => *permissions,
            _ => {
                let acl = tree.handle(folder).and_then(|folder| folder.default_acl());
                let told = acl.ok().and_then(|acl| acl.permissions());
                let permissions = told.unwrap_or(0o777 & !self.identity.umask);
                *usual = Some((folder.to_owned(), permissions));
                permissions
            }
        }
    }

    /// What must be set of something that is there: not a time that is near enough, but for a file whose content was compared
    /// (`same_mtime` in rsync.c).
    pub(crate) fn changes(&self, list: &FileList, entry: &Entry, now: &Status) -> Attributes<'static> {
        let attributes = self.attributes(list, entry, self.old_permissions(entry, now));
        let is_other = self.is_compared_with_other_time(entry, now) || !self.is_same_time(entry, now);
        Attributes {
            mtime: attributes.mtime.filter(|_| is_other),
            atime: attributes.atime.filter(|&atime| atime != now.atime),
            ..attributes
        }
    }

    /// What it is to have, given the permissions.
    pub(crate) fn attributes(&self, list: &FileList, entry: &Entry, permissions: u32) -> Attributes<'static> {
        let is_link = entry.kind() == FileKind::Symlink;
        Attributes {
            permissions: (!is_link).then_some(permissions),
            mtime: self.keeps_time(entry).then_some((entry.mtime, entry.nanoseconds)),
            atime: self.atime(list, entry),
            uid: (self.options.owner && self.identity.is_root).then_some(entry.uid),
            gid: (self.options.group && self.identity.may_give_to(entry.gid)).then_some(entry.gid),
            ..Attributes::default()
        }
    }
}
