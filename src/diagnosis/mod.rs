//! What every instrument reports: findings, their evidence and their remedy.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod group;

use std::borrow::Cow;

pub use group::Member;
pub(crate) use group::told;

use crate::{
    catalog::{Confidence, Harm, Language, Page, Safety, Severity, Symptom, Text, fill, fill_command},
    host::Unknown,
    terms::{Release, Span, without_passwords},
};

/// A cause, seen in one place.
#[derive(Debug)]
pub struct Finding {
    /// The cause.
    pub page: &'static Page,
    /// Which of the page's kinds of case it is.
    pub variant: Option<&'static str>,
    /// How bad it is here.
    pub severity: Severity,
    /// How sure it is here.
    pub confidence: Confidence,
    /// What clients meet first, where that depends on what the line was to do.
    pub harm: Option<Harm>,
    /// The values of the texts' placeholders.
    pub arguments: Vec<(&'static str, String)>,
    /// The bytes that are wrong, then what they conflict with.
    pub labels: Vec<Label>,
    /// The modules that it is told for, if it is told once for many; the first label is that of the first.
    pub members: Vec<Member>,
    /// A change that cures it, if one is known.
    pub fix: Option<Edits>,
    /// Facts of the machine that the finding rests on, as short English sentences.
    pub facts: Vec<String>,
    /// Where findings of other rules are only consequences of this one.
    pub explains: Vec<Explained>,
}

/// A place where a cause lets other rules fire too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Explained {
    /// Where; a finding is a consequence if its first place overlaps it, or any of its places if rules are named.
    pub span: Span,
    /// The rules that fire there because of the cause; none: all.
    pub rules: &'static [&'static str],
    /// What begins in front of this is about more than the cause, such as the line and not its value.
    pub from: u32,
}

/// A place in a file, and the key of what the page says there; none for the first place.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// Which of the page's labels.
    pub key: Option<&'static str>,
}

/// Changes that belong together: all or none.
#[derive(Clone, Debug)]
pub struct Edits {
    /// How safe they are.
    pub safety: Safety,
    /// What is replaced, without overlaps.
    pub edits: Vec<Edit>,
}

impl Edits {
    /// Whether what they write holds no password, and so may be told to programs too: without it they would spoil the file.
    pub fn is_public(&self) -> bool {
        let is_public = |edit: &Edit| match without_passwords(&String::from_utf8_lossy(&edit.replacement)) {
            Cow::Borrowed(_) => true,
            Cow::Owned(_) => false,
        };
        self.edits.iter().all(is_public)
    }
}

/// Bytes that replace others.
#[derive(Clone, Debug)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub replacement: Vec<u8>,
}

impl Finding {
    /// What is wrong, in one line.
    pub fn title(&self, language: Language) -> Cow<'static, str> {
        self.say(self.text(language).title)
    }

    /// Why it matters.
    pub fn message(&self, language: Language) -> Cow<'static, str> {
        self.say(self.text(language).message)
    }

    /// What to do.
    pub fn help(&self, language: Language) -> Cow<'static, str> {
        let help = self.say(self.text(language).help);
        if help.contains('\t') {
            // What is to be typed is copied; a report shows a tab as a dot.
            help.replace('\t', " ").into()
        } else {
            help
        }
    }

    /// What stands under a place; `None` where nothing does.
    pub fn label(&self, label: &Label, language: Language) -> Option<Cow<'static, str>> {
        let text = self.text(language);
        match label.key {
            None => text.label.map(|label| fill(label, &self.arguments)),
            Some(key) => {
                let (_, label) = text.labels.iter().find(|(name, _)| *name == key)?;
                Some(fill(label, &self.arguments))
            }
        }
    }

    /// What to type.
    pub fn commands(&self) -> Vec<String> {
        let own = self.variant.and_then(|name| self.page.variant(name)?.commands);
        own.unwrap_or(self.page.commands)
            .iter()
            .map(|command| fill_command(command, &self.arguments).into_owned())
            .collect()
    }

    /// What clients and the log of that release will show.
    pub fn predictions(&self, release: Release) -> impl Iterator<Item = &'static Symptom> {
        let variant = self.variant;
        self.page.symptoms.iter().filter(move |symptom| {
            symptom.applies_to(release)
                && (symptom.variants.is_empty()
                    || variant.is_some_and(|name| symptom.variants.contains(&name)))
                && match symptom.harm {
                    None => true,
                    Some(harm) => self.harm.unwrap_or(Harm::Unseen) == harm,
                }
        })
    }

    /// A symptom's text with this case's values.
    pub fn filled(&self, text: &'static str) -> Cow<'static, str> {
        fill(text, &self.arguments)
    }

    fn text(&self, language: Language) -> Text {
        self.page.text(self.variant, language)
    }

    fn say(&self, text: Option<&'static str>) -> Cow<'static, str> {
        let text = text.unwrap_or_default();
        if self
            .arguments
            .iter()
            .all(|(_, value)| value.len() <= LONGEST_VALUE)
        {
            return fill(text, &self.arguments);
        }
        let shortened: Vec<_> = self
            .arguments
            .iter()
            .map(|(key, value)| (*key, shorten(value)))
            .collect();
        fill(text, &shortened)
    }
}

/// Bytes of a value that a sentence can hold and still be read. Commands hold values whole.
const LONGEST_VALUE: usize = 160;

fn shorten(value: &str) -> String {
    if value.len() <= LONGEST_VALUE {
        return value.to_owned();
    }
    let end = (0..=LONGEST_VALUE)
        .rev()
        .find(|&at| value.is_char_boundary(at))
        .unwrap_or(0);
    format!("{}…", &value[..end])
}

/// Something that was asked for and could not be checked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Unchecked {
    /// The cause that was looked for; none if it is a whole file.
    pub rule: Option<&'static str>,
    /// What it is about: a path, a name.
    pub subject: String,
    /// Why it could not be checked.
    pub reason: Unknown,
}
