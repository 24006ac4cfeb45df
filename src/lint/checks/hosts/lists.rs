//! `hosts allow` and `hosts deny` together.

use std::{collections::HashSet, net::IpAddr};

use super::word::{Word, words};
use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Scope, Setting, access::AddressPattern},
    syntax::Token,
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
        let Some(denied) = Denied::by(deny).filter(|_| !words(allow).any(is_everybody)) else {
            continue;
        };
        let variant = match denied {
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
            .also(allow.value_span(), "allow")
            .with("module", module.name())
            .with("deny", deny.text.display());
        out.report(match variant {
            "list" => case,
            _ => case.fix(Safety::Unsafe, [Edit::replace(deny.value_span(), "*")]),
        });
    }
}

/// Whom a `hosts deny` denies.
struct Denied {
    everything: bool,
    everything_v4: bool,
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
            zero: true,
            patterns: Vec::new(),
            has_names: false,
        };
        let mut everything_v6 = false;
        for (token, word) in words(deny) {
            let is_zero = matches!(&word, Word::Address(AddressPattern::Network { address, bits: 32, .. }) if address.is_unspecified());
            denied.zero &= is_zero;
            match word {
                Word::Joined | Word::Wrapper => return None,
                Word::Address(AddressPattern::NotAnAddress | AddressPattern::BadMask { .. }) => return None,
                Word::Address(AddressPattern::Everything { address }) => {
                    denied.everything_v4 |= address.is_ipv4();
                    everything_v6 |= address.is_ipv6();
                }
                Word::Address(pattern) => denied.patterns.push(pattern),
                Word::Wildcard if token.bytes.iter().all(|byte| b"*?".contains(byte)) => {
                    denied.everything = true;
                }
                Word::Wildcard | Word::Name | Word::Netgroup => denied.has_names = true,
            }
        }
        denied.everything |= denied.everything_v4 && everything_v6;
        denied.everything_v4 |= denied.space() >= 1 << 32;
        Some(denied)
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

fn is_everybody((token, word): (Token<'_>, Word)) -> bool {
    match word {
        Word::Address(AddressPattern::Everything { .. }) => true,
        Word::Wildcard => token.bytes.iter().all(|byte| b"*?".contains(byte)),
        _ => false,
    }
}

fn listens_only_on_v4(subject: &ConfigurationSubject<'_>) -> bool {
    let address = subject
        .configuration
        .text(Scope::Global, Parameter::Address)
        .value;
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<std::net::Ipv4Addr>().is_ok())
}
