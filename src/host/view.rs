use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use crate::host::{Fact, Host, Image, Live, Metadata, Tail, User};

/// This machine as one of its processes sees it: with that process's mounts, and our users.
#[derive(Debug)]
pub struct View(Image);

impl View {
    /// What that process sees.
    pub fn of(process: u32) -> Self {
        Self(Image::new(format!("/proc/{process}/root")))
    }
}

impl Host for View {
    fn metadata(&self, path: &Path, follow: bool) -> Fact<Option<Metadata>> {
        self.0.metadata(path, follow)
    }

    fn read(&self, path: &Path) -> Fact<Option<Vec<u8>>> {
        self.0.read(path)
    }

    fn list(&self, path: &Path) -> Fact<Option<Vec<OsString>>> {
        self.0.list(path)
    }

    fn read_link(&self, path: &Path) -> Fact<PathBuf> {
        self.0.read_link(path)
    }

    fn user(&self, name: &str) -> Fact<Option<User>> {
        Live.user(name)
    }

    fn group(&self, name: &str) -> Fact<Option<u32>> {
        Live.group(name)
    }

    fn groups(&self, user: &str) -> Fact<Vec<String>> {
        Live.groups(user)
    }

    fn attribute(&self, path: &Path, name: &str) -> Fact<Option<Vec<u8>>> {
        self.0.attribute(path, name)
    }

    fn tail(&self, path: &Path, most: u64) -> Fact<Option<Tail>> {
        self.0.tail(path, most)
    }
}
