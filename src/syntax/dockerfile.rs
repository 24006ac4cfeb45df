//! Dockerfiles, as far as commands stand in them.

use std::ops::Range;

/// An instruction that holds a command.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// Which.
    pub kind: Kind,
    /// What stands behind its name: a command for the shell, or a list of words in JSON.
    pub text: Range<usize>,
    /// The words of the list, if it is one: what they say, and where, quotes included.
    pub words: Option<Vec<(Vec<u8>, Range<usize>)>>,
}

/// Which instruction it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// `RUN`: when the image is built.
    Run,
    /// `CMD`, `ENTRYPOINT`: when a container starts.
    Start,
}

/// Reads the instructions that hold commands. Takes any bytes.
pub fn parse(file: &[u8]) -> Vec<Instruction> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let end = instruction_end(file, at);
        let start = at + blanks(&file[at..end]);
        let length = file[start..end]
            .iter()
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        let kind = match file[start..start + length].to_ascii_uppercase().as_slice() {
            b"RUN" => Some(Kind::Run),
            b"CMD" | b"ENTRYPOINT" => Some(Kind::Start),
            _ => None,
        };
        if let Some(kind) = kind {
            let mut text = start + length..end;
            text.start += blanks(&file[text.clone()]);
            // `RUN --mount=…`
            while file[text.clone()].starts_with(b"--") {
                let word = file[text.clone()]
                    .iter()
                    .take_while(|byte| !byte.is_ascii_whitespace())
                    .count();
                text.start += word;
                text.start += blanks(&file[text.clone()]);
            }
            found.push(Instruction {
                kind,
                words: list(file, text.clone()),
                text,
            });
        }
        at = end + 1;
    }
    found
}

/// The end of the line, or of the last line that a backslash joins to it; notes between them do not end it.
fn instruction_end(file: &[u8], start: usize) -> usize {
    let mut at = start;
    loop {
        let length = file[at..].iter().position(|&byte| byte == b'\n');
        let end = length.map_or(file.len(), |length| at + length);
        let line = file[at..end].trim_ascii();
        let is_note = at > start && (line.is_empty() || line.starts_with(b"#"));
        let goes_on = is_note || line.ends_with(b"\\") && !line.starts_with(b"#");
        if !goes_on || end >= file.len() {
            return end;
        }
        at = end + 1;
    }
}

fn blanks(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

/// `["rsync", "--daemon"]`; `None` if it is no such list: then it is a command for the shell.
fn list(file: &[u8], text: Range<usize>) -> Option<Vec<(Vec<u8>, Range<usize>)>> {
    let bytes = &file[text.clone()];
    let words: Vec<String> = serde_json::from_slice(bytes.trim_ascii_end()).ok()?;
    let mut places = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at < bytes.len() {
        match (bytes[at], start) {
            (b'\\', Some(_)) => at += 1,
            (b'"', None) => start = Some(at),
            (b'"', Some(open)) => {
                places.push(text.start + open..text.start + at + 1);
                start = None;
            }
            _ => {}
        }
        at += 1;
    }
    let words = words.into_iter().map(String::into_bytes);
    Some(words.zip(places).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_both_forms() {
        let file = b"FROM debian\n# RUN no\nrun --mount=type=cache apt-get \\\n # note\n  install rsync\nCMD [\"rsync\", \"--daemon\"]\nENTRYPOINT exec x\nCMD [broken\n";
        let found = parse(file);
        let texts: Vec<_> = found
            .iter()
            .map(|one| String::from_utf8_lossy(&file[one.text.clone()]))
            .collect();
        assert_eq!(
            texts,
            [
                "apt-get \\\n # note\n  install rsync",
                "[\"rsync\", \"--daemon\"]",
                "exec x",
                "[broken"
            ]
        );
        let words = found[1].words.as_ref().expect("a list");
        assert_eq!(&file[words[1].1.clone()], b"\"--daemon\"");
        assert!(found[3].words.is_none());
        assert_eq!(found[0].kind, Kind::Run);
    }
}
