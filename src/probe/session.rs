use std::{
    ffi::OsString,
    io,
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;

use crate::{
    probe::{
        deadline::{Bounded, Deadline},
        files::Candidates,
        recorder::{Recorder, Seen},
        stage::Step,
        transcript::Wire,
    },
    rsync::{
        net::{Connections, Stream},
        transfer::{Error, Outcome},
    },
    sync::{
        Command, Environment, LoginSource, Place, Plan, Printer, Streams, Surroundings, UsageError, conclude,
        converse, prepare, reach,
    },
    terms::Exit,
};

/// A command line of rsync's, carried out.
pub(super) struct Session {
    /// What came by.
    pub(super) seen: Seen,
    /// Whether there was a connection.
    pub(super) is_connected: bool,
    /// What it came to, if it came to an end.
    pub(super) outcome: Option<Outcome>,
    /// What rsync ends with.
    pub(super) exit: u8,
    /// How long it took.
    pub(super) elapsed: Duration,
    /// Whom the daemon was told, once it asked, and where the name comes from.
    pub(super) user: Option<(String, LoginSource)>,
    /// What rsync prints about what went wrong.
    pub(super) said: Vec<u8>,
}

/// Reads the words behind `rsync`.
///
/// # Errors
///
/// What rsync, or our client, does not do.
pub(super) fn plan(
    words: &[String],
    surroundings: Surroundings<'_>,
    environment: &Environment<'_>,
) -> Result<Box<Plan>, UsageError> {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    match Command::parse(&words, surroundings)? {
        Command::Transfer(mut plan) => {
            environment.offer(&mut plan);
            Ok(plan)
        }
        Command::Help | Command::Version { .. } => Err(UsageError::NoSource),
    }
}

/// What a probe wants of a session beside its end.
pub(super) struct Stages<'s> {
    /// Takes the files that may be pulled.
    pub(super) candidates: Candidates,
    /// When it has taken too long.
    pub(super) deadline: Deadline,
    /// Is told of each stage that is come to.
    pub(super) watch: &'s (dyn Fn(Step) + Sync),
}

/// Carries a plan out, over a connection if there is one already.
pub(super) fn run(
    plan: &Plan,
    environment: &Environment<'_>,
    connections: &Connections,
    wire: &Wire,
    stream: Option<Stream>,
    stages: Stages<'_>,
) -> Session {
    let Stages {
        candidates,
        deadline,
        watch,
    } = stages;
    let streams = Streams {
        output: Box::new(io::sink()),
        errors: Box::new(io::sink()),
        log: None,
        is_in_foreground: Box::new(|| false),
    };
    let printer = Printer::new(plan, TimeZone::UTC, streams);
    let start = Instant::now();
    let watch = |step| {
        if step == Step::List {
            deadline.pass_dialogue();
        }
        watch(step);
    };
    let recorder = Recorder::new(&printer, candidates, wire.now(), behind_list(plan), &watch);
    let ended = (|| {
        if connections.are_ended() {
            return Err(Error::Interrupted);
        }
        let stream = match stream {
            Some(stream) => stream,
            None => {
                let patience = Some(deadline.silence());
                wire.connect_otherwise(|| reach(plan, environment, &printer, patience))?
            }
        };
        let stream = Bounded::stream(stream, deadline.clone());
        prepare(plan, &stream, &printer)?;
        let _joined = connections.join(stream.clone());
        converse(plan, environment, &recorder, stream)
    })();
    let ended = match ended {
        Err(_) if connections.are_ended() => Err(Error::Interrupted),
        ended => ended,
    };
    if let Err(error) = &ended {
        wire.note_end(error);
    }
    let exit = match deadline.struck() {
        Some(limit) if matches!(ended, Err(Error::Timeout)) => {
            printer.complain(&our_limit(limit));
            Exit::Timeout.code()
        }
        _ => conclude(plan, &printer, &ended),
    };
    let is_connected = !matches!(ended, Err(Error::Connect(_)));
    let seen = recorder.into_seen();
    let user = match &plan.daemon.user {
        Some(user) => (user.clone(), LoginSource::Address),
        None => (environment.login.clone(), environment.login_source),
    };
    Session {
        user: seen.is_challenged.then_some(user),
        seen,
        is_connected,
        outcome: ended.ok().flatten(),
        exit,
        elapsed: start.elapsed(),
        said: printer.complaints(),
    }
}

/// What is said of a session that rsync would not have ended.
fn our_limit(limit: Duration) -> String {
    format!(
        "rsyncctl: no end came within {} seconds, and a probe waits no longer",
        limit.as_secs()
    )
}

/// What a session does once it has the list.
fn behind_list(plan: &Plan) -> Step {
    match &plan.place {
        Place::Modules => Step::Modules,
        _ if plan.options.dry_run => Step::DryRun,
        Place::Files { .. } => Step::Pull,
        Place::Push { .. } => Step::Push,
    }
}

impl Session {
    /// Whether it ended well and without the module that was asked for.
    pub(super) fn is_dismissed(&self) -> bool {
        self.exit == 0 && self.outcome.is_none()
    }

    /// The lines that rsync prints, as far as they say what is wrong.
    pub(super) fn lines(&self) -> impl Iterator<Item = String> {
        let text = String::from_utf8_lossy(&self.said);
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines
            .into_iter()
            .filter(|line| !line.starts_with("rsync error: "))
    }
}
