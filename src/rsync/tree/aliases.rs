use std::{
    collections::{HashMap, VecDeque},
    ffi::OsStr,
    io,
    os::{fd::AsFd as _, unix::ffi::OsStrExt as _},
    sync::{Arc, Mutex},
};

use nix::{
    errno::Errno,
    fcntl::{AtFlags, readlinkat},
    sys::stat::fstatat,
    unistd::geteuid,
};

use crate::rsync::{
    proto::file_list::FileKind,
    tree::{Status, Tree, walk::beneath},
};

/// Symlinks on a way, before it is taken for endless (as Linux does).
const MOST_LINKS: usize = 40;

/// Symlinks of a tree that stand for the folders that they lead to (`--keep-dirlinks`), and where in the tree these are. One
/// that leads out of the tree, or that somebody else owns, leads nowhere.
#[derive(Debug, Default)]
pub(super) struct Aliases(Mutex<HashMap<Vec<u8>, Option<Vec<u8>>>>);

impl Aliases {
    fn note(&self, name: &[u8], place: Option<Vec<u8>>) {
        let mut all = self.0.lock().expect("no thread panics with it");
        all.insert(name.to_vec(), place);
    }

    /// Whether a name is that of a symlink.
    pub(super) fn contains(&self, name: &[u8]) -> bool {
        let all = self.0.lock().expect("no thread panics with it");
        all.contains_key(name)
    }

    /// Where a folder is if symlinks stand for others on the way to it.
    ///
    /// # Errors
    ///
    /// `ELOOP` if one of them leads nowhere.
    pub(super) fn place(&self, folder: &[u8]) -> io::Result<Vec<u8>> {
        let all = self.0.lock().expect("no thread panics with it");
        let mut end = folder.len();
        loop {
            if let Some(place) = all.get(&folder[..end]) {
                let place = place.as_ref().ok_or(Errno::ELOOP)?;
                let rest = &folder[end..];
                let whole = match place.is_empty() {
                    true => rest.strip_prefix(b"/").unwrap_or(rest).to_vec(),
                    false => [&**place, rest].concat(),
                };
                return Ok(whole);
            }
            match folder[..end].iter().rposition(|&byte| byte == b'/') {
                Some(slash) => end = slash,
                None => return Ok(folder.to_vec()),
            }
        }
    }
}

impl Tree {
    /// From here on symlinks to folders stand for these, wherever [`Self::status_of_folder`] meets them.
    pub fn keep_links(&mut self) {
        self.aliases = Some(Arc::default());
    }

    /// What is there, or what a symlink there leads to if that is a folder, and symlinks are kept: the symlink stands for it
    /// from then on.
    ///
    /// # Errors
    ///
    /// What the system says, except that there is nothing.
    pub fn status_of_folder(&mut self, name: &[u8]) -> io::Result<Option<Status>> {
        let Some(aliases) = self.aliases.clone() else {
            return self.status(name);
        };
        let (folder, base) = match name.iter().rposition(|&byte| byte == b'/') {
            Some(slash) => (aliases.place(&name[..slash])?, &name[slash + 1..]),
            None => (Vec::new(), name),
        };
        let base = OsStr::from_bytes(base);
        let there = match self.open_folder(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            there => there?,
        };
        let found = match fstatat(&*there, base, AtFlags::AT_SYMLINK_NOFOLLOW) {
            Err(Errno::ENOENT) => return Ok(None),
            found => Status::from(found?),
        };
        let led = fstatat(&*there, base, AtFlags::empty()).map(Status::from);
        let led = led.ok().filter(|led| led.kind() == FileKind::Directory);
        let Some(led) = led.filter(|_| found.kind() == FileKind::Symlink) else {
            return Ok(Some(found));
        };
        let mut way = parts(&folder).collect();
        let led_to = self.follow(&mut way, None, base.as_bytes());
        aliases.note(name, led_to.ok().map(|()| way.join(&b'/')));
        Ok(Some(led))
    }

    /// The tree for what must stay in it, whatever symlinks this one follows, and the place of a name there: those on the way
    /// that lead below the folder in which they stand are followed, and no others (`held_dir_path_fd` in syscall.c).
    ///
    /// # Errors
    ///
    /// `ELOOP` where one leads elsewhere, and what the system says.
    pub fn place_within(&self, name: &[u8]) -> io::Result<(Self, Vec<u8>)> {
        let start = name
            .iter()
            .rposition(|&byte| byte == b'/')
            .map_or(0, |slash| slash + 1);
        let mut way = Vec::new();
        for part in parts(&name[..start]) {
            let below = Some(way.len());
            self.follow(&mut way, below, &part)?;
        }
        way.push(name[start..].to_vec());
        Ok((self.without_following(), way.join(&b'/')))
    }

