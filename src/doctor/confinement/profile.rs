//! What a profile of AppArmor lets a program do with files, by its text (apparmor.d(5)).

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{host::Host, model::wildmatch::wildmatch};

/// Where profiles are, and what they include.
const FOLDER: &str = "/etc/apparmor.d";
/// So many files are read of one profile.
const MOST_FILES: usize = 200;
/// So many patterns are made of one with braces and variables.
const MOST_PATTERNS: usize = 256;
/// So many bytes a rule has at most.
const LONGEST_RULE: usize = 4096;
/// A name of a file below a folder, in the place of those that clients ask for.
const SOME_FILE: &str = "some-file";
/// Words in front of a rule.
const QUALIFIERS: [&str; 4] = ["allow", "audit", "file", "owner"];
/// What a rule for files can grant.
const PERMISSIONS: &str = "rwaxmlkdDuUpPcCiIb";

/// The text of a profile, with what it includes.
pub(super) struct Profile {
    /// Its file.
    pub(super) file: PathBuf,
    /// Whether it includes a file of the machine's own, below `local`.
    pub(super) local: Option<PathBuf>,
    rules: Vec<Rule>,
    /// Whether everything in it was read and understood that may be about files.
    is_whole: bool,
}

struct Rule {
    is_denial: bool,
    patterns: Vec<String>,
    permissions: String,
}

/// What is asked of a folder that a module serves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Grant {
    Granted,
    Lacking,
    /// The text does not tell.
    Unknown,
}

impl Profile {
    /// The profile of a name, which is mostly the path of the program; none if no file is found to have it.
    pub(super) fn read(host: &dyn Host, name: &str) -> Option<Self> {
        let usual = Path::new(FOLDER).join(name.trim_start_matches('/').replace('/', "."));
        let names = host.list(Path::new(FOLDER)).ok().flatten().unwrap_or_default();
        let mut others: Vec<_> = names
            .into_iter()
            .map(|name| Path::new(FOLDER).join(name))
            .collect();
        others.sort();
        let mut files = [usual].into_iter().chain(others);
        let (file, parts) = files.find_map(|file| {
            let text = text(host, &file)?;
            Some((file, Parts::of(&text, name)?))
        })?;
        let mut reader = Reader {
            host,
            profile: Self {
                local: None,
                file,
                rules: Vec::new(),
                is_whole: true,
            },
            variables: BTreeMap::new(),
            files: 0,
        };
        // Variables are defined in front of the profiles.
        reader.include("tunables/global");
        reader.lines(&parts.above);
        reader.profile.rules.clear();
        reader.lines(&parts.block);
        Some(reader.profile)
    }

    /// Whether it lets the program read a folder and the files in it, and write them if that is asked.
    pub(super) fn grants(&self, folder: &Path, writes: bool) -> Grant {
        let folder = folder.display().to_string();
        let folder = folder.trim_end_matches('/');
        let (itself, below) = (format!("{folder}/"), format!("{folder}/{SOME_FILE}"));
        let mut wanted = vec![(itself, 'r'), (below.clone(), 'r')];
        wanted.extend(writes.then_some((below, 'w')));
        let lacks = |(path, permission): &(String, char)| {
            let has = |rule: &&Rule| rule.permissions.contains(*permission) && rule.fits(path, folder);
            let mut denials = self.rules.iter().filter(|rule| rule.is_denial);
            let mut grants = self.rules.iter().filter(|rule| !rule.is_denial);
            denials.any(|rule| has(&rule)) || !grants.any(|rule| has(&rule))
        };
        match (wanted.iter().any(lacks), self.is_whole) {
            (false, _) => Grant::Granted,
            (true, true) => Grant::Lacking,
            (true, false) => Grant::Unknown,
        }
    }
}

