//! What of a machine is a process's own: its mounts, its network.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// Which files a process sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Space {
    /// Ours, as far as we may see.
    Ours,
    /// Ours, with mounts of its own.
    OwnMounts,
    /// Those of a container.
    Other,
}

impl Space {
    /// That of a process of a folder like `/proc`.
    pub(super) fn of(root: &Path, process: &Path) -> Self {
        let own = root.join("self");
        let mounts = |process: &Path| fs::read_link(process.join("ns/mnt")).ok();
        let top = |process: &Path| {
            let found = fs::metadata(process.join("root")).ok()?;
            Some((found.dev(), found.ino()))
        };
        match (mounts(process), mounts(&own)) {
            (Some(theirs), Some(ours)) if theirs != ours => match (top(process), top(&own)) {
                (Some(theirs), Some(ours)) if theirs == ours => Self::OwnMounts,
                _ => Self::Other,
            },
            (None, _) if has_other_top(process, &own) => Self::Other,
            _ => Self::Ours,
        }
    }
}

/// Whether a process whose name space we may not see has another root folder than we. Everybody may read its table of mounts,
/// which begins at its root folder: one that is no mount is not in it (proc_pid_mountinfo(5)).
fn has_other_top(process: &Path, own: &Path) -> bool {
    let top = |process: &Path| {
        let table = fs::read_to_string(process.join("mountinfo")).ok()?;
        let mounts = table.lines().map(|line| line.split(' ').collect::<Vec<_>>());
        let mut tops = mounts.filter(|fields| fields.get(4) == Some(&"/"));
        Some(
            tops.next_back()
                .map(|fields| (fields[2].to_owned(), fields[3].to_owned())),
        )
    };
    match (top(process), top(own)) {
        (Some(theirs), Some(ours @ Some(_))) => theirs != ours,
        _ => false,
    }
}

/// Whether a process has mounts of its own among which we may not look: root alone may read which name space it is in, and
/// everybody its table, whose mounts all have other numbers there than ours (mount_namespaces(7), proc_pid_mountinfo(5)).
pub fn has_shut_mounts(process: u32) -> bool {
    let folder = PathBuf::from(format!("/proc/{process}"));
    let numbers = |folder: &Path| -> BTreeSet<u64> {
        let table = fs::read_to_string(folder.join("mountinfo")).unwrap_or_default();
        let number = |line: &str| line.split(' ').next()?.parse().ok();
        table.lines().filter_map(number).collect()
    };
    let (theirs, ours) = (numbers(&folder), numbers(Path::new("/proc/self")));
    fs::read_link(folder.join("ns/mnt")).is_err()
        && !theirs.is_empty()
        && !ours.is_empty()
        && theirs.is_disjoint(&ours)
}

/// Whether a process has another network than we. Root alone may read which name space it is in; each has tables of its own in
/// `/proc`, which are other files for everybody (proc_net(5)).
pub(super) fn has_own_network(root: &Path, process: &Path) -> bool {
    let network = |process: &Path| fs::read_link(process.join("ns/net")).ok();
    match (network(process), network(&root.join("self"))) {
        (Some(theirs), Some(ours)) => theirs != ours,
        _ => {
            let table = |process: &Path| {
                let found = fs::metadata(process.join("net/dev")).ok()?;
                Some((found.dev(), found.ino()))
            };
            let (theirs, ours) = (table(process), table(&root.join("self")));
            matches!((theirs, ours), (Some(theirs), Some(ours)) if theirs != ours)
        }
    }
}
