//! Files that a shell opens for a command, and cannot: it does not run the command then.

use std::{fs, path::Path};

use crate::{
    cli::probe::{
        fault::Fault,
        reach::run::{Flow, Run},
    },
    model::script::Stream,
    syntax::shell::{Command, Kind, Operator, PartKind, Redirection, Simple, Word},
};

/// The commands of a shell's own that end dash with what they cannot open (2.8.1 of POSIX's shell).
const SPECIAL: [&[u8]; 12] = [
    b".",
    b":",
    b"eval",
    b"exec",
    b"exit",
    b"export",
    b"readonly",
    b"set",
    b"shift",
    b"times",
    b"trap",
    b"unset",
];

/// What bash opens by itself, or is there for the process that looks alone (bash(1)).
const OF_SHELL: [&str; 5] = [
    "/dev/fd/",
    "/dev/tcp/",
    "/dev/udp/",
    "/proc/self/",
    "/proc/thread-self/",
];

/// Programs that take files away, or give them other names.
const REMOVERS: [&str; 7] = ["find", "logrotate", "mv", "rm", "savelog", "shred", "unlink"];

impl<'a> Run<'a> {
    /// What a command ends that cannot open its files.
    pub(super) fn unopened(&mut self, command: &'a Command) -> Option<Flow> {
        let (redirection, place, fault) = self.closed_of(command)?;
        let words = match &command.kind {
            Kind::Simple(simple) => &simple.words[..],
            _ => &[],
        };
        let program = words.first().and_then(|word| word.literal());
        let is_special = program.is_some_and(|name| SPECIAL.contains(&&*name));
        if !is_special {
            return Some(self.fails(place, fault));
        }
        if self.is_dash() == Some(true) {
            return Some(Flow::Ends(place, fault));
        }
        if words.len() == 1
            && let Some(descriptor) = redirection.descriptor
        {
            self.closed.insert(descriptor, (place, fault.clone()));
        }
        Some(self.fails(place, fault))
    }

    /// What around the call cannot open its files, so that nothing in it is run.
    pub(super) fn unopened_around(&self, command: &'a Command) -> Option<(usize, Fault)> {
        let is_around = !matches!(command.kind, Kind::Simple(_) | Kind::Function { .. });
        let found = is_around.then(|| self.closed_of(command)).flatten();
        found.map(|(_, place, fault)| (place, fault))
    }

    /// What `flock NUMBER` ends of what could not be opened.
    pub(super) fn locks_nothing(&mut self, simple: &Simple, place: usize) -> Option<Flow> {
        let program = simple.words.first()?.literal()?;
        let number = simple.words.last()?.literal()?;
        let number: u32 = str::from_utf8(&number).ok()?.parse().ok()?;
        let found = self.closed.get(&number).filter(|_| program == b"flock")?;
        let (at, fault) = found.clone();
        self.guard = Some((at, fault.clone()));
        Some(self.fails(place, fault))
    }

    /// The first file of a command that cannot be opened for sure.
    fn closed_of(&self, command: &'a Command) -> Option<(&'a Redirection, usize, Fault)> {
        let words = match &command.kind {
            Kind::Simple(simple) => &simple.words[..],
            _ => &[],
        };
        let is_exec = words.first().and_then(Word::literal).as_deref() == Some(b"exec");
        command.redirections.iter().find_map(|redirection| {
            let place = redirection.range.start;
            let file = self.file_of(redirection)?;
            if let Some(fault) = self.kept(redirection, &file) {
                return Some((redirection, place, fault));
            }
            if self.is_of_call(redirection) && !is_exec {
                return None;
            }
            let path = Path::new(&file);
            let is_missing = |path: &Path| matches!(path.try_exists(), Ok(false));
            let folder = path.parent()?;
            let line = self.line(place);
            let fault = match redirection.operator {
                Operator::Read if is_missing(path) && !self.may_be_made(path, place) => {
                    Fault::NotRead(line, file)
                }
                Operator::Read => return None,
                _ if is_missing(folder) && !self.may_be_made(folder, place) => {
                    Fault::NotOpened(line, folder.to_str()?.to_owned())
                }
                _ => return None,
            };
            Some((redirection, place, fault))
        })
    }

