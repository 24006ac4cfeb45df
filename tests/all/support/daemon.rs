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

/// A real `rsync --daemon` behind a port of its own: each connection is handed to one in inetd mode.
pub(crate) struct Daemon {
    address: SocketAddr,
    log: PathBuf,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

/// How a daemon is run.
#[derive(Default)]
pub(crate) struct Run<'a> {
    pub(crate) user: Option<&'a str>,
    pub(crate) environment: BTreeMap<String, String>,
    /// What rsync is told, in place of what every daemon is.
    pub(crate) arguments: Option<Vec<String>>,
}

impl Daemon {
    /// Serves the configuration; the log goes to a file beside it.
    pub(crate) fn start(configuration: &Path, run: &Run<'_>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        let log = configuration.with_extension("log");
        fs::write(&log, "").expect("a log");
        let user = run
            .user
            .map(|name| User::from_name(name).expect("users").expect("a user"));
        if let Some(user) = &user {
            let owner = (Some(user.uid.as_raw()), Some(user.gid.as_raw()));
            std::os::unix::fs::chown(&log, owner.0, owner.1).expect("root changes owners");
        }
        let stopping = Arc::new(AtomicBool::new(false));
        let address = listener.local_addr().expect("an address");
        let acceptor = {
            let stopping = stopping.clone();
            let environment = run.environment.clone();
            let is_inetd = run.arguments.is_some();
            let arguments = run.arguments.clone().unwrap_or_else(|| {
                vec![
                    "--daemon".to_owned(),
                    "--no-detach".to_owned(),
                    format!("--config={}", configuration.display()),
                    format!("--log-file={}", log.display()),
                    // Once the module is known its own log file counts, and this is its default.
                    format!("--dparam=log file={}", log.display()),
                ]
            });
            thread::spawn(move || {
                for stream in listener.incoming() {
                    if stopping.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { return };
                    let mut command = Command::new("rsync");
                    command.args(&arguments).envs(&environment).current_dir("/");
                    if let Some(user) = &user {
                        command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
                    }
                    serve(command, stream, is_inetd);
                }
            })
        };
        Self {
            address,
            log,
            stopping,
            acceptor: Some(acceptor),
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// What the daemon has logged so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).expect("the log")).into_owned()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().expect("the acceptor does not panic");
        }
    }
}

/// A super-server gives the connection as standard error too.
fn serve(mut command: Command, stream: TcpStream, is_inetd: bool) {
    let output: OwnedFd = stream.try_clone().expect("a descriptor").into();
    let error = match is_inetd {
        true => Stdio::from(output.try_clone().expect("a descriptor")),
        false => Stdio::null(),
    };
    let child = command
        .stdin(OwnedFd::from(stream))
        .stdout(output)
        .stderr(error)
        .spawn()
        .expect("rsync runs");
    drop(command);
    // Reaps it whenever it ends.
    thread::spawn(move || child.wait_with_output());
}

/// Runs a real rsync client; it ends within half a minute.
pub(crate) fn rsync(arguments: &[String], password: Option<&str>) -> Output {
    let mut command = Command::new("timeout");
    command
        .args(["30", "rsync", "--timeout=20"])
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null());
    match password {
        Some(password) => command.env("RSYNC_PASSWORD", password),
        None => command.env_remove("RSYNC_PASSWORD"),
    };
    command.output().expect("timeout and rsync run")
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
