use std::{
    ffi::OsString,
    fs::{self, File},
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{self, Child, Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};
use socket2::{Domain, Socket, Type};
use thiserror::Error;

use crate::terms::Release;

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
    /// The trial's own folder, port or process.
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

/// What ends the daemon, whoever gets there first.
#[derive(Debug, Default)]
pub struct Leash(Mutex<Option<Running>>);

/// A daemon that runs.
#[derive(Debug)]
struct Running {
    child: Child,
    /// Whether its sessions may run commands of the user, which are left to end by themselves.
    with_hooks: bool,
}

impl Leash {
    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the daemon, if there is one, and its sessions, and waits for its end, which nothing can hold up.
    pub fn end(&self) {
        let Some(mut running) = self.running().take() else {
            return;
        };
        if !running.with_hooks
            && let Ok(group) = i32::try_from(running.child.id())
        {
            // It was started as the leader of a group.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        let _ = running.child.kill();
        let _ = running.child.wait();
    }

    /// How the daemon ended by itself: its code, or none for a signal.
    fn ended(&self) -> io::Result<Option<Option<i32>>> {
        let mut running = self.running();
        let child = running.as_mut().map(|running| &mut running.child);
        let status = child.map(Child::try_wait).transpose()?.flatten();
        if status.is_some() {
            // Its number may be another's from now on.
            *running = None;
        }
        Ok(status.map(|status| status.code()))
    }
}

/// A daemon of our own, on a port of loopback.
pub(super) struct Daemon<'l> {
    pub(super) address: SocketAddr,
    /// Whoever else asks for a port meanwhile does not get this one; rsync does, as it may share it.
    _reserved: Socket,
    folder: PathBuf,
    leash: &'l Leash,
}

/// How a daemon is started.
pub(super) struct Start<'s> {
    /// This program, which sees to it that the daemon ends with us, and then becomes the daemon.
    pub(super) own: &'s Path,
    pub(super) program: &'s Program,
    /// Where its files are.
    pub(super) folder: &'s Path,
    /// The folder that it is started in.
    pub(super) directory: &'s Path,
    pub(super) configuration: &'s [u8],
    pub(super) with_hooks: bool,
}

/// The variable that keeps a daemon from running the hooks of its modules (`rsync_module` in clientserver.c).
const NO_HOOKS: &str = "RSYNC_NO_XFER_EXEC";

impl<'l> Daemon<'l> {
    /// Starts a daemon; whether it goes on to listen is to be seen.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn start(start: &Start<'_>, leash: &'l Leash) -> Result<Self, NoDaemon> {
        let reserved = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        reserved.set_reuse_address(true)?;
        reserved.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = reserved.local_addr()?.as_socket();
        let address = address.ok_or_else(|| io::Error::other("a socket without an address"))?;
        let folder = start.folder;
        let file = configuration(folder);
        fs::write(&file, start.configuration)?;
        let mut command = Command::new(start.own);
        command
            .args(["daemon-of-trial", &process::id().to_string()])
            .arg(&start.program.name)
            .args(["--daemon", "--no-detach"])
            .arg(option("--config=", &file))
            .arg(format!("--address={}", address.ip()))
            .arg(format!("--port={}", address.port()))
            .arg(option("--log-file=", &log(folder)))
            // Nobody needs one: who started it knows it.
            .arg("--dparam=pidfile=")
            .current_dir(start.directory)
            .env("LC_ALL", "C")
            // What a terminal sends to the foreground is for us; we end the daemon.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(errors(folder))?);
        match start.with_hooks {
            true => command.env_remove(NO_HOOKS),
            false => command.env(NO_HOOKS, "1"),
        };
        *leash.running() = Some(Running {
            child: command.spawn()?,
            with_hooks: start.with_hooks,
        });
        Ok(Self {
            address,
            _reserved: reserved,
            folder: folder.to_owned(),
            leash,
        })
    }

    /// How it ended by itself: its code, or none for a signal.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn ended(&self) -> io::Result<Option<Option<i32>>> {
        self.leash.ended()
    }

    /// What it printed and logged.
    pub(super) fn said(&self) -> Vec<u8> {
        let files = [errors(&self.folder), log(&self.folder)];
        let texts = files.iter().filter_map(|file| fs::read(file).ok());
        texts.collect::<Vec<_>>().concat()
    }

    /// Where it logs.
    pub(super) fn log(&self) -> PathBuf {
        log(&self.folder)
    }

    /// The configuration that it reads.
    pub(super) fn configuration(&self) -> PathBuf {
        configuration(&self.folder)
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        self.leash.end();
    }
}

fn configuration(folder: &Path) -> PathBuf {
    folder.join("rsyncd.conf")
}

pub(super) fn log(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn errors(folder: &Path) -> PathBuf {
    folder.join("errors")
}

fn option(name: &str, value: &Path) -> OsString {
    let mut option = OsString::from(name);
    option.push(value);
    option
}
