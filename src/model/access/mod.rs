//! Who may use a module, exactly as the daemon decides it: `access.c` for hosts, `authenticate.c` for users.

mod address;
mod hosts;
mod reach;
mod region;
mod rights;
mod set;
mod strangers;
mod users;

pub use address::{AddressPattern, MaskError};
pub use hosts::{
    Answer, HostsVerdict, Lookups, Peer, Reason, TokenStep, Which, hosts, hosts_resolved, is_host_separator,
    may_be_name, token_answer,
};
pub use reach::{Admission, Match, Matched, Open, Reach, Reached};
pub use region::{Region, WORLD, merge, overlay};
pub use rights::{Rights, has_no_secrets, shut};
pub use set::AddressSet;
pub use strangers::{
    Admitted, admitted, admitted_percent, denies_strangers, holds_strangers, strangers_gain,
};
pub use users::{Right, UserRule, UsersVerdict, has_rules, shown_secrets_file, user_rules, users};
