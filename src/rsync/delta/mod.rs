//! The delta algorithm: digests, how a basis is cut into blocks, their sums, and how they are found again.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod blocks;
mod checksum;
mod rolling;
mod search;
mod sums;
mod table;
mod window;

pub use blocks::{head, write_sums};
pub use checksum::{Checksum, Hasher};
pub use rolling::rolling_sum;
pub use search::{BlockHash, Pieces, search};
pub use sums::BlockSums;
