use std::{collections::HashSet, io};

use crate::rsync::{
    delta::{Checksum, head, write_sums},
    proto::{
        Index, Indices, ItemFlags, Record, Session, SumHead, Tag,
        file_list::{Entry, FileKind, FileList, write_wanted},
    },
    transfer::{
        Error, Options,
        delete::Deleter,
        extended::ValueKey,
        keep::Keep,
        links::is_unsafe,
        queue::{Pending, Queue, Stored},
        text::{describe, shown},
        wire::{Faults, Outgoing},
    },
    tree::{Status, Tree},
};

/// Decides for each file what is missing at the destination, and asks for it (`generator.c`).
pub(crate) struct Generator<'a> {
    pub(crate) session: Session,
    pub(crate) options: &'a Options,
    pub(crate) keep: &'a Keep<'a>,
    pub(crate) list: &'a FileList,
    pub(crate) numbers: &'a [Option<u32>],
    pub(crate) queue: &'a Queue,
    pub(crate) stored: &'a Stored,
    pub(crate) faults: &'a Faults,
    /// None where nothing is there: in a dry run without a destination.
    pub(crate) tree: Option<Tree>,
    pub(crate) outgoing: Outgoing,
    pub(crate) indices: Indices,
    /// The folder that could not be made last.
    pub(crate) failed_folder: Option<Vec<u8>>,
    pub(crate) deleter: Deleter<'a>,
    /// The long values of extended attributes that were asked for.
    pub(crate) asked: HashSet<ValueKey>,
}

