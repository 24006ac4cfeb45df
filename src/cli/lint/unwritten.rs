//! Files that keep what they hold though cures were applied to them in memory.

use std::collections::BTreeMap;

use similar::{DiffOp, TextDiff};

use crate::{cli::lint::File, terms::Bytes};

/// What those files hold, and what they would have held, by name.
#[derive(Default)]
pub(super) struct Unwritten(BTreeMap<String, (Bytes, Bytes)>);

impl Unwritten {
    /// All files that would change.
    pub(super) fn all(files: &[File<'_>]) -> Self {
        let mut all = Self::default();
        for file in files.iter().filter(|file| file.bytes != file.original) {
            all.note(file);
        }
        all
    }

    /// Takes note of a file, as long as it holds the cures.
    pub(super) fn note(&mut self, file: &File<'_>) {
        let texts = (file.original.clone(), file.bytes.clone());
        self.0.insert(file.name.clone(), texts);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a 1-based line of a cured file stands in the file as people see it.
    pub(super) fn line(&self, name: &str, line: usize) -> usize {
        match self.0.get(name) {
            Some((original, cured)) => line_before(original, cured, line),
            None => line,
        }
    }
}

/// Where a 1-based line of a changed text stood before.
fn line_before(before: &[u8], after: &[u8], line: usize) -> usize {
    let line = line - 1;
    let diff = TextDiff::from_lines(before, after);
    let op = diff.ops().iter().find(|op| op.new_range().contains(&line));
    let at = op.map_or(line, |op| {
        let into = line - op.new_range().start;
        match op {
            DiffOp::Equal { old_index, .. } => old_index + into,
            // Of lines that were replaced, nobody knows which became which.
            _ => op.old_range().start + into.min(op.old_range().len().saturating_sub(1)),
        }
    });
    at + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_where_they_were() {
        let before = b"one\ntwo\nthree\nfour\n";
        let after = b"# new\none\n2\n# new\nfour\n";
        let lines: Vec<_> = (1..=5).map(|line| line_before(before, after, line)).collect();
        assert_eq!(lines, [1, 1, 2, 3, 4]);
    }
}
