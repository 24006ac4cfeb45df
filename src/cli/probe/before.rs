//! What systemd runs in front of a command of a unit's, which it does not start where that fails.

use std::{ops::Range, path::Path};

use crate::{
    cli::probe::{fault::Fault, made::Made, part::Part, slip::Slip, written::Written},
    host::PROGRAM_FOLDERS,
    model::service::{Word, commands},
    syntax::Text,
    terms::Bytes,
};

/// `ExecStart=` and its like.
#[derive(Clone)]
pub(super) struct Started {
    /// The lines that it takes.
    pub(super) range: Range<usize>,
    pub(super) name: String,
    pub(super) value: Text,
    /// Whether systemd reads it where it stands.
    pub(super) is_read: bool,
}

/// The settings, in the order in which systemd runs them (systemd.service(5)).
const ORDER: [&str; 3] = ["ExecCondition", "ExecStartPre", "ExecStart"];

/// Programs whose end does not hang on anything.
const SURE: [&str; 5] = ["echo", "logger", "mkdir", "sleep", "true"];

/// A command of a unit's with what runs in front of it: what fails for sure is a slip, what may fail is left out.
///
/// What is not there may be made by it, or before it: `first`.
pub(super) fn told(
    mut written: Written,
    all: &[Started],
    own: &Started,
    is_without_folder: bool,
    first: impl Fn() -> Made,
) -> Written {
    let rank = |one: &Started| ORDER.iter().position(|name| *name == one.name);
    let Some(last) = rank(own) else {
        written.made.extend(first());
        return written;
    };
    let is_before = |one: &&Started| match rank(one).filter(|_| one.is_read) {
        Some(rank) => rank < last || rank == last && one.range.start < own.range.start,
        None => false,
    };
    let mut before: Vec<_> = all.iter().filter(is_before).collect();
    before.sort_by_key(|one| (rank(one), one.range.start));
    // An empty value takes back those of its setting.
    let taken_back = |one: &Started| {
        let later = all
            .iter()
            .filter(|other| other.is_read && other.name == one.name && other.value.is_empty());
        later
            .map(|other| other.range.start)
            .any(|place| place > one.range.start)
    };
    before.retain(|one| !one.value.is_empty() && !taken_back(one));
    let mut faults = Vec::new();
    let mut made = first();
    for one in before {
        let signs = one
            .value
            .bytes()
            .iter()
            .take_while(|byte| b"@-:+!|".contains(byte));
        let may_fail = signs.into_iter().any(|byte| *byte == b'-');
        let commands = commands(&one.value);
        let program = commands.first().and_then(|command| command.first());
        let program = program.map(|word| String::from_utf8_lossy(&word.bytes).into_owned());
        let is_made = program.as_ref().is_some_and(|program| is_made(program, &made));
        commands.iter().for_each(|command| made.extend(made_by(command)));
        let Some(program) = program.filter(|_| !may_fail) else {
            continue;
        };
        let name = program.rsplit('/').next().unwrap_or_default();
        let setting = ORDER.into_iter().find(|setting| *setting == one.name);
        let fails =
            commands.len() == 1 && (name == "false" || missing(program.as_bytes()).is_some() && !is_made);
        match setting.filter(|_| fails) {
            Some(setting) => faults.push(Slip::Around(Fault::Before(setting, program.clone()))),
            None if SURE.contains(&name) => {}
            None => written.around.push(format!("{}={program}", one.name)),
        }
    }
    written.slips.retain(|slip| match slip {
        Slip::Around(fault) => !fault.missing().is_some_and(|path| is_made(path, &made)),
        _ => true,
    });
    written.own_slips().splice(0..0, faults);
    // Without its own folder systemd starts none of them.
    written
        .made
        .extend(if is_without_folder { first() } else { made });
    written
}

/// Whether a program, or a file, is made there, or may be.
fn is_made(name: &str, made: &Made) -> bool {
    let root = Path::new("/");
    match name.contains('/') {
        true => made.has_any(Path::new(name), root),
        false => PROGRAM_FOLDERS
            .iter()
            .any(|folder| made.has_any(&Path::new(folder).join(name), root)),
    }
}

/// What one of the commands makes.
fn made_by(command: &[Word]) -> Made {
    let text = shell_words::join(command.iter().map(|word| String::from_utf8_lossy(&word.bytes)));
    let bytes = Bytes::from(text.into_bytes());
    let part = Part::of_text(&bytes, true);
    let end = bytes.len();
    let mut made = part.made(&(end..end), end, &bytes);
    // What systemd puts in only it knows.
    if command
        .iter()
        .any(|word| word.bytes.iter().any(|byte| b"$%".contains(byte)))
    {
        made.blur();
    }
    made
}

/// A unit's program that is not there.
pub(super) fn missing(program: &[u8]) -> Option<Slip> {
    let program = str::from_utf8(program).ok()?;
    let is_missing = |path: &Path| matches!(path.try_exists(), Ok(false));
    let is_plain = !program.is_empty() && !program.contains(['%', '$']);
    let is_nowhere = match program.contains('/') {
        true => program.starts_with('/') && is_missing(Path::new(program)),
        false => PROGRAM_FOLDERS
            .iter()
            .all(|folder| is_missing(&Path::new(folder).join(program))),
    };
    (is_plain && is_nowhere).then(|| Slip::Around(Fault::NotThere(program.to_owned())))
}
