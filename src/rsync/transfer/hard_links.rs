//! Files that are one file with several names: the first one that is right is what the others are linked to (`hlink.c`).

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use crate::rsync::{
    proto::{
        ItemFlags,
        file_list::{Entry, FileKind, FileList},
    },
    transfer::{
        Error,
        generator::{Failure, Generator},
        part::Part,
        queue::Pending,
        text::shown,
    },
    tree::Status,
};

/// The groups of the lists that have come, by the number that their files have in common.
#[derive(Debug, Default)]
pub(crate) struct HardLinks(HashMap<u32, Group>);

/// The files that are one, those that wait for the first one to be right among them.
#[derive(Debug)]
struct Group {
    state: State,
    /// The last one that takes part: it is transferred if no other is there.
    last: u32,
    /// Those in front of the one that is asked for.
    before: Vec<u32>,
    /// Those behind it.
    after: Vec<u32>,
    /// Those that could not be dealt with: they are tried once more when another one is right.
    failed: Vec<u32>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum State {
    /// None is right.
    Open,
    /// One was asked for.
    Asked,
    /// This one is right, or would be; in a dry run it may be in another folder.
    Right { name: Vec<u8>, other: Option<u8> },
}

/// When a file is linked to another one.
#[derive(Clone, Copy)]
enum Turn {
    /// When it is looked at; with what other folders have of it.
    Now(Option<Status>),
    /// When another one is right that comes behind it: rsync has removed what was no file when it looked at this one.
    Cleared,
    /// When what it waited for is right: whatever stood there till then is compared with it.
    Later,
}

impl HardLinks {
    /// Adds the files of a list (`match_hard_links` in hlink.c). In the only one a file alone is no group; with incremental
    /// lists there may be more of it in one that comes later.
    pub(crate) fn add(&mut self, part: &Part, is_only: bool) {
        let mut counts: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for (number, entry) in part.files() {
            if let Some(leader) = part.list.extra(entry).and_then(|extra| extra.leader) {
                let (count, last) = counts.entry(leader).or_default();
                (*count, *last) = (*count + 1, number);
            }
        }
        let groups = counts.into_iter();
        for (leader, (_, last)) in groups.filter(|(_, (count, _))| !is_only || *count > 1) {
            let group = self.0.entry(leader).or_insert_with(|| Group {
                state: State::Open,
                last,
                before: Vec::new(),
                after: Vec::new(),
                failed: Vec::new(),
            });
            group.last = last;
        }
    }
}

impl Generator<'_> {
    fn group(&mut self, entry: &Entry) -> Option<&mut Group> {
        let leader = self.list.extra(entry)?.leader?;
        self.hard_links.0.get_mut(&leader)
    }

    /// Whether a file is linked to one that is right, or waits for one that was asked for (`hard_link_check` in hlink.c).
    pub(super) fn is_linked(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<&Status>,
    ) -> Result<Result<bool, Failure>, Error> {
        let Some(group) = self.group(entry) else {
            return Ok(Ok(false));
        };
        match group.state.clone() {
            State::Open => Ok(Ok(false)),
            State::Asked => {
                group.after.push(number);
                self.lists.asked(number);
                Ok(Ok(true))
            }
            State::Right { name, other } => {
                let like = match now {
                    Some(_) => None,
                    None => self.like_of_link(entry, &name, other),
                };
                let linked = self.link_to(number, entry, now.copied(), Turn::Now(like), (&name, other))?;
                Ok(linked.map(|()| true))
            }
        }
    }

    /// Whether a file that must be transferred can wait for another one of its group, which may be there.
    pub(super) fn waits(&mut self, number: u32, entry: &Entry) -> bool {
        match self.group(entry) {
            Some(group) if group.last != number => {
                group.before.push(number);
                self.lists.asked(number);
                true
            }
            _ => false,
        }
    }

    /// A file was asked for: what is behind it in its group waits.
    pub(super) fn is_asked(&mut self, entry: &Entry) {
        if let Some(group) = self.group(entry) {
            group.state = State::Asked;
        }
    }

