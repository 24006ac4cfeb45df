use std::{
    ffi::OsString,
    io,
    net::Shutdown,
    sync::{Arc, Mutex, OnceLock},
    time::{Duration, Instant},
};

use jiff::tz::TimeZone;

use crate::{
    probe::{
        deadline::{Bounded, Deadline},
        files::Candidates,
        recorder::{Recorder, Seen, Watches},
        refused::REFUSAL,
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
    /// Text that came in the place of the session.
    pub(super) text: Option<String>,
    /// Whether words of the dialogue came behind the daemon's yes.
    pub(super) is_started_twice: bool,
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
            plan.hears_greeting_first = true;
            environment.offer(&mut plan);
            Ok(plan)
        }
        // It prints that, and does nothing else.
        Command::Help => Err(UsageError::Help(
            "rsync prints its help and copies nothing".to_owned(),
        )),
        Command::Version { .. } => Err(UsageError::Help(
            "rsync prints its version and copies nothing".to_owned(),
        )),
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
    /// Whether an error of the server's says all that is wanted, so that nobody need wait for its end: who refuses an option
    /// sleeps for half a second before it hangs up (observed with rsync 3.5.0).
    pub(super) is_enough: &'s (dyn Fn(&[u8]) -> bool + Sync),
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
        is_enough,
    } = stages;
    let streams = Streams {
        output: Box::new(io::sink()),
        bar: None,
        errors: Box::new(io::sink()),
        log: None,
        is_in_foreground: Box::new(|| false),
        is_ascii: false,
    };
    let printer = Printer::new(plan, TimeZone::UTC, streams);
    let start = Instant::now();
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let watch = |step| {
        if step == Step::List {
            deadline.pass_dialogue();
        }
        watch(step);
    };
    let line: OnceLock<Stream> = OnceLock::new();
    let hear = |text: &[u8]| {
        if is_enough(text) {
            let _ = line.get().map(|line| line.shutdown(Shutdown::Both));
        }
    };
    let watches = Watches {
        step: &watch,
        error: &hear,
    };
    let recorder = Recorder::new(&printer, candidates, wire.now(), behind_list(plan), watches);
    let ended = (|| {
        if connections.are_ended() {
            return Err(Error::Interrupted(Exit::Signal));
        }
        if deadline.is_over() {
            return Err(Error::Timeout);
        }
        let stream = match stream {
            Some(stream) => stream,
            None => {
                let patience = Some(deadline.silence());
                wire.connect_otherwise(|| reach(plan, environment, &printer, patience))?
            }
        };
        let stream = Bounded::stream(stream, deadline.clone(), heard.clone());
        let _ = line.set(stream.clone());
        prepare(plan, &stream, &printer)?;
        let _joined = connections.join(stream.clone());
        converse(plan, environment, &recorder, stream)
    })();
    let ended = match ended {
        Err(_) if connections.are_ended() => Err(Error::Interrupted(Exit::Signal)),
        ended => ended,
    };
    if let Err(error) = &ended {
        if let (Some(line), false) = (
            line.get(),
            matches!(error, Error::Timeout | Error::Interrupted(_)),
        ) {
            hear_out(line, &heard);
        }
        wire.note_end(error);
    }
    let exit = match deadline.struck() {
        Some(limit) if matches!(ended, Err(Error::Timeout)) => {
            printer.complain(&our_limit(limit));
            Exit::Timeout.code()
        }
        _ => conclude(&printer, &ended),
    };
    let is_connected = !matches!(ended, Err(Error::Connect(_)));
    let seen = recorder.into_seen();
    let heard = std::mem::take(&mut *heard.lock().expect("no thread panics with it"));
    let user = match &plan.daemon.user {
        Some(user) => (user.clone(), LoginSource::Address),
        None => (environment.login.clone(), environment.login_source),
    };
    let is_started_twice = starts_twice(&heard);
    Session {
        user: seen.is_challenged.then_some(user),
        seen,
        is_connected,
        outcome: ended.ok().flatten(),
        exit,
        elapsed: start.elapsed(),
        text: text_of(&heard).filter(|_| !is_started_twice),
        is_started_twice,
        said: printer.complaints(),
    }
}

/// The text that stands where the session is to begin, behind the daemon's yes: a daemon sends numbers there.
fn text_of(heard: &[u8]) -> Option<String> {
    let lines: Vec<_> = lines_behind_yes(heard, LONGEST_TEXT)?.collect();
    let text = lines.join(" | ");
    (text.chars().count() >= SHORTEST_TEXT).then_some(text)
}

