//! A configuration that was written under another name than the one that a daemon reads.

use std::path::{Path, PathBuf};

use crate::{
    doctor::{absent::DEFAULT, daemon::written},
    host::Host,
};

/// Where guides, packages of other systems and habit put it.
const USUAL: [&str; 7] = [
    "/etc/rsync.conf",
    "/etc/rsyncd/rsyncd.conf",
    "/etc/rsync/rsyncd.conf",
    "/etc/rsyncd/rsync.conf",
    "/etc/rsync.d/rsyncd.conf",
    "/etc/rsyncd.cnf",
    "/usr/local/etc/rsyncd.conf",
];

/// A file with modules that stands where no daemon looks by itself, for one that is not there.
pub(super) fn found(host: &dyn Host, missing: &Path) -> Option<PathBuf> {
    let mut usual = USUAL.iter().filter(|_| missing == Path::new(DEFAULT));
    let has_modules = |path: &&&str| {
        let configuration = written(host, Path::new(path));
        configuration.is_some_and(|configuration| !configuration.modules.is_empty())
    };
    usual.find(has_modules).map(PathBuf::from)
}
