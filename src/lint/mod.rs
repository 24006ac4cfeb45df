//! Checks files against the catalogue: which file is what, which checks apply, what the user wants to hear.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod baseline;
mod checks;
mod clients;
mod consequences;
mod crontabs;
mod discover;
mod engine;
mod files;
mod fingerprint;
mod fix;
mod folders;
mod markdown;
mod options;
mod outcome;
mod report;
mod roles;
mod scripts;
mod services;
mod settings;
mod subject;
mod suppress;

pub use baseline::{Baseline, BaselineError, Compared, Place};
pub(crate) use checks::{Account, Accounts, merged_files, rules_of_filter, unwritable};
pub use clients::{Client, ClientsSubject};
pub use crontabs::{CronJob, Crontab, CrontabSubject, owner};
pub use discover::{Discovered, discover, recognise};
pub use engine::{Input, Report, lint, lint_found};
pub(crate) use files::HostFiles;
pub(crate) use fingerprint::{Fingerprints, hash};
pub use fix::{fixed, is_curable};
pub use folders::{Folder, Folders};
pub use markdown::shows_any;
pub use options::Options;
pub use report::{Case, Reporter};
pub(crate) use roles::{closed_includes, hidden_suffixes};
pub use scripts::{ScriptSubject, Transfer};
pub use services::{
    EnvironmentFile, InetdFile, Installed, Manager, Server, ServiceUnit, Services, ServicesSubject, Started,
    Variable, XinetdFile, sockets, started,
};
pub use settings::{FILE_NAME, FailOn, Settings, SettingsError, Word};
pub use subject::{
    Circumstances, ConfigurationSubject, Facts, ModuleSubject, PasswordSubject, SecretsSubject, SersyncFile,
    SersyncSubject,
};
