use std::collections::HashSet;

use crate::rsync::filter::rule::{Prefix, Rule};

/// The names that a sender may send: what was asked for, what is below it, and with whole paths the folders on the way to it
/// (`add_implied_include` in exclude.c).
#[derive(Debug, Default)]
pub struct Requested {
    /// How names are asked for.
    asking: Asking,
    /// What was asked for.
    names: HashSet<Vec<u8>>,
    /// What the folders are in of which something was asked for.
    ways: HashSet<Vec<u8>>,
    /// What was asked for with wildcards, or is below such a name.
    wild: Vec<Rule>,
    /// The folders on the way to that.
    wild_ways: Vec<Rule>,
    /// What is in the root was asked for.
    has_root: bool,
}

/// How names are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Asking {
    /// Folders come with all below them.
    pub is_recursive: bool,
    /// Folders come with what they hold.
    pub has_folders: bool,
    /// Names come with the whole path that was asked for.
    pub is_relative: bool,
}

impl Requested {
    /// Nothing was asked for yet.
    pub fn new(asking: Asking) -> Self {
        Self {
            asking,
            ..Self::default()
        }
    }

    /// Asks for a path below the root of a module.
    pub fn ask(&mut self, path: &[u8]) {
        let name = match self.asking.is_relative {
            true => path
                .windows(3)
                .position(|dot| dot == b"/./")
                .map_or(path, |start| &path[start + 3..]),
            false => path.rsplit(|&byte| byte == b'/').next().unwrap_or(path),
        };
        let parts = name.split(|&byte| byte == b'/');
        let parts: Vec<&[u8]> = parts.filter(|part| !matches!(*part, b"" | b".")).collect();
        let name = parts.join(&b'/');
        let is_wild = name.iter().any(|byte| matches!(byte, b'*' | b'[' | b'?'));
        if name.is_empty() {
            self.has_root |= self.asking.is_recursive || self.asking.has_folders;
        } else if is_wild {
            self.ask_wild(&[b"/", &*escaped(&name)].concat());
        } else {
            let mut way = &*name;
            while self.asking.is_relative
                && let Some(slash) = way.iter().rposition(|&byte| byte == b'/')
            {
                way = &way[..slash];
                // Those above it are there already.
                if !self.ways.insert(way.to_vec()) {
                    break;
                }
            }
            self.names.insert(unescaped(&name));
        }
    }

    fn ask_wild(&mut self, pattern: &[u8]) {
        let mut way = pattern;
        while self.asking.is_relative
            && let Some(slash) = way
                .iter()
                .rposition(|&byte| byte == b'/')
                .filter(|&slash| slash > 0)
        {
            way = &way[..slash];
            add(&mut self.wild_ways, way);
        }
        add(&mut self.wild, pattern);
        if self.asking.is_recursive || self.asking.has_folders {
            let all: &[u8] = if self.asking.is_recursive { b"/**" } else { b"/*" };
            add(&mut self.wild, &[pattern, all].concat());
        }
    }

    /// Whether a name was asked for; as long as nothing was, everything is.
    pub fn contains(&self, name: &[u8], is_directory: bool) -> bool {
        let name = name.strip_prefix(b"/").unwrap_or(name);
        self.is_empty() || self.is_wanted(name, is_directory) || is_directory && self.is_on_the_way(name)
    }

    /// Whether a folder is only on the way to what was asked for, and nothing else in it may be (`is_implied_parent_dir` in
    /// exclude.c).
    pub fn is_only_on_the_way(&self, name: &[u8]) -> bool {
        let name = name.strip_prefix(b"/").unwrap_or(name);
        if self.is_empty() {
            return false;
        }
        match name {
            b"." => !self.has_root,
            name => !self.is_wanted(name, true) && self.is_on_the_way(name),
        }
    }

    fn is_empty(&self) -> bool {
        !self.has_root && self.names.is_empty() && self.wild.is_empty()
    }

    fn is_wanted(&self, name: &[u8], is_directory: bool) -> bool {
        self.names.contains(name)
            || self.is_inside(name)
            || self
                .wild
                .iter()
                .any(|rule| rule.speaks_of(name, is_directory, b""))
    }

    /// Whether a folder that was asked for, or the root, comes with it.
    fn is_inside(&self, name: &[u8]) -> bool {
        let Asking {
            is_recursive,
            has_folders,
            ..
        } = self.asking;
        let mut folder = name;
        while let Some(slash) = folder.iter().rposition(|&byte| byte == b'/') {
            folder = &folder[..slash];
            if (is_recursive || has_folders) && self.names.contains(folder) {
                return true;
            }
            if !is_recursive {
                return false;
            }
        }
        self.has_root
    }

