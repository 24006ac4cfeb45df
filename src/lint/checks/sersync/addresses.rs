//! `remote` and `auth`: whether what sersync puts together to `user@ip::name` is a place at all.

use std::{
    collections::HashMap,
    net::{Ipv4Addr, Ipv6Addr},
    ptr,
};

use crate::{
    lint::{
        checks::{Check, sersync::params::options},
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::{Remote, Setting},
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY940", name_not_a_module),
    Check::sersync("RSY941", ip_not_a_host),
    Check::sersync("RSY945", not_one_user),
    Check::sersync("RSY947", same_remote_twice),
];

/// RSY940: what stands behind `::`. With ssh it is a path.
fn name_not_a_module(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    if subject.configuration.active_ssh().is_some() {
        return;
    }
    for name in remotes(subject).filter_map(|remote| remote.name.as_ref()) {
        let text = name.value.display();
        let Some((variant, instead)) = wrong_name(&text) else {
            continue;
        };
        out.report(
            Case::at(subject.value(name))
                .variant(variant)
                .with("name", &*text)
                .with("instead", instead)
                .explains_rules(subject.value(name), &["RSY950"]),
        );
    }
}

/// What is wrong with a module's name, as the page's variants call it, and what may be meant.
fn wrong_name(name: &str) -> Option<(&'static str, &str)> {
    let meant = name.trim().trim_matches([':', '[', ']']);
    let variant = match name {
        _ if name.starts_with('/') => "path",
        _ if name.starts_with(':') => "colons",
        _ if name.starts_with('[') && name.ends_with(']') => "brackets",
        _ if name.trim_end().contains(char::is_whitespace) => "blank",
        _ if name.ends_with(char::is_whitespace) && !meant.is_empty() => "last-blank",
        _ => return None,
    };
    Some((variant, meant))
}

/// RSY941: what stands in front of `::`.
fn ip_not_a_host(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for ip in remotes(subject).filter_map(|remote| remote.ip.as_ref()) {
        let text = ip.value.display();
        let case = Case::at(subject.value(ip)).with("ip", &*text);
        let (user, host) = match text.rsplit_once('@') {
            Some((_, host)) => (true, host),
            None => (false, &*text),
        };
        match wrong_host(host) {
            Some(Wrong::Port(host, port)) => {
                out.report(case.variant("port").with("host", host).with("port", port));
            }
            Some(Wrong::More) => out.report(case),
            Some(Wrong::Told(variant)) => out.report(case.variant(variant)),
            None if user => {
                if let Some(variant) = wrong_user(subject) {
                    let users = subject.configuration.active_auth();
                    let users = users.and_then(|auth| auth.users.as_ref());
                    let case = case.variant(variant);
                    out.report(match users {
                        Some(users) => case.explains_rules(subject.value(users), &["RSY952"]),
                        None => case,
                    });
                }
            }
            None => {}
        }
    }
}

/// What may be wrong with a host.
enum Wrong<'a> {
    /// A host and a port.
    Port(&'a str, &'a str),
    /// An address with a scheme, or with a path or a module behind it.
    More,
    /// What the page has a variant for.
    Told(&'static str),
}

fn wrong_host(host: &str) -> Option<Wrong<'_>> {
    if host.contains("://") {
        return Some(Wrong::More);
    }
    if host
        .trim()
        .contains([',', ';', '，', '、', '；', ' ', '\t', '\n'])
    {
        return Some(Wrong::Told("list"));
    }
    if host.parse::<Ipv6Addr>().is_ok() {
        return Some(Wrong::Told("brackets"));
    }
    if let Some((host, port)) = host.rsplit_once(':')
        && !port.is_empty()
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && (host.ends_with(']') || !host.contains(':'))
    {
        return Some(Wrong::Port(host, port));
    }
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    if host.contains('/') || (host.contains(':') && !is_bracketed) {
        return Some(Wrong::More);
    }
    wrong_address(host).map(Wrong::Told)
}

