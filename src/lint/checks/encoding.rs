//! Bytes that an editor does not show, or shows as what they are not.

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
    Check::configuration("RSY231", carriage_returns_alone),
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

/// RSY231: rsync ends lines at line feeds only; a carriage return is white space.
fn carriage_returns_alone(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for file in files(subject) {
        let source = subject.sources.get(file);
        let bytes = source.bytes();
        if !bytes.contains(&b'\r') {
            continue;
        }
        let mut parted = parted_lines(bytes);
        let Some(first) = parted.next() else {
            continue;
        };
        let mut end = first;
        let mut case = Case::at(Span::new(file, first..first + 1));
        if bytes.trim_ascii_end().contains(&b'\n') {
            let text = source.bytes()[first + 1..].split(|byte| matches!(byte, b'\r' | b'\n'));
            let text = text.map(<[u8]>::trim_ascii).next().unwrap_or_default();
            case = case
                .variant("some")
                .with("text", String::from_utf8_lossy(text))
                .explains(Span::new(file, source.line_range(source.line_of(first))));
            let mut explained = source.line_of(first);
            for more in parted {
                end = more;
                let line = source.line_of(more);
                if line > explained {
                    explained = line;
                    case = case.explains(Span::new(file, source.line_range(line)));
                }
            }
        } else {
            end = parted.last().unwrap_or(end);
            let is_header = bytes.trim_ascii_start().starts_with(b"[");
            case = case
                .variant(if is_header { "header" } else { "lost" })
                .explains(Span::new(file, 0..bytes.len()));
        }
        let mended = mended(&bytes[first..=end + 1]);
        let edit = Edit::replace(Span::new(file, first..end + 2), mended);
        out.report(case.fix(Safety::Unsafe, [edit]));
    }
}

/// Where a carriage return stands alone in front of what would mean something in a line of its own.
fn parted_lines(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let alone = bytes.windows(2).enumerate();
    let alone = alone.filter(|(_, pair)| pair[0] == b'\r' && !matches!(pair[1], b'\r' | b'\n'));
    alone.map(|(at, _)| at).filter(|at| {
        let mut lines = bytes[at + 1..].split(|byte| matches!(byte, b'\r' | b'\n'));
        lines
            .next()
            .is_some_and(|line| means_something(line.trim_ascii()))
    })
}

/// Whether a text is a header, a directive or a parameter.
fn means_something(line: &[u8]) -> bool {
    let mut parts = line.splitn(2, |byte| *byte == b'=');
    let name = parts.next().unwrap_or_default();
    line.starts_with(b"[") && line.ends_with(b"]")
        || line.starts_with(b"&include ")
        || line.starts_with(b"&merge ")
        || parts.next().is_some() && Parameter::from_name(name).is_some()
}

/// A text with a line feed for each carriage return that stands alone.
fn mended(text: &[u8]) -> Vec<u8> {
    let next = text.iter().skip(1).chain([&b'\n']);
    let bytes = text.iter().zip(next);
    let mend = |(&byte, &next): (&u8, &u8)| {
        if byte == b'\r' && next != b'\n' {
            b'\n'
        } else {
            byte
        }
    };
    bytes.map(mend).collect()
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
