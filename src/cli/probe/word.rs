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
        if let Some(words) = self.split(argument, bytes) {
            return words;
        }
        let pattern = argument.known().filter(|_| argument.has_pattern());
        let is_mixed = argument.pieces.iter().any(|piece| piece.is_quoted);
        let pattern = pattern.filter(|_| !is_mixed);
        if let Some(names) = pattern.and_then(|pattern| matches(&pattern)) {
            return Ok(names);
        }
        let word = self.word(argument, bytes)?;
        if !has_open_braces(argument) {
            return Ok(vec![word]);
        }
        let takes_braces = self.takes_braces_at(&argument.range, bytes);
        if takes_braces == Some(false) {
            return Ok(vec![word]);
        }
        let words = takes_braces.and_then(|_| of_braces(argument));
        words.ok_or_else(|| {
            format!(
                "of `{}` a shell may make several words, which only a run can tell; paste the command with them, as 'rsync ...'",
                without_password(&word)
            )
        })
    }

    /// The words that a shell makes of one with variables of cron's or of a unit's that nothing quotes; none if there are none in
    /// it.
    fn split(&self, argument: &Argument, bytes: &[u8]) -> Option<Result<Vec<String>, String>> {
        let is_open = |piece: &Piece| piece.text.is_none() && !piece.is_quoted;
        let mut open = argument.pieces.iter().filter(|piece| is_open(piece));
        let is_split = |text: Vec<u8>| text.is_empty() || text.iter().any(|byte| b" \t*?[".contains(byte));
        if !open.any(|piece| self.piece(piece, bytes).is_some_and(is_split)) {
            return None;
        }
        let mut plain = argument
            .pieces
            .iter()
            .filter(|piece| !piece.is_quoted && !is_open(piece));
        let has_sign = |text: &[u8]| text.iter().any(|byte| b"~*?[{".contains(byte));
        if plain.any(|piece| piece.text.as_deref().is_some_and(has_sign)) {
            return Some(Err(format!(
                "of `{}` a shell may make several words, which only a run can tell; paste the command with them, as 'rsync ...'",
                without_password(&shown(argument, bytes))
            )));
        }
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut current: Option<Vec<u8>> = None;
        let mut has_pattern = false;
        for piece in &argument.pieces {
            let text = self.piece(piece, bytes)?;
            if !is_open(piece) {
                current.get_or_insert_default().extend(text);
                continue;
            }
            has_pattern |= text.iter().any(|byte| b"*?[".contains(byte));
            for byte in text {
                match byte {
                    b' ' | b'\t' => words.extend(current.take()),
                    byte => current.get_or_insert_default().push(byte),
                }
            }
        }
        words.extend(current);
        let words = words.into_iter().map(|word| {
            let text = String::from_utf8(with_returns(&word))
                .map_err(|_| format!("`{}` is not UTF-8", shown(argument, bytes)))?;
            let is_local = !text.starts_with('-') && matches!(Target::parse(&text), Target::Local(_));
            match has_pattern && is_local && text.contains(['*', '?', '[']) {
                true => Err(of_files(&text)),
                // cron takes the backslash away.
                false if self.is_cron => Ok(text.replace("\\%", "%")),
                false => Ok(text),
            }
        });
        Some(words.collect())
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
            return Err(of_files(&text));
        }
        let first = argument.pieces.first();
        let is_quoted = first.is_some_and(|piece| piece.is_quoted);
        // What a variable holds is not looked at for a `~`: that was put in when the variable was set, or never is.
        let is_of_variable = first.is_some_and(|piece| piece.variable.is_some());
        let is_unsettled = is_of_variable && bytes.windows(2).any(|pair| pair == b"=~");
        if text.starts_with('~') && is_unsettled {
            return Err(format!(
                "whether the shell puts a home folder in the place of `{text}` only a run can tell; paste the command with it, as 'rsync ...'"
            ));
        }
        if text.starts_with('~') && !is_quoted && !is_of_variable {
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

/// Why a word with a pattern is not known.
fn of_files(text: &str) -> String {
    format!(
        "the shell puts names of files in the place of `{text}`; paste the command with them, as 'rsync ...'"
    )
}

/// Whether each piece of a word is known, and the number of words is not: braces.
fn has_open_braces(argument: &Argument) -> bool {
    argument.is_open && argument.pieces.iter().all(|piece| piece.text.is_some())
}

/// The words that bash makes of an argument with braces, in which what is quoted is no sign of theirs; none if variables are in
/// it.
fn of_braces(argument: &Argument) -> Option<Vec<String>> {
    let mut text = String::new();
    for piece in &argument.pieces {
        let part = str::from_utf8(piece.text.as_deref()?).ok()?;
        if piece.variable.is_some() || part.contains(SIGNS.map(|(_, letter)| letter)) {
            return None;
        }
        let hidden = |text: String, (sign, letter): (char, char)| text.replace(sign, &letter.to_string());
        text += &match piece.is_quoted {
            true => SIGNS.into_iter().fold(part.to_owned(), hidden),
            false => part.to_owned(),
        };
    }
    let shown = |text: String, (sign, letter): (char, char)| text.replace(letter, &sign.to_string());
    let words = taken_apart(&text)?.into_iter();
    Some(words.map(|word| SIGNS.into_iter().fold(word, shown)).collect())
}

/// The signs of braces, with letters of nobody's that stand for quoted ones meanwhile.
const SIGNS: [(char, char); 6] = [
    ('{', '\u{f0000}'),
    ('}', '\u{f0001}'),
    (',', '\u{f0002}'),
    ('.', '\u{f0003}'),
    ('$', '\u{f0004}'),
    ('`', '\u{f0005}'),
];

/// The words that bash makes of one with braces: one for each part between commas. None if it has others than those, or too many.
fn taken_apart(word: &str) -> Option<Vec<String>> {
    if word.matches('{').count() > MOST_BRACES {
        return None;
    }
    let Some((front, behind)) = word.split_once('{') else {
        return Some(vec![word.to_owned()]);
    };
    let (inner, behind) = behind.split_once('}')?;
    if !inner.contains(',') || inner.contains("..") || inner.contains(['{', '\\', '$', '`']) {
        return None;
    }
    let rest = taken_apart(behind)?;
    let parts = inner.split(',').flat_map(|part| {
        let rest = rest.iter();
        rest.map(move |rest| format!("{front}{part}{rest}"))
    });
    let parts: Vec<_> = parts.take(MOST_WORDS + 1).collect();
    (parts.len() <= MOST_WORDS).then_some(parts)
}

/// So many braces of a word are taken apart.
const MOST_BRACES: usize = 4;

/// So many words are made of one.
const MOST_WORDS: usize = 1000;

#[cfg(test)]
mod tests {
    use super::taken_apart;

    #[test]
    fn braces_are_taken_apart_as_bash_does() {
        for (word, expected) in [
            ("m/{a,b}/x", Some(&["m/a/x", "m/b/x"][..])),
            ("{a,b}{c,d}", Some(&["ac", "ad", "bc", "bd"])),
            ("{a,}", Some(&["a", ""])),
            ("plain", Some(&["plain"])),
            ("{1..3}", None),
            ("{a,{b,c}}", None),
            ("{a", None),
            ("{a}", None),
        ] {
            let found = taken_apart(word);
            let expected = expected.map(|words| words.iter().map(|word| (*word).to_owned()).collect());
            assert_eq!(found, expected, "{word}");
        }
    }
}