    /// Goes on from a folder of the tree to where something leads that is in it: below so many of its folders, or anywhere in
    /// the tree, and then through nobody else's symlinks.
    fn follow(&self, way: &mut Vec<Vec<u8>>, below: Option<usize>, base: &[u8]) -> io::Result<()> {
        let mut left: VecDeque<Vec<u8>> = parts(base).collect();
        let mut links = 0;
        while let Some(part) = left.pop_front() {
            if part == b".." {
                if way.len() <= below.unwrap_or(0) {
                    return Err(Errno::ELOOP.into());
                }
                way.pop();
                continue;
            }
            let there = beneath(self.root().as_fd(), &way.join(&b'/'))?;
            let base = OsStr::from_bytes(&part);
            let found = Status::from(fstatat(&there, base, AtFlags::AT_SYMLINK_NOFOLLOW)?);
            if found.kind() != FileKind::Symlink {
                way.push(part);
                continue;
            }
            links += 1;
            let target = readlinkat(&there, base)?;
            let is_trusted = below.is_some() || found.uid == 0 || found.uid == geteuid().as_raw();
            if !is_trusted || links > MOST_LINKS || target.as_bytes().starts_with(b"/") {
                return Err(Errno::ELOOP.into());
            }
            for part in parts(target.as_bytes()).rev() {
                left.push_front(part);
            }
        }
        Ok(())
    }
}

fn parts(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    let parts = path.split(|&byte| byte == b'/');
    parts
        .filter(|part| !matches!(*part, b"" | b"."))
        .map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use nix::{
        errno::Errno,
        fcntl::{AT_FDCWD, AtFlags},
        unistd::{Gid, Uid, fchownat, geteuid},
    };

    use crate::rsync::{proto::file_list::FileKind, tree::Tree};

    #[test]
    fn symlinks_within_the_tree_stand_for_folders() {
        let outside = tempfile::tempdir().expect("a folder");
        let root = outside.path().join("root");
        fs::create_dir_all(root.join("real/deep")).expect("folders");
        fs::write(root.join("real/f"), "in").expect("a file");
        fs::write(outside.path().join("f"), "out").expect("a file");
        for (name, target) in [
            ("near", "real"),
            ("real/deep/up", "../../real/./deep/.."),
            ("twice", "near"),
            ("here", "."),
            ("out", ".."),
            ("whole", root.to_str().expect("text")),
            ("loop", "loop"),
            ("file", "real/f"),
            ("foreign", "real"),
        ] {
            symlink(target, root.join(name)).expect("a link");
        }
        let mut tree = Tree::open(&root).expect("a folder");
        let kind = |tree: &mut Tree, name: &str| {
            let status = tree.status_of_folder(name.as_bytes()).expect("it is read");
            status.map(|status| status.kind())
        };
        assert_eq!(kind(&mut tree, "near"), Some(FileKind::Symlink));
        tree.keep_links();
        assert!(tree.read(b"near/f").is_err(), "it is not known yet");
        let mut copy = tree.clone();
        for name in ["near", "twice", "near/deep/up", "here", "here/near"] {
            assert_eq!(kind(&mut tree, name), Some(FileKind::Directory), "{name}");
        }
        for name in [
            "near/f",
            "twice/f",
            "near/deep/up/f",
            "here/real/f",
            "here/near/f",
        ] {
            assert_eq!(
                copy.read_small_trusted(name.as_bytes()).expect("a file"),
                b"in",
                "{name}"
            );
        }
        let names = copy.contents(b"near").expect("a folder").count();
        assert_eq!(names, 2);
        assert_eq!(kind(&mut tree, "loop"), Some(FileKind::Symlink));
        assert_eq!(kind(&mut tree, "file"), Some(FileKind::Symlink));
        assert_eq!(kind(&mut tree, "none/x"), None);
        let mut refused = vec!["out", "whole"];
        if geteuid().is_root() {
            let (uid, gid) = (Some(Uid::from_raw(65534)), Some(Gid::from_raw(65534)));
            let flags = AtFlags::AT_SYMLINK_NOFOLLOW;
            fchownat(AT_FDCWD, &root.join("foreign"), uid, gid, flags).expect("an owner");
            refused.push("foreign");
        }
        for name in refused {
            assert_eq!(kind(&mut tree, name), Some(FileKind::Directory), "{name}");
            let error = copy.read(format!("{name}/f").as_bytes()).expect_err(name);
            assert_eq!(error.raw_os_error(), Some(Errno::ELOOP as i32), "{name}");
            assert!(copy.contents(name.as_bytes()).is_err(), "{name}");
        }
    }
}
