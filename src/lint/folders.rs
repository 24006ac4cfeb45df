//! Folders that are searched for files: what the configurations in them include is looked for in them too.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use crate::{
    catalog::FileKind,
    host::{Host, Unknown},
    lint::{engine::Input, files::HostFiles},
    model::{Files, NotOpened, Opened, resolve},
    terms::{Release, Source, Sources},
};

/// A folder that was searched.
pub struct Folder<'a> {
    /// How the user calls it.
    pub path: PathBuf,
    /// Where its machine has it.
    pub place: PathBuf,
    /// Who reads it.
    pub reader: &'a dyn Host,
}

/// The folders in which files were found, by the names of the files.
#[derive(Default)]
pub struct Folders<'a>(BTreeMap<String, Rc<Folder<'a>>>);

impl<'a> Folders<'a> {
    /// Takes note of where a file was found.
    pub fn note(&mut self, file: String, folder: Rc<Folder<'a>>) {
        self.0.insert(file, folder);
    }

    /// What a configuration includes, as its machine has it, else as its folder has it.
    pub(super) fn files<'f>(&'f self, name: &str, host: &'f dyn Host) -> FolderFiles<'f> {
        FolderFiles {
            host,
            file: PathBuf::from(name),
            folder: self.0.get(name).map(|folder| &**folder),
        }
    }

    /// Leaves out the configurations that were found, and that others include: they are read where they count.
    pub(super) fn without_included<'i>(&self, inputs: Vec<Input<'i>>, release: Release) -> Vec<Input<'i>> {
        let is_found = |input: &Input<'_>| {
            input.is_guess && input.kind == FileKind::RsyncdConf && self.0.contains_key(&input.name)
        };
        if inputs.iter().filter(|input| is_found(input)).count() < 2 {
            return inputs;
        }
        let mut included = BTreeSet::new();
        for input in &inputs {
            let may_include = input.bytes.contains(&b'&') && input.kind == FileKind::RsyncdConf;
            let is_included = |name: &str, place: Option<&Path>| {
                included.contains(Path::new(name)) || place.is_some_and(|place| included.contains(place))
            };
            // Of two that include each other, the first one counts.
            if !may_include || is_included(&input.name, input.path.as_deref()) {
                continue;
            }
            let files = self.files(&input.name, input.host);
            let mut sources = Sources::default();
            let source = sources.add(Source::new(input.name.clone(), input.bytes.clone()));
            for include in resolve(&mut sources, source, release, &files).includes {
                included.insert(PathBuf::from(sources.get(include.source).name()));
                included.insert(include.path);
            }
        }
        let is_left = |input: &Input<'_>| {
            let place = input.path.as_ref();
            let is_included = included.contains(Path::new(&input.name))
                || place.is_some_and(|place| included.contains(place));
            !(is_found(input) && is_included)
        };
        inputs.into_iter().filter(is_left).collect()
    }
}

/// Follows includes on a machine, and where no machine tells, in the folder in which the configuration was found.
pub(super) struct FolderFiles<'f> {
    host: &'f dyn Host,
    file: PathBuf,
    folder: Option<&'f Folder<'f>>,
}

impl Files for FolderFiles<'_> {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        let opened = HostFiles(self.host).open(path);
        match (&opened, self.found(path)) {
            (Err(NotOpened::Unknown(Unknown::NoHost | Unknown::Relative)), Some((_, place, folder))) => {
                HostFiles(folder.reader).open_place(&place)
            }
            _ => opened,
        }
    }

    fn name(&self, path: &Path) -> String {
        let opened = HostFiles(self.host).open(path);
        let path = match (opened, self.found(path)) {
            (Err(NotOpened::Unknown(Unknown::NoHost | Unknown::Relative)), Some((found, ..))) => found,
            _ => path.to_owned(),
        };
        path.display().to_string()
    }
}

impl FolderFiles<'_> {
    /// What the folder has for a path of the server: how the user calls it, and where the folder's machine has it.
    ///
    /// A copy of the server's files may begin anywhere: at its root, at /etc, at the configuration's own folder. The
    /// most of the path that is there counts.
    fn found(&self, path: &Path) -> Option<(PathBuf, PathBuf, &Folder<'_>)> {
        let folder = self.folder?;
        let mut names = Vec::new();
        for component in path.components() {
            match component {
                Component::Normal(name) => names.push(name),
                Component::RootDir | Component::CurDir => {}
                Component::ParentDir | Component::Prefix(_) => return None,
            }
        }
        let own = self.file.parent()?;
        for from in 0..names.len() {
            let rest: PathBuf = names[from..].iter().collect();
            // A name alone may be that of anything.
            let farthest = if from + 1 == names.len() {
                own
            } else {
                &folder.path
            };
            let above = own.ancestors().take_while(|above| above.starts_with(farthest));
            for above in above {
                let found = above.join(&rest);
                let place = folder.place.join(found.strip_prefix(&folder.path).ok()?);
                if let Ok(Some(_)) = folder.reader.metadata(&place, true) {
                    return Some((found, place, folder));
                }
            }
        }
        None
    }
}
