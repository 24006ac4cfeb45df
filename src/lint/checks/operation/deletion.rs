//! What the daemon hides from a client that deletes what it does not see.

use std::collections::BTreeSet;

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::Parameter,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY606", errors_hidden_from_delete),
    Check::configuration("RSY610", unreadable_hidden_from_delete),
];

/// RSY606: a client is not told that the daemon could not read everything, and deletes what is missing.
fn errors_hidden_from_delete(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    switched_on(subject, out, Parameter::IgnoreErrors);
}

/// RSY610: what the daemon cannot read does not exist for the client.
fn unreadable_hidden_from_delete(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    switched_on(subject, out, Parameter::IgnoreNonreadable);
}

fn switched_on(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>, parameter: Parameter) {
    let mut seen = BTreeSet::new();
    for module in subject.modules() {
        let switch = module.boolean(parameter);
        let Some(setting) = switch.origin.setting().filter(|_| switch.value == Some(true)) else {
            continue;
        };
        if seen.insert((setting.source, setting.span().start)) {
            out.report(Case::at(setting.span()).with("module", module.name()));
        }
    }
}
