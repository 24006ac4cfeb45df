//! Paths of modules that are relative: what they are for the daemon that runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    catalog::Severity,
    host::{EntryKind, Host},
    lint,
};

/// The page of a path that does not begin with a slash, and its kind that may be right where the daemon stands.
const RELATIVE: (&str, &str) = ("RSY403", "relative");

/// Puts into findings what a relative path is in the folder in which a daemon stands, which it does not leave before it goes
/// into a module (`rsync_module` in clientserver.c). `host`: the machine as the daemon sees it.
pub(super) fn judge(process: u32, host: &dyn Host, found: &mut lint::Report) {
    let Ok(folder) = fs::read_link(format!("/proc/{process}/cwd")) else {
        return;
    };
    let is_folder = |path: &Path| {
        let found = host.metadata(path, true).ok().flatten();
        found.is_some_and(|found| found.kind == EntryKind::Directory)
    };
    let (rule, kind) = RELATIVE;
    let relative =
        |finding: &&mut crate::diagnosis::Finding| finding.page.id == rule && finding.variant == Some(kind);
    for finding in found.findings.iter_mut().filter(relative) {
        let mut arguments = finding.arguments.iter();
        let Some(path) = arguments
            .find(|(name, _)| *name == "path")
            .map(|(_, path)| path.clone())
        else {
            continue;
        };
        let (served, from_root) = (folder.join(&path), PathBuf::from("/").join(&path));
        let (variant, meant) = match () {
            () if is_folder(&served) => ("served", served),
            () if is_folder(&from_root) => ("from-root", from_root),
            () => continue,
        };
        if variant == "served" {
            finding.severity = Severity::Warning;
        }
        finding.variant = Some(variant);
        finding.arguments.retain(|(name, _)| *name != "meant");
        finding.arguments.extend([
            ("meant", meant.display().to_string()),
            ("folder", folder.display().to_string()),
        ]);
    }
}
