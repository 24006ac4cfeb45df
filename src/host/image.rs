use std::{
    collections::HashMap,
    ffi::{OsStr, OsString},
    fs::{self, File},
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{ffi::OsStringExt as _, fs::OpenOptionsExt as _},
    },
    path::{Component as Part, Path, PathBuf},
    sync::OnceLock,
};

use nix::{
    dir::Dir,
    fcntl::{OFlag, openat, readlinkat},
    sys::stat::Mode,
};

use crate::host::{
    Fact, Host, LARGEST_FILE, Metadata, Tail, Unknown, User,
    live::{NOT_REGULAR, SAFE_TO_OPEN, attribute, describe, present, read_regular, tail_of, unknown},
    walk::{Step, Way},
};

/// The file system of another machine, below a folder of ours: a mounted disk, a container's root, a backup. Links
/// are followed inside it, and users are those of its `/etc/passwd`.
///
/// Every path is gone part by part from held folders, none through a link of which we have not asked where it leads:
/// whatever the image holds, and whoever changes it meanwhile, nothing outside is opened.
#[derive(Debug)]
pub struct Image {
    root: PathBuf,
    users: OnceLock<Fact<HashMap<String, Vec<u32>>>>,
    groups: OnceLock<Fact<HashMap<String, Vec<u32>>>>,
    outputs: HashMap<String, Fact<Vec<u8>>>,
}

/// Where the way to a path ends: a name in a held folder, or that folder itself.
struct Place {
    folder: OwnedFd,
    /// `.` for the folder itself.
    name: OsString,
    /// The same place as a path inside the image, without links.
    inside: PathBuf,
}

impl Place {
    fn open(&self, flags: OFlag) -> io::Result<File> {
        open(&self.folder, &self.name, flags)
    }

    fn metadata(&self) -> io::Result<fs::Metadata> {
        self.open(OFlag::O_PATH)?.metadata()
    }
}

