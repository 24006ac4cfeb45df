//! Lines that rsync cannot read.

use std::ops::Range;

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, harm, joined::until_next_header, loosens::guards, names},
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{FatalError, Parameter, Problem, ProblemKind, Value, parameter::Kind},
    syntax::Lookalike,
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
        if let Some(name) = unopened(subject, problem, text.bytes()) {
            let name = String::from_utf8_lossy(name).into_owned();
            let lines = until_next_header(subject, problem.span);
            out.report(
                case.variant("header")
                    .with("name", name.clone())
                    .explains_rules(lines, &["RSY207", "RSY209"])
                    .fix(Safety::Unsafe, [Edit::replace(problem.span, format!("[{name}]"))]),
            );
            continue;
        }
        out.report(match without_equals(text.bytes()) {
            Line::Switch(parameter, rest) => {
                let mut line = match &text.bytes()[rest] {
                    [] => Vec::new(),
                    note => [b"# ", note, b"\n"].concat(),
                };
                line.extend(format!("{} = yes", parameter.name()).bytes());
                case.variant(if is_guard(parameter, b"yes") {
                    "switch-guard"
                } else {
                    "switch"
                })
                .harms(harm::of_loss(subject, problem.block, parameter, b"yes"))
                .with("parameter", parameter.name())
                .fix(Safety::Unsafe, [Edit::replace(problem.span, line)])
            }
            Line::Setting(parameter, head) => {
                let value = &text.bytes()[head.end..];
                case.variant(if is_guard(parameter, value) {
                    "setting-guard"
                } else {
                    "setting"
                })
                .harms(harm::of_loss(subject, problem.block, parameter, value))
                .with("parameter", parameter.name())
                .with("value", String::from_utf8_lossy(value))
                .fix(
                    Safety::Unsafe,
                    [Edit::replace(
                        part(head.start..head.end),
                        cured_head(parameter, &head),
                    )],
                )
            }
            Line::Unclear => case.variant("note"),
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

/// The name of a header whose first bracket is missing: a folder follows, which is that of the module in front of it then.
fn unopened<'t>(subject: &ConfigurationSubject<'_>, problem: &Problem, text: &'t [u8]) -> Option<&'t [u8]> {
    let name = text.strip_suffix(b"]")?.trim_ascii();
    let lines = until_next_header(subject, problem.span);
    let mut settings = subject.configuration.settings.iter();
    let has_path = settings.any(|setting| {
        let span = setting.span();
        setting.parameter == Parameter::Path
            && span.source == lines.source
            && lines.range().contains(&(span.start as usize))
    });
    let is_name = !name.is_empty() && !name.iter().any(|byte| b"[]".contains(byte));
    (is_name && has_path).then_some(name)
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
    /// A name and a value with something else between them: what is to make way for `=`, with the name if rsync does not
    /// know it.
    Setting(Parameter, Range<usize>),
    /// A parameter's name and words that may be its value in another language.
    Unclear,
    /// Text for people.
    Note,
}

/// What stands in front of the value once the line is cured.
fn cured_head(parameter: Parameter, head: &Range<usize>) -> String {
    match head.start {
        0 => format!("{} = ", parameter.name()),
        _ => " = ".to_owned(),
    }
}

fn without_equals(text: &[u8]) -> Line {
    let Some((parameter, length)) = Parameter::at_start(text) else {
        return misnamed(text).unwrap_or(Line::Note);
    };
    let behind = length
        + separators(&text[length..])
            .map(|(_, length)| length)
            .sum::<usize>();
    let has_colon = separators(&text[length..]).any(|(what, _)| what == Separator::Mark);
    let kind = parameter.facts().kind;
    let is_boolean = matches!(kind, Kind::Boolean | Kind::BooleanOrUnset);
    let first = text.get(behind).copied().unwrap_or_default();
    if is_boolean && !has_colon && (length == text.len() || !first.is_ascii()) {
        return match behind > length || length == text.len() {
            true if !may_be_boolean(&text[behind..]) => Line::Switch(parameter, behind..text.len()),
            _ => Line::Unclear,
        };
    }
    if is_value(parameter, has_colon, &text[length..], behind - length) {
        return Line::Setting(parameter, length..behind);
    }
    misnamed(text).unwrap_or(Line::Note)
}

/// `host allow: 192.0.2.1`: a name that rsync does not know, and that can mean one parameter only.
fn misnamed(text: &[u8]) -> Option<Line> {
    let ends = (1..text.len()).filter(|&at| matches!(text[at], b' ' | b':') && text[at - 1] != b' ');
    let mut ends: Vec<usize> = ends.take(MOST_WORDS).collect();
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let parameter = names::spelled(&text[..end])?;
        let rest = &text[end..];
        let behind: usize = separators(rest).map(|(_, length)| length).sum();
        let has_colon = separators(rest).any(|(what, _)| what == Separator::Mark);
        is_value(parameter, has_colon, rest, behind).then(|| Line::Setting(parameter, 0..end + behind))
    })
}

