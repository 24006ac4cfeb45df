use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path},
};

use crate::{
    rsync::{
        proto::{Tag, file_list::FileKind},
        transfer::{
            Error, Event, Info, Observer, Options,
            aside::Aside,
            basis::Basis,
            destination::beside_destination,
            links_on_way::{LinkOnWay, links_on_way},
            text::describe,
        },
        tree::{Attributes, Identity, Output, Outside, Status, Tree, Unmade},
    },
    terms::{Exit, UntrustedLink, refusal},
};

/// The folders beside the destination that the user names: each is trusted, and what is in it is found as in the destination.
#[derive(Clone)]
pub(crate) struct Beside<'a> {
    pub(super) options: &'a Options,
    pub(super) identity: &'a Identity,
    /// Where files are made.
    temporary: Place<Tree>,
    /// The folder of partial files, if it is one for all.
    partial: Option<Outside>,
    pub(super) backups: Place<Outside>,
    /// The symlinks of the destination on the way to them.
    pub(super) links_to_backups: Vec<LinkOnWay>,
    /// The folder that was last made for backups, and those above it.
    pub(super) way: Vec<u8>,
    /// What else happened where backups were made.
    pub(super) asides: Vec<Aside>,
    /// Where files may be already; those that are missing count too.
    pub(super) bases: Vec<Option<Tree>>,
    /// The numbers of those that a symlink of somebody else's leads to: nothing is looked for there, which is said each time.
    refused: Vec<usize>,
}

/// A folder that may be another one than the destination.
#[derive(Clone)]
pub(super) enum Place<T> {
    /// It is the destination.
    Here,
    There(T),
    /// The way there leads through a symlink of somebody else's: whatever is to be made there fails.
    Refused,
}

impl<'a> Beside<'a> {
    /// Looks for them; `root` is the destination (`do_recv` in main.c).
    pub(crate) fn find(
        options: &'a Options,
        identity: &'a Identity,
        root: &Path,
        observer: &dyn Observer,
    ) -> Result<Self, Error> {
        let receiving = &options.receiving;
        let at = |path: &str| beside_destination(root, path);
        let backups = receiving.backup_directory.as_deref().filter(|_| options.backs_up);
        let links_to_backups = backups.map_or_else(Vec::new, |path| links_on_way(root, &at(path)));
        let backups = match backups {
            Some(path) => {
                let folder = at(path);
                let found = backup_folder(&folder, path)?;
                if options.output.info(Info::Backup) > 0 {
                    let state = if folder.is_dir() { "" } else { "(new) " };
                    let path = path.strip_suffix('/').unwrap_or(path);
                    observer.observe(Event::Warning(&format!("{state}backup_dir is {path}")));
                }
                found
            }
            None => Place::Here,
        };
        let temporary = match receiving.temporary_directory.as_deref() {
            // The destination itself, which a dry run does not make.
            Some(path) if options.dry_run && is_itself(path) => Place::Here,
            Some(path) => temporary_folder(&at(path), path)?,
            None => Place::Here,
        };
        let partial = receiving.partial_folder().filter(|path| path.starts_with('/'));
        let mut refused = Vec::new();
        let bases = receiving.bases.iter().enumerate().map(|(number, (kind, path))| {
            let path = at(path);
            let problem = match Tree::open_trusted(&path) {
                Ok(mut tree) => {
                    tree.follow_own_links();
                    return Some(tree);
                }
                Err(error) => {
                    if !refusal(&error).is_empty() {
                        refused.push(number);
                    }
                    // rsync follows any symlink to see what is there (`check_alt_basis_dirs` in main.c).
                    match std::fs::metadata(&path) {
                        Ok(found) if found.is_dir() => return None,
                        Ok(_) => "is not a dir",
                        Err(_) => "does not exist",
                    }
                }
            };
            let shown = path.to_string_lossy();
            let shown = shown
                .strip_suffix('/')
                .filter(|shown| !shown.is_empty())
                .unwrap_or(&shown);
            let text = format!("{kind} arg {problem}: {shown}");
            observer.observe(Event::Message(Tag::Warning, text.as_bytes()));
            None
        });
        Ok(Self {
            options,
            identity,
            temporary,
            partial: partial.and_then(|path| Outside::of_parent(Path::new(path)).ok()),
            backups,
            links_to_backups,
            way: Vec::new(),
            asides: Vec::new(),
            bases: bases.collect(),
            refused,
        })
    }

