use std::{
    collections::{HashMap, HashSet, VecDeque},
    io,
    path::Path,
    sync::Arc,
    time::Instant,
};

use crate::rsync::{
    delta::Checksum,
    filter::FilterList,
    proto::{
        Index, Indices, Session, Tag, Violation,
        file_list::{Entry, Extra, Fields, FileKind, FileList, Id, ListWriter, write_names},
    },
    transfer::{
        Error, Event, ModeChange, Observer, Options,
        asked::{Below, NextName, Rest},
        build::{Builder, Built},
        folders::folders_of,
        ids::{OwnerNames, group_name, user_name},
        options::DeleteWhen,
        part::{Listed, Part, found, position},
        requests::Requests,
        session::{fields, total_size},
        sources::{Origins, Source},
        wire::{Faults, Outgoing},
    },
    tree::Tree,
};

/// Makes the lists of a push and sends them: one, or with incremental recursion one for each folder, as far ahead of what
/// the server asks for as it should be (`send_file_list` and `send_extra_file_list` in flist.c).
pub(crate) struct Announcer<'a> {
    session: Session,
    options: &'a Options,
    faults: &'a Faults,
    requests: &'a Requests,
    observer: &'a dyn Observer,
    is_incremental: bool,
    builder: Builder<'a>,
    fields: Fields,
    writer: ListWriter,
    /// The ids whose names were sent.
    called: HashSet<Id>,
    /// The lists that the server is not done with.
    live: VecDeque<Announced>,
    /// Which of them the last request was for.
    current: usize,
    /// How many files there are in the lists behind that one.
    ahead: usize,
    /// Folders whose lists are to be sent, the next one last.
    waiting: Vec<Waiting>,
    /// How many folders have a number.
    folders: u32,
    /// The number of the next list's first file.
    next: u32,
    /// How many lists were sent.
    lists: u32,
    /// How many files were sent.
    pub(crate) listed: u64,
    /// Their length, in bytes.
    pub(crate) total_size: u64,
    /// How many bytes the lists took.
    pub(crate) size: u64,
    /// How long the first one was made, and how long it was sent, in milliseconds.
    pub(crate) took: (u64, u64),
}

/// A list that was sent.
struct Announced {
    part: Arc<Part>,
    origins: Origins,
    /// The argument that its folder, whose entry stands in another list, is below.
    folder_source: usize,
}

/// A folder, or several of one name below several arguments, which have one list.
struct Waiting {
    number: u32,
    folder: Listed,
    /// The arguments below which it is to be read.
    parts: Vec<Below>,
}

impl<'a> Announcer<'a> {
    pub(crate) fn new(
        session: Session,
        options: &'a Options,
        filters: FilterList,
        faults: &'a Faults,
        requests: &'a Requests,
        observer: &'a dyn Observer,
    ) -> Self {
        let fields = fields(&session, options);
        let is_incremental = session.compatibility.has_incremental_lists();
        Self {
            session,
            options,
            faults,
            requests,
            observer,
            is_incremental,
            builder: Builder::new(session, options, filters, faults, observer),
            fields,
            writer: ListWriter::new(fields),
            called: HashSet::new(),
            live: VecDeque::new(),
            current: 0,
            ahead: 0,
            waiting: Vec::new(),
            folders: 0,
            next: u32::from(is_incremental),
            lists: 0,
            listed: 0,
            total_size: 0,
            size: 0,
            took: (0, 0),
        }
    }

    /// Sends the list of the arguments, which names of a list count from `base`; one that has one file only is followed by another, if there is one, so that the
    /// server knows whether it is a folder with something in it.
    pub(crate) fn first(
        &mut self,
        base: Option<&Path>,
        next: &mut NextName<'_>,
        indices: &mut Indices,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        self.observer.observe(Event::Listing);
        let start = Instant::now();
        let built = self.builder.arguments(base, next, self.is_incremental)?;
        // What takes no time is told as a millisecond.
        self.took.0 = milliseconds(start).max(1);
        let start = Instant::now();
        let errors = self.faults.bits();
        self.send(built, None, errors, outgoing)?;
        self.took.1 = milliseconds(start);
        if !self.is_incremental {
            return outgoing.flush();
        }
        if self.waiting.is_empty() {
            self.complete(indices, outgoing);
        } else if self.listed == 1 {
            self.next_list(indices, outgoing)?;
        }
        outgoing.flush()
    }

    /// Sends lists until so many files are ahead, or all.
    pub(crate) fn reach(
        &mut self,
        ahead: usize,
        indices: &mut Indices,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        while self.ahead < ahead && !self.is_complete() {
            self.next_list(indices, outgoing)?;
        }
        Ok(())
    }

