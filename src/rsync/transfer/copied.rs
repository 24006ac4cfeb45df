use std::io;

use crate::rsync::{
    proto::file_list::{Acl, FileKind},
    transfer::Options,
    tree::{Attributes, Extended, Handle, Identity, Status},
};

/// What something that is copied hands on to its copy.
pub(super) struct Source<'a> {
    options: &'a Options,
    identity: &'a Identity,
    now: Status,
    xattrs: Vec<(Vec<u8>, Vec<u8>)>,
    acl: Acl,
    default_acl: Acl,
}

impl<'a> Source<'a> {
    pub(super) fn of(
        options: &'a Options,
        identity: &'a Identity,
        there: &Handle<'_>,
        now: &Status,
    ) -> io::Result<Self> {
        let has_acl = options.acls && now.kind() != FileKind::Symlink;
        let chosen = identity.chosen();
        Ok(Self {
            options,
            identity,
            now: *now,
            xattrs: match options.xattrs {
                true => there.xattrs(|name| chosen.takes(name))?,
                false => Vec::new(),
            },
            acl: match has_acl {
                true => there.acl(now.mode)?,
                false => Acl::default(),
            },
            default_acl: match has_acl && now.kind() == FileKind::Directory {
                true => there.default_acl()?,
                false => Acl::default(),
            },
        })
    }

    pub(super) fn attributes(&self) -> Attributes<'_> {
        let (options, now) = (self.options, &self.now);
        let is_link = now.kind() == FileKind::Symlink;
        let has_acl = options.acls && !is_link;
        let xattrs = self
            .xattrs
            .iter()
            .map(|(name, value)| (name.into(), Some(value.clone())));
        Attributes {
            permissions: (!is_link).then_some(now.mode & 0o7777),
            mtime: options.times.then_some((now.mtime, now.nanoseconds)),
            atime: None,
            uid: (options.owner && self.identity.is_root).then_some(now.uid),
            gid: options.group.then_some(now.gid),
            extended: Extended {
                // A folder of backups gets none (`copy_valid_path` in backup.c).
                xattrs: (options.xattrs && now.kind() != FileKind::Directory).then(|| xattrs.collect()),
                acl: has_acl.then_some(&self.acl),
                default_acl: (has_acl && now.kind() == FileKind::Directory).then_some(&self.default_acl),
                chosen: self.identity.chosen(),
            },
        }
    }
}
