//! `&include` and `&merge`.

use std::{collections::BTreeMap, path::Path};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, Parameter, Problem, ProblemKind},
    terms::{SourceId, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY105", unknown_directive),
    Check::configuration("RSY106", include_missing),
    Check::configuration("RSY107", include_cycle),
];

/// RSY105: a line that begins with `&` and is neither include nor merge.
fn unknown_directive(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    blanks_of_web_pages(subject, out);
    for (problem, error) in subject.configuration.fatal() {
        if *error != FatalError::UnknownDirective || entities(subject, problem).is_some() {
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

/// How web pages write blanks.
const ENTITIES: [&str; 7] = [
    "&nbsp;", "&ensp;", "&emsp;", "&thinsp;", "&#160;", "&#xa0;", "&#xA0;",
];

/// The blanks of web pages with which a line begins.
fn entities(subject: &ConfigurationSubject<'_>, problem: &Problem) -> Option<Span> {
    let source = subject.sources.get(problem.span.source);
    let start = problem.span.start as usize;
    let line = source.line_range(source.line_of(start));
    let mut rest = &source.bytes()[start..line.end];
    let whole = rest.len();
    while let Some(entity) = ENTITIES.iter().find(|entity| rest.starts_with(entity.as_bytes())) {
        rest = rest[entity.len()..].trim_ascii_start();
    }
    let length = whole - rest.len();
    (length > 0).then(|| Span::new(problem.span.source, start..start + length))
}

/// RSY105, once a file: every line of a page may begin so.
fn blanks_of_web_pages(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let lines = subject
        .configuration
        .fatal()
        .filter(|(_, error)| **error == FatalError::UnknownDirective)
        .filter_map(|(problem, _)| Some((problem, entities(subject, problem)?)));
    let mut files: BTreeMap<SourceId, Vec<(&Problem, Span)>> = BTreeMap::new();
    for (problem, span) in lines {
        files.entry(span.source).or_default().push((problem, span));
    }
    for lines in files.into_values() {
        let (_, first) = lines[0];
        let text = subject.sources.text(first);
        let name = text.split_inclusive(';').next().unwrap_or_default();
        let edits = lines.iter().map(|(_, span)| Edit::replace(*span, " "));
        let mut case = Case::at(first)
            .variant("entity")
            .with("name", name)
            .fix(Safety::Unsafe, edits);
        for header in lines
            .iter()
            .filter_map(|(problem, span)| path_of(subject, problem, *span))
        {
            case = case.explains_rules(header, &["RSY401"]);
        }
        out.report(case);
    }
}

/// The header of the module of which a line was to be the `path`.
fn path_of(subject: &ConfigurationSubject<'_>, problem: &Problem, blanks: Span) -> Option<Span> {
    let source = subject.sources.get(blanks.source);
    let line = source.line_range(source.line_of(blanks.range().start));
    let text = &source.bytes()[blanks.range().end..line.end];
    let name = text.split(|byte| *byte == b'=').next()?;
    let header = subject.configuration.blocks[problem.block].header;
    header.filter(|_| Parameter::from_name(name) == Some(Parameter::Path))
}

/// RSY106: what is to be included is not there, or cannot be.
fn include_missing(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for problem in &subject.configuration.problems {
        let (path, reason) = match &problem.kind {
            ProblemKind::Fatal(FatalError::Include(path, reason)) => (path, Some(reason)),
            // Without a machine only what no machine would have is told.
            ProblemKind::IncludeNotSeen(path, _) => (path, None),
            _ => continue,
        };
        if let Some(mistake) = expected(path) {
            let case = Case::at(problem.span)
                .variant(match when(subject, problem) {
                    "start" => "verbatim",
                    _ => "verbatim-later",
                })
                .with("path", path.display().to_string())
                .with("mark", mistake.mark)
                .with("meant", mistake.meant.clone());
            out.report(if mistake.is_all {
                case.fix(Safety::Unsafe, [Edit::replace(problem.span, mistake.meant)])
            } else {
                case
            });
        } else if let Some(reason) = reason {
            out.report(
                Case::at(problem.span)
                    .variant(when(subject, problem))
                    .with("path", path.display().to_string())
                    .with("reason", reason.as_str()),
            );
        }
    }
}

/// What somebody expected rsync to understand in a path, and what to write.
struct Expected {
    mark: &'static str,
    meant: String,
    /// Whether what is to be written includes the same files.
    is_all: bool,
}

/// Wildcards, quotes and notes: rsync takes the rest of the line for the path, as it stands.
fn expected(path: &Path) -> Option<Expected> {
    let text = path.to_str()?;
    let same = |mark, meant: &str| Expected {
        mark,
        meant: meant.to_owned(),
        is_all: true,
    };
    for (mark, quote) in [("\"", '"'), ("'", '\'')] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return Some(same(mark, inner));
        }
    }
    for (mark, note) in [("#", " #"), ("#", "\t#"), (";", " ;")] {
        if let Some((before, _)) = text.split_once(note) {
            return Some(same(mark, before.trim_end()));
        }
    }
    let (mark, at) = ["*", "?", "["]
        .into_iter()
        .filter_map(|mark| Some((mark, text.find(mark)?)))
        .min_by_key(|(_, at)| *at)?;
    let folder = text[..at].rfind('/').map_or(".", |slash| &text[..slash.max(1)]);
    Some(Expected {
        mark,
        meant: folder.to_owned(),
        is_all: &text[at..] == "*.conf",
    })
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
