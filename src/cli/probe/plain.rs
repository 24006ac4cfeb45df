//! Whether all that stands around a call of rsync's is so plain that the call by itself does what the whole does. What a
//! shell can do in front of a command has no end: what is plain is listed here, and nothing else is.

use std::{ffi::OsStr, ops::Range, os::unix::ffi::OsStrExt as _, path::Path};

use crate::{
    cli::probe::{
        text::position,
        token::{Names, Token, is_letter, tokens},
    },
    lint::Crontab,
    syntax::crontab::Kind,
    terms::Bytes,
};

/// What decides about a call besides its own words.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Surroundings {
    /// Nothing.
    Plain,
    /// What stands on this line may, the first one being 1.
    Line(usize),
    /// Whatever starts it may.
    #[default]
    Unknown,
}

/// Shells that take plain words for the same.
const SHELLS: [&str; 3] = ["sh", "bash", "dash"];

/// Programs in front of another one that change neither whether nor how it runs, without options: with `-v` of `command`
/// nothing runs, with `-c` of `exec` there are no variables.
const WRAPPERS: [&[u8]; 6] = [b"command", b"exec", b"ionice", b"nice", b"nohup", b"time"];

/// Those that take options, all about how urgent it is.
const URGENCIES: [&[u8]; 2] = [b"ionice", b"nice"];

/// Commands that change nothing for those behind them, and do not fail.
const IDLE: [&[u8]; 3] = [b":", b"echo", b"true"];

/// Programs that read a pipe to its end.
const READERS: [&[u8]; 2] = [b"logger", b"tee"];

/// Variables that shells, cron and rsync read.
const SPECIAL: [&[u8]; 15] = [
    b"CDPATH",
    b"CVSIGNORE",
    b"ENV",
    b"EUID",
    b"GLOBIGNORE",
    b"HOME",
    b"IFS",
    b"OLDPWD",
    b"POSIXLY_CORRECT",
    b"PPID",
    b"PWD",
    b"SHELL",
    b"SHELLOPTS",
    b"TZ",
    b"UID",
];

/// What a text of a shell's has around a call; the lines behind the call do not matter to it.
pub(super) fn around_in(text: &[u8], call: &Range<usize>) -> Surroundings {
    let mut state = State::default();
    for line in logical_lines(text) {
        let words = &text[line.clone()];
        let is_plain = match line.contains(&call.start) {
            true if state.is_plain_call(words) => return Surroundings::Plain,
            true => false,
            false if line.start == 0 && words.starts_with(b"#!") => is_plain_shell(words),
            false => state.takes(words),
        };
        if !is_plain {
            return Surroundings::Line(position(text, line.start));
        }
    }
    Surroundings::Unknown
}

/// What a table of cron's has around a call.
pub(super) fn around_in_table(path: &Path, text: &Bytes, call: &Range<usize>) -> Surroundings {
    let mut state = State::default();
    let mut found = Surroundings::Unknown;
    // cron takes no table with a line that is none, or whose last line has no end.
    for line in Crontab::read(path, text).lines {
        let is_plain = text[line.range.clone()].ends_with(b"\n")
            && match line.kind {
                Kind::Blank | Kind::Comment => true,
                Kind::Assignment { name, value } => {
                    let (name, value) = (&text[name], &text[value]);
                    state.names.insert(name.to_vec());
                    // The home is where a job starts, which is followed.
                    !is_special(name) || name == b"HOME" || name == b"SHELL" && is_shell(value)
                }
                Kind::Job(job) if line.range.contains(&call.start) => {
                    let is_plain = job.schedule.is_ok()
                        && job.input.is_none()
                        && state.is_plain_call(&text[job.command]);
                    if is_plain {
                        found = Surroundings::Plain;
                    }
                    is_plain
                }
                Kind::Job(job) => job.schedule.is_ok() && !job.command.is_empty(),
            };
        if !is_plain {
            return Surroundings::Line(position(text, line.range.start));
        }
    }
    found
}

