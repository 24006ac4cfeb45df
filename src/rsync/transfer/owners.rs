use nix::unistd::{Group, User};

use crate::{
    rsync::{
        filter::matches_name,
        transfer::{Error, Options},
    },
    terms::Exit,
};

/// Whom files are given to in place of their owners (`--usermap`, `--groupmap`, `--chown`).
#[derive(Debug, Default)]
pub(crate) struct Owners {
    users: Vec<Rule>,
    groups: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    from: From,
    to: u32,
}

#[derive(Debug)]
enum From {
    /// Ids, the first and the last.
    Ids(u32, u32),
    /// A name.
    Name(Vec<u8>),
    /// Names with wildcards.
    Names(Vec<u8>),
}

impl Owners {
    /// Reads the maps; and those names of them that are not known here, each with its option (`parse_name_map` in uidlist.c).
    ///
    /// # Errors
    ///
    /// A map that makes no sense.
    pub(crate) fn new(options: &Options) -> Result<(Self, Vec<String>), Error> {
        let mut unknown = Vec::new();
        let mut read = |map: &Option<String>, option: &str, id: fn(&str) -> Option<u32>| {
            let mut rules = Vec::new();
            // rsync begins with the last one, and its complaints come in that order.
            for rule in map.iter().flat_map(|map| map.rsplit(',')) {
                let fail = |problem: &str, of: &str| Error::Destination {
                    text: format!("{problem} --{option}: {of}"),
                    exit: Exit::Syntax,
                };
                let (from, to) = rule
                    .split_once(':')
                    .ok_or_else(|| fail("No colon found in", rule))?;
                if to.is_empty() {
                    return Err(fail("No name found after colon", rule));
                }
                let from = match from {
                    from if from.starts_with(|letter: char| letter.is_ascii_digit()) => {
                        let (first, last) = range(from).ok_or_else(|| fail("Invalid number in", from))?;
                        // None behind the first one, as rsync writes it down.
                        let first = number(first)?;
                        let last = Some(number(last)?).filter(|&last| last > 0);
                        From::Ids(first, last.unwrap_or(first))
                    }
                    from if from.contains(['*', '[', '?']) => From::Names(from.as_bytes().to_vec()),
                    from => From::Name(from.as_bytes().to_vec()),
                };
                let to_id = match are_digits(to) {
                    true => Some(number(to)?),
                    false => id(to),
                };
                match to_id {
                    Some(to) => rules.push(Rule { from, to }),
                    None => unknown.push(format!("Unknown --{option} name on receiver: {to}")),
                }
            }
            rules.reverse();
            Ok(rules)
        };
        let receiving = &options.receiving;
        let owners = Self {
            users: read(&receiving.user_map, "usermap", user)?,
            groups: read(&receiving.group_map, "groupmap", group)?,
        };
        Ok((owners, unknown))
    }

    /// Who gets what a user of the sender's has, whose name may be known.
    pub(crate) fn user(&self, id: u32, name: &[u8]) -> Option<u32> {
        find(&self.users, id, name)
    }

    /// Which group gets what a group of the sender's has.
    pub(crate) fn group(&self, id: u32, name: &[u8]) -> Option<u32> {
        find(&self.groups, id, name)
    }
}

/// The first and the last id of one or of several, as they are written.
fn range(text: &str) -> Option<(&str, &str)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    (are_digits(first) && are_digits(last)).then_some((first, last))
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

/// An id, of digits (`id_parse` in uidlist.c, which takes some of those that are too large for others).
fn number(digits: &str) -> Result<u32, Error> {
    digits.parse().map_err(|_| Error::Destination {
        text: format!("Invalid ID number: {digits}"),
        exit: Exit::Syntax,
    })
}

fn user(name: &str) -> Option<u32> {
    Some(User::from_name(name).ok()??.uid.as_raw())
}

fn group(name: &str) -> Option<u32> {
    Some(Group::from_name(name).ok()??.gid.as_raw())
}

fn find(rules: &[Rule], id: u32, name: &[u8]) -> Option<u32> {
    let applies = |rule: &&Rule| match &rule.from {
        From::Ids(first, last) => (*first..=*last).contains(&id),
        From::Name(own) => own == name,
        From::Names(pattern) => matches_name(pattern, name),
    };
    rules.iter().find(applies).map(|rule| rule.to)
}

#[cfg(test)]
mod tests {
    use super::Owners;
    use crate::rsync::transfer::Options;

    fn owners(map: &str) -> Result<(Owners, Vec<String>), String> {
        let mut options = Options::default();
        options.receiving.user_map = Some(map.to_owned());
        Owners::new(&options).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let (owners, unknown) = owners("5-7:1,joe:2,j*:3,9:root,*:nobody-here,[a-c]:4").expect("a map");
        assert_eq!(unknown, ["Unknown --usermap name on receiver: nobody-here"]);
        for (id, name, expected) in [
            (5, "joe", Some(1)),
            (8, "joe", Some(2)),
            (8, "jane", Some(3)),
            (9, "x", Some(0)),
            (8, "b", Some(4)),
            (8, "", None),
        ] {
            assert_eq!(owners.user(id, name.as_bytes()), expected, "{id} {name}");
        }
    }

    #[test]
    fn a_name_without_wildcards_is_itself() {
        let (owners, unknown) = owners(r"DOM\joe:1,5-0:2,DOM\j*:3,x:+5").expect("a map");
        assert_eq!(unknown, ["Unknown --usermap name on receiver: +5"]);
        for (id, name, expected) in [
            (8, r"DOM\joe", Some(1)),
            (8, "DOMjoe", Some(3)),
            (5, "x", Some(2)),
            (0, "x", None),
        ] {
            assert_eq!(owners.user(id, name.as_bytes()), expected, "{id} {name}");
        }
    }

    #[test]
    fn a_map_that_makes_no_sense_is_refused() {
        for (map, expected) in [
            ("joe", "No colon found in --usermap: joe"),
            ("joe:", "No name found after colon --usermap: joe:"),
            ("1-x:2", "Invalid number in --usermap: 1-x"),
            ("1-:2", "Invalid number in --usermap: 1-"),
            ("1:99999999999", "Invalid ID number: 99999999999"),
            ("99999999999:1", "Invalid ID number: 99999999999"),
            ("joe,x:", "No name found after colon --usermap: x:"),
        ] {
            assert_eq!(owners(map).expect_err("refused"), expected);
        }
    }
}
