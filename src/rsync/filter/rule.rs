use std::borrow::Cow;

use crate::rsync::filter::{Side, glob::Glob};

/// What stands in front of a pattern: the kind of the rule, and its modifiers.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a letter of its own")]
pub(super) struct Prefix {
    /// `+`, and what stands for it.
    pub(super) is_include: bool,
    /// `.` or `:`.
    pub(super) is_merge: bool,
    /// `:`.
    pub(super) is_per_directory: bool,
    /// `/`: the whole path of the machine is matched.
    pub(super) is_absolute: bool,
    /// `!`.
    pub(super) is_negated: bool,
    /// `C`.
    pub(super) is_cvs: bool,
    /// `n`.
    pub(super) is_not_inherited: bool,
    /// `w`.
    pub(super) splits_words: bool,
    /// `-` or `+` of a merge file.
    pub(super) has_no_prefixes: bool,
    /// `e`.
    pub(super) excludes_itself: bool,
    /// `x`.
    pub(super) is_for_xattrs: bool,
    /// `s`.
    pub(super) is_sender: bool,
    /// `r`.
    pub(super) is_receiver: bool,
    /// `p`.
    pub(super) is_perishable: bool,
    /// The pattern ends in a slash.
    pub(super) is_for_directories: bool,
}

impl Prefix {
    pub(super) const fn has_side(&self) -> bool {
        self.is_sender || self.is_receiver
    }

    /// The only side that its letters name.
    pub(super) const fn only(&self) -> Option<Side> {
        match (self.is_sender, self.is_receiver) {
            (true, false) => Some(Side::Sender),
            (false, true) => Some(Side::Receiver),
            _ => None,
        }
    }

    /// What the rules of a merge file take from the rule that names it.
    pub(super) fn of_content(&self) -> Self {
        Self {
            is_absolute: self.is_absolute,
            is_include: self.is_include,
            is_for_directories: self.is_for_directories,
            is_negated: self.is_negated,
            is_perishable: self.is_perishable,
            ..Self::default()
        }
    }
}

/// A rule, ready to be matched.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) prefix: Prefix,
    /// Without a slash at the end.
    pub(super) pattern: Vec<u8>,
    /// The number of the merge file, if it is one of each directory.
    pub(super) merge: Option<usize>,
    /// It stands in a file, whose content is not to be told.
    pub(super) is_from_file: bool,
    /// The only side that it concerns, once the rules were announced.
    pub(super) only: Option<Side>,
    glob: Option<Glob>,
    slashes: usize,
    has_double_star: bool,
    begins_with_double_star: bool,
    ends_with_triple_star: bool,
}

impl Rule {
    /// `folder` is what stands in front of an anchored pattern of a merge file: the folder that holds it.
    pub(super) fn new(mut prefix: Prefix, pattern: &[u8], folder: Option<&[u8]>) -> Self {
        let mut pattern = Cow::Borrowed(pattern);
        if pattern.len() > 1 && pattern.ends_with(b"/") {
            prefix.is_for_directories = true;
            pattern = pattern[..pattern.len() - 1].to_vec().into();
        }
        if let Some(folder) = folder
            && !prefix.is_absolute
            && !prefix.is_merge
            && pattern.starts_with(b"/")
        {
            prefix.is_absolute = true;
            pattern = [folder, &pattern[..]].concat().into();
        }
        let pattern = pattern.into_owned();
        let is_wild = pattern.iter().any(|byte| matches!(byte, b'*' | b'[' | b'?'));
        let double_star = pattern.windows(2).position(|pair| pair == b"**");
        // The slash that anchors it is no part of what is matched.
        let matched = pattern.strip_prefix(b"/").unwrap_or(&pattern);
        Self {
            glob: is_wild.then(|| Glob::new(matched)),
            slashes: pattern.iter().filter(|&&byte| byte == b'/').count(),
            has_double_star: double_star.is_some(),
            begins_with_double_star: double_star == Some(0),
            ends_with_triple_star: pattern.ends_with(b"***"),
            only: None,
            merge: None,
            is_from_file: false,
            prefix,
            pattern,
        }
    }

