//! The protocol, versions 29 to 32: bytes in, bytes out; no socket, no file, no clock.
//!
//! What arrives is decoded from an [`Input`]; where its bytes do not suffice, a decoder stops with [`Stop::Short`], has
//! changed nothing, and is called again with more.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod algorithms;
mod authentication;
mod encode;
mod error;
pub mod file_list;
mod frame;
mod greeting;
mod index;
mod input;
mod record;
mod setup;
mod statistics;
mod token;

pub use algorithms::{Algorithms, ChecksumChoice, CompressionChoice, named};
pub use authentication::{Digest, response};
pub use encode::Encode;
pub use error::Violation;
pub use frame::{Frame, Frames, MAX_FRAME, Tag, frame_header};
pub use greeting::{Greeting, NoGreeting, Reply};
pub use index::{Index, Indices};
pub use input::{Input, Stop};
pub use record::{ItemFlags, Record, SumHead};
pub use setup::{Compatibility, Offer, Session};
pub use statistics::Statistics;
pub use token::{Compression, Token, TokenReader, TokenWriter};

/// The newest protocol that is spoken here.
pub const PROTOCOL: u8 = 32;

/// The oldest one.
pub const OLDEST_PROTOCOL: u8 = 29;
