//! Names of parameters and modules.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, ProblemKind},
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY101", unknown_parameter)];

/// RSY101: rsyncd logs a name that it does not know and carries on, so a typo in `hosts allow` leaves the module
/// open to everyone.
fn unknown_parameter(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for problem in &subject.configuration.problems {
        let ProblemKind::UnknownParameter(name, _) = &problem.kind else {
            continue;
        };
        let case = Case::at(problem.span).with("name", name.display());
        out.report(match nearest(name.bytes()) {
            Some(parameter) => case
                .variant("near")
                .with("nearest", parameter.name())
                .fix(Safety::Unsafe, [Edit::replace(problem.span, parameter.name())]),
            None => case,
        });
    }
}

/// The parameter that is most likely meant: a known wrong name, or one that is a few letters away.
fn nearest(name: &[u8]) -> Option<Parameter> {
    if let Some(parameter) = Parameter::meant_by(name) {
        return Some(parameter);
    }
    let name = String::from_utf8_lossy(name)
        .to_lowercase()
        .replace(['_', '-'], " ");
    let length = name.chars().count();
    // Texts are at least as far apart as their lengths are.
    Parameter::all()
        .filter(|parameter| parameter.name().len().abs_diff(length) <= farthest(*parameter))
        .map(|parameter| (strsim::damerau_levenshtein(parameter.name(), &name), parameter))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, parameter)| *distance <= farthest(*parameter))
        .map(|(_, parameter)| parameter)
}

/// How many letters may be wrong in the name of a parameter that is meant.
fn farthest(parameter: Parameter) -> usize {
    parameter.name().len() / 4
}
