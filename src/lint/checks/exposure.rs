//! What a configuration leaves open.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::Parameter,
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY501", writable_by_anybody)];

/// RSY501: whoever reaches the port may replace or delete every file of the module.
fn writable_by_anybody(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for module in subject.modules() {
        let guarded = [Parameter::AuthUsers, Parameter::HostsAllow, Parameter::HostsDeny]
            .iter()
            .any(|&parameter| module.has(parameter));
        if !guarded && module.is_writable() {
            let read_only = module.boolean(Parameter::ReadOnly).origin;
            out.report(Case::at(module.place(read_only)).with("module", module.name()));
        }
    }
}
