use std::{
    collections::VecDeque,
    ffi::OsString,
    io,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use crate::rsync::{
    transfer::{Options, destination::absolute, text::shown},
    tree::Tree,
};

/// So many folders are held open at once.
const MOST_OPEN: usize = 64;

/// The folders that arguments count from.
#[derive(Default)]
pub(crate) struct Sources {
    /// What folders are relative to; where the program was started, if it is empty.
    pub(super) base: PathBuf,
    all: Vec<Source>,
    /// The one in which all is.
    whole: Option<usize>,
    /// Those that are open, the one that was opened last behind the others.
    open: VecDeque<usize>,
    /// The root of this machine, for names that begin there.
    root: Option<Tree>,
    opening: Opening,
}

/// How what is in the folders is read.
#[derive(Clone, Copy, Debug, Default)]
struct Opening {
    follow: Follow,
    keeps_access_times: bool,
    reads_devices: bool,
}

/// Which symlinks of the user's are followed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Follow {
    #[default]
    None,
    /// Those to folders.
    Folders,
    All,
}

/// A folder that arguments count from.
pub(crate) struct Source {
    /// As it was given.
    given: PathBuf,
    path: PathBuf,
    /// Whether an argument is what is in the folder.
    pub(super) is_content: bool,
    tree: Option<Tree>,
}

/// Below which arguments the files of a list are: each with the first of those that follow.
#[derive(Debug, Default)]
pub(crate) struct Origins(Vec<(u32, usize)>);

impl Origins {
    /// The number of the folder that a file of the list counts from.
    pub(crate) fn of(&self, place: u32) -> usize {
        let behind = self.0.partition_point(|(first, _)| *first <= place);
        behind.checked_sub(1).map_or(0, |index| self.0[index].1)
    }

    /// From here on files count from that folder.
    pub(super) fn note(&mut self, place: u32, source: usize) {
        if self.0.last().is_none_or(|(_, last)| *last != source) {
            self.0.push((place, source));
        }
    }
}

impl Sources {
    pub(super) fn new(options: &Options) -> Self {
        let follow = match options.follows_links() {
            true => Follow::All,
            false if options.relative => Follow::Folders,
            false => Follow::None,
        };
        Self {
            opening: Opening {
                follow,
                keeps_access_times: options.open_noatime,
                reads_devices: options.copy_devices,
            },
            ..Self::default()
        }
    }

    /// The number of a folder; it is the last one if that is the same, and where all is has only one.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn enter(&mut self, folder: &Path) -> io::Result<usize> {
        let known = match folder.as_os_str().is_empty() {
            true => self.whole,
            false => self.all.len().checked_sub(1),
        };
        if let Some(known) = known.filter(|known| self.all[*known].given == folder) {
            return Ok(known);
        }
        let source = Source {
            given: folder.to_owned(),
            path: self.path(folder),
            is_content: false,
            tree: None,
        };
        self.all.push(source);
        let number = self.all.len() - 1;
        match self.tree(number, b"") {
            Ok(_) => {
                if folder.as_os_str().is_empty() {
                    self.whole = Some(number);
                }
                Ok(number)
            }
            Err(error) => {
                self.all.pop();
                Err(error)
            }
        }
    }

    /// Where a folder is.
    pub(super) fn path(&self, folder: &Path) -> PathBuf {
        let path = self.base.join(folder);
        match path.as_os_str().is_empty() {
            true => PathBuf::from("."),
            false => path,
        }
    }

    /// A folder that was entered.
    pub(super) fn get(&mut self, number: usize) -> &mut Source {
        &mut self.all[number]
    }

    /// The tree that a name is in, and the name there.
    ///
    /// # Errors
    ///
    /// What the system says, if the folder must be opened again.
    pub(crate) fn tree<'n>(&mut self, number: usize, name: &'n [u8]) -> io::Result<(&mut Tree, &'n [u8])> {
        let opening = self.opening;
        if let Some(name) = name.strip_prefix(b"/") {
            let root = match self.root.take() {
                Some(root) => root,
                None => opening.open(Path::new("/"))?,
            };
            return Ok((self.root.insert(root), name));
        }
        if self.all[number].tree.is_none() {
            let tree = opening.open(&self.all[number].path)?;
            if self.open.len() >= MOST_OPEN
                && let Some(oldest) = self.open.pop_front()
            {
                self.all[oldest].tree = None;
            }
            self.open.push_back(number);
            self.all[number].tree = Some(tree);
        }
        Ok((self.all[number].tree.as_mut().expect("it is open"), name))
    }
}

impl Opening {
    fn open(self, path: &Path) -> io::Result<Tree> {
        let mut tree = Tree::open(path)?;
        match self.follow {
            Follow::None => {}
            Follow::Folders => tree.follow_folders(),
            Follow::All => tree.follow_links(),
        }
        if self.keeps_access_times {
            tree.keep_access_times();
        }
        if self.reads_devices {
            tree.read_devices();
        }
        Ok(tree)
    }
}

impl Source {
    /// The folder as it was given.
    pub(crate) fn folder(&self) -> &[u8] {
        self.given.as_os_str().as_bytes()
    }

    /// The folder from the root on, without a slash at the end.
    pub(super) fn root(&self) -> Vec<u8> {
        let mut root = whole(&self.path);
        while root.ends_with(b"/") {
            root.pop();
        }
        root
    }

    /// The whole path of something below it, or of a name from the root on.
    pub(super) fn whole(&self, name: &[u8]) -> PathBuf {
        let path = match name.starts_with(b"/") {
            true => name.to_vec(),
            false => [&*self.root(), b"/", name].concat(),
        };
        PathBuf::from(OsString::from_vec(path))
    }

    /// The whole path, for messages.
    pub(crate) fn shown(&self, name: &[u8]) -> String {
        let path = match name {
            b"." | b"/." if self.root().is_empty() || name.len() > 1 => b"/".to_vec(),
            b"." => self.root(),
            name if name.starts_with(b"/") => name.to_vec(),
            name => [&*self.root(), b"/", name].concat(),
        };
        shown(&path)
    }
}

/// A path from the root on.
pub(super) fn whole(path: &Path) -> Vec<u8> {
    absolute(path).into_os_string().into_vec()
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{MOST_OPEN, Sources};

    #[test]
    fn few_folders_are_held_open() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sources = Sources {
            base: folder.path().to_owned(),
            ..Sources::default()
        };
        for number in 0..MOST_OPEN + 2 {
            let name = number.to_string();
            fs::create_dir(folder.path().join(&name)).expect("a folder");
            fs::write(folder.path().join(&name).join("f"), &name).expect("a file");
            assert_eq!(sources.enter(Path::new(&name)).expect("it is there"), number);
            assert_eq!(sources.enter(Path::new(&name)).expect("it is there"), number);
        }
        assert!(sources.enter(Path::new("none")).is_err());
        assert_eq!(sources.open.len(), MOST_OPEN);
        for number in [0, MOST_OPEN + 1] {
            let (tree, name) = sources.tree(number, b"f").expect("it opens");
            let content = tree.read_small_trusted(name).expect("a file");
            assert_eq!(content, number.to_string().as_bytes());
        }
        let whole = folder.path().join("0/f");
        let (tree, name) = sources
            .tree(5, whole.as_os_str().as_encoded_bytes())
            .expect("the root");
        assert_eq!(tree.read_small_trusted(name).expect("a file"), b"0");
    }
}