    /// A file takes no part (`handle_skipped_hlink` in generator.c): if it was the last one, another one of its group is
    /// transferred. Something else that stands there stays until then, so with `--existing` that one takes part: rsync
    /// 3.5.0 says so with `-n`, but without it has removed what stood there, misses it when its turn comes again, and makes
    /// nothing (observed).
    pub(super) fn skip(&mut self, number: u32, entry: &Entry) -> Result<(), Error> {
        let Some(group) = self.group(entry) else {
            return Ok(());
        };
        if number != group.last || group.state != State::Open {
            return Ok(());
        }
        match group.before.pop() {
            Some(last) => self.take_its_turn(last),
            None => Ok(()),
        }
    }

    /// A file that waited is the one that is transferred, unless it is there.
    fn take_its_turn(&mut self, number: u32) -> Result<(), Error> {
        if let Some(file) = self.lists.file(number) {
            self.in_list(&file.list, |generator| {
                if let Some(group) = generator.group(&file.entry) {
                    group.last = number;
                }
                generator.consider_or_fail(number, &file.entry)
            })?;
        }
        self.lists.settled(number);
        Ok(())
    }

    /// Does something with a file of another list.
    fn in_list<T>(&mut self, list: &Arc<FileList>, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.list, list.clone());
        let done = act(self);
        self.list = before;
        done
    }

    /// A file is right: those that wait for it are linked to it (`finish_hard_link` in hlink.c).
    pub(super) fn finish_links(&mut self, entry: &Entry, other: Option<u8>) -> Result<(), Error> {
        let is_done = |group: &mut Group| matches!(group.state, State::Right { .. });
        if self.group(entry).is_none_or(is_done) {
            return Ok(());
        }
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        // One that is right in another folder only is nothing to link to.
        if !self.options.dry_run && self.target(&name, other).is_none() {
            return Ok(());
        }
        let Some(group) = self.group(entry) else {
            return Ok(());
        };
        group.state = State::Right {
            name: name.to_vec(),
            other,
        };
        let after = std::mem::take(&mut group.after).into_iter();
        let failed = std::mem::take(&mut group.failed);
        let mut before = [std::mem::take(&mut group.before), failed.clone()].concat();
        before.sort_unstable();
        let cleared = match self.options.dry_run {
            true => Turn::Later,
            false => Turn::Cleared,
        };
        let after = after.map(|number| (number, Turn::Later));
        for (number, turn) in after.chain(before.into_iter().rev().map(|number| (number, cleared))) {
            if let Some(file) = self.lists.file(number) {
                let linked = self.in_list(&file.list, |generator| {
                    let now = generator.status(&file.entry).ok().flatten();
                    generator.link_to(number, &file.entry, now, turn, (&name, other))
                });
                if let Err(failure) = linked? {
                    self.fail(failure);
                }
            }
            if !failed.contains(&number) {
                self.lists.settled(number);
            }
        }
        Ok(())
    }

    /// A file could not be dealt with, and takes no part for now.
    pub(super) fn skip_failed(&mut self, number: u32, entry: &Entry) -> Result<(), Error> {
        if let Some(group) = self.group(entry).filter(|group| !group.failed.contains(&number)) {
            group.failed.push(number);
        }
        self.skip(number, entry)
    }

    /// The file of a number is stored.
    pub(super) fn finish_links_of(&mut self, number: u32) -> Result<(), Error> {
        match self.lists.file(number) {
            Some(file) if self.options.hard_links => {
                self.in_list(&file.list, |generator| generator.finish_links(&file.entry, None))
            }
            _ => Ok(()),
        }
    }

    /// The file of a number was asked for and will not come: of those that wait for it the last one is asked for in its
    /// place (`handle_skipped_hlink` in generator.c), as long as anything can be asked for. What does not come then is told: a
    /// name that vanished is no reason for others that are there to be missing.
    pub(super) fn replace_in_group(&mut self, number: u32) -> Result<(), Error> {
        let Some(file) = self.lists.file(number) else {
            return Ok(());
        };
        let waiting = self.in_list(&file.list, |generator| {
            let group = generator.group(&file.entry)?;
            if group.state == State::Asked {
                group.state = State::Open;
            }
            group.after.pop().or_else(|| group.before.pop())
        });
        match waiting {
            Some(waiting) if !self.has_asked_last => self.take_its_turn(waiting),
            Some(waiting) => {
                if let Some(file) = self.lists.file(waiting) {
                    let place = self.keep.shown(&file.list, &file.entry);
                    let says = "its other names did not come, and it can no longer be asked for";
                    self.fail(Failure(format!("rsync: [generator] {place} is left out: {says}")));
                }
                self.replace_in_group(number)
            }
            None => Ok(()),
        }
    }

    /// What other folders have of a file that is to be linked: it is reported as if it were there. With `--link-dest` only the
    /// file itself counts.
    fn like_of_link(&mut self, entry: &Entry, name: &[u8], other: Option<u8>) -> Option<Status> {
        let target = self.target(name, other);
        let is_link = self
            .options
            .receiving
            .bases
            .first()
            .is_some_and(|(kind, _)| *kind == "--link-dest");
        if is_link {
            let list = self.list.clone();
            let place = self.keep.place(&list, entry);
            for number in 0..self.beside.bases.len() {
                self.say_refused(number);
            }
            let mut there = self.beside.bases.iter_mut().flatten();
            return there.find_map(|tree| {
                let status = tree.status(&place).ok().flatten()?;
                is_same(&status, target.as_ref()).then_some(status)
            });
        }
        if entry.kind() != FileKind::Regular {
            return None;
        }
        self.content_of_others(entry)
    }

    /// What is to be linked to.
    fn target(&mut self, name: &[u8], other: Option<u8>) -> Option<Status> {
        let other = other.filter(|_| self.options.dry_run);
        let tree = match other {
            Some(other) => self.beside.bases.get_mut(usize::from(other))?.as_mut(),
            None => self.tree.as_mut(),
        };
        tree?.status(name).ok().flatten()
    }

    /// Gives a file of the group its name (`maybe_hard_link` in hlink.c).
    fn link_to(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<Status>,
        turn: Turn,
        (name, other): (&[u8], Option<u8>),
    ) -> Result<Result<(), Failure>, Error> {
        let target = self.target(name, other);
        if let Some(now) = now.filter(|now| is_same(now, target.as_ref())) {
            let flags = self.difference(entry, &now, false) | ItemFlags::LOCAL_CHANGE;
            self.report(number, flags, Some(Vec::new()));
            self.stored.push(number);
            return Ok(Ok(()));
        }
        if let Err(failure) = self.make_way(entry, now)? {
            return Ok(Err(failure));
        }
        let replaced = now.filter(|now| now.kind() != FileKind::Directory);
        let list = self.list.clone();
        let place = self.keep.place(&list, entry);
        if let Some(tree) = self.tree.as_mut().filter(|_| !self.options.dry_run) {
            let backed_up = match replaced {
                Some(_) => self.beside.back_up(tree, &place, entry.kind()),
                None => Ok(None),
            };
            match backed_up {
                Ok(Some(text)) => self.queue.push(Pending::Said(text.into())),
                Ok(None) => {}
                Err(error) => return Ok(Err(self.not_backed_up(entry, &error))),
            }
            if let Err(error) = tree.link_over(name, &place) {
                let says = format!("link {{}} => {} failed", shown(name));
                return Ok(Err(self.failure(&says, entry, &error)));
            }
            self.say_asides();
        }
        let is_of_others = self.options.receiving.bases.first();
        let is_silent = matches!(turn, Turn::Now(Some(_)))
            && is_of_others.is_some_and(|(kind, _)| *kind == "--link-dest")
            && !self.options.report_unchanged;
        if !is_silent {
            let is_like = |now: &Status| now.kind() == entry.kind() || entry.kind() != FileKind::Regular;
            let before = match turn {
                Turn::Now(like) => now.or(like),
                Turn::Cleared => replaced.filter(is_like),
                Turn::Later => now,
            };
            let flags = match before {
                Some(before) => self.difference(entry, &before, true),
                None => ItemFlags::NEW,
            };
            self.report(number, flags | ItemFlags::LOCAL_CHANGE, Some(name.to_vec()));
        }
        self.stored.push(number);
        Ok(Ok(()))
    }
}

fn is_same(status: &Status, target: Option<&Status>) -> bool {
    let place = |status: &Status| (status.filesystem, status.inode);
    target.is_some_and(|target| place(target) == place(status))
}
