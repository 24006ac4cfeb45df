//! The command line of an rsync client in the text around its errors.

use std::borrow::Cow;

use crate::{syntax::Invocation, terms::Target};

/// What somebody typed, or what a script or cron ran.
#[derive(Debug)]
pub struct Command {
    /// From `rsync` to the end of the line, passwords taken out.
    pub text: String,
    /// Its sources, then its destination, as they were typed.
    pub(super) words: Vec<String>,
    /// What it says.
    pub invocation: Invocation,
    /// Whether root runs it, as its prompt says.
    pub(super) is_of_root: bool,
    /// The variable in front of it that makes the connection otherwise.
    pub(super) way: Option<Way>,
}

/// What connects rsync in its place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Way {
    /// The proxy of `RSYNC_PROXY`.
    Proxy,
    /// The program of `RSYNC_CONNECT_PROG`, which comes first (`open_socket_out_wrapped` in socket.c).
    Program,
}

/// The command line in a line of text, if there is one: behind a prompt, behind `+` of a traced script, in cron's
/// `(root) CMD (…)`, or at the start.
pub(super) fn command(line: &str) -> Option<Command> {
    let start = start(line)?;
    let text = line[start..].trim_end();
    let text = match line[..start].trim_end().strip_suffix("CMD (") {
        Some(_) => text.strip_suffix(')').unwrap_or(text),
        None => text,
    };
    // What is quoted as a whole ends with its quote: `bash -c 'rsync …'`.
    let text = match line[..start].chars().next_back() {
        Some(quote @ ('"' | '\'' | '`')) => text.split(quote).next().unwrap_or(text),
        _ => text,
    };
    // A quote that is never closed is the reader's problem, not ours: words at blanks will do; and in Windows a backslash
    // parts folders.
    let at_blanks = || {
        text.split_whitespace()
            .map(|word| word.trim_matches('"').to_owned())
            .collect()
    };
    let words = match text.split_whitespace().any(begins_with_drive) {
        true => at_blanks(),
        false => shell_words::split(&without_escapes(text)).unwrap_or_else(|_| at_blanks()),
    };
    let end = words
        .iter()
        .position(|word| is_operator(word))
        .unwrap_or(words.len());
    let invocation = Invocation::parse(words.get(1..end)?);
    let is_real =
        !invocation.targets.is_empty() && words[1..end].iter().any(|word| looks_like_argument(word));
    // rsync's own help, which it prints above some errors.
    let is_help = text.contains("[OPTION]");
    let is_target = |word: &&String| invocation.targets.contains(&Target::parse(word));
    let targets = words[1..end].iter().filter(is_target).cloned().collect();
    (is_real && !is_help).then(|| Command {
        text: text.to_owned(),
        words: targets,
        invocation,
        is_of_root: is_prompt_of_root(&line[..start]),
        way: way(&line[..start]),
    })
}

/// A command line whose words in `$'...'` stand in plain quotes, as far as they hold a carriage return or a line's end.
fn without_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains(" $'") {
        return Cow::Borrowed(text);
    }
    let text = text.replace(" $'", " '");
    Cow::Owned(
        text.replace("\\r'", "\r'")
            .replace("\\r:", "\r:")
            .replace("\\r/", "\r/"),
    )
}

/// What the variables in front of a command say.
fn way(before: &str) -> Option<Way> {
    let ways = [
        ("RSYNC_CONNECT_PROG=", Way::Program),
        ("RSYNC_PROXY=", Way::Proxy),
    ];
    let mut ways = ways.into_iter();
    ways.find_map(|(variable, way)| before.contains(variable).then_some(way))
}

/// Where the program's name stands, as a word of its own in front of arguments.
fn start(line: &str) -> Option<usize> {
    line.match_indices("rsync ").map(|(at, _)| at).find(|&at| {
        let before = &line[..at];
        let path = before
            .rfind([' ', '\t', '`', '(', '"', '\'', ';', '|', '&', '>'])
            .map_or(0, |blank| blank + 1);
        let is_message = [
            "rsync error:",
            "rsync warning:",
            "rsync returned ",
            "rsync exited ",
        ]
        .iter()
        .any(|start| line[at..].starts_with(start));
        // What a daemon's log says of a client (`rsync_module` in clientserver.c).
        let is_logged = ["rsync on ", "rsync to ", "rsync allowed ", "rsync denied "]
            .iter()
            .any(|start| line[at..].starts_with(start) && line.contains(" from "));
        // What a shell says of a program that a signal has ended: `backup.sh: line 3: 4321 Killed   rsync …`.
        let is_ended = ["Killed", "Terminated", "Segmentation fault"]
            .iter()
            .any(|end| before.trim_end().ends_with(end));
        !is_message && !is_logged && !is_ended && (before[path..].is_empty() || before[path..].ends_with('/'))
    })
}

/// `C:\data`
fn begins_with_drive(word: &str) -> bool {
    let word = word.trim_start_matches('"').as_bytes();
    matches!(word, [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic())
}

/// `root@web:~# `, or any prompt that ends as root's does.
fn is_prompt_of_root(prompt: &str) -> bool {
    prompt.contains("root@") || prompt.trim_end().ends_with('#') || prompt.contains("(root) CMD")
}

fn is_operator(word: &str) -> bool {
    matches!(word, "|" | "||" | "&&" | ";" | "&") || word.starts_with(['>', '<']) || word.starts_with("2>")
}

fn looks_like_argument(word: &str) -> bool {
    word.starts_with('-') || word.contains([':', '/'])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(line: &str) -> Option<String> {
        command(line).map(|command| command.text)
    }

    #[test]
    fn commands_are_found_behind_prompts() {
        for (line, expected) in [
            (
                "[root@web ~]# rsync -avz /src/ joe@10.0.0.1::data",
                "rsync -avz /src/ joe@10.0.0.1::data",
            ),
            ("joe@web:~$ /usr/bin/rsync -a a/ b/", "rsync -a a/ b/"),
            ("+ rsync -a h::data /dst", "rsync -a h::data /dst"),
            (
                "Nov 1 04:00:01 web CRON[12]: (root) CMD (rsync -a h::d /dst)",
                "rsync -a h::d /dst",
            ),
            ("rsync rsync://h/data", "rsync rsync://h/data"),
            ("C:\\>rsync -a C:\\data h::d", "rsync -a C:\\data h::d"),
        ] {
            assert_eq!(text(line).as_deref(), Some(expected), "{line}");
        }
    }

    #[test]
    fn prose_and_messages_are_no_commands() {
        for line in [
            "rsync: connection unexpectedly closed (0 bytes received so far) [sender]",
            "rsync error: error in socket IO (code 10) at clientserver.c(139) [sender=3.2.7]",
            "(Type \"rsync --daemon --help\" for assistance with daemon mode.)",
            "I use rsync for backups",
            "2026/11/23 13:12:03 [26] rsync on m/a/b from localhost (127.0.0.1)",
            "2026/11/23 13:12:03 [26] rsync allowed access on module m from localhost (127.0.0.1)",
            "the rsync daemon",
            "myrsync -a x y",
            "backup.sh: line 3: 4321 Killed                  rsync -a h::d /dst",
            "rsync ",
            "  or   rsync [OPTION]... [USER@]HOST::SRC [DEST]",
        ] {
            assert_eq!(text(line), None, "{line}");
        }
    }

    #[test]
    fn what_follows_the_command_is_not_its_argument() {
        let found = command("rsync -a 'my files/' h::d >> /var/log/x 2>&1 && echo done").expect("a command");
        assert_eq!(found.invocation.targets.len(), 2);
    }
}
