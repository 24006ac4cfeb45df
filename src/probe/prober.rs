use std::{
    fs::{self, File},
    io::{self, Read as _, Seek as _, SeekFrom},
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use thiserror::Error as ThisError;
use tokio::task::spawn_blocking;

use crate::{
    explain::{Known, Watched, explain_session},
    probe::{
        Report, Slip,
        audit::named_release,
        command::command,
        deadline::Deadline,
        files::Candidates,
        partial::partial,
        recorder::Seen,
        refused::Refused,
        service::{is_of_another, quotes_greeting, recognize},
        session::{self, Session, Stages},
        stage::{Fact, Skip, State, Step},
        transcript::Wire,
        watch::Watch,
    },
    rsync::{
        net::{Connections, Stream},
        transfer::shown,
    },
    sync::{Environment, Plan, Surroundings, UsageError},
    terms::Exit,
};

/// How far a probe goes.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Options of rsync's that each session has: `--port=8873`, `--password-file=FILE`.
    pub words: Vec<String>,
    /// How long one address is given to take a connection.
    pub connect_limit: Duration,
    /// How long nothing may come or go where the command line has no `--timeout`. The server is not told.
    pub silence: Duration,
    /// When all of its sessions have to be over, whatever else holds; a peer may keep each limit of its own and take hours.
    pub until: Option<Instant>,
    /// So many files are pulled at most.
    pub most_files: usize,
    /// So many bytes are pulled at most.
    pub most_bytes: u64,
    /// Folders further down are not listed.
    pub depth: usize,
    /// What stands in front of each session: the header of a proxy.
    pub announce: Vec<u8>,
    /// Whether writing is tried too.
    pub pushes: bool,
    /// Whether probes of other modules of the same daemon may run meanwhile, which the daemon counts, too.
    pub is_one_of_many: bool,
    /// What stands around a user's own command line and is not carried out with it, by name.
    pub left_out: Vec<String>,
    /// The folder that it is carried out in, if that is not the one in which the reader is.
    pub folder: Option<PathBuf>,
    /// What of it a shell, or cron, reads otherwise than it is meant.
    pub slips: Vec<Slip>,
}

/// What the probes of one run share.
pub struct Setting {
    /// How far they go.
    pub choice: Choice,
    /// What the environment says.
    pub environment: Environment<'static>,
    /// What command lines need of the machine.
    pub surroundings: Box<dyn Fn() -> Surroundings<'static> + Send + Sync>,
    /// What is known of the server and of the password file.
    pub known: Arc<Known>,
    /// The daemon's log, where it is at hand: what is written into it meanwhile is explained too.
    pub log: Option<Box<Path>>,
    /// Where files are pulled to, in folders of their own.
    pub folder: Box<Path>,
    /// Their connections.
    pub connections: Arc<Connections>,
    /// What they go over.
    pub wire: Wire,
    /// Who is told how far they are.
    pub watch: Option<Arc<dyn Watch>>,
}

/// Why a probe could not be made.
#[derive(Debug, ThisError)]
pub enum ProbeError {
    /// The command line of a session is none.
    #[error("{0}")]
    Usage(#[from] UsageError),
    /// The command line of a user is one that rsync can carry out, and our client cannot.
    #[error(
        "{0} (nothing was tried, and the status 2 is rsyncctl's own; run the command itself, and give `rsyncctl explain` what it says)"
    )]
    NotTried(UsageError),
    /// The same, where it is not what the user means: what to do, and why it was not carried out.
    #[error("{0} (nothing was tried: {1}; the status 2 is rsyncctl's own)")]
    Meant(String, UsageError),
    /// No folder for the files.
    #[error("no temporary folder can be made: {0}")]
    Folder(io::Error),
    /// The transcript cannot be written.
    #[error("the transcript cannot be written: {0}")]
    Trace(io::Error),
    /// A transcript is over before the probe is.
    #[error(
        "the transcript has fewer connections than this needs; it was made by {0}, and this is rsyncctl {version}",
        version = env!("CARGO_PKG_VERSION")
    )]
    ShortTranscript(String),
    /// What a transcript tells to do would change files of this machine.
    #[error(
        "a command line that was carried out with `--really` is not replayed: it would change files here"
    )]
    ReplayWrites,
}