    /// What is said where something is looked for in another folder that is not to be looked at.
    pub(super) fn refusal(&self, number: usize) -> Option<&'static str> {
        let is_refused = self.refused.contains(&number);
        is_refused.then(|| refusal(&io::Error::other(UntrustedLink)).trim_end())
    }

    /// Begins a new file, which is to have a mode.
    pub(crate) fn begin(&mut self, tree: &mut Tree, name: &[u8], mode: u32) -> Result<Output, Unmade> {
        match &mut self.temporary {
            Place::Here => tree.begin(name, mode),
            Place::There(folder) => folder.begin_elsewhere(name, mode),
            Place::Refused => Err(Unmade::refused(name)),
        }
    }

    /// Where a new file is until it stands at its place, as the user names it.
    pub(crate) fn begun_place(&self, name: &[u8], temporary: &OsStr) -> Vec<u8> {
        let folder = match self.options.receiving.temporary_directory.as_deref() {
            Some(folder) => &[folder.as_bytes(), b"/"].concat(),
            None => split(name).0,
        };
        [folder, temporary.as_bytes()].concat()
    }

    /// Where the part of a file is, as the user names it; none without a folder for it.
    pub(crate) fn partial_place(&self, name: &[u8]) -> Option<Vec<u8>> {
        let folder = self.options.receiving.partial_folder()?.as_bytes();
        let (above, base) = split(name);
        let above = if folder.starts_with(b"/") { b"" } else { above };
        Some([above, folder, b"/", base].concat())
    }

    /// Opens what a file may be made from; it, and its length.
    pub(crate) fn read(&mut self, tree: &mut Tree, name: &[u8], basis: &Basis) -> io::Result<(File, u64)> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        match basis {
            Basis::Own => tree.read_with_length(name),
            Basis::Partial => {
                let (tree, name) = self.partial(tree, name).ok_or_else(missing)?;
                tree.read_with_length(&name)
            }
            Basis::Backup => {
                self.follow_no_removed_link(tree);
                let backup = self.backup_of(name);
                match &mut self.backups {
                    Place::There(outside) => {
                        let name = outside.below(&backup);
                        outside.tree().read_with_length(&name)
                    }
                    Place::Here | Place::Refused => tree.read_with_length(&backup),
                }
            }
            Basis::Elsewhere(number) => {
                let tree = self.bases.get_mut(usize::from(*number)).and_then(Option::as_mut);
                tree.ok_or_else(missing)?.read_with_length(name)
            }
            Basis::Similar(number, similar) => {
                let name = [split(name).0, similar].concat();
                let other = usize::from(*number).checked_sub(1);
                match other.map(|other| self.bases.get_mut(other)) {
                    None => tree.read_with_length(&name),
                    Some(other) => {
                        let other = other.and_then(Option::as_mut);
                        other.ok_or_else(missing)?.read_with_length(&name)
                    }
                }
            }
        }
    }

    /// Where the part of a file is kept that came: the tree, and the name there; none without a folder for it.
    pub(crate) fn partial<'t>(
        &'t mut self,
        tree: &'t mut Tree,
        name: &[u8],
    ) -> Option<(&'t mut Tree, Vec<u8>)> {
        let place = self.partial_place(name)?;
        Some(match &mut self.partial {
            Some(outside) => {
                let name = outside.below(split(name).1);
                (outside.tree(), name)
            }
            None if place.starts_with(b"/") => return None,
            None => (tree, place),
        })
    }

    /// What is there of a file that was not completed.
    pub(crate) fn partial_status(&mut self, tree: &mut Tree, name: &[u8]) -> Option<Status> {
        let (tree, partial) = self.partial(tree, name)?;
        let status = tree.status(&partial).ok().flatten();
        status.filter(|status| status.kind() == FileKind::Regular)
    }

    /// Makes the folder for the part of a file (`handle_partial_dir` in util1.c).
    pub(crate) fn make_partial_folder(&mut self, tree: &mut Tree, name: &[u8]) -> io::Result<()> {
        let Some((tree, partial)) = self.partial(tree, name) else {
            return Err(io::ErrorKind::NotFound.into());
        };
        let folder = split(&partial).0;
        let folder = &folder[..folder.len() - 1];
        match tree.status(folder)? {
            Some(status) if status.kind() == FileKind::Directory => return Ok(()),
            Some(_) => tree.remove(folder, false)?,
            None => {}
        }
        tree.make_directory(folder, 0o700)
    }

    /// Moves what was the part of a file to its place.
    pub(crate) fn place_partial(
        &mut self,
        tree: &mut Tree,
        name: &[u8],
        attributes: &Attributes<'_>,
    ) -> io::Result<()> {
        let mut to = tree.clone();
        let Some((from, partial)) = self.partial(tree, name) else {
            return Ok(());
        };
        match from.move_to(&partial, &mut to, name) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let mut output = to.begin(name, PRIVATE)?;
                output.fill_from(&mut from.read(&partial)?)?;
                output.commit(&mut to, name, attributes).map(drop)
            }
            moved => moved,
        }
    }

    /// Removes the part of a file, and then its folder, if that is not one for all and is empty.
    pub(crate) fn remove_partial(&mut self, tree: &mut Tree, name: &[u8]) {
        let is_shared = self.partial.is_some();
        if let Some((tree, partial)) = self.partial(tree, name) {
            // It may have been moved to its place.
            let _ = tree.remove(&partial, false);
            let folder = split(&partial).0;
            if !is_shared {
                let _ = tree.remove(&folder[..folder.len() - 1], true);
            }
        }
    }
}

