use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// A port of loopback where everybody is refused: it is had, so that nobody else gets it, and nothing listens there.
#[derive(Debug)]
pub(crate) struct Closed {
    _socket: Socket,
    pub(crate) port: u16,
}

impl Closed {
    pub(crate) fn new() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket
            .bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())
            .expect("a port on loopback");
        let address = socket.local_addr().expect("bound").as_socket();
        let port = address.expect("an address of IPv4").port();
        Self {
            _socket: socket,
            port,
        }
    }
}
