use std::io;

use crate::{
    rsync::{
        proto::{
            ItemFlags, SumHead,
            file_list::{Entry, FileKind, FileList},
        },
        transfer::{
            Error, Event,
            aside::Aside,
            basis::{Basis, BasisFile},
            part::Listed,
            rebuild::Rebuilding,
            receiver::{Receiver, missing},
            text::{describe, shown},
            trouble::{Failed, Trouble},
        },
        tree::{Attributes, Output, Status, Tree, Unmade, Unset},
    },
    terms::{Exit, refusal},
};

/// A file as it was asked for; by default as if there were nothing of it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Wanted {
    /// How its basis was described.
    pub(crate) sums: SumHead,
    /// What that is.
    pub(crate) basis: Basis,
    /// Whether it is asked for once more.
    pub(crate) is_again: bool,
}

/// The file that is written, and its name at the destination.
#[derive(Clone, Copy)]
pub(super) struct Target<'f> {
    pub(super) number: u32,
    pub(super) list: &'f FileList,
    pub(super) entry: &'f Entry,
    pub(super) name: &'f [u8],
    /// What is other, as it was asked for.
    pub(super) flags: ItemFlags,
    /// How many bytes of data had come before its own.
    pub(super) taken: u64,
}

/// What came of a file.
pub(super) enum Written {
    Stored,
    /// It is whole, and moved to its place at the end.
    Delayed,
    /// The digest is another; what became of the file.
    Mismatch(&'static str),
    /// It failed, which was said.
    Failed,
}

impl Receiver<'_> {
    /// Rebuilds a file from its tokens. A place that cannot be written to is this file's matter, its tokens are read all the
    /// same; what fails once it is being written, as on a full disk, ends the session.
    pub(super) fn store(&mut self, target: Target<'_>, wanted: &Wanted) -> Result<Written, Error> {
        let Some(mut tree) = self.tree.take() else {
            return Ok(Written::Failed);
        };
        let mut file = self.begin(&mut tree, target, wanted);
        // Nothing is told of what cannot be begun.
        if file.output.is_some() {
            self.report(target.number, target.flags, None)?;
        }
        let is_whole = match self.rebuild(target, wanted, &mut file) {
            Ok(is_whole) => is_whole,
            Err(error) => {
                if file.has_literal && self.options.receiving.keeps_partial() {
                    self.keep_part(&mut tree, target, file);
                }
                return Err(error);
            }
        };
        let written = match file.trouble.0 {
            None => self.put(&mut tree, target, wanted, file, is_whole),
            Some(trouble) => Err(trouble),
        };
        self.tree = Some(tree);
        written.or_else(|failed| {
            let at = failed.at.as_deref().unwrap_or(target.name);
            let text = match &failed.error {
                Some(error) => self.failure_at(&failed.says, at, error),
                None => failed.says.replacen("{}", &self.keep.shown_name(at), 1),
            };
            if failed.is_fatal {
                let exit = Exit::FileIo;
                return Err(Error::Destination { text, exit });
            }
            self.faults.fail();
            self.observer.observe(Event::Failed(&text));
            Ok(Written::Failed)
        })
    }

    /// `says` has the place of the file in `{}`.
    fn failure(&self, says: &str, target: Target<'_>, error: &io::Error) -> String {
        self.failure_at(says, target.name, error)
    }

    fn failure_at(&self, says: &str, name: &[u8], error: &io::Error) -> String {
        let says = says.replacen("{}", &self.keep.shown_name(name), 1);
        format!("{}rsync: [receiver] {says}: {}", refusal(error), describe(error))
    }

    /// Says that the file is there, but not with all that it is to have.
    pub(super) fn tell_unset(&self, temporary: &[u8], unset: &[Unset]) {
        for unset in unset {
            self.faults.fail();
            let text = unset.text("receiver", &self.keep.shown_name(temporary), &shown(temporary));
            self.observer.observe(Event::Failed(&text));
        }
    }

    /// What ends the session if a file cannot be written.
    pub(super) fn unwritten(&self, action: &str, target: Target<'_>, error: &io::Error) -> Error {
        Error::Destination {
            text: self.failure(action, target, error),
            exit: Exit::FileIo,
        }
    }

