use std::{ffi::OsStr, io, os::unix::ffi::OsStrExt as _, path::Path, sync::Arc};

use nix::errno::Errno;

use crate::{
    rsync::{
        filter::{FilterList, Purpose},
        proto::file_list::{Entry, FileKind, FileList, compare},
        transfer::{
            Debug, Error, Info, Options,
            beside::Beside,
            counts::FileCounts,
            keep::Keep,
            names::Names,
            options::DeleteWhen,
            part::Part,
            queue::{Pending, Queue},
            text::{describe, shown},
            wire::Faults,
        },
        tree::{Status, Tree, read_small_trusted},
    },
    terms::refusal,
};

/// Where it is said what was done, and noted what failed.
#[derive(Clone, Copy)]
pub(crate) struct Report<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) faults: &'a Faults,
}

/// Deletes at the destination what the sender does not have (`delete_in_dir` in generator.c, and delete.c).
pub(crate) struct Deleter<'a> {
    pub(super) options: &'a Options,
    pub(super) keep: &'a Keep<'a>,
    pub(super) report: Report<'a>,
    pub(super) tree: Option<Tree>,
    pub(super) beside: Beside<'a>,
    pub(super) filters: FilterList,
    when: DeleteWhen,
    /// What the sender has, as far as it matters now, and its names; none if nothing is deleted.
    present: Option<(Arc<Part>, Names)>,
    protocol: u8,
    /// Before protocol 30 the folders whose content was sent are those below these.
    tops: Vec<Vec<u8>>,
    /// How deep the folders are whose merge files hold.
    depths: Vec<usize>,
    later: Vec<(Vec<u8>, Status)>,
    pub(crate) deleted: FileCounts,
    pub(super) skipped: u64,
    /// How many files were found before the transfer.
    found: u64,
    has_warned: bool,
    /// The file systems of the folders that the command line names, and the one of the last folder, at first of the
    /// destination.
    filesystems: Vec<u64>,
    filesystem: u64,
}

impl<'a> Deleter<'a> {
    pub(crate) fn new(
        keep: &'a Keep<'a>,
        protocol: u8,
        filters: FilterList,
        mut tree: Option<Tree>,
        beside: Beside<'a>,
        report: Report<'a>,
    ) -> Self {
        let options = keep.options;
        let root = match &mut tree {
            Some(tree) if options.one_file_system > 0 => tree.status(b".").ok().flatten(),
            _ => None,
        };
        let filesystem = root.map_or(0, |root| root.filesystem);
        let when = match options.deletion.when {
            _ if keep.single.is_some() || tree.is_none() => DeleteWhen::Never,
            DeleteWhen::Unsaid if protocol < 30 => DeleteWhen::Before,
            DeleteWhen::Unsaid => DeleteWhen::During,
            when => when,
        };
        Self {
            options,
            keep,
            report,
            tree,
            beside,
            filters,
            when,
            present: None,
            protocol,
            tops: Vec::new(),
            depths: Vec::new(),
            later: Vec::new(),
            deleted: FileCounts::default(),
            skipped: 0,
            found: 0,
            has_warned: false,
            filesystems: Vec::new(),
            filesystem,
        }
    }

