//! Programs that are not there, and files that a guard asks for.

use std::path::{Path, PathBuf};

use crate::{
    cli::probe::{
        fault::Fault,
        reach::run::{Flow, Run},
    },
    model::script::{Argument, Call},
};

/// Commands of all shells' own, and of some only (bash(1), dash(1)).
const OF_ALL: [&str; 46] = [
    ".", ":", "[", "alias", "bg", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit",
    "export", "false", "fc", "fg", "getopts", "hash", "jobs", "kill", "local", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "test", "times", "trap", "true", "type", "ulimit", "umask",
    "unalias", "unset", "wait", "time", "!", "{", "}", "in", "chdir", "esac",
];
const OF_BASH: [&str; 26] = [
    "[[",
    "bind",
    "builtin",
    "caller",
    "compgen",
    "complete",
    "compopt",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "enable",
    "function",
    "help",
    "history",
    "let",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "readarray",
    "select",
    "shopt",
    "source",
    "suspend",
    "typeset",
];

/// Where systemd looks for programs, and cron.
const PATH_OF_SYSTEMD: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const PATH_OF_CRON: &[u8] = b"/usr/bin:/bin";

impl Run<'_> {
    /// Whether something is there: what is not there now fails. What is there says less, for it may be more than that.
    pub(super) fn asks(&mut self, call: &Call, program: &str, place: usize) -> Flow {
        // Where a pattern stands, or braces, only a run can tell what is asked for.
        let is_pattern = |word: &Argument| {
            let is_sign = ["[", "]", "[[", "]]"].iter().any(|sign| word.is(sign));
            let text = word.text();
            !is_sign && word.has_pattern() || text.contains('{') || text.starts_with('~')
        };
        if call.arguments().iter().any(is_pattern) {
            return Flow::Goes(None);
        }
        let words: Option<Vec<_>> = call.arguments().iter().map(Argument::known).collect();
        let Some(words) = words else {
            return Flow::Goes(None);
        };
        let mut words: Vec<_> = words
            .iter()
            .filter_map(|word| str::from_utf8(word).ok())
            .collect();
        words.pop_if(|word| *word == "]" || *word == "]]");
        let (is_negated, words) = match &words[..] {
            ["!", rest @ ..] => (true, rest),
            all => (false, all),
        };
        let file = match (program, words) {
            ("mountpoint", [file] | ["-q" | "--quiet", file]) => file,
            ("mountpoint", _) => return Flow::Goes(None),
            (
                _,
                [
                    "-d" | "-e" | "-f" | "-s" | "-r" | "-w" | "-x" | "-b" | "-S" | "-p",
                    file,
                ],
            ) => file,
            _ => return Flow::Goes(None),
        };
        let is_known = file.starts_with('/') && !(program == "[[" && self.is_dash() == Some(true));
        let is_missing = || matches!(Path::new(file).try_exists(), Ok(false));
        if !is_known || !is_missing() || self.may_be_made(Path::new(file), place) {
            return Flow::Goes(None);
        }
        let fault = Fault::Guarded(self.line(place), (*file).to_owned());
        self.guard = Some((place, fault.clone()));
        self.why = Some((place, fault));
        Flow::Goes(Some(is_negated))
    }

    /// Whether anything that runs before a place may make a file.
    pub(super) fn may_be_made(&self, file: &Path, place: usize) -> bool {
        let made = self.part.made(&self.own, place, self.bytes);
        made.has_any(file, Path::new(""))
    }

    /// Whether there is no program of that name, nor a command of the shell's own.
    pub(super) fn is_missing(&self, name: &str, place: usize) -> bool {
        let is_own = OF_ALL.contains(&name) || self.is_dash() != Some(true) && OF_BASH.contains(&name);
        let mut calls = self.part.script.calls.iter();
        if is_own
            || calls.any(|call| matches!(&*call.program(), "alias" | "hash" | "enable"))
            || self.is_open()
        {
            return false;
        }
        if name.contains('/') {
            return name.starts_with('/')
                && matches!(Path::new(name).try_exists(), Ok(false))
                && !self.may_be_made(Path::new(name), place);
        }
        if self.pathless.is_some() {
            return true;
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
        let Some(path) = self
            .path()
            .filter(|_| !name.is_empty() && name.bytes().all(is_plain))
        else {
            return false;
        };
        let folders = path
            .split(|&byte| byte == b':')
            .map(|folder| str::from_utf8(folder).unwrap_or_default());
        let places: Vec<_> = folders.map(|folder| Path::new(folder).join(name)).collect();
        let is_nowhere = |path: &PathBuf| path.is_absolute() && matches!(path.try_exists(), Ok(false));
        if !places.iter().all(is_nowhere) {
            return false;
        }
        let made = self.part.made(&self.own, place, self.bytes);
        !places.iter().any(|path| made.has_any(path, Path::new("")))
    }

    /// Where the shell looks for programs; none if only a run can tell.
    fn path(&self) -> Option<Vec<u8>> {
        let part = self.part;
        let set = part.script.assignments.iter();
        let set = set.filter(|assigned| assigned.name == b"PATH");
        let given = part.variables.get(&b"PATH"[..]).map(|path| path.to_vec());
        let given = given.or_else(|| match (&part.given, part.is_cron) {
            (Some(_), true) => Some(PATH_OF_CRON.to_vec()),
            (Some(_), false) => Some(PATH_OF_SYSTEMD.to_vec()),
            (None, _) => std::env::var_os("PATH").map(std::ffi::OsString::into_encoded_bytes),
        })?;
        // Wherever one of them leads, a program may be.
        let mut path = given.clone();
        for assigned in set {
            path.push(b':');
            for piece in &assigned.value.pieces {
                let own = piece.variable.clone().map(|name| &self.bytes[name]);
                match (&piece.text, own) {
                    (Some(text), _) => path.extend_from_slice(text),
                    (None, Some(b"PATH")) => path.extend_from_slice(&given),
                    (None, _) => return None,
                }
            }
        }
        Some(path)
    }
}
