//! Proxies in front of the daemon.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, Scope},
    terms::Release,
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY335", proxy_without_hosts)];

/// RSY335: whose word the daemon takes for a client's address (`proxy_peer_allowed` in clientserver.c).
fn proxy_without_hosts(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let proxy = subject
        .configuration
        .boolean(Scope::Global, Parameter::ProxyProtocol);
    let hosts = subject
        .configuration
        .text(Scope::Global, Parameter::ProxyProtocolHosts);
    if let Some(setting) = proxy.origin.setting()
        && proxy.value == Some(true)
        && hosts.value.is_empty()
        && subject.configuration.is_settled(Scope::Global)
    {
        let variant = if subject.circumstances.release >= Release::new(3, 5, 0) {
            "rejected"
        } else {
            "forged"
        };
        out.report(Case::at(setting.span()).variant(variant));
    }
}
