//! rsync's command line, carried out with our own client: what is typed, and what is printed.

mod choices;
mod itemize;
mod plan;
mod print;
mod receiving;
mod usage;

pub use choices::Surroundings;
pub use plan::{Command, Daemon, Place, Plan};
pub use print::Printer;
pub use usage::UsageError;
