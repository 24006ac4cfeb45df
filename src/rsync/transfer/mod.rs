//! A session with a daemon: the dialogue, then the roles.

mod arguments;
mod buffer;
mod build;
mod chmod;
mod delete;
mod destination;
mod dialogue;
mod error;
mod generator;
mod keep;
mod links;
mod observer;
mod options;
mod prune;
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

pub use chmod::{ModeChange, NoModeChange};
pub use delete::Deleted;
pub use dialogue::{Credentials, Dialogue, Opened, open};
pub use error::Error;
pub use observer::{Event, Observer};
pub use options::{DeleteWhen, Deletion, Options};
pub use pull::{Outcome, pull};
pub use push::push;
pub use session::Role;
pub use text::shown;
