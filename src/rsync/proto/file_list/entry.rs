use std::{num::NonZeroU32, sync::Arc};

use crate::rsync::proto::file_list::{Acl, Xattr, flag};

/// The bits of a mode that say what kind of file it is.
const KIND: u32 = 0o170_000;

/// What a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileKind {
    /// A regular file.
    Regular,
    /// A folder.
    Directory,
    /// A symbolic link.
    Symlink,
    /// A character or a block device.
    Device,
    /// A named pipe or a socket.
    Special,
    /// An argument that is missing at the sender (mode 0).
    Missing,
}

impl FileKind {
    /// The kind of a mode; `None` if there is no such kind.
    pub const fn of(mode: u32) -> Option<Self> {
        Some(match mode & KIND {
            0o100_000 => Self::Regular,
            0o040_000 => Self::Directory,
            0o120_000 => Self::Symlink,
            0o020_000 | 0o060_000 => Self::Device,
            0o010_000 | 0o140_000 => Self::Special,
            0 if mode == 0 => Self::Missing,
            _ => return None,
        })
    }
}

/// A file of a list, without its name: 56 bytes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// Where its name begins among the names of the list.
    pub(super) name_start: u32,
    pub(super) name_length: u16,
    /// Its first flags, as they came.
    pub(super) flags: u16,
    /// Kind and permissions.
    pub mode: u32,
    /// The owner at the sender.
    pub uid: u32,
    /// The group at the sender.
    pub gid: u32,
    /// Nanoseconds of the modification time.
    pub nanoseconds: u32,
    /// Seconds of the modification time, since 1970.
    pub mtime: i64,
    /// The length in bytes.
    pub size: i64,
    /// What few files have, by its number in the list.
    pub(super) extra: Option<NonZeroU32>,
}

/// What few files have.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Extra {
    /// Where a symlink leads.
    pub link: Option<Box<[u8]>>,
    /// Major and minor number of a device.
    pub device: Option<(u32, u32)>,
    /// The digest of the content, if the sender was asked for it.
    pub checksum: Option<Box<[u8]>>,
    /// The arrival number of the first file of the group of hard links.
    pub leader: Option<u32>,
    /// The access ACL, if it says more than the mode.
    pub acl: Option<Arc<Acl>>,
    /// The default ACL of a folder that has one.
    pub default_acl: Option<Arc<Acl>>,
    /// The extended attributes, if there are any, and which of the distinct sets they are.
    pub xattrs: Option<(u32, Arc<Vec<Xattr>>)>,
    /// Seconds of the access time.
    pub atime: Option<i64>,
    /// Seconds of the creation time.
    pub crtime: Option<i64>,
}

const TOP_DIRECTORY: u16 = flag::TOP_DIRECTORY as u16;
const NO_CONTENT: u16 = flag::NO_CONTENT as u16;

impl Entry {
    /// What it is.
    pub fn kind(&self) -> FileKind {
        FileKind::of(self.mode).expect("an entry is kept only with a kind")
    }

    /// Whether it is a folder.
    pub fn is_directory(&self) -> bool {
        self.kind() == FileKind::Directory
    }

    /// Whether it is a folder whose content belongs to the transfer.
    pub fn has_content(&self) -> bool {
        self.is_directory() && self.flags & NO_CONTENT == 0
    }

    /// Whether it is a folder that the command line names, or one in front of it.
    pub fn is_top(&self) -> bool {
        self.is_directory() && self.flags & TOP_DIRECTORY != 0
    }

    /// Whether it is a folder in front of an argument with `--relative`.
    pub fn is_implied(&self) -> bool {
        self.is_directory() && self.flags & (TOP_DIRECTORY | NO_CONTENT) == TOP_DIRECTORY | NO_CONTENT
    }

    /// Says of a folder whether an argument names it, and whether its content belongs to the transfer.
    pub fn set_folder(&mut self, is_top: bool, has_content: bool) {
        self.flags = if is_top { TOP_DIRECTORY } else { 0 } | if has_content { 0 } else { NO_CONTENT };
    }

    /// Says of a folder that it is only on the way to an argument.
    pub fn set_implied(&mut self) {
        self.flags |= TOP_DIRECTORY | NO_CONTENT;
    }

    /// The permissions, without the kind.
    pub const fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }
}

