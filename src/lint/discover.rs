use std::path::{Path, PathBuf};

use crate::{
    catalog::FileKind,
    diagnosis::Unchecked,
    host::{EntryKind, Fact, Host, Unknown},
    lint::{crontabs, files::file_name, markdown, scripts, services},
    syntax::rsyncd_conf::{self, Kind},
    terms::Bytes,
};

/// Folders in one another that are searched: more than any tree of configuration files has.
const DEEPEST: usize = 64;

/// The files to check that a path stands for.
#[derive(Debug, Default)]
pub struct Discovered {
    /// Sorted.
    pub files: Vec<PathBuf>,
    /// Folders that could not be searched.
    pub unchecked: Vec<Unchecked>,
}

/// Finds the files to check: a file is itself; a folder gives every file in it that looks like one of ours.
///
/// The machine that is asked may know what is at `path` by another path, which is `place`.
///
/// # Errors
/// The reason why the path itself cannot be looked at.
pub fn discover(path: &Path, place: &Path, host: &dyn Host) -> Fact<Discovered> {
    let mut found = Discovered::default();
    let there = host.metadata(place, true)?;
    let there = there.ok_or_else(|| Unknown::Failed("No such file or directory".to_owned()))?;
    if there.kind != EntryKind::Directory {
        found.files.push(path.to_owned());
        return Ok(found);
    }
    // What it is called, and where the machine has it.
    let mut folders = vec![(path.to_owned(), place.to_owned(), 0)];
    while let Some((path, place, depth)) = folders.pop() {
        let names = match host.list(&place) {
            Err(reason) if depth == 0 => return Err(reason),
            names => names,
        };
        let Some(names) = found.known(&path, names) else {
            continue;
        };
        for name in names {
            let (path, place) = (path.join(&name), place.join(&name));
            // Links are not followed: they may lead in circles, or out of the folder.
            let Some(entry) = found.known(&path, host.metadata(&place, false)) else {
                continue;
            };
            match entry.kind {
                EntryKind::Directory if name == ".git" => {}
                EntryKind::Directory if depth >= DEEPEST => found.unchecked.push(Unchecked {
                    rule: None,
                    subject: path.display().to_string(),
                    reason: Unknown::TooDeep(DEEPEST),
                }),
                EntryKind::Directory => folders.push((path, place, depth + 1)),
                EntryKind::File if by_name(&path).is_some() => found.files.push(path),
                EntryKind::File if crontabs::is_meant(&path, &place, host) => found.files.push(path),
                EntryKind::File if services::is_meant(&path, &place, host) => found.files.push(path),
                EntryKind::File if scripts::is_meant(&path, &place, &entry, host) => found.files.push(path),
                _ => {}
            }
        }
    }
    found.files.sort();
    Ok(found)
}

impl Discovered {
    /// Takes an answer about a path below the one that was asked for, or notes why there is none. What is gone by now
    /// is no loss.
    fn known<T>(&mut self, path: &Path, fact: Fact<Option<T>>) -> Option<T> {
        fact.unwrap_or_else(|reason| {
            self.unchecked.push(Unchecked {
                rule: None,
                subject: path.display().to_string(),
                reason,
            });
            None
        })
    }
}

/// What a file is, by its name, else by its content; `None` if it looks like nothing that we know.
pub fn recognise(path: &Path, content: &Bytes) -> Option<FileKind> {
    let kind = by_name(path)
        .or_else(|| crontabs::by_name(path))
        .or_else(|| scripts::by_name(path));
    kind.or_else(|| by_content(content))
}

pub(super) fn by_name(path: &Path) -> Option<FileKind> {
    if markdown::is_markdown(path) {
        return Some(FileKind::Markdown);
    }
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
    if (name.ends_with(".conf") || name.ends_with(".inc")) && !is_credential && is_in_parts(path) {
        return Some(FileKind::RsyncdConf);
    }
    if name.ends_with(".service") || scripts::by_name(path).is_some() {
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

/// Whether a file lies in a folder of parts of a daemon's configuration, such as `rsyncd.d`.
fn is_in_parts(path: &Path) -> bool {
    let folder = path.parent().map(file_name).unwrap_or_default();
    let folder = folder.to_ascii_lowercase();
    folder.contains("rsync") && folder.ends_with(".d")
}

/// The same with line feeds in the place of carriage returns.
fn with_line_feeds(content: &Bytes) -> Bytes {
    let bytes = content
        .iter()
        .map(|&byte| if byte == b'\r' { b'\n' } else { byte });
    bytes.collect::<Vec<_>>().into()
}

fn by_content(content: &Bytes) -> Option<FileKind> {
    if scripts::has_shebang(content) {
        return Some(FileKind::Script);
    }
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
    let is_configuration = |content: &Bytes| rsyncd_conf::parse(content).any(|item| is_known(&item.kind));
    if is_configuration(content) {
        return Some(FileKind::RsyncdConf);
    }
    // Of lines that carriage returns alone part rsync sees one, and who wrote the file many.
    let is_of_old_mac = content.contains(&b'\r') && !content.contains(&b'\n');
    if is_of_old_mac && is_configuration(&with_line_feeds(content)) {
        return Some(FileKind::RsyncdConf);
    }
    if let Some(kind) = crontabs::by_content(content) {
        return Some(kind);
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::recognise;
    use crate::{catalog::FileKind, terms::Bytes};

    #[test]
    fn a_configuration_of_an_old_mac_is_one() {
        let kind = |text: &str| recognise(Path::new("backup.conf"), &Bytes::from(text));
        let configuration = Some(FileKind::RsyncdConf);
        assert_eq!(kind("# ours\r[data]\rpath = /srv/data\r"), configuration);
        assert_eq!(kind("# ours\n[data]\npath = /srv/data\n"), configuration);
        assert_eq!(kind("# ours\rjoe:not-a-secret\r"), Some(FileKind::Secrets));
    }
}