/// What becomes of a part has no other mode before all is set.
const PRIVATE: u32 = 0o600;

/// A name in the folder of backups, as the user names it.
pub(super) fn among_backups(options: &Options, name: &[u8]) -> Vec<u8> {
    let folder = options.receiving.backup_directory.as_deref();
    let folder = folder.map_or_else(String::new, |folder| format!("{}/", folder.trim_end_matches('/')));
    [folder.as_bytes(), name].concat()
}

/// A name's folder, with the slash, and what is behind it.
pub(super) fn split(name: &[u8]) -> (&[u8], &[u8]) {
    let start = name
        .iter()
        .rposition(|&byte| byte == b'/')
        .map_or(0, |slash| slash + 1);
    name.split_at(start)
}

fn backup_folder(path: &Path, given: &str) -> Result<Place<Outside>, Error> {
    Outside::find(path)
        .map(Place::There)
        .or_else(|error| match std::fs::metadata(path) {
            Ok(found) if found.is_dir() && !refusal(&error).is_empty() => Ok(Place::Refused),
            // It is to be made where nobody is let through.
            Err(missing) if missing.kind() == io::ErrorKind::NotFound && !refusal(&error).is_empty() => {
                Ok(Place::Refused)
            }
            Ok(_) => Err(unusable(
                format!("The backup-dir is not a directory: {given}"),
                None,
            )),
            _ => Err(unusable(format!("Failed to stat {given}"), Some(&error))),
        })
}

/// Whether a path, as the destination has it, leads nowhere else.
fn is_itself(path: &str) -> bool {
    let mut parts = Path::new(path).components();
    !path.is_empty() && parts.all(|part| part == Component::CurDir)
}

fn temporary_folder(path: &Path, given: &str) -> Result<Place<Tree>, Error> {
    // Without a name it is not the destination.
    if given.is_empty() {
        return Err(unusable("The temp-dir does not exist: ".to_owned(), None));
    }
    Tree::open_trusted(path)
        .map(Place::There)
        .or_else(|error| match std::fs::metadata(path) {
            Ok(found) if found.is_dir() && !refusal(&error).is_empty() => Ok(Place::Refused),
            Ok(found) if !found.is_dir() => Err(unusable(
                format!("The temp-dir is not a directory: {given}"),
                None,
            )),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
                Err(unusable(format!("The temp-dir does not exist: {given}"), None))
            }
            _ => Err(unusable(format!("Failed to stat temp-dir {given}"), Some(&error))),
        })
}

/// A folder that cannot be used, with what the system says, if that matters.
fn unusable(text: String, error: Option<&io::Error>) -> Error {
    let Some(error) = error else {
        let exit = Exit::Syntax;
        return Error::Destination { text, exit };
    };
    let said = describe(error);
    // Here without its number.
    let said = said.split_once(" (").map_or(&*said, |(said, _)| said);
    Error::Destination {
        text: format!("{}{text}: {said}", refusal(error)),
        exit: Exit::FileIo,
    }
}
