//! What of a script, or of a table of cron's, keeps a call in it from being made as it is meant.

use std::{ops::Range, path::Path};

use crate::{
    cli::probe::{
        fault::Fault,
        interpreter::{Interpreter, dash_knows_pipefail},
        part::Part,
        text::position,
        variables::{Found, OF_RSYNC},
    },
    lint::Crontab,
    model::script::{Argument, Block, Call, Stream},
    probe::Effect,
    syntax::crontab::Kind,
    terms::Bytes,
};

impl Part<'_> {
    /// What keeps a call from being made; `found`: what it finds in its environment.
    pub(super) fn faults(&self, call: &Call, found: &Found, bytes: &[u8]) -> Vec<Fault> {
        let interpreter = Interpreter::of(bytes).filter(|_| !self.is_typed && !self.is_cron);
        let of_start = interpreter.and_then(|interpreter| {
            let other = || interpreter.fault_of_other(bytes);
            interpreter.fault().or_else(other)
        });
        let own = self.faults.iter().cloned().chain(of_start);
        let of_dash = self.of_dash(call, bytes);
        // A sign of bash's is told as that.
        let is_sign = matches!(of_dash, Some((_, Fault::OfBash(_, _, true))));
        let refusal = (!is_sign).then(|| self.refusal(call, bytes)).flatten();
        let mut on_way: Vec<_> = of_dash.into_iter().chain(self.unreached(call, bytes)).collect();
        on_way.sort_by_key(|(place, _)| *place);
        let on_way = on_way.into_iter().map(|(_, fault)| fault);
        let all = own
            .chain(refusal)
            .chain(on_way)
            .chain(self.missing_starter(call, bytes))
            .chain(self.missing_program(call, bytes))
            .chain(self.closed_log(call, bytes));
        let mut all: Vec<_> = all.chain(self.kept_in(call, found, bytes)).collect();
        // Where rsync is not started at all, nothing else matters as much.
        all.sort_by_key(|fault| fault.effect() != Effect::Never);
        all
    }

    /// Whether dash reads a place in the text that a call is in, or in one around it.
    fn is_of_dash(&self, place: &Range<usize>, call: &Call, bytes: &[u8]) -> bool {
        let mut texts = self.script.texts.iter();
        let is_elsewhere =
            texts.any(|text| text.range.contains(&place.start) && !text.range.contains(&call.range.start));
        !is_elsewhere && self.takes_braces_at(place, bytes) == Some(false)
    }

    /// The first thing in front of a call, or in it, that dash does not know and is to read.
    fn of_dash(&self, call: &Call, bytes: &[u8]) -> Option<(usize, Fault)> {
        let calls = self.script.calls.iter();
        let before = calls.filter(|other| {
            other.range.start <= call.range.start && self.is_of_dash(&other.range, call, bytes)
        });
        // What is done in some cases only need not be met.
        let is_sure = |other: &&Call| {
            let branches = |call: &Call| {
                call.blocks
                    .iter()
                    .filter(|block| **block == Block::Branch)
                    .count()
            };
            branches(other) <= branches(call)
        };
        let of_calls = before.filter_map(|other| {
            let line = position(bytes, other.range.start);
            let is_pipefail = |word: &Argument| word.is("pipefail");
            let fault = match &*other.program() {
                // In a function, a branch or a shell of its own it may end nothing.
                "set" if other.arguments().iter().any(is_pipefail) => {
                    let is_apart = self.scopes_of(&other.range, &call.range).next().is_some();
                    (!is_apart && !dash_knows_pipefail()).then_some(Fault::Pipefail(line))
                }
                "source" if is_sure(&other) => Some(Fault::OfBash(line, "source", false)),
                "pushd" if is_sure(&other) => Some(Fault::OfBash(line, "pushd", false)),
                "popd" if is_sure(&other) => Some(Fault::OfBash(line, "popd", false)),
                "[[" if is_sure(&other) => Some(Fault::OfBash(line, "[[", false)),
                _ if has_here_string(other, bytes) => Some(Fault::OfBash(line, "<<<", true)),
                _ => None,
            };
            fault.map(|fault| (other.range.start, fault))
        });
        let assignments = self.script.assignments.iter();
        let before = assignments.filter(|assigned| {
            assigned.range.end <= call.range.start && self.is_of_dash(&assigned.range, call, bytes)
        });
        let of_assignments = before.filter_map(|assigned| {
            let behind = bytes[assigned.range.clone()].strip_prefix(&assigned.name[..])?;
            let line = position(bytes, assigned.range.start);
            let fault = match behind {
                [b'=', b'(', ..] => Fault::OfBash(line, "(", true),
                [b'+', b'=', b'(', ..] => Fault::OfBash(line, "(", true),
                [b'+', b'=', ..] => Fault::OfBash(line, "+=", false),
                _ => return None,
            };
            Some((assigned.range.start, fault))
        });
        of_calls.chain(of_assignments).min_by_key(|(place, _)| *place)
    }

    /// What keeps the shell from opening a file that the output goes to.
    fn closed_log(&self, call: &Call, bytes: &[u8]) -> Option<Fault> {
        let start = self.folder_of(call, bytes)?;
        let start = match self.is_typed {
            true => start,
            false => self.home().join(start),
        };
        let made = self.made(&call.range, call.range.start, bytes);
        let is_bash = |file: &Argument| self.takes_braces_at(&file.range, bytes) != Some(false);
        let files = [&call.output, &call.errors]
            .into_iter()
            .filter_map(|stream| match stream {
                // bash goes on where `exec > FILE` cannot open it, dash ends there.
                Stream::File(file) if is_bash(file) && is_of_exec(file, bytes) => None,
                Stream::File(file) => {
                    let name = String::from_utf8(file.known()?).ok()?;
                    Some((name, is_of_exec(file, bytes)))
                }
                Stream::Inherited | Stream::Discarded(_) => None,
            });
        let mut faults = files.filter_map(|(name, is_exec)| {
            let file = start.join(&name);
            if name.is_empty() {
                return Some(Fault::NoLog(name));
            }
            if !self.is_typed && !file.is_absolute() {
                return None;
            }
            if file.is_dir() {
                return Some(Fault::NoLog(name));
            }
            let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty())?;
            // Who follows the shell knows whether it comes to an `exec`.
            let is_missing =
                !is_exec && matches!(folder.try_exists(), Ok(false)) && !made.has(folder, &start);
            is_missing.then(|| Fault::NoLogFolder(folder.display().to_string()))
        });
        faults.next()
    }

    /// The program of a call that is named by its path, if it is not there.
    fn missing_program(&self, call: &Call, bytes: &[u8]) -> Option<Fault> {
        let program = call.words.first()?.known()?;
        let program = String::from_utf8(program)
            .ok()
            .filter(|program| program.starts_with('/'))?;
        let path = Path::new(&program);
        let is_missing = matches!(path.try_exists(), Ok(false));
        let made = || self.made(&call.range, call.range.start, bytes);
        (is_missing && !made().has_any(path, Path::new(""))).then(|| Fault::NoProgram(program.clone()))
    }

    /// A variable of rsync's that the script sets for itself alone.
    fn kept_in(&self, call: &Call, found: &Found, bytes: &[u8]) -> Option<Fault> {
        // One that a run names may be handed on.
        if self.is_typed || !self.script.composed.is_empty() {
            return None;
        }
        let mut names = OF_RSYNC.into_iter().filter(|name| name.starts_with("RSYNC_"));
        names.find_map(|name| {
            let assignments = self.script.assignments.iter();
            let mut own = assignments.filter(|assigned| {
                !assigned.is_for_command
                    && assigned.name == name.as_bytes()
                    && assigned.range.end <= call.range.start
            });
            let calls = self.script.calls.iter();
            let mut apart = calls.filter(|other| {
                let is_set = other
                    .arguments()
                    .first()
                    .is_some_and(|word| word.text().starts_with('='));
                other.range.end <= call.range.start && other.program() == name && is_set
            });
            let is_unset = || {
                let mut calls = self.script.calls.iter();
                calls.any(|other| other.program() == "unset" && other.range.end <= call.range.start)
            };
            let is_kept = matches!(found.variables.get(name), Some(None)) && !is_unset();
            let is_own = call
                .environment
                .iter()
                .any(|assigned| assigned.name == name.as_bytes());
            let line = |place: usize| position(bytes, place);
            match (own.next_back(), apart.next()) {
                _ if is_own => None,
                (Some(assigned), _) if is_kept => Some(Fault::NotExported(line(assigned.range.start), name)),
                (None, Some(apart)) => Some(Fault::Apart(line(apart.range.start), name)),
                _ => None,
            }
        })
    }
}

