//! Variables that nothing sets, and whose use ends a shell.

use std::env;

use crate::{
    cli::probe::{
        fault::Fault,
        reach::run::{Flow, Run},
        special::is_special,
    },
    syntax::shell::{PartKind, Redirection, Word},
};

/// Names that whoever starts a script may well give it.
const GIVEN: [&[u8]; 12] = [
    b"DISPLAY",
    b"EDITOR",
    b"HOME",
    b"LANG",
    b"LANGUAGE",
    b"LOGNAME",
    b"PATH",
    b"SUDO_USER",
    b"TERM",
    b"USER",
    b"USERNAME",
    b"XDG_RUNTIME_DIR",
];

/// The beginnings of names that are given by systemd, udev, sshd, PAM, and rsync to its hooks (systemd.exec(5), udev(7),
/// sshd(8), rsyncd.conf(5)).
const GIVEN_SO: [&[u8]; 18] = [
    b"CACHE_DIRECTORY",
    b"CONFIGURATION_DIRECTORY",
    b"CREDENTIALS_DIRECTORY",
    b"DEVNAME",
    b"DEVPATH",
    b"ID_",
    b"INVOCATION_ID",
    b"LC_",
    b"LISTEN_",
    b"LOGS_DIRECTORY",
    b"MAINPID",
    b"MONITOR_",
    b"PAM_",
    b"RSYNC_",
    b"RUNTIME_DIRECTORY",
    b"SSH_",
    b"STATE_DIRECTORY",
    b"SYSTEMD_",
];

impl Run<'_> {
    /// What a word ends that uses a variable which is not set: `set -u` does, or `${NAME:?}`.
    ///
    /// The same of an expansion that dash has not.
    pub(super) fn refused(&mut self, word: &Word) -> Option<Flow> {
        if let Some((place, fault)) = self.bad_substitution(word) {
            return Some(Flow::Ends(place, fault));
        }
        let found = word.parts.iter().find_map(|part| match &part.kind {
            PartKind::Variable { name, operator } => {
                let operator = &self.bytes[operator.clone()];
                let is_asked = operator.starts_with(b":?") || operator.starts_with(b"?");
                let ends = is_asked || self.is_nounset && operator.is_empty();
                let name = &self.bytes[name.clone()];
                (ends && self.is_unset(name)).then(|| (part.range.start, name.to_vec(), is_asked))
            }
            _ => None,
        });
        let (place, name, is_asked) = found?;
        let name = String::from_utf8_lossy(&name).into_owned();
        let fault = Fault::Unset(self.line(place), name, is_asked);
        Some(Flow::Ends(place, fault))
    }

    pub(super) fn refused_in(&mut self, redirections: &[Redirection]) -> Option<Flow> {
        redirections
            .iter()
            .find_map(|redirection| self.refused(&redirection.target))
    }

    /// Whether nothing sets a variable: neither the text, wherever it names it otherwise than to use it, nor who starts it.
    pub(super) fn is_unset(&self, name: &[u8]) -> bool {
        let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let is_name = name
            .first()
            .is_some_and(|first| first.is_ascii_alphabetic() || *first == b'_');
        let is_of_bash = name == b"HOSTNAME" && self.is_dash() == Some(true);
        let is_given = GIVEN.contains(&name) || GIVEN_SO.iter().any(|start| name.starts_with(start));
        if !is_name || is_special(name) && !is_of_bash || is_given || self.is_open() {
            return false;
        }
        let text = &self.bytes[self.text.clone()];
        // A coprocess sets names that only bash knows.
        if text.windows(6).any(|word| word == b"coproc") {
            return false;
        }
        let places = text.windows(name.len()).enumerate();
        let mut places = places.filter(|(_, word)| *word == name).map(|(at, _)| at);
        let is_set = places.any(|at| {
            let before = at.checked_sub(1).map(|before| text[before]);
            let is_whole =
                !before.as_ref().is_some_and(is_letter) && !text.get(at + name.len()).is_some_and(is_letter);
            let is_note = self
                .comments
                .iter()
                .any(|note| note.contains(&(self.text.start + at)));
            let is_used = match before {
                Some(b'$') => true,
                // `{NAME}>FILE` sets it.
                Some(b'{') if at < 2 || text[at - 2] != b'$' => false,
                Some(b'{') => {
                    let behind = &text[at + name.len()..];
                    !behind.starts_with(b":=") && !behind.starts_with(b"=")
                }
                _ => false,
            };
            is_whole && !is_note && !is_used
        });
        let key = str::from_utf8(name).unwrap_or_default();
        let is_given = self.part.variables.contains_key(name)
            || match &self.part.given {
                Some(given) => given.contains_key(key),
                None => env::var_os(key).is_some(),
            };
        !is_set && !is_given
    }
}
