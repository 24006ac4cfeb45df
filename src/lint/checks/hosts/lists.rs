//! `hosts allow` and `hosts deny` together.

use std::{
    collections::{HashMap, HashSet},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use super::word::{Word, is_everybody, words};
use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter, Scope, Setting,
        access::{AddressPattern, AddressSet},
    },
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY242", nobody_admitted),
    Check::configuration("RSY301", strangers_admitted),
];

/// How many words of a list are shown.
const MOST_SHOWN: usize = 5;

/// RSY242: a `hosts deny` of everybody without a `hosts allow` that says who is an exception. One module among others may be
/// closed on purpose; a daemon that serves nobody is not.
fn nobody_admitted(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut closed = Vec::new();
    for module in subject.modules() {
        let [allow, deny] = [Parameter::HostsAllow, Parameter::HostsDeny].map(|list| module.text(list));
        let Some(deny) = deny.origin.setting().filter(|_| allow.value.is_empty()) else {
            return;
        };
        if !Denied::by(deny).is_some_and(|denied| denied.everything) {
            return;
        }
        closed.push((module.name(), deny));
    }
    let mut seen = HashSet::new();
    for (name, deny) in closed {
        if seen.insert(deny.span()) {
            out.report(Case::at(deny.value_span()).with("module", name));
        }
    }
}

/// RSY301: who is on neither list gets in (`allow_access` in access.c), so a `hosts deny` that does not deny the rest
/// takes its meaning from `hosts allow`.
fn strangers_admitted(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    // A list of many words may hold for many modules.
    let (mut everybody, mut denied) = (HashMap::new(), HashMap::new());
    for module in subject.modules() {
        let [allow, deny] = [Parameter::HostsAllow, Parameter::HostsDeny].map(|list| module.text(list));
        let (Some(allow), Some(deny)) = (allow.origin.setting(), deny.origin.setting()) else {
            continue;
        };
        if allow.text.is_empty() || deny.text.is_empty() || !seen.insert((allow.span(), deny.span())) {
            continue;
        }
        let denied = denied.entry(deny.span()).or_insert_with(|| Denied::by(deny));
        let Some(denied) = denied else {
            continue;
        };
        let [admits_v4, admits_v6] = *everybody.entry(allow.span()).or_insert_with(|| {
            [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].map(|peer| admits_all_like(allow, peer))
        });
        let variant = match denied {
            _ if admits_v4 && (admits_v6 || denied.is_v4_alone()) => "unread",
            _ if admits_v4 || admits_v6 => continue,
            Denied { everything: true, .. } => continue,
            Denied {
                everything_v4: true, ..
            } if listens_only_on_v4(subject) => continue,
            Denied {
                everything_v4: true, ..
            } => "ipv6",
            Denied { zero: true, .. } => "zero",
            // Most of the world, in pieces.
            _ if denied.space >= 1 << 31 => continue,
            // Exceptions of what is denied are what the two lists together are for.
            _ if words(allow).all(|(_, word)| denied.may_hold(&word)) => continue,
            _ => "list",
        };
        let case = Case::at(deny.value_span())
            .variant(variant)
            .also(
                allow.value_span(),
                if variant == "unread" { "everybody" } else { "allow" },
            )
            .with("module", module.name())
            .with("deny", shown(deny))
            .explains_rules(deny.value_span(), &["RSY303"]);
        out.report(match variant {
            "list" | "unread" => case,
            _ => case.fix(Safety::Unsafe, [Edit::replace(deny.value_span(), "*")]),
        });
    }
}

/// As much of a list as a sentence holds.
fn shown(list: &Setting) -> String {
    let mut tokens = words(list).map(|(token, _)| token.display().into_owned());
    let first: Vec<_> = tokens.by_ref().take(MOST_SHOWN).collect();
    match tokens.next() {
        Some(_) => format!("{} …", first.join(" ")),
        None => list.text.display().into_owned(),
    }
}

