//! Which rules, how severe, for which release: the command line, then the project's settings.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::{
    catalog::{self, Page, Severity},
    cli::{Failure, input::cannot_read},
    host::{Host, plain, read_bounded},
    lint::{Circumstances, FILE_NAME, FailOn, Options, Settings},
    terms::Release,
};

/// No settings are as long, in bytes.
const LARGEST_SETTINGS: u64 = 1 << 20;

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
    /// The baseline that the settings name.
    pub(super) baseline: Option<PathBuf>,
    /// The settings file, for the report.
    pub(super) settings: Option<String>,
}

impl Choice {
    /// Puts the command line and the settings that belong to `first` together; the command line wins.
    pub(super) fn resolve(&self, first: &Path, host: &dyn Host) -> Result<Chosen, Failure> {
        let file = self.settings_file(first);
        let settings = match &file {
            Some(file) => Self::settings(file)?,
            None => Settings::default(),
        };
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
            baseline: settings.baseline.as_ref().map(|baseline| {
                let folder = file.as_deref().and_then(Path::parent);
                relative(&folder.unwrap_or_else(|| Path::new("")).join(baseline)).to_owned()
            }),
            settings: file.map(|file| relative(&file).display().to_string()),
        })
    }

    /// The settings file that was named, or the nearest one.
    fn settings_file(&self, first: &Path) -> Option<PathBuf> {
        if self.no_settings {
            return None;
        }
        self.settings.clone().or_else(|| nearest_settings(first))
    }

    fn settings(path: &Path) -> Result<Settings, Failure> {
        let bytes = read_bounded(path, LARGEST_SETTINGS).map_err(|error| cannot_read(path, plain(&error)))?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..good]
                .iter()
                .filter(|&&byte| byte == b'\n')
                .count()
                + 1;
            format!("{}: line {line}: this is not UTF-8", path.display())
        })?;
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
        .find(|file| file.symlink_metadata().is_ok())
}

/// A path below the folder in which we are, as users would write it.
fn relative(path: &Path) -> &Path {
    let here = std::env::current_dir().ok();
    here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path)
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