    /// Whether all lists were sent.
    pub(crate) const fn is_complete(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many files were sent behind the list that the last request was for.
    pub(crate) const fn ahead(&self) -> usize {
        self.ahead
    }

    /// How many lists that were sent are behind that one.
    pub(crate) fn lists_ahead(&self) -> usize {
        self.live.len().saturating_sub(self.current + 1)
    }

    /// How many lists were sent, if those are all.
    pub(crate) fn count(&self) -> Option<u32> {
        self.is_complete().then_some(self.lists)
    }

    /// The file of a number, and the argument that it is below.
    ///
    /// # Errors
    ///
    /// A number of no file that was sent, or of one in a list that the server is done with, or of something without data
    /// if `has_data` of it are wanted.
    pub(crate) fn file(&self, number: u32, has_data: bool) -> Result<(Listed, usize), Violation> {
        let (index, file) = found(&self.live, |live| &live.part, number, has_data)?;
        let live = &self.live[index];
        let argument = match number < live.part.start {
            true => live.folder_source,
            false => live.origins.of(file.place),
        };
        Ok((file, argument))
    }

    /// The folder that an argument counts from.
    pub(crate) fn source(&mut self, argument: usize) -> &mut Source {
        self.builder.source(argument)
    }

    /// The tree that a name is in, and the name there.
    ///
    /// # Errors
    ///
    /// What the system says, if the folder must be opened again.
    pub(crate) fn tree<'n>(&mut self, argument: usize, name: &'n [u8]) -> io::Result<(&mut Tree, &'n [u8])> {
        self.builder.tree(argument, name)
    }

    /// The server has come to the list of a file.
    pub(crate) fn advance_to(&mut self, number: u32) {
        let Some(index) = position(&self.live, number, |live| live.part.start) else {
            return;
        };
        let between = |from: usize, to: usize| -> usize {
            self.live.range(from + 1..=to).map(|live| live.part.len()).sum()
        };
        if index > self.current {
            self.ahead -= between(self.current, index);
        } else {
            self.ahead += between(index, self.current);
        }
        self.current = index;
    }

    /// The server says that it is done with a list, or a phase: whether it is the phase, which is over with the last list.
    ///
    /// # Errors
    ///
    /// The only list, while others are still to come.
    pub(crate) fn end(&mut self) -> Result<bool, Violation> {
        if !self.is_incremental || self.live.is_empty() {
            return Ok(true);
        }
        if self.live.len() == 1 && !self.is_complete() {
            return Err(Violation::EarlyEnd);
        }
        self.live.pop_front();
        self.requests.forget();
        if self.current > 0 {
            self.current -= 1;
        } else if let Some(next) = self.live.front() {
            self.ahead -= next.part.len();
        }
        Ok(self.live.is_empty())
    }

    fn next_list(&mut self, indices: &mut Indices, outgoing: &mut Outgoing) -> Result<(), Error> {
        let Some(waiting) = self.waiting.pop() else {
            return Ok(());
        };
        let before = self.faults.bits();
        let name = waiting.folder.name();
        let source = waiting.parts.first().map_or(0, |part| part.source);
        let built = self.builder.folder(name, waiting.parts, self.next)?;
        indices.write(Index::List(waiting.number), outgoing.buffer());
        // Errors are told once.
        let errors = Some(self.faults.bits()).filter(|now| *now != before);
        self.send(
            built,
            Some((waiting.folder, source)),
            errors.unwrap_or(0),
            outgoing,
        )?;
        if self.waiting.is_empty() {
            self.complete(indices, outgoing);
        }
        outgoing.send_list()
    }

    fn complete(&self, indices: &mut Indices, outgoing: &mut Outgoing) {
        indices.write(Index::ListsEnd, outgoing.buffer());
        self.observer.observe(Event::AllListed);
    }

    fn send(
        &mut self,
        built: Built,
        folder: Option<(Listed, usize)>,
        errors: i32,
        outgoing: &mut Outgoing,
    ) -> Result<(), Error> {
        let Built {
            mut list,
            origins,
            rests,
        } = built;
        let options = self.options;
        let is_regular = |entry: &Entry| entry.kind() == FileKind::Regular;
        if options.checksum
            && self.session.list_checksum == Checksum::None
            && list.entries().iter().any(is_regular)
        {
            return Err(Error::NoChecksums);
        }
        if !options.mode_changes.is_empty() {
            list.map_modes(|mode, is_directory| {
                ModeChange::apply_all(&options.mode_changes, mode, is_directory)
            });
        }
        self.listed += list.len() as u64;
        self.total_size += total_size(&list);
        self.observer.observe(Event::Listed {
            list: &list,
            kept: None,
            folder: folder.as_ref().map(|(folder, _)| (&*folder.list, &folder.entry)),
            is_first: self.lists == 0,
            is_incremental: self.is_incremental,
        });
        let start = self.next;
        let next = u64::from(start) + list.len() as u64 + 1;
        let next = u32::try_from(next)
            .ok()
            .filter(|next| i32::try_from(*next).is_ok())
            .ok_or(Violation::LongList(next as i64))?;
        let (folder, source) = folder.unzip();
        let mut part = Part::new(list, start, folder);
        self.note_folders(&mut part, &origins, rests);
        let folder_source = source.unwrap_or_else(|| root_source(&part, &origins));
        let part = Arc::new(part);
        self.requests.announce(part.clone());
        let before = outgoing.written();
        self.write(&part.list, errors, outgoing)?;
        self.size += outgoing.written() - before;
        self.next = next;
        self.ahead += if self.live.is_empty() { 0 } else { part.len() };
        self.live.push_back(Announced {
            part,
            origins,
            folder_source,
        });
        self.lists += 1;
        Ok(())
    }

