//! The conditions: one function a rule, one file a small family. What a rule says is on its page in `rules/`.

mod damage;
mod exposure;
mod hosts;
mod joined;
mod lists;
mod names;
mod notes;
mod password;
mod paths;
mod placement;
mod repeats;
mod secrets;
mod sersync;
mod syntax;
mod values;

use crate::lint::{
    report::Reporter,
    subject::{ConfigurationSubject, PasswordSubject, SecretsSubject, SersyncSubject},
};

/// Every condition, family by family.
pub(crate) fn all() -> impl Iterator<Item = &'static Check> {
    let families: &[&[Check]] = &[
        syntax::CHECKS,
        names::CHECKS,
        damage::CHECKS,
        joined::CHECKS,
        notes::CHECKS,
        values::CHECKS,
        lists::CHECKS,
        placement::CHECKS,
        repeats::CHECKS,
        hosts::CHECKS,
        secrets::CHECKS,
        password::CHECKS,
        paths::CHECKS,
        exposure::CHECKS,
    ];
    families.iter().chain(sersync::FAMILIES).copied().flatten()
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
}
