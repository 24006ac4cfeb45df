//! A situation's machine, and all that runs on it.

use std::{
    any::Any,
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{PermissionsExt as _, chown},
            process::CommandExt as _,
        },
    },
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrStorage, bind, getsockname,
    listen, socket,
};
use tempfile::TempDir;

use super::{
    engine::{Around, Asked, Server, Situation, Space},
    tamper::Proxy,
};
use crate::support::{
    daemon::{Daemon, Port, Run, account},
    stage::Machine,
};

/// The machine and all that runs on it, until it is dropped.
pub(super) struct Stage {
    machine: Machine,
    port: u16,
    log: PathBuf,
    /// The server, and who keeps it busy; the latter goes first.
    _others: Vec<Box<dyn Any>>,
}

impl Stage {
    pub(super) fn new(situation: &Situation) -> Self {
        let machine = Machine::new();
        machine.line("dir /home/me/own");
        machine.line("file /home/me/own/mine = text of ours\\n");
        for line in situation.tree {
            machine.line(line);
        }
        if !situation.client.user.is_empty() {
            let user = account(situation.client.user);
            let home = machine.path("/home/me");
            chown(home, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("root changes owners");
        }
        let (socket, held) = alone(situation.listens);
        let address: SockaddrStorage = getsockname(socket.as_raw_fd()).expect("an address");
        let port = address.as_sockaddr_in().map(SockaddrIn::port);
        let port = port
            .or_else(|| address.as_sockaddr_in6().map(SockaddrIn6::port))
            .expect("a port");
        let listening = |socket: OwnedFd, most| {
            listen(&socket, Backlog::new(most).expect("a number")).expect("a listening socket");
            TcpListener::from(socket)
        };
        let configuration = machine.path("/rsyncd.conf");
        let text = machine.text(situation.configuration.as_bytes());
        let port_text = port.to_string();
        let text = String::from_utf8(text)
            .expect("text")
            .replace("$PORT", &port_text);
        fs::write(&configuration, text).expect("a file");
        let mut stage = Self {
            machine,
            port,
            log: configuration.with_extension("log"),
            _others: Vec::new(),
        };
        let server: Box<dyn Any> = match &situation.server {
            Server::Daemon => {
                let run = stage.run_of(&situation.daemon);
                Box::new(Daemon::serve(listening(socket, 16), &configuration, &run))
            }
            Server::Nobody => Box::new(socket),
            Server::Stuck => {
                let listener = listening(socket, 0);
                let first = TcpStream::connect(("127.0.0.1", port)).expect("a place in the queue");
                Box::new((listener, first))
            }
            Server::Script(script) => {
                let script = stage.text(script);
                Box::new(Port::serve(listening(socket, 16), move || {
                    let mut command = Command::new("timeout");
                    command.args(["--signal=KILL", "60", "bash", "-c", &script]);
                    command
                }))
            }
            Server::Tampered(tamper) => {
                let root = stage.machine.root().to_owned();
                Box::new(Proxy::serve(
                    listening(socket, 16),
                    *tamper,
                    &configuration,
                    &stage.log,
                    root,
                ))
            }
        };
        if situation.is_busy {
            stage._others.push(Box::new(busy(port)));
        }
        stage._others.push(server);
        stage._others.push(Box::new(held));
        stage
    }

    fn run_of(&self, around: &Around) -> Run<'static> {
        let environment = around.environment.iter();
        let environment = environment.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Run {
            user: Some(around.user).filter(|user| !user.is_empty()),
            environment: environment.collect(),
            arguments: None,
            around: self.words(around),
        }
    }

