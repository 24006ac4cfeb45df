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
    /// Names, perhaps with wildcards.
    Name(Vec<u8>),
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
            for rule in map.iter().flat_map(|map| map.split(',')) {
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
                let from = match from.starts_with(|letter: char| letter.is_ascii_digit()) {
                    true => ids(from).ok_or_else(|| fail("Invalid number in", from))?,
                    false => From::Name(from.as_bytes().to_vec()),
                };
                match to.parse().ok().or_else(|| id(to)) {
                    Some(to) => rules.push(Rule { from, to }),
                    None => unknown.push(format!("Unknown --{option} name on receiver: {to}")),
                }
            }
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

fn ids(text: &str) -> Option<From> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    Some(From::Ids(first.parse().ok()?, last.parse().ok()?))
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
        From::Name(pattern) => matches_name(pattern, name),
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
    fn a_map_that_makes_no_sense_is_refused() {
        for (map, expected) in [
            ("joe", "No colon found in --usermap: joe"),
            ("joe:", "No name found after colon --usermap: joe:"),
            ("1-x:2", "Invalid number in --usermap: 1-x"),
        ] {
            assert_eq!(owners(map).expect_err("refused"), expected);
        }
    }
}
