//! `commonParams`: the options that every rsync of sersync gets.

use std::ops::Range;

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::Check,
        report::{Case, Reporter},
        subject::SersyncSubject,
    },
    model::sersync::Setting,
    terms::{OPTIONS, RsyncOption},
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY921", update_option),
    Check::sersync("RSY922", no_recursion),
    Check::sersync("RSY923", delete_in_params),
    Check::sersync("RSY924", doubled_options),
    Check::sersync("RSY944", params_refused),
];

/// RSY921: a file that is older than the target's is skipped, without a word.
fn update_option(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(params) = subject.configuration.params() else {
        return;
    };
    for option in options(params) {
        if option.is(b'u', "update") {
            let span = subject.span(params.value.range_of(option.part.clone()));
            let word = subject.span(params.value.range_of(option.word.clone()));
            // A letter of several goes alone, the dash stays.
            let gone = if option.is_alone() { word } else { span };
            out.report(
                Case::at(span)
                    .with("option", option.display())
                    .fix(Safety::Unsafe, [Edit::delete(gone)]),
            );
        }
    }
}

/// RSY922: without recursion rsync skips every folder that it is given.
fn no_recursion(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(params) = subject.configuration.params() else {
        return;
    };
    let mut recurses = false;
    for option in options(params) {
        if option.is(b'r', "recursive") || option.is(b'a', "archive") {
            recurses = true;
        } else if ["no-recursive", "no-r"].iter().any(|name| option.is_long(name)) {
            recurses = false;
        }
    }
    if !recurses {
        let case = Case::at(subject.value(params));
        out.report(case.with("params", params.value.display()));
    }
}

/// RSY923: whether something is deleted is for the switch `delete` to say.
fn delete_in_params(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(params) = subject.configuration.params() else {
        return;
    };
    for option in options(params) {
        if option.is_long("del") || option.long().is_some_and(|name| name.starts_with(b"delete")) {
            let span = subject.span(params.value.range_of(option.part.clone()));
            out.report(Case::at(span).with("option", option.display()));
        }
    }
}

/// RSY924: what `-a` holds already, and what sersync adds of itself. Once each.
fn doubled_options(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(params) = subject.configuration.params() else {
        return;
    };
    let options = options(params);
    let mut report = |variant, doubled: Vec<&Seen<'_>>| {
        if let Some(first) = doubled.first() {
            let mut names: Vec<_> = doubled.iter().map(|option| option.display()).collect();
            names.dedup();
            let span = subject.span(params.value.range_of(first.part.clone()));
            out.report(
                Case::at(span)
                    .variant(variant)
                    .with("options", names.join("`, `")),
            );
        }
    };
    if options.iter().any(|option| option.is(b'a', "archive")) {
        let implied = options.iter().filter(|option| {
            let letters = b"rlptgoD".iter();
            letters.copied().any(|letter| option.letter() == Some(letter))
        });
        report("implied", implied.collect());
    }
    let added = added_options(subject);
    let doubled = options
        .iter()
        .filter(|option| added.iter().any(|(letter, name)| option.is(*letter, name)));
    report("added", doubled.collect());
}

/// The options that sersync puts behind the params.
fn added_options(subject: &SersyncSubject<'_>) -> Vec<(u8, &'static str)> {
    let configuration = subject.configuration;
    let timeout = configuration.timeout().and_then(|timeout| timeout.start.as_ref());
    let mut added = vec![(b'R', "relative")];
    if configuration.active_auth().is_some() {
        added.push((0, "password-file"));
    }
    if configuration.active_port().is_some() {
        added.push((0, "port"));
    }
    if timeout.is_some_and(Setting::is_on) {
        added.push((0, "timeout"));
    }
    if configuration.active_ssh().is_some() {
        added.push((b'e', "rsh"));
    }
    added
}

/// Options whose value is a whole number, and those whose value is a size (`long_options` and `parse_size_arg` in
/// options.c).
const NUMBERS: [&str; 12] = [
    "checksum-seed",
    "compress-level",
    "compress-threads",
    "contimeout",
    "max-delete",
    "modify-window",
    "port",
    "protocol",
    "timeout",
    "zl",
    "zt",
    "@",
];
const SIZES: [&str; 6] = ["B", "block-size", "bwlimit", "max-alloc", "max-size", "min-size"];

