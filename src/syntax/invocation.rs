//! The arguments of an rsync client, read with rsync's own option table.

use crate::terms::{RsyncOption, Target, names_password};

/// What an rsync client was told to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invocation {
    /// Its options, in order.
    pub options: Vec<Given>,
    /// The sources, then the destination.
    pub targets: Vec<Target>,
    /// Which word each of the targets is, counted from 0.
    pub target_words: Vec<usize>,
}

/// An option as it was given.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Given {
    /// Its long name, or its letter where it has none or where it is unknown.
    pub name: String,
    /// The value behind it.
    pub value: Option<String>,
    /// Whether rsync 3.5.0 knows it.
    pub is_known: bool,
    /// Which word it stands in, counted from 0.
    pub word: usize,
    /// Which word its value is, if that is the next one.
    pub value_word: Option<usize>,
}

/// The words that are still to be read, with their numbers.
type Words<'a> = std::iter::Enumerate<std::slice::Iter<'a, String>>;

impl Invocation {
    /// The port of a daemon that is named without one.
    pub const PORT: u16 = 873;

    /// Reads the words behind `rsync`. As popt does: a value follows a letter at once or as the next word, and options
    /// may stand behind targets until a `--`.
    pub fn parse(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let words: Vec<String> = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        let mut read = Self::default();
        let mut words = words.iter().enumerate();
        while let Some((index, word)) = words.next() {
            match word.as_str() {
                "--" => words.by_ref().for_each(|(index, word)| read.target(index, word)),
                word if word.starts_with("--") => read.options.push(long(index, &word[2..], &mut words)),
                word if word.starts_with('-') && word.len() > 1 => {
                    read.letters(index, &word[1..], &mut words);
                }
                word => read.target(index, word),
            }
        }
        read
    }

    fn target(&mut self, index: usize, word: &str) {
        self.targets.push(Target::parse(word));
        self.target_words.push(index);
    }

    fn letters(&mut self, index: usize, letters: &str, words: &mut Words<'_>) {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let option = u8::try_from(letter).ok().and_then(RsyncOption::of_letter);
            let takes_value = option.is_some_and(|option| option.takes_value);
            let (value, value_word) = match rest.as_str() {
                "" if takes_value => next(words),
                attached if takes_value => (
                    Some(attached.strip_prefix('=').unwrap_or(attached).to_owned()),
                    None,
                ),
                _ => (None, None),
            };
            self.options.push(Given {
                name: option
                    .and_then(|option| option.long)
                    .map_or_else(|| letter.to_string(), str::to_owned),
                value,
                is_known: option.is_some(),
                word: index,
                value_word,
            });
            if takes_value {
                return;
            }
        }
    }

    /// The last option of that long name.
    pub fn option(&self, name: &str) -> Option<&Given> {
        self.options.iter().rev().find(|given| given.name == name)
    }

    /// The daemon or the machine that the transfer is with.
    pub fn peer(&self) -> Option<&Target> {
        self.targets.iter().find(|target| target.remote().is_some())
    }

    /// The port of the daemon that the transfer is with; none if there is no such one, or what is named is no port.
    pub fn port(&self) -> Option<u16> {
        let Target::Daemon(remote) = self.peer()? else {
            return None;
        };
        match (remote.port, self.option("port")) {
            (Some(port), _) => Some(port),
            (None, Some(given)) => given.value.as_ref()?.parse().ok(),
            (None, None) => Some(Self::PORT),
        }
    }

    /// The changes of modes that hold for the folders of the transfer too, and whether the receiver keeps permissions, and so
    /// changes those of what it has: each `--chmod` adds to those before it.
    pub fn folder_modes(&self) -> Option<(String, bool)> {
        let given = self.options.iter().filter(|given| given.name == "chmod");
        let changes: Vec<_> = given.filter_map(|given| given.value.as_deref()).collect();
        let is_recursive = self.is_on(&["recursive", "archive"], &["no-recursive", "no-r"]);
        let keeps_permissions = self.is_on(&["perms", "archive", "acls"], &["no-perms", "no-p"]);
        (is_recursive && !changes.is_empty()).then(|| (changes.join(","), keeps_permissions))
    }

    /// Whether the last of the options that switch something on or off switches it on.
    fn is_on(&self, on: &[&str], off: &[&str]) -> bool {
        let mut given = self.options.iter().rev();
        let last = given.find(|given| on.contains(&&*given.name) || off.contains(&&*given.name));
        last.is_some_and(|given| on.contains(&&*given.name))
    }

    /// Whether files go to the other machine; `None` if none is involved.
    pub fn is_push(&self) -> Option<bool> {
        let last = self.targets.last()?;
        match self.targets.len() {
            1 => last.remote().map(|_| false),
            _ => self.peer().map(|_| last.remote().is_some()),
        }
    }
}

