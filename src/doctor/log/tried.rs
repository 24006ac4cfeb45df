//! Whether the users of modules may do now what they once might not.

use std::{collections::BTreeMap, fs, os::unix::fs::MetadataExt as _, path::Path};

use nix::{errno::Errno, sys::statvfs::statvfs};

use super::failure::{File, Trouble};
use crate::{
    doctor::{
        Check, Confined, Fact, Report, Setup, Subject,
        paths::{Daemon, Served, served},
    },
    explain::Server,
    host::{
        is_immutable,
        trial::{Access, Answer, MOST_QUESTIONS, Question, Request, ask},
    },
    model::{Parameter, Scope},
};

/// So many things are tried of a module.
const MOST: usize = 4 * MOST_QUESTIONS;

/// Tries that, as the users of the modules: whether it works, or nothing is there any more; none where that is not known.
pub(super) fn tried(
    files: &[&File],
    server: &Server,
    subject: &Subject,
    setup: &Setup<'_>,
    is_labelled: bool,
) -> Vec<Option<bool>> {
    let mut found = vec![None; files.len()];
    let Ok(daemon) = Daemon::of(subject, setup) else {
        return found;
    };
    let mut of_module: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, file) in files.iter().enumerate() {
        of_module.entry(&file.module).or_default().push(at);
    }
    if of_module.is_empty() {
        return found;
    }
    for module in served(server, subject, setup, &daemon).into_iter().flatten() {
        let places = of_module.get(&*module.name).map_or(&[][..], Vec::as_slice);
        for places in places[..places.len().min(MOST)].chunks(MOST_QUESTIONS) {
            let request = Request {
                root_of: daemon.root_of,
                daemon: module.daemon.clone(),
                capabilities: daemon.capabilities,
                user: module.user.clone(),
                questions: places.iter().map(|&at| question(files[at], &module)).collect(),
            };
            for (&at, answer) in places.iter().zip(ask(&setup.own, &request)) {
                let works = answer
                    .ok()
                    .and_then(|answer| works(&answer, files[at].access, is_labelled));
                found[at] = works
                    .filter(|works| !works || is_free(files[at], &module, server, subject) == Some(true));
            }
        }
    }
    found
}

fn question(file: &File, module: &Served) -> Question {
    let path = Path::new(&file.path);
    let below = match file.access {
        Access::Create => path.parent().unwrap_or_else(|| Path::new("")),
        _ => path,
    };
    Question::below(&module.path, below, file.access)
}

/// A disk with less than that part of it free may be full again for the next file.
const LEAST_PART: u64 = 10;

/// What keeps the user from something still.
const REFUSALS: [Errno; 3] = [Errno::EACCES, Errno::EROFS, Errno::EPERM];

/// Whether nothing else stands in the way of a file than what was tried; none if that cannot be told.
fn is_free(file: &File, module: &Served, server: &Server, subject: &Subject) -> Option<bool> {
    let place = subject.outside(&module.path.join(&file.path));
    match file.trouble {
        Trouble::Rights | Trouble::ReadOnly => Some(true),
        Trouble::Unchangeable => {
            let Ok(found) = fs::symlink_metadata(&place) else {
                return Some(true);
            };
            let folder = fs::metadata(place.parent()?).ok()?;
            let own = module.user.uid;
            let is_kept = folder.mode() & STICKY != 0 && ![0, found.uid(), folder.uid()].contains(&own);
            // A file system that does not tell has no such files, or says nothing of them.
            Some(!is_kept && is_immutable(&place).ok()? == Some(false))
        }
        Trouble::Short => None,
        Trouble::Full => {
            let scope = Scope::Module(server.configuration.module(module.name.as_bytes())?);
            // It is empty again once a run has ended, however small it is.
            if !server
                .configuration
                .text(scope, Parameter::TempDir)
                .value
                .is_empty()
            {
                return None;
            }
            let room = statvfs(place.parent()?).ok()?;
            let unit = room.fragment_size();
            let free = unit * room.blocks_available();
            let all = unit * room.blocks();
            let is_counted = room.files() > 0;
            let has_entries = !is_counted || room.files_available() > 0;
            (all > 0).then_some(has_entries && free >= all / LEAST_PART)
        }
    }
}

/// Who has a file in such a folder keeps it from others (inode(7)).
const STICKY: u32 = 0o1000;

/// What an answer shows. We are not bound by the daemon's labels and profile.
fn works(answer: &Answer, access: Access, is_labelled: bool) -> Option<bool> {
    let is_there = |error: &i32| Errno::from_raw(*error) != Errno::ENOENT;
    match answer {
        Answer::Refused(error) if REFUSALS.contains(&Errno::from_raw(*error)) => Some(false),
        Answer::Open => (!is_labelled).then_some(true),
        // A file that is made has another name until it is whole.
        Answer::Refused(error) => {
            let is_made = matches!(access, Access::Create | Access::Own);
            (!is_there(error) && !is_made).then_some(true)
        }
        Answer::Folder(_) | Answer::Late => None,
    }
}

/// Whether SELinux or AppArmor keeps the daemon to something, by what was seen of it.
pub(super) fn is_labelled(subject: &Subject, report: &Report) -> bool {
    let mut stages = report.stages.iter();
    let is_kept = |fact: &Fact| {
        matches!(
            fact,
            Fact::Confined(Confined::Domain(_, true) | Confined::Profile(_, true))
        )
    };
    stages.any(|stage| {
        stage.check == Check::Confinement
            && stage.file.as_deref() == Some(subject.file.as_path())
            && stage.facts.iter().any(is_kept)
    })
}
