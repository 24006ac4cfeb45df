use std::{collections::HashSet, io};

use crate::rsync::{
    delta::{Checksum, head, write_sums},
    proto::{
        Index, Indices, ItemFlags, Record, Session, SumHead,
        file_list::{Entry, FileKind, FileList, write_wanted},
    },
    transfer::{
        Error, Event, Observer, Options,
        extended::ValueKey,
        keep::Keep,
        queue::{Pending, Queue},
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
    pub(crate) faults: &'a Faults,
    /// None where nothing is there: in a dry run without a destination.
    pub(crate) tree: Option<Tree>,
    pub(crate) outgoing: Outgoing,
    pub(crate) indices: Indices,
    pub(crate) observer: &'a dyn Observer,
    /// The folder that could not be made last.
    pub(crate) failed_folder: Option<Vec<u8>>,
    /// The long values of extended attributes that were asked for.
    pub(crate) asked: HashSet<ValueKey>,
}

impl Generator<'_> {
    /// Goes through the whole list, and ends the phase.
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        let numbers = if self.options.list_only { &[] } else { self.numbers };
        for (number, place) in numbers.iter().enumerate() {
            let Some(place) = place else { continue };
            let entry = &self.list.entries()[*place as usize];
            let number = u32::try_from(number).expect("a list holds fewer");
            if let Err(failure) = self.consider(number, entry)? {
                self.fail(failure);
            }
            self.outgoing.send_if_full()?;
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

    /// Ends phases.
    pub(crate) fn done(&mut self, count: usize) -> Result<(), Error> {
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
        Ok(match kind {
            FileKind::Directory => self.directory(number, entry, now),
            FileKind::Symlink if self.options.links => self.symlink(number, entry, now),
            FileKind::Device if self.options.devices => self.node(number, entry, now),
            FileKind::Special if self.options.specials => self.node(number, entry, now),
            FileKind::Missing => Ok(()),
            _ => {
                if !self.options.list_only {
                    let name = shown(self.list.name(entry));
                    let text = format!("skipping non-regular file \"{name}\"");
                    self.observer.observe(Event::Warning(&text));
                }
                Ok(())
            }
        })
    }

    fn regular(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<&Status>,
    ) -> Result<Result<(), Failure>, Error> {
        let now = match self.make_way(entry, now.copied()) {
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
        if self.options.update && now.mtime > entry.mtime {
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
        Ok(!self.options.ignore_times && now.mtime == entry.mtime)
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
        let file = basis.and_then(|_| self.tree.as_mut()?.read(&name).ok());
        let length = file
            .as_ref()
            .and_then(|file| file.metadata().ok())
            .map(|found| found.len());
        let sums = match length {
            Some(length) if length > 0 => head(
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
            if let Some(file) = file.filter(|_| sums.count > 0) {
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

    fn directory(&mut self, number: u32, entry: &Entry, now: Option<Status>) -> Result<(), Failure> {
        let now = self.make_way(entry, now)?;
        let is_root = self.list.name(entry) == b".";
        if is_root && self.keep.is_new {
            let other = self.extended(entry, None)?;
            let flags = ItemFlags::NEW | ItemFlags::LOCAL_CHANGE | other.flags;
            self.tell(number, flags, &other);
            return Ok(());
        }
        if let Some(now) = now {
            // Times and permissions are set when all that is in it has been written.
            let other = self.extended(entry, Some(&now))?;
            let flags = self.difference(entry, &now, false) | other.flags;
            if flags != 0 || self.options.report_unchanged {
                self.tell(number, flags, &other);
            }
            return Ok(());
        }
        // rsync reports it before it tries.
        let other = self.extended(entry, None)?;
        let flags = ItemFlags::NEW | ItemFlags::LOCAL_CHANGE | other.flags;
        self.tell(number, flags, &other);
        if !self.options.dry_run {
            let name = self.keep.place(self.list, entry);
            let mode = self.keep.new_permissions(entry) | 0o700;
            let made = self
                .tree
                .as_mut()
                .map_or(Ok(()), |tree| tree.make_directory(&name, mode));
            if let Err(error) = made {
                self.failed_folder = Some(self.list.name(entry).to_vec());
                let Failure(text) = self.failure("recv_generator: mkdir {} failed", entry, &error);
                let skipped = "*** Skipping any contents from this failed directory ***";
                return Err(Failure(format!(
                    "{text}
{skipped}"
                )));
            }
        }
        Ok(())
    }

    fn symlink(&mut self, number: u32, entry: &Entry, now: Option<Status>) -> Result<(), Failure> {
        let name = self.keep.place(self.list, entry);
        let target = self.list.extra(entry).and_then(|extra| extra.link.clone());
        let target = target.unwrap_or_default();
        let is_link = now.is_some_and(|now| now.kind() == FileKind::Symlink);
        if is_link {
            let tree = self.tree.as_mut().expect("something is there");
            if tree.link(&name).is_ok_and(|there| *there == *target) {
                return self.touch(number, entry, &now.expect("a link"), 0);
            }
        }
        let before = self.make_way(entry, now)?;
        if !self.options.dry_run
            && let Some(tree) = &mut self.tree
        {
            tree.make_symlink(&name, &target)
                .map_err(|error| self.failure("symlink {} failed", entry, &error))?;
        }
        self.made(number, entry, before.as_ref())
    }

    fn node(&mut self, number: u32, entry: &Entry, now: Option<Status>) -> Result<(), Failure> {
        let name = self.keep.place(self.list, entry);
        let device = self.list.extra(entry).and_then(|extra| extra.device);
        let is_same = now.is_some_and(|now| {
            let same_number = device.is_none_or(|(major, minor)| {
                now.device == nix::sys::stat::makedev(u64::from(major), u64::from(minor))
            });
            now.mode & 0o170_000 == entry.mode & 0o170_000 && same_number
        });
        if is_same {
            return self.touch(number, entry, &now.expect("something is there"), 0);
        }
        let before = self.make_way(entry, now)?;
        if !self.options.dry_run
            && let Some(tree) = &mut self.tree
        {
            let mode = entry.mode & 0o170_000 | self.keep.new_permissions(entry);
            tree.make_node(&name, mode, device)
                .map_err(|error| self.failure("mknod {} failed", entry, &error))?;
        }
        self.made(number, entry, before.as_ref())
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
        let mut attributes = self.keep.attributes(self.list, entry, Some(now));
        attributes.extended = self.keep.extended(self.list, entry);
        let Some(tree) = &mut self.tree else { return Ok(()) };
        tree.apply(&name, &attributes, now)
            .map_err(|error| self.failure("failed to set attributes of {}", entry, &error))
    }

    /// Removes what is of another kind; what is there afterwards.
    fn make_way(&mut self, entry: &Entry, now: Option<Status>) -> Result<Option<Status>, Failure> {
        let Some(status) = now else { return Ok(None) };
        let is_same_kind = status.mode & 0o170_000 == entry.mode & 0o170_000;
        if is_same_kind {
            return Ok(now);
        }
        let is_directory = status.kind() == FileKind::Directory;
        // What is no folder is replaced at once when the new one is there, except by a folder.
        if !is_directory && !entry.is_directory() {
            return Ok(None);
        }
        let name = self.keep.place(self.list, entry);
        let Some(tree) = &mut self.tree else {
            return Ok(None);
        };
        let removed = if self.options.dry_run {
            tree.could_remove(&name, is_directory)
        } else {
            tree.remove(&name, is_directory)
        };
        if let Err(error) = removed {
            let place = shown(&name);
            if error.kind() == io::ErrorKind::DirectoryNotEmpty {
                let text = format!("cannot delete non-empty directory: {place}");
                self.observer.observe(Event::Warning(&text));
            }
            let kind = match entry.kind() {
                FileKind::Regular | FileKind::Missing => "regular file",
                FileKind::Directory => "directory",
                FileKind::Symlink => "symlink",
                FileKind::Device => "device file",
                FileKind::Special => "special file",
            };
            return Err(Failure(format!("could not make way for new {kind}: {place}")));
        }
        Ok(None)
    }
}

/// What failed with one file, as rsync says it.
pub(crate) struct Failure(String);
