//! Folders that a shell comes to otherwise than the system.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

/// Whether a shell's `cd` may lead to another folder than the system comes to: it takes `..` for the folder that is named in
/// front, where the system takes it for the one that a link leads up from. `start`: where it begins, if that is known, ""
/// being where we are.
pub(super) fn leads_elsewhere(folder: &[u8], start: Option<&Path>) -> bool {
    let folder = Path::new(OsStr::from_bytes(folder));
    let climbs = folder.components().any(|part| part == Component::ParentDir);
    if !climbs {
        return false;
    }
    let Some(start) = start.or_else(|| folder.is_absolute().then_some(Path::new("/"))) else {
        return true;
    };
    let by_name = normal(&logical(start).join(folder));
    let (by_name, by_link) = (fs::canonicalize(by_name), fs::canonicalize(start.join(folder)));
    !matches!((by_name, by_link), (Ok(by_name), Ok(by_link)) if by_name == by_link)
}

/// Where we are, as the shell that has started us says it.
fn logical(start: &Path) -> PathBuf {
    let told = env::var_os("PWD").map(PathBuf::from);
    let here = env::current_dir().unwrap_or_default();
    let is_here = |told: &PathBuf| fs::canonicalize(told).is_ok_and(|told| told == here);
    told.filter(is_here).unwrap_or(here).join(start)
}

/// A path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut found = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(found.pop()),
            part => found.push(part),
        }
    }
    found
}
