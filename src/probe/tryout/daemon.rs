use std::{
    ffi::{OsStr, OsString},
    fs::{self, File},
    io::{self, ErrorKind},
    net::TcpListener,
    os::{
        fd::OwnedFd,
        unix::{ffi::OsStringExt as _, process::CommandExt as _},
    },
    path::{Path, PathBuf},
    process::{self, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use thiserror::Error;

use crate::{
    probe::{
        Served,
        tryout::{
            leash::{Leash, Stayed},
            overlay::LOG,
        },
    },
    rsync::net::{Connections, Stream, pair},
    terms::Release,
};

/// An rsync that is installed.
#[derive(Clone, Debug)]
pub struct Program {
    /// Its name, or its path.
    pub name: OsString,
    /// What it says that it is.
    pub release: Release,
}

/// Why there is no daemon for a trial.
#[derive(Debug, Error)]
pub enum NoDaemon {
    /// No rsync.
    #[error(
        "no rsync is found as `{0}`, and a trial needs a real one: install it (`apt-get install rsync`, `dnf install rsync-daemon`), or name it with --rsync"
    )]
    NotInstalled(String),
    /// Something else answers to the name.
    #[error("`{0} --version` does not say which release of rsync it is; name an rsync with --rsync")]
    NotRsync(String),
    /// The path cannot stand in a configuration.
    #[error("`{0}` has a line break or a blank at its end, so no `&merge` can name it: rename it")]
    Name(String),
    /// The trial's own folder, connection or process.
    #[error("no daemon can be started: {0}")]
    System(#[from] io::Error),
}

impl Program {
    /// Asks an rsync which release it is.
    ///
    /// # Errors
    ///
    /// There is none, or it is none.
    pub fn find(name: OsString) -> Result<Self, NoDaemon> {
        let shown = || name.display().to_string();
        let mut asking = Command::new(&name);
        let asked = asking.arg("--version").stdin(Stdio::null()).output();
        let said = asked.map_err(|error| match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied => NoDaemon::NotInstalled(shown()),
            _ => error.into(),
        })?;
        let said = String::from_utf8_lossy(&said.stdout);
        let mut words = said.split_whitespace().skip_while(|word| *word != "version");
        let release = words.nth(1).and_then(|word| word.parse().ok());
        match release {
            Some(release) => Ok(Self { name, release }),
            None => Err(NoDaemon::NotRsync(shown())),
        }
    }
}

/// A daemon of our own. It listens nowhere, so nobody else can reach it: each connection is handed to a process of its
/// own, as inetd does (`daemon_main` in clientserver.c).
#[derive(Debug)]
pub(super) struct Daemon {
    /// This program, which sees to it that the daemon ends with us, and then becomes the daemon.
    pub(super) own: PathBuf,
    pub(super) program: OsString,
    /// Where its files are.
    pub(super) folder: PathBuf,
    /// The folder that it is started in.
    pub(super) directory: PathBuf,
    pub(super) with_hooks: bool,
    pub(super) leash: Arc<Leash>,
    /// Nothing is waited for once they are ended.
    pub(super) connections: Arc<Connections>,
}

/// The variable that keeps a daemon from running the hooks of its modules (`rsync_module` in clientserver.c).
const NO_HOOKS: &str = "RSYNC_NO_XFER_EXEC";
/// What a daemon says that may not have the port that it is to listen on: then it has come that far
/// (`start_accept_loop` in socket.c).
const WOULD_LISTEN: &str = "unable to bind any inbound sockets";
/// How long the session before is waited for: until then it counts for `max connections`, and may write into the log. One
/// whose client has gone ends at once, however busy the machine is.
const LINGER: Duration = Duration::from_secs(10);
/// The same while a command of the user's may hold it up; the last session has the whole time.
const LINGER_FOR_HOOK: Duration = Duration::from_secs(1);
/// How often it is looked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

impl Daemon {
    /// Writes its configuration.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn configure(&self, text: &[u8]) -> io::Result<()> {
        let mut words = self.words().join(OsStr::new("\0")).into_vec();
        words.push(0);
        self.leash.know(words);
        fs::write(self.configuration(), text)
    }

    /// Starts it as a service, on a port that is taken: it reads its configuration, and ends where it would listen. The
    /// number of the process.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn start(&self, taken: &TcpListener) -> io::Result<u32> {
        let address = taken.local_addr()?;
        let mut command = self.command()?;
        command
            .arg("--no-detach")
            .arg(format!("--address={}", address.ip()))
            .arg(format!("--port={}", address.port()))
            .stdin(Stdio::null());
        self.leash.start(&mut command)
    }

    /// Whether one that ended would listen.
    pub(super) fn would_listen(&self) -> bool {
        String::from_utf8_lossy(&self.said()).contains(WOULD_LISTEN)
    }

    fn command(&self) -> io::Result<Command> {
        let mut command = Command::new(&self.own);
        command
            .args(["daemon-of-trial", &process::id().to_string()])
            .arg(&self.program)
            .args(self.words())
            .current_dir(&self.directory)
            .env("LC_ALL", "C")
            // What a terminal sends to the foreground is for us; we end the daemon, and all that it starts.
            .process_group(0)
            .stdout(Stdio::null())
            .stderr(File::options().append(true).create(true).open(self.errors())?);
        match self.with_hooks {
            true => command.env_remove(NO_HOOKS),
            false => command.env(NO_HOOKS, "1"),
        };
        Ok(command)
    }

    fn words(&self) -> [OsString; 4] {
        [
            "--daemon".into(),
            option("--config=", &self.configuration()),
            option("--log-file=", &self.log()),
            // Nobody needs one: who started it knows it.
            "--dparam=pidfile=".into(),
        ]
    }

    /// What it printed and logged.
    pub(super) fn said(&self) -> Vec<u8> {
        let files = [self.errors(), self.log()];
        let texts = files.iter().filter_map(|file| fs::read(file).ok());
        texts.collect::<Vec<_>>().concat()
    }

    /// Where it logs.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join(LOG)
    }

    /// The configuration that it reads.
    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join("rsyncd.conf")
    }

    fn errors(&self) -> PathBuf {
        self.folder.join("errors")
    }

    /// Ends it, once the last session had the time to end by itself; what commands of the user's had left.
    pub(super) fn end(&self) -> Vec<Stayed> {
        self.linger(LINGER);
        self.leash.end()
    }

    /// Waits for the end of the session before, unless the user wants no more.
    fn linger(&self, limit: Duration) {
        let begin = Instant::now();
        while self.leash.is_busy() && begin.elapsed() < limit && !self.connections.are_ended() {
            thread::sleep(PAUSE);
        }
    }
}

impl Served for Daemon {
    fn connect(&self) -> io::Result<Stream> {
        self.linger(match self.with_hooks {
            true => LINGER_FOR_HOOK,
            false => LINGER,
        });
        let (ours, theirs) = pair()?;
        let mut command = self.command()?;
        self.leash.start(command.stdin(OwnedFd::from(theirs)))?;
        Ok(ours.into())
    }
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}
