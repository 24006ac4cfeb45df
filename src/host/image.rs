use std::{
    cell::OnceCell,
    collections::HashMap,
    ffi::OsString,
    fs,
    path::{Component as Part, Path, PathBuf},
};

use crate::host::{
    Fact, Host, Metadata, Unknown, User,
    live::{describe, plain, present, read_bounded},
};

/// As many links as Linux follows in one path.
const MOST_LINKS: usize = 40;

/// The file system of another machine, below a folder of ours: a mounted disk, a container's root, a backup. Links
/// are followed inside it, and users are those of its `/etc/passwd`.
#[derive(Debug)]
pub struct Image {
    root: PathBuf,
    users: OnceCell<Fact<HashMap<String, Vec<u32>>>>,
    groups: OnceCell<Fact<HashMap<String, Vec<u32>>>>,
}

impl Image {
    /// `root` is the folder that is the machine's `/`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            users: OnceCell::new(),
            groups: OnceCell::new(),
        }
    }

    /// Our path of a path of the image, with links resolved inside the image; `None` if a folder on the way is not
    /// there.
    fn resolve(&self, path: &Path, follow: bool) -> Fact<Option<PathBuf>> {
        let mut inside = PathBuf::new();
        let mut left: Vec<OsString> = parts(path);
        let mut links = 0;
        while let Some(part) = left.pop() {
            if part == ".." {
                inside.pop();
                continue;
            }
            let next = inside.join(&part);
            let ours = self.root.join(&next);
            let Some(metadata) = present(fs::symlink_metadata(&ours))? else {
                return Ok(left.is_empty().then_some(ours));
            };
            if !metadata.is_symlink() || (left.is_empty() && !follow) {
                inside = next;
                continue;
            }
            links += 1;
            if links > MOST_LINKS {
                return Err(Unknown::Failed("too many levels of symbolic links".to_owned()));
            }
            let target = fs::read_link(&ours).map_err(|error| Unknown::Failed(plain(&error)))?;
            if target.is_absolute() {
                inside = PathBuf::new();
            }
            left.extend(parts(&target));
        }
        Ok(Some(self.root.join(inside)))
    }

    /// The accounts of `/etc/passwd` or `/etc/group`: name, then the numbers behind the password.
    fn accounts<'a>(
        &self,
        file: &str,
        known: &'a OnceCell<Fact<HashMap<String, Vec<u32>>>>,
    ) -> Result<&'a HashMap<String, Vec<u32>>, Unknown> {
        let read = || {
            let bytes = self.read(Path::new(file))?;
            let bytes = bytes.ok_or_else(|| Unknown::Failed(format!("the image has no {file}")))?;
            let mut accounts = HashMap::new();
            for line in String::from_utf8_lossy(&bytes).lines() {
                let mut fields = line.split(':');
                let name = fields.next().unwrap_or_default().to_owned();
                let numbers = fields
                    .skip(1)
                    .map_while(|field| field.parse().ok())
                    .take(2)
                    .collect();
                // The first line of a name counts, as for the C library.
                accounts.entry(name).or_insert(numbers);
            }
            Ok(accounts)
        };
        known.get_or_init(read).as_ref().map_err(Clone::clone)
    }
}

impl Host for Image {
    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>> {
        let Some(path) = self.resolve(path, follow)? else {
            return Ok(None);
        };
        present(fs::symlink_metadata(path)).map(|found| found.map(|metadata| describe(&metadata)))
    }

    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>> {
        match self.resolve(path, true)? {
            Some(path) => present(read_bounded(&path)),
            None => Ok(None),
        }
    }

    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>> {
        let Some(path) = self.resolve(path, true)? else {
            return Ok(None);
        };
        let names =
            fs::read_dir(path).and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect());
        present(names)
    }

    fn read_link(&self, path: &Path) -> Fact<PathBuf> {
        let found = self.resolve(path, false)?;
        let path = found.ok_or_else(|| Unknown::Failed("it is not there".to_owned()))?;
        fs::read_link(path).map_err(|error| Unknown::Failed(plain(&error)))
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        let numbers = self.accounts("/etc/passwd", &self.users)?.get(name);
        Ok(match numbers.map(|numbers| &numbers[..]) {
            Some(&[uid, gid]) => Some(User { uid, gid }),
            _ => None,
        })
    }

    fn group(&self, name: &str) -> Fact<Option<u32>> {
        let numbers = self.accounts("/etc/group", &self.groups)?.get(name);
        Ok(numbers.and_then(|numbers| numbers.first().copied()))
    }
}

/// The parts of a path, last one first.
fn parts(path: &Path) -> Vec<OsString> {
    path.components()
        .rev()
        .filter_map(|part| match part {
            Part::Normal(name) => Some(name.to_owned()),
            Part::ParentDir => Some(OsString::from("..")),
            Part::CurDir | Part::Prefix(_) | Part::RootDir => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::host::EntryKind;

    #[test]
    fn links_stay_inside_the_image() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("srv/real")).expect("folders");
        fs::write(root.join("srv/real/file"), "x").expect("a file");
        symlink("/srv/real", root.join("srv/absolute")).expect("a link");
        symlink("../../../srv/real", root.join("srv/climbing")).expect("a link");
        symlink("loop", root.join("srv/loop")).expect("a link");
        let image = Image::new(root);
        for path in ["/srv/absolute/file", "/srv/climbing/file"] {
            assert_eq!(image.read(Path::new(path)), Ok(Some(b"x".to_vec())), "{path}");
        }
        assert_eq!(image.read(Path::new("/srv/none/file")), Ok(None));
        assert!(image.read(Path::new("/srv/loop")).is_err());
        let link = image
            .metadata(Path::new("/srv/absolute"), false)
            .expect("known")
            .expect("there");
        assert_eq!(link.kind, EntryKind::Link);
    }

    #[test]
    fn users_are_those_of_the_image() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("etc")).expect("a folder");
        fs::write(folder.path().join("etc/passwd"), "joe:x:1007:1008::/:/bin/sh\n").expect("a file");
        let image = Image::new(folder.path());
        assert_eq!(image.user("joe"), Ok(Some(User { uid: 1007, gid: 1008 })));
        assert_eq!(image.user("ann"), Ok(None));
        assert!(image.group("joe").is_err());
    }
}
