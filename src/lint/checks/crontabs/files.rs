//! The files that a table's commands run.

use std::{
    ffi::OsStr,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::{
    host::{EntryKind, Fact},
    lint::{
        checks::Check,
        crontabs::CrontabSubject,
        files::file_name,
        report::{Case, Reporter},
    },
};

pub(super) const CHECKS: &[Check] = &[Check::crontab("RSY761", command_missing)];

/// How alike two names are, from 0 to 1, of which one is taken for the other.
const ALIKE: f64 = 0.7;

/// RSY761: the file that a job runs is not there, or not executable.
fn command_missing(subject: &CrontabSubject<'_>, out: &mut Reporter<'_>) {
    for job in &subject.table.jobs {
        for call in &job.script.calls {
            let Some((path, range, is_program)) = job.file_of(call) else {
                continue;
            };
            let path = Path::new(OsStr::from_bytes(&path));
            if let Some(like) = given_like(subject, path) {
                out.report(case(subject, range, path).variant("given").with("like", like));
                continue;
            }
            let Some(found) = out.fact(path.display().to_string(), look(subject, path)) else {
                continue;
            };
            match found {
                Found::Missing(Some(like)) => out.report(
                    case(subject, range, path)
                        .variant("near")
                        .with("like", like.display().to_string())
                        .fact(format!("{} does not exist", path.display())),
                ),
                Found::Missing(None) => {
                    out.report(case(subject, range, path).fact(format!("{} does not exist", path.display())));
                }
                Found::File { mode } if is_program && mode & 0o111 == 0 => out.report(
                    case(subject, range, path)
                        .variant("mode")
                        .fact(format!("{} has mode {mode:o}", path.display())),
                ),
                Found::File { .. } => {}
            }
        }
    }
}

fn case(subject: &CrontabSubject<'_>, range: &Range<usize>, path: &Path) -> Case {
    Case::at(subject.span(range.clone())).with("path", path.display().to_string())
}

/// What the machine has at a path.
enum Found {
    /// Nothing; perhaps a file of nearly that name.
    Missing(Option<PathBuf>),
    /// Something.
    File { mode: u32 },
}

fn look(subject: &CrontabSubject<'_>, path: &Path) -> Fact<Found> {
    if let Some(metadata) = subject.host.metadata(path, true)? {
        // What is no file cannot be run either, but then nobody knows what was meant.
        let is_file = metadata.kind == EntryKind::File;
        let mode = if is_file { metadata.mode & 0o7777 } else { 0o111 };
        return Ok(Found::File { mode });
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let names = subject.host.list(folder)?.unwrap_or_default();
    let near = names.iter().filter_map(|name| {
        let alike = likeness(file_name(path), name.to_str()?)?;
        Some((alike, name))
    });
    let near = near.max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(one.1)));
    Ok(Found::Missing(near.map(|(_, name)| folder.join(name))))
}

/// A script of the same run with nearly the name of the one that is meant, if none has that name.
fn given_like(subject: &CrontabSubject<'_>, path: &Path) -> Option<String> {
    let wanted = file_name(path);
    let extension = path.extension()?;
    let given: Vec<&Path> = subject
        .sources
        .iter()
        .map(|(_, source)| Path::new(source.name()))
        .collect();
    let has_extension = |given: &&&Path| given.extension() == Some(extension);
    if given.iter().any(|given| file_name(given) == wanted) {
        return None;
    }
    let near = given
        .iter()
        .filter(has_extension)
        .filter_map(|given| Some((likeness(wanted, file_name(given))?, file_name(given))));
    let near = near.max_by(|one, other| one.0.total_cmp(&other.0).then_with(|| other.1.cmp(one.1)));
    near.map(|(_, name)| name.to_owned())
}

/// How alike two names are; `None` where they are too different for a slip.
fn likeness(one: &str, other: &str) -> Option<f64> {
    let alike = strsim::normalized_damerau_levenshtein(one, other);
    (alike >= ALIKE).then_some(alike)
}
