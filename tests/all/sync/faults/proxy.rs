//! A connection that something happens to.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, Shutdown, TcpListener, TcpStream},
    sync::mpsc::Sender,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What still goes behind a byte that changed after this time is keep-alives: each side waits for the other, and rsync's two
/// sides do so for ever.
const LONGEST: Duration = Duration::from_secs(5);

/// Which half of the connection.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::sync) enum Direction {
    ToServer,
    ToClient,
}

/// What happens there.
#[derive(Clone, Copy, Debug)]
pub(in crate::sync) enum Kind {
    /// Both ends see the end of the connection.
    Cut,
    /// These bits of the byte turn around; a session that does not end of it is cut.
    Flip(u8),
    /// Nothing goes further this way; the other end hears that it is so.
    Stall,
}

/// What happens in front of the byte with this number, or to it.
#[derive(Clone, Copy, Debug)]
pub(in crate::sync) struct Fault {
    pub(in crate::sync) direction: Direction,
    pub(in crate::sync) offset: usize,
    pub(in crate::sync) kind: Kind,
}

/// Stands before a daemon for one connection.
pub(in crate::sync) struct Proxy {
    port: u16,
    session: JoinHandle<[usize; 2]>,
}

impl Proxy {
    /// Waits for a client; `reached` hears of the fault.
    pub(in crate::sync) fn start(daemon: u16, fault: Option<Fault>, reached: Sender<()>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port on loopback");
        let port = listener.local_addr().expect("an address").port();
        let session = thread::spawn(move || {
            let (client, _) = listener.accept().expect("it connects");
            drop(listener);
            let server = TcpStream::connect((Ipv4Addr::LOCALHOST, daemon)).expect("the daemon is there");
            for stream in [&client, &server] {
                stream.set_nodelay(true).expect("an option");
            }
            let half = |direction, from: &TcpStream, to: &TcpStream| Half {
                from: from.try_clone().expect("a descriptor"),
                to: Some(to.try_clone().expect("a descriptor")),
                direction,
                fault,
                reached: reached.clone(),
            };
            let up = half(Direction::ToServer, &client, &server);
            let down = half(Direction::ToClient, &server, &client);
            drop((client, server, reached));
            let up = thread::spawn(move || up.pass());
            let down = down.pass();
            [up.join().expect("no panic"), down]
        });
        Self { port, session }
    }

    pub(in crate::sync) fn url(&self) -> String {
        format!("rsync://127.0.0.1:{}", self.port)
    }

    /// Waits until the server has ended too, once the client has; how many bytes went to the server, and to the client.
    pub(in crate::sync) fn end(self) -> [usize; 2] {
        // A client that never came would be waited for.
        drop(TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)));
        self.session.join().expect("the proxy does not panic")
    }
}

/// One direction. Once nothing goes on, what comes is read all the same, so that its writer need not wait.
struct Half {
    from: TcpStream,
    to: Option<TcpStream>,
    direction: Direction,
    fault: Option<Fault>,
    reached: Sender<()>,
}

impl Half {
    /// Passes on until the end; how many bytes came.
    fn pass(mut self) -> usize {
        let start = Instant::now();
        let mut passed = 0;
        let mut piece = [0; 4096];
        while let Ok(count @ 1..) = self.from.read(&mut piece) {
            let piece = &mut piece[..count];
            let fault = self.fault.filter(|fault| fault.direction == self.direction);
            let hit = fault.filter(|fault| (passed..passed + count).contains(&fault.offset));
            let at = hit.map_or(count, |fault| fault.offset - passed);
            passed += count;
            match hit.map(|fault| fault.kind) {
                Some(Kind::Flip(bits)) => {
                    piece[at] ^= bits;
                    self.write(piece);
                }
                Some(Kind::Cut) => {
                    self.write(&piece[..at]);
                    self.cut();
                }
                Some(Kind::Stall) => {
                    self.write(&piece[..at]);
                    let _ = self.reached.send(());
                    self.swallow();
                    return passed;
                }
                None => self.write(piece),
            }
            let has_flip = matches!(
                self.fault,
                Some(Fault {
                    kind: Kind::Flip(_),
                    ..
                })
            );
            if has_flip && start.elapsed() > LONGEST {
                self.cut();
            }
        }
        if let Some(to) = self.to {
            let _ = to.shutdown(Shutdown::Write);
        }
        passed
    }

    fn write(&mut self, bytes: &[u8]) {
        if self.to.as_mut().is_some_and(|to| to.write_all(bytes).is_err()) {
            self.to = None;
        }
    }

    /// The client finds the connection closed; the server, too, but what it still writes is read until it has ended.
    fn cut(&mut self) {
        let Some(to) = self.to.take() else { return };
        let (client, server) = match self.direction {
            Direction::ToServer => (&self.from, &to),
            Direction::ToClient => (&to, &self.from),
        };
        let _ = client.shutdown(Shutdown::Both);
        let _ = server.shutdown(Shutdown::Write);
    }

    /// Reads until the end. A client never learns that a server has left: the other direction waits for the client's end.
    fn swallow(&mut self) {
        let mut piece = [0; 4096];
        while let Ok(1..) = self.from.read(&mut piece) {}
        if let (Some(to), Direction::ToServer) = (&self.to, self.direction) {
            let _ = to.shutdown(Shutdown::Write);
        }
    }
}
