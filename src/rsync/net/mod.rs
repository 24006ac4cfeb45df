//! Streams of bytes with deadlines.

mod address;
mod connections;
mod program;
mod proxy;
mod stream;
mod tcp;

pub use address::{Address, Family};
pub use connections::{Connections, Held, Joined, Kept};
pub use program::{pair, run_program};
pub use proxy::Proxy;
pub use stream::{Stream, Transport};
pub use tcp::{ConnectError, connect, set_socket_options};
