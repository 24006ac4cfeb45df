//! Scripts and container entry points: which files are some, and what their checks look at.

mod content;
mod documents;
mod subject;

pub(super) use content::{
    MOST_INSTRUCTIONS, calls_rsync, is_password, of_dockerfile, of_file, passwords, written,
};
pub(super) use documents::{MOST_WRITTEN, documents};
pub use subject::{ScriptSubject, Transfer};

use std::path::Path;

use crate::{
    catalog::FileKind,
    host::{Host, Metadata},
    lint::files::file_name,
};

/// The most that is read of a script, in bytes. What is larger carries an archive, or is no script.
pub(super) const LARGEST: usize = 256 << 10;

/// The programs that rules speak of.
const PROGRAMS: [&[u8]; 4] = [b"rsync", b"inotifywa", b"sersync", b"lsyncd"];

/// What a file is, by its name.
pub(super) fn by_name(path: &Path) -> Option<FileKind> {
    let name = file_name(path).to_ascii_lowercase();
    let (stem, extension) = name.rsplit_once('.').unwrap_or((&name, ""));
    if matches!(stem, "dockerfile" | "containerfile")
        || matches!(extension, "dockerfile" | "containerfile")
        || matches!(&*name, "dockerfile" | "containerfile")
    {
        return Some(FileKind::Dockerfile);
    }
    let is_script = matches!(extension, "sh" | "bash" | "dash" | "ksh" | "zsh");
    (is_script || matches!(&*name, "entrypoint" | "docker-entrypoint" | "rc.local"))
        .then_some(FileKind::Script)
}

/// Whether the first line hands the file to a shell.
pub(super) fn has_shebang(content: &[u8]) -> bool {
    let line = content.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let Some(line) = line.strip_prefix(b"#!") else {
        return false;
    };
    let mut words = line
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty());
    words.any(|word| {
        let name = word.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        matches!(name, b"sh" | b"bash" | b"dash" | b"ash" | b"ksh" | b"zsh")
    })
}

/// Whether a file of a folder that is searched is a script that calls one of our programs. Other scripts are nobody's
/// business here.
pub(super) fn is_meant(path: &Path, place: &Path, entry: &Metadata, host: &dyn Host) -> bool {
    let by_name = by_name(path);
    // Programs have no extension; a script of another language has.
    let may_be_program = entry.mode & 0o111 != 0 && !file_name(path).contains('.');
    if by_name.is_none() && (!may_be_program || entry.size > LARGEST as u64) {
        return false;
    }
    match host.read(place) {
        Ok(Some(bytes)) => (by_name.is_some() || has_shebang(&bytes)) && names_program(&bytes),
        Ok(None) => false,
        // Reading it again will say why it cannot be read.
        Err(_) => by_name.is_some(),
    }
}

pub(in crate::lint) fn names_program(content: &[u8]) -> bool {
    PROGRAMS
        .iter()
        .any(|program| content.windows(program.len()).any(|window| window == *program))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_known_by_name_and_first_line() {
        let name = |path: &str| by_name(Path::new(path));
        assert_eq!(name("bin/backup.sh"), Some(FileKind::Script));
        assert_eq!(name("docker-entrypoint"), Some(FileKind::Script));
        assert_eq!(name("Dockerfile"), Some(FileKind::Dockerfile));
        assert_eq!(name("Dockerfile.alpine"), Some(FileKind::Dockerfile));
        assert_eq!(name("web.Dockerfile"), Some(FileKind::Dockerfile));
        assert_eq!(name("notes.txt"), None);
        assert!(has_shebang(b"#!/usr/bin/env bash\n") && has_shebang(b"#! /bin/sh -e"));
        assert!(!has_shebang(b"#!/usr/bin/perl\n") && !has_shebang(b"# sh\n") && !has_shebang(b""));
    }
}
