//! Where the daemon listens.

use std::net::IpAddr;

use crate::{
    host::has_address,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Effect, Parameter, Scope, Value, has_variable},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY614", unusable_address),
    Check::configuration("RSY616", unknown_socket_option),
];

/// The names of `socket_options` in socket.c, on Linux.
const SOCKET_OPTIONS: [&str; 12] = [
    "IPTOS_LOWDELAY",
    "IPTOS_THROUGHPUT",
    "SO_BROADCAST",
    "SO_KEEPALIVE",
    "SO_RCVBUF",
    "SO_RCVLOWAT",
    "SO_RCVTIMEO",
    "SO_REUSEADDR",
    "SO_SNDBUF",
    "SO_SNDLOWAT",
    "SO_SNDTIMEO",
    "TCP_NODELAY",
];

/// Ports below this one are for root.
const FIRST_OPEN_PORT: i32 = 1024;

/// RSY614: an address that is none, and a port that is another one than it looks.
fn unusable_address(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let address = subject.configuration.text(Scope::Global, Parameter::Address);
    if let Some(setting) = address.origin.setting() {
        let case = || Case::at(setting.value_span()).with("value", setting.text.display());
        if let Some(variant) = address_mistake(address.value) {
            out.report(case().variant(variant));
        } else if let Ok(address) = String::from_utf8_lossy(address.value).parse::<IpAddr>()
            && out.fact(address.to_string(), has_address(subject.host, address)) == Some(Some(false))
        {
            out.report(case().variant("elsewhere"));
        }
    }
    let port = subject.configuration.integer(Scope::Global, Parameter::Port);
    let Some(setting) = port.origin.setting() else {
        return;
    };
    let Effect::Set(Value::Integer(number)) = setting.effect else {
        return;
    };
    let case = Case::at(setting.value_span()).with("value", setting.text.display());
    if number > i32::from(u16::MAX) {
        let real = (number as u32 % 0x1_0000).to_string();
        out.report(case.variant("port-large").with("real", real));
    } else if number < 0 {
        out.report(case.variant("port-negative"));
    } else if number > 0 && number < FIRST_OPEN_PORT && subject.circumstances.daemon_uid != 0 {
        out.report(case.variant("port-of-root"));
    }
}

/// What is wrong with a value of `address`; a name that may well resolve is not.
fn address_mistake(value: &[u8]) -> Option<&'static str> {
    if value.is_empty() || has_variable(value) || value == b"*" {
        return None;
    }
    if value.iter().any(|byte| b" ,\t;".contains(byte)) {
        return Some("several");
    }
    let text = String::from_utf8_lossy(value);
    if text.parse::<IpAddr>().is_ok() {
        return None;
    }
    if text.starts_with('[') && text.ends_with(']') {
        return Some("brackets");
    }
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => {
            return Some("with-port");
        }
        _ => {}
    }
    let looks_like_address =
        text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.matches('.').count() == 3;
    looks_like_address.then_some("malformed")
}

/// RSY616: a word that rsync does not know is logged and has no effect.
fn unknown_socket_option(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let options = subject
        .configuration
        .text(Scope::Global, Parameter::SocketOptions);
    let Some(setting) = options.origin.setting().filter(|_| !has_variable(options.value)) else {
        return;
    };
    for token in setting.text.tokens(|byte| matches!(byte, b' ' | b'\t' | b',')) {
        let length = token.bytes.iter().position(|&byte| byte == b'=');
        let name = &token.bytes[..length.unwrap_or(token.bytes.len())];
        if SOCKET_OPTIONS.iter().any(|option| option.as_bytes() == name) {
            continue;
        }
        let span = setting.part(token.part.start..token.part.start + name.len());
        let case = Case::at(span).with("option", String::from_utf8_lossy(name));
        let known = SOCKET_OPTIONS
            .iter()
            .find(|option| option.as_bytes().eq_ignore_ascii_case(name));
        out.report(match known {
            Some(known) => case.variant("case").with("known", *known),
            None => case.variant("unknown"),
        });
    }
}
