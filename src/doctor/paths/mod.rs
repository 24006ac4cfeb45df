//! What the daemon and the modules' users may really do with the folders that the configuration names: each is tried as them.

mod chmod;
mod files;
mod hindrance;
mod judge;
mod mounted;
mod munged;
mod programs;
mod room;
mod served;
mod start;

use std::{
    cell::Cell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::unistd::geteuid;

use crate::{
    doctor::{Fact, Report, Setup, Skip, Stage, Subject, Urgency, daemon::skip_without_configuration},
    host::{
        Host, Mounts, Unknown, has_shut_mounts, planned_mounts,
        trial::{Answer, Denied, Identity, MOST_QUESTIONS, Question, Request, Wish, ask},
    },
    terms::Release,
};
pub(super) use files::{DaemonFile, files};
pub use hindrance::Hindrance;
use judge::Judge;
use served::user_name;
pub(super) use served::{Daemon, Served, served};

/// Something that was found out about a path.
#[derive(Debug)]
pub enum PathFact {
    /// So many modules whose users may read them, and so many whose users may write them, as they are to.
    Fine {
        /// May be read.
        read: usize,
        /// May be written.
        written: usize,
    },
    /// What the user of a module meets.
    Module {
        /// Its name.
        module: String,
        /// Its user.
        account: String,
        /// What came of it.
        tried: Tried,
    },
    /// The daemon cannot use a file that a parameter names.
    File {
        /// The parameter.
        parameter: &'static str,
        /// What keeps it out.
        refusal: Refusal,
    },
    /// Whether the daemon can use a file was not tried.
    FileUnseen {
        /// The parameter.
        parameter: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: Unknown,
    },
    /// The rights were those of the user who starts a daemon, since none runs.
    NoDaemon(String),
}

/// What came of a module's folder.
#[derive(Debug)]
pub enum Tried {
    /// The daemon cannot enter it.
    NotEntered(Refusal),
    /// Its user cannot reach what is in it.
    NotPassed(Refusal),
    /// Its user cannot list it.
    NotListed(Refusal),
    /// Its user cannot create files in it.
    NotWritten(Refusal),
    /// Its user cannot open some of what is in it: so many of so many.
    Closed(usize, usize, Refusal),
    /// There is no room to write.
    Full(PathBuf),
    /// There is hardly any room to write; so much.
    Low(PathBuf, String),
    /// The system did not answer.
    Late(PathBuf),
    /// It was not tried.
    NotTried(Hindrance),
}

impl Tried {
    /// The name that programs read.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::NotEntered(_) => "not-entered",
            Self::NotPassed(_) => "not-passed",
            Self::NotListed(_) => "not-listed",
            Self::NotWritten(_) => "not-written",
            Self::Closed(..) => "partly-closed",
            Self::Full(_) => "full",
            Self::Low(..) => "nearly-full",
            Self::Late(_) => "late",
            Self::NotTried(_) => "not-tried",
        }
    }

    /// Whether clients fail for it.
    const fn is_failure(&self) -> bool {
        !matches!(self, Self::Closed(..) | Self::Low(..) | Self::NotTried(_))
    }
}

/// What the system did not let somebody do.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What it is about.
    pub path: PathBuf,
    /// The system's own word for it.
    pub error: &'static str,
    /// Its rights, in English: mode, owner, group, access list.
    pub rights: Option<String>,
}

/// Nothing more is tried later than that.
const LIMIT: Duration = Duration::from_secs(30);
/// So many modules are tried.
const MOST_MODULES: usize = 4 * MOST_QUESTIONS;

