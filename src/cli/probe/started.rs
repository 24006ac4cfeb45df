//! Scripts that a line starts, which call rsync in its place.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{
    cli::probe::{part::Part, text::position, unread::Unread},
    host::PROGRAM_FOLDERS,
    model::script::{Argument, Call},
    terms::Bytes,
};

/// Shells that run a file which is named behind them.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "ksh", "zsh"];

/// As much of a file is looked at, in bytes: no script is longer.
const MOST: u64 = 1 << 20;

/// A script, and the line of it that calls rsync.
pub(super) struct Started {
    pub(super) file: PathBuf,
    pub(super) bytes: Vec<u8>,
    pub(super) line: usize,
}

/// The script that a call starts; none if it starts none, or that calls no rsync.
///
/// # Errors
///
/// It calls rsync more than once.
pub(super) fn started(call: &Call) -> Result<Option<Started>, Unread> {
    let Some(file) = file_of(call) else {
        return Ok(None);
    };
    let is_small =
        |file: &PathBuf| fs::metadata(file).is_ok_and(|found| found.is_file() && found.len() <= MOST);
    let Some(bytes) = Some(&file)
        .filter(|file| is_small(file))
        .and_then(|file| fs::read(file).ok())
    else {
        return Ok(None);
    };
    if !bytes.starts_with(b"#!") {
        return Ok(None);
    }
    let text = Bytes::from(bytes.clone());
    let part = Part::of_text(&text, false);
    let mut calls = part.calls();
    match (calls.next(), calls.next()) {
        (Some(call), None) => Ok(Some(Started {
            line: position(&text, call.range.start),
            file,
            bytes,
        })),
        (Some(_), Some(_)) => Err(Unread::Unclear(format!(
            "`{}`, which is started there, calls rsync more than once; name the line as {}:LINE",
            file.display(),
            file.display()
        ))),
        (None, _) => Ok(None),
    }
}

/// The file that a call runs: the program, or what a shell is to run.
fn file_of(call: &Call) -> Option<PathBuf> {
    let known = |word: &Argument| word.known().and_then(|text| String::from_utf8(text).ok());
    let mut words = call.words.iter().map(known);
    let program = words.next()??;
    let name = Path::new(&program).file_name()?.to_str()?;
    let named = match SHELLS.contains(&name) {
        true => words.flatten().find(|word| !word.starts_with('-'))?,
        false => program,
    };
    match named.contains('/') {
        true => Some(named.into()),
        false => {
            let mut places = PROGRAM_FOLDERS
                .iter()
                .map(|folder| Path::new(folder).join(&named));
            places.find(|place| place.is_file())
        }
    }
}
