use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use crate::{
    doctor::{ClientFact, ReachFact, confinement::Confined, paths::PathFact},
    host::Unknown,
    probe::tryout::End,
};

/// What is looked at, quick ones first.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Check {
    /// Which daemons run.
    Daemon,
    /// Whether the configuration changed after the daemon started.
    Changed,
    /// What is wrong in the configuration, with the facts of the machine.
    Configuration,
    /// What the daemon and its modules' users may do with the files that it names.
    Paths,
    /// What the system forbids the daemon, whatever the modes say.
    Confinement,
    /// Whether clients reach it: where it listens, and what the firewall lets in.
    Reach,
    /// What failed in the last day, by the daemon's log.
    Log,
    /// What a client of this machine meets.
    Loopback,
    /// What the text means that the user gave.
    Symptom,
    /// A client's command line itself.
    CommandLine,
    /// The password file that it names.
    PasswordFile,
    /// Where files come to, or come from, on the client.
    Destination,
    /// Programs of the client that watch folders.
    Watchers,
    /// The way to the server, and what it says to the command line.
    Server,
    /// What the destination has and the source no longer has.
    Leftover,
}

impl Check {
    /// Whether it is one of a daemon's configuration.
    pub const fn is_of_server(self) -> bool {
        match self {
            Self::Daemon
            | Self::Changed
            | Self::Configuration
            | Self::Paths
            | Self::Confinement
            | Self::Reach
            | Self::Log
            | Self::Loopback => true,
            Self::Symptom
            | Self::CommandLine
            | Self::PasswordFile
            | Self::Destination
            | Self::Watchers
            | Self::Server
            | Self::Leftover => false,
        }
    }

    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Changed => "changed",
            Self::Configuration => "configuration",
            Self::Paths => "paths",
            Self::Confinement => "confinement",
            Self::Reach => "reach",
            Self::Log => "log",
            Self::Loopback => "loopback",
            Self::Symptom => "symptom",
            Self::CommandLine => "command-line",
            Self::PasswordFile => "password-file",
            Self::Destination => "destination",
            Self::Watchers => "watchers",
            Self::Server => "server",
            Self::Leftover => "leftover",
        }
    }
}

/// How a stage ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// All is well.
    Passed,
    /// Something is broken.
    Failed,
    /// Something is to be looked at, or could not be seen.
    Warned,
    /// It was left out.
    Skipped(Skip),
    /// The check itself broke.
    Crashed,
}

impl State {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Warned => "warned",
            Self::Skipped(_) => "skipped",
            Self::Crashed => "crashed",
        }
    }
}

/// Why a stage is left out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Skip {
    /// No daemon runs by itself.
    NoDaemon,
    /// Nothing listens.
    NobodyListens,
    /// Where something would listen is not known: neither the process nor its configuration may be read.
    PortUnseen,
    /// There is no configuration, or it cannot be read.
    NoConfiguration,
    /// The daemon logs to syslog, and nothing of it is found there.
    Syslog,
    /// The log file is named relative to a folder that is not known.
    RelativeLog,
    /// There is no log file yet.
    NoLog,
    /// The configuration has no module.
    NoModule,
    /// The daemon has a network of its own.
    OtherNetwork,
    /// What the command line says is not known.
    LineUnread,
    /// The password is read from standard input.
    FromInput,
    /// The command line goes through a remote shell.
    RemoteShell,
    /// The command line names no other machine.
    NoServer,
    /// The command line has no file of this machine.
    NoFilesHere,
    /// No program watches folders here.
    NoWatcher,
    /// The server was not reached.
    NotConnected,
    /// The command line is none for which that matters.
    NotAsked,
    /// The server does not let clients delete.
    NoDeletion,
}

impl Skip {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::NoDaemon => "no-daemon",
            Self::NobodyListens => "nobody-listens",
            Self::PortUnseen => "port-unseen",
            Self::NoConfiguration => "no-configuration",
            Self::Syslog => "syslog",
            Self::RelativeLog => "relative-log",
            Self::NoLog => "no-log",
            Self::NoModule => "no-module",
            Self::OtherNetwork => "other-network",
            Self::LineUnread => "line-unread",
            Self::FromInput => "from-input",
            Self::RemoteShell => "remote-shell",
            Self::NoServer => "no-server",
            Self::NoFilesHere => "no-files-here",
            Self::NoWatcher => "no-watcher",
            Self::NotConnected => "not-connected",
            Self::NotAsked => "not-asked",
            Self::NoDeletion => "no-deletion",
        }
    }
}

/// A stage of an examination.
#[derive(Debug)]
pub struct Stage {
    /// What was looked at.
    pub check: Check,
    /// The configuration file of the daemon that it is about; none for the whole machine.
    pub file: Option<PathBuf>,
    /// How it ended.
    pub state: State,
    /// How long it took.
    pub time: Duration,
    /// What it showed.
    pub facts: Vec<Fact>,
}

