//! What a program that listens in place of rsync says to a client: who starts rsync without saying so in its own command line
//! is known by that.

use std::{
    io::Read as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use crate::host::{daemons, descendants, listening_on};

/// What a daemon says first (`exchange_protocols` in clientserver.c).
const GREETING: &[u8] = b"@RSYNCD: ";
/// So long a program may take to say it.
const LIMIT: Duration = Duration::from_secs(3);

/// The configuration of the rsync that the program of that process, which listens on a port, starts for a client; none if it
/// answers as something else, or hands clients on to where no rsync of its own is.
pub(super) fn started_by(process: u32, port: u16) -> Option<PathBuf> {
    let addresses = listening_on(port);
    let address = addresses.first().map(|address| match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => *other,
    })?;
    let mut connection = TcpStream::connect_timeout(&SocketAddr::new(address, port), LIMIT).ok()?;
    if !greets(&mut connection, Instant::now() + LIMIT) {
        return None;
    }
    // As long as we are its client, it runs.
    let below: Vec<_> = descendants(process).into_iter().map(|one| one.process).collect();
    let mut started = daemons().into_iter();
    let started = started.find(|daemon| below.contains(&daemon.process) && !daemon.is_contained);
    started?.configuration.ok()
}

/// Whether a daemon's first words come by then.
fn greets(connection: &mut TcpStream, until: Instant) -> bool {
    let mut said = Vec::new();
    let mut part = [0; GREETING.len()];
    while said.len() < GREETING.len() {
        let left = until.saturating_duration_since(Instant::now());
        let is_set = !left.is_zero() && connection.set_read_timeout(Some(left)).is_ok();
        match is_set.then(|| connection.read(&mut part)) {
            Some(Ok(count @ 1..)) => said.extend_from_slice(&part[..count]),
            _ => return false,
        }
        if !GREETING.starts_with(&said) && !said.starts_with(GREETING) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::{
        io::Write as _,
        net::{TcpListener, TcpStream},
        time::{Duration, Instant},
    };

    use super::greets;

    #[test]
    fn only_a_daemon_greets_as_one() {
        for (said, expected) in [
            ("@RSYNCD: 32.0 sha512\n", true),
            ("@RSYNCD", false),
            ("HTTP/1.0 400 Bad Request\n", false),
            ("", false),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let address = listener.local_addr().expect("an address");
            let mut own = TcpStream::connect(address).expect("connected");
            let (mut other, _) = listener.accept().expect("a client");
            other.write_all(said.as_bytes()).expect("written");
            drop(other);
            let until = Instant::now() + Duration::from_secs(9);
            assert_eq!(greets(&mut own, until), expected, "{said}");
        }
    }
}