/// Whether the daemon goes on with its words there, so that its yes was a line of its message of the day.
fn starts_twice(heard: &[u8]) -> bool {
    lines_behind_yes(heard, usize::MAX)
        .is_some_and(|mut lines| lines.any(|line| line.starts_with("@RSYNCD: ")))
}

/// Where text stands behind a yes, listens on for the daemon's own one, which comes once it has read what is asked for.
fn hear_out(line: &Stream, heard: &Mutex<Vec<u8>>) {
    let is_open = || {
        let heard = heard.lock().expect("no thread panics with it");
        let behind = lines_behind_yes(&heard, usize::MAX);
        behind.is_some_and(|mut lines| lines.next().is_some()) && !starts_twice(&heard)
    };
    let until = Instant::now() + LAST_WORDS;
    while is_open() && Instant::now() < until {
        let is_limited = line.set_read_timeout(Some(LAST_WORDS));
        if is_limited.is_err() || !matches!(line.read(&mut [0; 4096]), Ok(1..)) {
            return;
        }
    }
}

/// How long a daemon is given to go on.
const LAST_WORDS: Duration = Duration::from_millis(300);

fn lines_behind_yes(heard: &[u8], most: usize) -> Option<impl Iterator<Item = &str>> {
    let at = heard.windows(YES.len()).position(|window| window == YES)?;
    let behind = &heard[at + YES.len()..];
    let behind = &behind[..behind.len().min(most)];
    let text = behind.utf8_chunks().next()?.valid();
    let end = text.find(|letter: char| letter.is_control() && !letter.is_whitespace());
    let lines = text[..end.unwrap_or(text.len())].lines().map(str::trim);
    Some(lines.filter(|line| !line.is_empty()))
}

/// What a daemon says before the session.
const YES: &[u8] = b"@RSYNCD: OK\n";

/// So much of a text in its place is told, in bytes.
const LONGEST_TEXT: usize = 300;

/// Fewer letters may be numbers that look like some.
const SHORTEST_TEXT: usize = 12;

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
        _ if plan.options.opens => Step::Opening,
        _ if plan.options.dry_run => Step::DryRun,
        Place::Files { .. } => Step::Pull,
        Place::Push { .. } => Step::Push,
    }
}

/// What a daemon says of clients that it does not let into a module (`rsync_module` in clientserver.c).
const OF_ACCESS: [&str; 2] = ["@ERROR: access denied to ", "@ERROR: max connections ("];

impl Session {
    /// Whether it ended well and without the module that was asked for.
    pub(super) fn is_dismissed(&self) -> bool {
        self.exit == 0 && self.outcome.is_none()
    }

    /// The stage that the daemon's words are about, where one of these seems to have failed, and the one that was passed
    /// then: some end with one and the same answer, and a refusal of options comes once both have agreed.
    pub(super) fn blames(&self, step: Step) -> (Option<Step>, Step) {
        let says = |texts: &[&str]| {
            self.lines()
                .any(|line| texts.iter().any(|text| line.contains(text)))
        };
        match step {
            Step::Module if says(&OF_ACCESS) => (Some(step), Step::Access),
            Step::Arguments if says(&["Failed to negotiate"]) => (Some(step), Step::Setup),
            Step::List if says(&[REFUSAL]) => (None, Step::Arguments),
            _ => (None, step),
        }
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

#[cfg(test)]
mod tests {
    use super::{starts_twice, text_of};

    #[test]
    fn a_text_is_told_from_what_a_daemon_sends() {
        for (heard, expected) in [
            (
                &b"@RSYNCD: 31.0\n@RSYNCD: OK\nbash: foo: not found\r\nbash: bar\n"[..],
                Some("bash: foo: not found | bash: bar"),
            ),
            (
                "@RSYNCD: OK\n找不到命令，请联系管理员谢谢\n\0".as_bytes(),
                Some("找不到命令，请联系管理员谢谢"),
            ),
            (b"@RSYNCD: OK\n\x81\xff\x1fxxh128 xxh3 xxh64 md5 md4", None),
            (b"@RSYNCD: OK\n?abc\x10\0\0\x07 a list of many letters", None),
            (b"@RSYNCD: OK\n", None),
            (b"Welcome to this server!\n", None),
        ] {
            assert_eq!(text_of(heard).as_deref(), expected, "{}", heard.escape_ascii());
        }
        assert!(starts_twice(b"@RSYNCD: 31.0\n@RSYNCD: OK\nmore\n@RSYNCD: OK\n"));
        assert!(!starts_twice(b"@RSYNCD: 31.0\n@RSYNCD: OK\nnot @RSYNCD: OK\n"));
        let long = [b"@RSYNCD: OK\n".as_slice(), &[b'x'; 9000]].concat();
        assert_eq!(text_of(&long).map(|text| text.len()), Some(300));
    }
}
