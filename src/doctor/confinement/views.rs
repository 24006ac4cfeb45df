//! What the daemon's own mounts make of the modules' folders, beside what everybody else sees.

use std::{collections::BTreeMap, path::Path};

use crate::{
    doctor::confinement::{Confined, Difference, Found, Subjects},
    host::{Host, Mounts, Unknown, follow},
};

/// What is different for the daemon, by module; none if its mounts cannot be seen.
pub(super) type Views = Option<BTreeMap<String, Difference>>;

pub(super) fn look(subjects: &Subjects<'_>, found: &mut Found) -> Views {
    if subjects.is_contained {
        // It is to see other files.
        found.facts.push(Confined::Container);
        return None;
    }
    let read = |process: &str| {
        let table = subjects
            .host
            .read(Path::new(&format!("/proc/{process}/mountinfo")));
        table.and_then(|table| table.ok_or_else(|| Unknown::Failed("the process has ended".to_owned())))
    };
    let (theirs, ours) = match (read(&subjects.process.to_string()), read("self")) {
        (Ok(theirs), Ok(ours)) => (theirs, ours),
        (Err(reason), _) | (_, Err(reason)) => {
            let subject = format!("the mounts of process {}", subjects.process);
            found.unseen.push((subject, reason));
            return None;
        }
    };
    if theirs == ours {
        return Some(BTreeMap::new());
    }
    let (theirs, ours) = (Mounts::read(&theirs), Mounts::read(&ours));
    let differs = |path: &Path| {
        difference(path, (subjects.host, &ours), (subjects.view, &theirs))
            .ok()
            .flatten()
    };
    let modules = subjects.modules.iter();
    let different: Vec<_> = modules
        .filter_map(|module| Some((module, differs(&module.path)?)))
        .filter(|(module, difference)| *difference != Difference::ReadOnly || module.is_writable)
        .collect();
    found.facts.push(Confined::OwnMounts);
    for (module, difference) in &different {
        let (name, path) = (module.name.clone(), module.path.clone());
        found.facts.push(Confined::Differs(name, path, *difference));
        if *difference == Difference::Missing {
            // The folder is there, and to create it is no cure.
            found.explained.push(("RSY402", module.name.clone()));
        }
    }
    let views = different.into_iter();
    Some(
        views
            .map(|(module, difference)| (module.name.clone(), difference))
            .collect(),
    )
}

/// What a path is for them and not for us.
fn difference(
    path: &Path,
    (ours, our_mounts): (&dyn Host, &Mounts),
    (theirs, their_mounts): (&dyn Host, &Mounts),
) -> Result<Option<Difference>, Unknown> {
    let (_, here) = follow(ours, path)?;
    let (_, there) = follow(theirs, path)?;
    let (Some(our_mount), Some(their_mount)) = (our_mounts.of(&here), their_mounts.of(&there)) else {
        return Ok(None);
    };
    if here == there && their_mount.shows_same(&there, our_mount) {
        let is_kept = their_mount.is_read_only() && !our_mount.is_read_only();
        return Ok(is_kept.then_some(Difference::ReadOnly));
    }
    if ours.metadata(path, true)?.is_none() {
        return Ok(None);
    }
    let Some(_) = theirs.metadata(path, true)? else {
        return Ok(Some(Difference::Missing));
    };
    let is_empty = |host: &dyn Host| host.list(path).map(|names| names.unwrap_or_default().is_empty());
    Ok(Some(match (is_empty(ours)?, is_empty(theirs)?) {
        (false, true) => Difference::Empty,
        _ => Difference::Other,
    }))
}
