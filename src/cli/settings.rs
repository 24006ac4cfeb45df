//! Which settings file belongs to the files that are asked about.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::{
    cli::{Failure, input::cannot_read},
    host::{plain, read_bounded},
    lint::{FILE_NAME, Settings},
};

/// No settings are as long, in bytes.
const LARGEST_SETTINGS: u64 = 1 << 20;

/// Where the settings come from.
#[derive(Args, Debug)]
pub(super) struct SettingsFile {
    /// The settings file [default: rsyncctl.toml beside the first file or in a folder above it]
    #[arg(long, value_name = "FILE", conflicts_with = "no_settings")]
    settings: Option<PathBuf>,
    /// Read no settings file
    #[arg(long)]
    no_settings: bool,
}

impl SettingsFile {
    /// Reads the settings that hold for a file, and says where they stand, as users would write it; without a file
    /// nothing is set.
    pub(super) fn read(&self, first: &Path) -> Result<(Settings, Option<PathBuf>), Failure> {
        let named = self.settings.clone();
        let file = match self.no_settings {
            true => None,
            false => named.or_else(|| nearest(first)),
        };
        let Some(file) = file else {
            return Ok((Settings::default(), None));
        };
        Ok((parse(&file)?, Some(relative(&file).to_owned())))
    }
}

fn parse(path: &Path) -> Result<Settings, Failure> {
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

/// The settings file beside a path or in the nearest folder above it.
fn nearest(path: &Path) -> Option<PathBuf> {
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
