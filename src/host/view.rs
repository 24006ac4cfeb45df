use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::host::{Fact, Host, Image, Live, Metadata, Tail, User};

/// This machine as one of its processes sees it: with that process's mounts, and in a container with its files and users.
#[derive(Debug)]
pub struct View {
    files: Image,
    has_own_users: bool,
}

impl View {
    /// What a process sees that has mounts of its own, and our users.
    pub fn of(process: u32) -> Self {
        Self {
            files: Image::new(root(process)),
            has_own_users: false,
        }
    }

    /// What a process of a container sees.
    pub fn of_container(process: u32) -> Self {
        Self {
            has_own_users: true,
            ..Self::of(process)
        }
    }

    fn users(&self) -> &dyn Host {
        if self.has_own_users { &self.files } else { &Live }
    }

    /// Our own path of a path that the process sees; links from the root on lead elsewhere for us.
    pub fn outside(&self, path: &Path) -> PathBuf {
        self.files.ours(path)
    }
}

/// The root folder of a process.
fn root(process: u32) -> PathBuf {
    PathBuf::from(format!("/proc/{process}/root"))
}

impl Host for View {
    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>> {
        self.files.metadata(path, follow)
    }

    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>> {
        self.files.read(path)
    }

    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>> {
        self.files.list(path)
    }

    fn read_link(&self, path: &Path) -> Fact<PathBuf> {
        self.files.read_link(path)
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        self.users().user(name)
    }

    fn has_number(&self, uid: u32) -> Fact<bool> {
        self.users().has_number(uid)
    }

    fn group(&self, name: &str) -> Fact<Option<u32>> {
        self.users().group(name)
    }

    fn groups(&self, user: &str) -> Fact<Vec<String>> {
        self.users().groups(user)
    }

    fn attribute(&self, path: &Path, name: &str) -> Fact<Option<Vec<u8>>> {
        self.files.attribute(path, name)
    }

    fn tail(&self, path: &Path, most: u64) -> Fact<Option<Tail>> {
        self.files.tail(path, most)
    }
}
