//! What one report is about.

use std::{path::PathBuf, sync::Arc};

use crate::{
    probe::{Manner, ProbeError, Report, Setting, Subject, Target, command, probe, reproduce_in},
    syntax::Invocation,
    terms::Target as Place,
};

/// What one report is about.
pub(super) enum Task {
    Probe(Target),
    /// A command line, and its words behind `rsync`.
    Reproduce(String, Vec<String>),
}

impl Task {
    /// What a transcript says that it is.
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Probe(target) => Subject::Probe(target.text.clone()),
            Self::Reproduce(line, _) => Subject::Reproduce(line.clone()),
        }
    }

    /// The daemon that it is about.
    pub(super) fn daemon(&self) -> String {
        match self {
            Self::Probe(target) => target.daemon(),
            Self::Reproduce(line, _) => line.clone(),
        }
    }

    /// The port that it names.
    pub(super) fn port(&self) -> Option<u16> {
        match self {
            Self::Probe(target) => target.port(),
            Self::Reproduce(_, words) => {
                let invocation = Invocation::parse(words.iter().map(String::as_str));
                let named = invocation.option("port").and_then(|option| option.value.clone());
                let of_target = match invocation.peer() {
                    Some(Place::Daemon(remote)) => remote.port,
                    _ => None,
                };
                of_target.or_else(|| named?.parse().ok())
            }
        }
    }

    /// The module that it asks for.
    pub(super) fn module(&self) -> Option<String> {
        Some(self.place()?.module()?.to_owned())
    }

    /// The machine that it asks.
    pub(super) fn host(&self) -> Option<String> {
        Some(self.place()?.remote()?.host.clone())
    }

    fn place(&self) -> Option<Place> {
        match self {
            Self::Probe(target) => Some(Place::parse(&target.text)),
            Self::Reproduce(_, words) => {
                let invocation = Invocation::parse(words.iter().map(String::as_str));
                invocation.peer().cloned()
            }
        }
    }

    /// The password file that a command line names.
    pub(super) fn password_file(&self) -> Option<PathBuf> {
        let Self::Reproduce(_, words) = self else {
            return None;
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match word.strip_prefix("--password-file") {
                Some("") => return words.next().map(PathBuf::from),
                Some(rest) => return rest.strip_prefix('=').map(PathBuf::from),
                None => {}
            }
        }
        None
    }

    pub(super) async fn run(self, setting: Arc<Setting>) -> Result<Report, ProbeError> {
        match self {
            Self::Probe(target) => probe(target, setting).await,
            Self::Reproduce(line, words) => {
                let manner = Manner {
                    opens: opens(&words),
                    limit: None,
                };
                reproduce_in(line, words, setting, manner).await
            }
        }
    }
}

/// Whether the server is to open what these words would bring: they are of a dry run that the user has not asked for.
fn opens(words: &[String]) -> bool {
    let [first, rest @ ..] = words else { return false };
    first == DRY
        && Invocation::parse(rest.iter().map(String::as_str))
            .option("dry-run")
            .is_none()
}

/// What makes a dry run of it.
const DRY: &str = "--dry-run";

/// The carrying out of the words behind `rsync`.
pub(super) fn task(words: &[String], is_real: bool) -> Task {
    // Alone the letter asks for help.
    let is_help = words == ["-h"];
    let mut own: Vec<_> = (!is_real && !is_help)
        .then(|| DRY.to_owned())
        .into_iter()
        .collect();
    own.extend_from_slice(words);
    // Reports are pasted into tickets: of what stands around the words nothing is shown.
    Task::Reproduce(command(words), own)
}

/// The dry run of a command line with these words in the place of its own.
pub(super) fn dry_task(words: &[String], instead: &[String]) -> Task {
    match task(instead, false) {
        Task::Reproduce(_, own) => Task::Reproduce(command(words), own),
        task @ Task::Probe(_) => task,
    }
}