    /// Opens what is read and what is written.
    fn begin(&mut self, tree: &mut Tree, target: Target<'_>, wanted: &Wanted) -> Rebuilding {
        let options = self.options;
        let in_place = options.receiving.in_place;
        let mut trouble = Trouble::default();
        // What is there counts for the permissions too.
        let is_read = wanted.sums.count > 0 || !options.permissions || wanted.basis != Basis::Own;
        let (mut basis, mut before) = (None, None);
        // One that cannot be read does not matter before a block of it is needed.
        if is_read && let Ok((file, length)) = self.beside.read(tree, target.name, &wanted.basis) {
            before = nix::sys::stat::fstat(&file).ok().map(Status::from);
            basis = Some(BasisFile::new(file, length));
        }
        if is_read && basis.is_none() && wanted.basis == Basis::Own && is_directory(tree, target.name) {
            trouble.0 = Some(Failed::is_directory());
        }
        let is_over_partial = wanted.basis == Basis::Partial
            && self.session.compatibility.has_partial_in_place()
            && basis.is_some();
        let output = if trouble.0.is_some() {
            None
        } else if in_place {
            trouble.note("open {} failed", tree.begin_over(target.name))
        } else if is_over_partial {
            let partial = self.beside.partial(tree, target.name);
            partial.and_then(|(tree, name)| trouble.note("open {} failed", tree.begin_over(&name)))
        } else {
            let permissions = self.permissions(tree, target, before.as_ref());
            let begun = self.beside.begin(tree, target.name, permissions);
            trouble.note_failed(begun.map_err(|Unmade { name, error }| {
                Failed::to_begin(self.beside.begun_place(target.name, &name), error)
            }))
        };
        let output = output.map(|mut output| {
            if options.sparse {
                output.be_sparse();
            }
            let size = target.entry.size.unsigned_abs();
            if options.receiving.preallocate
                && size > 0
                && let Err(error) = output.reserve(size)
            {
                // Without room the writing fails.
                let text = self.failure("do_fallocate {}", target, &error);
                self.observer.observe(Event::Complained(&text));
            }
            output
        });
        Rebuilding {
            output,
            basis,
            before,
            is_over_basis: is_over_partial || in_place && matches!(wanted.basis, Basis::Own | Basis::Backup),
            is_over_partial,
            has_literal: false,
            trouble,
        }
    }

    /// Brings a file to its place, or to where partial files are kept (`recv_files` in receiver.c).
    fn put(
        &mut self,
        tree: &mut Tree,
        target: Target<'_>,
        wanted: &Wanted,
        file: Rebuilding,
        is_whole: bool,
    ) -> Result<Written, Failed> {
        let receiving = &self.options.receiving;
        let has_folder = receiving.partial_folder().is_some();
        let is_over_partial = file.is_over_partial;
        // A part that cannot be read stays.
        let is_used_up = is_whole && wanted.basis == Basis::Partial && file.basis.is_some();
        let is_delayed = receiving.delay_updates && has_folder;
        if is_whole && !is_delayed || receiving.in_place {
            self.finish(tree, target, wanted, file, is_whole)?;
            if is_used_up {
                self.beside.remove_partial(tree, target.name);
            }
            return Ok(match is_whole {
                true => Written::Stored,
                false => Written::Mismatch("retained"),
            });
        }
        if !receiving.keeps_partial() {
            return Ok(Written::Mismatch("discarded"));
        }
        if is_over_partial && !is_delayed {
            return Ok(Written::Mismatch("put into partial-dir"));
        }
        if !has_folder {
            self.finish(tree, target, wanted, file, false)?;
        } else {
            let made = self.beside.make_partial_folder(tree, target.name);
            made.map_err(|error| ("unable to create partial-dir for {}", error))?;
            let attributes = self.attributes(tree, target, &file, is_whole)?;
            let temporary = self.now(target, &file);
            let to = self.beside.partial_place(target.name);
            if let (Some(output), Some(to), Some((tree, partial))) =
                (file.output, to, self.beside.partial(tree, target.name))
            {
                let put = output.commit(tree, &partial, &attributes);
                let put = put.map_err(|error| Failed::to_rename(temporary.clone(), &to, error));
                self.tell_unset(&temporary, &put?);
            }
        }
        Ok(match is_whole {
            true => Written::Delayed,
            false => Written::Mismatch("discarded"),
        })
    }

    /// Backs up what was there, and moves the new file to its place (`finish_transfer` in rsync.c).
    fn finish(
        &mut self,
        tree: &mut Tree,
        target: Target<'_>,
        wanted: &Wanted,
        file: Rebuilding,
        sets_time: bool,
    ) -> Result<(), Failed> {
        let receiving = &self.options.receiving;
        let attributes = self.attributes(tree, target, &file, sets_time)?;
        let is_kept_twice =
            wanted.is_again && receiving.keeps_partial() && receiving.partial_folder().is_none();
        if !receiving.in_place && !is_kept_twice {
            let backed_up = self.back_up(tree, target.name);
            backed_up.map_err(|error| Failed::to_back_up(&self.beside.backup_place(target.name), error))?;
        }
        let temporary = self.now(target, &file);
        let Some(output) = file.output else { return Ok(()) };
        let put = output.commit(tree, target.name, &attributes).and_then(|unset| {
            if file.is_over_partial {
                self.beside.place_partial(tree, target.name, &attributes)?;
            }
            Ok(unset)
        });
        let put = put.map_err(|error| Failed::to_rename(temporary.clone(), target.name, error));
        self.tell_unset(&temporary, &put?);
        Ok(())
    }

