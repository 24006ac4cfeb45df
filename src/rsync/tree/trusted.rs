use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs::File,
    io,
    os::{fd::OwnedFd, unix::ffi::OsStrExt as _},
    path::{Component, Path},
};

use nix::{
    errno::Errno,
    fcntl::{AT_FDCWD, AtFlags, OFlag, openat, readlinkat},
    sys::{
        stat::{Mode, SFlag, fstatat},
        statfs::{PROC_SUPER_MAGIC, fstatfs},
    },
    unistd::geteuid,
};

use crate::{
    rsync::tree::{Tree, folder::small},
    terms::UntrustedLink,
};

/// Symlinks on a way, before it is taken for endless (as Linux does).
const MOST_LINKS: usize = 40;

/// Opens a file that the user names, through no symlink of somebody else's: who plants one could have another file read
/// and sent (`open_no_attacker_symlinks` in syscall.c).
///
/// # Errors
///
/// What the system says, and one of which [`refusal`](crate::terms::refusal) has something to say.
pub fn open_trusted(path: &Path) -> io::Result<File> {
    open(path, OFlag::O_RDONLY).map(File::from)
}

/// The same of a folder, to find things below it.
///
/// # Errors
///
/// Those of [`open_trusted`].
pub(super) fn open_trusted_folder(path: &Path) -> io::Result<OwnedFd> {
    open(path, PLACE)
}

/// The content of such a file, if it is a small one. It does not wait for who writes to a named pipe.
///
/// # Errors
///
/// Those of [`open_trusted`], anything that is no regular file, and one that is too large.
pub fn read_small_trusted(path: &Path) -> io::Result<Vec<u8>> {
    small_regular(open(path, AT_ONCE)?)
}

const AT_ONCE: OFlag = OFlag::O_RDONLY.union(OFlag::O_NONBLOCK);

fn small_regular(file: OwnedFd) -> io::Result<Vec<u8>> {
    let file = File::from(file);
    match file.metadata()?.is_file() {
        true => small(file),
        false => Err(Errno::EINVAL.into()),
    }
}

/// The same to append to a file, which is made if it is not there (`logfile_open` in log.c).
///
/// # Errors
///
/// Those of [`open_trusted`].
pub fn append_trusted(path: &Path) -> io::Result<File> {
    open(path, OFlag::O_WRONLY | OFlag::O_APPEND | OFlag::O_CREAT).map(File::from)
}

/// Permissions of a file that is made.
const NEW: Mode = Mode::from_bits_truncate(0o644);

impl Tree {
    /// Sees to it that the folders on the way to a name are reached through no symlink of somebody else's.
    ///
    /// # Errors
    ///
    /// Those of [`open_trusted`].
    pub fn check_way(&self, way: &[u8]) -> io::Result<()> {
        self.open_below(way, PLACE).map(drop)
    }

    /// The content of a small file below, which may be reached through the user's own symlinks, wherever these lead.
    ///
    /// # Errors
    ///
    /// Those of [`read_small_trusted`].
    pub fn read_small_trusted(&self, name: &[u8]) -> io::Result<Vec<u8>> {
        small_regular(self.open_below(name, AT_ONCE)?)
    }

    pub(super) fn open_below(&self, name: &[u8], how: OFlag) -> io::Result<OwnedFd> {
        let root = openat(self.root(), ".", PLACE, Mode::empty())?;
        open_from(root, Path::new(OsStr::from_bytes(name)), how)
    }
}

fn open(path: &Path, how: OFlag) -> io::Result<OwnedFd> {
    if path.as_os_str().is_empty() && !how.contains(OFlag::O_DIRECTORY) {
        return Err(Errno::EINVAL.into());
    }
    let start = if path.is_absolute() { "/" } else { "." };
    open_from(openat(AT_FDCWD, start, PLACE, Mode::empty())?, path, how)
}

