use std::{
    collections::{HashMap, HashSet},
    io,
};

use nix::sys::stat::{major, minor};

use crate::{
    rsync::{
        filter::{FilterList, Purpose},
        proto::{
            Session,
            file_list::{Entry, Extra, FileKind, FileList, MAX_PATH},
        },
        transfer::{
            Debug, Error, Event, Info, Observer, Options,
            asked::{Rest, Way},
            gather::Gatherer,
            links::{MUNGED, is_unsafe},
            sources::{Origins, Source, Sources},
            text::{describe, shown},
            wire::Faults,
        },
        tree::{Status, Tree, read_small_trusted},
    },
    terms::refusal,
};

/// A list, and below which arguments its files are.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) list: FileList,
    pub(crate) origins: Origins,
    /// What arguments name in folders of the list, which is sent with what these hold.
    pub(crate) rests: HashMap<u32, Vec<Rest>>,
}

/// Makes the lists of files (`send_file_list` in flist.c).
pub(crate) struct Builder<'a> {
    pub(super) session: Session,
    pub(super) options: &'a Options,
    pub(super) faults: &'a Faults,
    pub(super) observer: &'a dyn Observer,
    /// What was found for the list that is being made.
    pub(super) built: Built,
    /// The number of the first file of that list.
    pub(super) start: u32,
    pub(super) sources: Sources,
    /// The one that files are found below now.
    pub(super) current: usize,
    /// The file system of what is gone through.
    pub(super) filesystem: u64,
    pub(super) way: Way,
    pub(super) filters: FilterList,
    /// How deep the folders are whose merge files hold.
    depths: Vec<usize>,
    /// So many of those are of folders on the way to what is gone through, and hold until that is done.
    entered: usize,
    /// The merge files that are not read, of which that has been said.
    refused: HashSet<Vec<u8>>,
    /// The first name of what has several, by file system and number.
    leaders: HashMap<(u64, u64), u32>,
    gatherer: Gatherer,
}

/// Bits of the errors that a sender tells.
pub(crate) const ERROR: i32 = 1;
pub(crate) const VANISHED: i32 = 2;

impl<'a> Builder<'a> {
    pub(crate) fn new(
        session: Session,
        options: &'a Options,
        filters: FilterList,
        faults: &'a Faults,
        observer: &'a dyn Observer,
    ) -> Self {
        Self {
            session,
            options,
            faults,
            observer,
            built: Built::default(),
            start: 0,
            sources: Sources::new(options),
            current: 0,
            filesystem: 0,
            way: Way::default(),
            filters,
            depths: Vec::new(),
            entered: 0,
            refused: HashSet::new(),
            leaders: HashMap::new(),
            gatherer: Gatherer::default(),
        }
    }

    /// The folder that an argument counts from.
    pub(crate) fn source(&mut self, number: usize) -> &mut Source {
        self.sources.get(number)
    }

