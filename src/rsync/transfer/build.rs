use std::{
    collections::HashMap,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::stat::{major, minor},
};

use crate::rsync::{
    filter::{FilterList, Side, Verdict},
    proto::{
        Session,
        file_list::{Entry, Extra, FileKind, FileList, MAX_PATH},
    },
    transfer::{
        Error, Event, Info, Observer, Options,
        gather::Gatherer,
        links::is_unsafe,
        sources::{Origins, Source, whole},
        text::{describe, shown},
        wire::Faults,
    },
    tree::{Status, Tree},
};

/// A list, and below which arguments its files are.
#[derive(Default)]
pub(crate) struct Built {
    pub(crate) list: FileList,
    pub(crate) origins: Origins,
}

/// Makes the lists of files (`send_file_list` in flist.c).
pub(crate) struct Builder<'a> {
    pub(super) session: Session,
    pub(super) options: &'a Options,
    faults: &'a Faults,
    observer: &'a dyn Observer,
    /// What was found for the list that is being made.
    built: Built,
    /// The number of the first file of that list.
    start: u32,
    sources: Vec<Source>,
    /// The one that files are found below now.
    current: usize,
    filters: FilterList,
    /// How deep the folders are whose merge files hold.
    depths: Vec<usize>,
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
            sources: Vec::new(),
            current: 0,
            filters,
            depths: Vec::new(),
            leaders: HashMap::new(),
            gatherer: Gatherer::default(),
        }
    }

    /// Everything that the arguments name, with what is below it; or only what is there if such an argument is the content
    /// of a folder, for a first list whose files are numbered from 1 on.
    ///
    /// # Errors
    ///
    /// What is no rule in a merge file.
    pub(crate) fn arguments(&mut self, paths: &[PathBuf], is_incremental: bool) -> Result<Built, Error> {
        self.start = u32::from(is_incremental);
        for path in paths {
            self.argument(path, is_incremental)?;
            self.leave_to(0);
        }
        Ok(std::mem::take(&mut self.built))
    }

    /// What is in a folder that has the same name below several arguments, for a list whose files are numbered from `start`
    /// on.
    ///
    /// # Errors
    ///
    /// What is no rule in a merge file.
    pub(crate) fn folder(&mut self, name: &[u8], arguments: &[usize], start: u32) -> Result<Built, Error> {
        self.start = start;
        for &argument in arguments {
            self.change_to(argument, name)?;
            self.level(name)?;
        }
        Ok(std::mem::take(&mut self.built))
    }

    /// The folder that an argument counts from.
    pub(crate) fn argument_folder(&mut self, argument: usize) -> &mut Source {
        &mut self.sources[argument]
    }

    /// Goes on below another argument, where the merge files of other folders hold.
    fn change_to(&mut self, argument: usize, name: &[u8]) -> Result<(), Error> {
        if self.current == argument && !self.depths.is_empty() {
            return Ok(());
        }
        self.current = argument;
        self.leave_to(0);
        let source = &self.sources[argument];
        let root = whole(&source.path);
        self.filters.set_root(root.strip_suffix(b"/").unwrap_or(&root));
        if source.is_content {
            self.enter(b".")?;
        }
        let slashes = name.iter().enumerate().filter(|(_, byte)| **byte == b'/');
        for (slash, _) in slashes {
            self.enter(&name[..slash])?;
        }
        Ok(())
    }

    fn fail(&self, bits: i32, text: &str) {
        self.faults.add_bits(bits);
        self.observer
            .observe(Event::Failed(&format!("rsync: [sender] {text}")));
    }

    fn argument(&mut self, path: &Path, is_incremental: bool) -> Result<(), Error> {
        let (folder, name) = split(path);
        let mut tree = match Tree::open(folder) {
            Ok(tree) => tree,
            Err(error) => {
                let place = absolute(folder);
                self.fail(
                    ERROR,
                    &format!("change_dir \"{place}\" failed: {}", describe(&error)),
                );
                return Ok(());
            }
        };
        let options = self.options;
        if options.copy_links || options.copy_unsafe_links || options.copy_directory_links {
            tree.follow_links();
        }
        if options.open_noatime {
            tree.keep_access_times();
        }
        if options.copy_devices {
            tree.read_devices();
        }
        let mut source = Source::new(tree, folder);
        source.is_content = name == b".";
        let root = whole(folder);
        self.filters.set_root(root.strip_suffix(b"/").unwrap_or(&root));
        self.current = self.sources.len();
        self.sources.push(source);
        let status = self.source().tree.status(&name);
        let status = status.and_then(|found| found.ok_or_else(|| Errno::ENOENT.into()));
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                self.missing(&name, &error);
                return Ok(());
            }
        };
        let Some(status) = self.resolve(&name, status) else {
            return Ok(());
        };
        let is_directory = status.kind() == FileKind::Directory;
        if is_directory && !options.recursive && !options.directories {
            let text = format!("skipping directory {}", shown(&name));
            self.observer.observe(Event::Warning(&text));
            return Ok(());
        }
        self.source().filesystem = status.filesystem;
        let has_content = is_directory && (options.recursive || name == b".");
        let is_content = name == b".";
        match self.add(name, &status, true, has_content) {
            Some(_) if is_incremental && !is_content => Ok(()),
            Some(_) if is_incremental && has_content => self.level(b".").map(drop),
            Some(place) if has_content => self.walk(place),
            _ => Ok(()),
        }
    }

    /// An argument that is not there.
    fn missing(&mut self, name: &[u8], error: &io::Error) {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        if is_missing && self.options.deletion.missing_arguments {
            // An entry without a kind says that it is to be deleted.
            self.note();
            self.built.list.push(name, Entry::default(), Extra::default());
        } else if !is_missing || !self.options.ignore_missing_arguments {
            let place = self.source().shown(name);
            let text = format!("link_stat \"{place}\" failed: {}", describe(error));
            self.fail(ERROR, &text);
        }
    }

    pub(super) fn source(&mut self) -> &mut Source {
        &mut self.sources[self.current]
    }

    /// Where the next file of the list comes from.
    fn note(&mut self) {
        let place = self.built.list.len() as u32;
        self.built.origins.note(place, self.current);
    }

    /// Everything below a folder of the list; without recursion only what is in it.
    fn walk(&mut self, place: u32) -> Result<(), Error> {
        let mut folders = vec![place];
        while let Some(place) = folders.pop() {
            let list = &self.built.list;
            let name = list.name(&list.entries()[place as usize]).to_vec();
            // The first of them is the next.
            folders.extend(self.level(&name)?.into_iter().rev());
        }
        Ok(())
    }

    /// What is in a folder; the places of the folders there that are entered.
    fn level(&mut self, name: &[u8]) -> Result<Vec<u32>, Error> {
        self.enter(name)?;
        let found = match self.source().tree.entries(name) {
            Ok(found) => found,
            Err(error) => {
                let place = self.source().shown(name);
                self.fail(
                    ERROR,
                    &format!("opendir \"{place}\" failed: {}", describe(&error)),
                );
                return Ok(Vec::new());
            }
        };
        let mut folders = Vec::new();
        for found in found {
            let whole = match name {
                b"." => found.name,
                folder => [folder, b"/", &found.name].concat(),
            };
            folders.extend(self.found(whole, found.status));
        }
        Ok(folders)
    }

    /// Appends what a folder holds, if it takes part; its place, if it is entered.
    fn found(&mut self, name: Vec<u8>, status: io::Result<Status>) -> Option<u32> {
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                self.vanished(&name, &error);
                return None;
            }
        };
        let is_link = status.kind() == FileKind::Symlink;
        // A link that leads nowhere is no reason to complain where it takes no part.
        if is_link && self.filters.check(&name, false, Side::Sender) == Verdict::Excluded {
            return None;
        }
        let status = self.resolve(&name, status)?;
        let is_directory = status.kind() == FileKind::Directory;
        if self.filters.check(&name, is_directory, Side::Sender) == Verdict::Excluded {
            return None;
        }
        let is_mount =
            is_directory && self.options.one_file_system > 0 && status.filesystem != self.source().filesystem;
        if is_mount && self.options.one_file_system > 1 {
            if self.options.output.info(Info::Mount) > 0 {
                let text = format!("[sender] skipping mount-point dir {}", shown(&name));
                self.observer.observe(Event::Warning(&text));
            }
            return None;
        }
        let is_entered = is_directory && self.options.recursive && !is_mount;
        self.add(name, &status, false, is_entered).filter(|_| is_entered)
    }

    /// What takes the place of a symlink that is to be followed (`link_stat` in flist.c).
    fn resolve(&mut self, name: &[u8], status: Status) -> Option<Status> {
        let options = self.options;
        let follows = options.copy_links || options.copy_unsafe_links || options.copy_directory_links;
        if status.kind() != FileKind::Symlink || !follows {
            return Some(status);
        }
        let tree = &mut self.source().tree;
        let led = tree.followed_status(name);
        let is_followed = options.copy_links
            || options.copy_unsafe_links && tree.link(name).is_ok_and(|link| is_unsafe(&link, name));
        match led {
            Ok(led) if is_followed => {
                if !options.copy_links && options.output.info(Info::Symsafe) > 0 {
                    let link = tree.link(name).unwrap_or_default();
                    let text = format!(
                        "copying unsafe symlink \"{}\" -> \"{}\"",
                        shown(name),
                        shown(&link)
                    );
                    self.observer.observe(Event::Warning(&text));
                }
                Some(led)
            }
            Ok(led) if options.copy_directory_links && led.kind() == FileKind::Directory => Some(led),
            Err(error) if is_followed && error.kind() != io::ErrorKind::NotFound => {
                self.vanished(name, &error);
                None
            }
            Err(_) if is_followed => {
                let place = self.source().shown(name);
                self.faults.add_bits(ERROR);
                let text = format!("symlink has no referent: \"{place}\"");
                self.observer.observe(Event::Failed(&text));
                None
            }
            _ => Some(status),
        }
    }

    /// Reads the merge files of a folder, and forgets those of the folders that it is not in.
    fn enter(&mut self, name: &[u8]) -> Result<(), Error> {
        let depth = match name {
            b"." => 1,
            name => 2 + name.iter().filter(|&&byte| byte == b'/').count(),
        };
        self.leave_to(depth);
        self.depths.push(depth);
        let tree = &mut self.sources[self.current].tree;
        self.filters
            .enter(name, &mut |path| match path.starts_with(b"/") {
                true => Tree::open(Path::new("/"))?.read_small(&path[1..]),
                false => tree.read_small(path),
            })?;
        Ok(())
    }

    fn leave_to(&mut self, depth: usize) {
        while self.depths.last().is_some_and(|&last| last >= depth) {
            self.depths.pop();
            self.filters.leave();
        }
    }

    fn vanished(&mut self, name: &[u8], error: &io::Error) {
        let place = self.source().shown(name);
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
    fn add(&mut self, name: Vec<u8>, status: &Status, is_top: bool, has_content: bool) -> Option<u32> {
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
            match self.source().tree.link(&name) {
                Ok(link) => extra.link = Some(link.into()),
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
            match self.digest(&name) {
                Ok(digest) => extra.checksum = Some(digest.into()),
                Err(error) => {
                    let place = self.source().shown(&name);
                    let text = format!("open \"{place}\" failed: {}", describe(&error));
                    self.fail(ERROR, &text);
                    return None;
                }
            }
        }
        extra.atime = (self.options.atimes > 0 && kind != FileKind::Directory).then_some(status.atime);
        let source = &mut self.sources[self.current];
        let gathered = self
            .gatherer
            .gather(self.options, source, &name, status, &mut extra);
        if let Err(text) = gathered {
            self.fail(ERROR, &text);
            return None;
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

/// The folder that an argument counts from, and what it names there; `.` if the content of the folder is meant.
fn split(path: &Path) -> (&Path, Vec<u8>) {
    let bytes = path.as_os_str().as_bytes();
    let last = bytes.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
    if matches!(last, b"" | b"." | b"..") {
        return (path, b".".to_vec());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    (folder.unwrap_or_else(|| Path::new(".")), last.to_vec())
}

fn absolute(path: &Path) -> String {
    shown(&whole(path))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::split;

    #[test]
    fn a_slash_at_the_end_means_what_is_inside() {
        for (path, folder, name) in [
            ("a/b", "a", "b"),
            ("b", ".", "b"),
            ("/b", "/", "b"),
            ("a/b/", "a/b/", "."),
            ("a/.", "a/.", "."),
            ("..", "..", "."),
            (".", ".", "."),
            ("/", "/", "."),
        ] {
            let (found, last) = split(Path::new(path));
            assert_eq!(
                (found.to_str(), &*last),
                (Some(folder), name.as_bytes()),
                "{path}"
            );
        }
    }
}