impl Stage {
    pub(super) fn new(check: Check, file: Option<&Path>) -> Self {
        Self {
            check,
            file: file.map(Path::to_owned),
            state: State::Passed,
            time: Duration::ZERO,
            facts: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    pub(super) fn crash(&mut self, message: String) {
        self.state = State::Crashed;
        self.facts = vec![Fact::Crashed(message)];
    }

    pub(super) fn skip(&mut self, why: Skip) {
        self.state = State::Skipped(why);
    }

    /// Something is broken.
    pub(super) fn fail(&mut self) {
        self.state = State::Failed;
    }

    /// Something is to be looked at, if nothing is worse.
    pub(super) fn warn(&mut self) {
        if self.state == State::Passed {
            self.state = State::Warned;
        }
    }
}

/// Who listens for a daemon.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Way {
    /// It does by itself.
    Standalone,
    /// It does by itself, as that unit of systemd.
    Unit(String),
}

/// Something that a stage showed.
#[derive(Debug)]
pub enum Fact {
    /// A daemon runs.
    Runs {
        /// Its process.
        process: u32,
        /// Its configuration file.
        file: PathBuf,
        /// The ports that it listens on, as far as that can be seen.
        ports: Vec<u16>,
        /// The user that it acts as: a name, or a number.
        user: Option<String>,
        /// When it was started.
        since: Option<jiff::Zoned>,
        /// Who listens.
        way: Way,
    },
    /// A daemon runs in a container, and is not looked at.
    Contained(u32),
    /// A daemon runs in a container, whose paths are looked at from here.
    Inside(u32),
    /// So many more daemons run, and are not looked at.
    MoreDaemons(usize),
    /// A program listens on the port and starts rsync for each connection.
    Starter(String, u32, u16),
    /// The daemon of that process listens on no port that we see.
    NoPort(u32),
    /// No daemon runs with that file.
    NoDaemon(PathBuf),
    /// Another program, or another daemon, has the port.
    Held(String, u32, u16),
    /// Somebody has the port whom only root may see.
    HeldUnseen(u16),
    /// Nothing listens on the port.
    NobodyListens(u16),
    /// A unit of systemd is there, and whether it is switched on.
    Unit(String, bool),
    /// The file is not there.
    NoFile(PathBuf),
    /// Something could not be seen, and why.
    Unseen(String, Unknown),
    /// The configuration has not changed since the daemon started.
    Unchanged,
    /// The configuration changed, then; these parameters of it count from the next start on.
    Changed(jiff::Zoned, Vec<&'static str>),
    /// The configuration says another port than the daemon listens on.
    OtherPort(u16, Vec<u16>),
    /// Modules, errors, warnings, notes.
    Counts(usize, usize, usize, usize),
    /// Something of the way to the daemon.
    Reach(ReachFact),
    /// Something of a client.
    Client(ClientFact),
    /// What was read of the log, whether that is only its last part, and how many kinds of failures it has of the last day.
    Log(String, bool, usize),
    /// What came of a module.
    Module(String, Outcome),
    /// What came of a path.
    Path(PathFact),
    /// What confines the daemon.
    Confined(Confined),
    /// So many causes fit the text.
    Recognised(usize),
    /// The check broke, and says that.
    Crashed(String),
}

/// What a client of this machine meets in a module.
#[derive(Debug)]
pub enum Outcome {
    /// Files come.
    Works,
    /// It asks for a password, as the configuration says.
    AsksPassword,
    /// It refuses this machine or this use, as the configuration says.
    Refuses(End),
    /// It fails, with these words.
    Fails(Vec<String>),
    /// It does what the configuration does not say.
    Differs {
        /// What the configuration says.
        expected: End,
        /// What happens.
        end: End,
    },
    /// It was not tried.
    NotTried(Untried),
}

impl Outcome {
    /// The name that programs read.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Works => "works",
            Self::AsksPassword => "asks-password",
            Self::Refuses(_) => "refuses",
            Self::Fails(_) => "fails",
            Self::Differs { .. } => "differs",
            Self::NotTried(_) => "not-tried",
        }
    }
}

/// Why a module is not tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Untried {
    /// Each connection runs commands of the configuration.
    Hooks,
    /// The name cannot be typed.
    Name,
    /// The daemon wants the header of a proxy in front of each connection.
    Proxy,
    /// The firewall keeps out clients of this machine itself.
    Firewall,
    /// The daemon answered nobody before.
    NoAnswer,
    /// Those before it took so long that this one is left out.
    NoTime,
    /// The probe could not be made.
    NoProbe,
}
