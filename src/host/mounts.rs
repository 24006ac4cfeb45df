use std::{
    ffi::OsString,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};

/// What is mounted where, for a process (proc_pid_mountinfo(5)).
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Mounts(Vec<Mount>);

/// Something mounted.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Mount {
    /// The folder, or the file, that it covers.
    pub point: PathBuf,
    /// The numbers of the file system.
    pub device: String,
    /// The part of the file system that is shown.
    pub root: PathBuf,
    /// The kind of file system.
    pub kind: String,
    /// What it comes from: a disk, a server.
    pub source: String,
    /// The options of the mount.
    pub options: String,
    /// The options of the file system.
    pub shared_options: String,
}

/// File systems whose files are another machine's, or a program's, which may know no root.
const FOREIGN: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "9p", "ceph"];

impl Mounts {
    /// Reads the table of a process; lines that are none are left out.
    pub fn read(table: &[u8]) -> Self {
        let lines = table.split(|&byte| byte == b'\n');
        Self(lines.filter_map(Mount::read).collect())
    }

    /// What a path lies on: the last one that covers it.
    pub fn of(&self, path: &Path) -> Option<&Mount> {
        let mut covering = self.0.iter().filter(|mount| path.starts_with(&mount.point));
        let first = covering.next()?;
        Some(covering.fold(first, |deepest, mount| {
            let is_deeper = mount.point.components().count() >= deepest.point.components().count();
            if is_deeper { mount } else { deepest }
        }))
    }
}

impl Mount {
    /// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
    fn read(line: &[u8]) -> Option<Self> {
        let fields: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
        let end = fields.iter().position(|field| *field == b"-")?;
        let text = |at: usize| Some(String::from_utf8_lossy(&unescaped(fields.get(at)?)).into_owned());
        let path = |at: usize| Some(PathBuf::from(OsString::from_vec(unescaped(fields.get(at)?))));
        (end >= 6).then_some(())?;
        Some(Self {
            point: path(4)?,
            device: text(2)?,
            root: path(3)?,
            kind: text(end + 1)?,
            source: text(end + 2)?,
            options: text(5)?,
            shared_options: text(end + 3)?,
        })
    }

    /// Whether nothing can be written there: the mount is read-only, or the whole file system is.
    pub fn is_read_only(&self) -> bool {
        let mut options = self.options.split(',').chain(self.shared_options.split(','));
        options.any(|option| option == "ro")
    }

    /// Whether the whole file system is read-only, and not this mount of it alone.
    pub fn is_read_only_everywhere(&self) -> bool {
        self.shared_options.split(',').any(|option| option == "ro")
    }

    /// Whether its files are another machine's or a program's, which may refuse root.
    pub fn is_foreign(&self) -> bool {
        FOREIGN.contains(&&*self.kind) || self.kind.starts_with("fuse")
    }

    /// Whether it shows the same files as another one: the same part of the same file system.
    pub fn shows_same(&self, path: &Path, other: &Self) -> bool {
        let inside = |mount: &Self| {
            let below = path.strip_prefix(&mount.point).unwrap_or_else(|_| Path::new(""));
            mount.root.join(below)
        };
        self.device == other.device && inside(self) == inside(other)
    }
}

/// A field, in which blanks and their like are written as `\040`.
pub(super) fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, behind)) = rest.split_first() {
        let digits = behind.get(..3).filter(|_| byte == b'\\');
        let number = digits.and_then(|digits| u8::from_str_radix(str::from_utf8(digits).ok()?, 8).ok());
        match number {
            Some(number) => {
                bytes.push(number);
                rest = &behind[3..];
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[u8] = b"22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw\n\
        30 22 0:26 / /home rw,nosuid - tmpfs tmpfs rw,size=4k\n\
        31 22 254:0 /srv /srv ro,relatime - ext4 /dev/vda rw\n\
        32 22 0:40 / /mnt/a\\040b rw shared:7 master:1 - nfs4 server:/export ro,vers=4.2\n\
        33 22 254:0 /home /home rw - ext4 /dev/vda rw\n\
        34 nonsense - x\n\
        \xff\n";

    #[test]
    fn the_last_mount_that_covers_a_path_counts() {
        let mounts = Mounts::read(TABLE);
        let of = |path: &str| mounts.of(Path::new(path)).expect("a mount");
        assert_eq!(of("/etc/x").point, Path::new("/"));
        assert_eq!(
            (&*of("/home/joe").kind, of("/srv/x").is_read_only()),
            ("ext4", true)
        );
        assert!(!of("/srv/x").is_read_only_everywhere());
        let nfs = of("/mnt/a b/c");
        assert!(nfs.is_foreign() && nfs.is_read_only_everywhere());
        assert_eq!(nfs.source, "server:/export");
        assert_eq!(Mounts::read(b"").of(Path::new("/")), None);
    }

    #[test]
    fn one_file_system_may_be_shown_twice() {
        let mounts = Mounts::read(TABLE);
        let path = Path::new("/srv/data");
        let root = mounts.of(Path::new("/")).expect("a mount");
        let bound = mounts.of(path).expect("a mount");
        assert!(bound.shows_same(path, root));
        let home = Path::new("/home/joe");
        let covered = Mounts(mounts.0[..2].to_vec());
        assert!(!covered.of(home).expect("a mount").shows_same(home, root));
    }
}
