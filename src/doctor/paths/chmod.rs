//! Folders that a mode of the configuration has closed.

use crate::{
    catalog::{Confidence, Severity},
    doctor::{
        Cause, Tried, Urgency,
        paths::{Judge, Served},
    },
    host::EntryKind,
};

/// The page of modes that take the `x` from folders.
const CLOSING: &str = "RSY227";

/// Where a module has a folder that somebody may list and not enter, or is one, a mode of the configuration that makes such
/// folders has made it: nobody does that on purpose.
pub(super) fn look(module: &Served, tried: &[Tried], judge: &Judge<'_>, causes: &mut [Cause]) {
    let closed = tried.iter().find_map(|tried| match tried {
        Tried::Closed(_, _, refusal) | Tried::NotPassed(refusal) | Tried::NotEntered(refusal) => {
            Some(refusal)
        }
        _ => None,
    });
    let Some(closed) = closed else {
        return;
    };
    let found = judge.host.metadata(&closed.path, true).ok().flatten();
    // The `r` of each class beside its `x`; a receiver leaves its own user both.
    let is_half_open = |mode: u32| (mode >> 2) & 0o111 & !mode != 0;
    let is_closed = found.is_some_and(|found| found.kind == EntryKind::Directory && is_half_open(found.mode));
    // A push of a folder's content may change the module's own folder.
    let is_own = closed.path == module.path;
    for cause in causes
        .iter_mut()
        .filter(|cause| is_closed && cause.page.id == CLOSING)
    {
        cause.urgency = Urgency::Now;
        cause.severity = Severity::Error;
        cause.confidence = Confidence::Certain;
        cause.also.push(format!("[{}] {}", module.name, closed.shown()));
        if is_own {
            let path = module.path.display().to_string();
            let path = shell_words::quote(&path);
            let open = format!("find {path} -type d ! -perm -u+x -exec chmod u+rwx {{}} +");
            cause.commands.push(open);
        }
    }
}
