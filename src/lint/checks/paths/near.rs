//! The folder that a path was meant to name.

use std::{
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use strsim::damerau_levenshtein;

use crate::host::{EntryKind, Host};

/// So many names beside it are looked at.
const MOST: usize = 10_000;

/// The folder that is there and is named nearly as a path that is not: it may differ in one of its folders.
pub(super) fn nearest(host: &dyn Host, missing: &Path) -> Option<PathBuf> {
    let is_folder = |path: &Path| matches!(host.metadata(path, true), Ok(Some(found)) if found.kind == EntryKind::Directory);
    let above = missing.ancestors().skip(1).find(|above| is_folder(above))?;
    let rest = missing.strip_prefix(above).ok()?;
    let mut parts = rest.components();
    let wrong = parts.next()?.as_os_str().to_str()?;
    let behind = parts.as_path();
    let reach = (wrong.chars().count() / 4).max(1);
    let mut near: Vec<_> = host
        .list(above)
        .ok()??
        .into_iter()
        .take(MOST)
        .filter_map(|name| {
            let text = name.to_str()?;
            // A distance is dear, and at least the difference of the lengths.
            if text.len().abs_diff(wrong.len()) > reach || wrong.chars().count() < 3 {
                return None;
            }
            let distance = damerau_levenshtein(&text.to_lowercase(), &wrong.to_lowercase());
            let found = above.join(&name);
            let whole = match behind.as_os_str().is_empty() {
                true => found,
                false => found.join(behind),
            };
            (distance <= reach).then_some((distance, whole))
        })
        .collect();
    near.sort_unstable_by(|(one, path), (other, beside)| {
        (one, path.as_os_str().as_bytes()).cmp(&(other, beside.as_os_str().as_bytes()))
    });
    near.into_iter()
        .map(|(_, path)| path)
        .find(|path| is_folder(path))
}
