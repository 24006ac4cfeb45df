//! Programs that are to start another one, as `sudo` and `nice`: where one is nowhere, nothing behind it is started.

use std::path::Path;

use crate::{
    cli::probe::{fault::Fault, interpreter, part::Part, reach::run::Run},
    host::PROGRAM_FOLDERS,
    model::script::{Argument, Call},
};

/// Commands of the shell's own that start another one; `time` is a word of bash's.
pub(super) const OF_SHELL: [&str; 3] = ["builtin", "command", "exec"];

/// Behind these the files are others.
const ELSEWHERE: [&str; 2] = ["chroot", "systemd-run"];

/// The options of `flock` that take the next word (flock(1)).
const OF_FLOCK: [&str; 5] = ["-w", "--timeout", "--wait", "-E", "--conflict-exit-code"];

impl Part<'_> {
    /// What of the programs in front of a call keeps it from being started.
    pub(in crate::cli::probe) fn missing_starter(&self, call: &Call, bytes: &[u8]) -> Option<Fault> {
        let is_known = self.shell.as_deref().is_none_or(interpreter::is_plain);
        let run = Run::new(self, call.range.clone(), bytes);
        is_known.then(|| run.missing_starter(call)).flatten()
    }
}

impl Run<'_> {
    pub(super) fn missing_starter(&self, call: &Call) -> Option<Fault> {
        let mut front = call.front.iter().enumerate();
        for (index, wrapper) in call.wrappers.iter().enumerate() {
            let is_it = |word: &Argument| word.text().rsplit('/').next() == Some(&**wrapper);
            let (at, word) = front.find(|(_, word)| is_it(word))?;
            let name = word.known().and_then(|name| String::from_utf8(name).ok())?;
            let is_own = OF_SHELL.contains(&&*name) || name == "time" && self.is_dash() != Some(true);
            if !is_own && self.is_no_program(&name, call.range.start, index == 0) {
                return Some(Fault::NoStarter(name));
            }
            if wrapper == "flock"
                && let Some(fault) = self.missing_lock(&call.front[at + 1..], call)
            {
                return Some(fault);
            }
            if ELSEWHERE.contains(&&**wrapper) {
                return None;
            }
        }
        None
    }

    /// Whether a program is nowhere. What another one starts it may look for in other places.
    fn is_no_program(&self, name: &str, place: usize, is_first: bool) -> bool {
        let is_elsewhere = || {
            let mut folders = PROGRAM_FOLDERS.iter();
            folders.any(|folder| Path::new(folder).join(name).exists())
        };
        !self.functions.contains_key(name.as_bytes())
            && self.is_missing(name, place)
            && (is_first || name.contains('/') || !is_elsewhere())
    }

    /// The folder of a lock that cannot be made, for want of it.
    fn missing_lock(&self, words: &[Argument], call: &Call) -> Option<Fault> {
        let mut words = words.iter();
        let file = loop {
            let word = words.next()?;
            match word.text() {
                text if OF_FLOCK.contains(&&*text) => drop(words.next()),
                text if text.starts_with('-') => {}
                _ => break word,
            }
        };
        let file = file.known().and_then(|file| String::from_utf8(file).ok())?;
        let folder = Path::new(&file).parent().filter(|_| file.starts_with('/'))?;
        let is_missing = matches!(folder.try_exists(), Ok(false));
        let made = self.part.made(&self.own, call.range.start, self.bytes);
        let is_made = || made.has(folder, Path::new(""));
        (is_missing && !is_made()).then(|| Fault::NoLockFolder(folder.display().to_string()))
    }
}