/// `<<< WORD` of a call, otherwise than in one of its words.
fn has_here_string(call: &Call, bytes: &[u8]) -> bool {
    let mut signs = call.range.clone().filter(|&at| bytes[at..].starts_with(b"<<<"));
    signs.any(|at| !call.words.iter().any(|word| word.range.contains(&at)))
}

/// Whether a file is what an `exec` without a program opens for all that follows.
fn is_of_exec(file: &Argument, bytes: &[u8]) -> bool {
    let before = &bytes[..file.range.start.min(bytes.len())];
    let is_end = |byte: &u8| matches!(byte, b'\n' | b';' | b'{' | b'(');
    let own = before.rsplit(is_end).next().unwrap_or_default();
    let join = own.windows(2).rposition(|pair| pair == b"||" || pair == b"&&");
    let own = join.map_or(own, |at| &own[at + 2..]).trim_ascii_start();
    let words: [&[u8]; 3] = [b"then ", b"do ", b"else "];
    let own = words
        .iter()
        .find_map(|word| own.strip_prefix(*word))
        .unwrap_or(own);
    let words = own.trim_ascii_start().strip_prefix(b"exec");
    words.is_some_and(|rest| rest.trim_ascii_start().starts_with(b">") || rest.starts_with(b" "))
}

/// What keeps cron from taking a table.
pub(super) fn of_table(table: &Crontab, bytes: &Bytes) -> Option<Fault> {
    table.lines.iter().find_map(|line| {
        let here = position(bytes, line.range.start);
        let has_end = bytes[line.range.clone()].ends_with(b"\n");
        match &line.kind {
            Kind::Blank | Kind::Comment => None,
            // Some crons take a range to choose from.
            Kind::Job(job) if job.schedule.is_err() => {
                let is_choice = job.times.iter().any(|field| bytes[field.clone()].contains(&b'~'));
                (!is_choice).then_some(Fault::Times(here))
            }
            _ => (!has_end).then_some(Fault::NoEnd(here)),
        }
    })
}
