use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, chown, symlink},
    path::{Path, PathBuf},
};

use nix::unistd::{Group, User, geteuid};
use rsyncctl::terms::Release;
use tempfile::TempDir;

use crate::support::{
    daemon::installed,
    examples::{Block, ExampleCase, unescape},
    skip,
};

/// Folders of a server that examples name; in a staged machine they lie below its root.
const FOLDERS: [&str; 9] = ["srv", "etc", "var", "run", "opt", "home", "mnt", "data", "tmp"];

/// A machine's files, staged below a temporary folder.
pub(crate) struct Machine {
    folder: TempDir,
}

impl Machine {
    /// A machine with the users root and nobody, and a few things that every system has.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let machine = Self { folder };
        machine.line("file /etc/passwd = root:x:0:0::/root:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n");
        machine.line("file /etc/group = root:x:0:\nnogroup:x:65534:\n");
        for line in [
            "dir /run",
            "dir /tmp 1777",
            "dir /var/log",
            "dir /var/run",
            "file /bin/false 0755",
            "file /bin/sh 0755",
            "file /bin/true 0755",
        ] {
            machine.line(line);
        }
        machine
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Our path of a path of the machine.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }

    /// `dir PATH [MODE [OWNER]]`, `file PATH [MODE [OWNER]] [= TEXT]`, `link PATH -> TARGET [OWNER]`.
    pub(crate) fn line(&self, line: &str) {
        let (head, text) = line.split_once(" = ").unwrap_or((line, ""));
        let words: Vec<&str> = head.split_whitespace().collect();
        let path = self.path(words[1]);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        match words[0] {
            "dir" => fs::create_dir_all(&path).expect("a folder"),
            "file" => fs::write(&path, self.text(&unescape(&text.replace("\\n", "\n")))).expect("a file"),
            "link" => {
                let target = self.text(words[3].as_bytes());
                symlink(String::from_utf8(target).expect("text"), &path).expect("a link");
                if let Some(owner) = words.get(4) {
                    let (uid, gid) = ids(owner);
                    std::os::unix::fs::lchown(&path, Some(uid), Some(gid)).expect("root changes owners");
                }
                return;
            }
            other => panic!("unknown line `{other}` of a tree"),
        }
        self.attributes(&path, words.get(2).map(|mode| octal(mode)), words.get(3).copied());
    }

    /// Puts a block of an example where it says, with a text that may name our paths.
    fn block(&self, block: &Block, text: &[u8]) {
        let Some(path) = &block.path else {
            return;
        };
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, text).expect("a file");
        self.attributes(&path, block.mode, block.owner.as_deref());
    }

    /// Stages a whole example for a daemon, which sees our paths.
    pub(crate) fn example(&self, tree: &[String], case: &ExampleCase) {
        for line in tree {
            self.line(line);
        }
        for block in &case.blocks {
            self.block(block, &self.text(&block.text));
        }
    }

    /// Stages a whole example as an image of the machine, whose files name the machine's paths.
    pub(crate) fn image(&self, tree: &[String], case: &ExampleCase) {
        for line in tree {
            self.line(line);
        }
        for block in &case.blocks {
            self.block(block, &block.text);
        }
    }

    /// A text with every path of the machine made one of ours.
    pub(crate) fn text(&self, text: &[u8]) -> Vec<u8> {
        let mut staged = Vec::with_capacity(text.len());
        let root = self.root().as_os_str().as_encoded_bytes();
        for (at, &byte) in text.iter().enumerate() {
            let starts_path = byte == b'/'
                && (at == 0 || b" \t\n=\"',:".contains(&text[at - 1]))
                && FOLDERS.iter().any(|folder| {
                    let behind = &text[at + 1..];
                    behind.starts_with(folder.as_bytes())
                        && behind
                            .get(folder.len())
                            .is_none_or(|next| !next.is_ascii_alphanumeric())
                });
            if starts_path {
                staged.extend(root);
            }
            staged.push(byte);
        }
        staged
    }

    fn attributes(&self, path: &Path, mode: Option<u32>, owner: Option<&str>) {
        if let Some(owner) = owner {
            let (uid, gid) = ids(owner);
            chown(path, Some(uid), Some(gid)).expect("root changes owners");
        }
        let default = if path.is_dir() { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode.unwrap_or(default))).expect("a mode");
    }
}

/// The release of the rsync that is installed, where owners may be changed too; else says why the test is left out.
pub(crate) fn release_for_root() -> Option<Release> {
    if !is_root() {
        skip("it stages owners and modes, which needs root");
        return None;
    }
    installed().inspect_err(|reason| skip(reason)).ok()
}

/// Whether the tests may change owners and take on other identities.
pub(crate) fn is_root() -> bool {
    geteuid().is_root()
}

fn ids(owner: &str) -> (u32, u32) {
    let user = User::from_name(owner)
        .expect("users")
        .expect("a user of this machine");
    let group = Group::from_gid(user.gid)
        .expect("groups")
        .map_or(user.gid, |group| group.gid);
    (user.uid.as_raw(), group.as_raw())
}

fn octal(mode: &str) -> u32 {
    u32::from_str_radix(mode, 8).expect("an octal mode")
}
