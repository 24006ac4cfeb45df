//! Where a scenario happens: its folder, its port and what answers there, and the processes beside it.

use std::{
    env, fs,
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
use tempfile::TempDir;

use crate::support::{
    daemon::{Daemon, Port, Run, account},
    mishap::{Mishap, Need, Step},
};

/// Longer than any scenario takes, so that one that hangs ends.
const DEADLINE: &str = "20";

/// A socket with a port of its own, on which nobody listens yet.
pub(super) fn bind() -> (OwnedFd, u16) {
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
pub(super) enum Server {
    Closed(OwnedFd),
    Daemon(Daemon),
    Peer(Port),
    Stuck(OwnedFd, TcpStream),
}

impl Server {
    pub(super) fn start(mishap: &Mishap, stage: &Stage, socket: OwnedFd) -> Self {
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
pub(super) struct Stage {
    folder: TempDir,
    port: u16,
    /// Something may be mounted in the folder, or be immutable.
    is_held: bool,
    /// A folder with a program `rsync` that takes the place of the real one.
    client: Option<PathBuf>,
}

impl Stage {
    pub(super) fn new(mishap: &Mishap, port: u16, client: Option<&Path>) -> Self {
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
            client: client.map(Path::to_owned),
        }
    }

    fn root(&self) -> &Path {
        self.folder.path()
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.root().join("rsyncd.conf")
    }

    pub(super) fn text(&self, text: &str) -> String {
        let root = self.root().display().to_string();
        text.replace("$ROOT", &root)
            .replace("$PORT", &self.port.to_string())
    }

    pub(super) fn prepare(&self, setup: &str) {
        let script = format!("set -e; umask 022\n{}", self.text(setup));
        let output = bash(&script, self.root()).output().expect("bash runs");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "the setup fails: {errors}\n{script}");
    }

    /// Starts a script and waits for its first line.
    pub(super) fn beside(&self, script: &str) -> Beside {
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
    pub(super) fn step(&self, mishap: &Mishap, typed: &str) -> Step {
        let typed = self.text(typed);
        let (mut reader, writer) = io::pipe().expect("a pipe");
        let mut command = Command::new("setsid");
        command
            .args([
                "--wait",
                "timeout",
                "--signal=KILL",
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
        if let Some(client) = &self.client {
            let path = env::var("PATH").unwrap_or_default();
            command
                .env("PATH", format!("{}:{path}", client.display()))
                .env("CONFIGURATION", self.configuration());
        }
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

    pub(super) fn log(&self) -> String {
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
pub(super) struct Beside {
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
        .args(["--signal=KILL", DEADLINE, "bash", "-c", script])
        .current_dir(folder)
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", folder);
    command
}