fn long(index: usize, text: &str, words: &mut Words<'_>) -> Given {
    let (name, attached) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let option = RsyncOption::of_name(name);
    let (value, value_word) = match attached {
        None if option.is_some_and(|option| option.takes_value) => next(words),
        // rsync has no such option, and takes the password for a file: it must not be shown as the name of one.
        None if option.is_none() && names_password(name) && is_alone(words) => next(words),
        attached => (attached, None),
    };
    Given {
        name: name.to_owned(),
        value,
        is_known: option.is_some(),
        word: index,
        value_word,
    }
}

/// Whether what follows is neither an option nor a path or an address.
fn is_alone(words: &Words<'_>) -> bool {
    let follows = words.clone().next();
    follows.is_some_and(|(_, word)| !word.starts_with('-') && !word.contains([':', '/']))
}

fn next(words: &mut Words<'_>) -> (Option<String>, Option<usize>) {
    match words.next() {
        Some((index, word)) => (Some(word.clone()), Some(index)),
        None => (None, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Invocation {
        Invocation::parse(line.split_whitespace())
    }

    #[test]
    fn what_was_meant_as_a_password_is_no_source() {
        for line in [
            "-a --password hush joe@h::m dst",
            "-a --pasword hush joe@h::m dst",
        ] {
            let read = parse(line);
            assert_eq!(read.targets.len(), 2, "{line}");
            assert_eq!(read.options[1].value.as_deref(), Some("hush"), "{line}");
        }
        assert_eq!(parse("-a --password joe@h::m dst").targets.len(), 2);
        assert_eq!(parse("-a --bogus src joe@h::m").targets.len(), 2);
    }

    #[test]
    fn options_take_their_values() {
        let read =
            parse("-avze ssh --timeout 60 --port=8730 --exclude *.tmp /src/ joe@h::data -T/tmp --bogus");
        let told: Vec<_> = read
            .options
            .iter()
            .map(|given| (given.name.as_str(), given.value.as_deref(), given.is_known))
            .collect();
        let expected = [
            ("archive", None, true),
            ("verbose", None, true),
            ("compress", None, true),
            ("rsh", Some("ssh"), true),
            ("timeout", Some("60"), true),
            ("port", Some("8730"), true),
            ("exclude", Some("*.tmp"), true),
            ("temp-dir", Some("/tmp"), true),
            ("bogus", None, false),
        ];
        assert_eq!(told, expected);
        assert_eq!(read.target_words, [7, 8]);
        assert_eq!((read.options[3].word, read.options[3].value_word), (0, Some(1)));
        assert_eq!(read.is_push(), Some(true));
        assert_eq!(read.peer().and_then(Target::module), Some("data"));
    }

    #[test]
    fn directions_are_told() {
        assert_eq!(parse("h::data").is_push(), Some(false));
        assert_eq!(parse("h::data /dst").is_push(), Some(false));
        assert_eq!(parse("/src /dst").is_push(), None);
        assert_eq!(parse("-a -- -x h:").is_push(), Some(true));
        assert_eq!(parse("").is_push(), None);
        assert_eq!(
            parse("-e").option("rsh").map(|given| given.value.clone()),
            Some(None)
        );
    }

    #[test]
    fn modes_of_folders_are_told() {
        for (line, expected) in [
            ("-a --chmod=644 s d", Some(("644", true))),
            ("-rt --chmod=644 s d", Some(("644", false))),
            (
                "-a --no-p --chmod=F644 --chmod D755 s d",
                Some(("F644,D755", false)),
            ),
            ("--no-r -rp --chmod=644 s d", Some(("644", true))),
            ("-a --no-recursive --chmod=644 s d", None),
            ("-t --chmod=644 s d", None),
            ("-a s d", None),
        ] {
            let expected = expected.map(|(modes, is_kept)| (modes.to_owned(), is_kept));
            assert_eq!(parse(line).folder_modes(), expected, "{line}");
        }
    }
}
