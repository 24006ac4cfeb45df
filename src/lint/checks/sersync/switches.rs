//! Switches: on is exactly `true`.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::is_meant_on,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[Check::sersync("RSY903", switch_not_true)];

/// RSY903: sersync compares a switch with the word `true`; whatever else looks like yes is off.
fn switch_not_true(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let switches = ["start", "xfs"];
    for element in &subject.document.elements {
        for attribute in element
            .attributes
            .iter()
            .filter(|a| switches.iter().any(|name| a.is(name)))
        {
            let Some(value) = &attribute.value else {
                continue;
            };
            if !is_meant_on(value.text.bytes()) || value.text.bytes() == b"true" {
                continue;
            }
            let span = Span::new(subject.source, value.range.clone());
            out.report(
                Case::at(span)
                    .with("element", element.name.display())
                    .with("value", value.text.display())
                    .fix(Safety::Unsafe, [Edit::replace(span, "true")]),
            );
        }
    }
}
