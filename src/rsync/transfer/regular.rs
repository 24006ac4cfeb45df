use std::{fs::File, io};

use crate::rsync::{
    proto::{
        ItemFlags,
        file_list::{Entry, FileKind},
    },
    transfer::{
        Error,
        alternatives::Alternative,
        ask::Ask,
        basis::Basis,
        beside::split,
        generator::{Failure, Generator},
        queue::Pending,
        text::describe,
    },
    tree::Status,
};

/// What is done with a file.
enum Choice {
    /// It is asked for.
    Asked(Ask),
    /// It is right; the number of the folder that it is linked to.
    Right(Option<u8>),
    /// Another name of it may be there.
    Waits,
    /// It is left alone.
    Skipped,
}

/// What is missing of a regular file, and what it is made from.
impl Generator<'_> {
    /// With why nobody can tell what is there. The outer error ends the session, the inner one is this file's.
    pub(super) fn regular(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<&Status>,
        unknown: Option<io::Error>,
    ) -> Result<Result<(), Failure>, Error> {
        let size = entry.size.unsigned_abs();
        if self.options.max_size.is_some_and(|most| size > most) {
            self.say_skipped(entry, " is over max-size");
            return Ok(Ok(()));
        }
        if self.options.min_size.is_some_and(|least| size < least) {
            self.say_skipped(entry, " is under min-size");
            return Ok(Ok(()));
        }
        let is_newer = now.is_some_and(|now| {
            let window = self.options.modify_window;
            now.kind() == FileKind::Regular && entry.mtime.saturating_sub(now.mtime) < window
        });
        if self.options.update && is_newer {
            self.say_skipped(entry, " is newer");
            return self.skip(number, entry).map(Ok);
        }
        match self.is_linked(number, entry, now)? {
            Ok(false) => {}
            linked => return Ok(linked.map(drop)),
        }
        let before = now;
        let now = match self.make_way(entry, now.copied())? {
            Ok(now) => now,
            Err(failure) => return Ok(Err(failure)),
        };
        let is_in_the_way = |before: &&Status| now.is_none() && before.kind() != FileKind::Directory;
        let in_the_way = before
            .filter(is_in_the_way)
            .filter(|_| !self.options.receiving.in_place);
        match self.choose(number, entry, now, in_the_way, unknown) {
            Ok(Choice::Asked(ask)) => {
                self.request(number, entry, ask)?;
                if self.options.dry_run {
                    self.finish_links(entry, None)?;
                }
            }
            Ok(Choice::Right(other)) => self.finish_links(entry, other)?,
            Ok(Choice::Skipped) => self.skip(number, entry)?,
            Ok(Choice::Waits) => {}
            Err(failure) => return Ok(Err(failure)),
        }
        Ok(Ok(()))
    }

    /// What is to be done with a file, in whose place something else may be.
    fn choose(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
        in_the_way: Option<&Status>,
        unknown: Option<io::Error>,
    ) -> Result<Choice, Failure> {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let (mut basis, mut like) = (Basis::Own, now);
        let appends = self.options.receiving.append > 0;
        match self.other_file(number, entry, now.as_ref(), in_the_way)? {
            Alternative::Done(other) => {
                self.stored.push(number);
                return Ok(Choice::Right(other));
            }
            Alternative::Skipped => {
                self.stored.push(number);
                return Ok(Choice::Skipped);
            }
            // What is appended to is the file itself: after another's length, zeros would stand in front of the rest.
            Alternative::Like(other, status) if !appends => (basis, like) = (other, Some(status)),
            Alternative::Like(..) | Alternative::None | Alternative::Told => {}
        }
        let has_partial = match &mut self.tree {
            Some(tree) => self.beside.partial_status(tree, &name).is_some(),
            None => false,
        };
        let Some(now) = like else {
            if has_partial {
                basis = Basis::Partial;
            } else if self.options.receiving.fuzzy > 0 && !appends {
                let keep = self.keep;
                let is_same_time = |status: &Status| keep.is_same_time(entry, status);
                if let Some((list, similar)) = self.similar(&name, entry.size, is_same_time) {
                    basis = Basis::Similar(list, similar);
                }
            }
            if basis == Basis::Own && self.waits(number, entry) {
                return Ok(Choice::Waits);
            }
            if let Some(error) = unknown.filter(|_| basis == Basis::Own) {
                return Err(self.failure("recv_generator: failed to stat {}", entry, &error));
            }
            let flags = ItemFlags::NEW | ItemFlags::TRANSFER;
            return Ok(Choice::Asked(Ask::new(basis, flags, None)));
        };
        if basis == Basis::Own && self.is_unchanged(entry, &now) {
            if let (Some(tree), true) = (&mut self.tree, has_partial && !self.options.dry_run) {
                self.beside.remove_partial(tree, &name);
            }
            return self.touch(number, entry, &now, 0).map(|()| Choice::Right(None));
        }
        if appends && now.size >= entry.size {
            return Ok(Choice::Skipped);
        }
        let like = Some((basis.clone(), now));
        if has_partial {
            basis = Basis::Partial;
        }
        let mut flags = ItemFlags::TRANSFER | self.difference(entry, &now, true);
        if self.options.checksum {
            flags |= ItemFlags::CHANGE;
        }
        if self.options.receiving.fuzzy > 0 && !self.is_whole() {
            self.note_change(&name);
        }
        Ok(Choice::Asked(Ask::new(basis, flags, like)))
    }

    /// What a file was to be made from cannot be read: for rsync it is not there then, and the end does not tell.
    pub(super) fn complain_of_basis(&self, name: &[u8], basis: &Basis, error: &io::Error) {
        let place = self.keep.shown_name(&self.basis_place(name, basis));
        let text = format!(
            "rsync: [generator] failed to open {place}, continuing: {}",
            describe(error)
        );
        self.queue.push(Pending::Complained(text.into()));
    }

    /// Where it is: below the destination, or as an absolute path.
    fn basis_place(&self, name: &[u8], basis: &Basis) -> Vec<u8> {
        let below = |number: usize, name: &[u8]| match self.options.receiving.bases.get(number) {
            Some((_, folder)) => [folder.as_bytes(), b"/", name].concat(),
            None => name.to_vec(),
        };
        match basis {
            Basis::Own => name.to_vec(),
            Basis::Partial => self.beside.partial_place(name).unwrap_or_default(),
            Basis::Backup => self.beside.backup_place(name),
            Basis::Elsewhere(number) => below(usize::from(*number), name),
            Basis::Similar(number, similar) => {
                let name = [split(name).0, similar].concat();
                match usize::from(*number).checked_sub(1) {
                    Some(number) => below(number, &name),
                    None => name,
                }
            }
        }
    }

    /// How a file is to be asked for whose digest was wrong.
    pub(super) fn once_more(&mut self, entry: &Entry) -> Ask {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let partial = match &mut self.tree {
            Some(tree) => self.beside.partial_status(tree, &name),
            None => None,
        };
        let basis = partial.map_or(Basis::Own, |_| Basis::Partial);
        let now = self.status(entry).ok().flatten();
        let now = now.filter(|now| now.kind() == FileKind::Regular);
        let difference = now.map_or(ItemFlags::NEW, |now| self.difference(entry, &now, true));
        let mut ask = Ask::new(basis, ItemFlags::TRANSFER | difference, None);
        ask.is_again = true;
        ask
    }

    /// Whether a file need not be transferred.
    pub(super) fn is_unchanged(&mut self, entry: &Entry, now: &Status) -> bool {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let mut tree = self.tree.take();
        let same = self.has_content(entry, now, || match &mut tree {
            Some(tree) => tree.read(&name),
            None => Err(io::ErrorKind::NotFound.into()),
        });
        self.tree = tree;
        same
    }

    /// Whether a file has the sender's content, as far as the options look; `open` opens it (`quick_check_ok` in
    /// generator.c).
    pub(super) fn has_content(
        &self,
        entry: &Entry,
        now: &Status,
        open: impl FnOnce() -> io::Result<File>,
    ) -> bool {
        if now.size != entry.size {
            return false;
        }
        if self.options.checksum {
            let Some(theirs) = self.list.extra(entry).and_then(|extra| extra.checksum.as_ref()) else {
                return false;
            };
            let Ok(mut file) = open() else {
                // As a sender says it of a file that it cannot read (`file_checksum` in checksum.c).
                return theirs.iter().all(|&byte| byte == 0);
            };
            let mut hasher = self.session.list_checksum.listed();
            let mut buffer = vec![0; 128 * 1024];
            loop {
                match io::Read::read(&mut file, &mut buffer) {
                    Ok(0) => break,
                    Ok(count) => hasher.update(&buffer[..count]),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(_) => return false,
                }
            }
            return hasher.finish() == **theirs;
        }
        self.options.size_only || !self.options.ignore_times && self.keep.is_same_time(entry, now)
    }
}
