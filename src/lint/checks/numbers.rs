//! Lines with their numbers, as `cat -n`, editors and web pages show them.

use std::ops::Range;

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, encoding::files},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::Parameter,
    terms::{Source, Span},
};

pub(super) const CHECKS: &[Check] = &[Check::configuration("RSY116", numbered_lines)];

/// RSY116: to rsync a number is the first word of a name; nothing in the file is what it looks like.
fn numbered_lines(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    for file in files(subject) {
        let source = subject.sources.get(file);
        let Some(numbers) = numbers(source) else {
            continue;
        };
        let first = numbers[0].clone();
        let digits = source.bytes()[first.clone()].trim_ascii_start();
        let start = first.end - digits.len();
        let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let edits = numbers
            .into_iter()
            .map(|range| Edit::delete(Span::new(file, range)));
        out.report(
            Case::at(Span::new(file, start..start + length))
                .explains(Span::new(file, 0..source.bytes().len()))
                .fix(Safety::Unsafe, edits),
        );
    }
}

/// The numbers in front of the lines, with the blanks around them; `None` unless every line has one, in order, and what
/// stands behind them is a configuration.
fn numbers(source: &Source) -> Option<Vec<Range<usize>>> {
    let mut found = Vec::new();
    let mut offset = None;
    let mut is_configuration = false;
    for index in 0..source.line_count() {
        let line = source.line_range(index);
        let text = &source.bytes()[line.clone()];
        if text.trim_ascii().is_empty() {
            continue;
        }
        let (number, length) = number(text)?;
        let here = number.checked_sub(index)?;
        if *offset.get_or_insert(here) != here {
            return None;
        }
        is_configuration |= is_ours(&text[length..]);
        found.push(line.start..line.start + length);
    }
    (found.len() > 1 && is_configuration).then_some(found)
}

/// The number with which a line begins, and how many bytes it takes with what parts it from the text.
fn number(line: &[u8]) -> Option<(usize, usize)> {
    let start = line.len() - line.trim_ascii_start().len();
    let digits = line[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let number = str::from_utf8(&line[start..start + digits]).ok()?.parse().ok()?;
    let mut end = start + digits;
    if line.get(end).is_some_and(|byte| b".:)|".contains(byte)) {
        end += 1;
    }
    match line.get(end) {
        Some(b' ' | b'\t') => Some((number, end + 1)),
        None | Some(b'\r' | b'\n') => Some((number, end)),
        Some(_) => None,
    }
}

/// Whether a line is a header, or sets a parameter.
fn is_ours(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let name = line.split(|byte| *byte == b'=').next().unwrap_or_default();
    let is_header = line.starts_with(b"[") && line.contains(&b']');
    is_header || (name.len() < line.len() && Parameter::from_name(name).is_some())
}
