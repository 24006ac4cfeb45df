//! `--baseline`: which file it is, how it calls the files, and what is written into it.

use std::{
    env, fs, io,
    path::{Component, Path, PathBuf},
};

use clap::Args;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        input::cannot_read,
        output::complain,
        replace::{folder, replace, write},
    },
    diagnosis::Finding,
    host::{LARGEST_FILE, plain, read_bounded},
    lint::{Baseline, Compared, Options, Place, Report},
};

/// Which findings are known.
#[derive(Args, Debug)]
pub(super) struct KnownFindings {
    /// Do not show the findings that this file lists [default: `baseline` of the settings]
    #[arg(long, value_name = "FILE", conflicts_with = "no_baseline")]
    baseline: Option<PathBuf>,
    /// Show all findings, whatever baseline the settings name
    #[arg(long)]
    no_baseline: bool,
    /// Take what is found no more out of the baseline; --fix does so too
    #[arg(long, conflicts_with_all = ["no_baseline", "diff"])]
    update_baseline: bool,
    /// Take everything that is found now into the baseline, so that it is not shown again
    #[arg(long, conflicts_with_all = ["no_baseline", "diff", "update_baseline"])]
    write_baseline: bool,
}

/// A baseline that holds for a run.
pub(super) struct Known {
    path: PathBuf,
    /// The folder in which it lies, without links.
    folder: PathBuf,
    /// The folder in which we are.
    here: PathBuf,
    /// None if there is no file yet.
    text: Option<Vec<u8>>,
    baseline: Baseline,
}

impl KnownFindings {
    /// Reads the baseline that was named, or else the one of the settings.
    pub(super) fn read(&self, of_settings: Option<PathBuf>) -> Result<Option<Known>, Failure> {
        if self.no_baseline {
            return Ok(None);
        }
        let Some(path) = self.baseline.clone().or(of_settings) else {
            if self.write_baseline || self.update_baseline {
                return Err(
                    "no file is named for the baseline; give --baseline FILE, or write `baseline = \"FILE\"` into \
                     rsyncctl.toml"
                        .into(),
                );
            }
            return Ok(None);
        };
        let text = match read_bounded(&path, LARGEST_FILE) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.write_baseline => None,
            Err(error) => {
                let hint = match error.kind() {
                    io::ErrorKind::NotFound => "; --write-baseline makes it",
                    _ => "",
                };
                return Err(format!("{}{hint}", cannot_read(&path, plain(&error))).into());
            }
        };
        let baseline = match &text {
            Some(text) => Baseline::parse(text).map_err(|error| format!("{}: {error}", path.display()))?,
            None => Baseline::default(),
        };
        let folder = folder(&path);
        let folder = fs::canonicalize(folder).map_err(|error| cannot_read(folder, plain(&error)))?;
        Ok(Some(Known {
            path,
            folder,
            here: env::current_dir()?,
            text,
            baseline,
        }))
    }

    /// Takes what is known out of the report, and brings the baseline up to date if that is asked for. Entries that
    /// allow more than is found are reported otherwise.
    pub(super) fn apply(
        &self,
        known: Known,
        report: &mut Report,
        options: &Options,
        fixes: bool,
        language: Language,
    ) -> Result<(), Failure> {
        let name = known.path.display().to_string();
        let place = Place {
            name: &name,
            name_of: &|file| name_from(&known.folder, &known.here, file),
            may_exist: &|file| {
                Path::new(file).is_absolute() || known.folder.join(file).symlink_metadata().is_ok()
            },
        };
        let compared = known.baseline.compare(report, options, &place);
        if self.write_baseline {
            known.write(&compared.whole)?;
            // All of it is in the baseline now.
            report.baselined += report.findings.iter().map(Finding::count).sum::<usize>();
            report.findings.clear();
            complain(&written(&name, &compared, language))?;
        } else if self.update_baseline || fixes {
            let gone = known.baseline.count() - compared.shrunk.count();
            known.write(&compared.shrunk)?;
            if gone > 0 || self.update_baseline {
                complain(&updated(&name, gone, compared.shrunk.count(), language))?;
            }
        } else {
            let text = known.text.unwrap_or_default();
            known
                .baseline
                .report_stale(&compared, text, report, options, &place);
        }
        Ok(())
    }
}

impl Known {
    fn write(&self, baseline: &Baseline) -> Result<(), Failure> {
        let text = baseline.to_string();
        let result = match &self.text {
            Some(old) if old == text.as_bytes() => return Ok(()),
            Some(old) => fs::canonicalize(&self.path).and_then(|path| replace(&path, old, text.as_bytes())),
            None => write(&self.path, text.as_bytes()),
        };
        result.map_err(|error| {
            let (path, error) = (self.path.display(), plain(&error));
            format!("`{path}` is not written: {error}").into()
        })
    }
}

fn written(name: &str, compared: &Compared, language: Language) -> String {
    let (count, new) = (compared.whole.count(), compared.new);
    match language {
        Language::English => {
            let findings = if count == 1 { "finding" } else { "findings" };
            format!("{name}: {count} {findings}, {new} of them new")
        }
        Language::Chinese => format!("{name}：共 {count} 个问题，其中 {new} 个是新加入的"),
    }
}

fn updated(name: &str, gone: usize, left: usize, language: Language) -> String {
    match language {
        Language::English => {
            let findings = if gone == 1 { "finding" } else { "findings" };
            format!("{name}: {gone} {findings} gone, {left} left")
        }
        Language::Chinese => format!("{name}：移除 {gone} 个已经消失的问题，还剩 {left} 个"),
    }
}

/// What a baseline in `folder` calls a file that a report calls `name`: the way from there. A file that is named from
/// the root, and is not below the folder, is that of some machine, wherever the folder is.
fn name_from(folder: &Path, here: &Path, name: &str) -> String {
    let path = Path::new(name);
    let whole = plain_path(&here.join(path));
    if let Ok(inside) = whole.strip_prefix(folder) {
        return inside.display().to_string();
    }
    if path.is_absolute() {
        return name.to_owned();
    }
    let shared = whole
        .components()
        .zip(folder.components())
        .take_while(|(one, other)| one == other)
        .count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    let way: PathBuf = up.chain(whole.components().skip(shared)).collect();
    way.display().to_string()
}

/// A path without `.` and `..`.
fn plain_path(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_from_the_baseline() {
        for (folder, name, expected) in [
            ("/repo", "etc/rsyncd.conf", "etc/rsyncd.conf"),
            ("/repo", "./etc//rsyncd.conf", "etc/rsyncd.conf"),
            ("/repo", "/repo/etc/rsyncd.conf", "etc/rsyncd.conf"),
            ("/repo/ci", "etc/rsyncd.conf", "../etc/rsyncd.conf"),
            ("/repo", "../other/rsyncd.conf", "../other/rsyncd.conf"),
            ("/repo", "/etc/rsyncd.conf", "/etc/rsyncd.conf"),
        ] {
            assert_eq!(name_from(Path::new(folder), Path::new("/repo"), name), expected);
        }
    }
}
