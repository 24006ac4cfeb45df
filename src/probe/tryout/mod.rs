//! A configuration on trial: a throw-away real daemon serves it to us alone, each module is probed with each user, and what
//! happens is compared with what the model foretells.
//!
//! Nothing is written into a module: files are taken out of it, and a push is a dry run.

mod attempt;
mod daemon;
mod empty;
mod expected;
mod ignored;
mod leash;
mod logins;
mod overlay;
mod owner;
mod peer;
mod report;
mod run;

pub use attempt::{Attempt, Blamed, Compared, End, Verdict};
pub use daemon::{NoDaemon, Program};
pub use empty::WRAPPED_PORT;
pub use leash::{Leash, Stayed};
pub use report::{ModuleTrial, NotTried, Outcome, Start, Trial, Why};
pub use run::{Setup, TrialError, run};
