use std::io;

use crate::{
    rsync::{
        proto::file_list::{Entry, FileKind},
        transfer::{
            Info,
            aside::Aside,
            beside::{Beside, Place, among_backups, split},
            copied::Source,
            generator::{Failure, Generator},
            keep::Keep,
            links::is_unsafe,
            queue::{Pending, Queue},
            text::shown,
            wire::Faults,
        },
        tree::{Kept, Outside, Status, Tree, Why},
    },
    terms::{UntrustedLink, refusal},
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
        let backed_up = self.beside.back_up(tree, &name, entry.kind());
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
        say_refused(error, self.queue);
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

/// Says why a way through somebody else's symlink was not taken, if that is what failed.
pub(super) fn say_refused(error: &io::Error, queue: &Queue) {
    let refusal = refusal(error).trim_end();
    if !refusal.is_empty() {
        queue.push(Pending::Failed(refusal.into()));
    }
}

/// Says what else happened where the generator made backups.
pub(super) fn say_asides(beside: &mut Beside<'_>, keep: &Keep<'_>, queue: &Queue, faults: &Faults) {
    for aside in beside.take_asides() {
        match aside {
            Aside::Removed { name, mode } => queue.push(Pending::Deleted {
                name: name.into(),
                mode,
            }),
            Aside::Unset { name, unset } => {
                for unset in &*unset {
                    faults.fail();
                    let text = unset.text("generator", &keep.shown_name(&name), &shown(&name));
                    queue.push(Pending::Failed(text.into()));
                }
            }
        }
    }
}

/// Where it is kept.
impl Beside<'_> {
    /// The name that something keeps when something else takes its place, where backups are.
    pub(super) fn backup_of(&self, name: &[u8]) -> Vec<u8> {
        [name, self.options.backup_suffix()].concat()
    }

    /// Where that is, as the user names it.
    pub(crate) fn backup_place(&self, name: &[u8]) -> Vec<u8> {
        among_backups(self.options, &self.backup_of(name))
    }

    /// Whether something is a backup itself, and is not kept once more.
    pub(crate) fn is_backup(&self, name: &[u8]) -> bool {
        let file = name.strip_suffix(self.options.backup_suffix());
        matches!(self.backups, Place::Here) && file.is_some_and(|file| !file.is_empty())
    }

    /// Keeps what something of that kind takes the place of, if backups are made (`make_backup` in backup.c); what is said of
    /// it.
    pub(crate) fn back_up(
        &mut self,
        tree: &mut Tree,
        name: &[u8],
        by: FileKind,
    ) -> io::Result<Option<String>> {
        if !self.options.backs_up {
            return Ok(None);
        }
        let now = tree.status(name)?;
        let is_told = self.options.output.info(Info::Backup) > 0 && now.is_some();
        let why = match now.is_some_and(|now| now.kind() != by) {
            true => Why::Displaced,
            false => Why::Replaced,
        };
        if self.keep(tree, name, why)?.is_none() {
            let is_told = self.options.output.info(Info::Nonreg) > 0;
            return Ok(is_told.then(|| format!("make_bak: skipping non-regular file {}", shown(name))));
        }
        Ok(is_told.then(|| self.kept_text(name)))
    }

    /// What happened where backups were made since this was asked.
    pub(crate) fn take_asides(&mut self) -> Vec<Aside> {
        std::mem::take(&mut self.asides)
    }

    /// Moves something to where backups are, in place of removing it; what is said of it, or what failed.
    pub(crate) fn move_to_backups(
        &mut self,
        tree: &mut Tree,
        name: &[u8],
    ) -> Result<Option<String>, (&'static str, io::Error)> {
        let kept = self.keep(tree, name, Why::Removed);
        let kept = kept.map_err(|error| ("make_backup", error))?;
        if !matches!(kept, Some(Kept::Moved)) {
            match tree.remove(name, false) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(("unlink", error)),
                _ => {}
            }
        }
        let is_told = kept.is_some() && self.options.output.info(Info::Backup) > 0;
        Ok(is_told.then(|| self.kept_text(name)))
    }

    /// What is said of something that is among the backups then.
    pub(super) fn kept_text(&self, name: &[u8]) -> String {
        format!("backed up {} to {}", shown(name), shown(&self.backup_place(name)))
    }

    /// Copies a file that is about to be written over in place, if one is there; what may be said of it.
    pub(crate) fn copy_to_backups(&mut self, tree: &mut Tree, name: &[u8]) -> io::Result<Option<String>> {
        let Some(now) = tree.status(name)? else {
            return Ok(None);
        };
        self.make_way(tree, name)?;
        self.copy(tree, name, &now)?;
        Ok(Some(self.kept_text(name)))
    }

    /// None if it is of a kind that is not kept.
    fn keep(&mut self, tree: &mut Tree, name: &[u8], why: Why) -> io::Result<Option<Kept>> {
        let Some(now) = tree.status(name)? else {
            return Ok(Some(Kept::Linked));
        };
        let is_checked = self.options.safe_links && self.options.links && now.kind() == FileKind::Symlink;
        if is_checked && tree.link(name).map_or(true, |target| is_unsafe(&target, name)) {
            return Ok(Some(Kept::Linked));
        }
        self.make_way(tree, name)?;
        let backup = self.backup_of(name);
        let mut removed = Vec::new();
        let kept = match &mut self.backups {
            Place::There(outside) => {
                let backup = outside.below(&backup);
                tree.back_up(name, Some(outside.tree()), &backup, &now, why, &mut removed)?
            }
            Place::Here | Place::Refused => tree.back_up(name, None, &backup, &now, why, &mut removed)?,
        };
        let place = self.backup_place(name);
        let asides = removed.into_iter().map(|removed| Aside::Removed {
            name: [&*place, b"/", &*removed.name].concat(),
            mode: removed.mode,
        });
        self.asides.extend(asides);
        let is_kept = kept != Kept::Not || self.copy(tree, name, &now)?;
        Ok(is_kept.then_some(kept))
    }

    /// Once a symlink of the destination is gone that led to the backups, or leads elsewhere, they go to the folder in its
    /// place, through no symlink: where the old one led, files of the transfer may be, and where a new one leads the sender
    /// says (rsync follows that, out of the destination too).
    pub(super) fn follow_no_removed_link(&mut self, tree: &Tree) {
        let gone = self.links_to_backups.iter().find(|link| !link.is_there(tree));
        if let Some(gone) = gone {
            self.backups = Place::There(Outside::within(tree, &gone.folder));
            self.links_to_backups.clear();
            self.way.clear();
        }
    }

    /// Whether it is a symlink of the destination that leads to the backups.
    pub(super) fn is_link_to_backups(&self, name: &[u8]) -> bool {
        self.links_to_backups.iter().any(|link| link.name == name)
    }

    /// Makes the folders of a backup, with what those of the file have (`copy_valid_path` in backup.c).
    fn make_way(&mut self, tree: &mut Tree, name: &[u8]) -> io::Result<()> {
        self.follow_no_removed_link(tree);
        let outside = match &mut self.backups {
            Place::Here => return Ok(()),
            Place::There(outside) => outside,
            Place::Refused => return Err(io::Error::other(UntrustedLink)),
        };
        outside.make()?;
        let above = split(name).0;
        if self.way == above {
            return Ok(());
        }
        for end in (0..above.len()).filter(|&at| above[at] == b'/') {
            let folder = &above[..end];
            let backup = outside.below(folder);
            match outside.tree().status(&backup)? {
                Some(status) if status.kind() == FileKind::Directory => continue,
                Some(_) => outside.tree().remove(&backup, false)?,
                None => {}
            }
            match outside.tree().make_directory(&backup, 0o777) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            let (Some(model), Some(made)) = (tree.status(folder)?, outside.tree().status(&backup)?) else {
                continue;
            };
            let source = Source::of(self.options, self.identity, &tree.handle(folder)?, &model)?;
            let mut attributes = source.attributes();
            if !self.options.permissions {
                // What its own folder hands down stays (`set_file_attrs` in rsync.c).
                attributes.permissions = attributes.permissions.map(|mode| mode | made.mode & 0o2000);
            }
            let unset = outside.tree().apply(&backup, &attributes, &made);
            let name = among_backups(self.options, folder);
            self.asides.extend(Aside::of(name, unset));
        }
        self.way = above.to_vec();
        Ok(())
    }

    /// Makes a copy among the backups, unless it is of a kind that is not kept.
    fn copy(&mut self, tree: &mut Tree, name: &[u8], now: &Status) -> io::Result<bool> {
        let (backup, place) = (self.backup_of(name), self.backup_place(name));
        let source = Source::of(self.options, self.identity, &tree.handle(name)?, now)?;
        let attributes = source.attributes();
        let kind = now.kind();
        let content = match kind {
            FileKind::Regular => Some(tree.read(name)?),
            _ => None,
        };
        let link = match kind {
            FileKind::Symlink => tree.link(name)?,
            _ => Vec::new(),
        };
        let (to, backup) = match &mut self.backups {
            Place::There(outside) => {
                let backup = outside.below(&backup);
                (outside.tree(), backup)
            }
            Place::Here | Place::Refused => (tree, backup),
        };
        if let Some(mut content) = content {
            let mut output = to.begin(&backup, now.mode)?;
            output.fill_from(&mut content)?;
            let unset = output.commit(to, &backup, &attributes)?;
            self.asides.extend(Aside::of(place, unset));
            return Ok(true);
        }
        match kind {
            FileKind::Symlink if self.options.links => to.make_symlink(&backup, &link)?,
            FileKind::Device if self.options.devices && self.identity.is_root => {
                let (major, minor) = (
                    nix::sys::stat::major(now.device),
                    nix::sys::stat::minor(now.device),
                );
                let number = (major.try_into().unwrap_or(0), minor.try_into().unwrap_or(0));
                to.make_node(&backup, now.mode, Some(number))?;
            }
            FileKind::Special if self.options.specials => to.make_node(&backup, now.mode, None)?,
            _ => return Ok(false),
        }
        if let Some(made) = to.status(&backup)? {
            let unset = to.apply(&backup, &attributes, &made);
            self.asides.extend(Aside::of(place, unset));
        }
        Ok(true)
    }
}
