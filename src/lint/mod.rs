//! Checks files against the catalogue: which file is what, which checks apply, what the user wants to hear.

mod checks;
mod discover;
mod engine;
mod files;
mod report;
mod roles;
mod subject;
mod suppress;

pub use discover::{DiscoverError, discover, recognise};
pub use engine::{Input, Options, Report, lint};
pub use report::{Case, Reporter};
pub use subject::{
    Circumstances, ConfigurationSubject, ModuleSubject, PasswordSubject, SecretsSubject, SersyncFile,
    SersyncSubject,
};
