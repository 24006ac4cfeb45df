//! Where a command line stands: `FILE:LINE`, or a file with one alone.

use std::path::{Path, PathBuf};

use crate::{
    catalog::FileKind,
    cli::probe::{
        mistaken::mistaken,
        part::Part,
        settled::settled,
        started::started,
        text::{as_a_shell_reads, lines, position},
        unit,
        written::parts,
    },
    host::{Host as _, Live},
    lint::recognise,
    terms::Bytes,
};

/// File and line of a text such as `backup.sh:12`, or `backup.sh` with one call of rsync; nothing of a command line.
///
/// # Errors
///
/// There is no such file, or no such line, or more than one line that may be meant.
pub(in crate::cli) fn place(text: &str) -> Result<Option<(PathBuf, usize)>, String> {
    if Path::new(text).is_file() {
        return only_line(text).map(Some);
    }
    let Some((file, digits)) = text.rsplit_once(':') else {
        return Ok(None);
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let path = PathBuf::from(file);
    let is_there = path.is_file();
    let is_place =
        is_there || !(file.is_empty() || file.ends_with(':') || file.contains(char::is_whitespace));
    if !is_number || !is_place {
        return Ok(None);
    }
    match digits.parse() {
        _ if !is_there => Err(format!(
            "there is no file `{file}`; give FILE:LINE of a script or crontab, or a command line of rsync's"
        )),
        Ok(line @ 1..) => Ok(Some((path, line))),
        _ => Err(format!("`{file}` has no line {digits}; the first one is 1")),
    }
}

/// A file, and the line of it that calls rsync.
fn only_line(file: &str) -> Result<(PathBuf, usize), String> {
    let path = PathBuf::from(file);
    let bytes = Live
        .read(&path)
        .map_err(|unknown| format!("`{file}`: {unknown}"))?
        .unwrap_or_default();
    let lines = calling_lines(&path, bytes);
    match lines[..] {
        [line] => Ok((path, line)),
        [] => Err(format!(
            "no line of `{file}` is seen to call rsync; give FILE:LINE, or the command line itself"
        )),
        [first, ..] => {
            let lines: Vec<_> = lines.iter().take(MOST_LINES).map(usize::to_string).collect();
            Err(format!(
                "`{file}` calls rsync on lines {}; give the one that fails, as {file}:{first}",
                lines.join(", ")
            ))
        }
    }
}

/// The lines of a script or crontab that call rsync, the first one being 1.
fn calling_lines(path: &Path, bytes: Vec<u8>) -> Vec<usize> {
    let kind = recognise(path, &Bytes::from(bytes.clone()));
    if kind == Some(FileKind::Systemd) {
        return unit::calling_lines(path, &bytes);
    }
    let bytes = settled(path, bytes, kind == Some(FileKind::Crontab), false);
    let (read, _) = as_a_shell_reads(&bytes);
    let (plain, bytes) = (Bytes::from(bytes), Bytes::from(read));
    let parts = parts(path, &plain, &bytes);
    let calls = parts.iter().flat_map(Part::calls);
    let mut found: Vec<_> = calls.map(|call| position(&bytes, call.range.start)).collect();
    if found.is_empty() {
        let all = parts.iter().flat_map(|part| &part.script.calls);
        let starting = all.filter(|call| !matches!(started(call), Ok(None)));
        found.extend(starting.map(|call| position(&bytes, call.range.start)));
    }
    if found.is_empty() {
        // One that is meant to is told as what it is.
        let meant = lines(&bytes).filter(|line| mistaken(path, &bytes, line).is_some());
        found.extend(meant.map(|line| position(&bytes, line.start)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Lines that are named.
const MOST_LINES: usize = 10;
