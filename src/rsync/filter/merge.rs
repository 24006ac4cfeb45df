use std::sync::Arc;

use crate::rsync::filter::{
    FilterError, FilterList,
    glob::is_space,
    list::ReadRules,
    parse::{Container, Style, next_rule},
    rule::{Prefix, Rule},
};
use crate::terms::{describe, refusal};

/// How deep merge files may name each other.
const MAX_DEPTH: usize = 32;

/// The longest pattern, in bytes; a longer one could match no path, and is dropped.
const MAX_PATTERN: usize = 4095;

/// Where a rule stands whose file is not known any more.
pub(super) const READ_EARLIER: &str = "a file read earlier";

/// A merge file that each folder may have.
#[derive(Clone, Debug)]
pub(super) struct Merge {
    prefix: Prefix,
    /// Its name; before the first folder perhaps with the folder from which on it is looked for.
    pattern: Vec<u8>,
    /// The same as it was given.
    named: Vec<u8>,
    needs_scan: bool,
    /// A list that was cleared named it.
    is_gone: bool,
    /// The file that the name stood in, and where.
    from: Option<String>,
    /// Those of the folder that was entered last, and in front of those of its parents.
    pub(super) rules: Arc<Vec<Arc<Rule>>>,
}

impl Merge {
    /// What is said behind a rule of such a file (`add_rule` in exclude.c).
    pub(super) fn said(&self) -> Vec<u8> {
        let base = self.pattern.rsplit(|&byte| byte == b'/').next();
        let name = match &self.from {
            Some(place) => format!("<rule from {place}>").into_bytes(),
            None => base.unwrap_or(&self.pattern).to_vec(),
        };
        [b" [per-dir ", &*name, b"]"].concat()
    }
}

/// Where rules go.
pub(super) struct Target {
    pub(super) local: Vec<Arc<Rule>>,
    keeps_inherited: bool,
}

impl Target {
    pub(super) const fn of(local: Vec<Arc<Rule>>) -> Self {
        Self {
            local,
            keeps_inherited: true,
        }
    }
}

/// What is being read.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// The folder whose file it is, as an absolute path that ends in a slash; empty for a command line.
    folder: Vec<u8>,
    /// It is the file of a folder itself, not one that it names.
    is_of_folder: bool,
    /// It is the file of a folder above the transfer.
    is_above: bool,
    depth: usize,
}

impl FilterList {
    /// Enters a folder below the root of the transfer, the root itself being `.`, and reads its merge files. For those
    /// above the root, `read` is given absolute paths. Folders are left in the opposite order.
    ///
    /// # Errors
    ///
    /// What is no rule in a merge file; a file that is not there does no harm.
    pub fn enter(&mut self, folder: &[u8], read: &mut ReadRules<'_>) -> Result<(), FilterError> {
        let before = self.merges.iter().map(|merge| merge.rules.clone());
        self.saved.push(before.collect());
        // With `--relative` a name may begin at the root of the machine.
        let (root, folder) = match folder.strip_prefix(b"/") {
            Some(below) => (&b""[..], below),
            None => (&*self.root, folder),
        };
        let mut path = [root, b"/"].concat();
        if folder != b"." && !folder.is_empty() {
            path.extend_from_slice(folder);
            path.push(b'/');
        }
        let mut number = 0;
        // A file may name more of them.
        while number < self.merges.len() {
            if !self.merges[number].is_gone {
                if self.merges[number].prefix.is_not_inherited {
                    self.merges[number].rules = Arc::default();
                }
                if std::mem::take(&mut self.merges[number].needs_scan) {
                    self.scan_parents(number, &path, read)?;
                }
                self.read_of_folder(number, &path, false, read)?;
            }
            number += 1;
        }
        Ok(())
    }

    /// From here on the merge files of the folders above are looked for anew, in whichever folder is entered next. No
    /// folder is entered now.
    pub fn look_above(&mut self) {
        for merge in &mut self.merges {
            merge.pattern.clone_from(&merge.named);
            merge.needs_scan = true;
        }
    }

    /// Leaves the folder that was entered last.
    pub fn leave(&mut self) {
        let Some(before) = self.saved.pop() else { return };
        self.merges.truncate(before.len());
        for (merge, rules) in self.merges.iter_mut().zip(before) {
            merge.rules = rules;
        }
    }