    /// Whether the rule speaks of a name below the root of the transfer, which is an absolute path (`rule_matches` in
    /// exclude.c).
    pub(super) fn speaks_of(&self, name: &[u8], is_directory: bool, root: &[u8]) -> bool {
        let is_absolute = name.starts_with(b"/");
        let name = name.strip_prefix(b"/").unwrap_or(name);
        if name.is_empty() {
            return false;
        }
        let is_matched = (is_directory || !self.prefix.is_for_directories)
            && self.matches(name, is_absolute, is_directory, root);
        is_matched != self.prefix.is_negated
    }

    fn matches(&self, name: &[u8], is_absolute: bool, is_directory: bool, root: &[u8]) -> bool {
        let is_anchored = self.pattern.starts_with(b"/");
        let root = root.strip_prefix(b"/").unwrap_or(root);
        let mut text = Cow::Borrowed(name);
        let mut is_joined = true;
        if self.slashes == 0 && !self.has_double_star {
            let base = name.rsplit(|&byte| byte == b'/').next();
            text = Cow::Borrowed(base.unwrap_or(name));
            is_joined = false;
        } else if self.prefix.is_absolute && !is_absolute && !root.is_empty() {
            text = [root, b"/", name].concat().into();
        } else if self.begins_with_double_star && !is_absolute {
            // So that `**/` matches at the start too.
            text = [b"/", name].concat().into();
        } else {
            is_joined = false;
        }
        if is_directory && self.ends_with_triple_star {
            text.to_mut().push(b'/');
        }
        // Without a slash in front and without `**`, as many of the last components count as the pattern has.
        let counts_components = !is_anchored && self.slashes > 0 && !self.has_double_star;
        let is_floating = !is_anchored && self.has_double_star && !self.begins_with_double_star;
        let pattern = self.pattern.strip_prefix(b"/").unwrap_or(&self.pattern);
        let last = |text| last_components(text, self.slashes + 1);
        match &self.glob {
            Some(glob) if counts_components => last(&text).is_some_and(|text| glob.matches(text, false)),
            Some(glob) => glob.matches(&text, is_floating),
            None if is_joined && counts_components => last(&text) == Some(pattern),
            None if is_joined || is_anchored => *text == *pattern,
            None => {
                let rest = text.strip_suffix(pattern);
                rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(b"/"))
            }
        }
    }
}

/// The last components of a path; `None` if it has fewer.
fn last_components(path: &[u8], count: usize) -> Option<&[u8]> {
    let slashes: Vec<_> = (0..path.len()).filter(|&place| path[place] == b'/').collect();
    match slashes.len().checked_sub(count) {
        Some(place) => Some(&path[slashes[place] + 1..]),
        None => (slashes.len() + 1 == count).then_some(path),
    }
}

#[cfg(test)]
mod tests {
    use super::{Prefix, Rule};

    #[test]
    fn patterns_match_names_as_the_manual_says() {
        for (pattern, name, is_directory, expected) in [
            ("foo", "a/foo", false, true),
            ("/foo", "a/foo", false, false),
            ("foo/", "foo", false, false),
            ("foo/", "a/foo", true, true),
            ("a/foo", "x/a/foo", false, true),
            ("a/foo", "xa/foo", false, false),
            ("a/*", "x/a/b", false, true),
            ("a/*", "b", false, false),
            ("**/b", "b", false, true),
            ("a/**", "x/a/b/c", false, true),
            ("dir/***", "dir", true, true),
            ("dir/***", "dir", false, false),
            ("/dir/***", "dir/x/y", false, true),
            ("\\*", "\\*", false, false),
            ("\\*", "*", false, true),
            ("a\\b", "a\\b", false, true),
        ] {
            let rule = Rule::new(Prefix::default(), pattern.as_bytes(), None);
            let found = rule.speaks_of(name.as_bytes(), is_directory, b"/root");
            assert_eq!(found, expected, "{pattern} {name}");
        }
    }
}
