//! What a script asks of this machine, in the place of its question: a file with settings that it takes in, today's date, the
//! host's name, a file that holds a password.

use std::{
    collections::HashSet,
    env,
    ffi::{OsStr, OsString},
    fs,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::gethostname;

use crate::{
    cli::probe::{composed::composes, interpreter::is_of_dash, named::Named, own_folder::with_own_folder},
    model::wildmatch::wildmatch,
    syntax::environment_file::{self, Kind},
};

/// The longest file that is put in.
const LONGEST: u64 = 64 << 10;
/// The most files that are put in the place of a pattern.
const MOST_FILES: usize = 1000;

/// A script, or a table of cron's, with such questions answered; lines keep their numbers. What a shell would read otherwise
/// than it stands in the answer is left a question.
pub(super) fn settled(path: &Path, script: Vec<u8>, is_table: bool, is_started: bool) -> Vec<u8> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let by_line = |script: &[u8], answer: &dyn Fn(&[u8]) -> Option<Vec<u8>>| -> Vec<u8> {
        let lines = script.split_inclusive(|&byte| byte == b'\n');
        let answered = lines.flat_map(|line| answer(line).unwrap_or_else(|| line.to_vec()));
        answered.collect()
    };
    if is_table {
        return by_line(&script, &|line| answered(line, None));
    }
    let script = with_own_folder(script, folder);
    // What a file sets that is taken in counts before a default does.
    let named = Named::of(&script);
    // To dash `source` is no word of its own.
    let is_dash = is_of_dash(&script);
    let whole = by_line(&script, &|line| {
        let is_read = !is_dash || !line.trim_ascii_start().starts_with(b"source");
        let taken = is_read.then(|| taken_in(line, folder, &named)).flatten();
        taken.or_else(|| first_of_loop(line))
    });
    let given = Given::of(&whole, is_started);
    by_line(&whole, &|line| answered(line, Some(&given)))
}

/// What may give a variable of a script its value, other than its default.
struct Given<'s> {
    /// Names that are set somewhere, but for their own default: `NAME=${NAME:-…}`.
    set: HashSet<&'s [u8]>,
    /// A file is read, or a function called, that may set any; arguments may be given.
    is_open: bool,
    has_arguments: bool,
}

impl<'s> Given<'s> {
    fn of(script: &'s [u8], is_started: bool) -> Self {
        let mut set = HashSet::new();
        let mut is_open = composes(script);
        let is_end = |byte: &u8| byte.is_ascii_whitespace() || b";&|(){}".contains(byte);
        let words = script.split(is_end).filter(|word| !word.is_empty());
        let mut is_named = false;
        for word in words {
            // `for NAME`, and all that stands behind `read` in its line at the latest.
            if is_named {
                is_named = word.starts_with(b"-");
                set.insert(word);
            }
            match word {
                b"for" | b"read" | b"getopts" => is_named = true,
                b"." | b"source" | b"eval" => is_open = true,
                _ => {}
            }
            if let Some(at) = word.iter().position(|&byte| byte == b'=') {
                let (name, value) = (&word[..at], &word[at + 1..]);
                let name = name.strip_prefix(b"\"").unwrap_or(name);
                let name = name.strip_suffix(b"+").unwrap_or(name);
                // The default itself is cut off with its brace.
                let value = value.strip_prefix(b"\"").unwrap_or(value);
                if value != b"$" {
                    set.insert(name);
                }
            }
        }
        let has_arguments = is_started || script.windows(2).any(|pair| pair == b"()");
        Self {
            set,
            is_open,
            has_arguments,
        }
    }

    /// Whether only a run can tell what a variable holds.
    fn may_give(&self, name: &[u8]) -> bool {
        let is_argument = name
            .first()
            .is_none_or(|byte| !byte.is_ascii_alphabetic() && *byte != b'_');
        match is_argument {
            true => self.has_arguments,
            false => {
                self.is_open
                    || self.set.contains(name)
                    || env::var_os(OsStr::from_bytes(name)).is_some_and(|value| !value.is_empty())
            }
        }
    }
}

/// `. FILE` or `source FILE` with nothing behind it, of a file that only sets variables: the assignments in its place.
fn taken_in(line: &[u8], folder: &Path, named: &Named<'_>) -> Option<Vec<u8>> {
    let text = line.trim_ascii();
    let name = [&b". "[..], b"source "]
        .into_iter()
        .find_map(|word| text.strip_prefix(word))?
        .trim_ascii();
    let name = unquoted(name);
    let beside = [&b"$(dirname \"$0\")/"[..], b"$(dirname $0)/"]
        .into_iter()
        .find_map(|start| name.strip_prefix(start));
    let name = named.filled(beside.unwrap_or(name))?;
    let path = match beside {
        Some(_) => folder.join(OsStr::from_bytes(&name)),
        None => PathBuf::from(OsStr::from_bytes(&name)),
    };
    if !is_plain(&name) || !path.is_absolute() {
        return None;
    }
    let file = small(&path)?;
    // A shell takes a return for a part of the value.
    if file.contains(&b'\r') {
        return None;
    }
    let mut commands: Vec<&[u8]> = Vec::new();
    for line in environment_file::parse(&file) {
        match line.kind {
            Kind::Blank => {}
            Kind::Assignment { .. } => {
                let text = file[line.range].trim_ascii();
                // A note, a second command, a question.
                if text
                    .iter()
                    .any(|byte| matches!(byte, b'#' | b';' | b'&' | b'|' | b'`' | b'(' | b'\\'))
                {
                    return None;
                }
                commands.push(text);
            }
            Kind::Other(_) => return None,
        }
    }
    let mut text = commands.join(&b"; "[..]);
    if text.is_empty() {
        text.push(b':');
    }
    text.extend(&line[line.trim_ascii_end().len()..]);
    Some(text)
}

