//! `rsyncctl.toml`: what a project wants to hear of its files.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use serde::{
    Deserialize, Deserializer,
    de::{Error, SeqAccess, Visitor},
};
use toml::Spanned;

use crate::{catalog::Severity, terms::Release};

/// The name of the file.
pub const FILE_NAME: &str = "rsyncctl.toml";

/// What a project wants to hear.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The only rules to check: identifiers, names, or beginnings of identifiers such as `RSY3`; empty: all.
    pub select: Vec<Word>,
    /// Rules not to check.
    pub ignore: Vec<Word>,
    /// Severities that replace those of the pages.
    pub severity: Vec<(Word, Severity)>,
    /// The least severity that makes the command fail.
    pub fail_on: Option<FailOn>,
    /// The file of findings that are not shown again, from the folder of the settings.
    pub baseline: Option<PathBuf>,
    /// The release of rsync that reads the files.
    pub target_version: Option<Release>,
}

/// What a settings file calls some rules.
#[derive(Clone, Debug)]
pub struct Word {
    /// As it is written.
    pub text: String,
    /// The 1-based line in which it stands.
    pub line: usize,
}

/// The settings as they are written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Written {
    #[serde(deserialize_with = "list")]
    select: Vec<Spanned<String>>,
    #[serde(deserialize_with = "list")]
    ignore: Vec<Spanned<String>>,
    severity: BTreeMap<Spanned<String>, Severity>,
    fail_on: Option<FailOn>,
    baseline: Option<PathBuf>,
    target_version: Option<Release>,
}

/// Reads a list of words. One word alone is a usual mistake.
fn list<'de, D: Deserializer<'de>>(written: D) -> Result<Vec<Spanned<String>>, D::Error> {
    struct List;
    impl<'de> Visitor<'de> for List {
        type Value = Vec<Spanned<String>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list of rules, such as `[\"RSY3\"]`")
        }

        fn visit_str<E: Error>(self, word: &str) -> Result<Self::Value, E> {
            Err(E::custom(format_args!(
                "this is a list, even of one rule: write `[{word:?}]`"
            )))
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut words: A) -> Result<Self::Value, A::Error> {
            let mut list = Vec::new();
            while let Some(word) = words.next_element()? {
                list.push(word);
            }
            Ok(list)
        }
    }
    written.deserialize_any(List)
}

/// The least severity that makes a command fail.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Only errors.
    Error,
    /// Warnings too.
    Warning,
    /// Whatever is found.
    Info,
    /// Nothing.
    Never,
}

impl FailOn {
    /// Whether a finding of that severity makes the command fail.
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::Error => severity >= Severity::Error,
            Self::Warning => severity >= Severity::Warning,
            Self::Info => true,
            Self::Never => false,
        }
    }
}

/// Why settings cannot be used; the line is 1-based.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct SettingsError {
    line: usize,
    message: String,
}

impl Settings {
    /// Reads the text of a settings file.
    ///
    /// # Errors
    /// The first line that is no TOML, names no setting or has a value of the wrong kind.
    pub fn parse(text: &str) -> Result<Self, SettingsError> {
        let line = |offset: usize| {
            let before = &text.as_bytes()[..offset.min(text.len())];
            before.iter().filter(|&&byte| byte == b'\n').count() + 1
        };
        let written: Written = toml::from_str(text).map_err(|error| SettingsError {
            line: line(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let word = |written: Spanned<String>| Word {
            line: line(written.span().start),
            text: written.into_inner(),
        };
        let severities = written.severity.into_iter();
        Ok(Self {
            select: written.select.into_iter().map(word).collect(),
            ignore: written.ignore.into_iter().map(word).collect(),
            severity: severities
                .map(|(rule, severity)| (word(rule), severity))
                .collect(),
            fail_on: written.fail_on,
            baseline: written.baseline,
            target_version: written.target_version,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read() {
        let settings = Settings::parse(
            "select = [\"RSY3\"]\nfail-on = \"error\"\ntarget-version = \"3.2.7\"\n[severity]\nRSY101 = \"info\"\n",
        )
        .expect("sound settings");
        assert_eq!(settings.select[0].text, "RSY3");
        assert_eq!(settings.fail_on, Some(FailOn::Error));
        assert_eq!(settings.target_version, Some(Release::new(3, 2, 7)));
        let (rule, severity) = &settings.severity[0];
        assert_eq!((&*rule.text, rule.line, *severity), ("RSY101", 5, Severity::Info));
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let error = Settings::parse("select = []\nignored = []\n").expect_err("an unknown setting");
        assert!(
            error.to_string().starts_with("line 2: unknown field `ignored`"),
            "{error}"
        );
        let error = Settings::parse("\n\nfail-on = \"sometimes\"\n").expect_err("an unknown value");
        assert!(error.to_string().starts_with("line 3: "), "{error}");
        let error = Settings::parse("\nselect = \"RSY3\"\n").expect_err("a word");
        assert_eq!(
            error.to_string(),
            "line 2: this is a list, even of one rule: write `[\"RSY3\"]`"
        );
        let error = Settings::parse("select = 3\n").expect_err("a number");
        assert_eq!(
            error.to_string(),
            "line 1: invalid type: integer `3`, expected a list of rules, such as `[\"RSY3\"]`"
        );
    }
}
