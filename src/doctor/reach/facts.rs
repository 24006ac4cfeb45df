use std::net::IpAddr;

use crate::doctor::reach::{Family, Manager, Verdict};

/// Something that was seen of the way to a daemon.
#[derive(Debug)]
pub enum ReachFact {
    /// The port, and the addresses that somebody listens on.
    Listens(u16, Vec<IpAddr>),
    /// No other machine can come there, so no firewall is asked.
    LoopbackAlone,
    /// The daemon of that process sees other network interfaces than we.
    OwnNetwork(u32),
    /// What the firewall does with connections to the port.
    Firewall(Family, Verdict),
    /// A machine that a module admits by its address, and the firewall stops.
    Stopped(IpAddr),
    /// The rules are not those of its manager's files: they let clients in, and the rules do not, or the other way round.
    Kept(Manager, bool),
    /// What xinetd's own lists, or those of TCP wrappers, say of a client: whether it gets in, and the line that decides.
    Wrapped(bool, String),
    /// What a module's host lists say of a client, and the line that decides.
    Meets(String, Admission, Option<String>),
}

/// What a client meets in a module.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Admission {
    /// It gets in.
    Admitted,
    /// It gets in with a password.
    WithPassword,
    /// It does not.
    Refused,
    /// That depends on the name service, or on what could not be read.
    Open,
}

impl Admission {
    /// The name that programs read.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Admitted => "admitted",
            Self::WithPassword => "with-password",
            Self::Refused => "refused",
            Self::Open => "open",
        }
    }
}