    /// Whether deletions come after the transfer.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.when, DeleteWhen::Delay | DeleteWhen::After)
    }

    /// Whether the server is told how much was deleted.
    pub(crate) fn tells(&self) -> bool {
        self.options.deletion.when != DeleteWhen::Never || self.options.deletion.force
    }

    /// The folder is there and about to be filled: deletes in it, if that is the time.
    pub(crate) fn during(&mut self, list: &FileList, entry: &Entry, now: &Status) -> Result<(), Error> {
        match self.is_during() {
            true => self.in_folder(list, entry, now),
            false => Ok(()),
        }
    }

    /// Whether folders are looked at when they are about to be filled.
    pub(crate) fn is_during(&self) -> bool {
        matches!(self.when, DeleteWhen::During | DeleteWhen::Delay)
    }

    /// A list is about to be gone through: deletes in all its folders, if that is the time.
    pub(crate) fn before(&mut self, part: &Arc<Part>) -> Result<(), Error> {
        if self.when == DeleteWhen::Never {
            return Ok(());
        }
        if self.protocol < 30 {
            let tops = part
                .files()
                .filter(|(_, entry)| entry.is_top() && !entry.is_implied());
            self.tops = tops.map(|(_, entry)| part.list.name(entry).to_vec()).collect();
        }
        self.present = Some((part.clone(), Names::of(part)));
        if self.when == DeleteWhen::Before {
            self.pass(part)?;
        }
        Ok(())
    }

    /// Deletes what waited for the end of the transfer, and says if something was not deleted.
    pub(crate) fn late(&mut self) -> Result<(), Error> {
        self.leave_folders();
        for (name, status) in std::mem::take(&mut self.later) {
            self.delete(&name, &status)?;
        }
        let present = self.present.as_ref().map(|(part, _)| part.clone());
        if let Some(part) = present.filter(|_| self.when == DeleteWhen::After) {
            self.pass(&part)?;
        }
        Ok(())
    }

    /// Says how much was not deleted for `--max-delete`.
    pub(crate) fn finish(&mut self) {
        if self.skipped > 0 {
            self.report.faults.add_bits(4);
            let text = format!(
                "Deletions stopped due to --max-delete limit ({} skipped)",
                self.skipped
            );
            self.report.queue.push(Pending::Failed(text.into()));
        }
    }

    fn pass(&mut self, part: &Part) -> Result<(), Error> {
        for (_, entry) in part.files().filter(|(_, entry)| entry.is_directory()) {
            if entry.is_top() && self.options.output.debug(Debug::Del) > 0 {
                let text = format!("deleting in {}", shown(part.list.name(entry)));
                self.report.queue.push(Pending::Said(text.into()));
            }
            let Some(tree) = &mut self.tree else { return Ok(()) };
            let name = part.list.name(entry);
            let now = match self.keep.may_be_link(entry) {
                true => tree.status_of_folder(name),
                false => tree.status(name),
            };
            let now = now.ok().flatten();
            if let Some(now) = now.filter(|now| now.kind() == FileKind::Directory) {
                self.in_folder(&part.list, entry, &now)?;
            }
        }
        self.leave_folders();
        if self.options.output.info(Info::Flist) > 1 {
            // It blots out the count.
            let blank = format!("{:20}\r", "");
            self.report.queue.push(Pending::Said(blank.into()));
        }
        Ok(())
    }

    /// Forgets the merge files of all folders: what is deleted behind a pass is judged by the rules of the command line and of
    /// what is deleted (`delete_in_dir` in generator.c, called without a folder).
    fn leave_folders(&mut self) {
        while self.depths.pop().is_some() {
            self.filters.leave();
        }
    }

    /// Whether the sender sent all that it has in a folder.
    fn has_content(&self, list: &FileList, entry: &Entry) -> bool {
        if self.protocol >= 30 {
            return entry.has_content();
        }
        let name = list.name(entry);
        self.tops.iter().any(|top| {
            let below = name
                .strip_prefix(&**top)
                .is_some_and(|rest| rest.starts_with(b"/"));
            name == *top || self.options.recursive && (*top == b"." || below)
        })
    }

    fn in_folder(&mut self, list: &FileList, entry: &Entry, now: &Status) -> Result<(), Error> {
        let name = list.name(entry);
        if !self.has_content(list, entry) {
            return self.enter(name);
        }
        if self.report.faults.bits() & 1 != 0 && !self.options.deletion.ignores_errors {
            if !std::mem::replace(&mut self.has_warned, true) {
                let text = "IO error encountered -- skipping file deletion";
                self.report.queue.push(Pending::Said(text.into()));
            }
            return Ok(());
        }
        self.enter(name)?;
        if self.options.one_file_system > 0 {
            if entry.is_top() {
                self.filesystems.push(now.filesystem);
            } else if self.filesystem != now.filesystem && !self.filesystems.contains(&now.filesystem) {
                return Ok(());
            }
            self.filesystem = now.filesystem;
        }
        let mut found = 0;
        let (absent, _) = self.contents(name, Purpose::Deleting, |deleter, name, status| {
            found += 1;
            !deleter.is_mount(status) && !deleter.is_present(name)
        });
        self.count(found);
        for (name, status) in absent {
            match self.when {
                DeleteWhen::Delay => self.later.push((name, status)),
                _ => self.delete(&name, &status)?,
            }
        }
        Ok(())
    }

    /// Whether the sender has it.
    fn is_present(&self, name: &[u8]) -> bool {
        let present = self.present.as_ref();
        present.is_some_and(|(part, names)| names.contain(&part.list, name))
    }

    /// Tells how many files were found, while rsync does (`get_dirlist` in flist.c).
    fn count(&mut self, found: u64) {
        if !matches!(self.when, DeleteWhen::Before | DeleteWhen::After) {
            return;
        }
        let first = self.found;
        for count in (first..first + found).filter(|count| count.is_multiple_of(100)) {
            self.report.queue.push(Pending::Counted(count));
        }
        if self.options.output.info(Info::Progress) > 0 {
            self.found += found;
        }
    }

    /// Reads the merge files of a folder, and forgets those of the folders that it is not in.
    fn enter(&mut self, name: &[u8]) -> Result<(), Error> {
        let depth = match name {
            b"." => 0,
            name => 1 + name.iter().filter(|&&byte| byte == b'/').count(),
        };
        while self.depths.last().is_some_and(|&last| last >= depth) {
            self.depths.pop();
            self.filters.leave();
        }
        self.depths.push(depth);
        self.push(name)
    }

    pub(super) fn push(&mut self, name: &[u8]) -> Result<(), Error> {
        let (tree, queue) = (&mut self.tree, self.report.queue);
        // Links of the user's own are followed, nobody else's (`parse_filter_file` in exclude.c).
        let told = |read: io::Result<Vec<u8>>| {
            let refusal = read.as_ref().err().map_or("", refusal);
            if !refusal.is_empty() {
                queue.push(Pending::Failed(refusal.trim_end().into()));
            }
            read
        };
        self.filters.enter(name, &mut |path| match tree {
            _ if path.starts_with(b"/") => told(read_small_trusted(Path::new(OsStr::from_bytes(path)))),
            Some(tree) => told(tree.read_small_trusted(path)),
            None => Err(io::ErrorKind::NotFound.into()),
        })?;
        for text in self.filters.take_dropped() {
            queue.push(Pending::Complained(text.into()));
        }
        Ok(())
    }

    /// What a folder holds and no rule protects, of that what is chosen, the last in order first; and whether a rule
    /// protects something.
    pub(super) fn contents(
        &mut self,
        folder: &[u8],
        purpose: Purpose,
        mut chosen: impl FnMut(&Self, &[u8], &Status) -> bool,
    ) -> (Vec<(Vec<u8>, Status)>, bool) {
        let Some(tree) = &mut self.tree else {
            return (Vec::new(), false);
        };
        let (mut open, mut is_protected) = (Vec::new(), false);
        let is_folder = |status: &Status| status.kind() == FileKind::Directory;
        let contents = match tree.contents(folder) {
            // A symlink of the user's own that leads out of the destination stands for the folder (`--keep-dirlinks`): it is
            // seen what is there, and that it cannot be deleted (observed).
            Err(error) if error.raw_os_error() == Some(Errno::ELOOP as i32) => {
                tree.through_own_links().contents(&[folder, b"/."].concat())
            }
            contents => contents,
        };
        let read = contents.and_then(|mut contents| {
            contents.try_for_each(|found| {
                let (base, status) = found?;
                let name = match folder {
                    b"." => base,
                    folder => [folder, b"/", &*base].concat(),
                };
                if self.is_protected(&name, is_folder(&status), purpose) {
                    is_protected = true;
                } else if chosen(self, &name, &status) {
                    open.push((name, status));
                }
                Ok(())
            })
        });
        if let Err(error) = read {
            self.report.faults.add_bits(1);
            let place = self.keep.shown_name(folder);
            self.fail(format!("opendir {place} failed: {}", describe(&error)));
            return (Vec::new(), false);
        }
        open.sort_by(|(left, left_status), (right, right_status)| {
            compare((right, is_folder(right_status)), (left, is_folder(left_status)))
        });
        (open, is_protected)
    }

    /// Another file system stands there, which is to stay.
    pub(super) fn is_mount(&self, status: &Status) -> bool {
        self.options.one_file_system > 0
            && status.kind() == FileKind::Directory
            && status.filesystem != self.filesystem
    }

    /// Deletes something, with all that is in it.
    fn delete(&mut self, name: &[u8], status: &Status) -> Result<(), Error> {
        self.make_writable(name, status);
        self.remove(name, status, true, false).map(drop)
    }

    /// Deletes what the sender says is missing there (`--delete-missing-args`).
    pub(crate) fn missing(&mut self, name: &[u8], now: Option<&Status>) -> Result<(), Error> {
        // Whatever is there, the sender says nothing of a folder.
        if self.is_protected(name, false, Purpose::Deleting) {
            return Ok(());
        }
        let Some(now) = now else { return Ok(()) };
        self.remove(name, now, self.tells(), false).map(drop)
    }

    /// Whether a rule keeps something from being deleted.
    fn is_protected(&self, name: &[u8], is_directory: bool, purpose: Purpose) -> bool {
        if self.options.output.debug(Debug::Filter) > 0
            && let Some(reason) = self.filters.reason(name, is_directory, purpose)
        {
            self.report.queue.push(Pending::Said(shown(&reason).into()));
        }
        self.filters.excludes(name, is_directory, purpose)
    }
}
