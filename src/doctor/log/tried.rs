//! Whether the users of modules may do now what they once might not.

use std::{collections::BTreeMap, path::Path};

use nix::errno::Errno;

use super::failure::File;
use crate::{
    doctor::{
        Check, Confined, Fact, Report, Setup, Subject,
        paths::{Daemon, Served, served},
    },
    explain::Server,
    host::trial::{Access, Answer, MOST_QUESTIONS, Question, Request, ask},
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
                found[at] = answer
                    .ok()
                    .and_then(|answer| works(&answer, files[at].access, is_labelled));
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

/// What an answer shows. We are not bound by the daemon's labels and profile.
fn works(answer: &Answer, access: Access, is_labelled: bool) -> Option<bool> {
    let is_there = |error: &i32| Errno::from_raw(*error) != Errno::ENOENT;
    match answer {
        Answer::Refused(error) if Errno::from_raw(*error) == Errno::EACCES => Some(false),
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
