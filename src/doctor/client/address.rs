//! The address that a command line asks, where the daemon of this machine listens on another one alone.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
};

use crate::{
    catalog::Confidence,
    doctor::{
        Cause, Check,
        client::{Client, TYPED, corrected, server::ports_of_daemons},
    },
    host::listening_on,
    syntax::Invocation,
    terms::Target,
};

/// Why nobody answers at the port of the daemon: it listens on addresses other than those `asked`, which the host's name means;
/// none if the daemon does not listen there, or is asked.
pub(super) fn asks_another(client: &Client<'_>, asked: &[SocketAddr]) -> Option<Cause> {
    let here = client.setup.here.as_ref()?;
    let Target::Daemon(remote) = client.invocation.peer()? else {
        return None;
    };
    let file = here.file.as_deref().unwrap_or_else(|| Path::new(TYPED));
    let port = client.invocation.port().unwrap_or(Invocation::PORT);
    if !ports_of_daemons(file).contains(&port) {
        return None;
    }
    let listens = listening_on(port);
    let is_asked = |own: &IpAddr| {
        let is_of_all = |asked: IpAddr| own.is_unspecified() && own.is_ipv4() == asked.is_ipv4();
        asked
            .iter()
            .map(SocketAddr::ip)
            .any(|asked| asked == *own || is_of_all(asked))
    };
    if listens.is_empty() || listens.iter().any(is_asked) {
        return None;
    }
    let shown: Vec<_> = listens.iter().map(IpAddr::to_string).collect();
    let arguments = vec![
        ("client", remote.host.clone()),
        ("addresses", shown.join(", ")),
        ("port", port.to_string()),
    ];
    let fact = format!("port {port} is open on {}, and on nothing else", shown.join(", "));
    let cause = client.cause("RSY792", Check::Server, file, arguments, fact);
    let cause = Cause {
        confidence: Confidence::Certain,
        ..cause.of_kind("asked")
    };
    let wanted = listens.iter().copied().map(reachable);
    let usable = wanted.into_iter().find(|address| takes(client, *address));
    Some(match usable {
        Some(address) => {
            let line = corrected::with_address(&client.setup.words, address);
            cause.typing(vec![line])
        }
        None => cause,
    })
}

/// Where a program of this machine reaches who listens on an address.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

/// Whether no option of the command line keeps it to the other family.
fn takes(client: &Client<'_>, address: IpAddr) -> bool {
    let other = if address.is_ipv4() { "ipv6" } else { "ipv4" };
    !client.has(other)
}
