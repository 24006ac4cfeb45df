//! Whom a client says it is.

use crate::{
    catalog::FileKind,
    lint::{
        checks::{Check, clients::target::asked, sersync::Module},
        clients::ClientsSubject,
        report::Reporter,
    },
    model::{
        Parameter,
        access::{self, Right, UsersVerdict},
    },
};

pub(super) const CHECKS: &[Check] = &[Check::clients("RSY973", user_refused)];

/// RSY973: a user whom the module does not let in, or none where it asks for one.
fn user_refused(subject: &ClientsSubject<'_>, out: &mut Reporter<'_>) {
    for one in asked(subject) {
        let Some((remote, _)) = one.client.peer() else {
            continue;
        };
        let refused = match one.client.user() {
            Some(user) => one.in_all(|module| match module.verdict(user) {
                UsersVerdict::NoRule => true,
                UsersVerdict::Rule(rule) => rule.right == Right::Deny,
                UsersVerdict::Anonymous | UsersVerdict::Group(_) => false,
            }),
            // At a prompt somebody may type a password; the user's name is then that of the account.
            None if remote.user.is_none() && is_unattended(one.client.kind) && gives_nothing(one.client) => {
                one.in_all(|module| access::has_rules(module.daemon, module.scope))
            }
            None => None,
        };
        let line = refused.and_then(|module: Module<'_>| {
            let users = module.daemon.text(module.scope, Parameter::AuthUsers);
            users.origin.setting()
        });
        let Some(line) = line else { continue };
        let case = one.case().also(line.span(), "users");
        out.report(match one.client.user() {
            Some(user) => case.variant("user").with("user", user),
            None => case.variant("nobody").with("user", ""),
        });
    }
}

fn is_unattended(kind: FileKind) -> bool {
    matches!(kind, FileKind::Crontab | FileKind::Systemd)
}

/// Whether it has no password to give.
fn gives_nothing(client: &crate::lint::Client) -> bool {
    !client.has_password && client.call.is_complete() && client.invocation.option("password-file").is_none()
}
