//! The cures that may be offered: those of files that are this machine's, and that nobody else decides about.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::{
    doctor,
    host::{is_own, resolved},
    lint,
};

/// A cure that is safe.
pub(super) enum Offer<'r> {
    /// Edits of files that were checked, of all places of one rule.
    Edits(&'r lint::Report),
    /// The mode of a file.
    Mode(PathBuf, &'r lint::Report),
    /// Root as the owner of a file.
    Owner(PathBuf, &'r lint::Report),
}

impl Offer<'_> {
    /// Whether its files are this machine's: a daemon of a container, or with mounts of its own, may mean others by those
    /// paths.
    pub(super) fn is_here(&self, report: &doctor::Report) -> bool {
        let (Self::Edits(checked) | Self::Mode(_, checked) | Self::Owner(_, checked)) = self;
        let names: Vec<_> = checked
            .files
            .iter()
            .map(|(source, _)| checked.sources.get(*source).name())
            .collect();
        let mut paths: Vec<_> = names.iter().map(Path::new).collect();
        if let Self::Mode(path, _) | Self::Owner(path, _) = self {
            paths.push(path);
        }
        let known = report.servers.iter().zip(&report.views);
        let mut views = known.filter_map(|(known, view)| {
            let server = known.server.as_ref()?;
            names.contains(&server.name()).then_some(view.as_ref()?)
        });
        views.all(|view| paths.iter().all(|path| is_same(path, &view.outside(path))))
    }

    /// Whether nobody else decides what it changes: a stranger's daemon has a stranger's configuration, which may name any
    /// file of the machine.
    pub(super) fn is_trusted(&self) -> bool {
        let (Self::Edits(checked) | Self::Mode(_, checked) | Self::Owner(_, checked)) = self;
        let mut files = checked.files.iter();
        let are_own = files.all(|(source, _)| is_own(Path::new(checked.sources.get(*source).name())));
        are_own
            && match self {
                Self::Mode(path, _) | Self::Owner(path, _) => resolved(path).is_ok(),
                Self::Edits(_) => true,
            }
    }

    /// Whether who reads a file of passwords reads it still when nobody else may.
    pub(super) fn keeps_reader(&self) -> bool {
        let Self::Mode(path, checked) = self else {
            return true;
        };
        let reader = checked.circumstances.daemon_uid;
        reader == 0 || fs::metadata(path).is_ok_and(|found| found.uid() == reader)
    }
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    matches!((file(one), file(other)), (Some(one), Some(other)) if one == other)
}
