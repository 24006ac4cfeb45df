//! Where systemd finds a unit and what administrators add to it (systemd.unit(5)).

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::host::{EntryKind, Host};

/// Where units are, the administrator's first; what stands in an earlier one hides what has its name in a later one.
pub const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Where programs are that are named without their folder, for systemd (systemd.exec(5)) and as a rule for daemons.
pub const PROGRAM_FOLDERS: [&str; 6] = [
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
];
/// Where a link in the place of a unit leads that is never to be started.
const MASK: &str = "/dev/null";

/// A file of a unit.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnitFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A unit as a machine has it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnitFiles {
    /// The place of its own file, which hides others of that name.
    pub place: PathBuf,
    /// Whether it is masked: whatever else is said of it, it is never started.
    pub is_masked: bool,
    /// Its own file, then its drop-ins in the order in which they are taken in; those that can be read. A masked unit has
    /// none.
    pub files: Vec<UnitFile>,
}

impl UnitFiles {
    /// The unit of a name, or the template of an instance; `None` if the machine has none that we may see.
    pub fn of(host: &dyn Host, name: &str) -> Option<Self> {
        let folders = folders(host);
        let found = Self::named(host, &folders, name);
        found.or_else(|| Self::named(host, &folders, &template(name)?))
    }

    fn named(host: &dyn Host, folders: &[PathBuf], name: &str) -> Option<Self> {
        let mut places = folders.iter().map(|folder| folder.join(name));
        let place = places.find(|place| matches!(host.metadata(place, true), Ok(Some(_))))?;
        let own = read(host, place.clone());
        let is_null = host.read_link(&place).is_ok_and(|to| to == Path::new(MASK));
        // An empty file counts for a link to it.
        if is_null || own.as_ref().is_some_and(|file| file.bytes.is_empty()) {
            return Some(Self {
                place,
                is_masked: true,
                files: Vec::new(),
            });
        }
        let added = drop_ins(host, folders, name);
        Some(Self {
            place,
            is_masked: false,
            files: own.into_iter().chain(added).collect(),
        })
    }
}

/// The names of the units of a kind that a machine has: those with that ending, in order.
pub fn units_with(host: &dyn Host, ending: &str) -> Vec<String> {
    let folders = folders(host).into_iter();
    let names = folders.flat_map(|folder| host.list(&folder).ok().flatten().unwrap_or_default());
    let mut names: Vec<_> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.ends_with(ending))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// The folders that are not the same as one before: `/lib` is mostly a link to `/usr/lib`.
fn folders(host: &dyn Host) -> Vec<PathBuf> {
    let has_link = matches!(
        host.metadata(Path::new("/lib"), false),
        Ok(Some(lib)) if lib.kind == EntryKind::Link
    );
    let folders = UNIT_FOLDERS.iter().map(PathBuf::from);
    folders
        .filter(|folder| !(has_link && folder.starts_with("/lib")))
        .collect()
}

/// What is added to a unit: by the order of names, of each name the file in the first folder, which may be masked.
fn drop_ins(host: &dyn Host, folders: &[PathBuf], name: &str) -> Vec<UnitFile> {
    let mut found: BTreeMap<OsString, PathBuf> = BTreeMap::new();
    for folder in folders {
        let folder = folder.join(format!("{name}.d"));
        let names = host.list(&folder).ok().flatten().unwrap_or_default();
        for name in names {
            if Path::new(&name)
                .extension()
                .is_some_and(|ending| ending == "conf")
            {
                let path = folder.join(&name);
                found.entry(name).or_insert(path);
            }
        }
    }
    found.into_values().filter_map(|path| read(host, path)).collect()
}

fn read(host: &dyn Host, path: PathBuf) -> Option<UnitFile> {
    let bytes = host.read(&path).ok()??;
    Some(UnitFile { path, bytes })
}

/// The template of an instance: `rsync@.service` of `rsync@3-1.service`.
fn template(name: &str) -> Option<String> {
    let (begin, rest) = name.split_once('@')?;
    let (_, ending) = rest.rsplit_once('.')?;
    Some(format!("{begin}@.{ending}"))
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::{UnitFiles, units_with};
    use crate::host::Image;

    #[test]
    fn the_first_file_of_a_name_counts() {
        let root = tempfile::tempdir().expect("a folder");
        let folder = |path: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            path
        };
        let write = |path: &str, text: &str| fs::write(folder(path), text).expect("a file");
        write("usr/lib/systemd/system/rsync.service", "vendor");
        write("usr/lib/systemd/system/rsync.service.d/20-b.conf", "vendor's b");
        write("usr/lib/systemd/system/rsync.service.d/10-a.conf", "vendor's a");
        write("etc/systemd/system/rsync.service.d/20-b.conf", "own b");
        write("etc/systemd/system/rsync.service.d/note.txt", "none");
        write("usr/lib/systemd/system/rsync@.service", "template");
        symlink("usr/lib", root.path().join("lib")).expect("a link");
        let image = Image::new(root.path());
        let texts = |name: &str| -> Vec<String> {
            let found = UnitFiles::of(&image, name);
            let files = found.into_iter().flat_map(|found| found.files);
            files
                .map(|file| String::from_utf8(file.bytes).expect("text"))
                .collect()
        };
        assert_eq!(texts("rsync.service"), ["vendor", "vendor's a", "own b"]);
        assert_eq!(texts("rsync@3-1.service"), ["template"]);
        assert_eq!(UnitFiles::of(&image, "rsync.socket"), None);
        assert_eq!(
            units_with(&image, ".service"),
            ["rsync.service", "rsync@.service"]
        );
        write("etc/systemd/system/rsync.service", "own");
        assert_eq!(texts("rsync.service"), ["own", "vendor's a", "own b"]);
        for make in [
            |path: &std::path::Path| fs::write(path, "").expect("a file"),
            |path: &std::path::Path| symlink("/dev/null", path).expect("a link"),
        ] {
            let place = folder("etc/systemd/system/rsync.service");
            fs::remove_file(&place).expect("it is there");
            make(&place);
            fs::create_dir_all(root.path().join("dev")).expect("a folder");
            fs::write(root.path().join("dev/null"), "").expect("a file");
            let found = UnitFiles::of(&image, "rsync.service").expect("a unit");
            assert!(found.is_masked && found.files.is_empty());
        }
    }
}