impl Rule {
    /// Whether it is about a path. A grant for some names below the folder may be for all that clients ask for.
    fn fits(&self, path: &str, folder: &str) -> bool {
        self.patterns.iter().any(|pattern| {
            let is_of_some = || {
                let below = pattern.strip_prefix(folder).is_some_and(|rest| rest.len() > 1);
                !self.is_denial
                    && path.ends_with(SOME_FILE)
                    && below
                    && pattern[folder.len()..].starts_with('/')
            };
            wildmatch(pattern.as_bytes(), path.as_bytes()) || is_of_some()
        })
    }
}

struct Reader<'r> {
    host: &'r dyn Host,
    profile: Profile,
    variables: BTreeMap<String, Vec<String>>,
    files: usize,
}

impl Reader<'_> {
    fn lines(&mut self, text: &str) {
        // A rule may go on in the next line.
        let mut begun = String::new();
        for line in text.lines() {
            let line = line.trim();
            let include = ["#include", "include"].into_iter().find_map(|word| {
                let rest = line.strip_prefix(word)?.trim_start();
                Some(rest.strip_prefix("if exists").unwrap_or(rest).trim())
            });
            if let Some(named) = include {
                let named = named.trim_start_matches(['<', '"']);
                self.include(named.split(['>', '"']).next().unwrap_or_default());
            } else if line.starts_with("@{") && line.contains('=') {
                self.define(line);
            } else if !line.starts_with('#') {
                begun.push(' ');
                begun.push_str(line);
                let (whole, rest) = statements(&begun);
                for statement in whole {
                    self.rule(&statement);
                }
                begun = rest;
                if begun.len() > LONGEST_RULE {
                    self.profile.is_whole = false;
                    begun.clear();
                }
            }
        }
        self.profile.is_whole &= begun.trim().is_empty();
    }

    /// A file that is not there is none; what it would have brought is not known then.
    fn include(&mut self, named: &str) {
        self.files += 1;
        let path = Path::new(FOLDER).join(named);
        if self.files > MOST_FILES {
            self.profile.is_whole = false;
            return;
        }
        if let Some(text) = text(self.host, &path) {
            if named.starts_with("local/") {
                self.profile.local = Some(path);
            }
            self.lines(&text);
            return;
        }
        let mut names = self.host.list(&path).ok().flatten().unwrap_or_default();
        names.sort();
        for name in names {
            let name = name.to_string_lossy().into_owned();
            self.include(&format!("{named}/{name}"));
        }
    }

    /// `@{HOME}=@{HOMEDIRS}/*/ /root/`, or more for one that is there.
    fn define(&mut self, line: &str) {
        let Some((name, values)) = line.split_once('=') else {
            return;
        };
        let name = name.trim().trim_end_matches('+').trim().to_owned();
        let values = values
            .split_ascii_whitespace()
            .map(|value| value.trim_matches('"'));
        let values: Vec<_> = values.map(str::to_owned).collect();
        self.variables.entry(name).or_default().extend(values);
    }

    fn rule(&mut self, statement: &str) {
        let Some(mut words) = words(statement) else {
            self.profile.is_whole = false;
            return;
        };
        let is_denial = words.first().is_some_and(|word| word == "deny");
        let is_file = words.iter().any(|word| word == "file");
        while words
            .first()
            .is_some_and(|word| word == "deny" || QUALIFIERS.contains(&&**word))
        {
            words.remove(0);
        }
        let is_path = |word: &String| word.starts_with(['/', '@']);
        let are_permissions = |word: &String| word.chars().all(|letter| PERMISSIONS.contains(letter));
        let (path, permissions) = match &words[..] {
            [] if is_file => ("/**".to_owned(), PERMISSIONS.to_owned()),
            [path, permissions, ..] if is_path(path) && are_permissions(permissions) => {
                (path.clone(), permissions.clone())
            }
            [permissions, path, ..] if is_path(path) && are_permissions(permissions) => {
                (path.clone(), permissions.clone())
            }
            // Of capabilities, networks, signals, mounts.
            _ => return,
        };
        match self.expanded(&path) {
            Some(patterns) => self.profile.rules.push(Rule {
                is_denial,
                patterns,
                permissions,
            }),
            None => self.profile.is_whole = false,
        }
    }

    /// The patterns that a pattern with braces and variables stands for; none if a variable is not known, or there are too
    /// many.
    fn expanded(&self, pattern: &str) -> Option<Vec<String>> {
        let mut open = vec![pattern.to_owned()];
        let mut done = Vec::new();
        while let Some(next) = open.pop() {
            if open.len() + done.len() > MOST_PATTERNS || next.len() > LONGEST_RULE {
                return None;
            }
            if let Some(start) = next.find("@{") {
                let end = start + next[start..].find('}')? + 1;
                let values = self.variables.get(&next[start..end])?;
                let put = |value: &String| format!("{}{value}{}", &next[..start], &next[end..]);
                open.extend(values.iter().map(put));
            } else if let Some(start) = next.find('{') {
                let (end, parts) = alternatives(&next, start)?;
                let put = |part: &str| format!("{}{part}{}", &next[..start], &next[end..]);
                open.extend(parts.into_iter().map(put));
            } else {
                // Doubled slashes come of variables that end with one.
                let mut path = next;
                while path.contains("//") {
                    path = path.replace("//", "/");
                }
                done.push(path);
            }
        }
        Some(done)
    }
}

