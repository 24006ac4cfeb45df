use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{ErrorKind, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::PermissionsExt as _,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, socket};
use tempfile::TempDir;

/// The file that the daemon reads.
pub(crate) const CONFIGURATION: &str = "rsyncd.conf";

/// Where it logs, relative to its folder.
pub(crate) const LOG: &str = "session.log";

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder with a daemon that is run anew for every connection.
pub(crate) struct Referee {
    folder: TempDir,
    v4: TcpListener,
    v6: Option<TcpListener>,
    environment: BTreeMap<&'static str, String>,
}

/// What a client wants.
pub(crate) enum Request {
    List,
    /// The files of a module.
    Pull(Vec<u8>),
    /// To write into a module.
    Push(Vec<u8>),
    /// To be let in as a user.
    User(Vec<u8>, Vec<u8>),
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::List => f.write_str("a listing"),
            Self::Pull(module) => write!(f, "a pull from `{}`", module.escape_ascii()),
            Self::Push(module) => write!(f, "a push to `{}`", module.escape_ascii()),
            Self::User(module, user) => {
                write!(f, "`{}` at `{}`", user.escape_ascii(), module.escape_ascii())
            }
        }
    }
}

/// What came of a connection.
pub(crate) struct Session {
    /// What the daemon sent behind its greeting; none if it sent no greeting.
    pub(crate) answer: Option<Vec<u8>>,
    /// What it logged, line by line, without the time and the process.
    pub(crate) log: Vec<Vec<u8>>,
}

impl Referee {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
        let root = folder.path().to_str().expect("text").to_owned();
        let variables = [
            ("BAD", "maybe"),
            ("DIR", "d1"),
            ("NAME", "expanded"),
            ("YES", "yes"),
        ];
        let mut environment: BTreeMap<_, _> = variables.map(|(name, value)| (name, value.to_owned())).into();
        environment.insert("ROOT", root);
        Self {
            folder,
            v4: TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback"),
            v6: TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok(),
            environment,
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.folder.path()
    }

    /// The variables of the daemon's environment.
    pub(crate) fn environment(&self) -> &BTreeMap<&'static str, String> {
        &self.environment
    }

    /// The addresses that a client can have here.
    pub(crate) fn peers(&self) -> Vec<IpAddr> {
        let v4 = [[127, 0, 0, 1], [127, 0, 0, 2], [127, 1, 2, 3]];
        let v6 = self.v6.iter().map(|_| IpAddr::from(Ipv6Addr::LOCALHOST));
        v4.into_iter().map(IpAddr::from).chain(v6).collect()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.root().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, bytes).expect("a file");
    }

    /// Whether a daemon that is started with the configuration comes as far as its pid file, which it cannot write:
    /// then it has read the file and listens nowhere yet. `None` if it crashes.
    pub(crate) fn starts(&self) -> Option<bool> {
        let output = self
            .command()
            .arg("--dparam=pidfile=/dev/null/none")
            .stdin(Stdio::null())
            .output()
            .expect("rsync runs");
        match output.status.code() {
            Some(11) => Some(true),
            Some(1) => Some(false),
            Some(other) => panic!("rsync --daemon ended with {other}: {output:?}"),
            None => None,
        }
    }

    /// One connection. The greeting may be preceded by what a proxy says.
    pub(crate) fn session(&self, peer: IpAddr, proxy: &str, request: &Request) -> Session {
        fs::write(self.log(), "").expect("a log");
        let (mut client, server) = self.connection(peer);
        let mut child = self
            .command()
            .stdin(OwnedFd::from(server))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("rsync runs");
        let mut received = Vec::new();
        // The daemon may hang up at any time: that is an answer too.
        let spoken = converse(&mut client, &mut received, proxy, request);
        drop(client);
        let child_end = child.wait().expect("rsync ends");
        let log = fs::read(self.log()).expect("the log");
        if let Err(error) = spoken {
            assert!(
                is_hang_up(&error),
                "{request}: {error} (a wait lasts {PATIENCE:?}) behind `{}`; {child_end}",
                received.escape_ascii()
            );
        }
        Session {
            answer: received
                .iter()
                .position(|&byte| byte == b'\n')
                .map(|greeting| received[greeting + 1..].to_vec()),
            log: log
                .split(|&byte| byte == b'\n')
                .filter_map(|line| Some(line[position(line, b"] ")? + 2..].to_vec()))
                .collect(),
        }
    }

    fn log(&self) -> PathBuf {
        self.root().join(LOG)
    }

    fn command(&self) -> Command {
        let mut command = Command::new("rsync");
        command
            .args(["--daemon", "--no-detach"])
            .args([format!("--config={CONFIGURATION}"), format!("--log-file={LOG}")])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("LC_ALL", "C")
            .envs(&self.environment)
            .current_dir(self.root());
        command
    }

    /// A client's end, bound to an address, and the server's.
    fn connection(&self, peer: IpAddr) -> (TcpStream, TcpStream) {
        let listener = match peer {
            IpAddr::V4(_) => &self.v4,
            IpAddr::V6(_) => self.v6.as_ref().expect("IPv6 on loopback"),
        };
        let family = match peer {
            IpAddr::V4(_) => AddressFamily::Inet,
            IpAddr::V6(_) => AddressFamily::Inet6,
        };
        let client = socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).expect("a socket");
        let descriptor = client.as_raw_fd();
        let from = SockaddrStorage::from(SocketAddr::new(peer, 0));
        bind(descriptor, &from).expect("an address of loopback");
        let to = listener.local_addr().expect("an address");
        connect(descriptor, &SockaddrStorage::from(to)).expect("a connection");
        let client = TcpStream::from(client);
        client.set_nodelay(true).expect("an option");
        client.set_read_timeout(Some(PATIENCE)).expect("an option");
        let (server, _) = listener.accept().expect("the connection");
        (client, server)
    }
}

