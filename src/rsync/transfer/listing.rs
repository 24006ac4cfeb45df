use std::{os::unix::ffi::OsStrExt as _, path::Path};

use crate::rsync::{
    filter::{Asking, FilterList, Purpose, Requested},
    proto::{
        Index, Indices, Session, Stop, Tag, Violation,
        file_list::{Entry, Fields, FileList, Item, ListReader, NameReader, Named},
    },
    transfer::{
        Debug, Error, Event, FilesFrom, ModeChange, Observer, Options,
        ids::LocalIds,
        links::MUNGED,
        lists::Lists,
        owners::Owners,
        part::Listed,
        prune::prune,
        session::{fields, total_size},
        text::shown,
        wire::{Faults, Incoming},
    },
};

/// Receives the sender's lists (`recv_file_list` in flist.c).
pub(crate) struct Listing<'a> {
    session: Session,
    options: &'a Options,
    lists: &'a Lists,
    faults: &'a Faults,
    observer: &'a dyn Observer,
    fields: Fields,
    reader: ListReader,
    gate: Gate,
    /// Lists come while files do: rsync's generator reads them then, and says more.
    is_underway: bool,
    ids: LocalIds,
    /// How many files came.
    pub(crate) listed: u64,
    /// Their length, in bytes.
    pub(crate) total_size: u64,
    /// How many bytes the lists took on the wire.
    pub(crate) size: u64,
}

impl<'a> Listing<'a> {
    /// Nothing has come; these paths, or those of the list, were asked for, with these rules.
    ///
    /// # Errors
    ///
    /// A map of owners that makes no sense.
    pub(crate) fn new(
        session: Session,
        options: &'a Options,
        paths: &[Vec<u8>],
        filters: FilterList,
        lists: &'a Lists,
        faults: &'a Faults,
        observer: &'a dyn Observer,
    ) -> Result<Self, Error> {
        let fields = fields(&session, options);
        let (owners, unknown) = Owners::new(options)?;
        for text in unknown {
            observer.observe(Event::Message(Tag::Warning, text.as_bytes()));
        }
        let mut ids = LocalIds::new(owners);
        if !session.compatibility.has_names_of_root() {
            // Its name is not sent.
            let name: &[u8] = if options.numeric_ids { b"" } else { b"root" };
            ids.learn(&Named::User(0, name));
            ids.learn(&Named::Group(0, name));
        }
        Ok(Self {
            session,
            options,
            lists,
            faults,
            observer,
            fields,
            reader: ListReader::new(fields),
            gate: Gate {
                requested: requested(paths, options),
                filters,
                is_open: options.trust_sender,
            },
            is_underway: false,
            ids,
            listed: 0,
            total_size: 0,
            size: 0,
        })
    }

    /// Rules for whole paths count from here on below this folder, which the client is in (`change_dir` in util1.c).
    pub(crate) fn count_from(&mut self, folder: &Path) {
        self.gate.filters.set_root(folder.as_os_str().as_bytes());
    }

    /// Receives what is known before the destination is chosen: the list of the arguments, and one more if it has one file
    /// only, which may be a folder that is empty or not.
    pub(crate) fn receive_first(
        &mut self,
        incoming: &mut Incoming<'_>,
        indices: &mut Indices,
    ) -> Result<(), Error> {
        self.receive(None, incoming)?;
        if self.lists.is_incremental() && self.listed == 1 {
            self.receive_second(incoming, indices)?;
        }
        self.is_underway = true;
        Ok(())
    }

    fn receive_second(&mut self, incoming: &mut Incoming<'_>, indices: &mut Indices) -> Result<(), Error> {
        let before = *indices;
        let index = incoming.decode(|input| {
            *indices = before;
            indices.read(input)
        })?;
        let known = self.lists.folders();
        match index {
            Index::List(folder) if (folder as usize) < known => self.receive(Some(folder), incoming),
            Index::ListsEnd => {
                self.complete();
                Ok(())
            }
            index => Err(Violation::FolderIndex {
                index: index.value(),
                known,
                is_second: true,
            }
            .into()),
        }
    }

