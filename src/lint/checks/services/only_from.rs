//! Whom xinetd lets through, against whom the daemon lets in.

use ipnet::IpNet;

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{Manager, ServicesSubject},
    },
    model::{
        Parameter,
        access::{Admission, Reach, Region},
        service::client_network,
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
        let passed: Option<Vec<Region>> = words
            .map(|word| client_network(&subject.sources.text(word)).map(|network| IpNet::V4(network).into()))
            .collect();
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
