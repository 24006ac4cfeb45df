//! What a file's path says: what it is, and which machine's tree it belongs to.

use std::{
    ffi::OsString,
    path::{Component, Path, PathBuf},
};

use crate::{
    catalog::FileKind,
    host::Host,
    lint::{files::file_name, scripts},
    syntax::{
        inetd,
        unit::{self, Kind},
        xinetd,
    },
};

/// Folders of a machine's root that such files lie below.
const TOP_FOLDERS: [&str; 5] = ["etc", "lib", "run", "usr", "opt"];

/// Where a file belongs.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Place {
    /// The folder that stands for the machine's root, as far as the path tells.
    pub(super) root: PathBuf,
    /// The unit's name, for a drop-in too; else the file's.
    pub(super) name: String,
    /// The folder's name.
    pub(super) folder: String,
    /// Whether the root is that of a tree for sure.
    is_tree: bool,
}

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        let folder = path.parent().map(file_name).unwrap_or_default();
        let name = match folder.strip_suffix(".d").filter(|_| is_drop_in(path)) {
            Some(unit) => unit.to_owned(),
            None => file_name(path).to_owned(),
        };
        let is_unit = unit_suffix(&name);
        Self {
            root: root(path),
            name,
            // A unit and its drop-ins lie in folders of several names.
            folder: if is_unit { String::new() } else { folder.to_owned() },
            is_tree: tree(path).is_some(),
        }
    }

    /// Whether a file lies in another machine's tree: both have an `etc` or the like, below different folders.
    pub(super) fn is_elsewhere(&self, path: &Path) -> bool {
        self.is_tree && tree(path).is_some_and(|root| root != self.root)
    }

    /// Whether two places are in the trees of two machines.
    pub(super) fn is_of_another(&self, other: &Self) -> bool {
        self.is_tree && other.is_tree && self.root != other.root
    }

    /// How much two places have in common.
    pub(super) fn nearness(&self, other: &Self) -> usize {
        common(&self.root, &other.root)
    }
}

/// How many folders two paths share.
pub(super) fn common(one: &Path, other: &Path) -> usize {
    let pairs = one.components().zip(other.components());
    pairs.take_while(|(one, other)| one == other).count()
}

/// Whether the file adds to a unit.
pub(super) fn is_drop_in(path: &Path) -> bool {
    let folder = path.parent().map(file_name).unwrap_or_default();
    folder.ends_with(".service.d") || folder.ends_with(".socket.d")
}

/// The order in which systemd takes files of one unit in: its own, the vendor's before the administrator's; then
/// drop-ins by name.
pub(super) fn order(path: &Path) -> (bool, bool, OsString) {
    let name = path.file_name().map(OsString::from).unwrap_or_default();
    (is_drop_in(path), !is_below_usr(path), name)
}

/// Whether packages put files there.
pub(super) fn is_below_usr(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.contains("lib/systemd/system")
}

/// What a file of a service manager is, by its name.
pub(in crate::lint) fn by_name(path: &Path) -> Option<FileKind> {
    let name = file_name(path).to_ascii_lowercase();
    let folder = path.parent().map(file_name).unwrap_or_default();
    let is_rsync = |name: &str| name.contains("rsync");
    if is_rsync(&name) && unit_suffix(&name)
        || is_drop_in(path) && is_rsync(folder) && name.ends_with(".conf")
    {
        return Some(FileKind::Systemd);
    }
    if folder == "xinetd.d" && name.starts_with("rsync") || name == "xinetd.conf" {
        return Some(FileKind::Xinetd);
    }
    if name == "inetd.conf" {
        return Some(FileKind::Inetd);
    }
    let is_variables = matches!(folder, "default" | "sysconfig") && matches!(&*name, "rsync" | "rsyncd");
    is_variables.then_some(FileKind::Environment)
}

/// Whether a unit of another name in a folder that is searched starts one of our programs.
pub(in crate::lint) fn is_meant(path: &Path, place: &Path, host: &dyn Host) -> bool {
    let is_unit = file_name(path).ends_with(".service") && !is_drop_in(path);
    let starts_ours = |bytes: &[u8]| {
        let mut lines = bytes.split(|&byte| byte == b'\n');
        lines.any(|line| line.trim_ascii_start().starts_with(b"ExecStart=") && scripts::names_program(line))
    };
    is_unit && matches!(host.read(place), Ok(Some(bytes)) if starts_ours(&bytes))
}

