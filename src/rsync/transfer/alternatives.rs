use std::io;

use crate::{
    rsync::{
        proto::{
            ItemFlags,
            file_list::{Entry, FileKind},
        },
        transfer::{
            Info,
            basis::Basis,
            extended::{Difference, long_value_of},
            generator::{Failure, Generator},
            queue::Pending,
            text::shown,
        },
        tree::Status,
    },
    terms::refusal,
};

/// What is done with the files of other folders (`--compare-dest`, `--copy-dest`, `--link-dest`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Use {
    Compare,
    Copy,
    Link,
}

/// What other folders have of a file.
pub(super) enum Alternative {
    /// Nothing, or nothing of use.
    None,
    /// All: nothing is left to do; the number of the folder that it is linked to.
    Done(Option<u8>),
    /// The same is there, and nothing is made.
    Skipped,
    /// It is as there, which was reported, and must be made all the same.
    Told,
    /// The like of it is there.
    Like(Basis, Status),
}

/// How much something is like what is wanted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, PartialOrd)]
enum Likeness {
    Kind,
    Content,
    All,
}

/// Something in another folder.
struct Candidate {
    number: u8,
    status: Status,
    likeness: Likeness,
}

impl Generator<'_> {
    /// What is done with the files of other folders; `None` without such a folder.
    fn use_of_others(&self) -> Option<Use> {
        Some(match self.options.receiving.bases.first()?.0 {
            "--compare-dest" => Use::Compare,
            "--copy-dest" => Use::Copy,
            _ => Use::Link,
        })
    }

    /// Looks for a regular file in the other folders (`try_dests_reg` in generator.c). If one is at the destination already,
    /// only one that is the same in all is of use. Something else that is in the way goes once one is found that takes its
    /// place.
    pub(super) fn other_file(
        &mut self,
        number: u32,
        entry: &Entry,
        now: Option<&Status>,
        in_the_way: Option<&Status>,
    ) -> Result<Alternative, Failure> {
        let Some(kind) = self.use_of_others() else {
            return Ok(Alternative::None);
        };
        if now.is_some() && kind == Use::Copy {
            return Ok(Alternative::None);
        }
        let Some(found) = self.best(entry) else {
            return Ok(Alternative::None);
        };
        let name = self.keep.place(&self.list, entry).into_owned();
        if found.likeness != Likeness::Kind {
            self.clear(entry, &name, in_the_way)?;
        }
        if found.likeness == Likeness::All && kind != Use::Copy {
            if let Some(now) = now {
                let is_itself = (now.filesystem, now.inode) == (found.status.filesystem, found.status.inode);
                if kind == Use::Link && is_itself {
                    return Ok(Alternative::None);
                }
                if let Some(tree) = self.tree.as_mut().filter(|_| !self.options.dry_run)
                    && tree.remove(&name, false).is_err()
                {
                    return Ok(Alternative::None);
                }
            }
            if kind == Use::Compare {
                let flags = self.difference(entry, &found.status, false);
                self.report(number, flags, None);
                self.say_same(&name, "");
                return Ok(Alternative::Skipped);
            }
            if self.link(found.number, &name) {
                if let (Some(_), false) = (self.keep.atime(&self.list, entry), self.options.dry_run) {
                    self.set(entry, &found.status);
                }
                if self.options.report_unchanged {
                    let flags = self.difference(entry, &found.status, false) | ItemFlags::LOCAL_CHANGE;
                    self.report(number, flags, Some(Vec::new()));
                }
                self.say_same(&name, "");
                return Ok(Alternative::Done(Some(found.number)));
            }
        } else if now.is_some() {
            return Ok(Alternative::None);
        }
        if found.likeness == Likeness::Kind {
            return Ok(Alternative::Like(Basis::Elsewhere(found.number), found.status));
        }
        if !self.copy(&found, entry, &name, in_the_way)? {
            return Ok(Alternative::None);
        }
        let other = self.extended_like(entry, &Basis::Elsewhere(found.number), &found.status);
        let flags = self.difference(entry, &found.status, true) | ItemFlags::LOCAL_CHANGE;
        self.tell(number, entry, flags | other.flags, &other);
        if found.likeness == Likeness::All {
            self.say_same(&name, "");
        }
        Ok(Alternative::Done(None))
    }

    /// Removes what is in the way of a file.
    fn clear(&mut self, entry: &Entry, name: &[u8], in_the_way: Option<&Status>) -> Result<(), Failure> {
        self.back_up(entry, in_the_way.copied())?;
        let is_there = in_the_way.is_some() && !self.options.dry_run;
        if let Some(tree) = self.tree.as_mut().filter(|_| is_there) {
            // A backup may have taken it away; what cannot be removed keeps the file from its place, which is told then.
            let _ = tree.remove(name, false);
        }
        Ok(())
    }

    /// Says that another folder has the same, where nothing is itemized.
    fn say_same(&self, name: &[u8], slash: &str) {
        if self.options.output.info(Info::Name) > 1 && !self.options.itemize {
            let text = format!("{}{slash} is uptodate", shown(name));
            self.queue.push(Pending::Noted(text.into()));
        }
    }

    /// Looks for something else than a regular file, which is not at the destination (`try_dests_non` in generator.c).
    pub(super) fn other_thing(&mut self, number: u32, entry: &Entry) -> Result<Alternative, Failure> {
        let Some(kind) = self.use_of_others() else {
            return Ok(Alternative::None);
        };
        let Some(found) = self.best(entry) else {
            return Ok(Alternative::None);
        };
        let is_folder = entry.is_directory();
        if is_folder {
            self.take_values(entry, found.number);
        }
        if found.likeness != Likeness::All {
            return Ok(Alternative::Like(Basis::Elsewhere(found.number), found.status));
        }
        let name = self.keep.place(&self.list, entry).into_owned();
        let is_linked = kind == Use::Link && !is_folder && self.link(found.number, &name);
        if self.options.report_unchanged {
            let mut flags = self.difference(entry, &found.status, false);
            if kind != Use::Compare || is_folder {
                flags |= ItemFlags::LOCAL_CHANGE;
            }
            self.report(number, flags, is_linked.then(Vec::new));
        }
        self.say_same(&name, if is_folder { "/" } else { "" });
        Ok(match kind {
            _ if is_folder => Alternative::Told,
            Use::Compare => Alternative::Skipped,
            Use::Link if is_linked => Alternative::Done(None),
            _ => Alternative::Told,
        })
    }

    /// Keeps the long values of a folder that another one has alike, as nobody asks for them.
    fn take_values(&mut self, entry: &Entry, number: u8) {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let (Some(set), Some(tree)) = (list.xattr_set(entry), &mut self.beside.bases[usize::from(number)])
        else {
            return;
        };
        // What cannot be read is told when it is missed.
        let Ok(there) = tree.handle(&name) else { return };
        for (name, attribute) in self.keep.kept(&list, entry) {
            if let Some(value) = long_value_of(&name, attribute, &there) {
                self.values.insert((set, attribute.number), value);
            }
        }
    }

    /// What the other folders have with the content of a file, and with all else if there is one.
    pub(super) fn content_of_others(&mut self, entry: &Entry) -> Option<Status> {
        let found = self.best(entry)?;
        (found.likeness != Likeness::Kind).then_some(found.status)
    }

    /// The first one that is the same in all, or else the first of the best.
    fn best(&mut self, entry: &Entry) -> Option<Candidate> {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let mut best: Option<Candidate> = None;
        for number in 0..self.beside.bases.len() {
            self.say_refused(number);
            let Some(tree) = &mut self.beside.bases[number] else {
                continue;
            };
            let status = match tree.status(&name) {
                Ok(Some(status)) => status,
                Ok(None) => continue,
                Err(error) => {
                    // A symlink of somebody else's stands in the way.
                    if !refusal(&error).is_empty() {
                        self.queue
                            .push(Pending::Failed(refusal(&error).trim_end().into()));
                    }
                    continue;
                }
            };
            if status.kind() != entry.kind() {
                continue;
            }
            let likeness = match self.is_like(entry, &status, number) {
                false => Likeness::Kind,
                true if self.has_attributes(entry, &status, number) => Likeness::All,
                true => Likeness::Content,
            };
            if best.as_ref().is_none_or(|best| best.likeness < likeness) {
                best = Some(Candidate {
                    number: u8::try_from(number).expect("at most twenty"),
                    status,
                    likeness,
                });
            }
            if likeness == Likeness::All {
                break;
            }
        }
        best
    }

    /// Says that nothing is looked for in another folder that a symlink of somebody else's leads to.
    pub(super) fn say_refused(&self, number: usize) {
        if let Some(text) = self.beside.refusal(number) {
            self.queue.push(Pending::Failed(text.into()));
        }
    }

    /// Whether something in another folder has what is wanted (`quick_check_ok` in generator.c).
    fn is_like(&mut self, entry: &Entry, status: &Status, number: usize) -> bool {
        let list = self.list.clone();
        let name = self.keep.place(&list, entry);
        let extra = list.extra(entry);
        match entry.kind() {
            FileKind::Regular | FileKind::Missing => {
                let content = self.beside.bases[number]
                    .as_mut()
                    .and_then(|tree| tree.read(&name).ok());
                self.has_content(entry, status, || {
                    content.ok_or_else(|| io::ErrorKind::NotFound.into())
                })
            }
            FileKind::Directory => true,
            FileKind::Symlink => {
                let there = self.beside.bases[number]
                    .as_mut()
                    .and_then(|tree| tree.link(&name).ok());
                let wanted = extra.and_then(|extra| extra.link.as_deref());
                there.as_deref() == wanted
            }
            FileKind::Device | FileKind::Special => self.is_same_node(entry, status),
        }
    }

    /// Whether something in another folder is kept as the sender's is (`unchanged_attrs` in generator.c).
    fn has_attributes(&mut self, entry: &Entry, status: &Status, number: usize) -> bool {
        const OTHERS: u16 = ItemFlags::PERMISSIONS | ItemFlags::OWNER | ItemFlags::GROUP;
        let is_link = entry.kind() == FileKind::Symlink;
        let has_time = self.options.times && !(is_link && self.options.omit_link_times);
        if has_time && !self.keep.is_same_time(entry, status) {
            return false;
        }
        if ItemFlags(self.difference(entry, status, false)).has(OTHERS) {
            return false;
        }
        self.difference_there(entry, status, number).flags == 0
    }

    /// How ACLs and extended attributes of something in another folder are other than at the sender.
    fn difference_there(&mut self, entry: &Entry, status: &Status, number: usize) -> Difference {
        let is_compared = self.options.acls || self.options.xattrs;
        let (true, Some(tree)) = (is_compared, &mut self.beside.bases[number]) else {
            return Difference::default();
        };
        let there = tree.handle(&self.keep.place(&self.list, entry));
        self.compared(entry, Some((there, status.mode)))
    }

    /// How ACLs and extended attributes of something that is not there are other than at the sender: what another folder has
    /// is taken from there.
    pub(super) fn extended_like(&mut self, entry: &Entry, basis: &Basis, status: &Status) -> Difference {
        match basis {
            Basis::Elsewhere(number) => self.difference_there(entry, status, usize::from(*number)),
            _ => self.extended(entry, None),
        }
    }

    /// Gives something of another folder a second name at the destination; `false` if that cannot be.
    fn link(&mut self, number: u8, name: &[u8]) -> bool {
        let (Some(tree), Some(from)) = (&mut self.tree, &mut self.beside.bases[usize::from(number)]) else {
            return self.options.dry_run;
        };
        self.options.dry_run || from.link_to(name, tree, name).is_ok()
    }

    /// Copies a file of another folder (`copy_altdest_file` in generator.c); `false` if that fails.
    fn copy(
        &mut self,
        found: &Candidate,
        entry: &Entry,
        name: &[u8],
        in_the_way: Option<&Status>,
    ) -> Result<bool, Failure> {
        if self.options.dry_run {
            return Ok(true);
        }
        let Some(tree) = &mut self.tree else {
            return Ok(false);
        };
        let permissions = self.keep.inherited_permissions(entry, in_the_way, tree, name);
        let mut attributes = self.keep.attributes(&self.list, entry, permissions);
        let from = self.beside.bases[usize::from(found.number)].as_mut();
        let there = from.and_then(|from| from.handle(name).ok());
        attributes.extended = self.keep.extended_like(&self.list, entry, there.as_ref());
        let basis = Basis::Elsewhere(found.number);
        let copied = self.beside.read(tree, name, &basis).and_then(|(mut file, _)| {
            let mut output = match self.options.receiving.in_place {
                true => tree.begin_over(name)?,
                false => self.beside.begin(tree, name, permissions)?,
            };
            output.fill_from(&mut file)?;
            output.commit(tree, name, &attributes)
        });
        match copied {
            Ok(unset) => {
                self.say_unset(entry, &unset);
                Ok(true)
            }
            Err(error) => {
                self.fail(self.failure("copy_file {} failed", entry, &error));
                Ok(false)
            }
        }
    }
}