/// What looks like an address of four numbers and is none. Fewer numbers are one: `127.1`.
fn wrong_address(host: &str) -> Option<&'static str> {
    let parts: Vec<_> = host.split('.').collect();
    let is_number = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_open = |part: &&str| !part.is_empty() && part.bytes().all(|byte| b"xX*?".contains(&byte));
    if parts.len() < 4 {
        return None;
    }
    if parts.iter().all(is_number) {
        let is_address = host.parse::<Ipv4Addr>().is_ok() || has_octal(&parts);
        return (!is_address).then_some("address");
    }
    let is_placeholder = parts.len() == 4 && parts.iter().all(|part| is_number(part) || is_open(part));
    is_placeholder.then_some("placeholder")
}

/// Whether a number begins with a zero, which makes it an octal one to rsync.
fn has_octal(parts: &[&str]) -> bool {
    parts.len() == 4 && parts.iter().any(|part| part.len() > 1 && part.starts_with('0'))
}

/// A user in front of the host is right with ssh, and where the params have the password.
fn wrong_user(subject: &SersyncSubject<'_>) -> Option<&'static str> {
    let configuration = subject.configuration;
    if configuration.active_ssh().is_some() {
        return None;
    }
    if configuration.active_auth().is_some() {
        return Some("user");
    }
    let has_password = configuration.params().is_some_and(|params| {
        options(params)
            .iter()
            .any(|option| option.is_long("password-file"))
    });
    // Where the daemon is known, other rules say what it does with the user.
    (!has_password && subject.daemons.is_empty()).then_some("user-alone")
}

/// RSY945: sersync has one name for all targets. What stands behind a colon may be a password.
fn not_one_user(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let auth = subject.configuration.active_auth();
    let Some(users) = auth.and_then(|auth| auth.users.as_ref()) else {
        return;
    };
    let bytes = users.value.bytes();
    let rules = &["RSY952"];
    if let Some(colon) = bytes.iter().position(|&byte| byte == b':') {
        let behind = subject.span(users.value.range_of(colon..bytes.len()));
        out.report(
            Case::at(behind)
                .variant("password")
                .explains_rules(subject.value(users), rules),
        );
    } else if bytes
        .trim_ascii()
        .iter()
        .any(|&byte| byte.is_ascii_whitespace() || b",;|".contains(&byte))
    {
        out.report(
            Case::at(subject.value(users))
                .variant("list")
                .explains_rules(subject.value(users), rules),
        );
    }
}

/// RSY947: one place, two rsyncs.
fn same_remote_twice(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let mut seen: HashMap<(Vec<u8>, &[u8]), &Remote> = HashMap::new();
    for remote in remotes(subject) {
        let (Some(ip), Some(name)) = (&remote.ip, &remote.name) else {
            continue;
        };
        if ip.value.is_empty() || name.value.is_empty() {
            continue;
        }
        let module = without_slashes(name);
        let first = *seen
            .entry((ip.value.bytes().to_ascii_lowercase(), module))
            .or_insert(remote);
        if !ptr::eq(first, remote) {
            out.report(
                Case::at(subject.span(remote.place.tag.clone()))
                    .also(subject.span(first.place.tag.clone()), "first")
                    .with("ip", ip.value.display())
                    .with("module", String::from_utf8_lossy(module)),
            );
        }
    }
}

fn without_slashes(name: &Setting) -> &[u8] {
    let bytes = name.value.bytes().trim_ascii();
    let length = bytes.iter().rposition(|&byte| byte != b'/');
    &bytes[..length.map_or(0, |last| last + 1)]
}

/// The targets of the tree that is watched.
fn remotes<'a>(subject: &SersyncSubject<'a>) -> impl Iterator<Item = &'a Remote> + use<'a> {
    let path = subject.configuration.localpath();
    path.into_iter().flat_map(|path| &path.remotes)
}
