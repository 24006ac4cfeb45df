use std::{
    collections::{BTreeSet, HashMap},
    io,
    rc::Rc,
};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        access::{UserRights, View, in_words, named_users_in_words},
        exit,
        output::complain,
        resolved::{Resolved, envelope},
    },
    model::{
        Configuration, Scope,
        access::{Admission, Match, Matched, Open, Reach, Region, Rights, WORLD, merge, overlay, shut},
    },
    render::{pick, visible},
};

/// A part of the world for which a module changes.
struct Change {
    module: String,
    region: Region,
    before: Rc<Can>,
    after: Rc<Can>,
}

impl View<'_> {
    /// Who gains and who loses what, module by module. There is no verdict on a file that rsync gives up, or of which
    /// a part was not read.
    pub(super) fn compare(
        &self,
        old: &Resolved,
        new: &Resolved,
        module: Option<&str>,
        out: &mut dyn io::Write,
    ) -> Result<u8, Failure> {
        let both = [old, new];
        let is_known = both.iter().all(|file| file.configuration.serves() == Some(true));
        let changes = is_known.then(|| changes(self.configuration, &new.configuration, module));
        if self.is_json {
            let changes = changes
                .as_ref()
                .map(|changes| changes.iter().map(Change::as_json).collect::<Vec<_>>());
            let own = [("changes", serde_json::json!(changes))];
            writeln!(out, "{}", envelope("access", self.language, &both, own))?;
        }
        let Some(changes) = changes else {
            complain(self.pick(
                "who gains and who loses cannot be told before both files are read to their end",
                "两个文件都完整读取之前，无法判断谁获得、谁失去访问权限",
            ))?;
            return Ok(exit::UNCHECKED);
        };
        if self.is_json {
            return Ok(exit::CLEAN);
        }
        if changes.is_empty() {
            let nobody = self.pick(
                "by the host lists, the users and the rights of the modules, nobody gains or loses access",
                "按主机名单、用户和模块的权限来看，没有人获得或失去访问权限",
            );
            writeln!(out, "{nobody}")?;
        }
        for change in changes {
            writeln!(
                out,
                "{:20} {}: {} -> {}",
                visible(&change.module),
                short(change.region),
                change.before.in_words(self.language),
                change.after.in_words(self.language)
            )?;
        }
        Ok(exit::CLEAN)
    }
}

fn changes(old: &Configuration, new: &Configuration, module: Option<&str>) -> Vec<Change> {
    let mut seen = BTreeSet::new();
    let modules = old.modules.iter().chain(&new.modules);
    let names = modules
        .map(|module| module.name.bytes())
        .filter(|name| module.is_none_or(|only| only.as_bytes() == *name))
        .filter(|name| seen.insert(*name));
    let (mut old, mut new) = (Reach::new(old), Reach::new(new));
    let mut changes = Vec::new();
    for name in names {
        let (before, after) = (Module::of(&mut old, name), Module::of(&mut new, name));
        // Few verdicts differ, however many regions there are.
        let mut known = HashMap::new();
        for (region, (one, other)) in merge(overlay(&before.world, &after.world)) {
            let change = known.entry((one, other)).or_insert_with(|| {
                let (before, after) = (before.can(one), after.can(other));
                (before != after).then(|| (Rc::new(before), Rc::new(after)))
            });
            changes.extend(change.as_ref().map(|(before, after)| Change {
                module: String::from_utf8_lossy(name).into_owned(),
                region,
                before: Rc::clone(before),
                after: Rc::clone(after),
            }));
        }
    }
    changes
}

/// A module in one of the two files.
struct Module {
    world: Vec<(Region, Option<Match>)>,
    open: [Option<Open>; 2],
    /// What whoever gets in may do.
    grant: Grant,
}

impl Module {
    fn of(reach: &mut Reach<'_>, name: &[u8]) -> Self {
        let configuration = reach.configuration();
        let Some(scope) = configuration.module(name).map(Scope::Module) else {
            return Self {
                world: WORLD.map(|region| (region, None)).to_vec(),
                open: [None, None],
                grant: Grant::Rights(Rights {
                    read: false,
                    write: false,
                }),
            };
        };
        let reached = reach.of(scope);
        let is_shut = shut(configuration, scope).is_some();
        Self {
            open: reached.open().map(|open| open.cloned()),
            world: merge(
                reached
                    .world
                    .into_iter()
                    .map(|(region, one)| (region, (!is_shut).then_some(one))),
            ),
            grant: match UserRights::of(configuration, scope) {
                Some(users) => Grant::LogIn(users),
                None => Grant::Rights(Rights::of(configuration, scope)),
            },
        }
    }

