//! Daemons that listen by themselves.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::{fs::PermissionsExt as _, process::CommandExt as _},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

/// A folder with a configuration, `rsyncd.conf`, and the folders of its modules.
pub(super) struct Place(TempDir);

/// A module that works, and that nothing is to be said against. Its folder has its name.
pub(super) fn healthy(name: &str) -> String {
    format!("[{name}]\npath = FOLDER/{name}\ncomment = {name}\nuid = nobody\ngid = GROUP\n")
}

impl Place {
    /// One with those modules.
    pub(super) fn new(modules: &[String]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
        let global = "log file = FOLDER/rsyncd.log\nlock file = FOLDER/lock\nreverse lookup = no\n\
            address = 127.0.0.1\nhosts allow = 127.0.0.1\nmax connections = 20\n";
        let has_nogroup = nix::unistd::Group::from_name("nogroup").is_ok_and(|group| group.is_some());
        let text = [global, &modules.concat()].concat();
        let text = text
            .replace("FOLDER", &root.display().to_string())
            .replace("GROUP", if has_nogroup { "nogroup" } else { "nobody" });
        for line in modules.iter().filter_map(|text| text.lines().next()) {
            let path = root.join(line.trim_matches(['[', ']']));
            fs::create_dir(&path).expect("a folder");
            fs::write(path.join("file"), "content\n").expect("a file");
        }
        fs::write(root.join("rsyncd.conf"), text).expect("a configuration");
        Self(folder)
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes the port into the configuration, in front of all.
    pub(super) fn name_port(&self, port: u16) {
        let file = self.path().join("rsyncd.conf");
        let text = fs::read_to_string(&file).expect("the file");
        let own: Vec<_> = text.lines().filter(|line| !line.starts_with("port = ")).collect();
        fs::write(file, format!("port = {port}\n{}\n", own.join("\n"))).expect("the file");
    }

    /// Starts the daemon on a port of its command line.
    pub(super) fn start(&self) -> Daemon {
        self.listening(|port| vec![format!("--port={port}")])
    }

    /// Starts the daemon on a port of its configuration.
    pub(super) fn start_from_file(&self) -> Daemon {
        self.listening(|port| {
            self.name_port(port);
            Vec::new()
        })
    }

    /// The same as another user.
    pub(super) fn start_as(&self, uid: u32) -> Daemon {
        self.run(&[], Some(uid), |port| vec![format!("--port={port}")])
    }

    /// The same with words in front of its command line, as of `unshare`.
    pub(super) fn start_in(&self, around: &[&str]) -> Daemon {
        self.run(around, None, |port| vec![format!("--port={port}")])
    }

    fn listening(&self, own: impl Fn(u16) -> Vec<String>) -> Daemon {
        self.run(&[], None, own)
    }

    fn run(&self, around: &[&str], uid: Option<u32>, own: impl Fn(u16) -> Vec<String>) -> Daemon {
        // Somebody else may take the port before the daemon does.
        for _ in 0..20 {
            let port = free_port();
            // Nobody else of this network is to listen there meanwhile.
            let is_apart = around.contains(&"-n");
            let Ok(held) = is_apart.then(|| hold(port)).transpose() else {
                continue;
            };
            let words = own(port);
            let mut line: Vec<&str> = around.to_vec();
            line.extend(["rsync", "--daemon", "--no-detach"]);
            let mut command = Command::new(line[0]);
            command
                .args(&line[1..])
                .args(words)
                .arg(format!("--config={}", self.path().join("rsyncd.conf").display()))
                .stdin(Stdio::null())
                .stderr(Stdio::null());
            if let Some(uid) = uid {
                command.uid(uid).gid(uid);
            }
            let process = command.spawn().expect("rsync runs");
            let mut daemon = Daemon {
                process,
                port,
                _held: held,
            };
            while daemon.process.try_wait().expect("a child").is_none() {
                // Whoever has a network of its own is not reached from here.
                let is_reached = is_apart || TcpStream::connect(("127.0.0.1", port)).is_ok();
                if is_reached && daemon.listens() {
                    return daemon;
                }
                thread::yield_now();
            }
            // What it said of that is not to be read of the next one.
            let _ = fs::remove_file(self.path().join("rsyncd.log"));
        }
        panic!("no daemon listens");
    }
}

/// A port that nobody has at this moment.
fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a port");
    free.local_addr().expect("bound").port()
}

/// A port of this network that nobody listens on while this is there.
fn hold(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], port)).into())?;
    Ok(socket)
}

/// A daemon that ends with this.
pub(super) struct Daemon {
    process: Child,
    pub(super) port: u16,
    /// Its port, where it has a network of its own.
    _held: Option<Socket>,
}

impl Daemon {
    pub(super) fn process(&self) -> u32 {
        self.process.id()
    }

    /// Whether it is this one that has the port.
    fn listens(&self) -> bool {
        rsyncctl::host::ports_of(self.process()).is_ok_and(|ports| ports.contains(&self.port))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