/// A probe under way.
pub(super) struct Prober {
    pub(super) report: Report,
    pub(super) setting: Arc<Setting>,
    start: Instant,
    /// Its number, for those who watch.
    number: usize,
    /// Where the daemon's log ended before.
    logged: u64,
    /// The address that took a connection.
    pub(super) address: Option<SocketAddr>,
    /// The module that is asked for.
    pub(super) asked: Option<String>,
    /// What rsync would have printed.
    pub(super) said: Vec<u8>,
    /// What else is known of that session.
    pub(super) watched: Watched,
    /// What it leaves out because the daemon refuses it.
    pub(super) refused: Refused,
    /// The letters of which it would leave one out more.
    pub(super) dispensable: &'static str,
    /// Whether a session was admitted to the module, and counts until the daemon has ended it.
    pub(super) is_counted: bool,
}

impl Prober {
    pub(super) fn new(subject: String, setting: Arc<Setting>) -> Self {
        let log = setting.log.as_deref();
        let logged = log.and_then(|log| fs::metadata(log).ok());
        let number = setting.watch.as_ref().map_or(0, |watch| watch.begin(&subject));
        Self {
            number,
            report: Report::new(subject),
            logged: logged.map_or(0, |log| log.len()),
            is_counted: setting.choice.is_one_of_many,
            setting,
            start: Instant::now(),
            address: None,
            asked: None,
            said: Vec::new(),
            watched: Watched::default(),
            refused: Refused::default(),
            dispensable: "",
        }
    }

    /// Does the rest, if it came that far, on a thread that may wait; then explains what was said.
    pub(super) async fn blocking<F>(mut self, rest: F) -> Result<Report, ProbeError>
    where
        F: FnOnce(&mut Self) -> Result<(), ProbeError> + Send + 'static,
    {
        let ended = spawn_blocking(move || {
            if self.report.exit == 0 {
                rest(&mut self)?;
            }
            self.conclude();
            if let Some(watch) = &self.setting.watch {
                watch.end(self.number, self.report.exit);
            }
            self.setting.wire.check()?;
            Ok(self.report)
        });
        ended.await.expect("a probe does not panic")
    }

    /// A stage is under way.
    pub(super) fn come_to(&self, step: Step) {
        if let Some(watch) = &self.setting.watch {
            watch.reach(self.number, step);
        }
    }

    /// The words behind `rsync`: the options of every session, then these.
    pub(super) fn words(&self, more: &[&str]) -> Vec<String> {
        let own = self.setting.choice.words.iter().cloned();
        own.chain(more.iter().map(|&word| word.to_owned())).collect()
    }

    /// What the user would type.
    pub(super) fn typed(&self, words: &[String]) -> String {
        let way = self.setting.wire.way(&self.setting.environment);
        let parts: Vec<_> = way.into_iter().chain([command(words)]).collect();
        parts.join(" ")
    }

    pub(super) fn plan(&self, words: &[String]) -> Result<Box<Plan>, ProbeError> {
        let Setting {
            surroundings,
            environment,
            ..
        } = &*self.setting;
        let mut plan = session::plan(words, surroundings(), environment)?;
        self.setting.wire.adapt(&mut plan)?;
        Ok(plan)
    }

    /// Carries a plan of the probe's own out, which must not take many times the time limit.
    pub(super) fn session(&self, plan: &Plan, stream: Option<Stream>) -> Session {
        let silence = self.setting.choice.silence;
        let length = LONGEST * plan.options.timeout.unwrap_or(silence);
        self.session_until(Deadline::of_session(length, silence), plan, stream)
    }

    /// Carries a plan out whose transfer takes as long as it takes.
    pub(super) fn whole_session(&self, plan: &Plan, stream: Option<Stream>) -> Session {
        let silence = self.setting.choice.silence;
        // The silence of a user's own command line is long already.
        let length = plan.options.timeout.map_or(2 * silence, |limit| LONGEST * limit);
        self.session_until(Deadline::of_dialogue(length, silence), plan, stream)
    }