/// What a file of a service manager is, by its content.
pub(in crate::lint) fn by_content(content: &[u8]) -> Option<FileKind> {
    let items = unit::parse(content).items;
    let is_section = |kind: &Kind| match kind {
        Kind::Section(name) => matches!(name.bytes(), b"Unit" | b"Service" | b"Socket"),
        _ => false,
    };
    let first = items
        .iter()
        .find(|item| !matches!(item.kind, Kind::Blank | Kind::Comment));
    if first.is_some_and(|item| is_section(&item.kind)) {
        return Some(FileKind::Systemd);
    }
    let document = xinetd::parse(content);
    if document.stray.is_empty() && document.entries.iter().any(|entry| !entry.attributes.is_empty()) {
        return Some(FileKind::Xinetd);
    }
    let is_service = |line: &inetd::Line| {
        let word = |index: usize| line.words.get(index).map(|word| &content[word.clone()]);
        word(1) == Some(b"stream") && word(2).is_some_and(|word| word.starts_with(b"tcp"))
    };
    if inetd::parse(content).iter().any(is_service) {
        return Some(FileKind::Inetd);
    }
    let has = |text: &[u8]| content.windows(text.len()).any(|window| window == text);
    (has(b"RSYNC_ENABLE=") || has(b"RSYNC_OPTS=")).then_some(FileKind::Environment)
}

fn unit_suffix(name: &str) -> bool {
    name.ends_with(".service") || name.ends_with(".socket")
}

/// The folder above the first one that every machine has; else the file's own, or the one above a folder of drop-ins.
fn root(path: &Path) -> PathBuf {
    if let Some(root) = tree(path) {
        return root;
    }
    let folder = path.parent().unwrap_or(path);
    let is_inner = is_drop_in(path) || matches!(file_name(folder), "xinetd.d" | "default" | "sysconfig");
    let folder = if is_inner {
        folder.parent().unwrap_or(folder)
    } else {
        folder
    };
    folder.to_owned()
}

/// The folder above the first one that every machine has.
fn tree(path: &Path) -> Option<PathBuf> {
    let mut root = PathBuf::new();
    for component in path.parent()?.components() {
        if let Component::Normal(name) = component
            && TOP_FOLDERS.iter().any(|folder| name == *folder)
        {
            return Some(root);
        }
        root.push(component);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_and_its_drop_ins_belong_together() {
        let unit = Place::of(Path::new("role/usr/lib/systemd/system/rsync.service"));
        let drop_in = Place::of(Path::new("role/etc/systemd/system/rsync.service.d/10-home.conf"));
        assert_eq!(unit, drop_in);
        assert_ne!(
            unit,
            Place::of(Path::new("other/etc/systemd/system/rsync.service"))
        );
    }

    #[test]
    fn trees_of_several_machines_are_told_apart() {
        let elsewhere = |one: &str, other: &str| Place::of(Path::new(one)).is_elsewhere(Path::new(other));
        assert!(elsewhere(
            "hosts/a/etc/systemd/system/rsync.service",
            "hosts/b/etc/rsyncd.conf"
        ));
        assert!(!elsewhere(
            "hosts/a/etc/systemd/system/rsync.service",
            "hosts/a/etc/rsyncd.conf"
        ));
        assert!(!elsewhere("systemd/rsync.service", "conf/rsyncd.conf"));
        assert!(!elsewhere(
            "etc/systemd/system/rsync.service",
            "files/rsyncd.conf"
        ));
    }

    #[test]
    fn files_are_known_by_name_and_content() {
        let name = |path: &str| by_name(Path::new(path));
        assert_eq!(name("rsyncd@.service"), Some(FileKind::Systemd));
        assert_eq!(name("rsync.service.d/override.conf"), Some(FileKind::Systemd));
        assert_eq!(name("etc/xinetd.d/rsync.bak"), Some(FileKind::Xinetd));
        assert_eq!(name("etc/default/rsync"), Some(FileKind::Environment));
        assert_eq!(name("nginx.service"), None);
        assert_eq!(by_content(b"# x\n[Service]\nUser=a\n"), Some(FileKind::Systemd));
        assert_eq!(
            by_content(b"service rsync {\n disable = no\n}\n"),
            Some(FileKind::Xinetd)
        );
        assert_eq!(by_content(b"RSYNC_ENABLE=true\n"), Some(FileKind::Environment));
        assert_eq!(
            by_content(b"rsync stream tcp nowait root /usr/bin/rsync rsync"),
            Some(FileKind::Inetd)
        );
        assert_eq!(by_content(b"[data]\npath = /srv\n"), None);
        assert_eq!(by_content(b"joe:x\n"), None);
    }
}
