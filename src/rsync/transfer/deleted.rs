use std::io;

use crate::rsync::{
    filter::Purpose,
    proto::file_list::FileKind,
    transfer::{
        Error, Info,
        backups::{say_asides, say_refused},
        delete::Deleter,
        queue::Pending,
        text::{describe, shown},
    },
    tree::Status,
};

/// What came of deleting something.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Removal {
    Done,
    NotEmpty,
    AtLimit,
    Failed,
}

/// The deletion of what was found, and of what is in the way (`delete.c`).
impl Deleter<'_> {
    /// Removes what is in the way of something of another kind; whether it is gone.
    pub(crate) fn make_room(&mut self, name: &[u8], now: &Status) -> Result<bool, Error> {
        if self.tells() {
            self.make_writable(name, now);
        }
        Ok(self.remove(name, now, self.tells(), true)? == Removal::Done)
    }

    pub(super) fn make_writable(&mut self, name: &[u8], status: &Status) {
        let is_needed = status.kind() == FileKind::Directory && status.mode & 0o200 == 0;
        if let Some(tree) = &mut self.tree
            && is_needed
            && !self.keep.identity.is_root
            && !self.options.dry_run
        {
            // If that fails, what follows says why.
            let _ = tree.make_writable(name, status);
        }
    }

    pub(super) fn remove(
        &mut self,
        name: &[u8],
        status: &Status,
        is_recursive: bool,
        makes_room: bool,
    ) -> Result<Removal, Error> {
        if status.kind() == FileKind::Directory {
            let emptied = self.empty(name, is_recursive)?;
            if emptied != Removal::Done {
                return Ok(emptied);
            }
        }
        Ok(self.remove_one(name, status, makes_room))
    }

    /// Removes what is in a folder, or sees whether something is (`delete_dir_contents` in delete.c).
    fn empty(&mut self, folder: &[u8], is_recursive: bool) -> Result<Removal, Error> {
        self.push(folder)?;
        let (contents, is_protected) = self.contents(folder, Purpose::DeletingInside, |_, _, _| true);
        let mut removal = match is_protected || !is_recursive && !contents.is_empty() {
            true => Removal::NotEmpty,
            false => Removal::Done,
        };
        for (name, status) in contents.into_iter().filter(|_| is_recursive) {
            if self.is_mount(&status) {
                removal = Removal::NotEmpty;
                continue;
            }
            self.make_writable(&name, &status);
            if status.kind() == FileKind::Directory && self.empty(&name, true)? != Removal::Done {
                removal = Removal::NotEmpty;
            }
            if self.remove_one(&name, &status, false) != Removal::Done {
                removal = Removal::NotEmpty;
            }
        }
        self.filters.leave();
        if removal == Removal::NotEmpty {
            self.say_not_empty(folder);
        }
        Ok(removal)
    }

    fn say_not_empty(&self, folder: &[u8]) {
        let text = format!("cannot delete non-empty directory: {}", shown(folder));
        self.report.queue.push(Pending::Said(text.into()));
    }

    /// Removes a file, or a folder that should be empty (`delete_item` in delete.c).
    fn remove_one(&mut self, name: &[u8], status: &Status, makes_room: bool) -> Removal {
        let is_directory = status.kind() == FileKind::Directory;
        let most = self.options.deletion.most;
        if !makes_room && most.is_some_and(|most| self.deleted.total() >= most) {
            self.skipped += 1;
            return Removal::AtLimit;
        }
        let is_kept = self.options.backs_up && !is_directory && !self.beside.is_backup(name);
        let what = if is_directory { "rmdir" } else { "unlink" };
        let mut lost = None;
        let result = match &mut self.tree {
            Some(tree) if !self.options.dry_run => match is_kept {
                true => match self.beside.move_to_backups(tree, name) {
                    // While it is there, no backup can be made: rsync 3.5.0 does without one of it (observed).
                    Err((_, error)) if self.beside.is_link_to_backups(name) => {
                        lost = tree.link(name).ok().map(|target| (target, error));
                        tree.remove(name, false)
                            .map(|()| None)
                            .map_err(|error| (what, error))
                    }
                    moved => moved,
                },
                false => tree
                    .remove(name, is_directory)
                    .map(|()| None)
                    .map_err(|error| (what, error)),
            },
            // A dry run tells of what it would keep.
            _ => {
                let is_told = is_kept && self.options.output.info(Info::Backup) > 0;
                Ok(is_told.then(|| self.beside.kept_text(name)))
            }
        };
        say_asides(&mut self.beside, self.keep, self.report.queue, self.report.faults);
        if let Some((target, error)) = lost {
            let backup = self.keep.shown_name(&self.beside.backup_place(name));
            say_refused(&error, self.report.queue);
            self.fail(format!(
                "link {backup} -> \"{}\": {}",
                shown(&target),
                describe(&error)
            ));
        }
        match result {
            Ok(said) => {
                if let Some(text) = said {
                    self.report.queue.push(Pending::Said(text.into()));
                }
                if !makes_room {
                    self.deleted.count(status.kind());
                    self.report.queue.push(Pending::Deleted {
                        name: name.into(),
                        mode: status.mode,
                    });
                }
                Removal::Done
            }
            Err((_, error)) if is_directory && error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                self.say_not_empty(name);
                Removal::NotEmpty
            }
            Err((_, error)) if error.kind() == io::ErrorKind::NotFound => Removal::Done,
            Err((what, error)) => {
                say_refused(&error, self.report.queue);
                let text = format!(
                    "delete_file: {what}({}) failed: {}",
                    shown(name),
                    describe(&error)
                );
                self.fail(text);
                Removal::Failed
            }
        }
    }

    pub(super) fn fail(&self, text: String) {
        self.report.faults.fail();
        self.report.queue.push(Pending::Failed(text.into()));
    }
}
