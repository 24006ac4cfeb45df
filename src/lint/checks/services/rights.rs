//! Whose rights the daemon has.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        services::{Manager, Server, ServicesSubject},
    },
    model::{Parameter, Scope, service::words},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::services("RSY718", service_without_root),
    Check::services("RSY719", capability_missing),
    Check::services("RSY721", privileges_denied_to_hook),
];

const HOOKS: [Parameter; 3] = [
    Parameter::EarlyExec,
    Parameter::PreXferExec,
    Parameter::PostXferExec,
];
/// Below it only root binds ports.
const FIRST_FREE_PORT: u16 = 1024;

/// RSY718: what a daemon needs root for.
fn service_without_root(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let Some((user, span)) = user(&server, subject) else {
            continue;
        };
        let case = || Case::at(span).with("user", user.clone());
        let listens = !server.gets_connection();
        if listens && !may_bind(&server) && port(&server).is_none_or(|port| port < FIRST_FREE_PORT) {
            out.report(case().variant("port"));
        }
        let Some(configuration) = server.configuration(subject) else {
            continue;
        };
        for module in configuration.modules() {
            let chroot = module.boolean(Parameter::UseChroot);
            if chroot.value == Some(true) {
                let place = module.place(chroot.origin);
                out.report(
                    case()
                        .variant("chroot")
                        .also(place, "module")
                        .with("module", module.name()),
                );
                continue;
            }
            let uid = module.text(Parameter::Uid);
            if let Some(setting) = uid.origin.setting().filter(|_| uid.value != user.as_bytes()) {
                out.report(
                    case()
                        .variant("identity")
                        .also(setting.span(), "module")
                        .with("module", module.name())
                        .with(
                            "call",
                            if module.has(Parameter::Gid) {
                                "setgid"
                            } else {
                                "setuid"
                            },
                        )
                        .with("uid", String::from_utf8_lossy(uid.value)),
                );
            }
        }
    }
}

/// The user that is not root, and where it is named.
fn user(server: &Server<'_>, subject: &ServicesSubject<'_>) -> Option<(String, Span)> {
    let (name, span) = match server.manager {
        Manager::Unit(unit) => {
            let dynamic = unit.unit.switched_on("Service", "DynamicUser");
            let named = unit.unit.last("Service", "User");
            let setting = named.or(dynamic)?;
            let name = if named.is_some() {
                setting.display()
            } else {
                "a dynamic user".to_owned()
            };
            (name, setting.span())
        }
        Manager::Xinetd(service) => {
            let word = service.value("user")?;
            (
                String::from_utf8_lossy(&word.bytes).into_owned(),
                server.span(&word),
            )
        }
        Manager::Inetd(line) => {
            let span = Span::new(server.source, line.words.get(4)?.clone());
            let text = subject.sources.text(span);
            let name = text.split([':', '.', '/']).next().unwrap_or_default().to_owned();
            (name, span)
        }
    };
    (!matches!(&*name, "root" | "0")).then_some((name, span))
}

fn may_bind(server: &Server<'_>) -> bool {
    let unit = server.unit();
    let lines = unit
        .into_iter()
        .flat_map(|unit| unit.unit.list("Service", "AmbientCapabilities"));
    let mut words = lines.flat_map(|setting| words(&setting.value));
    words.any(|word| word.bytes.eq_ignore_ascii_case(b"CAP_NET_BIND_SERVICE"))
}

/// The port that it binds; `None` if that is no number.
fn port(server: &Server<'_>) -> Option<u16> {
    if let Some(word) = &server.options.port {
        return std::str::from_utf8(&word.bytes).ok()?.parse().ok();
    }
    let configuration = server.configuration?;
    let port = configuration.integer(Scope::Global, Parameter::Port).value;
    if port == 0 {
        Some(873)
    } else {
        u16::try_from(port).ok()
    }
}

/// RSY719: root without the capability is like any other user there.
fn capability_missing(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        let lines = unit.unit.list("Service", "CapabilityBoundingSet");
        if lines.is_empty() || user(&server, subject).is_some() {
            continue;
        }
        let has = |name: &str| {
            let named = |setting: &&&crate::model::service::Setting| {
                let text = setting.display();
                text.trim_start_matches('~')
                    .split_whitespace()
                    .any(|word| word.eq_ignore_ascii_case(name))
            };
            let is_denial =
                |setting: &&&crate::model::service::Setting| setting.value.bytes().starts_with(b"~");
            let denied = lines.iter().filter(is_denial).find(named).is_some();
            let mut grants = lines.iter().filter(|setting| !is_denial(setting)).peekable();
            !denied && (grants.peek().is_none() || grants.any(|setting| named(&setting)))
        };
        for module in configuration.modules() {
            let keeps_root = module.serves_as_root(&configuration);
            let needed = [
                ("chroot", "CAP_SYS_CHROOT", module.tries_chroot(&configuration)),
                ("setuid", "CAP_SETUID", !keeps_root),
                ("setgid", "CAP_SETGID", !keeps_root),
            ];
            let missing = needed
                .iter()
                .find(|(_, capability, is_needed)| *is_needed && !has(capability));
            if let Some((call, capability, _)) = missing {
                out.report(
                    Case::at(lines[0].span())
                        .also(module.header(), "module")
                        .with("module", module.name())
                        .with("capability", *capability)
                        .with("call", *call),
                );
            }
        }
    }
}

/// RSY721: `NoNewPrivileges` takes sudo its power.
fn privileges_denied_to_hook(subject: &ServicesSubject<'_>, out: &mut Reporter<'_>) {
    for server in subject.servers() {
        let (Some(unit), Some(configuration)) = (server.unit(), server.configuration(subject)) else {
            continue;
        };
        let Some(denial) = unit.unit.switched_on("Service", "NoNewPrivileges") else {
            continue;
        };
        for hook in configuration.settings(&HOOKS) {
            let mut tokens = hook.text.tokens(|byte| byte.is_ascii_whitespace());
            let sudo =
                tokens.find(|token| matches!(token.bytes, b"sudo" | b"/usr/bin/sudo" | b"su" | b"/bin/su"));
            if let Some(token) = sudo {
                out.report(
                    Case::at(Span::new(hook.source, token.range.clone()))
                        .also(denial.span(), "denial")
                        .with("program", token.display())
                        .with("parameter", hook.parameter.name()),
                );
            }
        }
    }
}