/// RSY944: what makes rsync end before it does anything.
fn params_refused(subject: &SersyncSubject<'_>, out: &mut Reporter<'_>) {
    let Some(params) = subject.configuration.params() else {
        return;
    };
    let text = params.value.bytes();
    for option in options(params) {
        let value = option.value.clone().map(|value| &text[value]);
        let case =
            Case::at(subject.span(params.value.range_of(option.whole()))).with("option", option.display());
        let Some(name) = option.name().filter(|_| !value.is_some_and(is_for_shell)) else {
            continue;
        };
        let told = || String::from_utf8_lossy(value.unwrap_or_default()).into_owned();
        match option.known() {
            None => out.report(match nearest(name) {
                Some(like) => case.variant("spelling").with("like", like),
                None => case,
            }),
            Some(known) if !known.takes_value => {
                if value.is_some() {
                    out.report(case.variant("no-value"));
                }
            }
            Some(_) if NUMBERS.contains(&name) && !value.is_none_or(is_number) => {
                out.report(case.variant("number").with("value", told()));
            }
            Some(_) if SIZES.contains(&name) && !value.is_none_or(is_size) => {
                out.report(case.variant("size").with("value", told()));
            }
            Some(_) => {}
        }
    }
    for word in words(text) {
        let word_text = String::from_utf8_lossy(&text[word.clone()]);
        let rest = word_text.trim_start_matches(['–', '—', '−']);
        if rest.len() < word_text.len() {
            let instead = if rest.len() > 1 { "--" } else { "-" };
            out.report(
                Case::at(subject.span(params.value.range_of(word)))
                    .variant("dash")
                    .with("option", &*word_text)
                    .with("instead", format!("{instead}{}", rest.trim_start_matches('-'))),
            );
        }
    }
}

/// What the shell changes before rsync sees it.
fn is_for_shell(value: &[u8]) -> bool {
    value.iter().any(|byte| b"\"'`$\\".contains(byte))
}

/// A whole number as popt reads it; nothing counts as none.
fn is_number(value: &[u8]) -> bool {
    let digits = value
        .strip_prefix(b"-")
        .or_else(|| value.strip_prefix(b"+"))
        .unwrap_or(value);
    match digits.strip_prefix(b"0x").or_else(|| digits.strip_prefix(b"0X")) {
        Some(hexadecimal) => hexadecimal.iter().all(u8::is_ascii_hexdigit),
        None => digits.iter().all(u8::is_ascii_digit),
    }
}

/// A number, perhaps with a fraction, a unit, and a `+1` or `-1` behind it.
fn is_size(value: &[u8]) -> bool {
    let value = value
        .strip_suffix(b"+1")
        .or_else(|| value.strip_suffix(b"-1"))
        .unwrap_or(value);
    let is_digit = |byte: &u8| byte.is_ascii_digit() || *byte == b'.';
    let unit = value
        .iter()
        .position(|byte| !is_digit(byte))
        .unwrap_or(value.len());
    let unit = value[unit..].to_ascii_lowercase();
    match unit.as_slice() {
        [] => true,
        [letter, rest @ ..] => b"bkmgtp".contains(letter) && matches!(rest, b"" | b"b" | b"ib"),
    }
}

/// The option that is most like a long name that is none.
fn nearest(name: &str) -> Option<&'static str> {
    let distance = |known: &str| strsim::damerau_levenshtein(known, name);
    let known = OPTIONS.iter().filter_map(|option| option.long);
    known
        .filter(|_| name.len() > 3)
        .min_by_key(|known| distance(known))
        .filter(|known| distance(known) <= 2)
}

/// An option as it stands in the params.
pub(super) struct Seen<'a> {
    text: &'a [u8],
    /// Its letter, or the long option; counts bytes of the value.
    pub(super) part: Range<usize>,
    /// The word that it stands in.
    word: Range<usize>,
    /// The value that stands behind it, or in the next word.
    value: Option<Range<usize>>,
}