    fn is_on_the_way(&self, name: &[u8]) -> bool {
        self.ways.contains(name) || self.wild_ways.iter().any(|rule| rule.speaks_of(name, true, b""))
    }
}

fn add(rules: &mut Vec<Rule>, pattern: &[u8]) {
    rules.push(Rule::new(Prefix::default(), pattern, None));
    // A class that matches nothing is taken literally at the sender.
    if pattern.contains(&b'[') {
        rules.push(Rule::new(Prefix::default(), &literal_brackets(pattern), None));
    }
}

/// Without the backslash in front of a bracket that closes no class.
fn unescaped(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len());
    for (place, &byte) in name.iter().enumerate() {
        if byte != b'\\' || name.get(place + 1) != Some(&b']') {
            text.push(byte);
        }
    }
    text
}

/// Backslashes that escape no wildcard are meant literally.
fn escaped(name: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = name;
    while let [first, behind @ ..] = rest {
        rest = behind;
        text.push(*first);
        if *first == b'\\' {
            match behind.first() {
                Some(next @ (b'*' | b'[' | b'?' | b']')) => {
                    text.push(*next);
                    rest = &behind[1..];
                }
                _ => text.push(b'\\'),
            }
        }
    }
    text
}

fn literal_brackets(pattern: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    let mut is_escaped = false;
    for &byte in pattern {
        if byte == b'[' && !is_escaped {
            text.push(b'\\');
        }
        is_escaped = byte == b'\\' && !is_escaped;
        text.push(byte);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Asking, Requested};

    fn requested(arguments: &[&str], is_recursive: bool, is_relative: bool) -> Requested {
        let mut requested = Requested::new(Asking {
            is_recursive,
            has_folders: is_recursive,
            is_relative,
        });
        for argument in arguments {
            requested.ask(argument.as_bytes());
        }
        requested
    }

    #[test]
    fn only_what_was_asked_for_is_there() {
        for (argument, is_recursive, name, expected) in [
            ("a", false, "a", true),
            ("a", false, "b", false),
            ("a", false, "a/x", false),
            ("d/a", true, "a/x/y", true),
            ("d/a", true, "ab", false),
            ("d/", true, "x/y", true),
            ("", true, "x/y", true),
            ("", true, "x", true),
            ("*.c", false, "x.c", true),
            ("*.c", false, "x.h", false),
            ("x[1]", false, "x[1]", true),
            ("x[1]", false, "x1", true),
            ("x[1]", false, "x2", false),
            ("a\\b", true, "a\\b/c", true),
            ("a\\]", false, "a]", true),
        ] {
            let found = requested(&[argument], is_recursive, false).contains(name.as_bytes(), false);
            assert_eq!(found, expected, "{argument} {name}");
        }
    }

    #[test]
    fn whole_paths_have_folders_on_their_way() {
        for (argument, name, is_directory, expected, is_way) in [
            ("d/a", "d", true, true, true),
            ("d/a", "d", false, false, true),
            ("d/a", "d/a", true, true, false),
            ("d/a", "d/a/x/y", false, true, false),
            ("d/a", "d/b", false, false, false),
            ("d/a", "a", false, false, false),
            ("x/./d//a/.", "d", true, true, true),
            ("x/./d//a/.", "d/a/b", true, true, false),
            ("x/./d//a/.", "x", true, false, false),
            ("/d/a", "/d/a/b", true, true, false),
            ("d/*/c", "d/x", true, true, true),
            ("d/*/c", "d/x/c/y", false, true, false),
            ("d/*/c", "e", true, false, false),
            ("x/./", "y/z", true, true, false),
            ("a", ".", true, true, true),
            ("x/./", ".", true, true, false),
        ] {
            let requested = requested(&[argument], true, true);
            let found = name == "." || requested.contains(name.as_bytes(), is_directory);
            assert_eq!(found, expected, "{argument} {name}");
            let on_the_way = requested.is_only_on_the_way(name.as_bytes());
            assert_eq!(on_the_way, is_way, "{argument} {name}");
        }
        assert!(!requested(&["d/a", "d"], true, true).is_only_on_the_way(b"d"));
        assert!(!requested(&[], true, true).is_only_on_the_way(b"d"));
    }
}