/// Whether a `hosts allow` lets every peer of the same family in.
fn admits_all_like(allow: &Setting, peer: IpAddr) -> bool {
    words(allow).any(|(token, word)| match word {
        Word::Address(pattern @ AddressPattern::Everything { .. }) => pattern.matches(peer),
        _ => is_everybody(token.bytes),
    })
}

/// Whom a `hosts deny` denies.
#[derive(Default)]
struct Denied {
    everything: bool,
    everything_v4: bool,
    everything_v6: bool,
    /// Whether it is the one address 0.0.0.0, which is nobody's, and nothing else.
    zero: bool,
    has_names: bool,
    has_v6: bool,
    /// How many networks and single addresses it names.
    networks: u64,
    /// How many IPv4 addresses these hold, those that two hold counted twice.
    space: u64,
    addresses: AddressSet,
}

impl Denied {
    /// `None`: a word of the list has a page of its own, which says what comes of it.
    fn by(deny: &Setting) -> Option<Self> {
        let mut denied = Self {
            zero: true,
            ..Self::default()
        };
        let mut patterns = Vec::new();
        for (token, word) in words(deny) {
            let is_zero = matches!(&word, Word::Address(AddressPattern::Network { address, bits: 32, .. }) if address.is_unspecified());
            denied.zero &= is_zero;
            match word {
                Word::AddressRange
                | Word::Blank
                | Word::AddressWildcard
                | Word::Stars
                | Word::Dotted
                | Word::Joined
                | Word::Negated
                | Word::Suffix
                | Word::Wrapper => return None,
                Word::Address(AddressPattern::NotAnAddress | AddressPattern::BadMask { .. }) => return None,
                Word::Address(AddressPattern::Everything { address }) => {
                    denied.everything_v4 |= address.is_ipv4();
                    denied.everything_v6 |= address.is_ipv6();
                }
                Word::Address(pattern) => patterns.push(pattern),
                Word::Wildcard if is_everybody(token.bytes) => denied.everything = true,
                Word::Wildcard | Word::Name | Word::Netgroup => denied.has_names = true,
            }
        }
        denied.everything |= denied.everything_v4 && denied.everything_v6;
        denied.has_v6 = !patterns.iter().all(is_v4);
        denied.networks = patterns.len() as u64;
        denied.space = patterns.iter().map(space).sum();
        denied.everything_v4 |= denied.space >= 1 << 32;
        denied.addresses = patterns.into_iter().collect();
        Some(denied)
    }

    /// Whether nobody with an IPv6 address can be among them.
    fn is_v4_alone(&self) -> bool {
        !(self.everything || self.everything_v6 || self.has_names || self.has_v6)
    }

    /// Whether a word of `hosts allow` may be an exception of what is denied.
    fn may_hold(&self, word: &Word) -> bool {
        match word {
            Word::Address(
                AddressPattern::Network { address, .. } | AddressPattern::Masked { address, .. },
            ) => self.has_names || self.addresses.contains(*address),
            Word::Address(_) => false,
            // Whose addresses these are, nobody knows from here.
            _ => self.has_names || self.space > self.networks,
        }
    }
}

fn is_v4(pattern: &AddressPattern) -> bool {
    matches!(
        pattern,
        AddressPattern::Network {
            address: IpAddr::V4(_),
            ..
        } | AddressPattern::Masked {
            address: IpAddr::V4(_),
            ..
        }
    )
}

/// How many IPv4 addresses a pattern holds.
fn space(pattern: &AddressPattern) -> u64 {
    match pattern {
        AddressPattern::Network {
            address: IpAddr::V4(_),
            bits,
            ..
        } => 1 << (32 - u64::from(*bits)),
        AddressPattern::Masked {
            mask: IpAddr::V4(mask),
            ..
        } => 1 << mask.to_bits().count_zeros(),
        _ => 0,
    }
}

fn listens_only_on_v4(subject: &ConfigurationSubject<'_>) -> bool {
    let address = subject
        .configuration
        .text(Scope::Global, Parameter::Address)
        .value;
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv4Addr>().is_ok())
}
