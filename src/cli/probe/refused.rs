//! Texts that a shell does not take: it is asked, and runs nothing of them.

use std::{
    env,
    io::{Seek as _, Write as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    cli::probe::{
        fault::Fault,
        interpreter::{is_plain, is_shell, program_in},
        part::Part,
        text::{position, with_returns},
    },
    model::script::Call,
};

/// So many ends of a text are tried.
const MOST_ENDS: usize = 100;

impl Part<'_> {
    /// Why the shell takes no part of a text that a call is in. It reads one command after the other: what stands further down
    /// does not matter to it then.
    pub(super) fn refusal(&self, call: &Call, bytes: &[u8]) -> Option<Fault> {
        let text = with_returns(&bytes[self.start..self.end]);
        // Words of its own, and other signs, which it knows once it runs.
        let changes = |word: &[u8]| text.windows(word.len()).any(|part| part == word);
        if changes(b"extglob") || changes(b"alias ") || self.is_handed_to_bash(&call.range, bytes) {
            return None;
        }
        let last = call.range.end.saturating_sub(1).clamp(self.start, self.end);
        let here = 1 + position(bytes, last) - position(bytes, self.start);
        let shells = self.shells();
        let mut found = shells.iter().map(|shell| offence(shell, &text, here));
        let first = found.next()??;
        let is_of_all = found.all(|found| found.is_some());
        let name = shells[0].file_name()?.to_string_lossy().into_owned();
        let line = (position(bytes, self.start) + first - 1).min(position(bytes, self.end.saturating_sub(1)));
        is_of_all.then_some(Fault::Refused(line, name))
    }

    /// The shells of this machine that may read it.
    fn shells(&self) -> Vec<PathBuf> {
        let named = match &self.shell {
            Some(shell) if !is_plain(shell) => return Vec::new(),
            Some(shell) => vec![&**shell],
            None if self.is_typed => vec!["bash"],
            None => vec!["sh", "bash"],
        };
        let path = env::var_os("PATH").unwrap_or_default().into_encoded_bytes();
        let found = named.into_iter().map(|name| match name.starts_with('/') {
            true => Some(PathBuf::from(name)),
            false => program_in(&path, name),
        });
        found.flatten().filter(|shell| is_shell(shell)).collect()
    }
}

/// The line of a text that a shell takes offence at before it has the whole command that ends on a line, or behind it.
fn offence(shell: &Path, text: &[u8], here: usize) -> Option<usize> {
    let line = offence_in(shell, text)?;
    let ends = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    let ends = ends.map(|(at, _)| at + 1).skip(here - 1).take(MOST_ENDS);
    let mut wholes = ends
        .enumerate()
        .take_while(|(index, _)| here + index < line.max(here + 1));
    let is_taken = wholes.any(|(_, end)| end < text.len() && offence_in(shell, &text[..end]).is_none());
    (!is_taken).then_some(line)
}

/// The line of a text that a shell takes offence at.
fn offence_in(shell: &Path, text: &[u8]) -> Option<usize> {
    let mut file = tempfile::tempfile().ok()?;
    file.write_all(text).and_then(|()| file.rewind()).ok()?;
    let mut shell = Command::new(shell);
    let shell = shell.args(["-n", "/dev/stdin"]).env_clear().stdin(file);
    let ended = shell.stdout(Stdio::null()).output().ok()?;
    if ended.status.success() {
        return None;
    }
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let behind = said
        .strip_prefix("/dev/stdin: ")
        .or_else(|| said.split_once(": ").map(|(_, rest)| rest))?;
    let digits = behind
        .trim_start_matches("/dev/stdin: ")
        .trim_start_matches("line ");
    let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
    Some(digits.parse().unwrap_or(1))
}
