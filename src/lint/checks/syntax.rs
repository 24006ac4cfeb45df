//! Lines that rsync cannot read.

use std::ops::Range;

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, loosens::guards},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, Parameter, ProblemKind, Value, parameter::Kind},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY102", line_without_equals),
    Check::configuration("RSY103", broken_section_header),
    Check::configuration("RSY104", no_parameter_name),
];

/// RSY102: rsync logs the line and goes on without it, so a switch written like `ignore errors` is never on.
fn line_without_equals(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for problem in &subject.configuration.problems {
        let ProblemKind::WithoutEquals(text) = &problem.kind else {
            continue;
        };
        let case = Case::at(problem.span).with("line", text.display());
        let part = |range| Span::new(problem.span.source, text.range_of(range));
        let scope = subject.configuration.blocks[problem.block].scope;
        let is_guard = |parameter, value: &[u8]| guards(subject.configuration, scope, parameter, value);
        if let Some(path) = included(text.bytes()) {
            let path = String::from_utf8_lossy(path);
            out.report(case.variant("include").with("path", path));
            continue;
        }
        out.report(match without_equals(text.bytes()) {
            Line::Switch(parameter, rest) => {
                let note = String::from_utf8_lossy(&text.bytes()[rest]);
                let comment = if note.is_empty() {
                    String::new()
                } else {
                    format!("# {note}\n")
                };
                let line = format!("{comment}{} = yes", parameter.name());
                case.variant(if is_guard(parameter, b"yes") {
                    "switch-guard"
                } else {
                    "switch"
                })
                .harms(harm::of_loss(subject, problem.block, parameter, b"yes"))
                .with("parameter", parameter.name())
                .fix(Safety::Unsafe, [Edit::replace(problem.span, line)])
            }
            Line::Setting(parameter, separator) => case
                .variant(if is_guard(parameter, &text.bytes()[separator.end..]) {
                    "setting-guard"
                } else {
                    "setting"
                })
                .harms(harm::of_loss(
                    subject,
                    problem.block,
                    parameter,
                    &text.bytes()[separator.end..],
                ))
                .with("parameter", parameter.name())
                .with("value", String::from_utf8_lossy(&text.bytes()[separator.end..]))
                .fix(Safety::Unsafe, [Edit::replace(part(separator), " = ")]),
            // A comment ends with its line, whatever the line ends with: what is joined to it would begin to count.
            Line::Note if subject.sources.slice(problem.span).contains(&b'\n') => case.variant("note"),
            Line::Note => {
                let start = problem.span.start as usize;
                let start = Span::new(problem.span.source, start..start);
                case.variant("note")
                    .fix(Safety::Safe, [Edit::replace(start, "# ")])
            }
        });
    }
}

/// The path of a line that includes a file in other programs, such as `!include /etc/rsyncd.d/*.conf`: rsync reads every
/// `.conf` of a directory that it is given. `include /docs` may have been a pattern.
fn included(text: &[u8]) -> Option<&[u8]> {
    let word = text
        .strip_prefix(b"!")
        .or_else(|| text.strip_prefix(b"$"))
        .or_else(|| text.strip_prefix(b"@"));
    let is_marked = word.is_some();
    let word = word.unwrap_or(text);
    let rest = ["includedir", "include"].iter().find_map(|name| {
        let (start, rest) = word.split_at_checked(name.len())?;
        (start.eq_ignore_ascii_case(name.as_bytes()) && rest.first().is_some_and(u8::is_ascii_whitespace))
            .then_some(rest)
    })?;
    let path = rest.trim_ascii();
    let path = path
        .strip_suffix(b"/*.conf")
        .or_else(|| path.strip_suffix(b"/*"))
        .unwrap_or(path);
    let is_file = path.starts_with(b"/etc/") || path.ends_with(b".conf") || path.ends_with(b".d");
    (path.starts_with(b"/") && !path.contains(&b'*') && (is_marked || is_file)).then_some(path)
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
        Kind::String => {
            let is_several_words = parameter.name().contains(' ');
            let is_word = !value.contains(&b' ') && first.is_ascii();
            has_colon || is_several_words && (is_word || matches!(first, b'/' | b'*' | b'0'..=b'9'))
        }
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

/// RSY104: one such line takes the whole daemon down.
fn no_parameter_name(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for (problem, error) in subject.configuration.fatal() {
        if *error != FatalError::NoParameterName {
            continue;
        }
        let source = subject.sources.get(problem.span.source);
        let line = source.line_range(source.line_of(problem.span.start as usize));
        let text = source.bytes()[problem.span.start as usize..line.end].trim_ascii();
        let variant = if subject.configuration.is_met_at_start(problem) {
            "start"
        } else {
            "connection"
        };
        out.report(
            Case::at(problem.span)
                .variant(variant)
                .with("line", String::from_utf8_lossy(text)),
        );
    }
}
