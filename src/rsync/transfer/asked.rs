use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use crate::{
    rsync::{
        proto::file_list::{Entry, Extra, FileKind},
        transfer::{
            Error, Event,
            build::{Builder, Built, ERROR, VANISHED, join},
            named::{Ending, Named, below, new_folders},
            sources::whole,
            text::{describe, shown},
        },
        tree::{Status, Tree},
    },
    terms::{Exit, refusal},
};

/// Gives the arguments one by one.
pub(crate) type NextName<'n> = dyn FnMut() -> Result<Option<Vec<u8>>, Error> + 'n;

/// What an argument names in a folder whose list is still to be made.
pub(crate) struct Rest {
    /// The path from that folder on.
    name: Vec<u8>,
    ending: Ending,
    /// Nothing is there, which the server is to hear.
    is_missing: bool,
}

/// What is to be found below an argument in a folder.
pub(crate) struct Below {
    /// The number of the argument.
    pub(crate) source: usize,
    /// All that is in the folder.
    pub(crate) is_entered: bool,
    /// What arguments name in it.
    pub(crate) rests: Vec<Rest>,
}

/// The folders on the way to names, as they were sent.
#[derive(Default)]
pub(super) struct Way {
    /// The last one of a whole list.
    last: Vec<u8>,
    /// The last one of a list in which rests are noted: where it counts from, its name, and its place in the list.
    noted: Option<(usize, Vec<u8>, u32)>,
    /// The last one that was reached through nobody else's symlinks, and where it counts from.
    trusted: Option<(usize, Vec<u8>)>,
    has_root: bool,
}

