use std::{
    collections::{BTreeSet, HashMap},
    io::{self, Read as _},
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::{
    sys::stat::{major, minor},
    unistd::{Gid, Group, Uid, User},
};

use crate::rsync::{
    proto::{
        Session,
        file_list::{Entry, Extra, FileKind, FileList, MAX_PATH},
    },
    transfer::{
        Event, Observer, Options,
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

    fn index(&self, place: u32) -> usize {
        self.0.partition_point(|source| source.first <= place) - 1
    }
}

impl Source {
    fn shown(&self, name: &[u8]) -> String {
        let mut path = std::path::absolute(&self.path)
            .unwrap_or_else(|_| self.path.clone())
            .into_os_string();
        let bytes = match name {
            b"." => Vec::new(),
            _ => [b"/", name].concat(),
        };
        if path.as_bytes() == b"/" {
            path.clear();
        }
        shown(&[path.as_bytes(), &bytes].concat())
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
            leaders: HashMap::new(),
        }
    }

    /// Everything that the arguments name, with what is below it.
    pub(crate) fn build(mut self, paths: &[PathBuf]) -> Built {
        for path in paths {
            self.argument(path);
        }
        Built {
            list: self.list,
            sources: self.sources,
        }
    }

    fn fail(&self, bits: i32, text: &str) {
        self.faults.add_bits(bits);
        self.observer
            .observe(Event::Failed(&format!("rsync: [sender] {text}")));
    }

    fn argument(&mut self, path: &Path) {
        let (folder, name) = split(path);
        let tree = match Tree::open(folder) {
            Ok(tree) => tree,
            Err(error) => {
                let place = absolute(folder);
                self.fail(
                    ERROR,
                    &format!("change_dir \"{place}\" failed: {}", describe(&error)),
                );
                return;
            }
        };
        self.sources.0.push(Source {
            tree,
            path: folder.to_owned(),
            first: self.list.len() as u32,
        });
        let status = self.source().tree.status(&name);
        let status = status.and_then(|found| found.ok_or_else(|| io::ErrorKind::NotFound.into()));
        let status = match status {
            Ok(status) => status,
            Err(error) => {
                let reason = match error.kind() {
                    io::ErrorKind::NotFound => "No such file or directory (2)".to_owned(),
                    _ => describe(&error),
                };
                let place = self.source().shown(&name);
                self.fail(ERROR, &format!("link_stat \"{place}\" failed: {reason}"));
                return;
            }
        };
        let is_directory = status.kind() == FileKind::Directory;
        if is_directory && !self.options.recursive && !self.options.directories {
            let text = format!("skipping directory {}", shown(&name));
            self.observer.observe(Event::Warning(&text));
            return;
        }
        let has_content = is_directory && (self.options.recursive || name == b".");
        if let Some(place) = self.add(name, &status, true, has_content)
            && has_content
        {
            self.walk(place);
        }
    }

    fn source(&mut self) -> &mut Source {
        self.sources.0.last_mut().expect("an argument was begun")
    }

    /// Everything below a folder of the list; without recursion only what is in it.
    fn walk(&mut self, place: u32) {
        let mut folders = vec![place];
        while let Some(place) = folders.pop() {
            let name = self.list.name(&self.list.entries()[place as usize]).to_vec();
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
                let status = match found.status {
                    Ok(status) => status,
                    Err(error) => {
                        self.vanished(&whole, &error);
                        continue;
                    }
                };
                let is_entered = status.kind() == FileKind::Directory && self.options.recursive;
                let added = self.add(whole, &status, false, is_entered);
                folders.extend(added.filter(|_| is_entered));
            }
            // The first of them is the next.
            folders[before..].reverse();
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
            let inode = (status.volume, status.inode);
            extra.leader = Some(*self.leaders.entry(inode).or_insert(place));
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
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    shown(whole.as_os_str().as_bytes())
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
