//! A session with a daemon: the dialogue, then the roles.

mod buffer;
mod build;
mod destination;
mod dialogue;
mod error;
mod extended;
mod generator;
mod keep;
mod observer;
mod options;
mod pull;
mod pulse;
mod push;
mod queue;
mod receiver;
mod requests;
mod sender;
mod session;
mod text;
mod wire;

pub use dialogue::{Credentials, Dialogue, Opened, open};
pub use error::Error;
pub use observer::{Event, Observer};
pub use options::Options;
pub use pull::{Outcome, pull};
pub use push::push;
pub use session::Role;
pub use text::shown;