    /// What keeps the call's own files from being opened where a variable in their names is set by nothing.
    pub(super) fn unset_file(&self, command: &Command) -> Option<(usize, Fault)> {
        command.redirections.iter().find_map(|redirection| {
            let target = &redirection.target;
            let writes = redirection.operator.opens_file() && redirection.operator != Operator::Read;
            let file = target.parts.iter().map(|part| match &part.kind {
                PartKind::Literal(text) => String::from_utf8(text.clone()).ok(),
                PartKind::Variable { name, operator } if operator.is_empty() => {
                    let name = &self.bytes[name.clone()];
                    self.is_unset(name).then(String::new)
                }
                _ => None,
            });
            let has_variable = target.literal().is_none();
            let file = file
                .collect::<Option<String>>()
                .filter(|_| writes && has_variable)?;
            let place = redirection.range.start;
            let folder = Path::new(&file).parent().filter(|_| file.starts_with('/'));
            let is_missing = |folder: &Path| matches!(folder.try_exists(), Ok(false));
            match folder {
                None if file.is_empty() => Some((place, Fault::NoLog(file))),
                Some(folder) if is_missing(folder) && !self.may_be_made(folder, place) => {
                    Some((place, Fault::NoLogFolder(folder.display().to_string())))
                }
                _ => None,
            }
        })
    }

    /// What of the call's own files is there, and may not be written anew.
    pub(super) fn kept_of(&self, command: &Command) -> Option<(usize, Fault)> {
        command.redirections.iter().find_map(|redirection| {
            let fault = self.kept(redirection, &self.file_of(redirection)?)?;
            Some((redirection.range.start, fault))
        })
    }

    /// With `set -C` no shell writes a plain file anew (2.7.2 of POSIX's shell).
    fn kept(&self, redirection: &Redirection, file: &str) -> Option<Fault> {
        let text = &self.bytes[redirection.range.clone()];
        let has = |sign: &[u8]| text.windows(sign.len()).any(|part| part == sign);
        let writes = match redirection.operator {
            Operator::Write => !has(b">|"),
            Operator::WriteBoth => !has(b">>") && self.is_dash() == Some(false),
            _ => false,
        };
        let mut calls = self.part.script.calls.iter();
        let may_be_gone = calls.any(|call| REMOVERS.contains(&&*call.program()));
        let is_there = || fs::metadata(file).is_ok_and(|found| found.is_file());
        let is_kept = self.is_noclobber && writes && !may_be_gone && is_there();
        is_kept.then(|| Fault::NotOverwritten(self.line(redirection.range.start), file.to_owned()))
    }

    /// Whether a file is what the call's own output goes to, which is told with the call.
    fn is_of_call(&self, redirection: &Redirection) -> bool {
        let own = self.calls.get(&(self.own.start, self.own.end));
        let mut streams = own.into_iter().flat_map(|call| [&call.output, &call.errors]);
        streams.any(|stream| matches!(stream, Stream::File(file) if file.range == redirection.target.range))
    }

    /// The file that is opened, if the text tells its whole path.
    fn file_of(&self, redirection: &Redirection) -> Option<String> {
        if !redirection.operator.opens_file() {
            return None;
        }
        let range = &redirection.target.range;
        let mut files = self.part.script.opened.iter().filter(|file| file.range == *range);
        let file = files.next()?.known()?;
        let is_one = files.all(|other| other.known().as_deref() == Some(&*file));
        let file = String::from_utf8(file).ok()?;
        let is_plain = !OF_SHELL.iter().any(|start| file.starts_with(start));
        (is_one && is_plain && file.starts_with('/')).then_some(file)
    }
}
