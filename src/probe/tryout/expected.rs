use crate::{
    model::{
        Configuration, Parameter, Scope,
        access::{Peer, Rights, UsersVerdict, has_no_secrets, has_rules, hosts, shut, users},
        has_variable,
    },
    probe::tryout::{attempt::End, logins::Login},
};

/// What the model foretells of an attempt.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    /// How it ends if files are taken; none if the file does not tell.
    pub(super) read: Option<End>,
    /// How it ends if files are brought.
    pub(super) write: Option<End>,
    /// Whether a refusal is none that the file means: who is admitted has no password.
    pub(super) is_fault: bool,
}

impl Expected {
    /// Asks the model; the groups are the user's on this machine, if they are known.
    pub(super) fn of(
        configuration: &Configuration,
        scope: Scope,
        peer: &Peer,
        login: &Login,
        groups: Option<&[String]>,
    ) -> Self {
        let same = |end, is_fault| Self {
            read: end,
            write: end,
            is_fault,
        };
        if !configuration.is_settled(scope) {
            return same(None, false);
        }
        match hosts(configuration, scope, peer).allowed {
            Some(true) => {}
            Some(false) => return same(Some(End::NoEntry), false),
            None => return same(None, false),
        }
        if shut(configuration, scope).is_some() {
            return same(Some(End::Shut), false);
        }
        let module = Rights::of(configuration, scope);
        let rules = configuration.text(scope, Parameter::AuthUsers).value;
        let rights = if !has_rules(configuration, scope) {
            module
        } else if has_variable(rules) {
            return same(None, false);
        } else {
            let user = login.user.as_deref().unwrap_or_default();
            let rights = match users(configuration, scope, user, groups) {
                UsersVerdict::Anonymous => Some(module),
                UsersVerdict::Rule(rule) => module.under(&rule),
                UsersVerdict::Group(_) => return same(None, false),
                UsersVerdict::NoRule => None,
            };
            let Some(rights) = rights else {
                return same(Some(End::NoLogin), false);
            };
            if has_no_secrets(configuration, scope) || !login.has_secret {
                return same(Some(End::NoLogin), true);
            }
            rights
        };
        if configuration.text(scope, Parameter::Path).value.is_empty() {
            return same(Some(End::Fails), true);
        }
        Self {
            read: Some(if rights.read { End::Works } else { End::NoReading }),
            write: Some(if rights.write { End::Works } else { End::NoWriting }),
            is_fault: false,
        }
    }
}
