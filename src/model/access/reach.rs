//! All addresses at once: the verdict on every peer, as regions of addresses.

use std::{
    collections::{BTreeSet, HashMap},
    net::IpAddr,
    rc::Rc,
};

use crate::{
    model::{
        Configuration, Scope,
        access::{
            AddressPattern, AddressSet, Answer, Lookups, Which,
            hosts::{decide, is_host_separator, list, name_answer},
            region::{Region, WORLD, cover, overlay},
            set::is_with_gaps,
        },
        has_variable,
    },
    terms::Span,
};

/// What `hosts allow` and `hosts deny` make of the addresses of a region, whose names nobody knows.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Admission {
    /// All get in.
    Admitted,
    /// Some may get in and some not, because of a mask with gaps: [`hosts`](super::hosts) tells of one.
    Partly,
    /// None gets in.
    Refused,
    /// It depends on the name service, or on a variable of the daemon's environment; for some of them perhaps on a
    /// mask with gaps too.
    Unknown,
}

/// What one list makes of the addresses of a region.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Matched {
    /// No word matches.
    No,
    /// A word with a mask that has gaps matches some of them, and no other word any.
    Partly,
    /// A name may match, whatever the addresses.
    Unknown,
    /// A word matches each.
    Yes,
}

impl Matched {
    /// What `access_match` may answer for one of the addresses.
    fn answers(self) -> &'static [Option<bool>] {
        match self {
            Self::No => &[Some(false)],
            Self::Partly => &[Some(false), Some(true)],
            Self::Unknown => &[None],
            Self::Yes => &[Some(true)],
        }
    }
}

/// What the two lists make of the addresses of a region; none where a module has no such list.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Match {
    /// `hosts allow`.
    pub allow: Option<Matched>,
    /// `hosts deny`.
    pub deny: Option<Matched>,
}

impl Match {
    /// What comes of it.
    pub fn admission(self) -> Admission {
        let answers = |list: Option<Matched>| match list {
            Some(matched) => matched.answers().iter().map(|&answer| Some(answer)).collect(),
            None => vec![None],
        };
        let (in_allow, in_deny) = (answers(self.allow), answers(self.deny));
        let pairs = in_allow
            .iter()
            .flat_map(|&allow| in_deny.iter().map(move |&deny| (allow, deny)));
        let mut verdicts = pairs.map(|(allow, deny)| match decide(allow, deny) {
            None => Admission::Unknown,
            Some(false) => Admission::Refused,
            Some(true) => Admission::Admitted,
        });
        let first = verdicts.next().unwrap_or(Admission::Unknown);
        verdicts.fold(first, |all, one| match (all, one) {
            _ if all == one => all,
            (Admission::Unknown, _) | (_, Admission::Unknown) => Admission::Unknown,
            _ => Admission::Partly,
        })
    }
}

/// The words of a list that leave a verdict open, and what is looked up for them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Open {
    /// Those that the name service or the daemon's environment decides, in lower case.
    pub names: BTreeSet<Vec<u8>>,
    /// Those that have a mask with gaps.
    pub masks: BTreeSet<Vec<u8>>,
    /// Whether some of the names are made of variables.
    pub has_variables: bool,
    /// What is looked up.
    pub lookups: Lookups,
}

/// A list that holds somewhere, as the world sees it.
#[derive(Debug)]
struct List {
    world: Vec<(Region, Matched)>,
    open: Open,
}

/// Who reaches a module.
#[derive(Debug)]
pub struct Reached {
    /// Every address, in order.
    pub world: Vec<(Region, Match)>,
    allow: Option<Rc<List>>,
    deny: Option<Rc<List>>,
}

impl Reached {
    /// By the two lists alone.
    pub(super) fn by_lists(allow: &[u8], deny: &[u8], lookups: Lookups) -> Self {
        let read = |list: &[u8], which| (!list.is_empty()).then(|| Rc::new(List::read(list, which, lookups)));
        Self::new(read(allow, Which::Allow), read(deny, Which::Deny))
    }

