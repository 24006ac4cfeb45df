//! What starts an rsync daemon: systemd's units, xinetd, inetd, and the files that hold their options.

mod command;
mod refusal;
mod unit;
mod xinetd;

pub use command::{
    DaemonOptions, Word, commands, daemon_options, expand, keeps_root, unknown_daemon_options, words,
};
pub use refusal::{Offence, Refusal, home_of, is_directive, nearest_directive, offence};
pub use unit::{Setting, Unit, path_list};
pub use xinetd::{XinetdService, client_network, services};
