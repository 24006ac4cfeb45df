use std::{
    collections::{HashMap, HashSet},
    io,
    sync::Arc,
};

use crate::rsync::{
    delta::Checksum,
    proto::{
        Index, Indices, Session, Tag,
        file_list::{Entry, FileKind, FileList},
    },
    transfer::{
        Debug, Error, Info, Options,
        beside::Beside,
        delete::Deleter,
        extended::{ValueKey, Values},
        fuzzy::Neighbours,
        hard_links::HardLinks,
        keep::Keep,
        lists::{Lists, Next},
        part::Part,
        queue::{Came, Pending, Queue, Stored},
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
    pub(crate) lists: &'a Lists,
    /// The list of what is looked at.
    pub(crate) list: Arc<FileList>,
    pub(crate) queue: &'a Queue,
    pub(crate) stored: &'a Stored,
    pub(crate) faults: &'a Faults,
    /// None where nothing is there: in a dry run without a destination.
    pub(crate) tree: Option<Tree>,
    pub(crate) outgoing: Outgoing,
    pub(crate) indices: Indices,
    /// The folder that could not be made last.
    pub(crate) failed_folder: Option<Vec<u8>>,
    /// The folder that a dry run would have made last: nothing is below it, whatever is in its place.
    pub(crate) unmade_folder: Option<Vec<u8>>,
    /// The first list was begun.
    pub(crate) has_begun: bool,
    /// Folders that were made before their turn.
    pub(crate) made: HashSet<Vec<u8>>,
    /// The permissions of folders that are writable only for this session, made or found.
    pub(crate) opened: HashMap<Vec<u8>, u32>,
    /// The folders that could not be given away: they are left as they are.
    pub(crate) unowned: HashSet<Vec<u8>>,
    /// The long values of extended attributes that other folders have.
    pub(crate) values: Values,
    pub(crate) deleter: Deleter<'a>,
    pub(crate) beside: Beside<'a>,
    pub(crate) neighbours: Neighbours,
    pub(crate) hard_links: HardLinks,
    /// Whether no more files can be asked for.
    pub(crate) has_asked_last: bool,
    /// The long values of extended attributes that were asked for.
    pub(crate) asked: HashSet<ValueKey>,
}

impl Generator<'_> {
    /// Goes through the lists as they come, and ends the phase (`generate_files` in generator.c).
    pub(crate) fn run(&mut self) -> Result<(), Error> {
        loop {
            let next = match self.lists.ready() {
                Some(next) => next,
                None => {
                    self.tell_stored()?;
                    self.outgoing.flush()?;
                    self.lists.wait()
                }
            };
            match next {
                Next::List(part) => self.go_through(&part)?,
                Next::Again(number) => self.again(&[number])?,
                Next::Settled => self.tell_stored()?,
                Next::Done => self.done_with_list()?,
                Next::Nothing => return self.outgoing.flush(),
            }
        }
    }

    /// The folder of a list, and what is in it.
    fn go_through(&mut self, part: &Arc<Part>) -> Result<(), Error> {
        self.faults.add_bits(part.errors);
        if self.options.list_only {
            return Ok(());
        }
        if self.options.hard_links {
            for part in self.lists.take_new() {
                // Whoever looks ahead for links knows of what failed there.
                self.faults.add_bits(part.errors);
                self.hard_links.add(&part, !self.lists.is_incremental());
            }
        }
        self.deleter.before(part)?;
        self.say_how_files_are_sent();
        if let Some(folder) = &part.folder {
            self.list = folder.list.clone();
            if let Err(failure) = self.consider(part.start - 1, &folder.entry)? {
                self.fail(failure);
            }
        }
        self.list = part.list.clone();
        for (number, entry) in part.files() {
            if self.lists.is_incremental() && entry.is_directory() {
                self.make_ahead(entry)?;
                continue;
            }
            self.consider_or_fail(number, entry)?;
            self.outgoing.send_if_full()?;
            self.tell_stored()?;
            while self.lists.is_done() {
                self.done_with_list()?;
            }
        }
        Ok(())
    }

    fn say_how_files_are_sent(&mut self) {
        if self.options.output.debug(Debug::Flist) == 0 || std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let state = match self.options.whole_file && self.options.receiving.append == 0 {
            true => "disabled for local transfer or --whole-file",
            false => "enabled",
        };
        let text = format!("delta-transmission {state}");
        self.queue.push(Pending::Said(text.into()));
    }

    /// All that was asked for of the first of the lists has come.
    fn done_with_list(&mut self) -> Result<(), Error> {
        self.tell_stored()?;
        // The receiver must find it before the answer comes.
        self.queue.push(Pending::Done);
        self.indices.write(Index::Done, self.outgoing.buffer());
        match self.lists.is_short() {
            true => self.outgoing.flush(),
            false => self.outgoing.send_if_full(),
        }
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
        self.deleter.late()?;
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

    /// Asks once more for files whose digest was wrong, now with whole digests.
    pub(crate) fn again(&mut self, numbers: &[u32]) -> Result<(), Error> {
        for &number in numbers {
            // A sender that takes a file back may have ended its list.
            let Some(file) = self.lists.file(number) else {
                continue;
            };
            self.list = file.list.clone();
            let ask = self.once_more(&file.entry);
            self.request(number, &file.entry, ask)?;
        }
        Ok(())
    }

    /// Tells the sender which files it may remove, and sees to the other names of what came and what will not come.
    pub(crate) fn tell_stored(&mut self) -> Result<(), Error> {
        // What is linked to a file is stored with it.
        while let Some(Came { number, is_stored }) = self.stored.take() {
            if !is_stored {
                self.replace_in_group(number)?;
                continue;
            }
            if self.options.remove_source_files {
                self.outgoing.message(Tag::Success, number.to_le_bytes())?;
            }
            self.finish_links_of(number)?;
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

    pub(super) fn fail(&self, failure: Failure) {
        self.faults.fail();
        self.queue.push(Pending::Failed(failure.0.into()));
    }

    /// `says` has the place of the file in `{}`.
    pub(super) fn failure(&self, says: &str, entry: &Entry, error: &io::Error) -> Failure {
        let place = self.keep.shown(&self.list, entry);
        Failure(format!("{}: {}", says.replacen("{}", &place, 1), describe(error)))
    }

    /// Whether a folder above it could not be made.
    pub(super) fn is_below_failed(&self, entry: &Entry) -> bool {
        let name = self.list.name(entry);
        match self.failed_folder.as_deref() {
            None => false,
            // All is below the folder that the names count from; if lists come one by one, rsync looks at it too late.
            Some(b".") => name != b"." && !self.session.compatibility.has_incremental_lists(),
            Some(folder) => is_below(name, folder),
        }
    }

    /// What is at the place of something, or why nobody can tell: for rsync it is not there then, nor is it missing
    /// (`recv_generator` in generator.c).
    fn found(&mut self, entry: &Entry) -> (Option<Status>, Option<io::Error>) {
        let unmade = self.unmade_folder.as_deref();
        if unmade.is_some_and(|folder| is_below(self.list.name(entry), folder)) {
            return (None, None);
        }
        match self.status(entry) {
            Ok(now) => (now, None),
            Err(error) => (None, Some(error)),
        }
    }

    pub(super) fn difference(&self, entry: &Entry, now: &Status, is_replaced: bool) -> u16 {
        let atime = self.keep.atime(&self.list, entry);
        self.keep.difference(entry, atime, now, is_replaced)
    }

    /// What is at the destination now.
    pub(super) fn status(&mut self, entry: &Entry) -> io::Result<Option<Status>> {
        let name = self.keep.place(&self.list, entry);
        let Some(tree) = &mut self.tree else {
            return Ok(None);
        };
        match self.keep.may_be_link(entry) {
            true => tree.status_of_folder(&name),
            false => tree.status(&name),
        }
    }

    /// The outer error ends the session, the inner one is this file's.
    pub(super) fn consider(&mut self, number: u32, entry: &Entry) -> Result<Result<(), Failure>, Error> {
        if self.is_below_failed(entry) {
            return self.skip(number, entry).map(Ok);
        }
        if self.keep.leaves_implied() && entry.kind() != FileKind::Missing {
            self.make_way_to(entry);
        }
        let (now, unknown) = self.found(entry);
        if entry.kind() == FileKind::Missing {
            let name = self.keep.place(&self.list, entry);
            return self.deleter.missing(&name, now.as_ref()).map(Ok);
        }
        let is_left = match now {
            None => self.options.existing && unknown.is_none(),
            Some(now) => {
                let are_folders = entry.is_directory() && now.kind() == FileKind::Directory;
                self.options.ignore_existing && !are_folders
            }
        };
        if is_left {
            self.say_left(entry, now.as_ref());
            if now.is_none() && entry.is_directory() {
                // Nothing in it has a place either.
                self.failed_folder = Some(self.list.name(entry).to_vec());
            }
            let is_looked_into = |now: &Status| entry.is_directory() && now.kind() != FileKind::Symlink;
            // rsync looks into it as if it were a folder, and deletes nothing any more when that fails.
            if let Some(now) = now.filter(is_looked_into) {
                self.pass_left(entry, Some(&now))?;
            }
            return self.skip(number, entry).map(Ok);
        }
        if entry.is_implied() && self.keep.leaves_implied() {
            return self.pass_left(entry, now.as_ref()).map(Ok);
        }
        let kind = entry.kind();
        if kind == FileKind::Regular {
            return self.regular(number, entry, now.as_ref(), unknown);
        }
        let is_made = match kind {
            FileKind::Directory => return self.directory(number, entry, now),
            FileKind::Symlink => self.options.links,
            _ if self.options.drop_devices => false,
            FileKind::Device => self.options.devices && self.keep.identity.is_root,
            _ => self.options.specials,
        };
        if !is_made {
            if self.options.output.info(Info::Nonreg) > 0 {
                let name = shown(self.list.name(entry));
                let text = format!("skipping non-regular file \"{name}\"");
                self.queue.push(Pending::Said(text.into()));
            }
            return Ok(Ok(()));
        }
        match self.is_linked(number, entry, now.as_ref())? {
            Ok(false) => {}
            linked => return Ok(linked.map(drop)),
        }
        if self.is_unsafe_link(entry) {
            return Ok(Ok(()));
        }
        let made = match kind {
            FileKind::Symlink => self.symlink(number, entry, now)?,
            _ => self.node(number, entry, now)?,
        };
        if made.is_ok() {
            self.finish_links(entry, None)?;
        }
        Ok(made)
    }

    /// Decides about a file; one that fails takes no part.
    pub(super) fn consider_or_fail(&mut self, number: u32, entry: &Entry) -> Result<(), Error> {
        match self.consider(number, entry)? {
            Ok(()) => Ok(()),
            Err(failure) => {
                self.fail(failure);
                self.skip_failed(number, entry)
            }
        }
    }

    /// Whether files are transferred without a basis.
    pub(super) fn is_whole(&self) -> bool {
        let is_whole = self.options.whole_file || self.session.checksum == Checksum::None;
        is_whole && self.options.receiving.append == 0
    }
}

fn is_below(name: &[u8], folder: &[u8]) -> bool {
    let below = name.strip_prefix(folder);
    below.is_some_and(|below| below.starts_with(b"/"))
}

/// What failed with one file, as rsync says it.
pub(crate) struct Failure(pub(super) String);

impl Failure {
    /// What was to go into the folder fails with it.
    pub(super) fn of_folder(self) -> Self {
        let skipped = "*** Skipping any contents from this failed directory ***";
        Self(format!("{}\n{skipped}", self.0))
    }
}
