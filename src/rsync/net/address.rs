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
}

impl Address {
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
                "no address of the wanted family",
            ));
        }
        Ok(found)
    }
}
