//! What a terminal showed: `cat /etc/rsyncd.conf` behind a prompt, then the file.

use std::{
    ffi::OsStr,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::lint::discover::by_name;

/// Programs that show a file, or open it for what follows to be typed.
const SHOWING: &[&[u8]] = &[
    b"cat", b"vim", b"vi", b"nano", b"emacs", b"less", b"more", b"view", b"gedit", b"grep", b"egrep",
];

/// Lines of a code block that belong together.
pub(super) struct Section {
    /// The file that a command above them shows.
    pub(super) path: Option<PathBuf>,
    pub(super) lines: Range<usize>,
}

/// Cuts a block at its prompts. What other commands print is left out; without a prompt the block is one section.
pub(super) fn sections(file: &[u8], lines: &[Vec<Range<usize>>]) -> Vec<Section> {
    let text = |line: &Vec<Range<usize>>| -> Vec<u8> {
        let parts: Vec<&[u8]> = line.iter().map(|part| &file[part.clone()]).collect();
        parts.concat()
    };
    let mut sections = Vec::new();
    let mut open = Some(Section {
        path: None,
        lines: 0..0,
    });
    for (index, line) in lines.iter().enumerate() {
        let line = text(line);
        let line = line.trim_ascii();
        let is_first = open.as_ref().is_some_and(|section| section.lines.is_empty());
        let command = match prompt(line) {
            Some(command) => Some(command),
            // Without a prompt only what nobody takes for a line of a file.
            None => {
                Some(line.trim_start_matches_hash()).filter(|line| is_first && shown_file(line).is_some())
            }
        };
        match (command, &mut open) {
            (Some(command), _) => {
                sections.extend(open.take());
                open = shown_file(command).map(|path| Section {
                    path: Some(path),
                    lines: index + 1..index + 1,
                });
            }
            // sersync's reader and ours want a file to begin where its text does.
            (None, Some(section)) if is_first && line.is_empty() => {
                section.lines = index + 1..index + 1;
            }
            (None, Some(section)) => section.lines.end = index + 1,
            (None, None) => {}
        }
    }
    sections.extend(open);
    sections.retain(|section| !section.lines.is_empty());
    sections
}

/// The command behind a prompt: `$ ls`, `[root@host ~]# ls`, `joe@host:~$ ls`.
fn prompt(line: &[u8]) -> Option<&[u8]> {
    if let Some(command) = line.strip_prefix(b"$ ") {
        return Some(command);
    }
    if let Some(command) = line.strip_prefix(b"# ")
        && shown_file(command).is_some()
    {
        return Some(command);
    }
    let at = line.iter().position(|&byte| byte == b'@')?;
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let name = line[..at].strip_prefix(b"[").unwrap_or(&line[..at]);
    if name.is_empty() || !name.iter().all(is_name) {
        return None;
    }
    let end = line.iter().position(|byte| matches!(byte, b'#' | b'$'))?;
    let host = &line[at + 1..end];
    let is_short = host.len() <= 80 && host.first().is_some_and(is_name);
    let behind = line.get(end + 1);
    (is_short && behind.is_none_or(u8::is_ascii_whitespace)).then(|| line[end + 1..].trim_ascii())
}

/// The file that a command shows, if it is one that we know by its name.
fn shown_file(command: &[u8]) -> Option<PathBuf> {
    let mut words = command
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty() && *word != b"sudo");
    let program = words.next()?;
    let words: Vec<_> = words.take_while(|word| !word.starts_with(b"#")).collect();
    let last = words.last()?;
    let is_plain = !command
        .iter()
        .any(|byte| matches!(byte, b'>' | b'<' | b';' | b'&'));
    let path = Path::new(OsStr::from_bytes(last));
    (is_plain && SHOWING.contains(&program) && by_name(path).is_some()).then(|| path.to_owned())
}

trait TrimHash {
    fn trim_start_matches_hash(&self) -> &[u8];
}

impl TrimHash for [u8] {
    /// Without the `#` that stands for root's prompt.
    fn trim_start_matches_hash(&self) -> &[u8] {
        self.strip_prefix(b"#").unwrap_or(self).trim_ascii_start()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, Range<usize>)> {
        let lines = crate::lint::markdown::lines(text.as_bytes(), std::slice::from_ref(&(0..text.len())));
        let sections = sections(text.as_bytes(), &lines).into_iter();
        let path = |section: &Section| {
            let path = section.path.as_ref();
            path.map_or(String::new(), |path| path.display().to_string())
        };
        sections.map(|section| (path(&section), section.lines)).collect()
    }

    #[test]
    fn what_a_terminal_shows_is_cut_out() {
        let shown = "[root@hye ~]# yum install rsync\nDone\n[root@hye ~]# cat /etc/rsyncd.conf  # the file\nuid = root\n[data]\njoe@h:~$ ls\nx\n";
        assert_eq!(told(shown), [("/etc/rsyncd.conf".to_owned(), 3..5)]);
        assert_eq!(
            told("#vim /etc/rsyncd.conf\nuid = root\n"),
            [("/etc/rsyncd.conf".to_owned(), 1..2)]
        );
    }

    #[test]
    fn a_file_is_one_section() {
        for text in [
            "[data]\npath = /x\n",
            "# cat pictures\n[data]\n",
            "[joe@home]\npath = /x\n",
            "mail = a@b.example # note\n",
        ] {
            assert_eq!(
                told(text),
                [(String::new(), 0..2.min(text.lines().count()))],
                "{text}"
            );
        }
    }
}