impl Generator<'_> {
    /// Goes through the whole list, and ends the phase.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let numbers = if self.options.list_only { &[] } else { self.numbers };
        self.deleter.before(self.list, numbers)?;
        for (number, place) in numbers.iter().enumerate() {
            let Some(place) = place else { continue };
            let entry = &self.list.entries()[*place as usize];
            let number = u32::try_from(number).expect("a list holds fewer");
            if let Err(failure) = self.consider(number, entry)? {
                self.fail(failure);
            }
            self.outgoing.send_if_full()?;
            self.tell_stored()?;
        }
        self.done(1)
    }

    /// Ends the last phases of the transfer: that of delayed updates and, if nothing is to be deleted later, that of
    /// deletions, whose counts the server is told.
    pub(crate) fn done_with_transfer(&mut self, count: usize) -> Result<(), Error> {
        if self.deleter.is_late() {
            return self.done(count);
        }
        for _ in 0..count {
            self.indices.write(Index::Done, self.outgoing.buffer());
        }
        self.done_with_deletions()
    }

    /// Deletes what was left for the end.
    pub(crate) fn delete_late(&mut self) -> Result<(), Error> {
        let numbers = if self.options.list_only { &[] } else { self.numbers };
        self.deleter.late(self.list, numbers)?;
        self.done_with_deletions()
    }

    fn done_with_deletions(&mut self) -> Result<(), Error> {
        self.deleter.finish();
        if self.session.protocol < 31 {
            return self.done(0);
        }
        if self.deleter.tells() {
            self.indices.write(Index::Deletions, self.outgoing.buffer());
            self.deleter.deleted.write(self.outgoing.buffer());
        }
        self.done(1)
    }

    /// Asks once more for files whose digest was wrong, now with whole digests, and ends the phase.
    pub(crate) fn again(&mut self, numbers: &[u32]) -> Result<(), Error> {
        for &number in numbers {
            let place = self.numbers[number as usize].expect("it was asked for before");
            let entry = &self.list.entries()[place as usize];
            let now = self.status(entry).ok().flatten();
            self.request(number, entry, now.as_ref(), ItemFlags::TRANSFER, &[], true)?;
        }
        Ok(())
    }

    /// Tells the sender which files it may remove.
    fn tell_stored(&mut self) -> Result<(), Error> {
        for number in self.stored.take() {
            self.outgoing.message(Tag::Success, number.to_le_bytes())?;
        }
        Ok(())
    }

    /// Ends phases.
    pub(crate) fn done(&mut self, count: usize) -> Result<(), Error> {
        self.tell_stored()?;
        for _ in 0..count {
            self.indices.write(Index::Done, self.outgoing.buffer());
        }
        self.outgoing.flush()
    }

    fn fail(&self, failure: Failure) {
        self.faults.fail();
        self.queue.push(Pending::Failed(failure.0));
    }

    /// `says` has the place of the file in `{}`.
    pub(super) fn failure(&self, says: &str, entry: &Entry, error: &io::Error) -> Failure {
        let place = self.keep.shown(self.list, entry);
        Failure(format!("{}: {}", says.replace("{}", &place), describe(error)))
    }

    /// Whether a folder above it could not be made.
    fn is_below_failed(&self, entry: &Entry) -> bool {
        let name = self.list.name(entry);
        self.failed_folder
            .as_ref()
            .and_then(|folder| name.strip_prefix(&**folder))
            .is_some_and(|rest| rest.starts_with(b"/"))
    }

    fn difference(&self, entry: &Entry, now: &Status, is_replaced: bool) -> u16 {
        let atime = self.keep.atime(self.list, entry);
        self.keep.difference(entry, atime, now, is_replaced)
    }

    /// What is at the destination now.
    fn status(&mut self, entry: &Entry) -> io::Result<Option<Status>> {
        let name = self.keep.place(self.list, entry);
        self.tree.as_mut().map_or(Ok(None), |tree| tree.status(&name))
    }

    /// The outer error ends the session, the inner one is this file's.
    fn consider(&mut self, number: u32, entry: &Entry) -> Result<Result<(), Failure>, Error> {
        if self.is_below_failed(entry) {
            return Ok(Ok(()));
        }
        let now = match self.status(entry) {
            Ok(now) => now,
            Err(error) if entry.kind() == FileKind::Regular && !self.options.dry_run => {
                return Ok(Err(self.failure(
                    "recv_generator: failed to stat {}",
                    entry,
                    &error,
                )));
            }
            // It fails when it is to be made.
            Err(_) => None,
        };
        if entry.kind() == FileKind::Missing {
            let name = self.keep.place(self.list, entry);
            return self.deleter.missing(&name, now.as_ref()).map(Ok);
        }
        let is_left = match now {
            None => self.options.existing,
            Some(now) => {
                let are_folders = entry.is_directory() && now.kind() == FileKind::Directory;
                self.options.ignore_existing && !are_folders
            }
        };
        if is_left {
            return Ok(Ok(()));
        }
        let kind = entry.kind();
        if kind == FileKind::Regular {
            return self.regular(number, entry, now.as_ref());
        }
        let is_made = match kind {
            FileKind::Directory => return self.directory(number, entry, now),
            FileKind::Symlink => self.options.links,
            FileKind::Device => self.options.devices,
            _ => self.options.specials,
        };
        if !is_made {
            let name = shown(self.list.name(entry));
            let text = format!("skipping non-regular file \"{name}\"");
            self.queue.push(Pending::Said(text));
            return Ok(Ok(()));
        }
        if kind == FileKind::Symlink {
            self.symlink(number, entry, now)
        } else {
            self.node(number, entry, now)
        }
    }

    fn regular(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<&Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let size = entry.size.unsigned_abs();
        let is_too_large = self.options.max_size.is_some_and(|most| size > most);
        if is_too_large || self.options.min_size.is_some_and(|least| size < least) {
            return Ok(Ok(()));
        }
        let now = match self.make_way(entry, now.copied())? {
            Ok(now) => now,
            Err(failure) => return Ok(Err(failure)),
        };
        let Some(now) = now else {
            let other = match self.extended(entry, None) {
                Ok(other) => other,
                Err(failure) => return Ok(Err(failure)),
            };
            let flags = ItemFlags::NEW | ItemFlags::TRANSFER | other.flags;
            self.request(number, entry, None, flags, &other.wanted, false)?;
            return Ok(Ok(()));
        };
        let window = self.options.modify_window;
        if self.options.update && entry.mtime.saturating_sub(now.mtime) < window {
            return Ok(Ok(()));
        }
        let is_same = match self.is_unchanged(entry, &now) {
            Ok(is_same) => is_same,
            Err(error) => return Ok(Err(self.failure("read {} failed", entry, &error))),
        };
        if is_same {
            return Ok(self.touch(number, entry, &now, 0));
        }
        let other = match self.extended(entry, Some(&now)) {
            Ok(other) => other,
            Err(failure) => return Ok(Err(failure)),
        };
        let mut flags = ItemFlags::TRANSFER | self.difference(entry, &now, true) | other.flags;
        if self.options.checksum {
            flags |= ItemFlags::CHANGE;
        }
        self.request(number, entry, Some(&now), flags, &other.wanted, false)?;
        Ok(Ok(()))
    }

    /// Whether a file need not be transferred (`quick_check_ok` in generator.c).
    fn is_unchanged(&mut self, entry: &Entry, now: &Status) -> io::Result<bool> {
        if now.size != entry.size {
            return Ok(false);
        }
        if self.options.checksum {
            let Some(theirs) = self.list.extra(entry).and_then(|extra| extra.checksum.as_ref()) else {
                return Ok(false);
            };
            let name = self.keep.place(self.list, entry);
            let Some(tree) = &mut self.tree else {
                return Ok(false);
            };
            let mut file = tree.read(&name)?;
            let mut hasher = self.session.list_checksum.listed();
            let mut buffer = vec![0; 128 * 1024];
            loop {
                match io::Read::read(&mut file, &mut buffer) {
                    Ok(0) => break,
                    Ok(count) => hasher.update(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
            return Ok(hasher.finish() == **theirs);
        }
        if self.options.size_only {
            return Ok(true);
        }
        Ok(!self.options.ignore_times && self.keep.is_same_time(entry, now))
    }

    /// Asks for a file's data.
    fn request(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<&Status>,
        flags: u16,
        wanted: &[i32],
        whole_digest: bool,
    ) -> Result<(), Error> {
        let basis = now.filter(|now| {
            let is_whole = self.options.whole_file || self.session.checksum == Checksum::None;
            let is_wanted = !is_whole && !self.options.dry_run;
            is_wanted && now.kind() == FileKind::Regular && now.size > 0
        });
        let name = self.keep.place(self.list, entry);
        let file = basis.and_then(|_| self.tree.as_mut()?.read_with_length(&name).ok());
        let sums = match file {
            Some((_, length)) if length > 0 => head(
                length,
                self.session.protocol,
                self.session.checksum,
                self.options.block_size,
                whole_digest,
            ),
            _ => SumHead::default(),
        };
        let record = Record {
            flags: ItemFlags(flags),
            ..Record::default()
        };
        let before = self.outgoing.buffer().len();
        self.indices.write(Index::File(number), self.outgoing.buffer());
        record.write(self.outgoing.buffer());
        if self.options.xattrs && record.flags.has(ItemFlags::XATTR) && !self.options.dry_run {
            write_wanted(wanted, self.outgoing.buffer());
        }
        let mut sums = sums;
        if !self.options.dry_run {
            let body = self.outgoing.buffer().len();
            sums.write(self.outgoing.buffer());
            if let Some((file, _)) = file.filter(|_| sums.count > 0) {
                let (seed, first) = (self.session.seed, self.session.compatibility.has_seed_first());
                let file = io::BufReader::with_capacity(256 * 1024, file);
                let written = write_sums(
                    sums,
                    self.session.checksum,
                    seed,
                    first,
                    file,
                    self.outgoing.buffer(),
                );
                if written.is_err() {
                    // It became shorter meanwhile, or cannot be read: then it is no basis.
                    sums = SumHead::default();
                    self.outgoing.buffer().truncate(body);
                    sums.write(self.outgoing.buffer());
                }
            }
        }
        debug_assert!(self.outgoing.buffer().len() > before, "a request was written");
        self.queue.push(Pending::Transfer {
            number,
            flags: ItemFlags(flags),
            sums,
        });
        self.outgoing.send_if_full()
    }

    fn directory(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let now = match self.make_way(entry, now)? {
            Ok(now) => now,
            Err(failure) => {
                self.failed_folder = Some(self.list.name(entry).to_vec());
                return Ok(Err(failure.of_folder()));
            }
        };
        let is_root = self.list.name(entry) == b".";
        if is_root && self.keep.is_new {
            let other = match self.extended(entry, None) {
                Ok(other) => other,
                Err(failure) => return Ok(Err(failure)),
            };
            let flags = ItemFlags::NEW | ItemFlags::LOCAL_CHANGE | other.flags;
            self.tell(number, flags, &other);
            return self.enter_new(entry).map(Ok);
        }
        if let Some(now) = now {
            // Times and permissions are set when all that is in it has been written.
            let other = match self.extended(entry, Some(&now)) {
                Ok(other) => other,
                Err(failure) => return Ok(Err(failure)),
            };
            let flags = self.difference(entry, &now, false) | other.flags;
            self.deleter.during(self.list, entry, &now)?;
            if flags != 0 || self.options.report_unchanged {
                self.tell(number, flags, &other);
            }
            return Ok(Ok(()));
        }
        // rsync reports it before it tries.
        let other = match self.extended(entry, None) {
            Ok(other) => other,
            Err(failure) => return Ok(Err(failure)),
        };
        let flags = ItemFlags::NEW | ItemFlags::LOCAL_CHANGE | other.flags;
        self.tell(number, flags, &other);
        if self.options.dry_run {
            return Ok(Ok(()));
        }
        let name = self.keep.place(self.list, entry);
        let mode = self.keep.new_permissions(entry) | 0o700;
        let made = self
            .tree
            .as_mut()
            .map_or(Ok(()), |tree| tree.make_directory(&name, mode));
        if let Err(error) = made {
            self.failed_folder = Some(self.list.name(entry).to_vec());
            let failure = self.failure("recv_generator: mkdir {} failed", entry, &error);
            return Ok(Err(failure.of_folder()));
        }
        self.enter_new(entry).map(Ok)
    }

    /// A new folder may be one of another folder's merge files; there is nothing to delete in it yet.
    fn enter_new(&mut self, entry: &Entry) -> Result<(), Error> {
        if !self.deleter.is_during() {
            return Ok(());
        }
        match self.status(entry).ok().flatten() {
            Some(now) if !self.options.dry_run => self.deleter.during(self.list, entry, &now),
            _ => Ok(()),
        }
    }

    fn symlink(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let name = self.keep.place(self.list, entry);
        let target = self.list.extra(entry).and_then(|extra| extra.link.clone());
        let target = target.unwrap_or_default();
        if self.options.safe_links && is_unsafe(&target, &name) {
            let text = format!(
                "ignoring unsafe symlink \"{}\" -> \"{}\"",
                shown(&name),
                shown(&target)
            );
            if self.options.verbose > 0 {
                self.queue.push(Pending::Said(text));
            }
            return Ok(Ok(()));
        }
        let is_link = now.is_some_and(|now| now.kind() == FileKind::Symlink);
        if is_link {
            let tree = self.tree.as_mut().expect("something is there");
            if tree.link(&name).is_ok_and(|there| *there == *target) {
                return Ok(self.touch(number, entry, &now.expect("a link"), 0));
            }
        }
        let before = match self.make_way(entry, now)? {
            Ok(before) => before,
            Err(failure) => return Ok(Err(failure)),
        };
        if let Err(failure) = self.back_up(entry, now) {
            return Ok(Err(failure));
        }
        if !self.options.dry_run
            && let Some(tree) = &mut self.tree
            && let Err(error) = tree.make_symlink(&name, &target)
        {
            return Ok(Err(self.failure("symlink {} failed", entry, &error)));
        }
        Ok(self.made(number, entry, before.as_ref()))
    }

    fn node(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let name = self.keep.place(self.list, entry);
        let device = self.list.extra(entry).and_then(|extra| extra.device);
        let is_same = now.is_some_and(|now| {
            let same_number = device.is_none_or(|(major, minor)| {
                now.device == nix::sys::stat::makedev(u64::from(major), u64::from(minor))
            });
            now.mode & 0o170_000 == entry.mode & 0o170_000 && same_number
        });
        if is_same {
            return Ok(self.touch(number, entry, &now.expect("something is there"), 0));
        }
        let before = match self.make_way(entry, now)? {
            Ok(before) => before,
            Err(failure) => return Ok(Err(failure)),
        };
        if let Err(failure) = self.back_up(entry, now) {
            return Ok(Err(failure));
        }
        if !self.options.dry_run
            && let Some(tree) = &mut self.tree
        {
            let permissions = match now {
                // What it takes the place of hands its permissions on.
                Some(now) if !self.options.permissions && now.kind() != FileKind::Directory => {
                    now.mode & 0o7777
                }
                _ => self.keep.new_permissions(entry),
            };
            let mode = entry.mode & 0o170_000 | permissions;
            if let Err(error) = tree.make_node(&name, mode, device) {
                return Ok(Err(self.failure("mknod {} failed", entry, &error)));
            }
        }
        Ok(self.made(number, entry, before.as_ref()))
    }

    /// Something was made without the sender.
    fn made(&mut self, number: u32, entry: &Entry, before: Option<&Status>) -> Result<(), Failure> {
        // The new one has nothing of what was there before.
        let mut other = self.extended(entry, None)?;
        if let Some(before) = before {
            other.flags |= self.extended(entry, Some(before))?.flags;
        }
        let flags = other.flags
            | ItemFlags::LOCAL_CHANGE
            | before.map_or(ItemFlags::NEW, |before| {
                self.difference(entry, before, true) | ItemFlags::CHANGE
            });
        self.tell(number, flags, &other);
        self.stored.push(number);
        if self.options.dry_run {
            return Ok(());
        }
        match self.status(entry) {
            Ok(Some(made)) => self.set(entry, &made),
            Ok(None) => Ok(()),
            Err(error) => Err(self.failure("stat {} failed", entry, &error)),
        }
    }

    /// What is there is right but for its attributes.
    fn touch(&mut self, number: u32, entry: &Entry, now: &Status, more: u16) -> Result<(), Failure> {
        self.stored.push(number);
        let other = self.extended(entry, Some(now))?;
        let flags = more | self.difference(entry, now, false) | other.flags;
        if flags == 0 && !self.options.report_unchanged {
            return Ok(());
        }
        self.tell(number, flags, &other);
        self.set(entry, now)
    }

    fn set(&mut self, entry: &Entry, now: &Status) -> Result<(), Failure> {
        if self.options.dry_run {
            return Ok(());
        }
        let name = self.keep.place(self.list, entry);
        let mut attributes = self.keep.changes(self.list, entry, now);
        attributes.extended = self.keep.extended(self.list, entry);
        let Some(tree) = &mut self.tree else { return Ok(()) };
        tree.apply(&name, &attributes, now)
            .map_err(|error| self.failure("failed to set attributes of {}", entry, &error))
    }

    /// Keeps what something else is about to take the place of.
    fn back_up(&mut self, entry: &Entry, now: Option<Status>) -> Result<(), Failure> {
        let name = self.keep.place(self.list, entry);
        let is_there = now.is_some_and(|now| now.kind() != FileKind::Directory);
        let backup = self
            .options
            .backup_of(&name)
            .filter(|_| is_there && !self.options.dry_run);
        if let (Some(tree), Some(backup)) = (&mut self.tree, backup)
            && let Err(error) = tree.back_up(&name, &backup)
        {
            return Err(self.failure("make_backup {} failed", entry, &error));
        }
        Ok(())
    }

    /// Removes what is of another kind; what is there afterwards.
    fn make_way(
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
        // What is no folder is replaced at once when the new one is there, except by a folder.
        if !is_directory && !entry.is_directory() {
            return Ok(Ok(None));
        }
        let name = self.keep.place(self.list, entry);
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

/// What failed with one file, as rsync says it.
pub(crate) struct Failure(String);

impl Failure {
    /// What was to go into the folder fails with it.
    fn of_folder(self) -> Self {
        let skipped = "*** Skipping any contents from this failed directory ***";
        Self(format!("{}\n{skipped}", self.0))
    }
}
