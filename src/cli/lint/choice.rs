//! Which rules, how severe, for which release: the command line, then the project's settings.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::{
    catalog::{self, Page, Severity},
    cli::{Failure, settings::SettingsFile},
    host::Host,
    lint::{Circumstances, FILE_NAME, FailOn, Options, Word},
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
    #[command(flatten)]
    settings: SettingsFile,
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
    /// The baseline that the settings name.
    pub(super) baseline: Option<PathBuf>,
    /// The settings file, for the report.
    pub(super) settings: Option<String>,
}

impl Choice {
    /// Puts the command line and the settings that belong to `first` together; the command line wins.
    pub(super) fn resolve(&self, first: &Path, host: &dyn Host) -> Result<Chosen, Failure> {
        let (settings, file) = self.settings.read(first)?;
        // A mistake in the settings is told with its place.
        let of_settings = |word: &Word| {
            let file = file.as_deref().unwrap_or_else(|| Path::new(FILE_NAME)).display();
            pages(&word.text).map_err(|error| format!("{file}: line {}: {error}", word.line))
        };
        let mut severities: Vec<_> = settings.severity.iter().collect();
        // The beginning of an identifier first, the rule itself last: the last one counts.
        severities.sort_by_key(|(word, _)| (catalog::page(&word.text).is_some(), word.text.len()));
        let severities = severities
            .into_iter()
            .map(|(word, severity)| {
                let pages = of_settings(word)?.into_iter();
                Ok(pages.map(|page| (page, *severity)).collect())
            })
            .collect::<Result<Vec<Vec<(&'static Page, Severity)>>, String>>()?;
        let by_project = settings.select.iter().map(of_settings);
        let by_project = by_project.collect::<Result<Vec<_>, String>>()?.concat();
        let select = all_pages(&self.select)?;
        let ignored_by_project = settings.ignore.iter().map(of_settings);
        let mut ignore = ignored_by_project.collect::<Result<Vec<_>, String>>()?.concat();
        // What is asked for on the command line is checked, whatever the project ignores.
        if !select.is_empty() {
            ignore.clear();
        }
        ignore.extend(all_pages(&self.ignore)?);
        let release = self
            .target_version
            .or(settings.target_version)
            .unwrap_or(Release::CURRENT);
        Ok(Chosen {
            options: Options {
                circumstances: Circumstances {
                    release,
                    from_release: self.from_version,
                    daemon_uid: uid(&self.daemon_user, host)?,
                    today: jiff::Zoned::now().date(),
                },
                select: if select.is_empty() { by_project } else { select },
                ignore,
                severities: severities.concat(),
            },
            fail_on: self
                .fail_on
                .map(FailOn::from)
                .or(settings.fail_on)
                .unwrap_or(FailOn::Warning),
            names_rules: !self.select.is_empty(),
            baseline: settings.baseline.as_ref().map(|baseline| {
                let folder = file.as_deref().and_then(Path::parent);
                folder.unwrap_or_else(|| Path::new("")).join(baseline)
            }),
            settings: file.map(|file| file.display().to_string()),
        })
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

fn all_pages(words: &[String]) -> Result<Vec<&'static Page>, String> {
    let pages = words.iter().map(|word| pages(word));
    Ok(pages.collect::<Result<Vec<_>, String>>()?.concat())
}

fn pages(word: &str) -> Result<Vec<&'static Page>, String> {
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
    })
}
