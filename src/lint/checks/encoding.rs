//! Bytes that an editor does not show.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, loosens},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{Parameter, ProblemKind},
    terms::{SourceId, Span},
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY109", byte_order_mark),
    Check::configuration("RSY110", nul_byte),
];

const MARK: &[u8] = b"\xef\xbb\xbf";

/// How safe it is to let the first line count. A header makes a module of what stands below it, and who knows what an
/// included file does.
fn safety(line: &[u8]) -> Safety {
    if line.starts_with(b"[") || line.starts_with(b"&") {
        return Safety::Unsafe;
    }
    let mut parts = line.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    match (Parameter::from_name(name), parts.next()) {
        (Some(parameter), Some(value)) => loosens::safety(parameter, value.trim_ascii()),
        _ => Safety::Safe,
    }
}

/// RSY109: rsync takes the mark for the first letter of the first line.
fn byte_order_mark(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for file in files(subject) {
        let source = subject.sources.get(file);
        let Some(behind) = source.bytes().strip_prefix(MARK) else {
            continue;
        };
        let line = source.line_range(0);
        let first = source.bytes()[line.clone()][MARK.len()..].trim_ascii();
        let variant = match first {
            [] if behind.is_empty() => continue,
            [] | [b'#' | b';', ..] => "harmless",
            [b'[', ..] => "header",
            [b'&', ..] => "directive",
            _ => "parameter",
        };
        let mark = Span::new(file, 0..MARK.len());
        let shown = source.bytes()[line.clone()].trim_ascii_end().len();
        let mut case = Case::at(Span::new(file, 0..shown))
            .variant(variant)
            .with("line", String::from_utf8_lossy(first))
            .explains(Span::new(file, line))
            .fix(safety(first), [Edit::delete(mark)]);
        if variant == "header" {
            let end = subject
                .configuration
                .blocks
                .iter()
                .filter_map(|block| block.header);
            let end = end
                .filter(|header| header.source == file)
                .map(|header| header.start as usize)
                .min();
            let end = end.unwrap_or_else(|| source.bytes().len());
            case = case.explains_rules(Span::new(file, 0..end), &["RSY207", "RSY212"]);
        }
        out.report(case);
    }
}

/// RSY110: behind a NUL the rest of the line, or of the file, is not what it looks like.
fn nul_byte(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for file in files(subject) {
        let bytes = subject.sources.get(file).bytes();
        let Some(first) = bytes.iter().position(|byte| *byte == 0) else {
            continue;
        };
        let place = Span::new(file, first..first + 1);
        let whole = Span::new(file, 0..bytes.len());
        let zeros = bytes.iter().take(200).filter(|byte| **byte == 0).count();
        // Every other byte of ASCII text in UTF-16 is zero.
        if bytes.starts_with(b"\xff\xfe")
            || bytes.starts_with(b"\xfe\xff")
            || zeros * 5 > bytes.len().min(200) * 2
        {
            out.report(Case::at(place).variant("utf-16").explains(whole));
            continue;
        }
        let rest = subject
            .configuration
            .problems
            .iter()
            .find(|problem| problem.kind == ProblemKind::Unread && problem.span.source == file);
        let variant = match rest {
            Some(_) => "unread",
            None => "line",
        };
        let place = rest.map_or(place, |problem| {
            let start = problem.span.start as usize;
            let nul = bytes[start..]
                .iter()
                .position(|byte| *byte == 0)
                .map_or(start, |at| start + at);
            Span::new(file, nul..nul + 1)
        });
        let line = subject.sources.get(file);
        let line = line.line_range(line.line_of(place.start as usize));
        out.report(
            Case::at(place)
                .variant(variant)
                .explains(Span::new(file, line))
                .fix(Safety::Unsafe, [Edit::delete(place)]),
        );
    }
}

/// The configuration and what it includes.
pub(super) fn files(subject: &ConfigurationSubject<'_>) -> Vec<SourceId> {
    let included = subject
        .configuration
        .includes
        .iter()
        .map(|include| include.source);
    let mut files: Vec<_> = std::iter::once(subject.configuration.root)
        .chain(included)
        .collect();
    files.sort_unstable();
    files.dedup();
    files
}
