//! `rsyncctl.toml`: what a project wants to hear of its files.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;

use crate::{catalog::Severity, terms::Release};

/// The name of the file.
pub const FILE_NAME: &str = "rsyncctl.toml";

/// What a project wants to hear.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// The only rules to check: identifiers, names, or beginnings of identifiers such as `RSY3`; empty: all.
    pub select: Vec<String>,
    /// Rules not to check.
    pub ignore: Vec<String>,
    /// Severities that replace those of the pages.
    pub severity: BTreeMap<String, Severity>,
    /// The least severity that makes the command fail.
    pub fail_on: Option<FailOn>,
    /// The file of findings that are not shown again, from the folder of the settings.
    pub baseline: Option<PathBuf>,
    /// The release of rsync that reads the files.
    pub target_version: Option<Release>,
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
        toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start.min(text.len()));
            SettingsError {
                line: text.as_bytes()[..offset]
                    .iter()
                    .filter(|&&byte| byte == b'\n')
                    .count()
                    + 1,
                message: error.message().to_owned(),
            }
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
        assert_eq!(settings.select, ["RSY3"]);
        assert_eq!(settings.fail_on, Some(FailOn::Error));
        assert_eq!(settings.target_version, Some(Release::new(3, 2, 7)));
        assert_eq!(settings.severity.get("RSY101"), Some(&Severity::Info));
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
    }
}
