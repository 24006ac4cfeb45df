//! Where a command line stands: `FILE:LINE`, or a file with one alone.

use std::path::{Path, PathBuf};

use crate::{
    cli::probe::written::calling_lines,
    host::{Host as _, Live},
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

/// Lines that are named.
const MOST_LINES: usize = 10;
