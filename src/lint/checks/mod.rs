//! The conditions: one function a rule, one file a small family. What a rule says is on its page in `rules/`.

mod auth;
mod clients;
mod crontabs;
mod damage;
mod directives;
mod encoding;
mod exposure;
mod harm;
mod hosts;
mod inert;
mod joined;
mod lists;
mod loosens;
mod names;
mod notes;
mod numbers;
mod operation;
mod password;
mod paths;
mod placement;
mod repeats;
mod scripts;
mod secrets;
mod sersync;
mod services;
mod syntax;
mod upgrade;
mod values;

pub(crate) use paths::{Account, Accounts, merged_files, rules_of_filter, unwritable};

use crate::lint::{
    clients::ClientsSubject,
    crontabs::CrontabSubject,
    report::Reporter,
    scripts::ScriptSubject,
    services::ServicesSubject,
    subject::{ConfigurationSubject, PasswordSubject, SecretsSubject, SersyncSubject, Subject},
};

/// Every condition, family by family.
pub(crate) fn all() -> impl Iterator<Item = &'static Check> {
    let families: &[&[Check]] = &[
        syntax::CHECKS,
        directives::CHECKS,
        encoding::CHECKS,
        names::CHECKS,
        damage::CHECKS,
        joined::CHECKS,
        numbers::CHECKS,
        notes::CHECKS,
        values::CHECKS,
        inert::CHECKS,
        lists::CHECKS,
        placement::CHECKS,
        repeats::CHECKS,
        password::CHECKS,
        upgrade::CHECKS,
    ];
    let directories = [
        hosts::FAMILIES,
        secrets::FAMILIES,
        auth::FAMILIES,
        paths::FAMILIES,
        exposure::FAMILIES,
        operation::FAMILIES,
        sersync::FAMILIES,
        services::FAMILIES,
        crontabs::FAMILIES,
        clients::FAMILIES,
        scripts::FAMILIES,
    ];
    families
        .iter()
        .chain(directories.into_iter().flatten())
        .copied()
        .flatten()
}

/// A rule's condition.
pub(crate) struct Check {
    /// The identifier of its page.
    pub(crate) rule: &'static str,
    /// The condition.
    pub(crate) run: Run,
}

/// What a condition looks at.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    /// A daemon's configuration, once.
    Configuration(fn(&ConfigurationSubject<'_>, &mut Reporter<'_>)),
    /// A secrets file.
    Secrets(fn(&SecretsSubject<'_>, &mut Reporter<'_>)),
    /// A client's password file.
    Password(fn(&PasswordSubject<'_>, &mut Reporter<'_>)),
    /// A sersync configuration.
    Sersync(fn(&SersyncSubject<'_>, &mut Reporter<'_>)),
    /// The files of service managers, all at once.
    Services(fn(&ServicesSubject<'_>, &mut Reporter<'_>)),
    /// The clients that all files start, at once.
    Clients(fn(&ClientsSubject<'_>, &mut Reporter<'_>)),
    /// A table of cron.
    Crontab(fn(&CrontabSubject<'_>, &mut Reporter<'_>)),
    /// A script.
    Script(fn(&ScriptSubject<'_>, &mut Reporter<'_>)),
}

impl Run {
    /// Looks at a subject, if it is of the kind that the condition looks at.
    pub(crate) fn on(self, subject: &Subject<'_>, out: &mut Reporter<'_>) {
        match (self, subject) {
            (Self::Configuration(run), Subject::Configuration(subject)) => run(subject, out),
            (Self::Secrets(run), Subject::Secrets(subject)) => run(subject, out),
            (Self::Password(run), Subject::Password(subject)) => run(subject, out),
            (Self::Sersync(run), Subject::Sersync(subject)) => run(subject, out),
            (Self::Services(run), Subject::Services(subject)) => run(subject, out),
            (Self::Crontab(run), Subject::Crontab(subject)) => run(subject, out),
            (Self::Clients(run), Subject::Clients(subject)) => run(subject, out),
            (Self::Script(run), Subject::Script(subject)) => run(subject, out),
            _ => {}
        }
    }
}

impl Check {
    const fn configuration(
        rule: &'static str,
        check: fn(&ConfigurationSubject<'_>, &mut Reporter<'_>),
    ) -> Self {
        Self {
            rule,
            run: Run::Configuration(check),
        }
    }

    const fn secrets(rule: &'static str, check: fn(&SecretsSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Secrets(check),
        }
    }

    const fn password(rule: &'static str, check: fn(&PasswordSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Password(check),
        }
    }

    const fn sersync(rule: &'static str, check: fn(&SersyncSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Sersync(check),
        }
    }

    const fn clients(rule: &'static str, check: fn(&ClientsSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Clients(check),
        }
    }

    const fn crontab(rule: &'static str, check: fn(&CrontabSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Crontab(check),
        }
    }

    const fn services(rule: &'static str, check: fn(&ServicesSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Services(check),
        }
    }

    const fn script(rule: &'static str, check: fn(&ScriptSubject<'_>, &mut Reporter<'_>)) -> Self {
        Self {
            rule,
            run: Run::Script(check),
        }
    }
}
