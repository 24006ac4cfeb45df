use std::{
    io,
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    time::Duration,
};

use nix::errno::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use thiserror::Error;

use crate::{rsync::net::Address, terms::describe};

/// Why no connection was made.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("getaddrinfo: {host} {port}: {}", resolver(source))]
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
    /// None answered in the time that the user gave.
    #[error("timeout waiting for daemon connection")]
    TimedOut,
    /// Each address failed, each for a reason.
    #[error("{}", .tried.iter().map(|(address, error)| failed(host, *address, error)).collect::<Vec<_>>().join("\n"))]
    Failed {
        /// The name.
        host: String,
        /// The addresses in order.
        tried: Vec<(SocketAddr, io::Error)>,
    },
    /// The address of this machine that the connection is to be made from is none: no other machine was asked.
    #[error("{}", own(local, source))]
    Own {
        /// The name or address.
        local: String,
        /// What the resolver or the system says.
        source: io::Error,
    },
}

impl ConnectError {
    /// None of these addresses could be connected to, each for a reason.
    pub fn of_tried(address: &Address, mut tried: Vec<(SocketAddr, io::Error)>) -> Self {
        // What the resolver says of our own address has no number.
        let is_own = |(_, error): &(SocketAddr, io::Error)| match error.raw_os_error() {
            None => error.kind() != io::ErrorKind::TimedOut,
            Some(_) => error.kind() == io::ErrorKind::AddrNotAvailable,
        };
        let local = address.local.clone().filter(|_| tried.iter().all(is_own));
        match (local, tried.pop()) {
            (Some(local), Some((_, source))) => Self::Own { local, source },
            (_, last) => {
                tried.extend(last);
                Self::Failed {
                    host: address.host.clone(),
                    tried,
                }
            }
        }
    }

    /// Whether the last address said nothing.
    pub fn is_silence(&self) -> bool {
        let last = match self {
            Self::Failed { tried, .. } => tried.last(),
            _ => None,
        };
        last.is_some_and(|(_, error)| error.kind() == io::ErrorKind::TimedOut)
    }
}

/// Connects to the first address that answers. Small pieces go out at once: a session is a dialogue, and Nagle's
/// algorithm would hold each answer back for 40 ms.
///
/// # Errors
///
/// No address, or none that answers within `limit` each.
pub fn connect(address: &Address, limit: Option<Duration>) -> Result<TcpStream, ConnectError> {
    let (target, Address { host, port, .. }) = (address, address);
    let addresses = target.resolve().map_err(|source| ConnectError::Resolve {
        host: host.clone(),
        port: *port,
        source,
    })?;
    if let Some(local) = &target.local {
        let found = (&**local, 0).to_socket_addrs();
        found.map_err(|source| ConnectError::Own {
            local: local.clone(),
            source,
        })?;
    }
    let mut tried = Vec::new();
    for address in addresses {
        match to(target, address, limit) {
            Ok(stream) => return Ok(stream),
            Err(error) => tried.push((address, error)),
        }
    }
    Err(ConnectError::of_tried(target, tried))
}

fn to(target: &Address, address: SocketAddr, limit: Option<Duration>) -> io::Result<TcpStream> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if let Some(local) = target.resolve_local(address)? {
        socket.bind(&local.into())?;
    }
    let connected = match limit {
        Some(limit) => socket.connect_timeout(&address.into(), limit),
        None => socket.connect(&address.into()),
    };
    connected.map_err(|error| match error.kind() {
        // The library's own words have no number.
        io::ErrorKind::TimedOut => Errno::ETIMEDOUT.into(),
        _ => error,
    })?;
    socket.set_tcp_nodelay(true)?;
    Ok(socket.into())
}

/// Sets the options that `--sockopts` lists (`set_socket_options` in socket.c); those that nobody knows.
///
/// # Errors
///
/// What the system says, with the name of the option.
pub fn set_socket_options(stream: &TcpStream, list: &str) -> Result<Vec<String>, (String, io::Error)> {
    let socket = SockRef::from(stream);
    let mut unknown = Vec::new();
    for word in list.split([' ', '\t', ',']).filter(|word| !word.is_empty()) {
        let (name, value) = word.split_once('=').unwrap_or((word, "1"));
        let number: usize = value.parse().unwrap_or(0);
        let set = match name {
            "SO_KEEPALIVE" => socket.set_keepalive(number != 0),
            "SO_REUSEADDR" => socket.set_reuse_address(number != 0),
            "SO_BROADCAST" => socket.set_broadcast(number != 0),
            "TCP_NODELAY" => socket.set_tcp_nodelay(number != 0),
            "IPTOS_LOWDELAY" => socket.set_tos_v4(0x10),
            "IPTOS_THROUGHPUT" => socket.set_tos_v4(0x08),
            "SO_SNDBUF" => socket.set_send_buffer_size(number),
            "SO_RCVBUF" => socket.set_recv_buffer_size(number),
            _ => {
                unknown.push(word.to_owned());
                Ok(())
            }
        };
        set.map_err(|error| (name.to_owned(), error))?;
    }
    Ok(unknown)
}

/// The resolver's own words.
fn resolver(error: &io::Error) -> String {
    let text = error.to_string();
    let words = text.strip_prefix("failed to lookup address information: ");
    words.map_or_else(|| text.clone(), str::to_owned)
}

/// As rsync says it (`try_bind_local` in socket.c); where the system does not let it bind, it says nothing.
fn own(local: &str, error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => String::new(),
        None => format!("getaddrinfo {local}: {}", resolver(error)),
    }
}

/// As rsync says it (`open_socket_out` in socket.c).
fn failed(host: &str, address: SocketAddr, error: &io::Error) -> String {
    format!(
        "failed to connect to {host} ({}): {}",
        address.ip(),
        describe(error)
    )
}
