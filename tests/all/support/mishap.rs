//! Failures that a real rsync is made to show: something is broken, and what it prints is kept.
//!
//! A scenario is a file of `fixtures/mishaps/`. In its texts `$ROOT` is its temporary folder and `$PORT` its port.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _},
    net::{Ipv4Addr, TcpStream},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::PermissionsExt as _,
            process::{CommandExt as _, ExitStatusExt as _},
        },
    },
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

use nix::{
    sys::socket::{self, AddressFamily, Backlog, SockFlag, SockType, SockaddrIn},
    unistd::geteuid,
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::daemon::{Daemon, Port, Run, account};

/// Longer than any scenario takes, so that one that hangs ends.
const DEADLINE: &str = "20";

/// One scenario: what is broken, what the user types, and how that ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mishap {
    #[serde(skip)]
    pub(crate) name: String,
    /// What was broken, in words: the true cause.
    pub(crate) title: String,
    /// The true cause as a key.
    pub(crate) cause: String,
    /// The page of the true cause, where there is one.
    pub(crate) rule: Option<String>,
    /// What the scenario needs beyond an rsync and an ordinary user.
    #[serde(default)]
    pub(crate) needs: Vec<Need>,
    /// The rsyncd.conf of a daemon that listens on `$PORT`.
    config: Option<String>,
    /// The local user that runs the daemon.
    daemon: Option<String>,
    /// A script in the daemon's place; the connection is its standard input and output.
    peer: Option<String>,
    /// Nobody accepts on `$PORT`, and the queue of waiting connections is full.
    #[serde(default)]
    stuck: bool,
    /// Prepares the folder.
    #[serde(default)]
    setup: String,
    /// Runs beside the client, which starts once this has printed a line.
    meanwhile: Option<String>,
    /// The local user who types the commands.
    user: Option<String>,
    /// The commands, one after the other.
    run: Vec<String>,
    /// How the last command ends.
    pub(crate) exit: i32,
    /// A part of what the commands print.
    pub(crate) client: Option<String>,
    /// A part of the daemon's log.
    pub(crate) log: Option<String>,
}

/// What not every machine can give.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Need {
    /// Files that even root may not change.
    Chattr,
    /// inotify-tools.
    Inotifywait,
    /// File systems of its own.
    Mount,
    /// A user namespace.
    Namespace,
    /// Users, owners, chroot.
    Root,
    /// An SSH server.
    Sshd,
}

impl Need {
    /// Why this machine does not give it.
    pub(crate) fn unmet(self) -> Option<&'static str> {
        let (probe, reason) = match self {
            Self::Chattr => (
                "f=$(mktemp) && chattr +i $f && chattr -i $f && rm $f",
                "the temporary folder's file system has no `chattr +i`",
            ),
            Self::Inotifywait => ("command -v inotifywait", "inotify-tools is not installed"),
            Self::Mount => (
                "d=$(mktemp -d) && mount -t tmpfs none $d && umount $d",
                "nothing can be mounted here",
            ),
            Self::Namespace => ("unshare -Ur true", "there are no user namespaces"),
            Self::Root => ("test $(id -u) = 0", "needs root"),
            Self::Sshd => ("test -x /usr/sbin/sshd", "openssh-server is not installed"),
        };
        let mut command = Command::new("bash");
        command
            .args(["-c", probe])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let is_met = command.status().expect("bash runs").success();
        (!is_met).then_some(reason)
    }
}

/// Every scenario of `fixtures/mishaps/`, in order.
pub(crate) fn mishaps() -> Vec<Mishap> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/mishaps");
    let mut files: Vec<_> = fs::read_dir(folder)
        .expect("fixtures/mishaps/")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let text = fs::read_to_string(path).expect("a scenario");
            let mut mishap: Mishap =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            let name = path.file_stem().expect("a name").to_string_lossy();
            mishap.name = name.into_owned();
            mishap
        })
        .collect()
}

/// What a scenario left on the screen and in the log.
#[derive(Debug)]
pub(crate) struct Transcript {
    steps: Vec<Step>,
    log: String,
}

/// A command and what it printed.
#[derive(Debug)]
struct Step {
    prompt: &'static str,
    command: String,
    output: String,
    exit: i32,
}

impl Transcript {
    /// What a user copies from the terminal: prompts, commands and what they printed.
    pub(crate) fn pasted(&self) -> String {
        let steps = self.steps.iter();
        steps
            .map(|step| {
                let newline = if step.output.is_empty() || step.output.ends_with('\n') {
                    ""
                } else {
                    "\n"
                };
                format!("{}{}\n{}{newline}", step.prompt, step.command, step.output)
            })
            .collect()
    }

    /// What the daemon logged.
    pub(crate) fn log(&self) -> &str {
        &self.log
    }

    /// How the last command ended; a signal counts as it does in a shell.
    pub(crate) fn exit(&self) -> i32 {
        self.steps.last().expect("a command").exit
    }
}

/// Runs a scenario against the rsync that is installed.
pub(crate) fn run(mishap: &Mishap) -> Transcript {
    let (socket, port) = bind();
    let stage = Stage::new(mishap, port);
    if let Some(config) = &mishap.config {
        fs::write(stage.configuration(), stage.text(config)).expect("a configuration");
    }
    stage.prepare(&mishap.setup);
    let server = Server::start(mishap, &stage, socket);
    let beside = mishap.meanwhile.as_ref().map(|script| stage.beside(script));
    let steps = mishap.run.iter().map(|command| stage.step(mishap, command));
    let steps = steps.collect();
    drop(beside);
    drop(server);
    Transcript {
        steps,
        log: stage.log(),
    }
}

