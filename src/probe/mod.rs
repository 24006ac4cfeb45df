//! What a client meets at a live daemon, one stage after the other, and why it fails where it does.
//!
//! Each session is a command line of rsync's, carried out by our own client. So what it says is what a client says, the
//! text is explained as any other, and the user can type the same.

mod audit;
mod command;
mod deadline;
mod delta;
mod files;
mod hints;
mod opening;
mod partial;
mod prober;
mod push;
mod reach;
mod recorder;
mod refused;
mod report;
mod reproduce;
mod sample;
mod service;
mod session;
mod stage;
mod stages;
mod target;
mod transcript;
mod watch;

pub mod tryout;

pub use audit::Remark;
pub use command::command;
pub use prober::{Choice, ProbeError, Setting};
pub use report::{Effect, Report, Slip, is_password};
pub use reproduce::{Manner, Within, reproduce_in};
pub use stage::{Fact, Right, Skip, Stage, State, Step};
pub use stages::probe;
pub use target::{NoTarget, Target};
pub use transcript::{Head, NoTranscript, Replay, Served, Subject, Trace, Wire};
pub use watch::Watch;
