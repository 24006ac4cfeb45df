//! `hosts allow` and `hosts deny`.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Parameter,
        access::{AddressPattern, MaskError, is_host_separator},
    },
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY303", malformed_address)];

/// RSY303: an address that rsync cannot read matches nobody: in `hosts deny` it lets its host in.
fn malformed_address(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for setting in subject.settings(&[Parameter::HostsAllow, Parameter::HostsDeny]) {
        for token in setting.text.tokens(is_host_separator) {
            let variant = match AddressPattern::parse(token.bytes) {
                Some(AddressPattern::NotAnAddress) => "address",
                Some(AddressPattern::BadMask {
                    error: MaskError::NotANumber,
                    ..
                }) => "mask",
                Some(AddressPattern::BadMask {
                    error: MaskError::OutOfRange,
                    ..
                }) => "range",
                _ => continue,
            };
            out.report(
                Case::at(setting.part(token.part.clone()))
                    .variant(variant)
                    .with("parameter", setting.parameter.name())
                    .with("word", token.display()),
            );
        }
    }
}
