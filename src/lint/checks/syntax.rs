//! Lines that rsync cannot read.

use crate::{
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, ProblemKind},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY102", line_without_equals),
    Check::configuration("RSY103", broken_section_header),
];

/// RSY102: rsync logs the line and goes on without it, so a switch written like `ignore errors` is never on.
fn line_without_equals(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for problem in &subject.configuration.problems {
        if let ProblemKind::WithoutEquals(text) = &problem.kind {
            out.report(Case::at(problem.span).with("line", text.display()));
        }
    }
}

/// RSY103: one bad header takes every module of the file down.
fn broken_section_header(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (problem, error) in subject.configuration.fatal() {
        let variant = match error {
            FatalError::EmptySectionName => "empty",
            FatalError::UnterminatedSection => "unterminated",
            FatalError::SlashInSectionName => "slash",
            _ => continue,
        };
        let header = subject.sources.text(problem.span);
        let name = header.trim_matches(['[', ']']);
        out.report(Case::at(problem.span).variant(variant).with("name", name));
    }
}