    /// The protocol of the session.
    pub(crate) const fn protocol(&self) -> u8 {
        self.session.protocol
    }

    /// There are no more lists.
    pub(crate) fn complete(&self) {
        self.lists.complete();
        self.observer.observe(Event::AllListed);
    }

    /// Receives the list of a folder, or the first one.
    pub(crate) fn receive(&mut self, folder: Option<u32>, incoming: &mut Incoming<'_>) -> Result<(), Error> {
        let folder = folder.map(|number| self.lists.begin(number)).transpose()?;
        if folder.is_none() {
            self.observer.observe(Event::Listing);
        }
        let before = incoming.position();
        let (mut list, errors) = self.read(folder.as_ref(), incoming)?;
        self.size += incoming.position() - before;
        list.map_ids(|uid| self.ids.user(uid), |gid| self.ids.group(gid));
        let options = self.options;
        if !options.mode_changes.is_empty() {
            list.map_modes(|mode, is_directory| {
                ModeChange::apply_all(&options.mode_changes, mode, is_directory)
            });
        }
        if options.munge_links {
            list.prefix_links(MUNGED);
        }
        self.listed += list.len() as u64;
        self.total_size += total_size(&list);
        let is_first = folder.is_none();
        if is_first {
            // It may be empty, and not be gone through.
            self.faults.add_bits(errors);
        }
        let mut twice = Vec::new();
        let part = self.lists.push(list, folder, |part| {
            part.errors = errors;
            if options.output.debug(Debug::Dup) > 0 {
                let names = part.left_out();
                twice.extend(names.map(|(number, entry)| (number, shown(part.list.name(entry)))));
            }
            if options.prune_empty_directories {
                prune(part, &self.gate.filters);
            }
        })?;
        let kept = options.prune_empty_directories.then(|| {
            let places = part.places().filter(|(_, takes_part)| *takes_part);
            places.map(|(place, _)| place).collect::<Vec<_>>()
        });
        self.observer.observe(Event::Listed {
            list: &part.list,
            kept: kept.as_deref(),
            folder: part.folder.as_ref().map(|folder| (&*folder.list, &folder.entry)),
            is_first,
            is_incremental: self.lists.is_incremental(),
        });
        for (number, name) in twice {
            let text = format!("removing duplicate name {name} from file list ({number})");
            self.observer.observe(Event::Warning(&text));
        }
        Ok(())
    }

    /// A list, and the bits of the errors that the sender met.
    fn read(
        &mut self,
        folder: Option<&Listed>,
        incoming: &mut Incoming<'_>,
    ) -> Result<(FileList, i32), Error> {
        let start = self.lists.next_number();
        let place = folder.map(Listed::name);
        let mut list = FileList::default();
        let mut errors = loop {
            match incoming.decode(|input| self.reader.read(start, input, &mut list))? {
                Item::File => {
                    let entry = list.entries().last().expect("it was appended");
                    if self.lists.is_incremental() {
                        is_in(list.name(entry), place)?;
                    }
                    if self.is_underway && self.options.output.debug(Debug::Filter) > 0 {
                        self.say_reason(&list, entry);
                    }
                    self.gate.check(&list, entry)?;
                    if self.is_more_than_asked(&list, entry)
                        && let Some(entry) = list.last_mut()
                    {
                        entry.set_implied();
                    }
                    if list.len().is_multiple_of(100) {
                        self.observer.observe(Event::Counted(list.len() as u64));
                    }
                    for name in self.reader.take_names() {
                        self.ids.learn(&name.named());
                    }
                }
                Item::End(errors) => break errors,
            }
        };
        if !self.options.numeric_ids && !self.lists.is_incremental() {
            self.read_names(incoming)?;
        }
        if self.session.protocol < 30 {
            errors |= incoming.decode(|input| input.int())?;
        }
        Ok((list, errors))
    }