    /// Reads a merge file of the folders from the one that its name leads to down to the parent of a folder
    /// (`setup_merge_file` in exclude.c).
    fn scan_parents(
        &mut self,
        number: usize,
        folder: &[u8],
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        let pattern = self.merges[number].pattern.clone();
        let Some(slash) = pattern.iter().rposition(|&byte| byte == b'/') else {
            return Ok(());
        };
        let start = match pattern.starts_with(b"/") {
            true => clean(&pattern[..=slash]),
            false => clean(&[folder, &pattern[..=slash]].concat()),
        };
        self.merges[number].pattern = pattern[slash + 1..].to_vec();
        let start = [&*start, b"/"].concat();
        if !folder.starts_with(&start) {
            return Ok(());
        }
        let ends = (start.len()..folder.len()).filter(|&end| folder[end - 1] == b'/');
        for end in ends {
            self.read_of_folder(number, &folder[..end], true, read)?;
            if self.merges[number].prefix.is_not_inherited {
                self.merges[number].rules = Arc::default();
            }
        }
        Ok(())
    }

    /// Puts the rules of a folder's merge file in front of those that hold.
    fn read_of_folder(
        &mut self,
        number: usize,
        folder: &[u8],
        is_above: bool,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        let merge = &self.merges[number];
        let path = [folder, &*merge.pattern].concat();
        let Ok(content) = read(self.below_root(&path)) else {
            return Ok(());
        };
        let label = shown(&path);
        let container = Container {
            prefix: merge.prefix.clone(),
            style: Style::Full,
            place: Some(match merge.from {
                Some(_) => READ_EARLIER.to_owned(),
                None => label,
            }),
            deletes_excluded: self.deletes_excluded,
        };
        let reading = Reading {
            folder: folder.to_vec(),
            is_of_folder: true,
            is_above,
            depth: 1,
        };
        let mut target = Target::of(Vec::new());
        self.read_content(&mut target, &content, &container, &reading, read)?;
        let merge = &mut self.merges[number];
        if !target.local.is_empty() || !target.keeps_inherited {
            let mut rules = target.local;
            if target.keeps_inherited {
                rules.extend(merge.rules.iter().cloned());
            }
            merge.rules = Arc::new(rules);
        }
        Ok(())
    }

