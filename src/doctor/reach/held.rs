//! The daemon's port, where somebody else has it for one family of addresses: rsync is content with the other one, and says
//! nothing (`open_socket_in` in socket.c; seen with rsync 3.5.0).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, SockAddr, Socket, Type};

use super::{Family, Way};
use crate::{
    doctor::{Cause, Check, Report, Stage, changed::restart, daemon::option},
    host::{Daemon, Holder, holders, listening_on},
    model::{Parameter, Scope},
};

/// Tells who has the port for a family that the daemon does not listen for.
pub(super) fn look(way: &Way<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(daemon) = way
        .subject
        .daemon
        .as_ref()
        .filter(|daemon| wants_all(way, daemon))
    else {
        return;
    };
    let holders = holders(way.port);
    let is_of_others = |address: &IpAddr| {
        let mut listening = holders.iter().filter(|holder| holder.peer.is_none());
        listening.any(|holder| holder.address == *address)
    };
    let own: Vec<_> = way
        .addresses
        .iter()
        .filter(|address| !is_of_others(address))
        .collect();
    let [one] = own[..] else {
        return;
    };
    let missing = match Family::of(*one) {
        _ if !one.is_unspecified() => return,
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    };
    let holder = holders
        .iter()
        .find(|holder| Family::of(holder.address) == missing);
    let Some(holder) = holder else {
        return;
    };
    let (kind, arguments, fact) = told(holder, way.port);
    let listens = format!(
        "rsync (process {}) listens for {} alone",
        daemon.process,
        Family::of(*one).name()
    );
    let arguments = [arguments, vec![("family", missing.name().to_owned())]].concat();
    let cause = way.found("RSY890", arguments, vec![fact, listens]);
    let commands = vec![see(way.port), restart(daemon)];
    report.causes.push(cause.of_kind(kind).typing(commands));
    stage.fail();
}

/// Whether nothing tells a daemon to listen for less than all addresses.
fn wants_all(way: &Way<'_>, daemon: &Daemon) -> bool {
    let known = way.subject.known.as_ref();
    let server = known.and_then(|known| known.server.as_ref());
    let has_address = server.is_none_or(|server| {
        let address = server.configuration.text(Scope::Global, Parameter::Address);
        !address.value.is_empty()
    });
    let words = || daemon.words.iter().filter_map(|word| word.to_str());
    let has_family = words().any(|word| matches!(word, "-4" | "-6" | "--ipv4" | "--ipv6"));
    !has_address && !has_family && option(&daemon.words, "--address").is_none()
}

/// A connection that keeps a daemon, or what listens in its place, from the port, where nobody listens: the kernel itself is
/// asked for the port. What to tell is a kind of RSY890.
pub(in crate::doctor) fn by_connection(file: &std::path::Path, port: u16) -> Option<Cause> {
    let holders = holders(port);
    let holder = holders
        .iter()
        .find(|holder| holder.peer.is_some() && holder.address.is_ipv4())?;
    if !is_taken(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))) {
        return None;
    }
    let (_, arguments, fact) = told(holder, port);
    let arguments = [arguments, vec![("family", Family::V4.name().to_owned())]].concat();
    let cause = Cause::of_rule("RSY890", Check::Daemon, file, arguments, vec![fact]);
    Some(cause.of_kind("connection").typing(vec![see(port)]))
}

/// Whether nobody listens on a port, and nothing else keeps a daemon from it.
pub(in crate::doctor) fn is_free(port: u16) -> bool {
    listening_on(port).is_empty() && !is_taken(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)))
}

/// Whether the kernel gives nobody that address who wants to listen; not if we may not ask. Nobody can connect meanwhile, and
/// others who ask are not kept away.
fn is_taken(address: SocketAddr) -> bool {
    let asked = Socket::new(Domain::for_address(address), Type::STREAM, None).and_then(|socket| {
        // As rsync does.
        socket.set_reuse_address(true)?;
        socket.bind(&SockAddr::from(address))
    });
    asked.is_err_and(|error| error.kind() == std::io::ErrorKind::AddrInUse)
}

/// The kind of case, the values of the page, and the fact behind it.
fn told(holder: &Holder, port: u16) -> (&'static str, Vec<(&'static str, String)>, String) {
    let address = holder.address;
    let who = match &holder.process {
        Some((process, program)) => format!("{program} (process {process})"),
        None => "the kernel, or a process that cannot be seen,".to_owned(),
    };
    let mut arguments = vec![("port", port.to_string()), ("address", address.to_string())];
    match holder.peer {
        Some((peer, number)) => {
            let peer = SocketAddr::from((peer, number));
            let own = SocketAddr::from((address, port));
            let fact = format!("{who} has the connection from {own} to {peer}");
            arguments.push(("peer", peer.to_string()));
            ("connection", arguments, fact)
        }
        None => {
            let fact = format!("{who} listens on {}", SocketAddr::from((address, port)));
            ("family", arguments, fact)
        }
    }
}

/// What shows who has a port, listening or not.
fn see(port: u16) -> String {
    format!("ss -tanp 'sport = :{port}'")
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddr, TcpListener};

    use super::is_taken;

    #[test]
    fn the_kernel_knows_what_is_taken() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound");
        assert!(is_taken(address));
        assert!(!is_taken(SocketAddr::from(([127, 0, 0, 1], 0))));
    }
}
