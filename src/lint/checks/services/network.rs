//! Ports, addresses and how many connections there may be.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{Manager, Server, ServiceUnit, ServicesSubject},
    },
    model::{
        Parameter, Scope,
        service::{Setting, words},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY720", network_denied),
    Check::services("RSY722", address_before_network),
    Check::services("RSY724", port_without_effect),
    Check::services("RSY727", fewer_connections_than_daemon),
];

/// How many connections a socket takes if it does not say.
const DEFAULT_CONNECTIONS: i32 = 64;
/// A client that pushes each event makes more new connections a second.
const BUSY_RATE: i32 = 50;

/// RSY720: the unit keeps the network from the daemon.
fn network_denied(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let Some(unit) = server.unit().filter(|_| !server.gets_connection()) else {
            continue;
        };
        let says =
            |setting: &&Setting, word: &str| setting.display().split_whitespace().any(|one| one == word);
        let denials = unit.unit.list("Service", "IPAddressDeny");
        let is_any = |setting: &&Setting| says(setting, "any") || says(setting, "0.0.0.0/0");
        if let Some(denial) = denials.into_iter().find(is_any)
            && unit.unit.list("Service", "IPAddressAllow").is_empty()
        {
            out.report(Case::at(denial.span()).variant("address"));
        }
        if let Some(setting) = unit.unit.switched_on("Service", "PrivateNetwork") {
            out.report(Case::at(setting.span()).variant("private"));
        }
        let families = unit.unit.list("Service", "RestrictAddressFamilies");
        let has_internet = families
            .iter()
            .any(|setting| says(setting, "AF_INET") || says(setting, "AF_INET6"));
        let denies = families
            .iter()
            .any(|setting| setting.value.bytes().starts_with(b"~"));
        if let Some(setting) = families.first().filter(|_| has_internet == denies) {
            out.report(
                Case::at(setting.span())
                    .variant("family")
                    .with("value", setting.display()),
            );
        }
    }
}

/// RSY722: at boot the address is not there yet.
fn address_before_network(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let Some(unit) = server
            .unit()
            .filter(|unit| unit.has_fragment && !server.gets_connection())
        else {
            continue;
        };
        let waits = unit
            .unit
            .list("Unit", "After")
            .iter()
            .any(|setting| setting.display().contains("network-online.target"));
        let Some((address, span)) = address(&server).filter(|_| !waits) else {
            continue;
        };
        let is_certain_to_be_there = address.is_unspecified() || address.is_loopback();
        if is_certain_to_be_there {
            continue;
        }
        let case = Case::at(span)
            .with("address", address.to_string())
            .with("unit", &*unit.unit.name);
        let after = unit.unit.list("Unit", "After");
        out.report(match after.last() {
            Some(after) => case.also(after.span(), "after"),
            None => case,
        });
    }
}

/// The address that it binds.
fn address(server: &Server<'_>) -> Option<(std::net::IpAddr, Span)> {
    let parse = |bytes: &[u8]| std::str::from_utf8(bytes).ok()?.parse().ok();
    if let Some(word) = &server.options.address {
        return Some((parse(&word.bytes)?, server.span(word)));
    }
    let setting = server.configuration?.text(Scope::Global, Parameter::Address);
    Some((parse(setting.value)?, setting.origin.setting()?.span()))
}

/// RSY724: who hands connections over decides on the port.
fn port_without_effect(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers().iter().filter(|server| server.gets_connection()) {
        let Some(configuration) = server.configuration else {
            continue;
        };
        let real = listening(server, subject);
        let port = configuration.integer(Scope::Global, Parameter::Port);
        if let (Some(setting), Some(real)) = (port.origin.setting(), &real)
            && port.value.to_string() != *real
        {
            out.report(
                Case::at(setting.span())
                    .also(server.program(), "server")
                    .with("port", port.value.to_string())
                    .with("real", real.clone()),
            );
        }
    }
}

