//! Values that rsync reads otherwise than they look.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Effect, parameter::Kind},
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY202", malformed_boolean)];

/// RSY202: rsync knows six words for yes and no; at any other it keeps what held before.
fn malformed_boolean(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in &subject.configuration.settings {
        let facts = setting.parameter.facts();
        if setting.effect != Effect::Malformed || !matches!(facts.kind, Kind::Boolean | Kind::BooleanOrUnset)
        {
            continue;
        }
        let scope = subject.configuration.blocks[setting.block].scope;
        let holds = match subject.configuration.boolean(scope, setting.parameter).value {
            Some(true) => "yes",
            Some(false) => "no",
            None => "unset",
        };
        out.report(
            Case::at(setting.value_span())
                .with("parameter", facts.name)
                .with("value", setting.text.display())
                .with("holds", holds),
        );
    }
}