    pub(super) fn session_until(&self, deadline: Deadline, plan: &Plan, stream: Option<Stream>) -> Session {
        let Setting {
            choice,
            environment,
            connections,
            wire,
            ..
        } = &*self.setting;
        let candidates = Candidates::new(choice.most_files, choice.most_bytes);
        let watch = |step| self.come_to(step);
        let is_enough = |text: &[u8]| {
            let lines = String::from_utf8_lossy(text);
            let mut refused = self.refused.clone();
            refused
                .take(self.dispensable, lines.lines().map(str::to_owned))
                .is_some()
        };
        let deadline = match choice.until {
            Some(until) => deadline.until(until),
            None => deadline,
        };
        let deadline = match wire {
            Wire::Replayed(_) => deadline.played(),
            _ => deadline,
        };
        let stages = Stages {
            candidates,
            deadline,
            watch: &watch,
            is_enough: &is_enough,
        };
        session::run(plan, environment, connections, wire, stream, stages)
    }

    /// Takes over the stages that a session passed, and what they showed.
    pub(super) fn take(&mut self, session: &Session) {
        for (step, time) in &session.seen.reached {
            self.report.pass(*step, *time);
        }
        for (step, fact) in &session.seen.facts {
            self.report.note(*step, fact.clone());
        }
        if let Some((user, source)) = &session.user {
            let fact = Fact::User(user.clone(), *source);
            self.report.note(Step::Authentication, fact);
            self.watched.names = vec![("user", user.clone())];
        }
        if session.seen.has(Step::List) {
            let found = &session.seen.candidates;
            let fact = Fact::Files(found.files, found.bytes);
            self.report.note(Step::List, fact);
        }
        if session.seen.has(Step::Module) && !session.seen.is_challenged {
            self.report.skip(Step::Authentication, Skip::Anonymous);
        }
    }

    /// A session failed at a stage: what rsync says about it is what will be explained.
    pub(super) fn failed(&mut self, step: Step, session: &Session, plan: &Plan, words: &[String]) {
        let is_reached = session.is_connected || self.report.stage(Step::Connect).state.is_passed();
        let step = if is_reached { step } else { Step::Connect };
        // What this session has passed itself may fail all the same: a list with a folder that cannot be read.
        let is_passed_now = session.seen.has(step);
        let step = if is_passed_now {
            step
        } else {
            self.report.under_way(step)
        };
        let (passed, step) = session.blames(step);
        if let Some(passed) = passed {
            self.report.pass(passed, Duration::ZERO);
        }
        self.report.fail(step);
        self.report.spend(step, session.seen.since());
        // What was reached by an earlier connection only.
        self.watched.is_served_before =
            self.report.stage(Step::Greeting).state.is_passed() && !session.seen.has(Step::Greeting);
        if !session.seen.has(Step::Greeting) {
            self.tell_service(step, &session.seen.greeting);
        }
        if let Some(release) = named_release(&session.said) {
            self.report.settle(release);
        }
        for line in session.lines().take(MOST_LINES) {
            self.report.note(step, Fact::Said(line));
        }
        for fact in partial(session, plan, self.setting.known.server.as_ref()) {
            self.report.note(step, fact);
        }
        if let Some(text) = session.text.as_ref().filter(|_| !session.seen.has(Step::List)) {
            self.report
                .note(step, Fact::Said(format!("{TEXT_IN_PLACE}{text}")));
        }
        if session.exit == Exit::Timeout.code()
            && let Some(text) = endless(&session.seen)
        {
            self.report.note(step, Fact::Said(text));
        }
        if self.report.exit == 0 {
            self.report.exit = session.exit;
            self.report.command = self.typed(words);
            self.watched.is_greeted = session.seen.has(Step::Greeting);
            let is_refused = matches!(step, Step::Module | Step::Access);
            self.watched.is_unasked = is_refused && !session.seen.is_challenged;
            self.watched.is_preceded = !session.seen.has(Step::Module) && !session.seen.lines.is_empty();
            self.watched.is_started_twice = session.is_started_twice;
            self.said = self.screen(session, words);
        }
    }

