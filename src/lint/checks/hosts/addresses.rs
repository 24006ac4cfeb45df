//! Addresses and networks in host lists.

use std::{
    cell::LazyCell,
    net::{IpAddr, Ipv4Addr},
    ops::Range,
};

use ipnet::{IpNet, Ipv4Net};

use super::word::{Word, meant_network, words};
use crate::{
    catalog::{Harm, Safety},
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, loosens},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter, Setting,
        access::{AddressPattern, MaskError},
    },
    syntax::Token,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY303", malformed_address),
    Check::configuration("RSY305", host_bits_set),
    Check::configuration("RSY306", octal_address),
];

const LISTS: &[Parameter] = &[Parameter::HostsAllow, Parameter::HostsDeny];

/// RSY303: an address that rsync cannot read matches nobody: in `hosts deny` it lets its host in.
fn malformed_address(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(LISTS) {
        let is_deny = setting.parameter == Parameter::HostsDeny;
        let torn = torn_networks(setting);
        let harm = LazyCell::new(|| harm::of_word(subject, setting));
        for network in &torn {
            let span = setting.part(network.part.clone());
            out.report(
                Case::at(span)
                    .variant(network.variant)
                    .harms(*harm)
                    .with("parameter", setting.parameter.name())
                    .with(
                        "word",
                        String::from_utf8_lossy(&setting.text.bytes()[network.part.clone()]),
                    )
                    .with("network", network.meant.clone())
                    .explains(span)
                    .fix(
                        loosens::safety(setting.parameter, network.meant.as_bytes()),
                        [Edit::replace(span, network.meant.clone())],
                    ),
            );
        }
        for (token, word) in words(setting) {
            let is_torn = |network: &Torn| network.part.contains(&token.part.start);
            if torn.iter().any(is_torn) {
                continue;
            }
            if let Some(case) = mapped(setting, &token, &word) {
                out.report(case);
                continue;
            }
            let stars = match word {
                Word::Stars if is_deny => Some("stars-deny"),
                Word::Stars => Some("stars"),
                Word::Dotted if is_deny => Some("dotted-deny"),
                _ => None,
            };
            if let Some(variant) = stars {
                let span = setting.part(token.part.clone());
                out.report(
                    Case::at(span)
                        .variant(variant)
                        .with("parameter", setting.parameter.name())
                        .with("word", token.display())
                        .fix(
                            loosens::safety(setting.parameter, b"*"),
                            [Edit::replace(span, "*")],
                        ),
                );
                continue;
            }
            if let Word::Address(AddressPattern::Masked { address, mask }) = word {
                if let Some(case) = odd_mask(setting.part(token.part.clone()), address, mask) {
                    let case = case.harms(*harm).with("parameter", setting.parameter.name());
                    out.report(case.with("word", token.display()));
                }
                continue;
            }
            let variant = match word {
                Word::Address(AddressPattern::NotAnAddress | AddressPattern::BadMask { .. }) if is_deny => {
                    "unread-deny"
                }
                Word::Address(AddressPattern::NotAnAddress) => "address",
                Word::Address(AddressPattern::BadMask {
                    error: MaskError::NotANumber,
                    ..
                }) => "mask",
                Word::Address(AddressPattern::BadMask {
                    error: MaskError::OutOfRange,
                    ..
                }) => "range",
                Word::Address(AddressPattern::Network { address, bits, .. })
                    if address.is_unspecified() && bits == if address.is_ipv4() { 32 } else { 128 } =>
                {
                    if is_deny {
                        "zero-deny"
                    } else {
                        "zero"
                    }
                }
                Word::AddressWildcard if is_deny => "wildcard-deny",
                Word::AddressWildcard => "wildcard",
                Word::AddressRange if is_deny => "from-to-deny",
                Word::AddressRange => "from-to",
                Word::Blank if is_deny => "blank-deny",
                Word::Blank => "blank",
                _ => continue,
            };
            let span = setting.part(token.part.clone());
            let case = Case::at(span)
                .harms(*harm)
                .with("parameter", setting.parameter.name())
                .with("word", token.display());
            out.report(
                match meant_network(token.bytes).filter(|_| variant.starts_with("wildcard")) {
                    Some(network) => case
                        .variant(if is_deny { "network-deny" } else { "network" })
                        .with("network", network.clone())
                        .fix(
                            loosens::safety(setting.parameter, token.bytes),
                            [Edit::replace(span, network)],
                        ),
                    None => case.variant(variant),
                },
            );
        }
    }
}

/// `::ffff:192.0.2.7`: a peer has its IPv4 address, however its connection came in (`client_addr` in clientname.c).
fn mapped(setting: &Setting, token: &Token<'_>, word: &Word) -> Option<Case> {
    let Word::Address(AddressPattern::Network {
        address: IpAddr::V6(address),
        bits: bits @ 96..,
        ..
    }) = word
    else {
        return None;
    };
    let address = address.to_ipv4_mapped()?;
    let network = match bits - 96 {
        32 => address.to_string(),
        bits => Ipv4Net::new(address, bits).ok()?.trunc().to_string(),
    };
    let is_deny = setting.parameter == Parameter::HostsDeny;
    let span = setting.part(token.part.clone());
    Some(
        Case::at(span)
            .variant(if is_deny { "mapped-deny" } else { "mapped" })
            .with("parameter", setting.parameter.name())
            .with("word", token.display())
            .with("network", network.clone())
            .fix(
                loosens::safety(setting.parameter, network.as_bytes()),
                [Edit::replace(span, network)],
            ),
    )
}

