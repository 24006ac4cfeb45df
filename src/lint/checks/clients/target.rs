//! Which daemon a client asks, for which module, in which direction, at which port.

use std::{collections::BTreeSet, net::IpAddr};

use crate::{
    lint::{
        checks::{Check, sersync::Module},
        clients::{Client, ClientsSubject},
        report::{Case, Reporter},
    },
    model::{
        Configuration, Parameter, Scope,
        access::{Right, UsersVerdict, user_rules},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::clients("RSY971", unknown_module),
    Check::clients("RSY972", direction_refused),
    Check::clients("RSY770", port_differs),
];

/// A client, and the module of that name in every given daemon that has it.
pub(super) struct Asked<'a> {
    pub(super) client: &'a Client,
    /// Where the daemon and the module are named.
    pub(super) span: Span,
    pub(super) host: &'a str,
    pub(super) candidates: Vec<Module<'a>>,
}

/// Every client, with the daemons that it may mean. Whether a host is one of the given daemons' no file says; one that is
/// asked for modules of which no given daemon has any is another one.
pub(super) fn asked<'a>(subject: &ClientsSubject<'a>) -> Vec<Asked<'a>> {
    let asked = subject.clients.iter().filter_map(|client| {
        let (remote, word) = client.peer()?;
        let candidates = subject.daemons.iter().filter_map(|daemon| {
            let module = Module::named(daemon, client.module().as_bytes())?;
            may_be(daemon, &remote.host).then_some(module)
        });
        Some(Asked {
            client,
            span: client.span(&word.range),
            host: &remote.host,
            candidates: candidates.collect(),
        })
    });
    asked.collect()
}

/// Whether a daemon may be meant by a host: not if it listens on another address.
fn may_be(daemon: &Configuration, host: &str) -> bool {
    let address = daemon.text(Scope::Global, Parameter::Address).value;
    let parsed = |text: &str| text.parse::<IpAddr>().ok();
    match (std::str::from_utf8(address).ok().and_then(parsed), parsed(host)) {
        (Some(own), Some(asked)) => own == asked || own.is_unspecified(),
        _ => true,
    }
}