    /// What stands on the screen in the end.
    fn screen(&self, session: &Session, words: &[String]) -> Vec<u8> {
        let mut screen = Vec::new();
        let greeting = &session.seen.greeting;
        let has_file = words.iter().any(|word| word.starts_with("--password-file"));
        if !self.watched.is_greeted && is_of_another(greeting) && !quotes_greeting(&session.said) {
            // rsync quotes whole lines of text alone.
            let line: String = shown(greeting).chars().take(LONGEST_LINE).collect();
            screen.extend_from_slice(
                format!("rsync: server sent \"{line}\" rather than greeting\n").as_bytes(),
            );
        }
        // An answer that was refused is known, and not asked for again.
        let is_answered = session.seen.is_challenged && session.exit == Exit::StartClient.code();
        let is_empty = |password: Vec<u8>| password.is_empty();
        if is_answered && !has_file && (self.setting.environment.password)().is_ok_and(is_empty) {
            self.setting.wire.note_no_password("");
            screen.extend_from_slice(b"Password: ");
        }
        if !session.seen.has(Step::List)
            && let Some(text) = &session.text
        {
            screen.extend_from_slice(format!("{TEXT_IN_PLACE}{text}\n").as_bytes());
        }
        screen.extend_from_slice(&session.said);
        screen
    }

    fn tell_service(&mut self, step: Step, greeting: &[u8]) {
        if let Some(service) = recognize(greeting) {
            self.report.note(step, Fact::Service(service));
        }
        if !greeting.is_empty() {
            let line = shown(greeting).chars().take(LONGEST_LINE).collect();
            self.report.note(step, Fact::Line(line));
        }
    }

    /// Explains what was said.
    fn conclude(&mut self) {
        self.report.time = self.start.elapsed();
        // Whoever ends a probe knows why it ended.
        let is_ended = self.setting.connections.are_ended() && self.report.exit == Exit::Signal.code();
        let is_well = self.report.exit == 0 && self.said.is_empty();
        if is_well || is_ended {
            return;
        }
        let mut text = format!("$ {}\n", self.report.command).into_bytes();
        text.extend_from_slice(&self.said);
        if let Some(log) = &self.setting.log
            // Without it the client's own lines are explained.
            && let Ok(logged) = read_from(log, self.logged)
        {
            text.extend_from_slice(of_last_session(&logged));
        }
        let watched = Watched {
            is_unlisted: self.report.stage(Step::Modules).state == State::Failed,
            nearly: self.nearly(),
            ..self.watched.clone()
        };
        self.report.explanation = explain_session(&*text, &self.setting.known, watched).ok();
    }
}

/// What a daemon that sends text and no answer is told as.
fn endless(seen: &Seen) -> Option<String> {
    let first: String = shown(seen.lines.first()?).chars().take(LONGEST_LINE).collect();
    let is_answered = seen.has(Step::Setup);
    (!is_answered).then(|| format!("no answer came behind the text that begins with `{first}`"))
}

/// A file's text from a place on.
fn read_from(file: &Path, start: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let mut file = File::open(file)?;
    file.seek(SeekFrom::Start(start))?;
    file.take(MOST_LOG).read_to_end(&mut text)?;
    Ok(text)
}

/// What a daemon logged for its last client. Before it speaks to one it reads its configuration, and complains of the same
/// lines each time; one that gets no further has nothing else to say.
fn of_last_session(log: &[u8]) -> &[u8] {
    const BEGIN: &[u8] = b"] connect from ";
    let begins = log.windows(BEGIN.len()).rposition(|window| window == BEGIN);
    &log[begins.unwrap_or(0)..]
}

/// How a text is told that comes where the session is to begin.
const TEXT_IN_PLACE: &str = "text in the place of the session: ";

/// As much of the daemon's log is read, in bytes.
const MOST_LOG: u64 = 64 << 10;

/// Lines of a failure that are shown.
pub(super) const MOST_LINES: usize = 8;

/// So many time limits a session of the probe's own may take, which pulls little, and the dialogue in front of one that has
/// a limit.
const LONGEST: u32 = 10;

/// Characters of what another service says.
const LONGEST_LINE: usize = 200;
