use std::{io, net::IpAddr};

use ipnet::IpNet;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        access::{Arguments, View},
    },
    model::{
        Configuration, Parameter, Scope,
        access::{Region, boundaries, has_rules, merge, reach},
    },
};

impl View<'_> {
    /// Who gains and who loses what, module by module.
    pub(super) fn compare(
        &self,
        new: &Configuration,
        arguments: &Arguments,
        out: &mut dyn io::Write,
    ) -> Result<(), Failure> {
        let mut all = boundaries(self.configuration);
        all.extend(boundaries(new));
        all.sort_unstable();
        all.dedup();
        let mut names: Vec<&[u8]> = Vec::new();
        for module in self.configuration.modules.iter().chain(&new.modules) {
            let name = module.name.bytes();
            if !names.contains(&name)
                && arguments
                    .module
                    .as_ref()
                    .is_none_or(|only| only.as_bytes() == name)
            {
                names.push(name);
            }
        }
        let mut differences = Vec::new();
        for name in names {
            let old = can(self.configuration, name, &all);
            let new = can(new, name, &all);
            let both = old
                .into_iter()
                .zip(new)
                .map(|((region, before), (_, after))| (region, (before, after)));
            for (region, (before, after)) in merge(both) {
                if before != after {
                    differences.push((String::from_utf8_lossy(name).into_owned(), region, before, after));
                }
            }
        }
        if self.is_json {
            let changes: Vec<_> = differences
                .iter()
                .map(|(module, region, before, after)| {
                    let networks: Vec<_> = region.networks().iter().map(ToString::to_string).collect();
                    serde_json::json!({
                        "module": module, "networks": networks, "before": before.key(), "after": after.key(),
                    })
                })
                .collect();
            let envelope =
                serde_json::json!({ "schema": "rsyncctl/1", "command": "access", "changes": changes });
            writeln!(out, "{envelope}")?;
            return Ok(());
        }
        if differences.is_empty() {
            writeln!(
                out,
                "{}",
                self.pick("nobody gains or loses access", "没有人获得或失去访问权限")
            )?;
        }
        for (module, region, before, after) in differences {
            writeln!(
                out,
                "{module:20} {}: {} -> {}",
                short(&region.networks()),
                before.in_words(self.language),
                after.in_words(self.language)
            )?;
        }
        Ok(())
    }
}

/// What a peer can do at best, for the comparison of two files.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Can {
    Nothing,
    Perhaps,
    LogIn,
    Read,
    ReadAndWrite,
    Write,
}

impl Can {
    fn key(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Perhaps => "perhaps",
            Self::LogIn => "log-in",
            Self::Read => "read",
            Self::ReadAndWrite => "read-write",
            Self::Write => "write",
        }
    }

    fn in_words(self, language: Language) -> &'static str {
        let (english, chinese) = match self {
            Self::Nothing => ("nothing", "无"),
            Self::Perhaps => ("depends on the name service", "取决于名称解析"),
            Self::LogIn => ("whatever its user may", "取决于登录的用户"),
            Self::Read => ("read", "只读"),
            Self::ReadAndWrite => ("read and write", "读写"),
            Self::Write => ("write", "只写"),
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// What peers can do with a module of a name, region by region.
fn can(configuration: &Configuration, name: &[u8], boundaries: &[IpAddr]) -> Vec<(Region, Can)> {
    let scope = configuration.module(name).map(Scope::Module);
    let regions = reach(configuration, scope.unwrap_or(Scope::Global), boundaries);
    let Some(scope) = scope else {
        return regions
            .into_iter()
            .map(|(region, _)| (region, Can::Nothing))
            .collect();
    };
    let is = |parameter| configuration.is(scope, parameter);
    let best = match (is(Parameter::WriteOnly), is(Parameter::ReadOnly)) {
        _ if has_rules(configuration, scope) => Can::LogIn,
        (false, false) => Can::ReadAndWrite,
        (false, true) => Can::Read,
        (true, false) => Can::Write,
        (true, true) => Can::Nothing,
    };
    regions
        .into_iter()
        .map(|(region, allowed)| match allowed {
            Some(true) => (region, best),
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
