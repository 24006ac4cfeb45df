//! A word of a command line as rsync gets it.

use crate::{
    cli::probe::{
        home::expanded,
        part::Part,
        settled::matches,
        text::{shown, with_returns},
    },
    model::script::{Argument, Piece},
    terms::{Target, without_password},
};

impl Part<'_> {
    /// A word as rsync gets it; several where the shell puts names of files in its place.
    pub(super) fn words(&self, argument: &Argument, bytes: &[u8]) -> Result<Vec<String>, String> {
        let pattern = argument.known().filter(|_| argument.has_pattern());
        let is_mixed = argument.pieces.iter().any(|piece| piece.is_quoted);
        let pattern = pattern.filter(|_| !is_mixed);
        match pattern.and_then(|pattern| matches(&pattern)) {
            Some(names) => Ok(names),
            None => Ok(vec![self.word(argument, bytes)?]),
        }
    }

    /// A word as rsync gets it.
    fn word(&self, argument: &Argument, bytes: &[u8]) -> Result<String, String> {
        let text = argument.pieces.iter().map(|piece| self.piece(piece, bytes));
        let text: Option<Vec<Vec<u8>>> = text.collect();
        let shown = || without_password(&shown(argument, bytes));
        let Some(text) = text else {
            let shown = shown();
            let cut = self.cut.as_ref().filter(|cut| argument.range.end >= cut.start);
            return Err(match cut {
                Some(_) => {
                    format!("cron ends the command at the first `%`, in the middle of `{shown}`; write `\\%`")
                }
                None => format!(
                    "what `{shown}` is only a run can tell; paste the command with its value, as 'rsync ...'"
                ),
            });
        };
        let text = String::from_utf8(with_returns(&text.concat()))
            .map_err(|_| format!("`{}` is not UTF-8", shown()))?;
        let is_local = !text.starts_with('-') && matches!(Target::parse(&text), Target::Local(_));
        if argument.has_pattern() && is_local {
            return Err(format!(
                "the shell puts names of files in the place of `{text}`; paste the command with them, as 'rsync ...'"
            ));
        }
        // Each piece is known, and the number of words is not: braces.
        if argument.is_open && argument.pieces.iter().all(|piece| piece.text.is_some()) {
            if self.is_cron && !self.variables.contains_key(&b"SHELL"[..]) && text.contains('{') {
                return Err(format!(
                    "cron's shell is /bin/sh, which leaves the braces of `{text}` as they are where it is dash: write each name out, or put SHELL=/bin/bash above the line"
                ));
            }
            return Err(format!(
                "of `{text}` a shell may make several words, which only a run can tell; paste the command with them, as 'rsync ...'"
            ));
        }
        let is_quoted = argument.pieces.first().is_some_and(|piece| piece.is_quoted);
        if text.starts_with('~') && !is_quoted {
            return expanded(&text, self.is_cron.then(|| self.home())).ok_or_else(|| {
                format!(
                    "the shell puts a home folder in the place of `{text}`, and which one is not known here; paste the command with it, as 'rsync ...'"
                )
            });
        }
        // cron takes the backslash away.
        Ok(match self.is_cron {
            true => text.replace("\\%", "%"),
            false => text,
        })
    }

    fn piece(&self, piece: &Piece, bytes: &[u8]) -> Option<Vec<u8>> {
        if let Some(text) = &piece.text {
            return Some(text.clone());
        }
        let name = &bytes[piece.variable.clone()?];
        let name = name.trim_ascii_start().strip_prefix(b"$").unwrap_or(name);
        let name = name
            .strip_prefix(b"{")
            .and_then(|name| name.strip_suffix(b"}"))
            .unwrap_or(name);
        self.variables.get(name).map(|value| value.to_vec())
    }
}
