//! Bytes to lossless trees with spans; printing a tree gives the same bytes. Knows grammar, no meaning.
//!
//! Every parser takes any bytes and never fails: what rsync (or sersync) would refuse becomes a node that says so.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod crontab;
pub mod dockerfile;
pub mod environment_file;
pub mod inetd;
mod invocation;
mod lookalike;
pub mod markdown;
pub mod rsyncd_conf;
pub mod secrets;
pub mod sersync;
pub mod shell;
mod text;
pub mod unit;
pub mod xinetd;

pub use invocation::{Given, Invocation};
pub use lookalike::{Lookalike, blank_length};
pub use text::{Text, Token};
