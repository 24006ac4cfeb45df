//! Whom xinetd lets through, against whom the daemon lets in.

use std::net::Ipv4Addr;

use ipnet::{IpNet, Ipv4Net};

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{Manager, ServicesSubject},
    },
    model::{
        Parameter,
        access::{Admission, Reach, Region},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[Check::services("RSY753", keeps_out_whom_daemon_admits)];

/// RSY753: who passes xinetd is refused by the daemon, and the others never reach it.
fn keeps_out_whom_daemon_admits(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Manager::Xinetd(service), Some(configuration)) = (server.manager, server.configuration) else {
            continue;
        };
        let mut lines = service.entry.attributes.iter().filter(|attribute| {
            let name = subject
                .sources
                .text(Span::new(server.source, attribute.name.clone()));
            name == "only_from"
        });
        let (Some(line), None) = (lines.next(), lines.next()) else {
            continue;
        };
        let words = line
            .values
            .iter()
            .map(|word| Span::new(server.source, word.clone()));
        let passed: Option<Vec<Region>> = words.map(|word| network(&subject.sources.text(word))).collect();
        let Some(passed) = passed.filter(|passed| !passed.is_empty()) else {
            continue;
        };
        let mut reach = Reach::new(configuration);
        for (scope, module) in configuration.module_scopes() {
            let list = configuration.text(scope, Parameter::HostsAllow);
            let Some(setting) = list.origin.setting().filter(|_| !list.value.is_empty()) else {
                continue;
            };
            let admits = |(region, admission): (Region, Admission)| {
                let overlaps = |other: &Region| {
                    let same = region.first.is_ipv4() == other.first.is_ipv4();
                    same && region.first <= other.last && other.first <= region.last
                };
                admission != Admission::Refused && passed.iter().any(overlaps)
            };
            let world = reach.of(scope).world;
            if !world
                .into_iter()
                .map(|(region, one)| (region, one.admission()))
                .any(admits)
            {
                out.report(
                    Case::at(Span::new(server.source, line.range()))
                        .also(setting.value_span(), "allow")
                        .with("module", module.name.display())
                        .with("hosts", setting.text.display()),
                );
            }
        }
    }
}

/// What a word of numbers means: `192.0.2.0/24`, or an address whose last numbers may be anything where they are 0 or
/// left out (`numeric_addr` in addr.c; seen with xinetd 2.3.15.3).
fn network(word: &str) -> Option<Region> {
    if let Ok(network) = word.parse::<Ipv4Net>() {
        return Some(IpNet::V4(network).into());
    }
    let parts: Vec<u8> = word
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let mut bytes = [0; 4];
    bytes.get_mut(..parts.len())?.copy_from_slice(&parts);
    let fixed = bytes
        .iter()
        .rposition(|&byte| byte != 0)
        .map_or(0, |last| last + 1);
    let network = Ipv4Net::new(Ipv4Addr::from(bytes), 8 * fixed as u8).ok()?;
    Some(IpNet::V4(network).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_left_out_may_be_anything() {
        for (word, first, last) in [
            ("127.0.0.0", "127.0.0.0", "127.255.255.255"),
            ("127.0.0", "127.0.0.0", "127.255.255.255"),
            ("192.0.2.0", "192.0.2.0", "192.0.2.255"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.7"),
            ("126.0.0.0/7", "126.0.0.0", "127.255.255.255"),
            ("0.0.0.0", "0.0.0.0", "255.255.255.255"),
        ] {
            let region = network(word).expect("a network");
            assert_eq!(
                (region.first.to_string(), region.last.to_string()),
                (first.to_owned(), last.to_owned())
            );
        }
        for word in ["localhost", "192.0.2.{1,2}", "::1", "1.2.3.4.5", ""] {
            assert_eq!(network(word), None, "{word}");
        }
    }
}