    /// A path as `read` wants it.
    fn below_root<'p>(&self, path: &'p [u8]) -> &'p [u8] {
        let below = path.strip_prefix(&*self.root).filter(|_| self.has_root);
        below.and_then(|rest| rest.strip_prefix(b"/")).unwrap_or(path)
    }

    /// Reads a file that must be there. The container's place is where the file was named.
    pub(super) fn read_file(
        &mut self,
        target: &mut Target,
        name: &[u8],
        container: &Container,
        reading: &Reading,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        let label = match &container.place {
            Some(place) => format!("<rule from {place}>"),
            None => shown(name),
        };
        if reading.depth >= MAX_DEPTH {
            return Err(FilterError::TooDeep {
                limit: MAX_DEPTH,
                name: label,
            });
        }
        let content = read(self.below_root(name)).map_err(|error| FilterError::Unreadable {
            kind: match container.prefix.is_include {
                true => "include",
                false => "exclude",
            },
            name: label,
            // What a file names must not be found out.
            reason: match container.place {
                Some(_) => String::new(),
                None => describe(&error),
            },
            is_untrusted: !refusal(&error).is_empty(),
        })?;
        let inside = Container {
            place: Some(match &container.place {
                Some(place) => format!("a file named at {place}"),
                None => shown(name),
            }),
            ..container.clone()
        };
        let reading = Reading {
            is_of_folder: false,
            depth: reading.depth + 1,
            ..reading.clone()
        };
        self.read_content(target, &content, &inside, &reading, read)
    }

    /// Reads the lines of a file, or its words (`parse_filter_file` in exclude.c).
    fn read_content(
        &mut self,
        target: &mut Target,
        content: &[u8],
        container: &Container,
        reading: &Reading,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        let splits_words = container.prefix.splits_words;
        let ends_with_nul = self.ends_with_nul;
        let is_end = move |byte: &u8| match splits_words {
            true => is_space(*byte),
            false if ends_with_nul => *byte == 0,
            false => matches!(byte, b'\n' | b'\r'),
        };
        let mut numbered = container.clone();
        let mut number = 0;
        let mut before = b'\n';
        for line in content.split_inclusive(is_end) {
            let end = line.last().copied().filter(|last| is_end(last));
            let text = &line[..line.len() - usize::from(end.is_some())];
            // Both bytes of an end together end one line.
            let is_second = text.is_empty() && before == b'\r' && end == Some(b'\n');
            number += usize::from(!is_second);
            before = end.unwrap_or_default();
            let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
            let is_comment = !splits_words && matches!(text.first(), Some(b';' | b'#'));
            if text.is_empty() || is_comment {
                continue;
            }
            let is_named = container
                .place
                .as_ref()
                .is_some_and(|place| !place.starts_with("a file "));
            if is_named && !splits_words {
                let place = container.place.as_deref().unwrap_or_default();
                numbered.place = Some(format!("{place} line {number}"));
            }
            self.read_text(target, text, &numbered, reading, read)?;
        }
        Ok(())
    }

    /// Reads all rules of a text (`parse_filter_str` in exclude.c).
    pub(super) fn read_text(
        &mut self,
        target: &mut Target,
        mut text: &[u8],
        container: &Container,
        reading: &Reading,
        read: &mut ReadRules<'_>,
    ) -> Result<(), FilterError> {
        while let Some(written) = next_rule(&mut text, container)? {
            let mut prefix = written.prefix;
            self.has_xattr_rules |= prefix.is_for_xattrs;
            let mut pattern = written.pattern;
            if pattern.len() > MAX_PATTERN {
                let text = match &container.place {
                    Some(place) => format!("<rule from {place}>"),
                    None => shown(pattern),
                };
                self.dropped.push(format!("discarding over-long filter: {text}"));
                continue;
            }
            if written.is_clear {
                self.forget(&target.local);
                *target = Target {
                    local: Vec::new(),
                    keeps_inherited: false,
                };
                continue;
            }
            if prefix.is_merge && pattern.is_empty() {
                pattern = b".cvsignore";
            }
            if std::mem::take(&mut prefix.excludes_itself) {
                let base = pattern.rsplit(|&byte| byte == b'/').next().unwrap_or(pattern);
                let mut rule = Rule::new(Prefix::default(), base, None);
                rule.is_from_file = container.place.is_some();
                target.local.push(Arc::new(rule));
            }
            if prefix.is_merge && !prefix.is_per_directory {
                let inner = Container {
                    prefix,
                    style: Style::Full,
                    ..container.clone()
                };
                let path = merge_path(pattern, reading);
                self.read_file(target, &path, &inner, reading, read)?;
                continue;
            }
            let is_cvs = prefix.is_cvs && !prefix.is_merge;
            let ignores = is_cvs.then(|| prefix.clone());
            self.add_rule(target, prefix, pattern, container, reading);
            if let Some(prefix) = ignores {
                self.read_cvs_ignores(&prefix)?;
            }
        }
        Ok(())
    }

    /// Adds a rule that is no file (`add_rule` in exclude.c).
    fn add_rule(
        &mut self,
        target: &mut Target,
        prefix: Prefix,
        pattern: &[u8],
        container: &Container,
        reading: &Reading,
    ) {
        let only = prefix.only();
        if reading.is_of_folder && only.is_some() && only != self.role {
            return;
        }
        let folder = reading
            .is_of_folder
            .then(|| &reading.folder[..reading.folder.len() - 1]);
        let is_per_directory = prefix.is_per_directory;
        let path = match is_per_directory && reading.is_above {
            true => merge_path(pattern, reading),
            false => pattern.to_vec(),
        };
        let mut rule = Rule::new(prefix, &path, folder);
        rule.is_from_file = container.place.is_some();
        if is_per_directory {
            let base = |path: &[u8]| path.rsplit(|&byte| byte == b'/').next().map(<[u8]>::to_vec);
            let is_same = |merge: &Merge| !merge.is_gone && base(&merge.pattern) == base(&rule.pattern);
            if self.merges.iter().any(is_same) {
                return;
            }
            rule.merge = Some(self.merges.len());
            self.merges.push(Merge {
                prefix: rule.prefix.clone(),
                pattern: rule.pattern.clone(),
                named: rule.pattern.clone(),
                needs_scan: true,
                is_gone: false,
                from: container.place.clone(),
                rules: Arc::default(),
            });
        }
        target.local.push(Arc::new(rule));
    }

    /// The merge files of rules that hold no more are not looked for.
    fn forget(&mut self, rules: &[Arc<Rule>]) {
        for number in rules.iter().filter_map(|rule| rule.merge) {
            self.merges[number].is_gone = true;
            self.merges[number].rules = Arc::default();
        }
    }
}

/// Where a merge file is: a bare name stands where the transfer takes place, and any other path below the folder whose
/// file names it (`parse_merge_name` in exclude.c).
fn merge_path(name: &[u8], reading: &Reading) -> Vec<u8> {
    if name.starts_with(b"/") {
        clean(name)
    } else if !reading.is_above && !name.contains(&b'/') {
        name.to_vec()
    } else {
        clean(&[&*reading.folder, name].concat())
    }
}

/// A path without empty components, `.` and, as far as they lead back, `..`.
fn clean(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    let is_absolute = path.starts_with(b"/");
    for part in path.split(|&byte| byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if parts.last().is_some_and(|last| *last != b"..") => {
                parts.pop();
            }
            b".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join(&b'/');
    if is_absolute && !joined.is_empty() {
        [b"/", &*joined].concat()
    } else {
        joined
    }
}

/// A path for a message, in which nothing steers a terminal.
fn shown(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter.is_control() {
                true => text.push_str(&format!("\\#{:03o}", u32::from(letter))),
                false => text.push(letter),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\#{byte:03o}"));
        }
    }
    text
}
