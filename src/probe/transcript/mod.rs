//! What a probe read and wrote, as a text that a bug report can carry, and a network made of such a text.
//!
//! A line has the seconds since the beginning, the number of the connection (0 is none), what happened, and the bytes as
//! escaped text. Passwords are not part of what goes over the wire; the answers to challenges, which passwords can be
//! guessed from, and what is handed to an `early exec` are left out, but for their length. So the client goes the same
//! way again, with any password.

mod event;
mod head;
mod payload;
mod played;
mod replay;
mod trace;
mod wire;

pub use head::{Head, Subject};
pub use replay::{NoTranscript, Replay};
pub use trace::Trace;
pub use wire::{Served, Wire};