    fn write(&mut self, list: &FileList, errors: i32, outgoing: &mut Outgoing) -> Result<(), Error> {
        let none = Extra::default();
        let is_named = !self.options.numeric_ids;
        let called = &mut self.called;
        let mut call = |id: Id| {
            let is_new = is_named && called.insert(id);
            let name = is_new.then(|| match id {
                Id::User(uid) => user_name(uid),
                Id::Group(gid) => group_name(gid),
            });
            name.flatten().map(String::into_bytes)
        };
        for (number, entry) in (self.next..).zip(list.entries()) {
            let extra = list.extra(entry).unwrap_or(&none);
            let (name, to) = (list.name(entry), outgoing.buffer());
            self.writer
                .write(name, entry, extra, self.next, number, &mut call, to);
            outgoing.send_if_full()?;
        }
        self.end_list(errors, outgoing)?;
        if is_named && !self.is_incremental {
            let names = OwnerNames::of(list);
            let (user, group) = (user_name(0), group_name(0));
            let of_root = (
                user.as_deref().unwrap_or_default().as_bytes(),
                group.as_deref().unwrap_or_default().as_bytes(),
            );
            let of_root = self.session.compatibility.has_names_of_root().then_some(of_root);
            write_names(
                &self.fields,
                &names.users,
                &names.groups,
                of_root,
                outgoing.buffer(),
            );
        }
        if self.session.protocol < 30 {
            outgoing.buffer().extend_from_slice(&errors.to_le_bytes());
        }
        Ok(())
    }

    fn end_list(&self, errors: i32, outgoing: &mut Outgoing) -> Result<(), Error> {
        let is_told = self.session.protocol >= 31 || self.session.compatibility.has_safe_lists();
        if errors != 0 && self.is_incremental && !is_told {
            // The server may delete in the folder before it hears of the error.
            let deletes = matches!(
                self.options.deletion.when,
                DeleteWhen::Unsaid | DeleteWhen::During | DeleteWhen::Delay
            );
            if deletes && !self.options.deletion.ignores_errors {
                return Err(Error::UnsafeDeletion);
            }
            outgoing.message(Tag::IoError, errors.to_le_bytes())?;
        }
        let is_later = self.lists > 0 && self.is_incremental && is_told;
        if errors != 0 && is_later && self.session.protocol == 30 && !self.options.deletion.ignores_errors {
            // It overtakes the lists that are not sent yet (`send_extra_file_list` in flist.c).
            outgoing.message_ahead(Tag::IoError, errors.to_le_bytes())?;
        }
        self.writer.end(errors, outgoing.buffer());
        Ok(())
    }

    /// The folders of a list are numbered in the order of their names, and their lists are sent in that order, each behind
    /// those of the folders in it.
    fn note_folders(&mut self, part: &mut Part, origins: &Origins, mut rests: HashMap<u32, Vec<Rest>>) {
        if !self.is_incremental {
            return;
        }
        let (folders, _) = folders_of(part);
        if part.folder.is_none() {
            part.folder = part.root(&folders);
        }
        let sources = part.places().map(|(place, _)| place);
        let sources = sources.filter(|place| part.list.entries()[*place as usize].is_directory());
        let mut found: Vec<Waiting> = Vec::new();
        for (place, source) in (0..).zip(sources) {
            let number = self.folders;
            self.folders += 1;
            let folder = Listed::new(&folders, place);
            if matches!(folder.name(), b"." | b"/.") {
                continue;
            }
            let mut below = Below {
                source: origins.of(source),
                is_entered: folder.entry.has_content(),
                rests: rests.remove(&source).unwrap_or_default(),
            };
            match found
                .last_mut()
                .filter(|last| last.folder.name() == folder.name())
            {
                Some(last) => {
                    // What is named twice is read once, but what is named three times twice: so rsync counts, and sends.
                    let is_of_first = last
                        .parts
                        .first()
                        .is_some_and(|first| first.source == below.source);
                    let was_entered = last.parts.last().is_some_and(|before| before.is_entered);
                    below.is_entered &= !(is_of_first && was_entered);
                    last.parts.push(below);
                }
                None => found.push(Waiting {
                    number,
                    folder,
                    parts: vec![below],
                }),
            }
        }
        self.waiting.extend(found.into_iter().rev());
    }
}

/// The argument that the root of the transfer is.
fn root_source(part: &Part, origins: &Origins) -> usize {
    let is_root = |place: &u32| {
        let entry = &part.list.entries()[*place as usize];
        matches!(part.list.name(entry), b"." | b"/.")
    };
    let place = part.places().map(|(place, _)| place).find(is_root);
    place.map_or(0, |place| origins.of(place))
}

fn milliseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}