/// No parameter has a name of more words.
const MOST_WORDS: usize = 5;

/// Whether what stands behind a name and `length` bytes of separators can only be its value.
fn is_value(parameter: Parameter, has_colon: bool, rest: &[u8], length: usize) -> bool {
    let value = &rest[length..];
    let Some(&first) = value.first().filter(|_| length > 0) else {
        return false;
    };
    let kind = parameter.facts().kind;
    match kind {
        Kind::Boolean | Kind::BooleanOrUnset | Kind::Enum => Value::read(kind, value).is_some(),
        Kind::Integer => first.is_ascii_digit(),
        Kind::Path => first == b'/',
        Kind::String => {
            let is_several_words = parameter.name().contains(' ');
            let is_word = !value.contains(&b' ') && first.is_ascii();
            has_colon || is_several_words && (is_word || matches!(first, b'/' | b'*' | b'0'..=b'9'))
        }
    }
}

/// What parts a name from its value where there is no `=`.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Separator {
    Blank,
    /// A colon, or what Chinese keyboards write for it or for `=`.
    Mark,
}

/// The separators at the start of a text, with their lengths. In GBK, in which many Chinese files are, `：` is A3 BA, `＝`
/// A3 BD, and the wide blank A1 A1.
fn separators(mut text: &[u8]) -> impl Iterator<Item = (Separator, usize)> + '_ {
    std::iter::from_fn(move || {
        let found = match text {
            [b' ', ..] => (Separator::Blank, 1),
            [b':', ..] => (Separator::Mark, 1),
            [0xa3, 0xba | 0xbd, ..] => (Separator::Mark, 2),
            [0xa1, 0xa1, ..] => (Separator::Blank, 2),
            _ => match Lookalike::at(text)? {
                (Lookalike::Blank, length) => (Separator::Blank, length),
                (Lookalike::Wide(b':' | b'='), length) => (Separator::Mark, length),
                _ => return None,
            },
        };
        text = &text[found.1..];
        Some(found)
    })
}

/// Whether words behind a boolean's name may say no, or which of the two it is to be: then it is not to become `yes`.
fn may_be_boolean(words: &[u8]) -> bool {
    // No, not, off, wrong, forbidden, without, false, stopped: in UTF-8, and in GBK.
    const NO: [&str; 11] = ["否", "不", "关", "關", "非", "禁", "无", "無", "假", "停", "没"];
    const NO_IN_GBK: [[u8; 2]; 9] = [
        [0xb7, 0xf1],
        [0xb2, 0xbb],
        [0xb9, 0xd8],
        [0xb7, 0xc7],
        [0xbd, 0xfb],
        [0xce, 0xde],
        [0xbc, 0xd9],
        [0xcd, 0xa3],
        [0xc3, 0xbb],
    ];
    let is_text = str::from_utf8(words).is_ok();
    let says_no = match is_text {
        true => NO.iter().any(|no| words.starts_with(no.as_bytes())),
        false => NO_IN_GBK.iter().any(|no| words.starts_with(no)),
    };
    let mut plain = words.split(|byte| !byte.is_ascii_alphanumeric());
    let names_one = plain.any(|word| {
        let is_other = word.eq_ignore_ascii_case(b"on") || word.eq_ignore_ascii_case(b"off");
        is_other || Value::read(Kind::Boolean, word).is_some()
    });
    says_no || names_one
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
