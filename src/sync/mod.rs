//! rsync's command line, carried out with our own client: what is typed, and what is printed.

mod ahead;
mod argument;
mod choices;
mod clock;
mod console;
mod files;
mod format;
mod itemize;
mod lines;
mod login;
mod names;
mod number;
mod output;
mod place;
mod plan;
mod print;
mod progress;
mod receiving;
mod report;
mod session;
mod summary;
mod usage;
mod values;
mod version;

pub use choices::Surroundings;
pub use console::Streams;
pub use login::typed_password;
pub use output::Output;
pub use place::{Daemon, Place};
pub use plan::{Command, Plan};
pub use print::Printer;
pub use report::report_refusal;
pub use session::{Environment, LoginSource, conclude, converse, last_line, prepare, reach, unconnected};
pub use usage::UsageError;
pub use version::{version, version_for_programs};
