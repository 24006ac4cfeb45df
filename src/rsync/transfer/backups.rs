use std::io;

use crate::{
    rsync::{
        proto::file_list::{Entry, FileKind},
        transfer::{
            aside::Aside,
            beside::Beside,
            generator::{Failure, Generator},
            keep::Keep,
            queue::{Pending, Queue},
            text::shown,
            wire::Faults,
        },
        tree::Status,
    },
    terms::refusal,
};

/// What is kept of what is replaced without the sender (`backup.c`).
impl Generator<'_> {
    /// Keeps what something else is about to take the place of.
    pub(super) fn back_up(&mut self, entry: &Entry, now: Option<Status>) -> Result<(), Failure> {
        let name = self.keep.place(&self.list, entry);
        let is_there = now.is_some_and(|now| now.kind() != FileKind::Directory);
        let Some(tree) = self.tree.as_mut().filter(|_| is_there && !self.options.dry_run) else {
            return Ok(());
        };
        let backed_up = self.beside.back_up(tree, &name);
        self.say_asides();
        match backed_up {
            Ok(said) => {
                if let Some(text) = said {
                    self.queue.push(Pending::Said(text.into()));
                }
                Ok(())
            }
            Err(error) => Err(self.not_backed_up(entry, &error)),
        }
    }

    /// Says what else happened where backups were made.
    pub(super) fn say_asides(&mut self) {
        say_asides(&mut self.beside, self.keep, self.queue, self.faults);
    }

    /// What is said of something that cannot be kept (`make_backup_inner` in backup.c). Unlike there it stays, so that nothing
    /// is lost: of a symlink, a device or a special file rsync 3.5.0 takes the backup for made though making it failed, and
    /// puts the new one in its place (observed). Where somebody else's symlink leads to the backups, that is told once a file;
    /// rsync tells it of each system call that it tries (observed).
    pub(super) fn not_backed_up(&mut self, entry: &Entry, error: &io::Error) -> Failure {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let backup = self.beside.backup_place(&name);
        let backup_shown = self.keep.shown_name(&backup);
        let refusal = refusal(error).trim_end();
        if !refusal.is_empty() {
            self.queue.push(Pending::Failed(refusal.into()));
        }
        let now = self.status(entry).ok().flatten();
        let link = self.tree.as_mut().and_then(|tree| tree.link(&name).ok());
        let tried = match (now.map(|now| now.kind()), link) {
            (Some(FileKind::Symlink), Some(link)) => format!("link {backup_shown} -> \"{}\"", shown(&link)),
            (Some(FileKind::Device | FileKind::Special), _) => format!("mknod {backup_shown} failed"),
            _ => format!("keep_backup failed: {{}} -> \"{}\"", shown(&backup)),
        };
        self.failure(&tried, entry, error)
    }
}

/// Says what else happened where the generator made backups.
pub(super) fn say_asides(beside: &mut Beside<'_>, keep: &Keep<'_>, queue: &Queue, faults: &Faults) {
    for aside in beside.take_asides() {
        queue.push(match aside {
            Aside::Removed { name, mode } => Pending::Deleted {
                name: name.into(),
                mode,
            },
            Aside::Unset { name, says } => {
                faults.fail();
                let says = says.replacen("{}", &keep.shown_name(&name), 1);
                Pending::Failed(format!("rsync: [generator] {says}").into())
            }
        });
    }
}
