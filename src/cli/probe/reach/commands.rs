//! Ordinary commands that fail for sure: what they are to take is not there.

use std::{io::ErrorKind, path::Path};

use crate::{
    cli::probe::reach::run::Run,
    model::script::{Argument, Call},
    syntax::shell::{Command, Operator},
};

/// Commands that fail where one of the files is not there that they name.
const TAKERS: [&str; 15] = [
    "cat",
    "chgrp",
    "chmod",
    "chown",
    "du",
    "find",
    "head",
    "ls",
    "md5sum",
    "rmdir",
    "sha256sum",
    "stat",
    "tac",
    "tail",
    "wc",
];

/// The same of all but the last one.
const COPIERS: [&str; 2] = ["cp", "mv"];

impl Run<'_> {
    /// What of a command fails for sure, as it is told.
    pub(super) fn surely_fails(&self, call: &Call, name: &str, command: &Command) -> Option<String> {
        let place = command.range.start;
        let words = call.arguments();
        if name == "read" {
            let mut pairs = words.windows(2);
            let is_whole = pairs.any(|pair| pair[0].text().ends_with('d') && pair[1].is(""));
            let mut redirections = command.redirections.iter();
            let is_here = redirections.any(|one| one.operator == Operator::HereDocument);
            return (is_whole && is_here).then(|| "read -d ''".to_owned());
        }
        let files: Option<Vec<_>> = words.iter().map(plain).collect();
        let files = files?;
        // What stands behind the first option of `find` is asked for, and need not be there.
        let is_asked = |word: &String| name == "find" && word.starts_with('-');
        let files = files.iter().take_while(|word| !is_asked(word));
        let files: Vec<_> = files.filter(|word| !word.starts_with('-')).collect();
        let is_missing = |path: &Path| {
            let found = path.symlink_metadata();
            path.is_absolute()
                && found.is_err_and(|error| error.kind() == ErrorKind::NotFound)
                && !self.may_be_made(path, place)
        };
        let is_absent = |file: &&String| is_missing(Path::new(&**file));
        let has = |letter: char, long: &str| {
            let mut words = words.iter().map(Argument::text);
            words.any(|word| {
                word.starts_with(long)
                    || word.starts_with('-') && !word.starts_with("--") && word.contains(letter)
            })
        };
        let lacking = match name {
            "mkdir" if !has('p', "--parents") => {
                let is_nowhere = |file: &&String| Path::new(&**file).parent().is_some_and(is_missing);
                files.into_iter().find(is_nowhere)
            }
            "rm" if !has('f', "--force") => files.into_iter().find(is_absent),
            // `tail -F` waits for the file.
            "tail" if has('F', "--retry") => None,
            _ if TAKERS.contains(&name) && !has('f', "--quiet") => files.into_iter().find(is_absent),
            _ if COPIERS.contains(&name) && !has('t', "--target-directory") => {
                let sources = files.split_last().map_or(&[][..], |(_, sources)| sources);
                sources.iter().copied().find(is_absent)
            }
            _ => None,
        };
        lacking.map(|file| format!("{name} {file}"))
    }

    /// `((NAME++))` of a variable that is 0: it ends as what it is worth.
    pub(super) fn counts_from_zero(&self, command: &Command) -> Option<String> {
        let text = str::from_utf8(&self.bytes[command.range.clone()]).ok()?;
        let inner = text.strip_prefix("((")?.strip_suffix("))")?.trim();
        let name = inner.strip_suffix("++").or_else(|| inner.strip_suffix("--"))?;
        let assignments = self.part.script.assignments.iter();
        let mut own = assignments.filter(|assigned| assigned.name == name.as_bytes());
        let is_zero = own
            .next()
            .is_some_and(|first| first.range.end <= command.range.start && first.value.is("0"));
        (is_zero && own.next().is_none()).then(|| text.to_owned())
    }
}

/// A word that is known, and that no shell makes others of.
fn plain(word: &Argument) -> Option<String> {
    let text = String::from_utf8(word.known()?).ok()?;
    let is_plain = !word.has_pattern() && !text.contains(['{', '~']);
    is_plain.then_some(text)
}
