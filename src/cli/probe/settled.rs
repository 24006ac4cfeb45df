//! What a script asks of this machine, in the place of its question: a file with settings that it takes in, today's date, the
//! host's name, a file that holds a password.

use std::{
    ffi::OsStr,
    fs,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::unistd::gethostname;

use crate::syntax::environment_file::{self, Kind};

/// The longest file that is put in.
const LONGEST: u64 = 64 << 10;

/// A script, or a table of cron's, with such questions answered; lines keep their numbers. What a shell would read otherwise
/// than it stands in the answer is left a question.
pub(super) fn settled(path: &Path, script: Vec<u8>, is_table: bool) -> Vec<u8> {
    let folder = path.parent().unwrap_or_else(|| Path::new("/"));
    let mut found = Vec::with_capacity(script.len());
    for line in script.split_inclusive(|&byte| byte == b'\n') {
        let taken_in = match is_table {
            true => answered(line, true),
            false => taken_in(line, folder).or_else(|| answered(line, false)),
        };
        match taken_in {
            Some(text) => found.extend(text),
            None => found.extend(line),
        }
    }
    found
}

/// `. FILE` or `source FILE` with nothing behind it, of a file that only sets variables: the assignments in its place.
fn taken_in(line: &[u8], folder: &Path) -> Option<Vec<u8>> {
    let text = line.trim_ascii();
    let name = [&b". "[..], b"source "]
        .into_iter()
        .find_map(|word| text.strip_prefix(word))?
        .trim_ascii();
    let name = unquoted(name);
    let beside = [&b"$(dirname \"$0\")/"[..], b"$(dirname $0)/"]
        .into_iter()
        .find_map(|start| name.strip_prefix(start));
    let path = match beside {
        Some(rest) => folder.join(OsStr::from_bytes(rest)),
        None => PathBuf::from(OsStr::from_bytes(name)),
    };
    if !is_plain(beside.unwrap_or(name)) || !path.is_absolute() {
        return None;
    }
    let file = small(&path)?;
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

/// The line with the answers to `$(…)` and `` `…` ``; nothing if there are none.
fn answered(line: &[u8], is_table: bool) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut done = 0;
    while let Some((range, question)) = next_question(line, done) {
        // In a table a `%` ends the command unless a backslash stands in front of it.
        let question = match is_table {
            true => String::from_utf8_lossy(question).replace("\\%", "\u{1}"),
            false => String::from_utf8_lossy(question).into_owned(),
        };
        let is_cut = is_table && question.contains('%');
        let answer = answer(&question.replace('\u{1}', "%")).filter(|_| !is_cut);
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

/// The next `$(…)` or `` `…` `` of a line that is in no single quotes and in no note, with what stands in it.
fn next_question(line: &[u8], from: usize) -> Option<(Range<usize>, &[u8])> {
    let (mut is_single, mut is_double) = (false, false);
    let mut at = 0;
    while at < line.len() {
        match line[at] {
            b'\\' if !is_single => at += 1,
            b'\'' if !is_double => is_single = !is_single,
            b'"' if !is_single => is_double = !is_double,
            b'#' if !is_single && !is_double && (at == 0 || line[at - 1].is_ascii_whitespace()) => {
                return None;
            }
            sign @ (b'$' | b'`') if !is_single => {
                let (open, end) = if sign == b'`' { (1, b'`') } else { (2, b')') };
                let is_open = sign == b'`' || line.get(at + 1) == Some(&b'(');
                let inner = is_open.then(|| line.get(at + open..)).flatten();
                if let Some(length) = inner.and_then(|inner| inner.iter().position(|&byte| byte == end)) {
                    let range = at..at + open + length + 1;
                    if range.start >= from {
                        return Some((range.clone(), &line[range.start + open..range.end - 1]));
                    }
                    at = range.end - 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// What a command prints, without the newlines at its end; none if only a run can tell.
fn answer(question: &str) -> Option<Vec<u8>> {
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
        ["cat", file] | ["<", file] if file.starts_with('/') => {
            let text = small(Path::new(file))?;
            Some(text.trim_ascii_end().to_vec())
        }
        _ => None,
    }
}

/// The content of a file that is not too long.
fn small(path: &Path) -> Option<Vec<u8>> {
    let found = fs::metadata(path).ok()?;
    let is_small = found.is_file() && found.len() <= LONGEST;
    is_small.then(|| fs::read(path).ok()).flatten()
}

/// Whether a shell reads it as it stands, in quotes and without.
fn is_plain(text: &[u8]) -> bool {
    let signs = b"-_./:+,@%=";
    text.iter()
        .all(|byte| byte.is_ascii_alphanumeric() || signs.contains(byte))
}

/// A word without the quotes around it.
fn unquoted(word: &[u8]) -> &[u8] {
    match word {
        [b'"', inner @ .., b'"'] if !inner.is_empty() => inner,
        [b'\'', inner @ .., b'\''] if !inner.contains(&b'$') => inner,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::settled;

    fn read(path: &Path, script: &str) -> String {
        String::from_utf8(settled(path, script.into(), false)).expect("a text")
    }

    #[test]
    fn files_that_only_set_variables_are_taken_in() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a.conf"), "# where to\nHOST=h\nexport PW='a b'\n").expect("a file");
        fs::write(at("b.conf"), "HOST=$(pick)\n").expect("a file");
        let script = at("push.sh");
        let place = at("a.conf").display().to_string();
        let taken = "HOST=h; export PW='a b'\nrsync\n";
        for line in [
            format!(". {place}"),
            format!("source \"{place}\""),
            "  . \"$(dirname \"$0\")/a.conf\"".to_owned(),
        ] {
            assert_eq!(read(&script, &format!("{line}\nrsync\n")), taken, "{line}");
        }
        for line in [". ./a.conf", ". $HERE/a.conf", ". /no/such/file"] {
            assert_eq!(read(&script, line), line);
        }
        let line = format!(". {}", at("b.conf").display());
        assert_eq!(read(&script, &line), line);
    }

    #[test]
    fn questions_with_one_answer_are_answered() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pw");
        fs::write(&file, "hush\n").expect("a file");
        let file = file.display();
        let today = jiff::Zoned::now().date();
        let script = Path::new("/root/a.sh");
        for (line, expected) in [
            (
                "D=$(date +%F); E=`date \"+%Y-%m-%d\"`",
                format!("D={today}; E={today}"),
            ),
            (
                &format!("export RSYNC_PASSWORD=\"$(cat {file})\"")[..],
                "export RSYNC_PASSWORD=\"hush\"".to_owned(),
            ),
            (&format!("P=$(< {file})")[..], "P=hush".to_owned()),
            (
                "echo '$(date +%F)' # $(date +%F)",
                "echo '$(date +%F)' # $(date +%F)".to_owned(),
            ),
            (
                "X=$(date -d yesterday +%F) Y=$((1+2)) Z=$(pick a)",
                "X=$(date -d yesterday +%F) Y=$((1+2)) Z=$(pick a)".to_owned(),
            ),
            ("A=\\$(date) B=$(date", "A=\\$(date) B=$(date".to_owned()),
            ("N=$(date '+%d %H')", "N=$(date '+%d %H')".to_owned()),
        ] {
            assert_eq!(read(script, line), expected, "{line}");
        }
        let table = |line: &str| String::from_utf8(settled(script, line.into(), true)).expect("a text");
        assert_eq!(table("rsync h::m/$(date +\\%F)/"), format!("rsync h::m/{today}/"));
        assert_eq!(table("rsync h::m/$(date +%F)/"), "rsync h::m/$(date +%F)/");
    }
}