/// What has been read so far.
#[derive(Default)]
struct State {
    names: Names,
    /// Whether it has gone to another folder.
    has_moved: bool,
}

impl State {
    /// Whether a line decides nothing about what stands behind it.
    fn takes(&mut self, line: &[u8]) -> bool {
        tokens(line, &self.names).is_some_and(|tokens| tokens.is_empty() || self.takes_command(&tokens))
    }

    /// Whether a command decides nothing about those behind it but by the variables that it sets and the folder that it goes
    /// to, which are followed.
    fn takes_command(&mut self, tokens: &[Token<'_>]) -> bool {
        match tokens {
            [Token::Word(b"cd"), Token::Word(_), rest @ ..] if is_end(rest) => {
                !std::mem::replace(&mut self.has_moved, true)
            }
            [Token::Word(b"set"), options @ ..] => options.iter().all(is_strictness),
            [Token::Word(b"export"), set @ ..] => set.iter().all(|token| self.sets(token, true)),
            [Token::Word(b"date"), Token::Word(format)] => format.starts_with(b"+"),
            [Token::Word(b"date")] => true,
            [Token::Word(program), rest @ ..] if IDLE.contains(program) => {
                rest.iter().all(|token| matches!(token, Token::Word(_)))
            }
            set => set.iter().all(|token| self.sets(token, false)),
        }
    }

    /// Whether a line is a call of rsync's with nothing that matters around it.
    fn is_plain_call(&mut self, line: &[u8]) -> bool {
        let Some(tokens) = tokens(line, &self.names) else {
            return false;
        };
        let mut rest = &tokens[..];
        loop {
            let is_joint = |token: &Token<'_>| matches!(token, Token::Operator(b";" | b"&&"));
            let end = rest.iter().position(is_joint).unwrap_or(rest.len());
            let (command, behind) = rest.split_at(end);
            if let Some(arguments) = arguments_of_rsync(command) {
                return is_plain_tail(&[arguments, behind].concat());
            }
            if behind.is_empty() || command.is_empty() || !self.takes_command(command) {
                return false;
            }
            rest = &behind[1..];
        }
    }

    /// Whether a word sets a variable, which is known from here on.
    fn sets(&mut self, token: &Token<'_>, may_export: bool) -> bool {
        let Token::Word(word) = token else { return false };
        let Some((name, value)) = assigned(word) else {
            return may_export && is_name(word) && !is_special(word);
        };
        self.names.insert(name.to_vec());
        // What it stands for is split and matched against files where nothing quotes it.
        !is_special(name) && !value.iter().any(|byte| b"*?[\\".contains(byte))
    }
}

/// Whether nothing follows, or only what ends the script where something fails.
fn is_end(rest: &[Token<'_>]) -> bool {
    match rest {
        [] | [Token::Operator(b"||"), Token::Word(b"exit")] => true,
        [Token::Operator(b"||"), Token::Word(b"exit"), Token::Word(code)] => {
            code.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    }
}

/// Whether a word of `set` is one that ends a script at failures.
fn is_strictness(token: &Token<'_>) -> bool {
    let Token::Word(word) = token else { return false };
    match word.strip_prefix(b"-") {
        Some(letters) => letters.iter().all(|letter| b"euxo".contains(letter)),
        None => matches!(*word, b"errexit" | b"nounset" | b"pipefail" | b"xtrace"),
    }
}

/// What stands behind `rsync` in a command that has nothing in front of it but variables for rsync, and programs that
/// change nothing.
fn arguments_of_rsync<'s, 't>(command: &'s [Token<'t>]) -> Option<&'s [Token<'t>]> {
    let mut rest = command;
    loop {
        let [Token::Word(word), behind @ ..] = rest else {
            return None;
        };
        if *word == b"rsync" || word.ends_with(b"/rsync") {
            let is_bare = !word.iter().any(|byte| b"\\'\"$".contains(byte));
            return is_bare.then_some(behind);
        }
        let is_variable = assigned(word).is_some_and(|(name, _)| is_for_rsync(name));
        let is_option = |token: &&Token<'_>| match token {
            Token::Word(word) => word
                .iter()
                .all(|byte| byte.is_ascii_digit() || b"-cnt".contains(byte)),
            Token::Operator(_) => false,
        };
        rest = match WRAPPERS.contains(word) {
            true if URGENCIES.contains(word) => &behind[behind.iter().take_while(is_option).count()..],
            true => behind,
            false if is_variable => behind,
            false => return None,
        };
    }
}

