//! The limits of the control groups that the daemon is in: its unit's (`MemoryMax=`, `TasksMax=`), its container's.

use std::path::Path;

use crate::{
    doctor::{
        Urgency,
        confinement::{Confined, Found, Subjects},
    },
    host::{GroupLimit, Resource, group_limits},
};

/// What a session needs beside the daemon: one process, and one more if it receives.
const FOR_ALL: u64 = 1;
const FOR_PUSH: u64 = 2;
/// The group above all that this machine, or this container, sees.
const ROOT: &str = "/sys/fs/cgroup";
/// Bytes of a MiB.
const MIB: u64 = 1 << 20;

pub(super) fn look(subjects: &Subjects<'_>, found: &mut Found) {
    let Ok(limits) = group_limits(subjects.host, subjects.process) else {
        return;
    };
    for limit in limits {
        match limit.resource {
            Resource::Processes => processes(subjects, &limit, found),
            Resource::Memory => memory(subjects, &limit, found),
        }
    }
}

/// The group has as many processes as it may have, or had.
fn processes(subjects: &Subjects<'_>, limit: &GroupLimit, found: &mut Found) {
    let is_pushed_to = subjects.modules.iter().any(|module| module.is_writable);
    let wanted = if is_pushed_to { FOR_PUSH } else { FOR_ALL };
    let is_now = limit.used + wanted > limit.limit;
    let was_so = limit.missed > 0 && is_of_daemon(subjects, limit);
    if !is_now && !was_so {
        return;
    }
    let fact = format!(
        "{}: {} of {} processes and threads; {} were refused",
        limit.folder.display(),
        limit.used,
        limit.limit,
        limit.missed
    );
    let arguments = vec![
        ("process", subjects.process.to_string()),
        ("group", limit.folder.display().to_string()),
        ("count", limit.used.to_string()),
        ("limit", limit.limit.to_string()),
        ("restart", subjects.restart.clone()),
    ];
    found
        .facts
        .push(Confined::Group(limit.folder.clone(), limit.limit));
    let cause = subjects.cause_at("RSY240", arguments, vec![fact]);
    let cause = cause.of_kind("group-processes");
    found.causes.push(match is_now {
        true => cause,
        false => cause.at(Urgency::Lately),
    });
}

/// The kernel killed processes of the group since it had no memory left.
fn memory(subjects: &Subjects<'_>, limit: &GroupLimit, found: &mut Found) {
    if limit.missed == 0 || !is_of_daemon(subjects, limit) {
        return;
    }
    let mebibytes = limit.limit / MIB;
    let fact = format!(
        "{}: {mebibytes} MiB at most; the kernel has killed {} processes for it",
        limit.folder.display(),
        limit.missed
    );
    let arguments = vec![
        ("process", subjects.process.to_string()),
        ("group", limit.folder.display().to_string()),
        ("count", limit.missed.to_string()),
        ("limit", mebibytes.to_string()),
        ("restart", subjects.restart.clone()),
    ];
    found
        .facts
        .push(Confined::Group(limit.folder.clone(), limit.limit));
    let cause = subjects.cause_at("RSY240", arguments, vec![fact]);
    let cause = cause.of_kind("group-memory");
    found.causes.push(cause.at(Urgency::Lately));
}

/// Whether nobody else is in a group: what happened in one of a login, or of many services, is theirs as well.
fn is_of_daemon(subjects: &Subjects<'_>, limit: &GroupLimit) -> bool {
    if !limit.is_own {
        return false;
    }
    // Of a machine the group above all has no limits; that of a container has.
    if subjects.is_contained || limit.folder == Path::new(ROOT) {
        return true;
    }
    let read = |path: &Path| {
        let bytes = subjects.host.read(path).ok()??;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    };
    let processes = read(&limit.folder.join("cgroup.procs")).unwrap_or_default();
    let mut processes = processes.lines().peekable();
    let is_rsync = |process: &str| {
        let name = read(&Path::new("/proc").join(process).join("comm"));
        name.is_some_and(|name| name.trim() == "rsync")
    };
    processes.peek().is_some() && processes.all(is_rsync)
}
