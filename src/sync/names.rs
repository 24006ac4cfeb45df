use std::path::{Path, PathBuf};

use crate::{
    rsync::transfer::{FilesFrom, Options},
    sync::usage::UsageError,
    terms::Target,
};

/// The options that say which names are sent, and how.
#[derive(Debug, Default)]
pub(super) struct NameChoices {
    /// `--recursive` itself was given; that of `--archive` does not hold with a list of files.
    recursion_is_said: bool,
    /// `--dirs`, or `--no-dirs`.
    directories: Option<bool>,
    /// `--old-dirs`: what is in a folder is asked for as a tree without what is deeper, as old servers need it.
    is_flat_tree: bool,
    /// `--relative`, or `--no-relative`.
    relative: Option<bool>,
    /// `--files-from`.
    files_from: Option<String>,
}

/// Where a list of files is read.
#[derive(Debug, Default)]
pub(super) struct ListPlace {
    /// On this machine; `-` is standard input.
    pub(super) here: Option<PathBuf>,
    /// The machine that has it, if that was said.
    pub(super) host: Option<String>,
}

impl ListPlace {
    /// Whether the list can be had in a session with that machine.
    pub(super) fn check(&self, host: &str, password_file: Option<&Path>) -> Result<(), UsageError> {
        if self.host.as_ref().is_some_and(|other| *other != host) {
            return Err(UsageError::ListFromElsewhere);
        }
        let reads_input = |path: Option<&Path>| path.is_some_and(|path| path == "-");
        if reads_input(self.here.as_deref()) && reads_input(password_file) {
            return Err(UsageError::Together("--files-from=-", "--password-file=-"));
        }
        Ok(())
    }
}

impl NameChoices {
    /// Takes an option, without its `no-`; `false` if it is none of these.
    pub(super) fn option(
        &mut self,
        options: &mut Options,
        name: &str,
        is_on: bool,
        value: Option<&str>,
    ) -> bool {
        match name {
            "recursive" | "r" => (options.recursive, self.recursion_is_said) = (is_on, is_on),
            "dirs" | "d" => (self.directories, self.is_flat_tree) = (Some(is_on), false),
            "old-dirs" | "old-d" if is_on => (self.directories, self.is_flat_tree) = (None, true),
            "relative" | "R" => self.relative = Some(is_on),
            "implied-dirs" | "i-d" => options.no_implied_directories = !is_on,
            "files-from" if is_on => self.files_from = value.map(str::to_owned),
            _ => return false,
        }
        true
    }

    /// What `--old-dirs` keeps out of the transfer.
    pub(super) fn rule(&self) -> Option<&'static [u8]> {
        self.is_flat_tree.then_some(b"- /*/*")
    }

    /// What only all options together say; `count` is that of sources and destination (`parse_arguments` in options.c).
    pub(super) fn finish(self, options: &mut Options, count: usize) -> Result<ListPlace, UsageError> {
        let has_list = self.files_from.is_some();
        options.directories = self.directories.unwrap_or(has_list);
        options.directories_are_implied = self.directories.is_none();
        options.relative = self.relative.unwrap_or(has_list);
        options.directories |= self.is_flat_tree;
        options.recursive &= self.recursion_is_said || !has_list;
        options.recursive |= self.is_flat_tree;
        let Some(name) = self.files_from else {
            return Ok(ListPlace::default());
        };
        if count != 2 {
            return Err(UsageError::ManySources);
        }
        let mut place = ListPlace::default();
        match Target::parse(&name) {
            Target::Shell(remote) | Target::Daemon(remote) if name != "-" => {
                if remote.path == "-" {
                    return Err(UsageError::ListFromThere);
                }
                place.host = Some(remote.host).filter(|host| !host.is_empty());
                options.files_from = Some(FilesFrom::There(remote.path));
            }
            _ => {
                place.here = Some(PathBuf::from(name));
                options.files_from = Some(FilesFrom::Here(std::sync::Arc::default()));
            }
        }
        Ok(place)
    }
}
