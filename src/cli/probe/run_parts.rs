//! Scripts that cron has `run-parts` start, one after the other, where they lie: it passes over what it does not take for one.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{self, Path},
};

use crate::{
    cli::probe::{
        fault::Fault,
        interpreter::{is_elf, program_in},
    },
    host::PROGRAM_FOLDERS,
};

/// The folders whose files are started so (Debian's and Red Hat's crontab(5)).
const FOLDERS: [&str; 5] = [
    "cron.daily",
    "cron.hourly",
    "cron.monthly",
    "cron.weekly",
    "cron.yearly",
];

/// Why `run-parts` does not start a script.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in crate::cli) enum Omitted {
    /// Its name has this letter in it.
    Letter(char),
    /// Nobody may execute it.
    Closed,
    /// It has no first line that names a shell, and no shell is asked.
    NoFirstLine,
}

/// Why a script is not started from the folder that it lies in; `script`: its text.
pub(super) fn omitted(file: &Path, script: &[u8]) -> Option<Fault> {
    let file = path::absolute(file).ok()?;
    let folder = file.parent()?.file_name()?.to_str()?;
    let name = file.file_name()?.to_str()?;
    if !FOLDERS.contains(&folder) {
        return None;
    }
    let mode = fs::metadata(&file).ok()?.permissions().mode();
    // That of Debian and of busybox is a program, and strict about names; that of Red Hat is a script, and is not.
    let is_strict =
        || program_in(PROGRAM_FOLDERS.join(":").as_bytes(), "run-parts").is_some_and(|own| is_elf(&own));
    let is_taken = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    let letter = name
        .chars()
        .find(|letter| !is_taken(letter))
        .filter(|_| is_strict());
    let omitted = match letter {
        Some(letter) => Omitted::Letter(letter),
        None if mode & 0o111 == 0 => Omitted::Closed,
        None if !script.starts_with(b"#!") && is_strict() => Omitted::NoFirstLine,
        None => return None,
    };
    Some(Fault::Omitted(name.to_owned(), omitted))
}
