//! What the rules of a firewall do with the first packet of a connection.
//!
//! Rules are followed through every chain that they jump to. A condition of which nobody can tell here whether it holds (a
//! mark, a set of another kind, a match that we do not know) is never guessed: if it matters, the answer is that it is not
//! known.

mod iptables;
mod limit;
mod nft;
mod value;
mod walk;

use std::{collections::BTreeSet, net::IpAddr};

pub(super) use iptables::read as read_iptables;
pub(super) use limit::Limit;
pub(super) use nft::read as read_nft;
pub(super) use walk::judge;

/// A family of addresses.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// That of an address.
    pub(in crate::doctor) const fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::V4,
            IpAddr::V6(_) => Self::V6,
        }
    }

    /// The name that people know.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }
}

/// Which of the first two packets of a connection it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Direction {
    /// The client's, which comes in.
    In,
    /// The answer to it, which goes out.
    Out,
}

impl Direction {
    /// The flags of TCP that are set, of those that rules ask for.
    const fn flags(self) -> &'static [&'static str] {
        match self {
            Self::In => &["syn"],
            Self::Out => &["syn", "ack"],
        }
    }

    /// Whether a condition on flags holds: of the flags of a mask exactly those are set that are wanted.
    fn has<'f>(self, mask: impl Iterator<Item = &'f str>, wanted: impl Iterator<Item = &'f str>) -> Holds {
        let is_one = |flag: &&str| FLAGS.contains(flag);
        let mask: BTreeSet<&str> = mask.collect();
        let own = self.flags().iter().copied().filter(|flag| mask.contains(flag));
        let own: BTreeSet<&str> = own.collect();
        Holds::of(own == wanted.filter(is_one).collect())
    }
}

/// The flags of TCP.
const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"];

/// One of the first two packets of a connection to a TCP port of this machine.
#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub(super) direction: Direction,
    pub(super) family: Family,
    /// The port of the daemon.
    pub(super) port: u16,
    /// Where it comes from, if that is one address; for the client's packet anywhere outside if that is open.
    pub(super) source: Option<IpAddr>,
    /// The address that it is sent to, if there is only one.
    pub(super) destination: Option<IpAddr>,
    /// The interfaces by which it may come in, or go out; none if they are not known.
    pub(super) interfaces: Vec<String>,
}

/// Whether a condition holds for the packets that are meant.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Holds {
    /// For none.
    Never,
    /// Nobody can tell here.
    Unknown,
    /// For some: certain sources, interfaces, so many in a time.
    Partly,
    /// For all.
    Always,
}

impl Holds {
    pub(super) const fn of(is_so: bool) -> Self {
        if is_so { Self::Always } else { Self::Never }
    }

    /// Both conditions.
    pub(super) fn and(self, other: Self) -> Self {
        self.min(other)
    }

    /// Either condition.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Always, _) | (_, Self::Always) => Self::Always,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (one, other) => one.max(other),
        }
    }

    /// The opposite, if `is_so`.
    pub(super) const fn negated(self, is_so: bool) -> Self {
        match (self, is_so) {
            (Self::Always, true) => Self::Never,
            (Self::Never, true) => Self::Always,
            (same, _) => same,
        }
    }
}

/// What a rule does with a packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Action {
    Accept,
    Drop,
    Reject,
    /// Goes on in that chain, and comes back.
    Jump(String),
    /// Goes on in that chain, and comes back to where this one was jumped from.
    Goto(String),
    Return,
    /// The packet is given to somebody else: another address, a queue.
    Elsewhere,
}

/// A rule, with each way in which it may end.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    /// As its program prints it.
    pub(super) text: String,
    pub(super) branches: Vec<(Holds, Action)>,
}

/// A chain of rules.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    /// `inet filter`.
    pub(super) table: String,
    pub(super) name: String,
    pub(super) rules: Vec<Rule>,
    /// Where packets come to it by themselves: the order, and what happens at its end.
    pub(super) base: Option<(i64, Action)>,
}

/// The rule that decides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Decider {
    /// The table and the chain: `inet filter input`.
    pub place: String,
    /// The rule as its program prints it, or the policy of the chain.
    pub rule: String,
}

/// What becomes of a packet.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Verdict {
    /// It comes in; the rule, if one is about it.
    Accepted(Option<Decider>),
    /// It gets no answer.
    Dropped(Decider),
    /// It is refused.
    Rejected(Decider),
    /// Some come in by these rules, and the others are stopped by the last one.
    SomeAccepted(Vec<Decider>, Decider),
    /// Some are stopped by these rules, and the others come in.
    SomeStopped(Vec<Decider>),
    /// It depends on a rule of which nobody can tell here whether it holds.
    NotKnown(Decider),
}

impl Verdict {
    /// The name that programs read.
    pub const fn key(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Dropped(_) => "dropped",
            Self::Rejected(_) => "rejected",
            Self::SomeAccepted(..) => "some-accepted",
            Self::SomeStopped(_) => "some-stopped",
            Self::NotKnown(_) => "not-known",
        }
    }
}