pub(super) fn look(subject: &mut Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(known) = skip_without_configuration(subject, stage).cloned() else {
        return;
    };
    let Some(server) = &known.server else {
        return;
    };
    if let Some(daemon) = &subject.daemon
        && has_shut_mounts(daemon.process)
    {
        // By the same paths we may have other folders.
        let mounts = format!("the mounts of process {}, which are its own", daemon.process);
        stage.note(Fact::Unseen(mounts.clone(), Unknown::Denied));
        stage.warn();
        report.not_seen(mounts, Unknown::Denied);
        return;
    }
    let daemon = match Daemon::of(subject, setup) {
        Ok(daemon) => daemon,
        Err(reason) => {
            let rights = "the rights of the daemon".to_owned();
            stage.note(Fact::Unseen(rights.clone(), reason.clone()));
            stage.warn();
            report.not_seen(rights, reason);
            return;
        }
    };
    let (mut modules, mut left_out) = (Vec::new(), Vec::new());
    for one in served(server, subject, setup, &daemon) {
        match one {
            Ok(served) if modules.len() < MOST_MODULES => modules.push(served),
            Ok(served) => left_out.push((served.name, Hindrance::TooMany(MOST_MODULES))),
            Err(not_served) => left_out.push(not_served),
        }
    }
    if modules.is_empty() && left_out.is_empty() {
        stage.skip(Skip::NoModule);
        return;
    }
    let answers = answers(setup, &daemon, &modules);
    let judge = Judge {
        host: subject.host(setup),
        machine: setup.host,
        mounts: mounts(setup.host, subject.daemon.as_ref().map(|daemon| daemon.process)),
        daemon: &daemon,
        own: &setup.own,
        file: &subject.file,
        searched: Cell::new(0),
    };
    let mut predicted = Vec::new();
    let planned = planned_mounts(judge.host).unwrap_or_default();
    for module in &modules {
        if let Some(cause) = mounted::missing(module, &planned, &judge) {
            predicted.extend(cause.predicted(report.release));
            report.causes.push(cause);
            stage.fail();
        } else if let Some(cause) = mounted::covered(module, &planned, &judge) {
            // The log tells whether somebody misses what is below.
            predicted.extend(cause.predicted(report.release));
        }
        let without_owners = mounted::without_owners(module, &judge);
        predicted.extend(without_owners.and_then(|cause| cause.predicted(report.release)));
    }
    let (mut read, mut written) = (0, 0);
    for (module, answer) in modules.iter().zip(&answers) {
        let (tried, causes) = judge.judge(module, answer);
        chmod::look(module, &tried, &judge, &mut report.causes);
        report.causes.extend(munged::look(module, &judge));
        if !tried.iter().any(Tried::is_failure) && matches!(answer, Ok(Answer::Folder(_))) {
            read += usize::from(module.is_readable);
            written += usize::from(module.is_writable);
        }
        for tried in tried {
            left_open(&module.name, &module.account, &tried, report);
            match tried.is_failure() {
                true => stage.fail(),
                false => stage.warn(),
            }
            stage.note(Fact::Path(PathFact::Module {
                module: module.name.clone(),
                account: module.account.clone(),
                tried,
            }));
        }
        predicted.extend(causes.iter().filter_map(|cause| cause.predicted(report.release)));
        report.causes.extend(causes);
    }
    let process = subject.daemon.as_ref();
    let (mut facts, mut causes) = files::look(server, process, &daemon, &modules, &judge);
    let release = setup.release.unwrap_or(Release::CURRENT);
    let (at_start, keeping) = start::look(server, process.is_some(), release, &daemon, &judge);
    facts.extend(at_start);
    causes.extend(keeping);
    causes.extend(programs::look(server, &setup.modules, &judge));
    for fact in facts {
        match &fact {
            PathFact::FileUnseen { path, reason, .. } => {
                report.not_seen(
                    format!("what the daemon may do with {}", path.display()),
                    reason.clone(),
                );
                stage.warn();
                // The line of each module says as much.
                continue;
            }
            _ => stage.warn(),
        }
        stage.note(Fact::Path(fact));
    }
    if causes.iter().any(|cause| cause.urgency == Urgency::Now) {
        stage.fail();
    }
    predicted.extend(causes.iter().filter_map(|cause| cause.predicted(report.release)));
    report.causes.extend(causes);
    if read + written > 0 {
        stage
            .facts
            .insert(0, Fact::Path(PathFact::Fine { read, written }));
    }
    if subject.daemon.is_none() {
        stage.note(Fact::Path(PathFact::NoDaemon(user_name(daemon.identity.uid))));
    }
    for (module, hindrance) in left_out {
        if let Some(reason) = hindrance.unknown() {
            report.not_seen(format!("[{module}]"), reason);
        }
        stage.warn();
        stage.note(Fact::Path(PathFact::Module {
            module,
            account: String::new(),
            tried: Tried::NotTried(hindrance),
        }));
    }
    drop(known);
    // So what clients meet is told by the same causes.
    if let Some(known) = subject.known.as_mut().and_then(Arc::get_mut) {
        known.findings.extend(predicted);
    }
}

/// Notes what was not tried, or not to an end.
fn left_open(module: &str, account: &str, tried: &Tried, report: &mut Report) {
    let Tried::NotTried(hindrance) = tried else {
        return;
    };
    if let Some(reason) = hindrance.unknown() {
        report.not_seen(format!("what `{account}` may do in [{module}]"), reason);
    }
}

/// What each module's folder is to those who enter and use it; each identity is tried in a process of its own.
fn answers(setup: &Setup<'_>, daemon: &Daemon, modules: &[Served]) -> Vec<Result<Answer, Denied>> {
    let own = geteuid();
    let is_own = |module: &Served| !own.is_root() && module.user.uid == own.as_raw();
    let mut groups: BTreeMap<(&Identity, &Identity), Vec<usize>> = BTreeMap::new();
    for (index, module) in modules.iter().enumerate() {
        // Who is the module's user can try as that, though not as the daemon that enters the folder.
        let enters = if is_own(module) {
            &module.user
        } else {
            &module.daemon
        };
        groups.entry((enters, &module.user)).or_default().push(index);
    }
    let mut answers: Vec<Option<Result<Answer, Denied>>> = vec![None; modules.len()];
    let start = Instant::now();
    for ((enters, user), members) in groups {
        for members in members.chunks(MOST_QUESTIONS) {
            if start.elapsed() > LIMIT {
                break;
            }
            let questions = members.iter().map(|&index| {
                let wish = match modules[index].is_writable {
                    true => Wish::Write,
                    false => Wish::Read,
                };
                Question::new(&modules[index].path, wish)
            });
            let request = Request {
                root_of: daemon.root_of,
                daemon: enters.clone(),
                capabilities: daemon.capabilities,
                user: user.clone(),
                questions: questions.collect(),
            };
            for (&index, answer) in members.iter().zip(ask(&setup.own, &request)) {
                let is_shut = matches!(answer, Ok(Answer::Refused(_)));
                let is_certain =
                    !is_shut || !is_own(&modules[index]) || modules[index].daemon.uid == own.as_raw();
                answers[index] = Some(if is_certain { answer } else { Err(Denied::Identity) });
            }
        }
    }
    let answers = answers.into_iter();
    answers
        .map(|answer| answer.unwrap_or(Err(Denied::Time)))
        .collect()
}

/// What is mounted where, for the daemon or for us.
pub(super) fn mounts(host: &dyn Host, process: Option<u32>) -> Mounts {
    let process = process.map_or_else(|| "self".to_owned(), |process| process.to_string());
    let table = host.read(Path::new(&format!("/proc/{process}/mountinfo")));
    Mounts::read(&table.ok().flatten().unwrap_or_default())
}