    /// What peers can do for whom the lists give this; none if there is no such module.
    fn can(&self, one: Option<Match>) -> Can {
        let open = |one: Match| {
            let [allow, deny] = &self.open;
            let left = |list: Option<Matched>, open: &Option<Open>| {
                open.clone()
                    .filter(|_| matches!(list, Some(Matched::Partly | Matched::Unknown)))
            };
            let lists = [left(one.allow, allow), left(one.deny, deny)];
            Box::new(Doubt { one, lists })
        };
        match one.map(|one| (one, one.admission())) {
            None | Some((_, Admission::Refused)) => Can::Nothing,
            Some((_, Admission::Admitted)) => Can::Enter(self.grant.clone()),
            Some((one, Admission::Partly)) => Can::Partly(self.grant.clone(), open(one)),
            Some((one, Admission::Unknown)) => Can::Perhaps(self.grant.clone(), open(one)),
        }
    }
}

impl Change {
    fn as_json(&self) -> serde_json::Value {
        let networks = self.region.networks();
        let networks: Vec<_> = networks.map(|network| network.to_string()).collect();
        serde_json::json!({
            "module": self.module, "networks": networks,
            "before": self.before.as_json(), "after": self.after.as_json(),
        })
    }
}

/// What peers can do, for the comparison of two files.
#[derive(Eq, PartialEq)]
enum Can {
    Enter(Grant),
    Nothing,
    /// Some of them, by a mask with gaps.
    Partly(Grant, Box<Doubt>),
    /// If the name service says so.
    Perhaps(Grant, Box<Doubt>),
}

/// What whoever gets in may do.
#[derive(Clone, Eq, PartialEq)]
enum Grant {
    /// What its user may.
    LogIn(Vec<UserRights>),
    Rights(Rights),
}

/// What leaves open who gets in: where it is the same in both files, nothing changes.
#[derive(Eq, PartialEq)]
struct Doubt {
    one: Match,
    lists: [Option<Open>; 2],
}

/// As many words as are told.
const WORDS: usize = 4;

impl Can {
    fn as_json(&self) -> serde_json::Value {
        let (access, grant, doubt) = match self {
            Self::Enter(grant) => (grant.as_json(), grant, None),
            Self::Nothing => return serde_json::json!({ "access": "nothing", "users": null }),
            Self::Partly(grant, doubt) => ("some", grant, Some(doubt)),
            Self::Perhaps(grant, doubt) => ("perhaps", grant, Some(doubt)),
        };
        let users = match grant {
            Grant::LogIn(users) => Some(users.iter().map(UserRights::as_json).collect::<Vec<_>>()),
            Grant::Rights(_) => None,
        };
        let mut can = serde_json::json!({ "access": access, "users": users });
        if let Some(doubt) = doubt {
            can["then"] = grant.as_json().into();
            can["words"] = doubt.words().collect::<Vec<_>>().into();
        }
        can
    }

    fn in_words(&self, language: Language) -> String {
        let (grant, doubt, who) = match self {
            Self::Enter(grant) => return grant.in_words(language),
            Self::Nothing => return pick(language, "nothing", "无").to_owned(),
            Self::Partly(grant, doubt) => (
                grant,
                doubt,
                pick(
                    language,
                    "for some, by a mask with gaps",
                    "仅部分地址，取决于不连续的掩码",
                ),
            ),
            Self::Perhaps(grant, doubt) => (
                grant,
                doubt,
                pick(language, "depends on the name service", "取决于名称解析"),
            ),
        };
        let mut words: Vec<_> = doubt.words().take(WORDS + 1).collect();
        if words.len() > WORDS {
            words[WORDS] = "…".to_owned();
        }
        let (grant, words) = (grant.in_words(language), words.join(" "));
        match language {
            Language::English => format!("{grant}, {who} ({words})"),
            Language::Chinese => format!("{grant}，{who}（{words}）"),
        }
    }
}

impl Grant {
    fn as_json(&self) -> &'static str {
        match self {
            Self::LogIn(_) => "log-in",
            Self::Rights(rights) => match (rights.read, rights.write) {
                (true, true) => "read-write",
                (true, false) => "read",
                (false, true) => "write",
                (false, false) => "nothing",
            },
        }
    }

    fn in_words(&self, language: Language) -> String {
        match self {
            Self::LogIn(users) => {
                let users = named_users_in_words(users, language);
                match language {
                    Language::English => format!("with a password ({users})"),
                    Language::Chinese => format!("凭密码（{users}）"),
                }
            }
            Self::Rights(rights) => in_words(*rights, language).to_owned(),
        }
    }
}

impl Doubt {
    fn words(&self) -> impl Iterator<Item = String> {
        let words = self.lists.iter().flatten();
        let words = words.flat_map(|open| open.names.iter().chain(&open.masks));
        words.map(|word| visible(&String::from_utf8_lossy(word)))
    }
}

/// A few networks in full, many as a count.
fn short(region: Region) -> String {
    let networks: Vec<_> = region.networks().collect();
    if networks.len() > 4 {
        return format!("{} - {} ({} networks)", region.first, region.last, networks.len());
    }
    let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
    networks.join(", ")
}
