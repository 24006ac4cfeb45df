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
};

pub(super) const CHECKS: &[Check] = &[
    Check::sersync("RSY921", update_option),
    Check::sersync("RSY922", no_recursion),
    Check::sersync("RSY923", delete_in_params),
    Check::sersync("RSY924", doubled_options),
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

/// An option as it stands in the params.
pub(super) struct Seen<'a> {
    text: &'a [u8],
    /// Its letter, or the long option; counts bytes of the value.
    pub(super) part: Range<usize>,
    /// The word that it stands in.
    word: Range<usize>,
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

/// The options of a command line as the shell gives them to rsync. A value that stands in a word of its own is no
/// option, unless it begins with a dash.
pub(super) fn options(params: &Setting) -> Vec<Seen<'_>> {
    let text = params.value.bytes();
    let mut options = Vec::new();
    for word in words(text) {
        let seen = |part| Seen {
            text,
            part,
            word: word.clone(),
        };
        match &text[word.clone()] {
            [b'-', b'-', ..] => options.push(seen(word.clone())),
            [b'-', letters @ ..] => {
                let with_value = letters.iter().position(|letter| b"eBfMT@".contains(letter));
                let count = with_value.map_or(letters.len(), |at| at + 1);
                options.extend((0..count).map(|at| seen(word.start + 1 + at..word.start + 2 + at)));
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