    fn say_reason(&self, list: &FileList, entry: &Entry) {
        let (name, is_directory) = (list.name(entry), entry.is_directory());
        if let Some(reason) = self.gate.reason(name, is_directory) {
            self.observer.observe(Event::Warning(&shown(&reason)));
        }
    }

    /// Whether the sender says of a folder on the way to what was asked for that all in it belongs to the transfer, so that
    /// something else in it would be deleted.
    fn is_more_than_asked(&self, list: &FileList, entry: &Entry) -> bool {
        let says_so = self.session.protocol >= 30 || entry.is_top();
        let name = list.name(entry);
        entry.is_directory()
            && says_so
            && !self.options.trust_sender
            && self.gate.requested.is_only_on_the_way(name)
    }

    /// The names of ids, behind a list that is the only one.
    fn read_names(&mut self, incoming: &mut Incoming<'_>) -> Result<(), Error> {
        let mut reader = NameReader::new(&self.fields, self.session.compatibility.has_names_of_root());
        let mut is_end = false;
        while !is_end {
            let before = reader.clone();
            incoming.decode(|input| {
                reader = before.clone();
                match reader.next(input)? {
                    Some(named) => self.ids.learn(&named),
                    None => is_end = true,
                }
                Ok::<_, Stop>(())
            })?;
        }
        Ok(())
    }
}

/// What a sender may send.
fn requested(paths: &[Vec<u8>], options: &Options) -> Requested {
    let mut requested = Requested::new(Asking {
        is_recursive: options.recursive,
        has_folders: options.directories,
        is_relative: options.relative,
    });
    match &options.files_from {
        None => {
            for path in paths {
                // In front there is the module.
                let start = path.iter().position(|&byte| byte == b'/');
                requested.ask(start.map_or(b"", |slash| &path[slash + 1..]));
            }
        }
        Some(FilesFrom::Here(_)) => {
            let names = options.names_for_server().unwrap_or_default();
            let names = names.split(|&byte| byte == 0);
            names
                .filter(|name| !name.is_empty())
                .for_each(|name| requested.ask(name));
        }
        // Only the server knows.
        Some(FilesFrom::There(_)) => {}
    }
    requested
}

/// Looks whether a file is in the folder whose list it came with, or in the root.
fn is_in(name: &[u8], folder: Option<&[u8]>) -> Result<(), Violation> {
    // With `--relative` one may stand in front.
    let name = name.strip_prefix(b"/").unwrap_or(name);
    let (above, base) = match name.iter().rposition(|&byte| byte == b'/') {
        Some(slash) => (Some(&name[..slash]), &name[slash + 1..]),
        None => (None, name),
    };
    if above == folder {
        return Ok(());
    }
    let path = [above.unwrap_or_default(), b"/", base].concat();
    Err(Violation::ListPath(shown(&path)))
}

/// Lets in what was asked for (`recv_file_entry` in flist.c).
struct Gate {
    requested: Requested,
    filters: FilterList,
    is_open: bool,
}

impl Gate {
    /// What is said of the rule for something that came.
    fn reason(&self, name: &[u8], is_directory: bool) -> Option<Vec<u8>> {
        match self.is_open || self.filters.has_folder_rules() {
            true => None,
            false => self.filters.reason(name, is_directory, Purpose::Sent),
        }
    }

    /// Looks at a file that came.
    fn check(&self, list: &FileList, entry: &Entry) -> Result<(), Violation> {
        if self.is_open {
            return Ok(());
        }
        let (name, is_directory) = (list.name(entry), entry.is_directory());
        if matches!(name, b"." | b"/.") {
            return Ok(());
        }
        let is_excluded = || self.filters.excludes(name, is_directory, Purpose::Sent);
        if !self.filters.has_folder_rules() && is_excluded() {
            return Err(Violation::ExcludedName(shown(name)));
        }
        if !self.requested.contains(name, is_directory) {
            return Err(Violation::UnrequestedName(shown(name)));
        }
        Ok(())
    }
}
