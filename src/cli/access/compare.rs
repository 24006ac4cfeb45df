use std::{collections::BTreeSet, io, net::IpAddr};

use ipnet::IpNet;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        access::{Rights, UserRights, View, users_in_words},
        exit,
        output::complain,
        resolved::{Resolved, envelope},
    },
    model::{
        Configuration, Scope,
        access::{Region, boundaries, merge, reach},
    },
    render::{pick, visible},
};

/// A part of the world for which a module changes.
struct Change {
    module: String,
    region: Region,
    before: Can,
    after: Can,
}

impl View<'_> {
    /// Who gains and who loses what, module by module. There is no verdict on a file that rsync gives up, or of which
    /// a part was not read.
    pub(super) fn compare(
        &self,
        new: &Resolved,
        module: Option<&str>,
        out: &mut dyn io::Write,
    ) -> Result<u8, Failure> {
        let both = [self.resolved, new];
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
            let nobody = self.pick("nobody gains or loses access", "没有人获得或失去访问权限");
            writeln!(out, "{nobody}")?;
        }
        for change in changes {
            writeln!(
                out,
                "{:20} {}: {} -> {}",
                visible(&change.module),
                short(&change.region.networks()),
                change.before.in_words(self.language),
                change.after.in_words(self.language)
            )?;
        }
        Ok(exit::CLEAN)
    }
}

fn changes(old: &Configuration, new: &Configuration, module: Option<&str>) -> Vec<Change> {
    let mut all = boundaries(old);
    all.extend(boundaries(new));
    all.sort_unstable();
    all.dedup();
    let mut seen = BTreeSet::new();
    let modules = old.modules.iter().chain(&new.modules);
    let names = modules
        .map(|module| module.name.bytes())
        .filter(|name| module.is_none_or(|only| only.as_bytes() == *name))
        .filter(|name| seen.insert(*name));
    let mut changes = Vec::new();
    for name in names {
        let regions = can(old, name, &all).into_iter().zip(can(new, name, &all));
        let regions = regions.map(|((region, before), (_, after))| (region, (before, after)));
        for (region, (before, after)) in merge(regions) {
            if before != after {
                changes.push(Change {
                    module: String::from_utf8_lossy(name).into_owned(),
                    region,
                    before,
                    after,
                });
            }
        }
    }
    changes
}

impl Change {
    fn as_json(&self) -> serde_json::Value {
        let networks = self.region.networks();
        let networks: Vec<_> = networks.iter().map(ToString::to_string).collect();
        serde_json::json!({
            "module": self.module, "networks": networks,
            "before": self.before.as_json(), "after": self.after.as_json(),
        })
    }
}

/// What a peer can do at best, for the comparison of two files.
#[derive(Clone, Eq, PartialEq)]
enum Can {
    Nothing,
    Perhaps,
    /// What its user may.
    LogIn(Vec<UserRights>),
    Enter(Rights),
}

impl Can {
    fn as_json(&self) -> serde_json::Value {
        let (access, users) = match self {
            Self::Nothing => ("nothing", None),
            Self::Perhaps => ("perhaps", None),
            Self::LogIn(users) => ("log-in", Some(users)),
            Self::Enter(rights) => match (rights.read, rights.write) {
                (true, true) => ("read-write", None),
                (true, false) => ("read", None),
                (false, true) => ("write", None),
                (false, false) => ("nothing", None),
            },
        };
        let users = users.map(|users| users.iter().map(UserRights::as_json).collect::<Vec<_>>());
        serde_json::json!({ "access": access, "users": users })
    }

    fn in_words(&self, language: Language) -> String {
        let words = match self {
            Self::Nothing => pick(language, "nothing", "无"),
            Self::Perhaps => pick(language, "depends on the name service", "取决于名称解析"),
            Self::LogIn(users) => {
                let users = users_in_words(users, language);
                return match language {
                    Language::English => format!("with a password ({users})"),
                    Language::Chinese => format!("凭密码（{users}）"),
                };
            }
            Self::Enter(rights) => rights.in_words(language),
        };
        words.to_owned()
    }
}

/// What peers can do with a module of a name, region by region.
fn can(configuration: &Configuration, name: &[u8], boundaries: &[IpAddr]) -> Vec<(Region, Can)> {
    let scope = configuration.module(name).map(Scope::Module);
    let regions = reach(configuration, scope.unwrap_or(Scope::Global), boundaries);
    let best = match scope {
        None => Can::Nothing,
        Some(scope) => match UserRights::of(configuration, scope) {
            Some(users) => Can::LogIn(users),
            None => Can::Enter(Rights::of(configuration, scope)),
        },
    };
    regions
        .into_iter()
        .map(|(region, allowed)| match allowed {
            _ if scope.is_none() => (region, Can::Nothing),
            Some(true) => (region, best.clone()),
            Some(false) => (region, Can::Nothing),
            None => (region, Can::Perhaps),
        })
        .collect()
}

/// A few networks in full, many as a count.
fn short(networks: &[IpNet]) -> String {
    match networks {
        [] => String::new(),
        [one] => one.to_string(),
        [first, .., last] if networks.len() > 4 => {
            format!(
                "{} - {} ({} networks)",
                first.network(),
                last.broadcast(),
                networks.len()
            )
        }
        some => some
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", "),
    }
}