fn open_from(mut folder: OwnedFd, path: &Path, how: OFlag) -> io::Result<OwnedFd> {
    let mut left = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop_front() {
        if part == "/" {
            folder = openat(AT_FDCWD, "/", PLACE, Mode::empty())?;
            continue;
        }
        let found = match fstatat(&folder, &*part, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) if left.is_empty() && how.contains(OFlag::O_CREAT) => None,
            found => Some(found?),
        };
        let link =
            found.filter(|found| SFlag::from_bits_truncate(found.st_mode) & SFlag::S_IFMT == SFlag::S_IFLNK);
        if let Some(link) = link {
            links += 1;
            if link.st_uid != 0 && link.st_uid != geteuid().as_raw() {
                return Err(io::Error::other(UntrustedLink));
            }
            if links > MOST_LINKS {
                return Err(Errno::ELOOP.into());
            }
            let target = readlinkat(&folder, &*part)?;
            if left.is_empty() && names_no_path(&target) && is_of_processes(&folder)? {
                return Ok(openat(&folder, &*part, how | OFlag::O_CLOEXEC, NEW)?);
            }
            for part in parts(Path::new(&target)).into_iter().rev() {
                left.push_front(part);
            }
        } else if left.is_empty() {
            let flags = how | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC;
            return Ok(openat(&folder, &*part, flags, NEW)?);
        } else {
            folder = step(&folder, &part)?;
        }
    }
    // It is the root, or where the way began.
    match how.contains(OFlag::O_DIRECTORY) {
        true => Ok(folder),
        false => Err(Errno::EISDIR.into()),
    }
}

const PLACE: OFlag = OFlag::O_PATH
    .union(OFlag::O_DIRECTORY)
    .union(OFlag::O_CLOEXEC)
    .union(OFlag::O_NOFOLLOW);

fn step(folder: &OwnedFd, part: &OsStr) -> io::Result<OwnedFd> {
    Ok(openat(folder, part, PLACE, Mode::empty())?)
}

/// Whether a link's text is what the system shows of something open that has no name: `pipe:[1234]` of `<(…)` and of
/// `/dev/stdin`, or a file that was deleted.
fn names_no_path(target: &OsStr) -> bool {
    let text = target.as_encoded_bytes();
    let has_no_name = !text.contains(&b'/') && text.contains(&b':');
    has_no_name || text.ends_with(b" (deleted)")
}

/// Whether the links of a folder are the system's own, which lead to what is open whatever their text says.
fn is_of_processes(folder: &OwnedFd) -> io::Result<bool> {
    Ok(fstatfs(folder)?.filesystem_type() == PROC_SUPER_MAGIC)
}

fn parts(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| *part != Component::CurDir)
        .map(|part| part.as_os_str().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        io::{Read as _, Write as _},
        os::unix::fs::symlink,
        path::Path,
    };

    use nix::unistd::{Gid, Uid, fchownat};

    use super::{append_trusted, open_trusted, open_trusted_folder};
    use crate::terms::refusal;

    #[test]
    fn only_own_symlinks_are_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir(root.join("d")).expect("a folder");
        fs::write(root.join("d/file"), "text").expect("a file");
        symlink("d", root.join("way")).expect("a link");
        symlink("way/../way/./file", root.join("link")).expect("a link");
        symlink("loop", root.join("loop")).expect("a link");
        let read = |name: &str| {
            let mut text = String::new();
            open_trusted(&root.join(name)).map(|mut file| file.read_to_string(&mut text).map(|_| text))
        };
        for name in ["d/file", "way/file", "link"] {
            assert_eq!(read(name).expect("it opens").expect("text"), "text", "{name}");
        }
        for name in ["loop", "none"] {
            let error = read(name).expect_err("it is not there");
            assert_eq!(refusal(&error), "", "{name}");
        }
        for name in ["d", "way", "way/..", "way/."] {
            assert!(open_trusted_folder(&root.join(name)).is_ok(), "{name}");
        }
        for name in ["link", "loop", "none"] {
            assert!(open_trusted_folder(&root.join(name)).is_err(), "{name}");
        }
        assert!(open_trusted_folder(Path::new("/")).is_ok() && open_trusted_folder(Path::new(".")).is_ok());
        assert!(open_trusted(Path::new("/")).is_err());
        for text in ["one", "two"] {
            let mut file = append_trusted(&root.join("way/log")).expect("it is made");
            file.write_all(text.as_bytes()).expect("it is written");
        }
        assert_eq!(fs::read(root.join("d/log")).expect("a file"), b"onetwo");
        if nix::unistd::geteuid().is_root() {
            let (uid, gid) = (Some(Uid::from_raw(65534)), Some(Gid::from_raw(65534)));
            let flags = nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW;
            fchownat(nix::fcntl::AT_FDCWD, &root.join("way"), uid, gid, flags).expect("an owner");
            for name in ["way/file", "link"] {
                let error = read(name).expect_err("somebody else's link");
                assert_eq!(
                    error.to_string(),
                    "Too many levels of symbolic links (40)",
                    "{name}"
                );
                assert!(refusal(&error).starts_with("refusing to follow"), "{name}");
            }
        }
    }
}
