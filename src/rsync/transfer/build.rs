use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Read as _},
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use nix::{
    errno::Errno,
    sys::stat::{major, minor},
    unistd::{Gid, Group, Uid, User},
};

use crate::rsync::{
    filter::{FilterList, Side, Verdict},
    proto::{
        Session,
        file_list::{Entry, Extra, FileKind, FileList, MAX_PATH},
    },
    transfer::{
        Error, Event, Info, Observer, Options,
        links::is_unsafe,
        text::{describe, shown},
        wire::Faults,
    },
    tree::{Status, Tree},
};

/// Where the files of a list are.
#[derive(Default)]
pub(crate) struct Sources(Vec<Source>);

/// The folder that an argument counts from.
struct Source {
    tree: Tree,
    path: PathBuf,
    /// The first file of the list that is below it.
    first: u32,
}

impl Sources {
    /// The folder that a file of the list counts from.
    pub(crate) fn tree(&mut self, place: u32) -> &mut Tree {
        let index = self.index(place);
        &mut self.0[index].tree
    }

    /// The whole path, for messages.
    pub(crate) fn shown(&self, place: u32, name: &[u8]) -> String {
        self.0[self.index(place)].shown(name)
    }

    /// The folder as it was given.
    pub(crate) fn folder(&self, place: u32) -> &[u8] {
        self.0[self.index(place)].path.as_os_str().as_bytes()
    }

    fn index(&self, place: u32) -> usize {
        self.0.partition_point(|source| source.first <= place) - 1
    }
}

impl Source {
    fn shown(&self, name: &[u8]) -> String {
        let mut path = whole(&self.path);
        while path.len() > 1 && path.ends_with(b"/") {
            path.pop();
        }
        if name != b"." {
            if path != b"/" {
                path.push(b'/');
            }
            path.extend_from_slice(name);
        }
        shown(&path)
    }
}

/// What was found for the arguments.
pub(crate) struct Built {
    pub(crate) list: FileList,
    pub(crate) sources: Sources,
}