impl Seen<'_> {
    /// Whether it is that option, by its letter or its long name.
    fn is(&self, letter: u8, name: &str) -> bool {
        self.letter() == Some(letter) || self.is_long(name)
    }

    /// Whether it is the long option of that name.
    pub(super) fn is_long(&self, name: &str) -> bool {
        self.long() == Some(name.as_bytes())
    }

    fn letter(&self) -> Option<u8> {
        (self.part.len() == 1).then(|| self.text[self.part.start])
    }

    fn long(&self) -> Option<&[u8]> {
        let name = self.text[self.part.clone()].strip_prefix(b"--")?;
        let end = name.iter().position(|&byte| byte == b'=').unwrap_or(name.len());
        Some(&name[..end])
    }

    /// Its long name or its letter; `None` where a shell makes another word of it.
    fn name(&self) -> Option<&str> {
        let name = match self.letter() {
            Some(_) => &self.text[self.part.clone()],
            None => self.long().unwrap_or_default(),
        };
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_@".contains(byte);
        let name = std::str::from_utf8(name).ok()?;
        (!name.is_empty() && name.bytes().all(|byte| is_plain(&byte))).then_some(name)
    }

    fn known(&self) -> Option<&'static RsyncOption> {
        match self.letter() {
            Some(letter) => RsyncOption::of_letter(letter),
            None => RsyncOption::of_name(self.name()?),
        }
    }

    /// The option with its value, if both are one word.
    fn whole(&self) -> Range<usize> {
        let value = self.value.clone().filter(|value| value.end <= self.word.end);
        self.part.start..value.map_or(self.part.end, |value| value.end)
    }

    fn is_alone(&self) -> bool {
        self.long().is_some() || self.word.len() == 2
    }

    fn display(&self) -> String {
        match (self.letter(), self.long()) {
            (Some(letter), _) => format!("-{}", char::from(letter)),
            (None, name) => format!("--{}", String::from_utf8_lossy(name.unwrap_or_default())),
        }
    }
}

/// The options of a command line as the shell gives them to rsync. As popt does, an option that wants a value takes the
/// next word for it, whatever that begins with.
pub(super) fn options(params: &Setting) -> Vec<Seen<'_>> {
    let text = params.value.bytes();
    let mut options = Vec::new();
    let mut words = words(text).into_iter();
    while let Some(word) = words.next() {
        let seen = |part, value| Seen {
            text,
            part,
            word: word.clone(),
            value,
        };
        match &text[word.clone()] {
            b"--" => break,
            [b'-', b'-', rest @ ..] => {
                let equals = rest.iter().position(|&byte| byte == b'=');
                let name = std::str::from_utf8(&rest[..equals.unwrap_or(rest.len())]).unwrap_or_default();
                let takes_value = RsyncOption::of_name(name).is_some_and(|option| option.takes_value);
                let value = match equals {
                    Some(at) => Some(word.start + 3 + at..word.end),
                    None if takes_value => words.next(),
                    None => None,
                };
                options.push(seen(word.clone(), value));
            }
            [b'-', letters @ ..] => {
                for (at, &letter) in letters.iter().enumerate() {
                    let start = word.start + 1 + at;
                    let part = start..start + 1;
                    if !RsyncOption::of_letter(letter).is_some_and(|option| option.takes_value) {
                        options.push(seen(part, None));
                        continue;
                    }
                    let equals = usize::from(letters.get(at + 1) == Some(&b'='));
                    let value = match part.end == word.end {
                        true => words.next(),
                        false => Some(part.end + equals..word.end),
                    };
                    options.push(seen(part, value));
                    break;
                }
            }
            _ => {}
        }
    }
    options
}

/// The words that a shell makes of a text; quotes stay.
fn words(text: &[u8]) -> Vec<Range<usize>> {
    let mut words = Vec::new();
    let mut quote = None;
    let mut start = None;
    for (at, &byte) in text.iter().enumerate() {
        match quote {
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte.is_ascii_whitespace() => words.extend(start.take().map(|start| start..at)),
            None => {
                start.get_or_insert(at);
                quote = matches!(byte, b'"' | b'\'').then_some(byte);
            }
        }
    }
    words.extend(start.map(|start| start..text.len()));
    words
}
