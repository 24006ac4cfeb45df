//! What is to be mounted at boot (fstab(5)).

use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

use crate::host::{Fact, Host, mounts::unescaped};

/// A line of `/etc/fstab`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PlannedMount {
    /// What is mounted: a disk, a server.
    pub source: String,
    /// Where.
    pub point: PathBuf,
    /// The options.
    pub options: Vec<String>,
}

/// The mounts that `/etc/fstab` has; none where there is no such file. Swap and what is mounted nowhere is left out.
///
/// # Errors
/// The reason why nobody knows.
pub fn planned_mounts(host: &dyn Host) -> Fact<Vec<PlannedMount>> {
    let table = host.read(Path::new("/etc/fstab"))?.unwrap_or_default();
    let lines = table.split(|&byte| byte == b'\n');
    Ok(lines.filter_map(PlannedMount::read).collect())
}

impl PlannedMount {
    fn read(line: &[u8]) -> Option<Self> {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        let source = words.next().filter(|word| !word.starts_with(b"#"))?;
        let point = PathBuf::from(OsString::from_vec(unescaped(words.next()?)));
        let options = words.nth(1).unwrap_or(b"defaults");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        point.is_absolute().then(|| Self {
            source: text(&unescaped(source)),
            point,
            options: text(options).split(',').map(str::to_owned).collect(),
        })
    }

    /// The one of several that a path lies on: the deepest.
    pub fn of<'p>(planned: &'p [Self], path: &Path) -> Option<&'p Self> {
        let holding = planned.iter().filter(|mount| path.starts_with(&mount.point));
        holding.max_by_key(|mount| mount.point.components().count())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{PlannedMount, planned_mounts};
    use crate::host::Image;

    #[test]
    fn the_deepest_line_holds_a_path() {
        let root = tempfile::tempdir().expect("a folder");
        let image = Image::new(root.path());
        assert_eq!(planned_mounts(&image), Ok(Vec::new()));
        let table = "# disks\n\nUUID=0 / ext4 defaults 0 1\n/dev/vdb1\t/srv ext4 defaults,nofail 0 2\n\
            /dev/vdc1 /srv/a\\040b xfs\n/dev/vdd none swap sw 0 0\n/dev/vde\n";
        std::fs::create_dir(root.path().join("etc")).expect("a folder");
        std::fs::write(root.path().join("etc/fstab"), table).expect("a file");
        let planned = planned_mounts(&image).expect("a table");
        let of = |path: &str| PlannedMount::of(&planned, Path::new(path)).expect("a mount");
        assert_eq!(of("/srv/x").options, ["defaults", "nofail"]);
        assert_eq!(of("/srv/a b/x").source, "/dev/vdc1");
        assert_eq!(of("/etc").point, Path::new("/"));
        assert_eq!(planned.len(), 3);
    }
}