    /// What stands in front of a program.
    fn words(&self, around: &Around) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        match around.space {
            Space::Mount => words.extend(["unshare", "-m"].map(str::to_owned)),
            Space::Network => words.extend(["unshare", "-n"].map(str::to_owned)),
            Space::Same => {}
        }
        if !around.before.is_empty() {
            let script = format!("{}\nexec \"$@\"", self.text(around.before));
            words.extend(["bash", "-ec", &script, "bash"].map(str::to_owned));
        }
        words
    }

    fn text(&self, text: &str) -> String {
        let text = self.machine.text(text.as_bytes());
        let text = String::from_utf8(text).expect("text");
        text.replace("$PORT", &self.port.to_string())
    }

    pub(super) fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(&self.log).unwrap_or_default()).into_owned()
    }

    /// The command line of rsync.
    pub(super) fn rsync(&self, situation: &Situation) -> Vec<String> {
        let patience = situation.patience;
        let line = match situation.asked {
            Asked::Pull(target) => {
                format!("rsync -a --timeout={patience} --contimeout={patience} rsync://{target}/ here/")
            }
            Asked::Push(target) => {
                format!("rsync -a --timeout={patience} --contimeout={patience} own/ rsync://{target}/")
            }
            Asked::Line(line) => line.to_owned(),
        };
        shell_words::split(&self.text(&line)).expect("words")
    }

    /// The command line of the probe.
    pub(super) fn probe(&self, situation: &Situation, with_configuration: bool) -> Vec<String> {
        let mut words = vec![program_of(&situation.client).display().to_string()];
        words.extend(["probe", "--json"].map(str::to_owned));
        match situation.asked {
            Asked::Pull(target) | Asked::Push(target) => {
                words.push(self.text(&format!("rsync://{target}")));
                words.push(format!("--timeout={}", situation.patience));
                words.push(format!("--contimeout={}", situation.patience));
            }
            Asked::Line(line) => {
                words.extend(["--really".to_owned(), "--reproduce".to_owned(), self.text(line)]);
            }
        }
        if matches!(situation.asked, Asked::Push(_)) {
            words.push("--push".to_owned());
        }
        if with_configuration {
            let configuration = self.machine.path("/rsyncd.conf").display().to_string();
            words.extend(["--host", "live", "--config"].map(str::to_owned));
            words.push(configuration);
        }
        words
    }

    /// Runs a program as the client does.
    pub(super) fn run(&self, situation: &Situation, words: &[String]) -> Output {
        let around = &situation.client;
        let mut command = Command::new("setsid");
        command
            .args(["--wait", "timeout", "--signal=KILL", "30"])
            .args(self.words(around))
            .args(words)
            .current_dir(self.machine.path("/home/me"))
            .env("LC_ALL", "C.UTF-8")
            .env("HOME", self.machine.path("/home/me"))
            .env_remove("RSYNC_PASSWORD")
            .stdin(Stdio::null());
        for (name, value) in around.environment {
            command.env(name, self.text(value));
        }
        if !around.user.is_empty() {
            let user = account(around.user);
            command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
        }
        command.output().expect("setsid runs")
    }
}

/// The program, where its user can reach it: nobody may enter the folder that we build in.
fn program_of(client: &Around) -> PathBuf {
    static COPY: OnceLock<TempDir> = OnceLock::new();
    let program = Path::new(env!("CARGO_BIN_EXE_rsyncctl"));
    if client.user.is_empty() {
        return program.to_owned();
    }
    let folder = COPY.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        // Not by ourselves: a process that another thread starts meanwhile would keep the copy open, and busy.
        let copied = Command::new("cp").arg(program).arg(folder.path()).status();
        assert!(copied.expect("cp runs").success());
        folder
    });
    folder.path().join("rsyncctl")
}

/// A socket that is bound to an address, and does not listen yet.
/// A port on which nobody else listens at 127.0.0.1 while both sockets are held: clients look there, wherever the server is.
fn alone(address: &str) -> (OwnedFd, Option<OwnedFd>) {
    let address: SocketAddr = address.parse().expect("an address");
    let here = |port| SocketAddr::from(([127, 0, 0, 1], port));
    loop {
        let socket = bound(address).expect("a port on loopback");
        if address == here(0) {
            return (socket, None);
        }
        let place: SockaddrStorage = getsockname(socket.as_raw_fd()).expect("an address");
        let port = place.as_sockaddr_in().map(SockaddrIn::port);
        let port = port.or_else(|| place.as_sockaddr_in6().map(SockaddrIn6::port));
        if let Ok(held) = bound(here(port.expect("a port"))) {
            return (socket, Some(held));
        }
    }
}

fn bound(address: SocketAddr) -> nix::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    Ok(socket)
}

/// A session with the module `data` that has begun and does not end.
fn busy(port: u16) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the daemon listens");
    stream.write_all(b"@RSYNCD: 31.0\ndata\n").expect("it reads");
    let mut heard = Vec::new();
    while !heard.ends_with(b"@RSYNCD: OK\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("it answers");
        heard.extend(byte);
    }
    stream
}