impl Image {
    /// `root` is the folder that is the machine's `/`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            users: OnceLock::new(),
            groups: OnceLock::new(),
            outputs: HashMap::new(),
        }
    }

    /// The same with what a program printed there, by its command line; programs of an image do not run.
    #[must_use]
    pub fn with_output(mut self, command: &str, output: Fact<Vec<u8>>) -> Self {
        self.outputs.insert(command.to_owned(), output);
        self
    }

    /// A path of ours as the machine knows it; `None` if it does not lie below the root.
    pub fn inside(&self, ours: &Path) -> Option<PathBuf> {
        let absolute = |path: &Path| std::path::absolute(path).ok();
        let (root, ours) = (absolute(&self.root)?, absolute(ours)?);
        let below = lexical(&ours).starts_with(lexical(&root));
        let rest = ours.strip_prefix(&root).ok().filter(|_| below)?;
        Some(Path::new("/").join(rest))
    }

    /// Our path of a path of the machine, with every link followed inside it; `None` if there is nothing.
    ///
    /// # Errors
    /// The reason why nobody knows.
    pub fn outside(&self, path: &Path) -> Fact<Option<PathBuf>> {
        let place = self.place(path, true)?;
        Ok(place.map(|place| self.root.join(place.inside)))
    }

    /// Goes to a path, through the last link too if `follow`; `None` if nothing is there.
    fn place(&self, path: &Path, follow: bool) -> Fact<Option<Place>> {
        let mut root = fs::OpenOptions::new();
        root.read(true)
            .custom_flags((OFlag::O_PATH | OFlag::O_DIRECTORY).bits());
        let root: OwnedFd = root.open(&self.root).map_err(|error| unknown(&error))?.into();
        // What is passed, below the root.
        let mut passed: Vec<(OsString, OwnedFd)> = Vec::new();
        let mut way = Way::new(path);
        while let Some(step) = way.next() {
            let Step::Into(name) = step else {
                passed.pop();
                continue;
            };
            let here = passed.last().map_or(&root, |(_, folder)| folder);
            let Some(entry) = present(open(here, &name, OFlag::O_PATH))? else {
                return Ok(None);
            };
            let metadata = entry.metadata().map_err(|error| unknown(&error))?;
            if !metadata.is_symlink() || (way.is_done() && !follow) {
                passed.push((name, entry.into()));
                continue;
            }
            let target = readlinkat(&entry, "").map_err(|error| unknown(&error.into()))?;
            let target = PathBuf::from(target);
            way.follow(&target)?;
            if target.is_absolute() {
                passed.clear();
            }
        }
        let inside = passed.iter().map(|(name, _)| name).collect();
        let last = passed.pop();
        let folder = passed.pop().map_or(root, |(_, folder)| folder);
        Ok(Some(Place {
            folder,
            name: last.map_or_else(|| OsString::from("."), |(name, _)| name),
            inside,
        }))
    }

    /// The accounts of `/etc/passwd` or `/etc/group`: name, then the numbers behind the password.
    fn accounts<'a>(
        &self,
        file: &str,
        known: &'a OnceLock<Fact<HashMap<String, Vec<u32>>>>,
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
    fn output(&self, program: &str, arguments: &[&str]) -> Fact<Option<Vec<u8>>> {
        let command = [&[program], arguments].concat().join(" ");
        self.outputs.get(&command).cloned().transpose()
    }

    fn ours(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>> {
        let Some(place) = self.place(path, follow)? else {
            return Ok(None);
        };
        present(place.metadata()).map(|found| found.map(|metadata| describe(&metadata)))
    }

    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>> {
        let Some(place) = self.place(path, true)? else {
            return Ok(None);
        };
        let read = || {
            // To open a device may do something; to look at it does not.
            if !place.metadata()?.is_file() {
                return Err(io::Error::other(NOT_REGULAR));
            }
            read_regular(place.open(SAFE_TO_OPEN)?, LARGEST_FILE)
        };
        present(read())
    }

    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>> {
        let Some(place) = self.place(path, true)? else {
            return Ok(None);
        };
        let names = || -> io::Result<Vec<OsString>> {
            let mut folder = Dir::from_fd(place.open(OFlag::O_DIRECTORY)?.into())?;
            let names = folder.iter().map(|entry| {
                let name = entry?.file_name().to_bytes().to_vec();
                Ok(OsString::from_vec(name))
            });
            names
                .filter(|name| !matches!(name, Ok(name) if name == "." || name == ".."))
                .collect()
        };
        present(names())
    }

    fn read_link(&self, path: &Path) -> Fact<PathBuf> {
        let found = self.place(path, false)?;
        let place = found.ok_or_else(|| Unknown::Failed("it is not there".to_owned()))?;
        let target = readlinkat(&place.folder, &*place.name).map_err(|error| unknown(&error.into()))?;
        Ok(target.into())
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

    fn groups(&self, user: &str) -> Fact<Vec<String>> {
        let Some(account) = self.user(user)? else {
            return Ok(Vec::new());
        };
        let file = Path::new("/etc/group");
        let missing = || Unknown::Failed("the image has no /etc/group".to_owned());
        let bytes = self.read(file)?.ok_or_else(missing)?;
        let mut primary = Vec::new();
        let mut others = Vec::new();
        for line in String::from_utf8_lossy(&bytes).lines() {
            let [name, _, number, members] = &line.splitn(4, ':').collect::<Vec<_>>()[..] else {
                continue;
            };
            if number.parse() == Ok(account.gid) {
                primary.push((*name).to_owned());
            } else if members.split(',').any(|member| member.trim() == user) {
                others.push((*name).to_owned());
            }
        }
        primary.extend(others);
        Ok(primary)
    }

    fn tail(&self, path: &Path, most: u64) -> Fact<Option<Tail>> {
        let Some(place) = self.place(path, true)? else {
            return Ok(None);
        };
        let read = || {
            if !place.metadata()?.is_file() {
                return Err(io::Error::other(NOT_REGULAR));
            }
            tail_of(place.open(SAFE_TO_OPEN)?, most)
        };
        present(read())
    }

    fn attribute(&self, path: &Path, name: &str) -> Fact<Option<Vec<u8>>> {
        let Some(place) = self.place(path, true)? else {
            return Ok(None);
        };
        let held = place.open(OFlag::O_PATH).map_err(|error| unknown(&error))?;
        // The kernel takes attributes of a descriptor that is open for reading or writing alone, and of this link to it.
        let link = format!("/proc/self/fd/{}", held.as_raw_fd());
        attribute(Path::new(&link), name)
    }
}

/// Opens a name in a folder, and no link.
fn open(folder: &OwnedFd, name: &OsStr, flags: OFlag) -> io::Result<File> {
    let flags = flags | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
    Ok(openat(folder, name, flags, Mode::empty())?.into())
}

/// An absolute path without `..`, as it reads.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part == Part::ParentDir {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    plain
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
        let mut names = image
            .list(Path::new("/srv/absolute/.."))
            .expect("known")
            .expect("there");
        names.sort();
        assert_eq!(names, ["absolute", "climbing", "loop", "real"]);
        assert_eq!(image.list(Path::new("/")), Ok(Some(vec![OsString::from("srv")])));
        assert_eq!(
            image.read_link(Path::new("/srv/absolute")),
            Ok(PathBuf::from("/srv/real"))
        );
        assert_eq!(
            image.outside(Path::new("/srv/climbing/file")),
            Ok(Some(root.join("srv/real/file")))
        );
        let link = image
            .metadata(Path::new("/srv/absolute"), false)
            .expect("known")
            .expect("there");
        assert_eq!(link.kind, EntryKind::Link);
    }

    #[test]
    fn paths_of_ours_are_known_by_the_names_of_the_machine() {
        let image = Image::new("/mnt/server");
        for (ours, theirs) in [
            ("/mnt/server/etc/rsyncd.conf", Some("/etc/rsyncd.conf")),
            ("/mnt/server/./etc", Some("/etc")),
            ("/mnt/server", Some("/")),
            ("/mnt/server/../other/etc", None),
            ("/mnt/servers/etc", None),
            ("/etc/rsyncd.conf", None),
        ] {
            assert_eq!(image.inside(Path::new(ours)), theirs.map(PathBuf::from), "{ours}");
        }
    }

    #[test]
    fn what_is_no_file_is_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        nix::unistd::mkfifo(&folder.path().join("fifo"), Mode::from_bits_truncate(0o600)).expect("a fifo");
        let image = Image::new(folder.path());
        for path in ["/fifo", "/"] {
            assert_eq!(
                image.read(Path::new(path)),
                Err(Unknown::Failed(NOT_REGULAR.to_owned()))
            );
        }
    }

    #[test]
    fn users_are_those_of_the_image() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("etc")).expect("a folder");
        fs::write(folder.path().join("etc/passwd"), "joe:x:1007:1008::/:/bin/sh\n").expect("a file");
        let image = Image::new(folder.path());
        assert_eq!(image.user("joe"), Ok(Some(User { uid: 1007, gid: 1008 })));
        assert_eq!(image.user("ann"), Ok(None));
        assert_eq!(
            [1007, 1008].map(|uid| image.has_number(uid)),
            [Ok(true), Ok(false)]
        );
        assert!(image.group("joe").is_err());
        assert!(image.groups("joe").is_err());
        let groups = "staff:x:50:ann,joe\njoe:x:1008:\nwheel:x:51:joel\n";
        fs::write(folder.path().join("etc/group"), groups).expect("a file");
        assert_eq!(
            image.groups("joe"),
            Ok(vec!["joe".to_owned(), "staff".to_owned()])
        );
        assert_eq!(image.groups("ann"), Ok(Vec::new()));
    }
}