/// The port on which a server's connections arrive, as it is written.
pub(super) fn listening(server: &Server<'_>, subject: &ServicesSubject<'_>) -> Option<String> {
    match server.manager {
        Manager::Inetd(line) => {
            let name = subject
                .sources
                .text(Span::new(server.source, line.words.first()?.clone()));
            let port = name.rsplit(':').next().unwrap_or_default().to_owned();
            Some(if port == "rsync" { "873".to_owned() } else { port })
        }
        Manager::Xinetd(service) => Some(match service.value("port") {
            Some(port) => String::from_utf8_lossy(&port.bytes).into_owned(),
            None => "873".to_owned(),
        }),
        Manager::Unit(unit) if unit.unit.is_template() => stream_port(socket(unit, subject)?),
        Manager::Unit(_) => {
            if let Some(port) = &server.options.port {
                return Some(String::from_utf8_lossy(&port.bytes).into_owned());
            }
            let port = server
                .configuration?
                .integer(Scope::Global, Parameter::Port)
                .value;
            Some(if port == 0 {
                "873".to_owned()
            } else {
                port.to_string()
            })
        }
    }
}

/// The port of a socket's `ListenStream=`.
pub(super) fn stream_port(socket: &ServiceUnit<'_>) -> Option<String> {
    let streams = socket.unit.list("Socket", "ListenStream");
    let text = streams.first()?.display();
    let port = text.rsplit(':').next().unwrap_or_default().to_owned();
    port.bytes().all(|byte| byte.is_ascii_digit()).then_some(port)
}

/// The socket of a template.
fn socket<'a>(unit: &ServiceUnit<'_>, subject: &ServicesSubject<'a>) -> Option<&'a ServiceUnit<'a>> {
    let name = unit.unit.name.replace("@.service", ".socket");
    subject
        .services
        .units
        .iter()
        .find(|other| other.unit.name == name && other.is_beside(unit))
}

/// RSY727: whoever hands connections over turns clients away before the daemon can.
fn fewer_connections_than_daemon(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        match server.manager {
            Manager::Unit(unit) if unit.unit.is_template() => {
                let Some(socket) = socket(unit, subject).filter(|socket| socket.has_fragment) else {
                    continue;
                };
                let limit = socket.unit.last("Socket", "MaxConnections");
                let most = limit.map_or(Some(DEFAULT_CONNECTIONS), |limit| limit.display().parse().ok());
                let span = limit.map(Setting::span).or_else(|| {
                    let streams = socket.unit.list("Socket", "ListenStream");
                    streams.first().map(|stream| stream.span())
                });
                if let (Some(most), Some(span)) = (most, span) {
                    report_fewer(&server, subject, span, most, "MaxConnections", out);
                }
            }
            Manager::Xinetd(service) if !service.is_disabled() => {
                // `per_source` is for one client and not for all: it is rightly smaller.
                let word = service.value("instances");
                let most = word
                    .as_ref()
                    .and_then(|word| std::str::from_utf8(&word.bytes).ok()?.parse().ok());
                if let (Some(word), Some(most)) = (word, most) {
                    report_fewer(&server, subject, server.span(&word), most, "instances", out);
                }
                let rate = service.values("cps");
                let number = |at: usize| -> Option<i32> {
                    std::str::from_utf8(&rate.get(at)?.bytes).ok()?.parse().ok()
                };
                if let (Some(most), Some(pause)) = (number(0), number(1))
                    && most <= BUSY_RATE
                {
                    out.report(
                        Case::at(server.span(&rate[0]).join(server.span(&rate[1])))
                            .variant("rate")
                            .with("rate", most.to_string())
                            .with("pause", pause.to_string()),
                    );
                }
            }
            Manager::Unit(_) | Manager::Inetd(_) | Manager::Xinetd(_) => {}
        }
    }
}

fn report_fewer(
    server: &Server<'_>,
    subject: &ServicesSubject<'_>,
    span: Span,
    most: i32,
    name: &'static str,
    out: &mut Reporter<'_>,
) {
    let Some(configuration) = server.configuration(subject) else {
        return;
    };
    let limits = configuration
        .modules()
        .map(|module| module.integer(Parameter::MaxConnections));
    let largest = limits.max_by_key(|limit| limit.value);
    if let Some(largest) = largest.filter(|largest| largest.value > most)
        && let Some(setting) = largest.origin.setting()
    {
        out.report(
            Case::at(span)
                .also(setting.span(), "daemon")
                .with("name", name)
                .with("most", most.to_string())
                .with("wanted", largest.value.to_string()),
        );
    }
}

/// The words of a line of a unit.
pub(super) fn names(setting: &Setting) -> Vec<String> {
    let words = words(&setting.value).into_iter();
    words
        .map(|word| String::from_utf8_lossy(&word.bytes).into_owned())
        .collect()
}
