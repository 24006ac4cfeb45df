//! Lines that rsync cannot read.

use std::ops::Range;

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, Parameter, ProblemKind, Value, parameter::Kind},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY102", line_without_equals),
    Check::configuration("RSY103", broken_section_header),
];

/// RSY102: rsync logs the line and goes on without it, so a switch written like `ignore errors` is never on.
fn line_without_equals(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for problem in &subject.configuration.problems {
        let ProblemKind::WithoutEquals(text) = &problem.kind else {
            continue;
        };
        let case = Case::at(problem.span).with("line", text.display());
        let part = |range| Span::new(problem.span.source, text.range_of(range));
        out.report(match without_equals(text.bytes()) {
            Line::Switch(parameter, rest) => {
                let note = String::from_utf8_lossy(&text.bytes()[rest]);
                let comment = if note.is_empty() {
                    String::new()
                } else {
                    format!("# {note}\n")
                };
                let line = format!("{comment}{} = yes", parameter.name());
                case.variant("switch")
                    .with("parameter", parameter.name())
                    .fix(Safety::Unsafe, [Edit::replace(problem.span, line)])
            }
            Line::Setting(parameter, separator) => case
                .variant("setting")
                .with("parameter", parameter.name())
                .with("value", String::from_utf8_lossy(&text.bytes()[separator.end..]))
                .fix(Safety::Unsafe, [Edit::replace(part(separator), " = ")]),
            Line::Note => {
                let start = problem.span.start as usize;
                let start = Span::new(problem.span.source, start..start);
                case.variant("note")
                    .fix(Safety::Safe, [Edit::replace(start, "# ")])
            }
        });
    }
}

/// What a line without `=` was to be.
enum Line {
    /// A boolean's name alone; the range is a note behind it.
    Switch(Parameter, Range<usize>),
    /// A name and a value with something else between them.
    Setting(Parameter, Range<usize>),
    /// Text for people.
    Note,
}

fn without_equals(text: &[u8]) -> Line {
    let Some((parameter, length)) = Parameter::at_start(text) else {
        return Line::Note;
    };
    let rest = &text[length..];
    let behind = rest
        .iter()
        .position(|byte| !matches!(byte, b' ' | b':'))
        .map_or(text.len(), |at| length + at);
    let first = text.get(behind).copied().unwrap_or_default();
    let has_colon = text[length..behind].contains(&b':');
    let kind = parameter.facts().kind;
    let is_boolean = matches!(kind, Kind::Boolean | Kind::BooleanOrUnset);
    if is_boolean && !has_colon && (rest.is_empty() || !first.is_ascii()) {
        return Line::Switch(parameter, behind..text.len());
    }
    if behind == length || behind == text.len() {
        return Line::Note;
    }
    let value = &text[behind..];
    let is_value = match kind {
        Kind::Boolean | Kind::BooleanOrUnset | Kind::Enum => Value::read(kind, value).is_some(),
        Kind::Integer => first.is_ascii_digit(),
        Kind::Path => first == b'/',
        Kind::String => has_colon || parameter.name().contains(' ') && first.is_ascii(),
    };
    if is_value {
        Line::Setting(parameter, length..behind)
    } else {
        Line::Note
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
