use std::io;

use ipnet::IpNet;

use crate::{
    cli::{
        Failure,
        access::{Rights, View},
    },
    model::{
        Parameter, Scope,
        access::{Region, boundaries, merge, reach, user_rules},
    },
};

impl View<'_> {
    /// Who reaches what: a line for each module.
    pub(super) fn table(&self, scopes: &[Scope], out: &mut dyn io::Write) -> Result<(), Failure> {
        let boundaries = boundaries(self.configuration);
        let rows: Vec<_> = scopes
            .iter()
            .map(|&scope| {
                let regions = merge(reach(self.configuration, scope, &boundaries));
                Row {
                    module: self.name(scope),
                    from: self.networks(&regions, |allowed| allowed == Some(true)),
                    perhaps: self.networks(&regions, |allowed| allowed.is_none()),
                    users: self.users(scope),
                    rights: self.rights(scope, None),
                    listed: self.configuration.is(scope, Parameter::List),
                }
            })
            .collect();
        if self.is_json {
            let modules: Vec<_> = rows.iter().map(Row::as_json).collect();
            let envelope =
                serde_json::json!({ "schema": "rsyncctl/1", "command": "access", "modules": modules });
            writeln!(out, "{envelope}")?;
            return Ok(());
        }
        for row in rows {
            writeln!(out, "{}", row.module)?;
            let nobody = row.from.is_empty() && row.perhaps.is_empty();
            let from = if nobody {
                self.pick("nobody", "无").to_owned()
            } else {
                row.from.join(", ")
            };
            if !from.is_empty() {
                self.line("from", "来源", &from, out)?;
            }
            if !row.perhaps.is_empty() {
                self.line("perhaps", "取决于名称解析", &row.perhaps.join(", "), out)?;
            }
            let users = if row.users.is_empty() {
                self.pick("nobody is asked for a name", "不要求用户名").to_owned()
            } else {
                row.users.join(", ")
            };
            self.line("users", "用户", &users, out)?;
            self.line("rights", "权限", self.rights_in_words(&row.rights), out)?;
            let listed = if row.listed {
                self.pick("yes", "是")
            } else {
                self.pick("no", "否")
            };
            self.line("listed", "列出", listed, out)?;
        }
        Ok(())
    }

    fn users(&self, scope: Scope) -> Vec<String> {
        let users = self.configuration.text(scope, Parameter::AuthUsers);
        let setting = users.origin.setting().filter(|_| !users.value.is_empty());
        let rules = setting.map(|setting| user_rules(setting, self.configuration.release));
        rules.into_iter().flatten().map(|rule| rule.shown()).collect()
    }

    /// The addresses of a verdict, family by family; what is nearly everybody is told by its exceptions.
    fn networks(
        &self,
        regions: &[(Region, Option<bool>)],
        wanted: impl Fn(Option<bool>) -> bool,
    ) -> Vec<String> {
        let networks = |ipv4: bool, inside: bool| -> Vec<IpNet> {
            let family = regions
                .iter()
                .filter(|(region, _)| region.first.is_ipv4() == ipv4);
            let regions = family.filter(|(_, allowed)| wanted(*allowed) == inside);
            regions.flat_map(|(region, _)| region.networks()).collect()
        };
        [(true, "IPv4"), (false, "IPv6")]
            .into_iter()
            .flat_map(|(ipv4, family)| {
                let (inside, outside) = (networks(ipv4, true), networks(ipv4, false));
                if inside.len() <= outside.len() {
                    return inside.iter().map(ToString::to_string).collect();
                }
                let every = self.pick("every", "所有");
                if outside.is_empty() {
                    return vec![format!("{every} {family}")];
                }
                let outside: Vec<_> = outside.iter().map(ToString::to_string).collect();
                let except = self.pick("except", "除了");
                vec![format!("{every} {family} {except} {}", outside.join(" "))]
            })
            .collect()
    }

    fn line(
        &self,
        english: &'static str,
        chinese: &'static str,
        value: &str,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        writeln!(out, "  {}: {value}", self.pick(english, chinese))
    }
}

/// A module in the table of who reaches what.
struct Row {
    module: String,
    from: Vec<String>,
    perhaps: Vec<String>,
    users: Vec<String>,
    rights: Rights,
    listed: bool,
}

impl Row {
    fn as_json(&self) -> serde_json::Value {
        serde_json::json!({
            "module": self.module, "from": self.from, "perhaps": self.perhaps, "users": self.users,
            "read": self.rights.read, "write": self.rights.write, "listed": self.listed,
        })
    }
}
