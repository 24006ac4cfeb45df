//! Streams of bytes with deadlines.

mod address;
mod tcp;

pub use address::{Address, Family};
pub use tcp::{ConnectError, connect};