    /// Where the new file is now.
    fn now(&self, target: Target<'_>, file: &Rebuilding) -> Vec<u8> {
        let temporary = file.output.as_ref().and_then(Output::temporary_name);
        let partial = || {
            self.beside
                .partial_place(target.name)
                .filter(|_| file.is_over_partial)
        };
        match temporary {
            Some(base) => self.beside.begun_place(target.name, base),
            None => partial().unwrap_or_else(|| target.name.to_vec()),
        }
    }

    /// The permissions that the file is to have, given what was there.
    fn permissions(&self, tree: &mut Tree, target: Target<'_>, before: Option<&Status>) -> u32 {
        match before.filter(|before| before.mode & 0o170_000 == 0o100_000) {
            Some(before) => self.keep.old_permissions(target.entry, before),
            None => self.keep.new_permissions(target.entry, tree, target.name),
        }
    }

    /// What the file is to have.
    fn attributes<'l>(
        &mut self,
        tree: &mut Tree,
        target: Target<'l>,
        file: &Rebuilding,
        sets_time: bool,
    ) -> Result<Attributes<'l>, Failed> {
        let permissions = self.permissions(tree, target, file.before.as_ref());
        let mut attributes = self.keep.attributes(target.list, target.entry, permissions);
        let mut places = Vec::new();
        if self.options.xattrs {
            let others = self.beside.bases.iter_mut().flatten();
            let handles = std::iter::once(tree).chain(others);
            places.extend(handles.filter_map(|tree| tree.handle(target.name).ok()));
        }
        let extended = self
            .keep
            .whole_extended(target.list, target.entry, &self.values, &places);
        attributes.extended = extended.map_err(|name| ("failed to set attributes of {}", missing(name)))?;
        if !sets_time {
            (attributes.mtime, attributes.atime) = (None, None);
        }
        Ok(attributes)
    }

    /// Keeps what came of a file when the session ends before its time (`_exit_cleanup` in cleanup.c).
    fn keep_part(&mut self, tree: &mut Tree, target: Target<'_>, file: Rebuilding) {
        if file.is_over_partial {
            return;
        }
        let has_folder = self.options.receiving.partial_folder().is_some();
        let Ok(mut attributes) = self.attributes(tree, target, &file, !has_folder) else {
            return;
        };
        let Some(output) = file.output else { return };
        // The session is lost already: what fails now is not said.
        if has_folder {
            if self.beside.make_partial_folder(tree, target.name).is_ok()
                && let Some((tree, partial)) = self.beside.partial(tree, target.name)
            {
                let _ = output.commit(tree, &partial, &attributes);
            }
        } else {
            // So old that `--update` does not take it for newer.
            attributes.mtime = attributes.mtime.map(|(_, nanoseconds)| (0, nanoseconds));
            let is_kept = self.beside.back_up(tree, target.name, FileKind::Regular);
            if is_kept.is_ok() {
                let _ = output.commit(tree, target.name, &attributes);
            }
        }
    }

    /// Moves the files to their places that waited for the end (`handle_delayed_updates` in receiver.c).
    pub(crate) fn put_delayed(&mut self) -> Result<(), Error> {
        let delayed = std::mem::take(&mut self.delayed);
        for number in delayed {
            let Listed { list, entry, .. } = self.file(number)?;
            let name = self.keep.place(&list, &entry).into_owned();
            let Some(mut there) = self.tree.clone() else {
                return Ok(());
            };
            let mut tree = there.clone();
            let backed_up = self.back_up(&mut there, &name);
            let moved = backed_up.and_then(|()| match self.beside.partial(&mut tree, &name) {
                Some((from, partial)) => from.move_to(&partial, &mut there, &name),
                None => Ok(()),
            });
            match moved {
                Ok(()) => {
                    self.beside.remove_partial(&mut there, &name);
                    self.stored.push(number);
                }
                Err(error) => {
                    self.faults.fail();
                    let place = self.keep.shown_name(&name);
                    let text = format!(
                        "rsync: [receiver] rename failed for {place} (from {}): {}",
                        shown(&self.beside.partial_place(&name).unwrap_or_default()),
                        describe(&error)
                    );
                    self.observer.observe(Event::Failed(&text));
                }
            }
        }
        Ok(())
    }

    /// Keeps what a file is about to take the place of; says what else happened for that, and what was kept where
    /// (`make_backup` in backup.c).
    fn back_up(&mut self, tree: &mut Tree, name: &[u8]) -> io::Result<()> {
        let backed_up = self.beside.back_up(tree, name, FileKind::Regular);
        for aside in self.beside.take_asides() {
            match aside {
                Aside::Removed { name, mode } => {
                    self.observer.observe(Event::Deleted { name: &name, mode });
                }
                Aside::Unset { name, unset } => self.tell_unset(&name, &unset),
            }
        }
        if let Some(text) = backed_up? {
            self.observer.observe(Event::Warning(&text));
        }
        Ok(())
    }
}

fn is_directory(tree: &mut Tree, name: &[u8]) -> bool {
    let now = tree.status(name).ok().flatten();
    now.is_some_and(|now| now.kind() == FileKind::Directory)
}
