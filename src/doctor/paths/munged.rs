//! Links that the daemon has stored munged.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::{
    catalog::Severity,
    doctor::{
        Cause, Urgency,
        paths::{Judge, Served},
    },
    host::EntryKind,
};

/// What rsync puts in front of links (`SYMLINK_PREFIX` in rsync.h).
const PREFIX: &[u8] = b"/rsyncd-munged/";
/// So many entries of a module are looked at, and so long.
const MOST_ENTRIES: usize = 4096;
const LIMIT: Duration = Duration::from_millis(500);

/// Links of a module that lead nowhere for who uses its folder on the server. That is on purpose, and so only a note.
pub(super) fn look(module: &Served, judge: &Judge<'_>) -> Option<Cause> {
    if !module.munges_links {
        return None;
    }
    let (path, target) = first_link(module, judge)?;
    let facts = vec![format!("{} leads to {}", path.display(), target.display())];
    let cause = judge.cause("RSY624", module, Vec::new(), facts);
    Some(Cause {
        severity: Severity::Info,
        ..cause.of_kind("found").at(Urgency::Later)
    })
}

/// The first of them, those of the upper folders before those of the lower ones.
fn first_link(module: &Served, judge: &Judge<'_>) -> Option<(PathBuf, PathBuf)> {
    let start = Instant::now();
    let mut folders = VecDeque::from([module.path.clone()]);
    let mut seen = 0;
    while let Some(folder) = folders.pop_front() {
        for name in judge.host.list(&folder).ok().flatten().unwrap_or_default() {
            seen += 1;
            if seen > MOST_ENTRIES || start.elapsed() > LIMIT {
                return None;
            }
            let path = folder.join(name);
            match judge
                .host
                .metadata(&path, false)
                .ok()
                .flatten()
                .map(|found| found.kind)
            {
                Some(EntryKind::Directory) => folders.push_back(path),
                Some(EntryKind::Link) => {
                    let target = judge.host.read_link(&path).ok();
                    let is_munged = |target: &PathBuf| is_munged(target.as_os_str());
                    if let Some(target) = target.filter(is_munged) {
                        return Some((path, target));
                    }
                }
                _ => {}
            }
        }
    }
    None
}

fn is_munged(target: &OsStr) -> bool {
    target.as_bytes().starts_with(PREFIX)
}
