//! Whether anybody hands on a port of this machine to a daemon with a network of its own.

use std::net::{IpAddr, Ipv4Addr};

use crate::{
    catalog::Confidence,
    doctor::{Cause, Check, Report, Setup, Stage, Subject, reach::rules::Rules},
    host::{addresses_of, listening_on, routes},
};

/// What bridges of a machine are called by which containers and virtual machines reach it, and nobody else.
const BRIDGES: [&str; 6] = ["docker", "br-", "cni", "podman", "lxcbr", "virbr"];

pub(super) fn look(
    subject: &Subject,
    setup: &Setup<'_>,
    process: u32,
    stage: &mut Stage,
    report: &mut Report,
) {
    let Some(port) = subject.port.filter(|port| listening_on(*port).is_empty()) else {
        return;
    };
    let rules = Rules::of(setup.host);
    // Whether a rule does it cannot be told without the rules.
    if rules.are_unknown() || rules.hand_on(port) {
        return;
    }
    let Ok(addresses) = addresses_of(setup.host, process) else {
        return;
    };
    let routes = routes(setup.host).unwrap_or_default();
    let is_behind_bridge = |address: &Ipv4Addr| {
        let address = IpAddr::V4(*address);
        let mut local = routes
            .iter()
            .filter(|route| route.network.prefix_len() > 0 && route.network.contains(&address));
        local.any(|route| BRIDGES.iter().any(|begin| route.interface.starts_with(begin)))
    };
    // Clients may come to an address of its own.
    if !addresses.iter().all(is_behind_bridge) {
        return;
    }
    let arguments = vec![("process", process.to_string()), ("port", port.to_string())];
    let shown: Vec<_> = addresses.iter().map(Ipv4Addr::to_string).collect();
    let fact = match shown.is_empty() {
        true => format!("process {process} has no address but that of loopback"),
        false => format!(
            "process {process} has the address {} behind a bridge of this machine",
            shown.join(", ")
        ),
    };
    let mut cause = Cause::of_rule("RSY238", Check::Reach, &subject.file, arguments, vec![fact]);
    if addresses.is_empty() {
        // Nobody can come there at all.
        cause.confidence = Confidence::Certain;
    }
    stage.fail();
    report.causes.push(cause);
}
