//! What is mounted over a module's folder, or is to be and is not.

use std::path::Path;

use crate::{
    doctor::{
        Cause,
        paths::{Judge, Served},
    },
    host::{Mounts, PlannedMount, follow},
};

/// A mount that `/etc/fstab` has for a module's folder, and that is not there.
pub(super) fn missing(module: &Served, planned: &[PlannedMount], judge: &Judge<'_>) -> Option<Cause> {
    let (_, path) = follow(judge.host, &module.path).ok()?;
    let meant = PlannedMount::of(planned, &path).filter(|mount| mount.point != Path::new("/"))?;
    // What is mounted there, or deeper, takes its place.
    let is_there = |mounts: &Mounts| {
        let here = mounts.of(&path);
        here.is_none_or(|mount| mount.point.starts_with(&meant.point))
    };
    if is_there(&judge.mounts) {
        return None;
    }
    let point = meant.point.display();
    let fact = format!(
        "/etc/fstab has {} for {point}, and nothing is mounted there",
        meant.source
    );
    let arguments = vec![("mount", point.to_string()), ("option", meant.options.join(","))];
    let cause = judge.cause("RSY723", module, arguments, vec![fact]);
    Some(cause.of_kind("unmounted"))
}

/// An empty file system that covers a module's folder, and that nobody planned. It may be meant so: only who asks for what is
/// not there tells that it is not.
pub(super) fn covered(module: &Served, planned: &[PlannedMount], judge: &Judge<'_>) -> Option<Cause> {
    let (_, path) = follow(judge.host, &module.path).ok()?;
    let mount = judge.mounts.of(&path)?;
    let is_planned = planned.iter().any(|other| other.point == mount.point);
    let is_empty = judge.host.list(&path).ok()??.is_empty();
    if mount.point != path || is_planned || !is_empty || path == Path::new("/") {
        return None;
    }
    let point = mount.point.display();
    let fact = format!("{point} is {} of {}, and empty", mount.kind, mount.source);
    let cause = judge.cause("RSY798", module, vec![("mount", point.to_string())], vec![fact]);
    Some(cause.of_kind("covered"))
}

/// A file system of another machine's, or of a program's, that may not let root give files away. Only a try tells, and the log of
/// one.
pub(super) fn without_owners(module: &Served, judge: &Judge<'_>) -> Option<Cause> {
    let mount = judge.mounts.of(&module.path).filter(|mount| mount.is_foreign())?;
    if module.user.uid != 0 || !module.is_writable {
        return None;
    }
    let arguments = vec![
        ("mount", mount.point.display().to_string()),
        ("kind", mount.kind.clone()),
    ];
    let fact = format!("{} is {} of {}", mount.point.display(), mount.kind, mount.source);
    Some(
        judge
            .cause("RSY776", module, arguments, vec![fact])
            .of_kind("foreign"),
    )
}
