//! The files that systemd makes one service of: its own and its drop-ins (systemd.unit(5)).

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    path::{self, Path, PathBuf},
};

/// Where the system's units lie, the first one counting before the others.
const FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// A service's files.
pub(super) struct Pieces {
    /// The service's name.
    pub(super) name: String,
    /// In the order in which systemd takes them in.
    pub(super) files: Vec<Vec<u8>>,
    /// Which of them is the one that is asked about.
    pub(super) own: usize,
    /// Whether its own file is among them, and not drop-ins alone.
    pub(super) is_whole: bool,
}

impl Pieces {
    /// Those of the service that a file is one of; none where it is of no service.
    pub(super) fn of(path: &Path, file: &[u8]) -> Option<Self> {
        let path = path::absolute(path).ok()?;
        let folder = path.parent()?;
        let of_drop_in = folder
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".d"));
        let of_drop_in = of_drop_in.filter(|name| name.ends_with(".service"));
        let (name, folder) = match of_drop_in {
            Some(name) => (name, folder.parent()?),
            None => (path.file_name()?.to_str()?, folder),
        };
        if !name.ends_with(".service") {
            return None;
        }
        let alone = Self {
            name: name.to_owned(),
            files: vec![file.to_vec()],
            own: 0,
            is_whole: of_drop_in.is_none(),
        };
        let base = match of_drop_in {
            Some(_) => base(folder, name),
            None => Some(path.clone()),
        };
        let Some(base) = base else {
            return Some(alone);
        };
        let mut paths = vec![base];
        paths.extend(drop_ins(folder, name));
        // Another one of its name, in a folder that counts before its own, stands in its place.
        let Some(own) = paths.iter().position(|one| *one == path) else {
            return Some(alone);
        };
        let read = |(at, path): (usize, &PathBuf)| {
            if at == own {
                Some(file.to_vec())
            } else {
                read(path)
            }
        };
        let files: Option<Vec<_>> = paths.iter().enumerate().map(read).collect();
        Some(match files {
            Some(files) => Self {
                files,
                own,
                is_whole: true,
                ..alone
            },
            // What one of them says is not known.
            None => Self {
                is_whole: false,
                ..alone
            },
        })
    }
}

/// The folders that belong with one.
fn folders(own: &Path) -> Vec<&Path> {
    let of_system = FOLDERS.iter().map(Path::new);
    match of_system.clone().any(|folder| folder == own) {
        true => of_system.collect(),
        false => vec![own],
    }
}

/// A service's own file, or that of its template.
fn base(folder: &Path, name: &str) -> Option<PathBuf> {
    let names = [Some(name.to_owned()), template(name)];
    let mut places = names
        .into_iter()
        .flatten()
        .flat_map(|name| folders(folder).into_iter().map(move |folder| folder.join(&name)));
    places.find(|place| place.is_file())
}

fn template(name: &str) -> Option<String> {
    let (template, _) = name.split_once('@')?;
    Some(format!("{template}@.service"))
}

/// The drop-ins of a service: of two with one name the first counts.
fn drop_ins(own: &Path, name: &str) -> Vec<PathBuf> {
    let stem = name.strip_suffix(".service").unwrap_or(name);
    let mut names = vec![name.to_owned()];
    names.extend(template(name));
    let dashes = stem.char_indices().rev().filter(|(_, letter)| *letter == '-');
    names.extend(dashes.map(|(at, _)| format!("{}-.service", &stem[..at])));
    names.push("service".to_owned());
    let mut files: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for name in names {
        for folder in folders(own) {
            let found = fs::read_dir(folder.join(format!("{name}.d")));
            for file in found.into_iter().flatten().flatten().map(|entry| entry.path()) {
                let is_one = file.extension().is_some_and(|end| end == "conf");
                if let Some(name) = file.file_name().filter(|_| is_one) {
                    files.entry(name.to_owned()).or_insert_with(|| file.clone());
                }
            }
        }
    }
    files.into_values().collect()
}

fn read(file: &Path) -> Option<Vec<u8>> {
    let found = fs::metadata(file).ok()?;
    // One that leads to /dev/null takes the place of others of its name.
    match found.is_file() {
        true if found.len() <= LONGEST_FILE => fs::read(file).ok(),
        true => None,
        false => Some(Vec::new()),
    }
}