impl<'a> Asked<'a> {
    /// The first candidate, if the condition holds for all of them: which one is meant, nobody knows.
    pub(super) fn in_all(&self, condition: impl Fn(&Module<'a>) -> bool) -> Option<Module<'a>> {
        let first = self.candidates.first().copied();
        first.filter(|_| {
            self.candidates
                .iter()
                .all(|module| module.is_settled() && condition(module))
        })
    }

    /// A case that names the module and the host.
    pub(super) fn case(&self) -> Case {
        Case::at(self.span)
            .with("module", self.client.module())
            .with("host", self.host)
    }
}

/// RSY971: a module that none of the given daemons has. Only of a host that is asked for another one that a daemon has is
/// it told; of others, a name that differs in its letters' case or its joints alone.
fn unknown_module(subject: &ClientsSubject<'_>, out: &mut Reporter<'_>) {
    if subject.daemons.is_empty() {
        return;
    }
    let asked = asked(subject);
    let ours: BTreeSet<&str> = asked
        .iter()
        .filter(|one| !one.candidates.is_empty())
        .map(|one| one.host)
        .collect();
    for one in asked.iter().filter(|one| one.candidates.is_empty()) {
        let name = one.client.module().as_bytes();
        let may_be_known = subject.daemons.iter().any(|daemon| daemon.module(name).is_some());
        if may_be_known {
            continue;
        }
        let is_ours = ours.contains(one.host);
        let like = subject
            .daemons
            .iter()
            .filter(|daemon| may_be(daemon, one.host))
            .find_map(|daemon| {
                let module = &daemon.modules[daemon.module_like(name)?];
                (is_ours || folded(module.name.bytes()).eq(folded(name))).then_some(module)
            });
        match like {
            Some(like) => out.report(
                one.case()
                    .variant("spelling")
                    .also(like.header(), "module")
                    .with("like", like.name.display()),
            ),
            None if is_ours => out.report(one.case().variant("none")),
            None => {}
        }
    }
}

/// A name without what is easily mistaken: case, `-`, `_` and blanks.
fn folded(name: &[u8]) -> impl Iterator<Item = u8> {
    let letters = name
        .iter()
        .filter(|byte| !matches!(byte, b'-' | b'_' | b' ' | b'.'));
    letters.map(u8::to_ascii_lowercase)
}

/// RSY972: a push to what takes nothing in, a pull from what gives nothing out.
fn direction_refused(subject: &ClientsSubject<'_>, out: &mut Reporter<'_>) {
    for one in asked(subject) {
        let Some(is_push) = one.client.is_push() else {
            continue;
        };
        // Removing is a kind of writing.
        let removing = ["remove-source-files", "remove-sent-files"];
        let removes = !is_push
            && removing
                .iter()
                .any(|name| one.client.invocation.option(name).is_some());
        let refused = one.in_all(|module| match is_push {
            true => is_read_only(module, one.client.user()),
            false if removes => is_read_only(module, one.client.user()),
            false => module.daemon.is(module.scope, Parameter::WriteOnly),
        });
        let Some(module) = refused else { continue };
        let parameter = if is_push || removes {
            Parameter::ReadOnly
        } else {
            Parameter::WriteOnly
        };
        let line = module.daemon.origin(module.scope, parameter).setting();
        let place = line.map_or_else(|| module.header(), crate::model::Setting::span);
        let variant = match is_push {
            true => "push",
            false if removes => "remove",
            false => "pull",
        };
        out.report(one.case().variant(variant).also(place, "module"));
    }
}

/// Whether a module takes nothing in from a user; without one, from anybody.
fn is_read_only(module: &Module<'_>, user: Option<&str>) -> bool {
    let is_read_only = module.daemon.is(module.scope, Parameter::ReadOnly);
    let verdict = user.map(|user| module.verdict(user));
    match verdict {
        Some(UsersVerdict::Rule(rule)) => match rule.right {
            Right::ReadOnly => true,
            Right::Module => is_read_only,
            Right::ReadWrite | Right::Deny => false,
        },
        Some(UsersVerdict::Anonymous) => is_read_only,
        // Who is not let in is another rule's business.
        Some(UsersVerdict::Group(_) | UsersVerdict::NoRule) => false,
        None => {
            let users = module
                .daemon
                .text(module.scope, Parameter::AuthUsers)
                .origin
                .setting();
            let rules = users
                .map(|users| user_rules(users, module.daemon.release))
                .unwrap_or_default();
            is_read_only && !rules.iter().any(|rule| rule.right == Right::ReadWrite)
        }
    }
}

/// RSY770: the daemon's configuration names another port than the client.
fn port_differs(subject: &ClientsSubject<'_>, out: &mut Reporter<'_>) {
    for one in asked(subject) {
        let Some((remote, _)) = one.client.peer() else {
            continue;
        };
        // A port of this machine may be the end of a tunnel.
        let is_local =
            remote.host == "localhost" || remote.host.parse::<IpAddr>().is_ok_and(|host| host.is_loopback());
        let option = one
            .client
            .invocation
            .option("port")
            .map(|given| given.value.as_deref());
        let asked = match (remote.port, option) {
            (Some(port), _) => i32::from(port),
            (None, Some(Some(text))) => match text.parse() {
                Ok(port) => port,
                Err(_) => continue,
            },
            (None, Some(None)) => continue,
            (None, None) => 873,
        };
        let own = |module: &Module<'_>| match module.daemon.integer(Scope::Global, Parameter::Port).value {
            0 => 873,
            port => port,
        };
        let other = one
            .in_all(|module| own(module) != asked)
            .filter(|_| !is_local && one.client.call.is_complete());
        let line = other.and_then(|module| {
            module
                .daemon
                .integer(Scope::Global, Parameter::Port)
                .origin
                .setting()
        });
        if let (Some(module), Some(line)) = (other, line) {
            out.report(
                one.case()
                    .also(line.span(), "port")
                    .with("asked", asked.to_string())
                    .with("port", own(&module).to_string()),
            );
        }
    }
}
