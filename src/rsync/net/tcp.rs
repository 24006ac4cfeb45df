use std::{
    io,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use nix::errno::Errno;
use thiserror::Error;

use crate::rsync::net::Address;

/// Why no connection was made.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("getaddrinfo: {host} {port}: {source}")]
    Resolve {
        /// The name.
        host: String,
        /// The port.
        port: u16,
        /// What the resolver says.
        source: io::Error,
    },
    /// The program that makes the connection cannot be run.
    #[error("the program in RSYNC_CONNECT_PROG cannot be run: {0}")]
    Program(io::Error),
    /// A shell could take the host for something else.
    #[error("unsafe host characters for RSYNC_CONNECT_PROG")]
    UnsafeHost,
    /// The proxy is written wrongly.
    #[error("invalid proxy specification: should be {0}")]
    ProxyForm(&'static str),
    /// The proxy does not let us through.
    #[error("{0}")]
    ProxyAnswer(String),
    /// Each address failed, each for a reason.
    #[error("{}", .tried.iter().map(|(address, error)| failed(host, *address, error)).collect::<Vec<_>>().join("\nrsync: [Receiver] "))]
    Failed {
        /// The name.
        host: String,
        /// The addresses in order.
        tried: Vec<(SocketAddr, io::Error)>,
    },
}

/// Connects to the first address that answers. Small pieces go out at once: a session is a dialogue, and Nagle's
/// algorithm would hold each answer back for 40 ms.
///
/// # Errors
///
/// No address, or none that answers within `limit` each.
pub fn connect(address: &Address, limit: Option<Duration>) -> Result<TcpStream, ConnectError> {
    let Address { host, port, .. } = address;
    let addresses = address.resolve().map_err(|source| ConnectError::Resolve {
        host: host.clone(),
        port: *port,
        source,
    })?;
    let mut tried = Vec::new();
    for address in addresses {
        let connected = match limit {
            Some(limit) => TcpStream::connect_timeout(&address, limit),
            None => TcpStream::connect(address),
        };
        match connected.and_then(|stream| stream.set_nodelay(true).map(|()| stream)) {
            Ok(stream) => return Ok(stream),
            Err(error) => tried.push((address, error)),
        }
    }
    Err(ConnectError::Failed {
        host: host.clone(),
        tried,
    })
}

/// As rsync says it (`open_socket_out` in socket.c).
fn failed(host: &str, address: SocketAddr, error: &io::Error) -> String {
    let reason = match error.raw_os_error() {
        Some(number) => format!("{} ({number})", Errno::from_raw(number).desc()),
        None => error.to_string(),
    };
    format!("failed to connect to {host} ({}): {reason}", address.ip())
}
