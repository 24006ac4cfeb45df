//! An rsync client as a library: it knows no rule, prints nothing, and reads no environment.
//!
//! [`proto`] is the protocol as bytes, [`delta`] finds and rebuilds what differs, [`tree`] is the local file system below
//! a root, [`net`] makes streams of bytes, and [`transfer`] joins them to a session.

pub mod delta;
pub mod filter;
pub mod net;
pub mod proto;
pub mod transfer;
pub mod tree;
