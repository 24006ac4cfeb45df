//! What a cure would change in files, as it is shown before anybody is asked.

use std::io::{self, Write};

use similar::{ChangeTag, TextDiff};

use super::change::is_changed;
use crate::{catalog::Language, cli::lint::File, lint::Report};

/// Shows what would change, a `*` in the place of each character of a password; whether that is all. `before` and `after`
/// are of the same files.
pub(super) fn shown(
    files: &[File<'_>],
    before: &Report,
    after: &Report,
    language: Language,
    out: &mut dyn Write,
) -> io::Result<bool> {
    for file in files.iter().filter(|file| is_changed(file)) {
        let (Some(old), Some(new)) = (text(before, &file.name), text(after, &file.name)) else {
            return Ok(false);
        };
        let raw = TextDiff::from_lines(&file.original[..], &file.bytes[..]);
        let raw = raw
            .iter_all_changes()
            .filter(|change| change.tag() != ChangeTag::Equal);
        let diff = TextDiff::from_lines(&old, &new);
        let seen = diff
            .iter_all_changes()
            .filter(|change| change.tag() != ChangeTag::Equal);
        if raw.count() != seen.count() {
            let line = match language {
                Language::English => {
                    "not offered: what would change is a password, or stands in its place, and is not shown; change it by hand"
                }
                Language::Chinese => "不提供修复：要修改的是密码或其所在位置，不予显示；请手动修改",
            };
            writeln!(out, "  {}: {line}", file.name)?;
            return Ok(false);
        }
        diff.unified_diff()
            .header(&file.name, &file.name)
            .to_writer(&mut *out)?;
    }
    Ok(true)
}

/// A file's text without its passwords.
fn text(report: &Report, name: &str) -> Option<String> {
    let mut sources = report.sources.iter();
    let (_, source) = sources.find(|(_, source)| source.name() == name)?;
    Some(source.shown(0..source.bytes().len()))
}
