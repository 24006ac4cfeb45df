use std::io;

use nix::errno::Errno;

use crate::rsync::{
    proto::{
        ItemFlags,
        file_list::{Entry, FileKind},
    },
    transfer::{
        Error, Info,
        alternatives::Alternative,
        generator::{Failure, Generator},
        links::is_unsafe,
        queue::Pending,
        text::{describe, shown},
    },
    tree::{Status, Unset},
};

/// What was where something is made, or its like in another folder; and whether that was told.
type Room = (Option<Status>, bool);

/// What is made without the sender, and what is set.
impl Generator<'_> {
    /// Makes a folder before its own list comes, so that the time of the folder that it is in need not change later. What
    /// fails fails once more when it is its turn.
    pub(super) fn make_ahead(&mut self, entry: &Entry) -> Result<(), Error> {
        let keeps_time = self.keep.keeps_time(entry);
        let is_left = entry.is_implied() && self.keep.leaves_implied();
        if !keeps_time || is_left || self.options.dry_run || self.is_below_failed(entry) {
            return Ok(());
        }
        let Ok(now) = self.status(entry) else {
            return Ok(());
        };
        let is_left = match now {
            None => self.options.existing,
            Some(now) => now.kind() == FileKind::Directory || self.options.ignore_existing,
        };
        if is_left {
            return Ok(());
        }
        // Whose it is to be nobody knows yet to whom else it is open.
        if self.make_way(entry, now)?.is_ok() && self.make_folder(entry, 0o700).is_ok() {
            let name = self.keep.place(&self.list, entry).into_owned();
            self.made.insert(name);
        }
        Ok(())
    }

    /// Makes a folder with those of its permissions.
    fn make_folder(&mut self, entry: &Entry, which: u32) -> io::Result<()> {
        let name = self.keep.place(&self.list, entry);
        let needs = self.owner_needs();
        let Some(tree) = &mut self.tree else { return Ok(()) };
        let permissions = self.keep.new_permissions(entry, tree, &name);
        let mode = (permissions | needs) & which;
        match tree.make_directory(&name, mode) {
            Err(error) if self.options.relative && error.kind() == io::ErrorKind::NotFound => {
                tree.make_way_to(&name)?;
                tree.make_directory(&name, mode)
            }
            made => made,
        }
    }

    /// Makes the folders in which something is, if they are not there.
    pub(super) fn make_way_to(&mut self, entry: &Entry) {
        let name = self.keep.place(&self.list, entry).into_owned();
        let Some(tree) = self.tree.as_mut().filter(|_| !self.options.dry_run) else {
            return;
        };
        if let Err(error) = tree.make_way_to(&name) {
            let end = name.iter().rposition(|&byte| byte == b'/').unwrap_or(0);
            let place = self.keep.shown_name(&name[..end]);
            let text = format!("recv_generator: mkdir {place} failed: {}", describe(&error));
            self.fail(Failure(text));
        }
    }

    /// A folder that is left as it is may have merge files.
    pub(super) fn pass_left(&mut self, entry: &Entry, now: Option<&Status>) -> Result<(), Error> {
        match now {
            Some(now) if self.lists.is_incremental() => self.deleter.during(&self.list, entry, now),
            _ => Ok(()),
        }
    }

    pub(super) fn directory(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let is_there = now.is_some_and(|now| now.kind() == FileKind::Directory);
        if self.options.dry_run && !is_there {
            self.unmade_folder = Some(self.list.name(entry).to_vec());
        }
        let now = match self.make_way(entry, now)? {
            Ok(now) => now,
            Err(failure) => {
                self.failed_folder = Some(self.list.name(entry).to_vec());
                return Ok(Err(failure.of_folder()));
            }
        };
        let is_root = self.list.name(entry) == b".";
        if is_root && self.keep.is_new {
            if let Err(failure) = self.tell_of_folder(number, entry) {
                return Ok(Err(failure));
            }
            self.open_up_new(entry);
            return self.enter_new(entry).map(Ok);
        }
        let is_made = self.made.remove(&*self.keep.place(&self.list, entry));
        if let Some(now) = now.filter(|_| !is_made) {
            // Times and permissions are set when all that is in it has been written.
            let other = self.extended(entry, Some(&now));
            let flags = self.difference(entry, &now, false) | other.flags;
            self.open_up(entry, &now, flags, None);
            self.renew_time(entry, &now, flags);
            self.deleter.during(&self.list, entry, &now)?;
            if flags != 0 || self.options.report_unchanged {
                self.tell(number, entry, flags, &other);
            }
            return Ok(Ok(()));
        }
        // rsync reports it before it tries.
        let flags = match self.tell_of_folder(number, entry) {
            Ok(flags) => flags,
            Err(failure) => return Ok(Err(failure)),
        };
        if self.options.dry_run {
            return Ok(Ok(()));
        }
        if !is_made && let Err(error) = self.make_folder(entry, 0o7777) {
            self.failed_folder = Some(self.list.name(entry).to_vec());
            let failure = self.failure("recv_generator: mkdir {} failed", entry, &error);
            return Ok(Err(match flags.has(ItemFlags::XATTR) {
                true => self.unmade(entry, failure.of_folder()),
                false => failure.of_folder(),
            }));
        }
        self.open_up_new(entry);
        self.enter_new(entry).map(Ok)
    }

    /// A folder could not be made: rsync's receiver looks for it all the same, to set its attributes.
    fn unmade(&mut self, entry: &Entry, failure: Failure) -> Failure {
        self.fail(failure);
        let found = self.status(entry);
        let error = found.err().unwrap_or_else(|| Errno::ENOENT.into());
        self.failure("rsync: [receiver] stat {} failed", entry, &error)
    }

    /// Reports a folder that is about to be made.
    fn tell_of_folder(&mut self, number: u32, entry: &Entry) -> Result<ItemFlags, Failure> {
        let alternative = self.other_thing(number, entry)?;
        let (flags, other) = match alternative {
            Alternative::Done(_) | Alternative::Skipped | Alternative::Told => return Ok(ItemFlags(0)),
            Alternative::Like(basis, status) => {
                let other = self.extended_like(entry, &basis, &status);
                (self.difference(entry, &status, true), other)
            }
            Alternative::None => (ItemFlags::NEW, self.extended(entry, None)),
        };
        let flags = flags | ItemFlags::LOCAL_CHANGE | other.flags;
        self.tell(number, entry, flags, &other);
        Ok(ItemFlags(flags))
    }

    /// Reports something without the sender's data; with the name that it is linked to.
    pub(super) fn report(&self, number: u32, flags: u16, link: Option<Vec<u8>>) {
        let flags = ItemFlags(flags | link.as_ref().map_or(0, |_| ItemFlags::NAME));
        self.queue.push(match link {
            Some(link) => Pending::Linked(number, flags, link.into()),
            None => Pending::Local(number, flags),
        });
    }

    /// A new folder may be one of another folder's merge files; there is nothing to delete in it yet.
    fn enter_new(&mut self, entry: &Entry) -> Result<(), Error> {
        if !self.deleter.is_during() {
            return Ok(());
        }
        match self.status(entry).ok().flatten() {
            Some(now) if !self.options.dry_run => self.deleter.during(&self.list, entry, &now),
            _ => Ok(()),
        }
    }

    /// Whether a symlink leads out of the transfer and is not made, so that nothing is linked to it either. Where another
    /// name of the same symlink stays within, rsync 3.5.0 links this one to it after all, or waits for ever (observed).
    pub(super) fn is_unsafe_link(&mut self, entry: &Entry) -> bool {
        if !self.options.safe_links || entry.kind() != FileKind::Symlink {
            return false;
        }
        let name = self.keep.place(&self.list, entry);
        let target = self.list.extra(entry).and_then(|extra| extra.link.as_deref());
        let target = target.unwrap_or_default();
        let is_unsafe = is_unsafe(target, &name);
        if is_unsafe && self.options.output.info(Info::Name) > 0 {
            let (name, target) = (shown(&name), shown(target));
            let text = format!("ignoring unsafe symlink \"{name}\" -> \"{target}\"");
            self.queue.push(Pending::Said(text.into()));
        }
        is_unsafe
    }

    pub(super) fn symlink(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let target = self.list.extra(entry).and_then(|extra| extra.link.clone());
        let target = target.unwrap_or_default();
        let is_link = now.is_some_and(|now| now.kind() == FileKind::Symlink);
        if is_link {
            let tree = self.tree.as_mut().expect("something is there");
            if tree.link(&name).is_ok_and(|there| *there == *target) {
                return Ok(self.touch(number, entry, &now.expect("a link"), 0));
            }
        }
        let (like, is_told) = match self.make_room(number, entry, now)? {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Ok(())),
            Err(failure) => return Ok(Err(failure)),
        };
        if !self.options.dry_run
            && let Some(tree) = &mut self.tree
            && let Err(error) = tree.make_symlink(&name, &target)
        {
            let says = format!("rsync: [generator] symlink {{}} -> \"{}\" failed", shown(&target));
            return Ok(Err(self.failure(&says, entry, &error)));
        }
        Ok(self.made(number, entry, like.as_ref(), is_told))
    }

    pub(super) fn node(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let device = self.list.extra(entry).and_then(|extra| extra.device);
        if now.is_some_and(|now| self.is_same_node(entry, &now)) {
            return Ok(self.touch(number, entry, &now.expect("something is there"), 0));
        }
        let (like, is_told) = match self.make_room(number, entry, now)? {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Ok(())),
            Err(failure) => return Ok(Err(failure)),
        };
        if !self.options.dry_run
            && let Some(tree) = &mut self.tree
        {
            let permissions = self.keep.inherited_permissions(entry, now.as_ref(), tree, &name);
            let mode = entry.mode & 0o170_000 | permissions;
            if let Err(error) = tree.make_node(&name, mode, device) {
                return Ok(Err(self.failure("mknod {} failed", entry, &error)));
            }
        }
        Ok(self.made(number, entry, like.as_ref(), is_told))
    }

    /// Whether something is the device or the special file that the sender has.
    pub(super) fn is_same_node(&self, entry: &Entry, now: &Status) -> bool {
        let device = self.list.extra(entry).and_then(|extra| extra.device);
        let is_same_number = device.is_none_or(|(major, minor)| {
            now.device == nix::sys::stat::makedev(u64::from(major), u64::from(minor))
        });
        now.mode & 0o170_000 == entry.mode & 0o170_000 && is_same_number
    }

    /// Makes room for what is no file and no folder: what was there, or its like in another folder, and whether that was
    /// told already. `None` if nothing is left to do.
    fn make_room(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<Option<Room>, Failure>, Error> {
        let before = match self.make_way(entry, now)? {
            Ok(before) => before,
            Err(failure) => return Ok(Err(failure)),
        };
        let found = self.alternative(number, entry, now);
        Ok(found.and_then(|found| match found {
            Some((like, is_told)) => self
                .back_up(entry, now)
                .map(|()| Some((before.or(like), is_told))),
            None => Ok(None),
        }))
    }

    /// What other folders have of something that is not there: its like, and whether that was told already. `None` if nothing
    /// is left to do.
    fn alternative(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Option<Room>, Failure> {
        if now.is_some() {
            return Ok(Some((None, false)));
        }
        Ok(match self.other_thing(number, entry)? {
            Alternative::None => Some((None, false)),
            Alternative::Like(_, status) => Some((Some(status), false)),
            Alternative::Told => Some((None, true)),
            Alternative::Done(_) | Alternative::Skipped => None,
        })
    }

    /// Something was made without the sender.
    fn made(
        &mut self,
        number: u32,
        entry: &Entry,
        before: Option<&Status>,
        is_told: bool,
    ) -> Result<(), Failure> {
        // The new one has nothing of what was there before.
        let mut other = self.extended(entry, None);
        if let Some(before) = before {
            other.flags |= self.extended(entry, Some(before)).flags;
        }
        let flags = other.flags
            | ItemFlags::LOCAL_CHANGE
            | before.map_or(ItemFlags::NEW, |before| {
                self.difference(entry, before, true) | ItemFlags::CHANGE
            });
        if !is_told {
            self.tell(number, entry, flags, &other);
        }
        self.stored.push(number);
        if self.options.dry_run {
            return Ok(());
        }
        match self.status(entry) {
            Ok(Some(made)) => {
                self.set(entry, &made);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => Err(self.failure("stat {} failed", entry, &error)),
        }
    }

    /// What is there is right but for its attributes.
    pub(super) fn touch(
        &mut self,
        number: u32,
        entry: &Entry,
        now: &Status,
        more: u16,
    ) -> Result<(), Failure> {
        self.stored.push(number);
        let other = self.extended(entry, Some(now));
        let mut flags = more | self.difference(entry, now, false) | other.flags;
        let has_same_special_bits = (now.mode ^ entry.mode) & 0o7000 == 0;
        if ItemFlags(other.flags).has(ItemFlags::ACL) && has_same_special_bits && !self.options.dry_run {
            // The ACL brings the permissions with it before rsync looks at them (`set_acl` in acls.c).
            flags &= !ItemFlags::PERMISSIONS;
        }
        if flags == 0 && !self.options.report_unchanged {
            if self.keep.is_compared_with_other_time(entry, now) {
                self.set(entry, now);
            }
            return Ok(());
        }
        self.tell(number, entry, flags, &other);
        if self.set(entry, now) {
            self.renew_time(entry, now, flags);
            self.say_up_to_date(entry, flags);
        }
        Ok(())
    }

    /// Says it of a file without an itemized line (`set_file_attrs` in rsync.c).
    fn say_up_to_date(&self, entry: &Entry, flags: u16) {
        if self.options.output.info(Info::Name) > 1 && !self.options.itemize {
            let name = shown(&self.keep.place(&self.list, entry));
            // Extended attributes are set only when the sender has answered.
            let state = if flags & !ItemFlags::XATTR == 0 {
                " is uptodate"
            } else {
                ""
            };
            self.queue.push(Pending::Noted(format!("{name}{state}").into()));
        }
    }

    /// Sets what is other; whether it came to the end of it.
    pub(super) fn set(&mut self, entry: &Entry, now: &Status) -> bool {
        let mut attributes = self.keep.changes(&self.list, entry, now);
        if self.options.dry_run {
            self.say_unset(entry, &attributes.impossible(now));
            return true;
        }
        let name = self.keep.place(&self.list, entry);
        attributes.extended = self.keep.extended(&self.list, entry);
        let Some(tree) = &mut self.tree else { return true };
        let unset = tree.apply(&name, &attributes, now);
        self.say_unset(entry, &unset);
        !unset.iter().any(Unset::is_last)
    }

    /// Says what could not be set.
    pub(super) fn say_unset(&self, entry: &Entry, unset: &[Unset]) {
        for unset in unset {
            let place = self.keep.shown(&self.list, entry);
            let name = shown(&self.keep.place(&self.list, entry));
            self.fail(Failure(unset.text("generator", &place, &name)));
        }
    }

    /// Removes what is of another kind; what is there afterwards.
    pub(super) fn make_way(
        &mut self,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<Option<Status>, Failure>, Error> {
        let Some(status) = now else { return Ok(Ok(None)) };
        let is_same_kind = status.mode & 0o170_000 == entry.mode & 0o170_000;
        if is_same_kind {
            return Ok(Ok(now));
        }
        let is_directory = status.kind() == FileKind::Directory;
        let is_over = entry.kind() == FileKind::Regular && self.options.receiving.in_place;
        let name = self.keep.place(&self.list, entry);
        // What is no folder is replaced at once when the new one is there, except by a folder, or what is written in place. A
        // link to the backups goes now: those of other files would be put where it leads meanwhile.
        let goes_now = is_over || self.beside.is_link_to_backups(&name);
        if !is_directory && !entry.is_directory() && !goes_now {
            return Ok(Ok(None));
        }
        if self.deleter.make_room(&name, &status)? {
            return Ok(Ok(None));
        }
        let kind = match entry.kind() {
            FileKind::Regular | FileKind::Missing => "regular file",
            FileKind::Directory => "directory",
            FileKind::Symlink => "symlink",
            FileKind::Device => "device file",
            FileKind::Special => "special file",
        };
        let place = shown(&name);
        Ok(Err(Failure(format!(
            "could not make way for new {kind}: {place}"
        ))))
    }
}
