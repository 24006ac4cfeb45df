use std::{
    io,
    net::{SocketAddr, ToSocketAddrs as _},
};

/// Which addresses are tried.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Family {
    /// All, in the resolver's order.
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

/// Where a daemon listens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Address {
    /// A name or an address, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Which of its addresses are tried.
    pub family: Family,
    /// The name or address of this machine that the connection is made from.
    pub local: Option<String>,
}

impl Address {
    /// The local address for a connection to another one, with a port that the system chooses.
    ///
    /// # Errors
    ///
    /// What the resolver says; no address of the same family too.
    pub fn resolve_local(&self, peer: SocketAddr) -> io::Result<Option<SocketAddr>> {
        let Some(local) = &self.local else { return Ok(None) };
        let found = (&**local, 0)
            .to_socket_addrs()?
            .find(|address| address.is_ipv4() == peer.is_ipv4());
        let none = || {
            io::Error::new(
                io::ErrorKind::NotFound,
                "Address family for hostname not supported",
            )
        };
        found.ok_or_else(none).map(Some)
    }

    /// The addresses of the host.
    ///
    /// # Errors
    ///
    /// What the resolver says; an empty answer too.
    pub fn resolve(&self) -> io::Result<Vec<SocketAddr>> {
        let found = (&*self.host, self.port).to_socket_addrs()?;
        let found: Vec<_> = found
            .filter(|address| match self.family {
                Family::Any => true,
                Family::V4 => address.is_ipv4(),
                Family::V6 => address.is_ipv6(),
            })
            .collect();
        if found.is_empty() {
            return Err(io::Error::new(
                io::ErrorKind::NotFound,
                "Address family for hostname not supported",
            ));
        }
        Ok(found)
    }
}
