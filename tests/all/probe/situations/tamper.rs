//! A real daemon, with something in the way that spoils a session at a chosen place.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use nix::{
    libc,
    sys::{
        signal::{Signal, killpg},
        socket::{setsockopt, sockopt},
    },
    unistd::Pid,
};

/// What is done to a session, and when.
#[derive(Clone, Copy)]
pub(super) struct Tamper {
    pub(super) from: From,
    pub(super) at: At,
    pub(super) then: Then,
}

/// Whose bytes are watched.
#[derive(Clone, Copy)]
pub(super) enum From {
    Client,
    Server,
}

/// A place among them.
#[derive(Clone, Copy)]
pub(super) enum At {
    /// Behind so many bytes.
    Byte(usize),
    /// In front of these bytes.
    Text(&'static [u8]),
}

#[derive(Clone, Copy)]
pub(super) enum Then {
    /// The connection ends.
    Close,
    /// The daemon is killed.
    Kill,
    /// A file of the machine is deleted.
    Remove(&'static str),
    /// Other bytes take the place of as many.
    Replace(&'static [u8]),
    /// The connection is reset.
    Reset,
    /// More bytes come first.
    Say(&'static [u8]),
    /// Nothing comes any more in either direction, not even an end.
    Sever,
    /// Nothing comes any more.
    Stall,
}

/// A port of loopback that leads to a daemon in this way.
pub(super) struct Proxy {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    acceptor: Option<JoinHandle<()>>,
}

impl Proxy {
    pub(super) fn serve(
        listener: TcpListener,
        tamper: Tamper,
        configuration: &Path,
        log: &Path,
        root: PathBuf,
    ) -> Self {
        let address = listener.local_addr().expect("an address");
        let stopping = Arc::new(AtomicBool::new(false));
        let flag = stopping.clone();
        let words = [
            "--daemon".to_owned(),
            "--no-detach".to_owned(),
            format!("--config={}", configuration.display()),
            format!("--log-file={}", log.display()),
        ];
        let acceptor = thread::spawn(move || {
            let mut sessions = Vec::new();
            for client in listener.incoming() {
                let Ok(client) = client else { break };
                if flag.load(Ordering::SeqCst) {
                    break;
                }
                let (child, daemon) = daemon(&words);
                let session = Session {
                    client,
                    daemon,
                    child,
                    root: root.clone(),
                };
                sessions.push(thread::spawn(move || session.pass(tamper)));
            }
            for session in sessions {
                session.join().expect("a session does not panic");
            }
        });
        Self {
            address,
            stopping,
            acceptor: Some(acceptor),
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::SeqCst);
        // Wakes the acceptor.
        drop(TcpStream::connect(self.address));
        if let Some(acceptor) = self.acceptor.take() {
            acceptor.join().expect("the acceptor does not panic");
        }
    }
}

/// A daemon for one connection, and our end of it.
fn daemon(words: &[String]) -> (Child, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("we listen");
    let (theirs, _) = listener.accept().expect("a connection");
    let output: OwnedFd = theirs.try_clone().expect("a descriptor").into();
    let child = Command::new("rsync")
        .args(words)
        .current_dir("/")
        .stdin(OwnedFd::from(theirs))
        .stdout(output)
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("rsync runs");
    (child, ours)
}

struct Session {
    client: TcpStream,
    daemon: TcpStream,
    child: Child,
    root: PathBuf,
}

impl Session {
    fn pass(mut self, tamper: Tamper) {
        let twin = |stream: &TcpStream| stream.try_clone().expect("a descriptor");
        let (from, to) = match tamper.from {
            From::Client => (twin(&self.client), twin(&self.daemon)),
            From::Server => (twin(&self.daemon), twin(&self.client)),
        };
        let (other_from, other_to) = (twin(&to), twin(&from));
        let is_severed = Arc::new(AtomicBool::new(false));
        let flag = is_severed.clone();
        let other = thread::spawn(move || hand_on(other_from, other_to, &flag));
        self.spoil(from, to, tamper, &is_severed);
        other.join().expect("it does not panic");
        self.kill();
    }

    /// The daemon and what it has started.
    fn kill(&mut self) {
        let group = Pid::from_raw(self.child.id().try_into().expect("a number"));
        let _ = killpg(group, Signal::SIGKILL);
        let _ = self.child.wait();
    }

    /// Hands the watched bytes on, up to the place.
    fn spoil(&mut self, mut from: TcpStream, mut to: TcpStream, tamper: Tamper, is_severed: &AtomicBool) {
        let mut buffer = vec![0; 1 << 16];
        let mut passed = 0;
        let mut is_silent = false;
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            let piece = &mut buffer[..length];
            let place = match tamper.at {
                At::Byte(number) => number.checked_sub(passed).filter(|at| *at < length),
                At::Text(text) => piece.windows(text.len()).position(|window| window == text),
            };
            passed += length;
            let Some(at) = place.filter(|_| !is_silent) else {
                if !is_silent {
                    let _ = to.write_all(piece);
                }
                continue;
            };
            if let Then::Replace(bytes) = tamper.then {
                let end = length.min(at + bytes.len());
                piece[at..end].copy_from_slice(&bytes[..end - at]);
                let _ = to.write_all(piece);
                continue;
            }
            let _ = to.write_all(&piece[..at]);
            match tamper.then {
                Then::Close => {
                    let _ = self.client.shutdown(Shutdown::Write);
                    let _ = self.daemon.shutdown(Shutdown::Both);
                    is_silent = true;
                }
                Then::Kill => self.kill(),
                Then::Remove(path) => {
                    // The name comes again, in the server's complaint.
                    let _ = fs::remove_file(self.root.join(path));
                    let _ = to.write_all(&piece[at..]);
                }
                Then::Reset => {
                    let at_once = libc::linger {
                        l_onoff: 1,
                        l_linger: 0,
                    };
                    setsockopt(&self.client, sockopt::Linger, &at_once).expect("a socket");
                    // Both directions let go of it, and the last one's end is the reset.
                    let _ = self.client.shutdown(Shutdown::Read);
                    let _ = self.daemon.shutdown(Shutdown::Both);
                    return;
                }
                Then::Say(bytes) => {
                    let _ = to.write_all(bytes);
                    let _ = to.write_all(&piece[at..]);
                }
                Then::Sever => {
                    is_severed.store(true, Ordering::SeqCst);
                    is_silent = true;
                }
                Then::Stall => is_silent = true,
                Then::Replace(_) => {}
            }
        }
        if !matches!(tamper.then, Then::Sever | Then::Stall) || !is_silent {
            let _ = to.shutdown(Shutdown::Write);
        }
    }
}

/// Hands all bytes on, and their end, until the way is severed.
fn hand_on(mut from: TcpStream, mut to: TcpStream, is_severed: &AtomicBool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if is_severed.load(Ordering::SeqCst) {
            continue;
        }
        // Who has gone hears no more, and the other one is heard out.
        let _ = to.write_all(&buffer[..length]);
    }
    if !is_severed.load(Ordering::SeqCst) {
        let _ = to.shutdown(Shutdown::Write);
    }
}
