//! The shape of the file: what is missing, what is no XML, what is not read.

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::{Missing, Part, Reason},
    syntax::{
        Lookalike,
        sersync::{Kind, Quotes, Trouble, Value, Verdict},
    },
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY901", missing_element),
    Check::sersync("RSY902", malformed_xml),
    Check::sersync("RSY937", sersync_plus_element),
    Check::sersync("RSY938", stray_text),
    Check::sersync("RSY948", curved_quotes),
];

/// RSY901: what is absent is read through a null pointer. One case an element that lacks something.
fn missing_element(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let missing = &subject.configuration.missing;
    let mut ignored = subject.configuration.ignored.iter();
    let is_plus = ignored.any(|ignored| ignored.reason == Reason::SersyncPlus);
    for lacking in missing.chunk_by(|one, other| one.within == other.within) {
        let within = &lacking[0].within;
        let names: Vec<_> = lacking.iter().map(name).collect();
        let shipped: Vec<_> = lacking.iter().map(shipped).collect();
        let case = Case::at(subject.span(within.tag.clone()))
            .with("element", within.name.display())
            .with("missing", names.join("`, `"))
            .with("shipped", shipped.join(" "));
        out.report(if is_plus { case.variant("plus") } else { case });
    }
}

fn name(missing: &Missing) -> String {
    match missing.part {
        Part::Element => format!("<{}>", missing.name),
        Part::Attribute => format!("{}=", missing.name),
    }
}

/// What the file that comes with sersync has there.
fn shipped(missing: &Missing) -> String {
    let attribute = match missing.name {
        "start" | "xfs" => "false",
        "hostip" => "localhost",
        "port" if missing.within.name.bytes().eq_ignore_ascii_case(b"host") => "8008",
        "port" => "873",
        "params" => "-artz",
        "time" => "100",
        "timeToExecute" => "60",
        "schedule" => "600",
        _ => "…",
    };
    if missing.part == Part::Attribute {
        return format!("{}=\"{attribute}\"", missing.name);
    }
    match missing.name {
        "delete" | "createFolder" | "createFile" | "closeWrite" | "moveFrom" | "moveTo" => {
            format!("<{} start=\"true\"/>", missing.name)
        }
        "host" => "<host hostip=\"localhost\" port=\"8008\"/>".to_owned(),
        "fileSystem" => "<fileSystem xfs=\"false\"/>".to_owned(),
        "commonParams" => "<commonParams params=\"-artz\"/>".to_owned(),
        "failLog" => "<failLog path=\"…\" timeToExecute=\"60\"/>".to_owned(),
        "localpath" => "<localpath watch=\"…\">…</localpath>".to_owned(),
        "inotify" | "sersync" | "rsync" => format!("<{0}>…</{0}>", missing.name),
        name => format!("<{name} start=\"false\"/>"),
    }
}

/// RSY902: where sersync refuses the file, or may.
fn malformed_xml(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let bytes = subject.sources.get(subject.source).bytes();
    for problem in &subject.document.problems {
        let variant = match problem.trouble {
            Trouble::AmpersandInValue => "ampersand",
            Trouble::UnclosedElement => "unclosed",
            Trouble::StrayClosingTag => "stray",
            Trouble::UnclosedTag => "tag",
            Trouble::NoRoot | Trouble::RootIsNotHead => "root",
            trouble if trouble.verdict() == Verdict::Unknown => "untried",
            _ => continue,
        };
        let mut range = problem.range.clone();
        if range.is_empty() {
            range.start = range.start.saturating_sub(1);
        }
        let text = String::from_utf8_lossy(&bytes[range.clone()]).into_owned();
        let first_line = text.lines().next().unwrap_or_default().trim().to_owned();
        out.report(
            Case::at(subject.span(range))
                .variant(variant)
                .with("text", first_line),
        );
    }
}