/// The line with the answers to its questions; nothing if there are none.
fn answered(line: &[u8], given: Option<&Given<'_>>) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut done = 0;
    while let Some((range, question)) = next_question(line, done) {
        let answer = match question {
            Question::Command(command) => match given {
                None => answer_in_table(command),
                Some(_) => answer(&String::from_utf8_lossy(command), &line[..range.start]),
            },
            // cron sets its own.
            Question::Default(name, text) => {
                given.filter(|given| !given.may_give(name)).map(|_| text.to_vec())
            }
            Question::Home => given
                .filter(|given| !given.is_open && !given.set.contains(&b"HOME"[..]))
                .and_then(|_| home()),
        };
        let answer = answer.filter(|answer| !answer.is_empty() && is_plain(answer));
        found.extend(&line[done..range.start]);
        match answer {
            Some(answer) => found.extend(answer),
            None => found.extend(&line[range.clone()]),
        }
        done = range.end;
    }
    (done > 0).then(|| {
        found.extend(&line[done..]);
        found
    })
}

/// The home folder that a shell has from us.
fn home() -> Option<Vec<u8>> {
    env::var_os("HOME").map(OsString::into_encoded_bytes)
}

/// The same in one of cron's tables, where a `%` ends the command unless a backslash stands in front of it.
fn answer_in_table(command: &[u8]) -> Option<Vec<u8>> {
    let command = String::from_utf8_lossy(command).replace("\\%", "\u{1}");
    let is_cut = command.contains('%');
    answer(&command.replace('\u{1}', "%"), b"").filter(|_| !is_cut)
}

/// What a part of a line is put in the place of.
enum Question<'l> {
    /// `$(…)` or `` `…` ``.
    Command(&'l [u8]),
    /// `${NAME:-TEXT}`.
    Default(&'l [u8], &'l [u8]),
    /// `$HOME`, `${HOME}`, or the `~` in front of a slash.
    Home,
}

