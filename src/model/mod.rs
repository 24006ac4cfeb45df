//! Trees to the typed configuration that the daemon really uses, with the origin of each value. Pure: files come
//! from the caller, and the release of rsync is an argument.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod access;
mod charset;
mod configuration;
pub mod parameter;
mod resolve;
pub mod script;
pub mod sersync;
pub mod service;
mod slots;
mod value;
pub mod wildmatch;

pub use charset::{Charset, charset};
pub use configuration::{
    Block, Configuration, Effect, FatalError, Include, Module, Origin, Problem, ProblemKind, Resolved, Scope,
    Setting,
};
pub use parameter::Parameter;
pub use resolve::{Files, NotOpened, Opened, resolve, resolve_until_fatal};
pub(crate) use resolve::{has_variable, with_module_name};
pub(crate) use value::FACILITIES;
pub use value::Value;
