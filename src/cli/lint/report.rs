//! `--report FORMAT=FILE`: reports for programs, beside the one for the reader.

use std::path::PathBuf;

use clap::{Args, ValueEnum as _};

use crate::{
    cli::{Failure, output::ReportFormat, replace::put},
    host::plain,
    lint::Report,
    render::{self, Style},
};

/// Reports in files.
#[derive(Args, Debug)]
pub(super) struct ReportFiles {
    /// Write the report into a file too, such as `sarif=rsyncctl.sarif`; may be given several times
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report_file, conflicts_with = "diff")]
    files: Vec<ReportFile>,
}

#[derive(Clone, Debug)]
struct ReportFile {
    format: ReportFormat,
    path: PathBuf,
}

fn report_file(text: &str) -> Result<ReportFile, String> {
    let (format, path) = text
        .split_once('=')
        .filter(|(_, path)| !path.is_empty())
        .ok_or("write FORMAT=FILE, such as `sarif=rsyncctl.sarif`")?;
    let format = ReportFormat::from_str(format, false).map_err(|_| {
        let names = ReportFormat::value_variants().iter();
        let names = names.filter_map(|name| Some(name.to_possible_value()?.get_name().to_owned()));
        let names: Vec<_> = names.collect();
        format!("`{format}` is no format; there are {}", names.join(", "))
    })?;
    Ok(ReportFile {
        format,
        path: path.into(),
    })
}

impl ReportFiles {
    /// Writes each of them.
    pub(super) fn write(&self, report: &Report, style: Style) -> Result<(), Failure> {
        for file in &self.files {
            let mut bytes = Vec::new();
            render::report(file.format.into(), report, style, &mut bytes)?;
            put(&file.path, &bytes).map_err(|error| {
                let (path, error) = (file.path.display(), plain(&error));
                format!("cannot write the report `{path}`: {error}")
            })?;
        }
        Ok(())
    }
}
