//! The arguments of an rsync client, read with rsync's own option table.

use crate::terms::{RsyncOption, Target};

/// What an rsync client was told to do.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Invocation {
    /// Its options, in order.
    pub options: Vec<Given>,
    /// The sources, then the destination.
    pub targets: Vec<Target>,
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
}

impl Invocation {
    /// Reads the words behind `rsync`. As popt does: a value follows a letter at once or as the next word, and options
    /// may stand behind targets until a `--`.
    pub fn parse(words: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let mut read = Self::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            let mut next = || words.next().map(|word| word.as_ref().to_owned());
            match word.as_ref() {
                "--" => {
                    read.targets
                        .extend(words.by_ref().map(|word| Target::parse(word.as_ref())));
                }
                word if word.starts_with("--") => read.options.push(long(&word[2..], &mut next)),
                word if word.starts_with('-') && word.len() > 1 => read.letters(&word[1..], &mut next),
                word => read.targets.push(Target::parse(word)),
            }
        }
        read
    }

    fn letters(&mut self, letters: &str, next: &mut impl FnMut() -> Option<String>) {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let option = u8::try_from(letter).ok().and_then(RsyncOption::of_letter);
            let takes_value = option.is_some_and(|option| option.takes_value);
            let value = takes_value.then(|| match rest.as_str() {
                "" => next(),
                attached => Some(attached.strip_prefix('=').unwrap_or(attached).to_owned()),
            });
            self.options.push(Given {
                name: option
                    .and_then(|option| option.long)
                    .map_or_else(|| letter.to_string(), str::to_owned),
                value: value.flatten(),
                is_known: option.is_some(),
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

    /// Whether files go to the other machine; `None` if none is involved.
    pub fn is_push(&self) -> Option<bool> {
        let last = self.targets.last()?;
        match self.targets.len() {
            1 => last.remote().map(|_| false),
            _ => self.peer().map(|_| last.remote().is_some()),
        }
    }
}

fn long(text: &str, next: &mut impl FnMut() -> Option<String>) -> Given {
    let (name, attached) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let option = RsyncOption::of_name(name);
    let takes_value = option.is_some_and(|option| option.takes_value);
    Given {
        name: name.to_owned(),
        value: attached.or_else(|| takes_value.then(next).flatten()),
        is_known: option.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Invocation {
        Invocation::parse(line.split_whitespace())
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
        assert_eq!(read.targets.len(), 2);
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
}
