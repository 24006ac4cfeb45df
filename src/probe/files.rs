use std::{collections::BTreeSet, str};

use crate::rsync::proto::file_list::{Entry, FileKind, FileList};

/// What the folders of probes and trials are called, before letters at random.
const OWN: [&str; 2] = ["rsyncctl-probe-", "rsyncctl-try-"];

/// The regular files of a list that are good for a try: the smallest that are not empty, within limits.
#[derive(Clone, Debug)]
pub(super) struct Candidates {
    most_files: usize,
    most_bytes: u64,
    /// Size and name of those that are kept.
    kept: BTreeSet<(u64, String)>,
    /// All regular files.
    pub(super) files: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

impl Candidates {
    pub(super) fn new(most_files: usize, most_bytes: u64) -> Self {
        Self {
            most_files,
            most_bytes,
            kept: BTreeSet::new(),
            files: 0,
            bytes: 0,
        }
    }

    /// Takes a file of the list, if it is better than those that are kept.
    pub(super) fn take(&mut self, list: &FileList, entry: &Entry) {
        if entry.kind() != FileKind::Regular {
            return;
        }
        let size = entry.size.unsigned_abs();
        self.files += 1;
        self.bytes += size;
        // A name is written into a filter rule, which is a line of text.
        let Ok(name) = str::from_utf8(list.name(entry)) else {
            return;
        };
        // What a trial or another probe has there is gone, or another, in a moment.
        let mut parts = name.split('/');
        let is_ours = parts.any(|part| OWN.iter().any(|prefix| part.starts_with(prefix)));
        if size == 0 || size > self.most_bytes || is_ours || name.contains(char::is_control) {
            return;
        }
        self.kept.insert((size, name.to_owned()));
        if self.kept.len() > self.most_files {
            self.kept.pop_last();
        }
    }

    /// The names, the smallest file first, as many as stay below the limit of bytes together.
    pub(super) fn chosen(&self) -> Vec<&str> {
        let mut total = 0;
        let within = self.kept.iter().take_while(|(size, _)| {
            total += size;
            total <= self.most_bytes
        });
        within.map(|(_, name)| &**name).collect()
    }
}

/// Filter options that let these files through, with the folders that they are in, and nothing else.
pub(super) fn only(names: &[&str]) -> Vec<String> {
    let mut rules = BTreeSet::new();
    for name in names {
        for (slash, _) in name.match_indices('/') {
            rules.insert(format!("--include=/{}/", literal(&name[..slash])));
        }
        rules.insert(format!("--include=/{}", literal(name)));
    }
    rules.into_iter().chain(["--exclude=*".to_owned()]).collect()
}

/// A pattern that matches this name alone (`rule_matches` in exclude.c: a backslash means something only beside a
/// wildcard).
fn literal(name: &str) -> String {
    if !name.contains(['*', '?', '[']) {
        return name.to_owned();
    }
    let escape = |letter: char| {
        let escaped = matches!(letter, '*' | '?' | '[' | '\\');
        escaped.then_some('\\').into_iter().chain([letter])
    };
    name.chars().flat_map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::only;

    #[test]
    fn rules_name_the_files_and_their_folders() {
        assert_eq!(
            only(&["a/b/c [1].txt", "a/d"]),
            [
                "--include=/a/",
                "--include=/a/b/",
                r"--include=/a/b/c \[1].txt",
                "--include=/a/d",
                "--exclude=*",
            ]
        );
    }
}