/// Makes the list of files (`send_file_list` in flist.c).
pub(crate) struct Builder<'a> {
    session: Session,
    options: &'a Options,
    faults: &'a Faults,
    observer: &'a dyn Observer,
    list: FileList,
    sources: Sources,
    filters: FilterList,
    /// How deep the folders are whose merge files hold.
    depths: Vec<usize>,
    /// The file system of the argument.
    filesystem: u64,
    /// The first name of what has several, by file system and number.
    leaders: HashMap<(u64, u64), u32>,
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
            list: FileList::default(),
            sources: Sources::default(),
            filters,
            depths: Vec::new(),
            filesystem: 0,
            leaders: HashMap::new(),
        }
    }

    /// Everything that the arguments name, with what is below it.
    ///
    /// # Errors
    ///
    /// What is no rule in a merge file.
    pub(crate) fn build(mut self, paths: &[PathBuf]) -> Result<Built, Error> {
        for path in paths {
            self.argument(path)?;
            self.leave_to(0);
        }
        Ok(Built {
            list: self.list,
            sources: self.sources,
        })
    }

    fn fail(&self, bits: i32, text: &str) {
        self.faults.add_bits(bits);
        self.observer
            .observe(Event::Failed(&format!("rsync: [sender] {text}")));
    }

    fn argument(&mut self, path: &Path) -> Result<(), Error> {
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
        let source = Source {
            tree,
            path: folder.to_owned(),
            first: self.list.len() as u32,
        };
        let root = whole(folder);
        self.filters.set_root(root.strip_suffix(b"/").unwrap_or(&root));
        self.sources.0.push(source);
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
        self.filesystem = status.filesystem;
        let has_content = is_directory && (options.recursive || name == b".");
        match self.add(name, &status, true, has_content) {
            Some(place) if has_content => self.walk(place),
            _ => Ok(()),
        }
    }

    /// An argument that is not there.
    fn missing(&mut self, name: &[u8], error: &io::Error) {
        let is_missing = error.kind() == io::ErrorKind::NotFound;
        if is_missing && self.options.deletion.missing_arguments {
            // An entry without a kind says that it is to be deleted.
            self.list.push(name, Entry::default(), Extra::default());
        } else if !is_missing || !self.options.ignore_missing_arguments {
            let place = self.source().shown(name);
            let text = format!("link_stat \"{place}\" failed: {}", describe(error));
            self.fail(ERROR, &text);
        }
    }

    fn source(&mut self) -> &mut Source {
        self.sources.0.last_mut().expect("an argument was begun")
    }

    /// Everything below a folder of the list; without recursion only what is in it.
    fn walk(&mut self, place: u32) -> Result<(), Error> {
        let mut folders = vec![place];
        while let Some(place) = folders.pop() {
            let name = self.list.name(&self.list.entries()[place as usize]).to_vec();
            self.enter(&name)?;
            let found = match self.source().tree.entries(&name) {
                Ok(found) => found,
                Err(error) => {
                    let place = self.source().shown(&name);
                    self.fail(
                        ERROR,
                        &format!("opendir \"{place}\" failed: {}", describe(&error)),
                    );
                    continue;
                }
            };
            let before = folders.len();
            for found in found {
                let whole = match &*name {
                    b"." => found.name,
                    folder => [folder, b"/", &found.name].concat(),
                };
                folders.extend(self.found(whole, found.status));
            }
            // The first of them is the next.
            folders[before..].reverse();
        }
        Ok(())
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
            is_directory && self.options.one_file_system > 0 && status.filesystem != self.filesystem;
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
        let tree = &mut self.sources.0.last_mut().expect("an argument was begun").tree;
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
        let kind = status.kind();
        if name.len() > MAX_PATH {
            let text = format!("skipping overly long name: {}", shown(&name));
            self.fail(ERROR, &text);
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
        extra.atime = (self.options.atimes && kind != FileKind::Directory).then_some(status.atime);
        let place = u32::try_from(self.list.len()).ok()?;
        if self.options.hard_links && kind != FileKind::Directory && status.links > 1 {
            let inode = (status.filesystem, status.inode);
            extra.leader = Some(*self.leaders.entry(inode).or_insert(place));
        }
        // rsync counts before it appends.
        if self.list.len().is_multiple_of(100) {
            self.observer.observe(Event::Counted(self.list.len() as u64));
        }
        let mut entry = Entry::default();
        (entry.mode, entry.uid, entry.gid) = (status.mode, status.uid, status.gid);
        (entry.mtime, entry.nanoseconds) = (status.mtime, status.nanoseconds);
        entry.size = match kind {
            FileKind::Regular | FileKind::Symlink | FileKind::Directory => status.size,
            _ => 0,
        };
        entry.set_folder(is_top, has_content);
        if !self.list.push(&name, entry, extra) {
            self.fail(ERROR, "the file list holds no more names");
            return None;
        }
        Some(place)
    }

    fn digest(&mut self, name: &[u8]) -> io::Result<Vec<u8>> {
        let mut file = self.source().tree.read(name)?;
        let mut hasher = self.session.list_checksum.listed();
        let mut buffer = vec![0; 128 * 1024];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(count) => hasher.update(&buffer[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
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

fn whole(path: &Path) -> Vec<u8> {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.into_os_string().into_vec()
}

/// The names of those who own the files of a list, without root's.
#[derive(Default)]
pub(crate) struct OwnerNames {
    pub(crate) users: Vec<(u32, Vec<u8>)>,
    pub(crate) groups: Vec<(u32, Vec<u8>)>,
}

impl OwnerNames {
    pub(crate) fn of(list: &FileList) -> Self {
        let named = |ids: BTreeSet<u32>, name: fn(u32) -> Option<String>| {
            let ids = ids.into_iter().filter(|&id| id != 0);
            ids.filter_map(|id| Some((id, name(id)?.into_bytes()))).collect()
        };
        let entries = || list.entries().iter();
        Self {
            users: named(entries().map(|entry| entry.uid).collect(), user_name),
            groups: named(entries().map(|entry| entry.gid).collect(), group_name),
        }
    }
}

/// The name of a user here.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    Some(User::from_uid(Uid::from_raw(uid)).ok()??.name)
}

/// The name of a group here.
pub(crate) fn group_name(gid: u32) -> Option<String> {
    Some(Group::from_gid(Gid::from_raw(gid)).ok()??.name)
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
