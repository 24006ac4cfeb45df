//! The delta algorithm: digests, how a basis is cut into blocks, and their sums.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod blocks;
mod checksum;
mod rolling;

pub use blocks::{head, write_sums};
pub use checksum::{Checksum, Hasher};
pub use rolling::rolling_sum;
