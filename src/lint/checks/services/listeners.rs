//! Who listens on the port: exactly one.

use crate::{
    lint::{
        checks::{
            Check,
            services::network::{listening, names, stream_port},
        },
        report::{Case, Reporter},
        services::{Manager, Server, ServiceUnit, ServicesSubject},
    },
    model::{Parameter, Scope},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY725", two_listeners),
    Check::services("RSY726", socket_not_accepting),
];

/// A thing that listens on a port.
struct Listener<'a> {
    port: String,
    /// The one address on which it listens, as it is written; none if it listens on all.
    address: Option<String>,
    span: Span,
    name: String,
    unit: Option<&'a ServiceUnit<'a>>,
    root: &'a std::path::Path,
}

/// RSY725: the second one fails, and the first one answers with its own idea of the configuration.
fn two_listeners(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    let listeners = listeners(subject);
    for (index, second) in listeners.iter().enumerate() {
        let first = listeners[..index]
            .iter()
            .find(|first| first.root == second.root && meet(first, second) && !exclude(first, second));
        if let Some(first) = first {
            out.report(
                Case::at(second.span)
                    .also(first.span, "first")
                    .with("port", &*second.port)
                    .with("first", &*first.name)
                    .with("second", &*second.name),
            );
        }
    }
}

fn listeners<'a>(subject: &ServicesSubject<'a>) -> Vec<Listener<'a>> {
    let mut found = Vec::new();
    for server in subject.servers() {
        let name = match server.manager {
            // A package's unit is there whether anybody switches it on or not.
            Manager::Unit(unit) if unit.is_vendors() || unit.unit.is_template() || !unit.has_fragment => {
                continue;
            }
            Manager::Unit(unit) => unit.unit.name.clone(),
            Manager::Xinetd(service) if service.is_disabled() || !service.is_readable() => continue,
            Manager::Xinetd(_) => "xinetd".to_owned(),
            Manager::Inetd(_) => "inetd".to_owned(),
        };
        let port = listening(&server, subject).unwrap_or_else(|| "873".to_owned());
        found.push(Listener {
            port,
            address: bound(&server),
            span: server.program(),
            name,
            unit: server.unit(),
            root: server.root(),
        });
    }
    for unit in &subject.services.units {
        if unit.unit.is_socket() && unit.has_fragment && !unit.is_vendors() {
            let streams = unit.unit.list("Socket", "ListenStream");
            if let (Some(stream), Some(port)) = (streams.first(), stream_port(unit)) {
                found.push(Listener {
                    port,
                    address: stream
                        .display()
                        .rsplit_once(':')
                        .and_then(|(host, _)| one_address(host)),
                    span: stream.span(),
                    name: unit.unit.name.clone(),
                    unit: Some(unit),
                    root: unit.root(),
                });
            }
        }
    }
    found
}

/// The address on which a server's connections arrive.
fn bound(server: &Server<'_>) -> Option<String> {
    let word = match server.manager {
        Manager::Xinetd(service) => service.value("bind").or_else(|| service.value("interface")),
        Manager::Unit(_) => server.options.address.clone(),
        Manager::Inetd(_) => None,
    };
    match word {
        Some(word) => one_address(&String::from_utf8_lossy(&word.bytes)),
        None if server.unit().is_some() => {
            let address = server.configuration?.text(Scope::Global, Parameter::Address);
            one_address(&String::from_utf8_lossy(address.value))
        }
        None => None,
    }
}

fn one_address(text: &str) -> Option<String> {
    let address = text.trim_start_matches('[').trim_end_matches(']');
    (!matches!(address, "" | "0.0.0.0" | "::" | "*")).then(|| address.to_lowercase())
}

/// Whether the kernel refuses the second of two: who listens on all addresses leaves no other one free.
fn meet(one: &Listener<'_>, other: &Listener<'_>) -> bool {
    let differ = one.address.is_some() && other.address.is_some() && one.address != other.address;
    one.port == other.port && !differ
}

/// Whether systemd never runs both.
fn exclude(one: &Listener<'_>, other: &Listener<'_>) -> bool {
    let (Some(one), Some(other)) = (one.unit, other.unit) else {
        return false;
    };
    let names_other = |unit: &ServiceUnit<'_>, other: &ServiceUnit<'_>| {
        let lines = unit.unit.list("Unit", "Conflicts").into_iter();
        lines.flat_map(names).any(|name| name == other.unit.name)
    };
    names_other(one, other) || names_other(other, one)
}

/// RSY726: rsync takes a connection, not a socket that listens.
fn socket_not_accepting(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for unit in subject.services.units.iter().filter(|unit| unit.has_fragment) {
        if unit.unit.is_socket() && unit.unit.switched_on("Socket", "Accept").is_none() {
            let accept = unit.unit.last("Socket", "Accept");
            let streams = unit.unit.list("Socket", "ListenStream");
            if let Some(setting) = accept.or_else(|| streams.first().copied()) {
                out.report(Case::at(setting.span()).variant("socket"));
            }
        }
    }
    for server in subject.servers() {
        let Some(unit) = server
            .unit()
            .filter(|unit| unit.unit.is_template() && unit.has_fragment)
        else {
            continue;
        };
        let input = unit.unit.last("Service", "StandardInput");
        if input.is_none_or(|input| input.value.bytes() != b"socket") {
            out.report(
                Case::at(server.program())
                    .variant("input")
                    .with("unit", &*unit.unit.name),
            );
        }
    }
}
