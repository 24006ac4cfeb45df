use std::{
    io::{self, Write as _},
    net::SocketAddr,
    time::Duration,
};

use nix::errno::Errno;
use tokio::{
    net::{TcpSocket, lookup_host},
    time::timeout,
};

use crate::rsync::net::{Address, ConnectError, Family, Stream};

/// The addresses of a host, in the resolver's order.
///
/// # Errors
///
/// What the resolver says; silence, and an empty answer, too.
pub(super) async fn resolve(address: &Address, limit: Duration) -> Result<Vec<SocketAddr>, ConnectError> {
    let found = timeout(limit, lookup_host((&*address.host, address.port))).await;
    let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    let is_wanted = |found: &SocketAddr| match address.family {
        Family::Any => true,
        Family::V4 => found.is_ipv4(),
        Family::V6 => found.is_ipv6(),
    };
    let wanted = found.and_then(|found| {
        let wanted: Vec<_> = found.filter(is_wanted).collect();
        let none = || {
            io::Error::new(
                io::ErrorKind::NotFound,
                "Address family for hostname not supported",
            )
        };
        (!wanted.is_empty()).then_some(wanted).ok_or_else(none)
    });
    wanted.map_err(|source| ConnectError::Resolve {
        host: address.host.clone(),
        port: address.port,
        source,
    })
}

/// Connects to one address, and says there what stands in front of a session.
///
/// # Errors
///
/// What the system says, or that nothing answered within the limit.
pub(super) async fn connect(
    target: &Address,
    address: SocketAddr,
    limit: Duration,
    announce: &[u8],
) -> io::Result<Stream> {
    let socket = match address.is_ipv4() {
        true => TcpSocket::new_v4(),
        false => TcpSocket::new_v6(),
    }?;
    if let Some(local) = target.resolve_local(address)? {
        socket.bind(local)?;
    }
    let stream = timeout(limit, socket.connect(address)).await;
    // As the kernel says it, later.
    let stream = stream.unwrap_or_else(|_| Err(Errno::ETIMEDOUT.into()))?;
    stream.set_nodelay(true)?;
    let mut stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.write_all(announce)?;
    Ok(stream.into())
}
