//! Addresses and networks in host lists.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;

use super::word::{Word, meant_network, words};
use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, loosens},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter,
        access::{AddressPattern, MaskError},
    },
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
        for (token, word) in words(setting) {
            let variant = match word {
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
                Word::AddressWildcard => "wildcard",
                Word::AddressRange if is_deny => "from-to-deny",
                Word::AddressRange => "from-to",
                _ => continue,
            };
            let span = setting.part(token.part.clone());
            let case = Case::at(span)
                .with("parameter", setting.parameter.name())
                .with("word", token.display());
            out.report(
                match meant_network(token.bytes).filter(|_| variant == "wildcard") {
                    Some(network) => case.variant("network").with("network", network.clone()).fix(
                        loosens::safety(setting.parameter, token.bytes),
                        [Edit::replace(span, network)],
                    ),
                    None => case.variant(variant),
                },
            );
        }
    }
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