/// What stands between the brace at a place and the one that closes it, parted at commas, and where that ends.
fn alternatives(pattern: &str, start: usize) -> Option<(usize, Vec<&str>)> {
    let (mut depth, mut from, mut parts) = (0, start + 1, Vec::new());
    for (at, letter) in pattern.char_indices().skip_while(|(at, _)| *at < start) {
        match letter {
            '{' => depth += 1,
            ',' if depth == 1 => {
                parts.push(&pattern[from..at]);
                from = at + 1;
            }
            '}' if depth == 1 => {
                parts.push(&pattern[from..at]);
                return Some((at + 1, parts));
            }
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// What a file has of a profile.
#[derive(Default)]
struct Parts {
    /// What stands outside of all profiles.
    above: String,
    /// The block of the profile itself. Blocks within are other profiles.
    block: String,
}

impl Parts {
    /// Those of the profile of a name; none if the text has no such one.
    fn of(text: &str, name: &str) -> Option<Self> {
        let is_header = |line: &str| {
            let words = line.trim_end_matches('{').split_ascii_whitespace();
            let mut words = words.map(|word| word.trim_matches('"'));
            words.find(|word| *word != "profile") == Some(name)
        };
        let mut parts = Self::default();
        let (mut depth, mut is_inside, mut is_found) = (0_usize, false, false);
        for line in text.lines() {
            let line = line.trim();
            let bare = line.split(" #").next().unwrap_or_default().trim_end();
            let is_comment = line.starts_with('#') && !line.starts_with("#include");
            match (is_comment, bare.ends_with('{'), bare == "}") {
                (true, ..) => {}
                (_, true, _) => {
                    is_inside = if depth == 0 { is_header(bare) } else { is_inside };
                    is_found |= is_inside;
                    depth += 1;
                }
                (_, _, true) => depth = depth.saturating_sub(1),
                _ if depth == 0 => parts.above.extend([line, "\n"]),
                _ if depth == 1 && is_inside => parts.block.extend([line, "\n"]),
                _ => {}
            }
        }
        is_found.then_some(parts)
    }
}

/// The rules of a text, each of which a comma ends, and what has begun behind them.
fn statements(text: &str) -> (Vec<String>, String) {
    let (mut found, mut own) = (Vec::new(), String::new());
    let (mut depth, mut is_quoted) = (0, false);
    for letter in text.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            '{' => depth += 1,
            '}' => depth -= 1,
            // What comes behind is a comment.
            '#' if !is_quoted && own.trim().is_empty() => break,
            ',' if !is_quoted && depth == 0 => {
                found.push(std::mem::take(&mut own));
                continue;
            }
            _ => {}
        }
        own.push(letter);
    }
    (found, own)
}

/// The words of a rule, without quotes; none if a quote is open.
fn words(statement: &str) -> Option<Vec<String>> {
    let (mut found, mut own, mut is_quoted) = (Vec::new(), String::new(), false);
    for letter in statement.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            letter if letter.is_whitespace() && !is_quoted => {
                if !own.is_empty() {
                    found.push(std::mem::take(&mut own));
                }
            }
            letter => own.push(letter),
        }
    }
    found.extend((!own.is_empty()).then_some(own));
    (!is_quoted).then_some(found)
}