    /// The tree that a name is in, and the name there.
    ///
    /// # Errors
    ///
    /// What the system says, if the folder must be opened again.
    pub(crate) fn tree<'n>(&mut self, number: usize, name: &'n [u8]) -> io::Result<(&mut Tree, &'n [u8])> {
        self.sources.tree(number, name)
    }

    /// The same of what is gone through now.
    pub(super) fn here<'n>(&mut self, name: &'n [u8]) -> io::Result<(&mut Tree, &'n [u8])> {
        self.sources.tree(self.current, name)
    }

    pub(super) fn shown(&mut self, name: &[u8]) -> String {
        self.sources.get(self.current).shown(name)
    }

    /// Goes on below another argument, where the merge files of other folders hold. With a single argument, those of the
    /// folders above hold until that is done (`send_extra_file_list` in flist.c).
    pub(super) fn change_to(&mut self, source: usize, name: &[u8]) -> Result<(), Error> {
        if self.current == source && self.has_entered() {
            return Ok(());
        }
        self.current = source;
        let source = self.sources.get(source);
        let is_content = source.is_content;
        self.filters.set_root(&source.root());
        self.start_anew();
        if is_content {
            self.enter(b".")?;
        }
        let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for (slash, _) in slashes.filter(|(slash, _)| *slash > 0) {
            self.enter(&name[..slash])?;
        }
        Ok(())
    }

    /// No folder's merge files hold any more.
    pub(super) fn start_anew(&mut self) {
        self.leave_to(0);
        self.filters.look_above();
    }

    pub(super) fn fail(&self, bits: i32, text: &str) {
        self.faults.add_bits(bits);
        self.observer
            .observe(Event::Failed(&format!("rsync: [sender] {text}")));
    }

    /// Where the next file of the list comes from.
    pub(super) fn note(&mut self) {
        let place = self.built.list.len() as u32;
        self.built.origins.note(place, self.current);
    }

    /// Everything below a folder of the list; without recursion only what is in it. The merge files that hold before hold
    /// in it, and afterwards, also those of the folder itself that a name in it has had read (`send_if_directory` in
    /// flist.c).
    pub(super) fn walk(&mut self, place: u32) -> Result<(), Error> {
        self.entered = self.depths.len();
        let mut folders = vec![place];
        while let Some(place) = folders.pop() {
            let list = &self.built.list;
            let name = list.name(&list.entries()[place as usize]).to_vec();
            // The first of them is the next.
            folders.extend(self.level(&name)?.into_iter().rev());
        }
        self.leave_to(0);
        self.entered = 0;
        Ok(())
    }

    /// What is in a folder; the places of the folders there that are entered.
    pub(super) fn level(&mut self, name: &[u8]) -> Result<Vec<u32>, Error> {
        self.enter(name)?;
        let entries = self.here(name).and_then(|(tree, name)| tree.entries(name));
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                let place = self.shown(name);
                let text = format!("opendir \"{place}\" failed: {}", describe(&error));
                self.fail(ERROR, &text);
                return Ok(Vec::new());
            }
        };
        let mut folders = Vec::new();
        for entry in entries {
            match entry {
                Ok(found) => folders.extend(self.found(join(name, &found.name), found.status, false)),
                Err(error) => {
                    let place = self.shown(name);
                    let text = format!("readdir(\"{place}\"): {}", describe(&error));
                    self.fail(ERROR, &text);
                }
            }
        }
        Ok(folders)
    }

    /// Appends what a folder holds, if it takes part; its place, if it is entered.
    pub(super) fn found(&mut self, name: Vec<u8>, status: io::Result<Status>, is_top: bool) -> Option<u32> {
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                if !self.may_be_excluded(&name) {
                    self.vanished(&name, &error);
                }
                return None;
            }
        };
        let status = self.resolve(&name, status)?;
        let is_directory = status.kind() == FileKind::Directory;
        if self.is_excluded(&name, is_directory) {
            return None;
        }
        let is_mount = is_directory
            && !is_top
            && self.options.one_file_system > 0
            && status.filesystem != self.filesystem;
        if is_mount && self.options.one_file_system > 1 {
            if self.options.output.info(Info::Mount) > 0 {
                let text = format!("[sender] skipping mount-point dir {}", shown(&name));
                self.observer.observe(Event::Warning(&text));
            }
            return None;
        }
        let is_entered = is_directory && self.options.recursive && !is_mount;
        self.add(name, &status, is_top && is_entered, is_entered)
            .filter(|_| is_entered)
    }

    /// Whether something takes no part, be it a folder or not.
    fn may_be_excluded(&self, name: &[u8]) -> bool {
        self.is_excluded(name, false) || self.is_excluded(name, true)
    }

    /// Whether a rule hides something.
    pub(super) fn is_excluded(&self, name: &[u8], is_directory: bool) -> bool {
        if self.options.output.debug(Debug::Filter) > 0
            && let Some(reason) = self.filters.reason(name, is_directory, Purpose::Sending)
        {
            self.observer.observe(Event::Warning(&shown(&reason)));
        }
        self.filters.excludes(name, is_directory, Purpose::Sending)
    }

    /// What takes the place of a symlink that is to be followed (`link_stat` in flist.c).
    pub(super) fn resolve(&mut self, name: &[u8], status: Status) -> Option<Status> {
        let options = self.options;
        if status.kind() != FileKind::Symlink || !options.follows_links() {
            return Some(status);
        }
        let led = self
            .here(name)
            .and_then(|(tree, name)| tree.followed_status(name));
        let link = self.link(name);
        let is_followed = options.copy_links
            || options.copy_unsafe_links && link.as_ref().is_ok_and(|link| is_unsafe(link, name));
        if is_followed && !options.copy_links && options.output.info(Info::Symsafe) > 0 {
            let link = link.unwrap_or_default();
            let text = format!(
                "copying unsafe symlink \"{}\" -> \"{}\"",
                shown(name),
                shown(&link)
            );
            self.observer.observe(Event::Warning(&text));
        }
        match led {
            Ok(led) if is_followed => Some(led),
            Ok(led) if options.copy_directory_links && led.kind() == FileKind::Directory => Some(led),
            // A link that leads nowhere is no reason to complain where it takes no part.
            Err(_) if is_followed && self.may_be_excluded(name) => None,
            Err(error) if is_followed && error.kind() != io::ErrorKind::NotFound => {
                self.vanished(name, &error);
                None
            }
            Err(_) if is_followed => {
                let place = self.shown(name);
                self.faults.add_bits(ERROR);
                let text = format!("symlink has no referent: \"{place}\"");
                self.observer.observe(Event::Failed(&text));
                None
            }
            _ => Some(status),
        }
    }

    /// Where a symlink leads.
    fn link(&mut self, name: &[u8]) -> io::Result<Vec<u8>> {
        self.here(name).and_then(|(tree, name)| tree.link(name))
    }

    /// Where it leads without what `--munge-links` has put in front, which is not sent (`readlink_stat` in flist.c).
    fn without_munging(&self, link: Vec<u8>) -> Vec<u8> {
        match link.strip_prefix(MUNGED) {
            Some(rest) if self.options.munge_links && !rest.is_empty() => rest.to_vec(),
            _ => link,
        }
    }

    /// Whether merge files of a folder hold.
    const fn has_entered(&self) -> bool {
        !self.depths.is_empty()
    }

    /// Reads the merge files of a folder, and forgets those of the folders that it is not in.
    pub(super) fn enter(&mut self, name: &[u8]) -> Result<(), Error> {
        let depth = depth(name);
        self.leave_to(depth);
        self.depths.push(depth);
        let source = self.sources.get(self.current);
        let (observer, refused) = (self.observer, &mut self.refused);
        self.filters.enter(name, &mut |path| {
            // Links of the user's own are followed, nobody else's (`parse_filter_file` in exclude.c).
            let read = read_small_trusted(&source.whole(path));
            let refusal = read.as_ref().err().map_or("", refusal);
            if !refusal.is_empty() && refused.insert(path.to_vec()) {
                observer.observe(Event::Failed(refusal.trim_end()));
            }
            read
        })?;
        for text in self.filters.take_dropped() {
            observer.observe(Event::Complained(&text));
        }
        Ok(())
    }

    fn leave_to(&mut self, depth: usize) {
        while self.depths.len() > self.entered && self.depths.last().is_some_and(|&last| last >= depth) {
            self.depths.pop();
            self.filters.leave();
        }
    }

    pub(super) fn vanished(&mut self, name: &[u8], error: &io::Error) {
        let place = self.shown(name);
        if error.kind() == io::ErrorKind::NotFound {
            self.faults.add_bits(VANISHED);
            let text = format!("file has vanished: \"{place}\"");
            self.observer.observe(Event::Failed(&text));
        } else {
            self.fail(
                ERROR,
                &format!("readlink_stat(\"{place}\") failed: {}", describe(error)),
            );
        }
    }

    /// Appends a file (`make_file` in flist.c); its place, unless it cannot be sent.
    pub(super) fn add(
        &mut self,
        name: Vec<u8>,
        status: &Status,
        is_top: bool,
        has_content: bool,
    ) -> Option<u32> {
        let status = &self.as_file(&name, *status);
        let kind = status.kind();
        if name.len() > MAX_PATH {
            let excess = name.len() - MAX_PATH;
            let text = format!("filename overflows max-path len by {excess}: {}", shown(&name));
            self.faults.add_bits(ERROR);
            self.observer.observe(Event::Failed(&text));
            return None;
        }
        let mut extra = Extra::default();
        if kind == FileKind::Symlink && self.options.links {
            match self.link(&name) {
                Ok(link) => extra.link = Some(self.without_munging(link).into()),
                Err(error) => {
                    self.vanished(&name, &error);
                    return None;
                }
            }
        }
        if kind == FileKind::Device && self.options.devices {
            let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
            extra.device = Some((number(major(status.device)), number(minor(status.device))));
        }
        if kind == FileKind::Regular && self.options.checksum {
            // One that cannot be read is listed all the same, or it would be deleted at the other side; that it cannot be sent is
            // told then (`file_checksum` in checksum.c).
            let digest = self.digest(&name);
            let digest =
                digest.unwrap_or_else(|_| vec![0; self.session.list_checksum.listed().finish().len()]);
            extra.checksum = Some(digest.into());
        }
        extra.atime = (self.options.atimes > 0 && kind != FileKind::Directory).then_some(status.atime);
        if self.options.acls || self.options.xattrs {
            let place = self.shown(&name);
            let gathered = match self.sources.tree(self.current, &name) {
                Ok(there) => {
                    let rules = &self.filters;
                    self.gatherer
                        .gather(self.options, there, &place, status, rules, &mut extra)
                }
                Err(error) => Err(format!("open \"{place}\" failed: {}", describe(&error))),
            };
            if let Err(text) = gathered {
                self.fail(ERROR, &text);
                return None;
            }
        }
        let place = u32::try_from(self.built.list.len()).ok()?;
        if self.options.hard_links && kind != FileKind::Directory && status.links > 1 {
            let inode = (status.filesystem, status.inode);
            extra.leader = Some(*self.leaders.entry(inode).or_insert(self.start + place));
        }
        // rsync counts before it appends.
        if self.built.list.len().is_multiple_of(100) {
            self.observer
                .observe(Event::Counted(self.built.list.len() as u64));
        }
        let mut entry = Entry::default();
        (entry.mode, entry.uid, entry.gid) = (status.mode, status.uid, status.gid);
        (entry.mtime, entry.nanoseconds) = (status.mtime, status.nanoseconds);
        entry.size = match kind {
            FileKind::Regular | FileKind::Symlink | FileKind::Directory => status.size,
            _ => 0,
        };
        entry.set_folder(is_top, has_content);
        self.note();
        if !self.built.list.push(&name, entry, extra) {
            self.fail(ERROR, "the file list holds no more names");
            return None;
        }
        Some(place)
    }
}

/// The name of something in a folder.
pub(super) fn join(folder: &[u8], base: &[u8]) -> Vec<u8> {
    match folder {
        b"." => base.to_vec(),
        b"/." => [b"/", base].concat(),
        folder => [folder, b"/", base].concat(),
    }
}

/// How deep a folder is.
fn depth(name: &[u8]) -> usize {
    match name {
        b"." | b"/." => 1,
        name => 2 + name.iter().skip(1).filter(|&&byte| byte == b'/').count(),
    }
}
