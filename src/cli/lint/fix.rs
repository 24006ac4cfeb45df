//! `--fix` and `--diff`: applies cures round by round, and takes back a round that would do harm.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown},
    path::{Path, PathBuf},
};

use similar::TextDiff;
use tempfile::NamedTempFile;

use crate::{
    catalog::{FileKind, Language, Safety, Severity},
    cli::{
        Failure,
        lint::{File, inputs},
    },
    diagnosis::Finding,
    lint::{self, Options, Report, fixed},
    terms::Bytes,
};

/// Enough for cures that uncover each other; a file that still changes then is left as it is after the last round.
const MOST_ROUNDS: usize = 200;
/// How many cures are tried one by one after a round that did harm.
const MOST_SINGLE: usize = 100;

/// Applies the cures to the files' contents in memory until there is none left, and returns the last report.
///
/// Causes that hide others come first, and what they hid may then be found. Any other round that lets a rule find
/// more than before is taken back, and its cures are tried one by one.
pub(super) fn apply(files: &mut [File<'_>], options: &Options, safety: Safety) -> Report {
    let mut report = lint::lint(inputs(files), options);
    for _ in 0..MOST_ROUNDS {
        let (hiding, plain): (Vec<&Finding>, Vec<&Finding>) = report
            .findings
            .iter()
            .partition(|finding| !finding.explains.is_empty());
        let mut harmless = |findings: &[&Finding]| {
            let before: Vec<Bytes> = files.iter().map(|file| file.bytes.clone()).collect();
            let next = round(files, options, safety, &report, findings)?;
            if !brings_new(&report, &next) {
                return Some(next);
            }
            for (file, bytes) in files.iter_mut().zip(before) {
                file.bytes = bytes;
            }
            None
        };
        let next =
            harmless(&plain).or_else(|| plain.iter().take(MOST_SINGLE).find_map(|&one| harmless(&[one])));
        match next.or_else(|| round(files, options, safety, &report, &hiding)) {
            Some(next) => report = next,
            None => break,
        }
    }
    report
}

/// Applies the cures of some findings; `None` if nothing changes.
fn round(
    files: &mut [File<'_>],
    options: &Options,
    safety: Safety,
    report: &Report,
    findings: &[&Finding],
) -> Option<Report> {
    let mut changed = fixed(&report.sources, findings, safety);
    // Sources that were included or read from the machine are not among the files that we were given.
    changed.retain(|source, _| report.files.iter().any(|(file, _)| file == source));
    if changed.is_empty() {
        return None;
    }
    for (source, bytes) in changed {
        let name = report.sources.get(source).name();
        if let Some(file) = files.iter_mut().find(|file| file.name == name) {
            file.bytes = bytes.into();
        }
    }
    Some(lint::lint(inputs(files), options))
}

/// Whether a rule finds more than before.
fn brings_new(before: &Report, after: &Report) -> bool {
    let count = |report: &Report| {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        // What is good to know may become true with a cure: that a module can be written, for one.
        for finding in report
            .findings
            .iter()
            .filter(|finding| finding.severity > Severity::Info)
        {
            *counts.entry(finding.page.id).or_default() += 1;
        }
        counts
    };
    let before = count(before);
    count(after)
        .iter()
        .any(|(rule, count)| *count > before.get(rule).copied().unwrap_or(0))
}

/// Shows what would change. Files with passwords are only named.
pub(super) fn diff(
    files: &[File<'_>],
    report: &Report,
    language: Language,
    out: &mut dyn Write,
) -> io::Result<()> {
    let holds_passwords = |file: &File<'_>| {
        let mut sources = report
            .sources
            .iter()
            .filter(|(_, source)| source.name() == file.name);
        matches!(file.kind, FileKind::Secrets | FileKind::Password)
            || sources.any(|(_, source)| source.hides_any(0..source.bytes().len()))
    };
    for file in files.iter().filter(|file| file.bytes != file.original) {
        if holds_passwords(file) {
            let line = match language {
                Language::English => "would change; not shown, because it holds passwords",
                Language::Chinese => "将被修改；内容含有密码，不予显示",
            };
            writeln!(out, "{}: {line}", file.name)?;
            continue;
        }
        let diff = TextDiff::from_lines(&file.original[..], &file.bytes[..]);
        diff.unified_diff()
            .header(&file.name, &file.name)
            .to_writer(&mut *out)?;
    }
    Ok(())
}

/// Writes the files that changed. Each is the old or the new one at every instant, and keeps its owner and mode.
pub(super) fn write(files: &[File<'_>]) -> Result<usize, Failure> {
    if files.iter().any(|file| file.path.is_none()) {
        return Err("standard input cannot be fixed; --diff shows what would change".into());
    }
    let mut written = 0;
    for file in files.iter().filter(|file| file.bytes != file.original) {
        let path = file
            .path
            .as_deref()
            .ok_or("standard input cannot be fixed; --diff shows what would change")?;
        replace(path, &file.original, &file.bytes)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        written += 1;
    }
    Ok(written)
}

fn replace(path: &Path, original: &[u8], bytes: &[u8]) -> io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path: PathBuf = fs::canonicalize(path)?;
    if fs::read(&path)? != original {
        return Err(io::Error::other(
            "it was changed while it was checked; check it again",
        ));
    }
    let metadata = fs::metadata(&path)?;
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid()))?;
    new.as_file()
        .set_permissions(fs::Permissions::from_mode(metadata.mode() & 0o7777))?;
    // Access lists and security labels are attributes too; what we may not set is the system's to give.
    for name in xattr::list(&path)? {
        if let Some(value) = xattr::get(&path, &name)? {
            let _ = xattr::set(new.path(), &name, &value);
        }
    }
    new.as_file().sync_all()?;
    new.persist(&path)?;
    Ok(())
}