/// A network with its mask in several words.
struct Torn {
    part: Range<usize>,
    variant: &'static str,
    meant: String,
}

/// Networks of which blanks make several words: `192.0.2.0 / 24`, and `192.0.2.0 255.255.255.0` as in route(8).
fn torn_networks(setting: &Setting) -> Vec<Torn> {
    let tokens: Vec<_> = words(setting).map(|(token, _)| token).collect();
    let bytes = setting.text.bytes();
    let is_joined = |pair: &[Token<'_>]| {
        let between = &bytes[pair[0].part.end..pair[1].part.start];
        between.iter().all(|byte| matches!(byte, b' ' | b'\t'))
    };
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(first) = tokens.get(at) {
        let mut end = at + 1;
        let mut meant = String::from_utf8_lossy(first.bytes).into_owned();
        while let Some(next) = tokens.get(end)
            && end < at + 3
            && is_joined(&tokens[end - 1..=end])
            && (meant.ends_with('/') || next.bytes.starts_with(b"/"))
        {
            meant.push_str(&String::from_utf8_lossy(next.bytes));
            end += 1;
        }
        let mut variant = "blanks";
        if end == at + 1
            && let Some(next) = tokens.get(end)
            && is_joined(&tokens[at..=end])
            && let (Some(network), Some(mask)) = (decimal(first.bytes), decimal(next.bytes))
            && let Ok(net) = Ipv4Net::with_netmask(network, mask)
            // No host has an address that begins so, and a network's own address is no host's.
            && mask.octets()[0] == 255
            && net.prefix_len() < 32
        {
            meant = net.trunc().to_string();
            variant = "mask-apart";
            end += 1;
        }
        let is_network = matches!(
            AddressPattern::parse(meant.as_bytes()),
            Some(
                AddressPattern::Network { .. }
                    | AddressPattern::Everything { .. }
                    | AddressPattern::Masked { .. }
            )
        );
        if end > at + 1 && is_network {
            found.push(Torn {
                part: first.part.start..tokens[end - 1].part.end,
                variant,
                meant,
            });
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// A mask whose set bits do not all stand in front: rsync compares those that are set, wherever they are.
fn odd_mask(span: Span, address: IpAddr, mask: IpAddr) -> Option<Case> {
    let (IpAddr::V4(address), IpAddr::V4(mask)) = (address, mask) else {
        return None;
    };
    let bits = mask.to_bits();
    if bits.leading_ones() + bits.trailing_zeros() >= 32 {
        return None;
    }
    let case = Case::at(span);
    if bits.leading_zeros() + bits.trailing_ones() < 32 {
        return Some(case.variant("gaps"));
    }
    let network = Ipv4Net::new(address, bits.leading_zeros() as u8)
        .ok()?
        .trunc()
        .to_string();
    let meant = Edit::replace(span, network.clone());
    Some(
        case.variant("inverted")
            .with("network", network)
            // Other hosts get in than before: somebody should look at it.
            .fix(Safety::Unsafe, [meant]),
    )
}

/// RSY305: only the bits in front of the mask count (`match_address` in access.c), so the word is a network.
fn host_bits_set(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(LISTS) {
        for (token, word) in words(setting) {
            let Word::Address(AddressPattern::Network {
                address,
                bits,
                host_bits: true,
            }) = word
            else {
                continue;
            };
            let Ok(network) = IpNet::new(address, bits) else {
                continue;
            };
            let network = network.trunc().to_string();
            let span = setting.part(token.part.clone());
            out.report(
                Case::at(span)
                    .harms((setting.parameter == Parameter::HostsDeny).then_some(Harm::Hosts))
                    .with("word", token.display())
                    .with("parameter", setting.parameter.name())
                    .with("network", network.clone())
                    .with("address", address.to_string())
                    .fix(Safety::Safe, [Edit::replace(span, network)]),
            );
        }
    }
}

/// RSY306: the C library reads a leading zero as octal, and fewer than four numbers as an address too.
fn octal_address(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(LISTS) {
        let harm = LazyCell::new(|| harm::of_word(subject, setting));
        for (token, word) in words(setting) {
            let Word::Address(
                AddressPattern::Network {
                    address: IpAddr::V4(address),
                    ..
                }
                | AddressPattern::Masked {
                    address: IpAddr::V4(address),
                    ..
                },
            ) = word
            else {
                continue;
            };
            let written = token.bytes.split(|&byte| byte == b'/').next().unwrap_or_default();
            if decimal(written) == Some(address) {
                continue;
            }
            let parts = written.split(|&byte| byte == b'.').count();
            out.report(
                Case::at(setting.part(token.part.clone()))
                    .harms(harm.filter(|_| setting.parameter == Parameter::HostsAllow))
                    .variant(if parts == 4 { "octal" } else { "short" })
                    .with("word", String::from_utf8_lossy(written))
                    .with("address", address.to_string()),
            );
        }
    }
}

/// The address that people read: four decimal numbers.
fn decimal(written: &[u8]) -> Option<Ipv4Addr> {
    let text = std::str::from_utf8(written).ok()?;
    let parts: Vec<u8> = text
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    Some(Ipv4Addr::from(<[u8; 4]>::try_from(parts).ok()?))
}
