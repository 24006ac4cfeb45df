//! `auth`, `ssh`, `userDefinedPort` and `timeout`: how rsync reaches the target.

use crate::{
    lint::{
        checks::{
            Check,
            sersync::params::{Seen, options},
        },
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::Setting,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY925", auth_with_ssh),
    Check::sersync("RSY926", port_with_ssh),
    Check::sersync("RSY927", users_without_auth),
    Check::sersync("RSY930", no_timeout),
    Check::sersync("RSY935", port_not_a_number),
];

/// RSY925: rsync takes a password file for a daemon only.
fn auth_with_ssh(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let auth = subject.configuration.active_auth();
    let file = auth.and_then(|auth| auth.passwordfile.as_ref());
    if let (Some(ssh), Some(file)) = (subject.configuration.active_ssh(), file) {
        out.report(Case::at(subject.value(ssh)).also(subject.value(file), "file"));
    }
}

/// RSY926: `--port` is for a daemon; ssh has its own.
fn port_with_ssh(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let port = subject.configuration.active_port();
    let port = port.and_then(|port| port.value.as_ref());
    if let (Some(ssh), Some(port)) = (subject.configuration.active_ssh(), port) {
        out.report(
            Case::at(subject.value(port))
                .also(subject.value(ssh), "ssh")
                .with("port", port.value.display()),
        );
    }
}

/// RSY927: a user and a password file that nobody asks for. What the shipped file has there is no sign of an intent.
fn users_without_auth(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(auth) = subject.configuration.auth() else {
        return;
    };
    let (Some(start), Some(users)) = (&auth.start, &auth.users) else {
        return;
    };
    let file = auth.passwordfile.as_ref().map(|file| file.value.bytes());
    let is_shipped = users.value.bytes() == b"root"
        && file.is_none_or(|file| file == b"/etc/rsync.pas" || file.is_empty());
    if !start.is_meant_on() && !users.value.is_empty() && !is_shipped {
        out.report(
            Case::at(subject.value(start))
                .also(subject.value(users), "users")
                .with("user", users.value.display()),
        );
    }
}

/// RSY930: a target that does not answer any more holds its workers for ever.
fn no_timeout(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(timeout) = subject.configuration.timeout() else {
        return;
    };
    let in_params = subject.configuration.params().is_some_and(|params| {
        options(params)
            .iter()
            .any(|option: &Seen<'_>| option.is_long("timeout"))
    });
    let Some(start) = timeout.start.as_ref().filter(|_| !in_params) else {
        return;
    };
    let is_zero = |time: &&Setting| number(time) == Some(0);
    if !start.is_meant_on() {
        out.report(Case::at(subject.value(start)));
    } else if let Some(time) = timeout.value.as_ref().filter(is_zero) {
        out.report(Case::at(subject.value(time)).variant("zero"));
    }
}

/// RSY935: sersync copies the text onto rsync's command line as it is.
fn port_not_a_number(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let port = subject.configuration.active_port();
    if let Some(port) = port.and_then(|port| port.value.as_ref()) {
        let case = || Case::at(subject.value(port)).with("value", port.value.display());
        match number(port) {
            None => out.report(case().variant("port")),
            Some(1..=65535) => {}
            Some(_) => out.report(case().variant("range")),
        }
    }
    let timeout = subject.configuration.timeout();
    let timeout = timeout.filter(|timeout| timeout.start.as_ref().is_some_and(Setting::is_on));
    if let Some(time) = timeout.and_then(|timeout| timeout.value.as_ref())
        && number(time).is_none()
    {
        let case = Case::at(subject.value(time)).variant("timeout");
        out.report(case.with("value", time.value.display()));
    }
}

/// The number that is the whole value, as rsync's own options want it.
fn number(setting: &Setting) -> Option<i64> {
    std::str::from_utf8(setting.value.bytes()).ok()?.parse().ok()
}
