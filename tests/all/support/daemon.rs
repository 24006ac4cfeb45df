use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::unistd::User;
use rsyncctl::terms::Release;

use crate::support::skip;

/// A port of loopback: each connection is handed to a new process, as its standard input and output.
pub(crate) struct Port {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Port {
    /// Serves the connections of a listener.
    pub(crate) fn serve(listener: TcpListener, command: impl Fn() -> Command + Send + 'static) -> Self {
        let address = listener.local_addr().expect("an address");
        let stopping = Arc::new(AtomicBool::new(false));
        let acceptor = {
            let stopping = stopping.clone();
            thread::spawn(move || {
                let mut children = Vec::new();
                for stream in listener.incoming() {
                    let Ok(stream) = stream else { break };
                    if stopping.load(Ordering::SeqCst) {
                        break;
                    }
                    children.push(hand_over(command(), stream));
                }
                for child in children {
                    child.join().expect("a reaper does not panic");
                }
            })
        };
        Self {
            address,
            stopping,
            acceptor: Some(acceptor),
        }
    }
}

/// Ends with the last of the processes: their logs are complete then.
impl Drop for Port {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().expect("the acceptor does not panic");
        }
    }
}

/// Starts the program with the connection; the thread ends when the program has.
fn hand_over(mut command: Command, stream: TcpStream) -> JoinHandle<()> {
    let output: OwnedFd = stream.try_clone().expect("a descriptor").into();
    let child = command
        .stdin(OwnedFd::from(stream))
        .stdout(output)
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    drop(command);
    thread::spawn(move || drop(child.wait_with_output()))
}

/// A real `rsync --daemon` behind a port of its own: each connection is handed to one in inetd mode.
pub(crate) struct Daemon {
    port: Port,
    log: PathBuf,
}

/// How a daemon is run.
#[derive(Clone, Default)]
pub(crate) struct Run<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) environment: BTreeMap<String, String>,
    /// What rsync is told, in place of what every daemon is; standard error is the connection then, as a super-server
    /// gives it.
    pub(crate) arguments: Option<Vec<String>>,
    /// What stands in front of rsync on its command line.
    pub(crate) around: Vec<String>,
}

impl Daemon {
    /// Serves the configuration; the log goes to a file beside it.
    pub(crate) fn start(configuration: &Path, run: &Run<'_>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        Self::serve(listener, configuration, run)
    }

    /// Serves the configuration to the connections of a listener.
    pub(crate) fn serve(listener: TcpListener, configuration: &Path, run: &Run<'_>) -> Self {
        let log = configuration.with_extension("log");
        // Daemons that share a lock file share their connections too. Only root may write the one that they all have.
        let lock = configuration.with_extension("own-lock");
        let user = run.user.map(account);
        for file in [&log, &lock] {
            fs::write(file, "").expect("a log");
            if let Some(user) = &user {
                let owner = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
                std::os::unix::fs::chown(file, owner.0, owner.1).expect("root changes owners");
            }
        }
        let has_own = user.is_some() || names_lock_file(configuration);
        let own_lock = (!has_own).then(|| format!("--dparam=lock file={}", lock.display()));
        let environment = run.environment.clone();
        let (arguments, around) = (run.arguments.clone(), run.around.clone());
        let (configuration, its_log) = (configuration.to_owned(), log.clone());
        let port = Port::serve(listener, move || {
            let mut command = Command::new("timeout");
            match &arguments {
                Some(arguments) => command
                    .args(["--signal=KILL", "60", "sh", "-c", "exec rsync \"$@\" 2>&1", "sh"])
                    .args(arguments),
                None => command
                    .arg("60")
                    .args(&around)
                    .args(["rsync", "--daemon", "--no-detach"])
                    .arg(format!("--config={}", configuration.display()))
                    .arg(format!("--log-file={}", its_log.display()))
                    // Once the module is known its own log file counts, and this is its default.
                    .arg(format!("--dparam=log file={}", its_log.display()))
                    .args(&own_lock),
            };
            command.envs(&environment).current_dir("/");
            if let Some(user) = &user {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
            command
        });
        Self { port, log }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port.address.port()
    }

    /// What the daemon has logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the log")).into_owned()
    }
}

/// Whether a configuration says which lock file its modules have.
fn names_lock_file(configuration: &Path) -> bool {
    let mut text = fs::read(configuration).unwrap_or_default().to_ascii_lowercase();
    text.retain(|byte| !byte.is_ascii_whitespace());
    text.windows(8).any(|window| window == b"lockfile")
}

/// A local user.
pub(crate) fn account(name: &str) -> User {
    User::from_name(name).expect("users").expect("a user")
}

/// Runs a real rsync client; it ends within half a minute.
pub(crate) fn rsync(arguments: &[String], password: Option<&str>) -> Output {
    let mut command = Command::new("timeout");
    command
        .args(["--signal=KILL", "30", "rsync", "--timeout=20"])
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    match password {
        Some(password) => command.env("RSYNC_PASSWORD", password),
        None => command.env_remove("RSYNC_PASSWORD"),
    };
    command.output().expect("timeout and rsync run")
}

/// Whether rsync is installed; else says why the test is left out.
pub(crate) fn has_rsync() -> bool {
    installed().inspect_err(|reason| skip(reason)).is_ok()
}

/// The release of the rsync that is installed, or why there is none.
pub(crate) fn installed() -> Result<Release, &'static str> {
    static RELEASE: OnceLock<Option<Release>> = OnceLock::new();
    let release = RELEASE.get_or_init(|| {
        let output = Command::new("rsync").arg("--version").output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        text.split_whitespace().nth(2)?.parse().ok()
    });
    release.ok_or("rsync is not installed: `apt-get install rsync`, or run `bash tests/run.sh`")
}