/// The files of a transfer, in the order in which they came.
#[derive(Clone, Debug, Default)]
pub struct FileList {
    names: Vec<u8>,
    entries: Vec<Entry>,
    extras: Vec<Extra>,
}

impl FileList {
    /// How many files there are.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The files, in order of arrival.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The name of a file below the root of the transfer; the root itself is `.`.
    pub fn name(&self, entry: &Entry) -> &[u8] {
        &self.names[entry.name_start as usize..][..usize::from(entry.name_length)]
    }

    /// What few files have.
    pub fn extra(&self, entry: &Entry) -> Option<&Extra> {
        entry.extra.map(|number| &self.extras[number.get() as usize - 1])
    }

    /// The access ACL of a file, without what follows from its mode; none if the mode says all.
    pub fn acl(&self, entry: &Entry) -> Option<&Acl> {
        self.extra(entry)?.acl.as_deref()
    }

    /// The default ACL of a folder that has one.
    pub fn default_acl(&self, entry: &Entry) -> Option<&Acl> {
        self.extra(entry)?.default_acl.as_deref()
    }

    /// The extended attributes of a file, in the sender's order.
    pub fn xattrs(&self, entry: &Entry) -> &[Xattr] {
        let set = self.extra(entry).and_then(|extra| extra.xattrs.as_ref());
        set.map_or(&[], |(_, attributes)| attributes)
    }

    /// Which of the sets of extended attributes a file has; files may share one.
    pub fn xattr_set(&self, entry: &Entry) -> Option<u32> {
        Some(self.extra(entry)?.xattrs.as_ref()?.0)
    }

    /// Appends a file; `false` if the list cannot hold more.
    pub fn push(&mut self, name: &[u8], mut entry: Entry, extra: Extra) -> bool {
        let (Ok(start), Ok(length)) = (u32::try_from(self.names.len()), u16::try_from(name.len())) else {
            return false;
        };
        (entry.name_start, entry.name_length) = (start, length);
        if extra != Extra::default() {
            self.extras.push(extra);
            entry.extra = u32::try_from(self.extras.len()).ok().and_then(NonZeroU32::new);
        }
        self.names.extend_from_slice(name);
        self.entries.push(entry);
        true
    }

    /// Changes the permissions of all but symlinks.
    pub fn map_modes(&mut self, change: impl Fn(u32, bool) -> u32) {
        for entry in &mut self.entries {
            if !matches!(entry.kind(), FileKind::Symlink | FileKind::Missing) {
                entry.mode = entry.mode & KIND | change(entry.permissions(), entry.is_directory());
            }
        }
    }

    /// Puts something in front of where each symlink leads.
    pub fn prefix_links(&mut self, prefix: &[u8]) {
        for link in self.extras.iter_mut().filter_map(|extra| extra.link.as_mut()) {
            *link = [prefix, &**link].concat().into();
        }
    }

    /// The file that came last.
    pub fn last_mut(&mut self) -> Option<&mut Entry> {
        self.entries.last_mut()
    }

    /// Takes the slash away with which names begin that an argument with `--relative` has from the root on. They are sorted
    /// with it.
    pub fn strip_root(&mut self) {
        for entry in &mut self.entries {
            let name = &self.names[entry.name_start as usize..][..usize::from(entry.name_length)];
            if name.len() > 1 && name[0] == b'/' {
                entry.name_start += 1;
                entry.name_length -= 1;
            }
        }
    }

    /// Says of a folder what is said of another one of its name too (`flist_sort_and_clean` in flist.c).
    pub fn merge_folder(&mut self, kept: u32, dropped: u32) {
        let other = self.entries[dropped as usize];
        let entry = &mut self.entries[kept as usize];
        if !entry.is_directory() || !other.is_directory() {
            return;
        }
        let is_implied = entry.is_implied() && other.is_implied();
        let is_top = [&*entry, &other]
            .iter()
            .any(|folder| folder.is_top() && folder.has_content());
        entry.set_folder(is_top, entry.has_content() || other.has_content());
        if is_implied {
            entry.set_implied();
        }
    }

    /// Changes the owners, once their names are known.
    pub(super) fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    /// All ACLs of all files.
    pub(super) fn acls_mut(&mut self) -> impl Iterator<Item = &mut Arc<Acl>> {
        let extras = self.extras.iter_mut();
        extras.flat_map(|extra| extra.acl.iter_mut().chain(&mut extra.default_acl))
    }
}