/// RSY937: what only the fork sersync-plus reads. Once a file, at the first.
fn sersync_plus_element(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let mut plus = subject
        .configuration
        .ignored
        .iter()
        .filter(|ignored| ignored.reason == Reason::SersyncPlus);
    let Some(first) = plus.next() else {
        return;
    };
    let mut names = vec![first.name.display()];
    for further in plus {
        if !names.contains(&further.name.display()) {
            names.push(further.name.display());
        }
    }
    let start = first.range.start + usize::from(first.part == Part::Element);
    let name = start..start + first.name.bytes().len();
    out.report(Case::at(subject.span(name)).with("names", names.join("`, `")));
}

/// RSY938: text between the elements. It says nothing to sersync; a `#` before an element does not switch it off.
fn stray_text(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let bytes = subject.sources.get(subject.source).bytes();
    let mut is_first = true;
    let nodes = &subject.document.nodes;
    for (index, node) in nodes.iter().enumerate() {
        if node.kind != Kind::Text {
            continue;
        }
        let text = &bytes[node.range.clone()];
        let Some(start) = text.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            continue;
        };
        let line_start = text
            .iter()
            .rposition(|&byte| byte == b'\n')
            .map_or(0, |newline| newline + 1);
        let last_line = &text[line_start..];
        let next = nodes.get(index + 1).map(|node| &node.kind);
        if let Some(Kind::Open(element) | Kind::Empty(element)) = next
            && last_line.trim_ascii().starts_with(b"#")
        {
            let hash = node.range.start + line_start + last_line.len() - last_line.trim_ascii_start().len();
            let element = &subject.document.elements[*element];
            out.report(
                Case::at(Span::new(subject.source, hash..hash + 1))
                    .variant("active")
                    .with("element", element.name.display()),
            );
            is_first = false;
        } else if std::mem::replace(&mut is_first, false) {
            let line = text[start..].split(|&byte| byte == b'\n').next();
            let length = line.unwrap_or_default().trim_ascii_end().len();
            let start = node.range.start + start;
            out.report(Case::at(Span::new(subject.source, start..start + length)));
        }
    }
}

/// RSY948: quotes of a word processor do not quote. The value is not told: it may be a password.
fn curved_quotes(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    for attribute in subject.document.elements.iter().flat_map(|e| &e.attributes) {
        let Some(value) = &attribute.value else {
            continue;
        };
        if !matches!(Lookalike::at(value.text.bytes()), Some((Lookalike::Quote, _))) {
            continue;
        }
        let span = subject.span(value.range.clone());
        let case = Case::at(span)
            .with("attribute", attribute.name.display())
            .explains(span);
        out.report(match straight(subject, value) {
            Some(edits) => case.fix(Safety::Unsafe, edits),
            None => case,
        });
    }
}

/// Straight quotes for curved ones, or nothing for those inside straight ones; only where a pair of them holds one word.
fn straight(subject: &SersyncSubject<'_>, value: &Value) -> Option<[Edit; 2]> {
    let text = value.text.bytes();
    let end = text.len().checked_sub(QUOTE)?;
    let inner = text.get(QUOTE..end)?;
    let is_word = !inner
        .iter()
        .any(|byte| byte.is_ascii_whitespace() || b"\"'<>".contains(byte));
    if value.range.len() != text.len()
        || !is_curved(&text[end..])
        || !is_word
        || inner.windows(QUOTE).any(is_curved)
    {
        return None;
    }
    let quote = if value.quotes == Quotes::Without { "\"" } else { "" };
    let (start, end) = (value.range.start, value.range.end);
    let edit = |range| Edit::replace(subject.span(range), quote);
    Some([edit(start..start + QUOTE), edit(end - QUOTE..end)])
}

/// Bytes of a curved quote.
const QUOTE: usize = 3;

fn is_curved(part: &[u8]) -> bool {
    matches!(Lookalike::at(part), Some((Lookalike::Quote, _)))
}