fn text(host: &dyn Host, path: &Path) -> Option<String> {
    let bytes = host.read(path).ok()??;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Grant, Profile};
    use crate::host::Image;

    /// What profiles say of the folder /srv/new.
    fn said(files: &[(&str, &str)], writes: bool) -> Option<Grant> {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = root.path().join("etc/apparmor.d").join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let profile = Profile::read(&Image::new(root.path()), "/usr/bin/rsync")?;
        Some(profile.grants(Path::new("/srv/new"), writes))
    }

    #[test]
    fn folders_are_looked_up_in_rules() {
        for (rules, read, written) in [
            ("/srv/old/** r,", Grant::Lacking, Grant::Lacking),
            ("/srv/** r,", Grant::Granted, Grant::Lacking),
            (
                "/srv/new/ r, /srv/new/** rwk, # both",
                Grant::Granted,
                Grant::Granted,
            ),
            ("/srv/new/** r,", Grant::Granted, Grant::Lacking),
            (
                "/srv/{old,new}/ r,\n  /srv/{old,new}/** rw,",
                Grant::Granted,
                Grant::Granted,
            ),
            (
                "owner \"/srv/new/\" r,\n  owner \"/srv/new/*.jpg\" r,",
                Grant::Granted,
                Grant::Lacking,
            ),
            ("file,", Grant::Granted, Grant::Granted),
            ("allow rw /**,", Grant::Granted, Grant::Granted),
            ("/** rw,\n  deny /srv/new/** w,", Grant::Granted, Grant::Lacking),
            ("@{DATA}/ r,\n  @{DATA}/** r,", Grant::Granted, Grant::Lacking),
            ("@{NONE}/** r,", Grant::Unknown, Grant::Unknown),
            ("#include <local/more>", Grant::Granted, Grant::Granted),
            (
                "include if exists <nothing>\n # /** rw,\n capability chown,",
                Grant::Lacking,
                Grant::Lacking,
            ),
            ("profile inner {\n /** rw,\n }", Grant::Lacking, Grant::Lacking),
            (
                "dbus send\n bus=system,\n /srv/new/**\n rw,",
                Grant::Granted,
                Grant::Granted,
            ),
            ("@{OWN}/** rw,", Grant::Granted, Grant::Granted),
            ("/srv/new/** rw", Grant::Unknown, Grant::Unknown),
        ] {
            let text = format!(
                "#include <tunables/global>\n@{{OWN}}=/srv\n/usr/bin/other {{\n /** rw,\n}}\n\
                 profile /usr/bin/rsync flags=(attach_disconnected) {{\n  {rules}\n}}\n"
            );
            let own = text.replace(
                "profile /usr/bin/rsync flags=(attach_disconnected)",
                "/usr/bin/rsync",
            );
            for (file, text) in [("usr.bin.rsync", &own), ("mine", &text)] {
                let files = [
                    (file, &**text),
                    ("tunables/global", "include <tunables/more.d>\n"),
                    ("tunables/more.d/x", "@{DATA}=/mnt/a\n@{DATA}+=/srv/new\n"),
                    ("local/more", "/srv/new/ r,\n/srv/new/** rw,\n"),
                ];
                let found = [false, true].map(|writes| said(&files, writes));
                assert_eq!(found, [Some(read), Some(written)], "{file}: {rules}");
            }
        }
        assert_eq!(said(&[("usr.bin.rsync", "/usr/bin/other {\n}\n")], false), None);
        assert_eq!(said(&[], false), None);
    }
}