/// Whether what follows a program's name are its arguments, and commands that run once it has ended, or read what it says.
fn is_plain_tail(tokens: &[Token<'_>]) -> bool {
    let words = tokens
        .iter()
        .take_while(|token| matches!(token, Token::Word(_)))
        .count();
    match &tokens[words..] {
        [] => true,
        [Token::Operator(b"|"), Token::Word(reader), rest @ ..] => {
            READERS.contains(reader) && is_plain_tail(rest)
        }
        [
            Token::Operator(b"&&" | b"||" | b";"),
            Token::Word(program),
            rest @ ..,
        ] => {
            let is_reserved = matches!(
                *program,
                b"if"
                    | b"then"
                    | b"else"
                    | b"elif"
                    | b"fi"
                    | b"for"
                    | b"while"
                    | b"until"
                    | b"do"
                    | b"done"
                    | b"case"
                    | b"esac"
                    | b"in"
                    | b"function"
                    | b"select"
                    | b"coproc"
                    | b"[["
            );
            !is_reserved && is_plain_tail(rest)
        }
        _ => false,
    }
}

/// The name and the value of a word that sets a variable.
fn assigned(word: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = word.iter().position(|&byte| byte == b'=')?;
    is_name(&word[..at]).then(|| (&word[..at], &word[at + 1..]))
}

fn is_name(word: &[u8]) -> bool {
    !word.is_empty() && !word[0].is_ascii_digit() && word.iter().all(|&byte| is_letter(byte))
}

fn is_special(name: &[u8]) -> bool {
    SPECIAL.contains(&name) || name.starts_with(b"LD_") || name.starts_with(b"BASH")
}

fn is_for_rsync(name: &[u8]) -> bool {
    let is_of_locale = name.starts_with(b"LC_") || name == b"LANG";
    is_of_locale || name.starts_with(b"RSYNC_") || matches!(name, b"LOGNAME" | b"USER")
}

fn is_shell(path: &[u8]) -> bool {
    let name = Path::new(OsStr::from_bytes(path)).file_name();
    name.is_some_and(|name| SHELLS.iter().any(|shell| name == *shell))
}

/// Whether a script's first line names a shell, and nothing but what ends the script at failures.
fn is_plain_shell(line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&line[2..]);
    let mut words = text.split_whitespace().peekable();
    words.next_if(|word| word.ends_with("/env"));
    let is_shell = words.next().is_some_and(|word| is_shell(word.as_bytes()));
    is_shell && words.all(|word| is_strictness(&Token::Word(word.as_bytes())))
}

