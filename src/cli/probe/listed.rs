//! Targets that a file lists.

use std::path::Path;

use crate::{cli::Failure, probe::Target};

/// Reads the targets of a file, one a line; `#` begins a comment. All must be right, or none is probed.
pub(super) fn targets(bytes: &[u8], file: &Path) -> Result<Vec<Target>, Failure> {
    let text = String::from_utf8_lossy(bytes);
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let mut targets = Vec::new();
    let mut wrong = Vec::new();
    for (index, line) in lines {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        match Target::parse(line) {
            Ok(target) => targets.push(target),
            Err(error) => wrong.push((index + 1, error)),
        }
    }
    let Some((line, error)) = wrong.first() else {
        return Ok(targets);
    };
    let more = match &wrong[1..] {
        [] => String::new(),
        [(line, _)] => format!("; nor is line {line} a target"),
        [(line, _), ..] => format!(
            "; nor are {} more lines targets, the next is line {line}",
            wrong.len() - 1
        ),
    };
    let file = file.display();
    Err(format!("line {line} of `{file}`: {error}{more}").into())
}
