use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    catalog::FileKind,
    host::plain,
    lint::{files::file_name, services},
    syntax::rsyncd_conf::{self, Kind},
    terms::Bytes,
};

/// Deeper than any tree of configuration files.
const DEEPEST: usize = 64;

/// Why a path that was asked for cannot be searched.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}`: {}", plain(error))]
pub struct DiscoverError {
    path: PathBuf,
    error: io::Error,
}

/// Finds the files to check: a file is itself; a folder gives every file in it that looks like one of ours, sorted.
///
/// # Errors
/// The first path that cannot be looked at.
pub fn discover(path: &Path) -> Result<Vec<PathBuf>, DiscoverError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| DiscoverError { path, error }
    };
    if !fs::metadata(path).map_err(failed(path))?.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut folders = vec![(path.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(failed(&folder))? {
            let entry = entry.map_err(failed(&folder))?;
            let kind = entry.file_type().map_err(failed(&entry.path()))?;
            if kind.is_dir() && depth < DEEPEST && entry.file_name() != ".git" {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() && by_name(&entry.path()).is_some() {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a file is, by its name, else by its content; `None` if it looks like nothing that we know.
pub fn recognise(path: &Path, content: &Bytes) -> Option<FileKind> {
    by_name(path).or_else(|| by_content(content))
}

fn by_name(path: &Path) -> Option<FileKind> {
    if let Some(kind) = services::by_name(path) {
        return Some(kind);
    }
    let name = file_name(path).to_ascii_lowercase();
    let has = |word: &str| name.contains(word);
    if name.ends_with(".xml") && (has("confxml") || has("sersync")) {
        return Some(FileKind::Sersync);
    }
    let is_credential = has("secret") || has("passw");
    if name.ends_with(".conf") && has("rsync") && !is_credential {
        return Some(FileKind::RsyncdConf);
    }
    if name.ends_with(".md") || name.ends_with(".sh") || name.ends_with(".service") {
        return None;
    }
    if has("rsync") && (has("secret") || has(".scrt")) || name.ends_with(".secrets") {
        return Some(FileKind::Secrets);
    }
    let is_password = name.ends_with(".pass") || name.ends_with(".pas") || name.ends_with(".passwd");
    if is_password || (has("rsync") && has("passw")) {
        return Some(FileKind::Password);
    }
    None
}

fn by_content(content: &Bytes) -> Option<FileKind> {
    let start = content.iter().position(|byte| !byte.is_ascii_whitespace())?;
    if content[start..].starts_with(b"<") {
        let has = |word: &[u8]| {
            content
                .windows(word.len())
                .any(|window| window.eq_ignore_ascii_case(word))
        };
        return (has(b"<localpath") || has(b"<sersync")).then_some(FileKind::Sersync);
    }
    if let Some(kind) = services::by_content(content) {
        return Some(kind);
    }
    let is_known = |kind: &Kind| match kind {
        Kind::Section(_) | Kind::Directive(_) => true,
        Kind::Parameter(line) => crate::model::Parameter::from_name(line.name.bytes()).is_some(),
        _ => false,
    };
    if rsyncd_conf::parse(content).any(|item| is_known(&item.kind)) {
        return Some(FileKind::RsyncdConf);
    }
    let mut lines = content
        .split(|&byte| byte == b'\n')
        .filter(|line| !line.is_empty() && line[0] != b'#');
    lines
        .all(|line| {
            line.iter()
                .position(|&byte| byte == b':')
                .is_some_and(|colon| colon > 0)
        })
        .then_some(FileKind::Secrets)
}