/// Speaks protocol 29: its arguments end with newlines, and its file list holds the names as they are.
fn converse(
    client: &mut TcpStream,
    received: &mut Vec<u8>,
    proxy: &str,
    request: &Request,
) -> std::io::Result<()> {
    let module = match request {
        Request::List => b"#list",
        Request::Pull(module) | Request::Push(module) | Request::User(module, _) => &module[..],
    };
    let mut hello = proxy.as_bytes().to_vec();
    hello.extend(b"@RSYNCD: 29.0\n");
    hello.extend(module);
    hello.push(b'\n');
    client.write_all(&hello)?;
    if matches!(request, Request::List) {
        return client.read_to_end(received).map(drop);
    }
    read_answer(client, received)?;
    if received.ends_with(b"@RSYNCD: OK\n") {
        let mut arguments = b"--server\n".to_vec();
        if !matches!(request, Request::Push(_)) {
            arguments.extend(b"--sender\n");
        }
        arguments.extend(b"-nd\n.\n");
        arguments.extend(module);
        // The end of the arguments, and of the filters.
        arguments.extend(b"/\n\n\0\0\0\0");
        client.write_all(&arguments)?;
    } else if let Some(user) = user(request, received) {
        client.write_all(&[user, b" answer\n"].concat())?;
    }
    client.shutdown(Shutdown::Write)?;
    client.read_to_end(received).map(drop)
}

/// The name to answer a challenge with, if there is one.
fn user<'a>(request: &'a Request, received: &[u8]) -> Option<&'a [u8]> {
    position(received, b"@RSYNCD: AUTHREQD ")?;
    Some(match request {
        Request::User(_, user) => user,
        _ => b"joe",
    })
}

/// Reads up to the end of the line that follows the greeting.
fn read_answer(client: &mut TcpStream, received: &mut Vec<u8>) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    while received.iter().filter(|&&byte| byte == b'\n').count() < 2 {
        match client.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => received.extend(&buffer[..count]),
            // A wait with a limit ends so when the process was stopped and goes on.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the daemon is gone, which it may be at any time.
fn is_hang_up(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::NotConnected
    )
}

/// Where a word stands first.
pub(crate) fn position(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}