/// The next question of a line that is in no single quotes and in no note.
fn next_question(line: &[u8], from: usize) -> Option<(Range<usize>, Question<'_>)> {
    let (mut is_single, mut is_double) = (false, false);
    let mut at = 0;
    while at < line.len() {
        let is_first = at == 0 || line[at - 1].is_ascii_whitespace();
        match line[at] {
            b'\\' if !is_single => at += 1,
            b'\'' if !is_double => is_single = !is_single,
            b'"' if !is_single => is_double = !is_double,
            b'#' if !is_single && !is_double && is_first => return None,
            b'~' if !is_single
                && !is_double
                && line.get(at + 1) == Some(&b'/')
                && at >= from
                && (is_first || is_assigned(&line[..at])) =>
            {
                return Some((at..at + 1, Question::Home));
            }
            b'$' | b'`' if !is_single => {
                if let Some((length, question)) = question(&line[at..]) {
                    if at >= from {
                        return Some((at..at + length, question));
                    }
                    at += length - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Whether a word so far is `NAME=`, behind which a shell puts a home folder in, too.
fn is_assigned(before: &[u8]) -> bool {
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || b";&|(".contains(byte);
    let word = before.rsplit(is_end).next().unwrap_or_default();
    let name = word.strip_suffix(b"=").unwrap_or_default();
    let is_start = name
        .first()
        .is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    is_start
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
}

/// The question that a text begins with, and its length.
fn question(text: &[u8]) -> Option<(usize, Question<'_>)> {
    let until = |start: usize, end: u8| {
        let length = text[start..].iter().position(|&byte| byte == end)?;
        Some((start + length + 1, &text[start..start + length]))
    };
    match text {
        [b'`', ..] => until(1, b'`').map(|(length, inner)| (length, Question::Command(inner))),
        [b'$', b'(', ..] => until(2, b')').map(|(length, inner)| (length, Question::Command(inner))),
        [b'$', b'{', ..] => {
            let (length, inner) = until(2, b'}')?;
            if inner == b"HOME" {
                return Some((length, Question::Home));
            }
            let end = inner.windows(2).position(|pair| pair == b":-")?;
            Some((length, Question::Default(&inner[..end], &inner[end + 2..])))
        }
        _ => {
            let rest = text.strip_prefix(b"$HOME")?;
            let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            (!rest.first().is_some_and(goes_on)).then_some(("$HOME".len(), Question::Home))
        }
    }
}

/// The files whose names the shell puts in the place of a pattern, which stands in the last part of an absolute path; none if
/// there is no such file, or the pattern is another one.
pub(super) fn matches(pattern: &[u8]) -> Option<Vec<String>> {
    let at = pattern.iter().rposition(|&byte| byte == b'/')?;
    let (folder, last) = (&pattern[..=at], &pattern[at + 1..]);
    let has = |text: &[u8], signs: &[u8]| text.iter().any(|byte| signs.contains(byte));
    if !pattern.starts_with(b"/") || has(folder, b"*?[{") || has(last, b"[{\\") {
        return None;
    }
    let entries = fs::read_dir(OsStr::from_bytes(folder)).ok()?.flatten();
    let names = entries.map(|entry| entry.file_name().into_encoded_bytes());
    // A `*` fits no dot in front.
    let fitting = names.filter(|name| !name.starts_with(b".") && wildmatch(last, name));
    let mut paths: Vec<_> = fitting
        .filter_map(|name| String::from_utf8([folder, &name].concat()).ok())
        .take(MOST_FILES)
        .collect();
    paths.sort();
    (!paths.is_empty()).then_some(paths)
}

/// `for NAME in PATTERN`: the first file is one of those that the loop is for.
fn first_of_loop(line: &[u8]) -> Option<Vec<u8>> {
    let text = line.trim_ascii_start();
    let behind = text.strip_prefix(b"for ")?;
    let at = line.len() - behind.len() + behind.windows(4).position(|word| word == b" in ")? + 4;
    let length = line[at..]
        .iter()
        .position(|&byte| byte == b';' || byte.is_ascii_whitespace())?;
    let pattern = &line[at..at + length];
    let is_alone = matches!(line[at + length..].trim_ascii_start(), [] | [b';', ..]);
    let has_star = pattern.contains(&b'*') && is_alone;
    let first = matches(pattern).filter(|_| has_star)?.into_iter().next()?;
    is_plain(first.as_bytes()).then(|| [&line[..at], first.as_bytes(), &line[at + length..]].concat())
}

/// What a command prints, without the newlines at its end; none if only a run can tell. `before`: the line in front of it. What a
/// file holds may be a password: it is put in nowhere but behind `PASSWORD=` and its like.
fn answer(question: &str, before: &[u8]) -> Option<Vec<u8>> {
    let words = shell_words::split(question).ok()?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["date", format] => {
            let format = format.strip_prefix('+')?;
            let now = jiff::Zoned::now();
            jiff::fmt::strtime::format(format.as_bytes(), &now)
                .ok()
                .map(String::into_bytes)
        }
        ["hostname"] | ["hostname", "-s"] | ["uname", "-n"] => {
            let name = gethostname().ok()?.into_encoded_bytes();
            let end = name
                .iter()
                .position(|&byte| byte == b'.')
                .filter(|_| words.contains(&"-s"));
            Some(name[..end.unwrap_or(name.len())].to_vec())
        }
        // Wherever it is, it is rsync.
        ["which", "rsync"] | ["command", "-v", "rsync"] | ["type", "-p" | "-P", "rsync"] => {
            Some(b"rsync".to_vec())
        }
        ["cat" | "<", file] => password_in(file, before),
        [file] if file.starts_with('<') => password_in(&file[1..], before),
        _ => None,
    }
}

/// What a file holds, if it is for `PASSWORD=` or its like.
fn password_in(file: &str, before: &[u8]) -> Option<Vec<u8>> {
    let before = before.strip_suffix(b"\"").unwrap_or(before).strip_suffix(b"=")?;
    let name = before
        .rsplit(|&byte| byte.is_ascii_whitespace())
        .next()?
        .to_ascii_uppercase();
    let is_password = name.windows(2).any(|letters| matches!(letters, b"PA" | b"PW"))
        && name
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let text = small(Path::new(file)).filter(|_| is_password && file.starts_with('/'))?;
    let end = text
        .iter()
        .rposition(|&byte| byte != b'\n')
        .map_or(0, |last| last + 1);
    Some(text[..end].to_vec())
}

/// The content of a file that is not too long.
fn small(path: &Path) -> Option<Vec<u8>> {
    let found = fs::metadata(path).ok()?;
    // Files of the kernel have no length, and may never end.
    let is_small = found.is_file() && (1..=LONGEST).contains(&found.len());
    is_small.then(|| fs::read(path).ok()).flatten()
}

/// Whether a shell reads it as it stands, in quotes and without.
pub(super) fn is_plain(text: &[u8]) -> bool {
    let signs = b"-_./:+,@%=";
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || signs.contains(byte))
}

/// A word without the quotes around it.
pub(super) fn unquoted(word: &[u8]) -> &[u8] {
    match word {
        [b'"', inner @ .., b'"'] if !inner.is_empty() => inner,
        [b'\'', inner @ .., b'\''] if !inner.contains(&b'$') => inner,
        _ => word,
    }
}

#[cfg(test)]
mod tests;
