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
        let meant = meant(name.bytes());
        let Some((parameter, variant)) = meant else {
            out.report(case);
            continue;
        };
        let safety = match variant {
            "separator" => Safety::Safe,
            _ => Safety::Unsafe,
        };
        out.report(
            case.variant(variant)
                .with("nearest", parameter.name())
                .fix(safety, [Edit::replace(problem.span, parameter.name())]),
        );
    }
}

/// The parameter that is most likely meant, and how the name differs: blanks written as `_` or `-`, a name that
/// people often write, or one that is a few letters away.
fn meant(name: &[u8]) -> Option<(Parameter, &'static str)> {
    let as_blanks = String::from_utf8_lossy(name)
        .to_lowercase()
        .replace(['_', '-'], " ");
    let plain = |name: &str| name.replace(['-', ' '], "");
    let spelled = plain(&as_blanks);
    if let Some(parameter) = Parameter::all().find(|parameter| plain(parameter.name()) == spelled) {
        return Some((parameter, "separator"));
    }
    if let Some(parameter) = Parameter::meant_by(name) {
        return Some((parameter, "wrong"));
    }
    Parameter::all()
        .map(|parameter| {
            (
                strsim::damerau_levenshtein(parameter.name(), &as_blanks),
                parameter,
            )
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, parameter)| *distance <= parameter.name().len() / 4)
        .map(|(_, parameter)| (parameter, "near"))
}
