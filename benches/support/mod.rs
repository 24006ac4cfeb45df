//! What benches share that run beside a real daemon.
#![allow(dead_code, reason = "each bench uses a part of it")]

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// Where everything is: in memory where there is room for it, as a disk hides the client.
pub(crate) struct Ground(TempDir);

impl Ground {
    pub(crate) fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let temporary = std::env::temp_dir();
        let place = if memory.is_dir() { memory } else { &temporary };
        Self(tempfile::tempdir_in(place).expect("a temporary folder"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// An empty folder.
    pub(crate) fn fresh(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        if path.exists() {
            fs::remove_dir_all(&path).expect("the folder is ours");
        }
        fs::create_dir(&path).expect("a folder");
        path
    }
}

/// A real daemon, until it is dropped.
pub(crate) struct Daemon {
    process: Child,
    pub(crate) port: u16,
}

impl Daemon {
    pub(crate) fn start(ground: &Ground) -> Self {
        let owner = if nix::unistd::geteuid().is_root() {
            "uid = 0\ngid = 0\n"
        } else {
            ""
        };
        let path = ground.0.path().display();
        let text = format!("{owner}use chroot = no\n[all]\npath = {path}\nread only = no\n");
        Self::start_with(ground, &text)
    }

    /// One with that configuration.
    pub(crate) fn start_with(ground: &Ground, text: &str) -> Self {
        let configuration = ground.path("rsyncd.conf");
        fs::write(&configuration, text).expect("a configuration");
        loop {
            let port = free_port();
            let mut process = Command::new("rsync")
                .args(["--daemon", "--no-detach", "--address=127.0.0.1"])
                .arg(format!("--port={port}"))
                .arg(format!("--config={}", configuration.display()))
                .arg(format!("--log-file={}", ground.path("log").display()))
                .spawn()
                .expect("rsync runs");
            // Somebody else may have taken the port meanwhile.
            while process.try_wait().expect("our child").is_none() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok() {
                    return Self { process, port };
                }
                thread::yield_now();
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A long way to a port on loopback: all that is sent arrives later; the port of its near end.
pub(crate) fn far(port: u16, round_trip: Duration) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
    let near = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.expect("a connection");
            let daemon = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the daemon listens");
            for (from, to) in [(&client, &daemon), (&daemon, &client)] {
                let ends = (
                    from.try_clone().expect("a socket"),
                    to.try_clone().expect("a socket"),
                );
                late(ends.0, ends.1, round_trip / 2);
            }
        }
    });
    near
}

/// Hands on what comes, after a while.
fn late(mut from: TcpStream, mut to: TcpStream, delay: Duration) {
    let (hand, take) = mpsc::channel::<(Instant, Vec<u8>)>();
    thread::spawn(move || {
        let mut piece = vec![0; 256 * 1024];
        while let Ok(length @ 1..) = from.read(&mut piece) {
            let _ = hand.send((Instant::now() + delay, piece[..length].to_vec()));
        }
    });
    thread::spawn(move || {
        let _ = to.set_nodelay(true);
        for (due, piece) in take {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if to.write_all(&piece).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
    });
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
    listener.local_addr().expect("an address").port()
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// The most that a process took.
#[derive(Default)]
pub(crate) struct Peak {
    /// Its largest resident set, in KiB.
    pub(crate) memory: u64,
    /// Open descriptors.
    pub(crate) descriptors: usize,
    pub(crate) status: Option<ExitStatus>,
}

/// Runs a command to its end, and looks how much it takes meanwhile.
pub(crate) fn watch(command: &mut Command) -> Peak {
    let mut child = command.spawn().expect("the client runs");
    let own = PathBuf::from(format!("/proc/{}", child.id()));
    let mut peak = Peak::default();
    while child.try_wait().expect("our child").is_none() {
        let text = fs::read_to_string(own.join("status")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak.memory = number.unwrap_or(peak.memory);
        let open = fs::read_dir(own.join("fd")).map_or(0, Iterator::count);
        peak.descriptors = peak.descriptors.max(open);
        thread::yield_now();
    }
    peak.status = child.wait().ok();
    peak
}