/// The lines of a text, those joined that a backslash joins.
fn logical_lines(text: &[u8]) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for (at, _) in text.iter().enumerate().filter(|(_, byte)| **byte == b'\n') {
        let slashes = text[start..at]
            .iter()
            .rev()
            .take_while(|&&byte| byte == b'\\')
            .count();
        if slashes % 2 == 0 {
            lines.push(start..at + 1);
            start = at + 1;
        }
    }
    lines.push(start..text.len());
    lines
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, around_in};

    fn around(text: &str) -> Surroundings {
        let start = text.rfind("rsync -a").expect("a call");
        around_in(text.as_bytes(), &(start..text.len()))
    }

    #[test]
    fn plain_words_decide_nothing() {
        for text in [
            "rsync -a h::m d",
            "#!/bin/sh\nrsync -a h::m d\nif broken",
            "#!/usr/bin/env bash\n# A note\n\nset -euo pipefail\nSRC=/srv DST='a b'\nexport X=1 Y\nDIR=\"$SRC/${DST}\"\n\
             rsync -a \\\n  --exclude='*.tmp' \"$DIR\" h::m >/dev/null 2>&1 || echo failed",
            "cd /srv || exit 1\nrsync -a x h::m",
            "cd /srv && RSYNC_PASSWORD=x nice -n 10 ionice -c3 /usr/bin/rsync -a x h::m | tee /tmp/log",
            "echo start\ndate +%F\nrsync -a x h::m; echo end",
            "export LOGNAME=joe; USER=jim rsync -a 'x y' rsync://[::1]:1873/m >> /tmp/log",
        ] {
            assert_eq!(around(text), Surroundings::Plain, "{text}");
        }
    }

    #[test]
    fn anything_else_may_decide() {
        for (text, line) in [
            ("set -e\nmountpoint -q /mnt\nrsync -a x h::m", 2),
            ("#!/usr/bin/perl\nrsync -a x h::m", 1),
            ("#!/bin/bash -n\nrsync -a x h::m", 1),
            ("f() { rsync -a x h::m; }\ncd /srv\nf", 1),
            ("f() {\nrsync -a x h::m\n}", 1),
            ("exit 0\nrsync -a x h::m", 1),
            (": ${X:?}\nrsync -a x h::m", 1),
            ("IFS=,\nrsync -a x h::m", 1),
            ("HOME=/b\nrsync -a ~/x h::m", 1),
            ("A=(x y)\nrsync -a h::m", 1),
            ("EX='*.c'\nrsync -a $EX h::m", 1),
            ("SRC=/b & wait\nrsync -a h::m", 1),
            ("readonly SRC=/a\nrsync -a h::m", 1),
            ("set -f\nrsync -a h::m", 1),
            ("cd /a\ncd /b\nrsync -a x h::m", 2),
            ("echo x > /nowhere/log\nrsync -a x h::m", 1),
            ("alias rsync='rsync -n'\nrsync -a x h::m", 1),
            ("echo 'open\nrsync -a x h::m\n'", 1),
            ("cat <<EOF\nrsync -a x h::m\nEOF", 1),
            ("rsync -a $UNSET/ h::m", 1),
            ("rsync -a $(cat f) h::m", 1),
            ("rsync -a *.c h::m", 1),
            ("rsync -a {a,b} h::m", 1),
            ("rsync -a ~/x h::m", 1),
            ("rsync -a x h::m > /nowhere/log", 1),
            ("rsync -a x h::m >& /tmp/log", 1),
            ("rsync -a x h::m &> /tmp/log", 1),
            ("rsync -a x h::m |& tee log", 1),
            ("rsync -a x h::m | head -1", 1),
            ("rsync -a --exclude-from=- x h::m < list", 1),
            ("echo keep | rsync -a --exclude-from=- x h::m", 1),
            ("false && rsync -a x h::m", 1),
            ("! rsync -a x h::m", 1),
            ("(rsync -a x h::m)", 1),
            ("rsync -a x h::m; if broken", 1),
            ("HOME=/b rsync -a x h::m", 1),
            ("timeout 3 rsync -a x h::m", 1),
            ("command -v rsync -a x h::m", 1),
            ("exec -c rsync -a x h::m", 1),
            ("set -e\nlogger start\nrsync -a x h::m", 2),
            ("set -e\ndate -d never\nrsync -a x h::m", 2),
            ("rsync -a x h::m | cat log", 1),
            ("sudo rsync -a x h::m", 1),
        ] {
            assert_eq!(around(text), Surroundings::Line(line), "{text}");
        }
    }
}
