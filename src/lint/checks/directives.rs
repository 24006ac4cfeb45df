//! `&include` and `&merge`.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, Problem},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY105", unknown_directive),
    Check::configuration("RSY106", include_missing),
    Check::configuration("RSY107", include_cycle),
];

/// RSY105: a line that begins with `&` and is neither include nor merge.
fn unknown_directive(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (problem, error) in subject.configuration.fatal() {
        if *error != FatalError::UnknownDirective {
            continue;
        }
        let name = subject.sources.text(problem.span);
        let case = Case::at(problem.span)
            .variant(when(subject, problem))
            .with("name", name.clone());
        let nearest = ["&include", "&merge"]
            .into_iter()
            .min_by_key(|known| strsim::damerau_levenshtein(known, &name.to_lowercase()))
            .filter(|known| strsim::damerau_levenshtein(known, &name.to_lowercase()) <= 2);
        out.report(match nearest {
            Some(known) => case.fix(Safety::Unsafe, [Edit::replace(problem.span, known)]),
            None => case,
        });
    }
}

/// RSY106: what is to be included is not there.
fn include_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (problem, error) in subject.configuration.fatal() {
        if let FatalError::Include(path, reason) = error {
            out.report(
                Case::at(problem.span)
                    .variant(when(subject, problem))
                    .with("path", path.display().to_string())
                    .with("reason", reason.as_str()),
            );
        }
    }
}

/// RSY107: a file that includes itself, directly or through others, until the daemon crashes.
fn include_cycle(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (problem, error) in subject.configuration.fatal() {
        let case = Case::at(problem.span);
        out.report(match error {
            FatalError::Cycle(path) => case
                .variant(when(subject, problem))
                .with("path", path.display().to_string()),
            FatalError::TooManyIncludes => case
                .variant("many")
                .with("path", subject.sources.text(problem.span)),
            _ => continue,
        });
    }
}

fn when(subject: &ConfigurationSubject<'_>, problem: &Problem) -> &'static str {
    if subject.configuration.is_met_at_start(problem) {
        "start"
    } else {
        "connection"
    }
}