    fn new(allow: Option<Rc<List>>, deny: Option<Rc<List>>) -> Self {
        let everywhere = WORLD.map(|region| (region, None));
        let optional = |list: &Option<Rc<List>>| match list {
            Some(list) => list
                .world
                .iter()
                .map(|&(region, one)| (region, Some(one)))
                .collect(),
            None => everywhere.to_vec(),
        };
        let world = overlay(&optional(&allow), &optional(&deny))
            .into_iter()
            .map(|(region, (allow, deny))| (region, Match { allow, deny }))
            .collect();
        Self { world, allow, deny }
    }

    /// What the lists leave open: `hosts allow`, then `hosts deny`.
    pub fn open(&self) -> [Option<&Open>; 2] {
        [&self.allow, &self.deny].map(|list| list.as_deref().map(|list| &list.open))
    }
}

/// Tells for one module after the other who reaches it. Each list is read once, however many modules it holds for, so
/// that the whole takes little more time than its answer is long.
#[derive(Debug)]
pub struct Reach<'a> {
    configuration: &'a Configuration,
    lists: HashMap<(Span, Lookups), Rc<List>>,
}

impl<'a> Reach<'a> {
    /// For the modules of a configuration.
    pub fn new(configuration: &'a Configuration) -> Self {
        Self {
            configuration,
            lists: HashMap::new(),
        }
    }

    /// The configuration whose modules they are.
    pub fn configuration(&self) -> &'a Configuration {
        self.configuration
    }

    /// The verdict of `hosts allow` and `hosts deny` of one module on every address.
    pub fn of(&mut self, scope: Scope) -> Reached {
        let lookups = Lookups::of(self.configuration, scope);
        let [allow, deny] = [Which::Allow, Which::Deny].map(|which| {
            let setting = list(self.configuration, scope, which)?;
            let known = self.lists.entry((setting.value_span(), lookups));
            Some(Rc::clone(known.or_insert_with(|| {
                Rc::new(List::read(setting.text.bytes(), which, lookups))
            })))
        });
        Reached::new(allow, deny)
    }
}

impl List {
    /// `access_match` in access.c, for all peers without a name.
    fn read(list: &[u8], which: Which, lookups: Lookups) -> Self {
        let mut elsewhere = Matched::No;
        let mut open = Open {
            names: BTreeSet::new(),
            masks: BTreeSet::new(),
            has_variables: false,
            lookups,
        };
        let mut patterns = Vec::new();
        let is_made_of_variables = has_variable(list);
        let words = list.split(|&byte| is_host_separator(byte));
        for word in words.filter(|word| !word.is_empty()) {
            let word = word.to_ascii_lowercase();
            let by_name = if is_made_of_variables && word.contains(&b'%') {
                open.has_variables = true;
                Answer::Unknown
            } else {
                name_answer(&word, which, None, lookups)
            };
            match by_name {
                Answer::Yes(_) => elsewhere = Matched::Yes,
                Answer::No(_) => {}
                Answer::Unknown => {
                    if elsewhere == Matched::No {
                        elsewhere = Matched::Unknown;
                    }
                    open.names.insert(word);
                    continue;
                }
            }
            let Some(pattern) = AddressPattern::parse(&word) else {
                continue;
            };
            if is_with_gaps(&pattern) {
                open.masks.insert(word);
            }
            patterns.push(pattern);
        }
        let set: AddressSet = patterns.into_iter().collect();
        let named: Vec<_> = set
            .regions()
            .iter()
            .filter(|region| !is_mapped(region))
            .copied()
            .collect();
        let world = overlay(&cover(&named), &cover(set.around_gaps()))
            .into_iter()
            .map(|(region, (is_named, is_around))| {
                let matched = match elsewhere {
                    _ if is_named => Matched::Yes,
                    Matched::No if is_around => Matched::Partly,
                    elsewhere => elsewhere,
                };
                (region, matched)
            })
            .collect();
        Self { world, open }
    }
}

/// Whether these are IPv4 addresses in IPv6's clothes: rsync takes them off (`client_addr` in clientname.c), so that no
/// peer has one.
fn is_mapped(region: &Region) -> bool {
    let is_mapped = |address| matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some());
    is_mapped(region.first) && is_mapped(region.last)
}

#[cfg(test)]
mod tests;
