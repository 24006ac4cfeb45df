//! Whether what a packet has is among the values that a rule names.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::doctor::reach::firewall::{Family, Holds};

/// What a packet has.
#[derive(Clone, Debug)]
pub(super) enum Candidate<'p> {
    /// A number that is known.
    Number(u64),
    /// A word that is known, with its other names.
    Word(&'static [&'static str]),
    /// An address, or any of a family.
    Address(Family, Option<IpAddr>),
    /// The interface by which it comes in: one of these, or nobody knows which.
    Interface(&'p [String]),
}

/// One value of a rule, or a range.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Number(u64, u64),
    Word(String),
    Net(IpNet),
    Addresses(IpAddr, IpAddr),
    /// Nothing that we know.
    Other,
}

impl Candidate<'_> {
    /// Whether it is one of the values.
    pub(super) fn is_in(&self, items: &[Item]) -> Holds {
        match self {
            Self::Interface(names) => Self::interface(names, items),
            _ => items
                .iter()
                .map(|item| self.is(item))
                .fold(Holds::Never, Holds::or),
        }
    }

    fn is(&self, item: &Item) -> Holds {
        match (self, item) {
            (Self::Number(own), Item::Number(from, to)) => Holds::of((from..=to).contains(&own)),
            (Self::Word(names), Item::Word(word)) => Holds::of(names.contains(&&**word)),
            (Self::Word(names), Item::Number(one, other)) if one == other => {
                Holds::of(names.contains(&&*one.to_string()))
            }
            (Self::Address(family, own), Item::Net(net)) => match own {
                _ if Family::of(net.addr()) != *family => Holds::Never,
                Some(own) => Holds::of(net.contains(own)),
                None if net.prefix_len() == 0 => Holds::Always,
                // What comes from outside, or goes there, has no address of loopback (RFC 1122, 3.2.1.3).
                None if is_of_loopback(net.network(), net.broadcast()) => Holds::Never,
                None if net.network().is_multicast() => Holds::Never,
                None => Holds::Partly,
            },
            (Self::Address(family, own), Item::Addresses(from, to)) => match own {
                _ if Family::of(*from) != *family => Holds::Never,
                Some(own) => Holds::of((from..=to).contains(&own)),
                None if is_of_loopback(*from, *to) => Holds::Never,
                None => Holds::Partly,
            },
            _ => Holds::Unknown,
        }
    }

    /// All of its interfaces, some, or none are named.
    fn interface(names: &[String], items: &[Item]) -> Holds {
        if items.iter().any(|item| !matches!(item, Item::Word(_))) {
            return Holds::Unknown;
        }
        let is_named = |name: &str| {
            items
                .iter()
                .any(|item| matches!(item, Item::Word(word) if covers(word, name)))
        };
        if names.is_empty() {
            // Whatever they are, what comes from outside does not come by loopback.
            let is_own = items
                .iter()
                .all(|item| matches!(item, Item::Word(word) if word == "lo"));
            return if is_own { Holds::Never } else { Holds::Partly };
        }
        match names.iter().filter(|name| is_named(name)).count() {
            0 => Holds::Never,
            count if count == names.len() => Holds::Always,
            _ => Holds::Partly,
        }
    }
}

/// Whether all addresses of a range are those by which a machine reaches itself.
fn is_of_loopback(first: IpAddr, last: IpAddr) -> bool {
    first.is_loopback() && last.is_loopback()
}

/// Whether a name of an interface in a rule is that of one: `eth*` (nft) and `eth+` (iptables) are all that begin so.
fn covers(word: &str, name: &str) -> bool {
    match word.strip_suffix(['*', '+']) {
        Some(begin) => name.starts_with(begin),
        None => word == name,
    }
}

impl Item {
    /// An address, a network, or two with a `-` between.
    pub(super) fn address(text: &str) -> Self {
        if let Ok(net) = text.parse::<IpNet>() {
            return Self::Net(net);
        }
        if let Ok(address) = text.parse::<IpAddr>() {
            return Self::Net(address.into());
        }
        if let Some((address, mask)) = text.split_once('/')
            && let (Ok(address), Ok(mask)) = (address.parse::<IpAddr>(), mask.parse::<IpAddr>())
            && let Ok(bits) = ipnet::ip_mask_to_prefix(mask)
            && let Ok(net) = IpNet::new(address, bits)
        {
            return Self::Net(net);
        }
        match text.split_once('-') {
            Some((from, to)) => match (from.parse(), to.parse()) {
                (Ok(from), Ok(to)) => Self::Addresses(from, to),
                _ => Self::Other,
            },
            None => Self::Other,
        }
    }
}