/// A socket with a port of its own, on which nobody listens yet.
fn bind() -> (OwnedFd, u16) {
    let socket = socket::socket(
        AddressFamily::Inet,
        SockType::Stream,
        SockFlag::SOCK_CLOEXEC,
        None,
    );
    let socket = socket.expect("a socket");
    socket::bind(socket.as_raw_fd(), &SockaddrIn::new(127, 0, 0, 1, 0)).expect("a port on loopback");
    let address: SockaddrIn = socket::getsockname(socket.as_raw_fd()).expect("an address");
    (socket, address.port())
}

/// What the client finds behind the port.
#[expect(dead_code, reason = "each is held until the client has ended")]
enum Server {
    Closed(OwnedFd),
    Daemon(Daemon),
    Peer(Port),
    Stuck(OwnedFd, TcpStream),
}

impl Server {
    fn start(mishap: &Mishap, stage: &Stage, socket: OwnedFd) -> Self {
        let listen = |waiting| {
            let backlog = Backlog::new(waiting).expect("a backlog");
            socket::listen(&socket, backlog).expect("a listening socket");
        };
        if mishap.stuck {
            listen(0);
            let first = TcpStream::connect((Ipv4Addr::LOCALHOST, stage.port)).expect("a place in the queue");
            return Self::Stuck(socket, first);
        }
        if let Some(peer) = &mishap.peer {
            listen(16);
            let (peer, root) = (stage.text(peer), stage.root().to_owned());
            return Self::Peer(Port::serve(socket.into(), move || bash(&peer, &root)));
        }
        if mishap.config.is_some() {
            listen(16);
            let run = Run {
                user: mishap.daemon.as_deref(),
                ..Run::default()
            };
            return Self::Daemon(Daemon::serve(socket.into(), &stage.configuration(), &run));
        }
        Self::Closed(socket)
    }
}

/// A scenario's folder and port.
struct Stage {
    folder: TempDir,
    port: u16,
    /// Something may be mounted in the folder, or be immutable.
    is_held: bool,
}

impl Stage {
    fn new(mishap: &Mishap, port: u16) -> Self {
        let folder = tempfile::Builder::new()
            .prefix("rsync-")
            .tempdir()
            .expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let is_held = mishap
            .needs
            .iter()
            .any(|need| matches!(need, Need::Chattr | Need::Mount));
        Self {
            folder,
            port,
            is_held,
        }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    fn configuration(&self) -> PathBuf {
        self.root().join("rsyncd.conf")
    }

    fn text(&self, text: &str) -> String {
        let root = self.root().display().to_string();
        text.replace("$ROOT", &root)
            .replace("$PORT", &self.port.to_string())
    }

    fn prepare(&self, setup: &str) {
        let script = format!("set -e; umask 022\n{}", self.text(setup));
        let output = bash(&script, self.root()).output().expect("bash runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the setup fails: {errors}\n{script}");
    }

    /// Starts a script and waits for its first line.
    fn beside(&self, script: &str) -> Beside {
        let mut command = bash(&self.text(script), self.root());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .expect("bash runs");
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        output.read_line(&mut line).expect("text");
        assert!(
            !line.is_empty(),
            "the script beside the client ends at once: {script}"
        );
        Beside { child, output }
    }

    /// Types a command: no terminal, nobody at the keyboard, both outputs in one.
    fn step(&self, mishap: &Mishap, typed: &str) -> Step {
        let typed = self.text(typed);
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut command = Command::new("setsid");
        command
            .args([
                "--wait",
                "timeout",
                "--kill-after=1",
                DEADLINE,
                "bash",
                "-c",
                &typed,
            ])
            .current_dir(self.root())
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.root())
            .env_remove("RSYNC_PASSWORD")
            .env_remove("RSYNC_PROXY")
            .stdin(Stdio::null())
            .stdout(writer.try_clone().expect("a descriptor"))
            .stderr(writer);
        if let Some(user) = mishap.user.as_deref().map(account) {
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        let mut child = command.spawn().expect("setsid runs");
        // The pipe ends when no writer is left, and this is one.
        drop(command);
        let mut output = Vec::new();
        reader.read_to_end(&mut output).expect("the output");
        let status = child.wait().expect("a status");
        let is_root = mishap.user.is_none() && geteuid().is_root();
        Step {
            prompt: if is_root {
                "root@client:~# "
            } else {
                "user@client:~$ "
            },
            command: typed,
            output: String::from_utf8_lossy(&output).into_owned(),
            exit: status
                .code()
                .or_else(|| status.signal().map(|signal| 128 + signal))
                .expect("an end"),
        }
    }

    fn log(&self) -> String {
        let log = fs::read(self.root().join("rsyncd.log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }
}

/// What was mounted in the folder or made immutable is undone, so that it can go.
impl Drop for Stage {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let undo = self.text(
            "for place in $(cut -d' ' -f2 /proc/self/mounts | grep '^$ROOT/'); do umount -l $place; done; chattr -R -ia $ROOT",
        );
        let mut command = bash(&undo, Path::new("/"));
        let status = command.stderr(Stdio::null()).status();
        status.expect("bash runs");
    }
}

/// A script that runs beside the client, with all that it started.
struct Beside {
    child: Child,
    #[expect(dead_code, reason = "a closed pipe would end the script")]
    output: BufReader<ChildStdout>,
}

impl Drop for Beside {
    fn drop(&mut self) {
        let group = format!("-{}", self.child.id());
        let killed = Command::new("kill").args(["-KILL", "--", &group]).status();
        killed.expect("kill runs");
        self.child.wait().expect("a status");
    }
}

fn bash(script: &str, folder: &Path) -> Command {
    let mut command = Command::new("timeout");
    command
        .args(["--kill-after=1", DEADLINE, "bash", "-c", script])
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", folder);
    command
}
