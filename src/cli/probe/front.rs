//! What stands in front of `rsync` in its own command.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

use crate::cli::probe::{
    interpreter::{is_elf, is_program, program_in, system_program},
    plain::{assigned, name_of},
    special::is_for_rsync,
    value::Names,
};

/// What a command is judged by.
pub(super) struct Front<'f> {
    pub(super) names: &'f Names,
    /// Where programs are looked for.
    pub(super) path: &'f [u8],
    pub(super) is_bash: bool,
}

impl Front<'_> {
    /// What stands behind `rsync` in a command that has nothing in front of it but variables for rsync, and programs that
    /// change neither whether nor how it runs.
    ///
    /// # Errors
    ///
    /// What else stands there.
    pub(super) fn arguments<'c, 't>(&self, command: &'c [&'t [u8]]) -> Result<&'c [&'t [u8]], String> {
        let mut rest = command;
        // To bash it is a word of its own, to dash a program.
        if let ([b"time", behind @ ..], true) = (rest, self.is_bash) {
            rest = behind;
        }
        while let [word, behind @ ..] = rest
            && let Some((name, value)) = assigned(word)
        {
            let is_followed =
                is_for_rsync(name) && self.names.value(value).is_some() && !self.names.has(name);
            if !is_followed {
                return Err(name_of(word).to_owned());
            }
            rest = behind;
        }
        // They start nothing but what stands behind them, and no program can start them.
        if let [b"command" | b"exec", behind @ ..] = rest {
            rest = behind;
        }
        loop {
            let [word, behind @ ..] = rest else {
                return Err("rsync".to_owned());
            };
            rest = match *word {
                b"nice" => without_niceness(behind),
                b"ionice" => without_class(behind),
                program => {
                    self.is_rsync(program)?;
                    return Ok(behind);
                }
            }
            .filter(|_| self.has(word))
            .ok_or_else(|| name_of(word).to_owned())?;
        }
    }

    /// Whether there is a program of that name, and no script in its place.
    fn has(&self, name: &[u8]) -> bool {
        str::from_utf8(name).is_ok_and(|name| system_program(self.path, name).is_some())
    }

    /// Whether a word names an rsync that can be started.
    fn is_rsync(&self, word: &[u8]) -> Result<(), String> {
        let name = self.names.word(word).ok_or_else(|| name_of(word).to_owned())?;
        let file = match &name[..] {
            b"rsync" => program_in(self.path, "rsync"),
            path if path.starts_with(b"/") && path.ends_with(b"/rsync") => {
                let path = Path::new(OsStr::from_bytes(path));
                is_program(path).then(|| path.to_owned())
            }
            _ => return Err(name_of(word).to_owned()),
        };
        let file = file.ok_or_else(|| format!("{}, which is not there", name_of(&name)))?;
        let real = fs::canonicalize(&file).unwrap_or_else(|_| file.clone());
        // What somebody has written in its place may do anything.
        match (is_elf(&real), real.file_name() == Some(OsStr::new("rsync"))) {
            (true, true) => Ok(()),
            (true, false) => Err(format!("{}, which is {}", file.display(), real.display())),
            (false, _) => Err(format!("{}, a script", file.display())),
        }
    }
}

/// What stands behind the options of `nice`, none if they are not those of a lower priority.
fn without_niceness<'c, 't>(words: &'c [&'t [u8]]) -> Option<&'c [&'t [u8]]> {
    match words {
        [b"-n", number, rest @ ..] => is_number(number).then_some(rest),
        [option, rest @ ..] if option.starts_with(b"-") => {
            let number = option.strip_prefix(b"-n").unwrap_or_else(|| &option[1..]);
            is_number(number).then_some(rest)
        }
        rest => Some(rest),
    }
}

/// What stands behind the options of `ionice`, none if they are not classes that everybody may take.
fn without_class<'c, 't>(words: &'c [&'t [u8]]) -> Option<&'c [&'t [u8]]> {
    let mut rest = words;
    let mut has_class = false;
    loop {
        rest = match rest {
            [b"-c2" | b"-c3", rest @ ..] | [b"-c", b"2" | b"3", rest @ ..] => {
                has_class = true;
                rest
            }
            [b"-n", number, rest @ ..] if is_data(number) => rest,
            [option, rest @ ..] if option.strip_prefix(b"-n").is_some_and(is_data) => rest,
            rest => return has_class.then_some(rest),
        };
    }
}

fn is_number(text: &[u8]) -> bool {
    !text.is_empty() && text.len() < 4 && text.iter().all(u8::is_ascii_digit)
}

fn is_data(text: &[u8]) -> bool {
    matches!(text, [b'0'..=b'7'])
}
