//! Scripts that a line starts, which call rsync in its place.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    cli::probe::{
        fault::Fault,
        part::Part,
        plain::Surroundings,
        slip::Slip,
        text::position,
        unread::Unread,
        written::{Written, line_of},
    },
    host::PROGRAM_FOLDERS,
    model::script::{Argument, Call},
    probe::Effect,
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
    /// Whether a shell is told to read it, so that nobody has to be allowed to execute it.
    is_read: bool,
}

impl Started {
    /// What keeps it from being started; `by_systemd`: no shell tries to read what the kernel does not know.
    pub(super) fn fault(&self, by_systemd: bool) -> Option<Fault> {
        let name = || self.file.display().to_string();
        let mode = fs::metadata(&self.file).map_or(0, |found| found.permissions().mode());
        match self.bytes.starts_with(b"#!") {
            _ if self.is_read => None,
            _ if mode & 0o111 == 0 => Some(Fault::NotExecutable(name())),
            false if by_systemd => Some(Fault::NoFirstLine(name())),
            _ => None,
        }
    }
}

/// The script that a call starts; none if it starts none, or that calls no rsync.
///
/// # Errors
///
/// It calls rsync more than once.
pub(super) fn started(call: &Call) -> Result<Option<Started>, Unread> {
    let Some((file, is_read)) = file_of(call) else {
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
    if bytes.contains(&0) {
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
            is_read,
        })),
        (Some(_), Some(_)) => Err(Unread::Unclear(format!(
            "`{}`, which is started there, calls rsync more than once; name the line as {}:LINE",
            file.display(),
            file.display()
        ))),
        (None, _) => Ok(None),
    }
}

/// The file that a call is to run, if it is named by its whole path and is not there.
pub(super) fn missing(call: &Call) -> Option<PathBuf> {
    let (file, _) = file_of(call)?;
    let is_missing = file.is_absolute() && matches!(file.try_exists(), Ok(false));
    is_missing.then_some(file)
}

/// What a script runs that a line starts: whoever starts it gives it a user, a folder and variables.
pub(super) fn started_by(
    part: &Part<'_>,
    call: &Call,
    outer: &[u8],
    script: Started,
    by_systemd: bool,
) -> Result<Written, Unread> {
    let starter = part.command(call, outer).map_err(Unread::Unclear)?;
    let is_changed = part.script.calls_of("chmod").next().is_some();
    let fault = script.fault(by_systemd).filter(|_| !is_changed);
    let Started {
        file, bytes, line, ..
    } = script;
    let mut written = line_of(&file, bytes, line, false)?;
    // Where the script is started its interpreter may well be.
    let folder = starter.folder.clone().map(|folder| match by_systemd {
        true => Path::new("/").join(folder),
        false => folder,
    });
    written.slips.retain(|slip| match slip {
        Slip::Around(Fault::RelativeInterpreter(program)) => folder
            .as_ref()
            .is_some_and(|folder| !folder.join(program).exists()),
        _ => true,
    });
    let is_never = |slip: &Slip| matches!(slip, Slip::Around(fault) if fault.effect() == Effect::Never);
    let outer_slips = starter.slips.into_iter().filter(is_never);
    written.outer_slips = outer_slips.chain(fault.map(Slip::Around)).collect();
    written.around.extend(starter.around);
    written.around.sort();
    written.around.dedup();
    for (name, value) in starter.variables {
        // Of what only a run can tell something is told here.
        if !written.around.contains(&format!("{name}=")) {
            written.variables.entry(name).or_insert(value);
        }
    }
    written.is_detached = starter.is_detached;
    written.is_bound = match &written.folder {
        Some(inner) if inner.as_os_str().is_empty() => starter.is_bound,
        _ => written.is_bound,
    };
    written.folder = match (starter.folder, written.folder) {
        (Some(outer), Some(inner)) => Some(outer.join(inner)),
        _ => None,
    };
    written.stays_in = None;
    Ok(Written {
        started: Some((file, line)),
        surroundings: Surroundings::Unknown,
        runner: written.runner.clone().or(starter.runner),
        ..written
    })
}

/// The file that a call runs: the program, or what a shell is to run, and whether it is that.
fn file_of(call: &Call) -> Option<(PathBuf, bool)> {
    let known = |word: &Argument| word.known().and_then(|text| String::from_utf8(text).ok());
    let mut words = call.words.iter().map(known);
    let program = words.next()??;
    let name = Path::new(&program).file_name()?.to_str()?;
    let is_read = SHELLS.contains(&name);
    let named = match is_read {
        true => words.flatten().find(|word| !word.starts_with('-'))?,
        false => program,
    };
    let file = match named.contains('/') {
        true => named.into(),
        false => {
            let mut places = PROGRAM_FOLDERS
                .iter()
                .map(|folder| Path::new(folder).join(&named));
            places.find(|place| place.is_file())?
        }
    };
    Some((file, is_read))
}