/// What the arguments name.
impl Builder<'_> {
    /// Everything that the arguments name, with what is below it; or only what is there if such an argument is the content
    /// of a folder, for a first list whose files are numbered from 1 on. Names of a list count from `base`, and stay below it.
    ///
    /// # Errors
    ///
    /// What is no rule in a merge file, a name that leads out of the transfer, and a base that is no folder.
    pub(crate) fn arguments(
        &mut self,
        base: Option<&Path>,
        next: &mut NextName<'_>,
        is_incremental: bool,
    ) -> Result<Built, Error> {
        self.start = u32::from(is_incremental);
        let is_relative = self.options.relative;
        if let Some(base) = base {
            Tree::open(base).map_err(|error| Error::Source {
                text: format!(
                    "rsync: [sender] change_dir \"{}\" failed: {}",
                    shown(&whole(base)),
                    describe(&error)
                ),
                exit: Exit::FileSelect,
            })?;
            base.clone_into(&mut self.sources.base);
        }
        while let Some(name) = next()? {
            let name = match base {
                Some(_) => below(&name, is_relative),
                None => name,
            };
            let named = match is_relative {
                true => Named::relative(&name).map_err(|name| Error::Source {
                    text: format!("found \"..\" dir in relative path: {}", shown(&name)),
                    exit: Exit::Syntax,
                })?,
                false => Named::base(Path::new(OsStr::from_bytes(&name))),
            };
            self.argument(named, is_incremental, base.is_some())?;
        }
        Ok(std::mem::take(&mut self.built))
    }

    /// What is in a folder that has the same name below several arguments, for a list whose files are numbered from `start`
    /// on.
    ///
    /// # Errors
    ///
    /// What is no rule in a merge file.
    pub(crate) fn folder(&mut self, name: &[u8], parts: Vec<Below>, start: u32) -> Result<Built, Error> {
        self.start = start;
        self.way.noted = None;
        for part in parts {
            self.change_to(part.source, name)?;
            if part.is_entered {
                if self.options.one_file_system > 0 {
                    let status = self
                        .here(name)
                        .and_then(|(tree, name)| tree.followed_status(name));
                    // What failed fails once more when it is read.
                    self.filesystem = status.map_or(0, |status| status.filesystem);
                }
                self.level(name)?;
            } else {
                self.enter(name)?;
            }
            for rest in part.rests {
                self.rest(name, rest);
            }
        }
        Ok(std::mem::take(&mut self.built))
    }

    fn argument(&mut self, named: Named, is_incremental: bool, is_of_list: bool) -> Result<(), Error> {
        let Named {
            folder,
            name,
            ending,
            has_root,
        } = named;
        if !self.count_from(&folder) {
            return Ok(());
        }
        if has_root && !std::mem::replace(&mut self.way.has_root, true) && !self.is_excluded(b".", true) {
            self.on_the_way(b".");
        }
        let checked = match is_of_list {
            true => self.check_way(&name, ending),
            false => Ok(()),
        };
        let status = match checked.and_then(|()| self.argument_status(&name, ending)) {
            Ok(status) => Some(status),
            Err(error) if is_missing(&error) && self.options.deletion.missing_arguments => None,
            Err(error) => {
                self.missing(&name, &error);
                return Ok(());
            }
        };
        let options = self.options;
        let is_directory = status.is_some_and(|status| status.kind() == FileKind::Directory);
        if status.is_some() && ending != Ending::Content && self.is_excluded(&name, is_directory) {
            return Ok(());
        }
        if is_directory && !options.recursive && !options.directories {
            let text = format!("skipping directory {}", shown(&name));
            self.observer.observe(Event::Warning(&text));
            return Ok(());
        }
        let slash = |place: &usize| *place > 0 && name[*place] == b'/';
        if options.relative && is_incremental {
            if let Some(end) = (0..name.len()).find(slash) {
                let rest = Rest {
                    name: name[end + 1..].to_vec(),
                    ending,
                    is_missing: status.is_none(),
                };
                self.note_rest(&name[..end], rest);
                return Ok(());
            }
        } else if options.relative
            && self.sends_ways()
            && let Some(end) = (0..name.len()).rfind(slash)
        {
            self.send_way(&name[..end])?;
        }
        let Some(status) = status else {
            self.add_missing(&name);
            return Ok(());
        };
        self.filesystem = status.filesystem;
        let Some(status) = self.resolve(&name, status) else {
            return Ok(());
        };
        // A symlink that is to be followed may have become a folder.
        let is_directory = status.kind() == FileKind::Directory;
        let has_content = is_directory && (options.recursive || ending != Ending::Plain);
        let is_content = ending == Ending::Content;
        let level = if name == b"/." { &b"/."[..] } else { b"." };
        match self.add(name, &status, has_content, has_content) {
            Some(_) if is_incremental && !is_content => {}
            Some(_) if is_incremental && has_content => {
                self.start_anew();
                drop(self.level(level)?);
                self.start_anew();
                self.source(self.current).is_content = true;
            }
            Some(place) if has_content => self.walk(place)?,
            _ => {}
        }
        Ok(())
    }

    /// From here on names count from a folder; whether it is there.
    fn count_from(&mut self, folder: &Path) -> bool {
        match self.sources.enter(folder) {
            Ok(number) => {
                self.current = number;
                let root = self.source(number).root();
                self.filters.set_root(&root);
                true
            }
            Err(error) => {
                let place: PathBuf = self.sources.path(folder);
                let place = shown(&whole(&place));
                let place = place
                    .strip_suffix('/')
                    .filter(|place| !place.is_empty())
                    .unwrap_or(&place);
                let text = format!("change_dir \"{place}\" failed: {}", describe(&error));
                self.fail(ERROR, &text);
                false
            }
        }
    }

    /// Sees to it that a name of a list is reached through nobody else's symlinks, if symlinks are not meant to be followed
    /// (observed with rsync 3.5.0).
    fn check_way(&mut self, name: &[u8], ending: Ending) -> io::Result<()> {
        if self.options.follows_links() || !self.options.relative {
            return Ok(());
        }
        let way = match (ending, name.iter().rposition(|&byte| byte == b'/')) {
            (Ending::Slash, _) => name,
            (_, slash) => &name[..slash.unwrap_or(0)],
        };
        let current = self.current;
        let known = self.way.trusted.as_ref();
        if known.is_some_and(|(source, known)| *source == current && known == way) {
            return Ok(());
        }
        let (tree, place) = self.here(way)?;
        match tree.check_way(place) {
            // Links that lead in a circle are as little a way as somebody else's.
            Err(error) if !refusal(&error).is_empty() || is_circle(&error) => Err(error),
            // What else is wrong with the name shows where it is looked at.
            _ => {
                self.way.trusted = Some((current, way.to_vec()));
                Ok(())
            }
        }
    }

    /// What an argument names (`link_stat` in flist.c).
    fn argument_status(&mut self, name: &[u8], ending: Ending) -> io::Result<Status> {
        let (copy_links, copies_folders) = (self.options.copy_links, self.options.copy_directory_links);
        let (tree, name) = self.here(name)?;
        if copy_links {
            return tree.followed_status(name);
        }
        let status = tree.status(name)?.ok_or(Errno::ENOENT)?;
        if status.kind() != FileKind::Symlink || !copies_folders && ending == Ending::Plain {
            return Ok(status);
        }
        let led = tree.followed_status(name).ok();
        let folder = led.filter(|led| led.kind() == FileKind::Directory);
        Ok(folder.unwrap_or(status))
    }

    /// An argument that is not there.
    fn missing(&mut self, name: &[u8], error: &io::Error) {
        let is_missing = is_missing(error);
        if !is_missing || !self.options.ignore_missing_arguments {
            let refusal = refusal(error).trim_end();
            if !refusal.is_empty() {
                self.observer.observe(Event::Failed(refusal));
            }
            let place = self.shown(name);
            let text = format!("link_stat \"{place}\" failed: {}", describe(error));
            // What never was there keeps nothing from being deleted.
            self.fail(if is_missing { 0 } else { ERROR }, &text);
            self.faults.fail();
        }
    }

    /// An entry without a kind says that it is to be deleted.
    fn add_missing(&mut self, name: &[u8]) {
        self.note();
        self.built.list.push(name, Entry::default(), Extra::default());
    }

    /// Whether folders on the way are sent at all: before protocol 30 they could not be told from others.
    const fn sends_ways(&self) -> bool {
        self.session.protocol >= 30 || !self.options.no_implied_directories
    }

    /// Sends the folders on the way to a name that were not sent just now. Where none is sent, the way before stays the last
    /// one (`send_implied_dirs` in flist.c).
    fn send_way(&mut self, way: &[u8]) -> Result<(), Error> {
        let folders = new_folders(way, &self.way.last);
        if folders.is_empty() {
            return Ok(());
        }
        self.way.last = way.to_vec();
        for folder in folders {
            if self.on_the_way(folder).is_some() {
                self.enter(folder)?;
            }
        }
        Ok(())
    }

    /// Appends a folder on the way to a name, even if it is a symlink to one and whatever the rules say; its place.
    fn on_the_way(&mut self, folder: &[u8]) -> Option<u32> {
        let status = self
            .here(folder)
            .and_then(|(tree, name)| tree.followed_status(name));
        match status {
            Ok(status) => {
                let place = self.add(folder.to_vec(), &status, true, false)?;
                (status.kind() == FileKind::Directory).then_some(place)
            }
            Err(error) => {
                self.vanished(folder, &error);
                None
            }
        }
    }

    /// Sees to it that a folder is in the list, with which the rest of a name is sent later.
    fn note_rest(&mut self, folder: &[u8], rest: Rest) {
        let current = self.current;
        let noted = self.way.noted.take();
        let noted = noted.filter(|(source, name, _)| *source == current && *name == folder);
        let noted = noted.or_else(|| Some((current, folder.to_vec(), self.on_the_way(folder)?)));
        if let Some((_, _, place)) = &noted {
            self.built.rests.entry(*place).or_default().push(rest);
        }
        self.way.noted = noted;
    }

    /// What an argument names in a folder, or the next folder on the way to it.
    fn rest(&mut self, folder: &[u8], rest: Rest) {
        let name = join(folder, &rest.name);
        if let Some(slash) = rest.name.iter().position(|&byte| byte == b'/') {
            let end = name.len() - rest.name.len() + slash;
            let rest = Rest {
                name: rest.name[slash + 1..].to_vec(),
                ..rest
            };
            return self.note_rest(&name[..end], rest);
        }
        if rest.is_missing {
            if !self.is_excluded(&name, false) {
                self.add_missing(&name);
            }
            return;
        }
        let status = match rest.ending {
            Ending::Plain => self.here(&name).and_then(|(tree, name)| {
                let status = tree.status(name)?;
                Ok(status.ok_or(Errno::ENOENT)?)
            }),
            _ => match self.argument_status(&name, rest.ending) {
                Err(error) => return self.gone(&name, &error),
                status => status,
            },
        };
        self.found(name, status, true);
    }

    /// A folder that was there when the arguments were looked at.
    fn gone(&mut self, name: &[u8], error: &io::Error) {
        let place = self.shown(name);
        if is_missing(error) {
            self.faults.add_bits(VANISHED);
            let text = format!("directory has vanished: \"{place}\"");
            self.observer.observe(Event::Failed(&text));
        } else {
            self.fail(
                ERROR,
                &format!("link_stat \"{place}\" failed: {}", describe(error)),
            );
        }
    }
}

fn is_missing(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

fn is_circle(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::ELOOP as i32)
}
