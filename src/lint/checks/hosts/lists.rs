//! `hosts allow` and `hosts deny` together.

use std::{
    collections::HashSet,
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
    model::{Parameter, Scope, Setting, access::AddressPattern},
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY301", strangers_admitted)];

/// RSY301: who is on neither list gets in (`allow_access` in access.c), so a `hosts deny` that does not deny the rest
/// takes its meaning from `hosts allow`.
fn strangers_admitted(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen = HashSet::new();
    for module in subject.modules() {
        let [allow, deny] = [Parameter::HostsAllow, Parameter::HostsDeny].map(|list| module.text(list));
        let (Some(allow), Some(deny)) = (allow.origin.setting(), deny.origin.setting()) else {
            continue;
        };
        if allow.text.is_empty() || deny.text.is_empty() || !seen.insert((allow.span(), deny.span())) {
            continue;
        }
        let Some(denied) = Denied::by(deny) else {
            continue;
        };
        let admits_all_like = |peer: IpAddr| {
            words(allow).any(|(token, word)| match word {
                Word::Address(pattern @ AddressPattern::Everything { .. }) => pattern.matches(peer),
                _ => is_everybody(token.bytes),
            })
        };
        let admits_v4 = admits_all_like(Ipv4Addr::LOCALHOST.into());
        let admits_v6 = admits_all_like(Ipv6Addr::LOCALHOST.into());
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
            _ if denied.space() >= 1 << 31 => continue,
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
            .with("deny", deny.text.display())
            .explains_rules(deny.value_span(), &["RSY303"]);
        out.report(match variant {
            "list" | "unread" => case,
            _ => case.fix(Safety::Unsafe, [Edit::replace(deny.value_span(), "*")]),
        });
    }
}

/// Whom a `hosts deny` denies.
struct Denied {
    everything: bool,
    everything_v4: bool,
    everything_v6: bool,
    /// Whether it is the one address 0.0.0.0, which is nobody's, and nothing else.
    zero: bool,
    patterns: Vec<AddressPattern>,
    has_names: bool,
}

impl Denied {
    /// `None`: a word of the list has a page of its own, which says what comes of it.
    fn by(deny: &Setting) -> Option<Self> {
        let mut denied = Self {
            everything: false,
            everything_v4: false,
            everything_v6: false,
            zero: true,
            patterns: Vec::new(),
            has_names: false,
        };
        for (token, word) in words(deny) {
            let is_zero = matches!(&word, Word::Address(AddressPattern::Network { address, bits: 32, .. }) if address.is_unspecified());
            denied.zero &= is_zero;
            match word {
                Word::AddressRange
                | Word::AddressWildcard
                | Word::Stars
                | Word::Joined
                | Word::Negated
                | Word::Suffix
                | Word::Wrapper => return None,
                Word::Address(AddressPattern::NotAnAddress | AddressPattern::BadMask { .. }) => return None,
                Word::Address(AddressPattern::Everything { address }) => {
                    denied.everything_v4 |= address.is_ipv4();
                    denied.everything_v6 |= address.is_ipv6();
                }
                Word::Address(pattern) => denied.patterns.push(pattern),
                Word::Wildcard if is_everybody(token.bytes) => denied.everything = true,
                Word::Wildcard | Word::Name | Word::Netgroup => denied.has_names = true,
            }
        }
        denied.everything |= denied.everything_v4 && denied.everything_v6;
        denied.everything_v4 |= denied.space() >= 1 << 32;
        Some(denied)
    }

    /// Whether nobody with an IPv6 address can be among them.
    fn is_v4_alone(&self) -> bool {
        let is_v4 = |pattern: &AddressPattern| {
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
        };
        !(self.everything || self.everything_v6 || self.has_names) && self.patterns.iter().all(is_v4)
    }

    /// How many IPv4 addresses the networks hold, those that two hold counted twice.
    fn space(&self) -> u64 {
        let sizes = self.patterns.iter().map(|pattern| match pattern {
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
        });
        sizes.sum()
    }

    /// Whether a word of `hosts allow` may be an exception of what is denied.
    fn may_hold(&self, word: &Word) -> bool {
        match word {
            Word::Address(
                AddressPattern::Network { address, .. } | AddressPattern::Masked { address, .. },
            ) => self.has_names || self.patterns.iter().any(|pattern| pattern.matches(*address)),
            Word::Address(_) => false,
            // Whose addresses these are, nobody knows from here.
            _ => self.has_names || self.space() > self.patterns.len() as u64,
        }
    }
}

fn listens_only_on_v4(subject: &ConfigurationSubject<'_>) -> bool {
    let address = subject
        .configuration
        .text(Scope::Global, Parameter::Address)
        .value;
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv4Addr>().is_ok())
}
