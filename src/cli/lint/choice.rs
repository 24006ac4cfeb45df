//! Which rules, how severe, for which release: the command line, then the project's settings.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};

use crate::{
    catalog::{self, Page, Severity},
    cli::Failure,
    host::Host,
    lint::{Circumstances, FILE_NAME, FailOn, Options, Settings},
    terms::Release,
};

/// What the user wants to hear.
#[derive(Args, Debug)]
pub(super) struct Choice {
    /// Check only these rules: identifiers, names, or beginnings such as RSY3, separated by commas
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    select: Vec<String>,
    /// Do not check these rules
    #[arg(long, value_name = "RULES", value_delimiter = ',')]
    ignore: Vec<String>,
    /// The least severity that makes the command fail [default: warning]
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<Threshold>,
    /// The release of rsync that will read the files [default: 3.5.0]
    #[arg(long, value_name = "VERSION")]
    target_version: Option<Release>,
    /// The release that reads the files today; says which lines the other one reads otherwise
    #[arg(long, value_name = "VERSION")]
    from_version: Option<Release>,
    /// The user that starts the daemon, by name or number
    #[arg(long, value_name = "USER", default_value = "root")]
    daemon_user: String,
    /// The settings file [default: rsyncctl.toml beside the first file or in a folder above it]
    #[arg(long, value_name = "FILE", conflicts_with = "no_settings")]
    settings: Option<PathBuf>,
    /// Read no settings file
    #[arg(long)]
    no_settings: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Threshold {
    Error,
    Warning,
    Info,
    Never,
}

impl From<Threshold> for FailOn {
    fn from(threshold: Threshold) -> Self {
        match threshold {
            Threshold::Error => Self::Error,
            Threshold::Warning => Self::Warning,
            Threshold::Info => Self::Info,
            Threshold::Never => Self::Never,
        }
    }
}

/// What holds for a run.
pub(super) struct Chosen {
    pub(super) options: Options,
    pub(super) fail_on: FailOn,
    /// Whether the user asked for single rules, so that one that cannot be checked is missing.
    pub(super) names_rules: bool,
}

impl Choice {
    /// Puts the command line and the settings that belong to `first` together; the command line wins.
    pub(super) fn resolve(&self, first: &Path, host: &dyn Host) -> Result<Chosen, Failure> {
        let settings = self.settings(first)?;
        let select = if self.select.is_empty() {
            &settings.select
        } else {
            &self.select
        };
        let mut severities: Vec<_> = settings.severity.iter().collect();
        // The beginning of an identifier first, the rule itself last: the last one counts.
        severities.sort_by_key(|(word, _)| (catalog::page(word).is_some(), word.len()));
        let severities = severities
            .into_iter()
            .map(|(word, severity)| Ok(pages(word)?.into_iter().map(|page| (page, *severity)).collect()))
            .collect::<Result<Vec<Vec<(&'static Page, Severity)>>, Failure>>()?;
        let release = self
            .target_version
            .or(settings.target_version)
            .unwrap_or(Release::CURRENT);
        // What is asked for on the command line is checked, whatever the project ignores.
        let by_project = settings.ignore.iter().filter(|_| self.select.is_empty());
        let ignored = by_project.chain(&self.ignore);
        Ok(Chosen {
            options: Options {
                circumstances: Circumstances {
                    release,
                    from_release: self.from_version,
                    daemon_uid: uid(&self.daemon_user, host)?,
                    today: jiff::Zoned::now().date(),
                },
                select: all_pages(select)?,
                ignore: all_pages(ignored)?,
                severities: severities.concat(),
            },
            fail_on: self
                .fail_on
                .map(FailOn::from)
                .or(settings.fail_on)
                .unwrap_or(FailOn::Warning),
            names_rules: !self.select.is_empty(),
        })
    }

    fn settings(&self, first: &Path) -> Result<Settings, Failure> {
        if self.no_settings {
            return Ok(Settings::default());
        }
        let Some(path) = self.settings.clone().or_else(|| nearest_settings(first)) else {
            return Ok(Settings::default());
        };
        let text = fs::read_to_string(&path)
            .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        Settings::parse(&text).map_err(|error| format!("{}: {error}", path.display()).into())
    }
}

/// The number of a user of this machine; root has the same one everywhere.
fn uid(user: &str, host: &dyn Host) -> Result<u32, Failure> {
    if user == "root" {
        return Ok(0);
    }
    if let Ok(number) = user.parse() {
        return Ok(number);
    }
    match host.user(user) {
        Ok(Some(user)) => Ok(user.uid),
        Ok(None) => Err(format!(
            "the machine has no user `{user}`; give --daemon-user the number that the user has on the server"
        )
        .into()),
        Err(error) => Err(format!("cannot look up the user `{user}`: {error}").into()),
    }
}

/// The settings file beside a path or in the nearest folder above it.
fn nearest_settings(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    path.ancestors()
        .map(|folder| folder.join(FILE_NAME))
        .find(|file| file.is_file())
}

fn all_pages<'w>(words: impl IntoIterator<Item = &'w String>) -> Result<Vec<&'static Page>, Failure> {
    let pages = words.into_iter().map(|word| pages(word));
    Ok(pages.collect::<Result<Vec<_>, Failure>>()?.concat())
}

fn pages(word: &str) -> Result<Vec<&'static Page>, Failure> {
    let pages = catalog::select(word);
    if !pages.is_empty() {
        return Ok(pages);
    }
    Err(match catalog::nearest(word) {
        Some(page) => format!(
            "no rule is called `{word}`; did you mean {} ({})?",
            page.id, page.name
        ),
        None => format!("no rule is called `{word}`; `rsyncctl rules` lists them"),
    }
    .into())
}
