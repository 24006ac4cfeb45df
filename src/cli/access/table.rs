use std::io;

use ipnet::IpNet;

use crate::{
    cli::{
        Failure,
        access::{Rights, View},
        resolved::envelope,
    },
    model::{
        Parameter, Scope,
        access::{Region, boundaries, has_rules, merge, reach, user_rules},
    },
    render::visible,
};

impl View<'_> {
    /// Who reaches what: a paragraph for each module.
    pub(super) fn table(&self, scopes: &[Scope], out: &mut dyn io::Write) -> Result<u8, Failure> {
        let boundaries = boundaries(self.configuration);
        let mut modules = Vec::new();
        for &scope in scopes {
            let regions = merge(reach(self.configuration, scope, &boundaries));
            let row = Row {
                scope,
                from: self.networks(&regions, |allowed| allowed == Some(true)),
                perhaps: self.networks(&regions, |allowed| allowed.is_none()),
                listed: self.configuration.is(scope, Parameter::List),
            };
            if self.is_json {
                modules.push(self.row_as_json(&row));
            } else {
                self.row(&row, out)?;
            }
        }
        if self.is_json {
            let own = [("modules", modules.into())];
            writeln!(
                out,
                "{}",
                envelope("access", self.language, &[self.resolved], own)
            )?;
        }
        Ok(self.resolved.code())
    }

    fn row(&self, row: &Row, out: &mut dyn io::Write) -> io::Result<()> {
        let comma = self.pick(", ", "、");
        writeln!(out, "{}", self.name(row.scope))?;
        if row.from.is_empty() && row.perhaps.is_empty() {
            self.line("from", "来源", self.pick("nobody", "无"), out)?;
        } else if !row.from.is_empty() {
            self.line("from", "来源", &row.from.join(comma), out)?;
        }
        if !row.perhaps.is_empty() {
            self.line("perhaps", "取决于名称解析", &row.perhaps.join(comma), out)?;
        }
        self.line("users", "用户", &self.users(row.scope), out)?;
        self.line("rights", "权限", &self.rights_in_words(row.scope, None), out)?;
        let listed = if row.listed {
            self.pick("yes", "是")
        } else {
            self.pick("no", "否")
        };
        self.line("listed", "列出", listed, out)
    }

    fn row_as_json(&self, row: &Row) -> serde_json::Value {
        let rights = Rights::of(self.configuration, row.scope);
        serde_json::json!({
            "module": self.name(row.scope), "from": row.from, "perhaps": row.perhaps,
            "users": self.users_as_json(row.scope), "read": rights.read, "write": rights.write,
            "listed": row.listed,
        })
    }

    /// The words of `auth users`.
    fn users(&self, scope: Scope) -> String {
        let setting = self
            .configuration
            .text(scope, Parameter::AuthUsers)
            .origin
            .setting();
        let setting = setting.filter(|_| has_rules(self.configuration, scope));
        let Some(setting) = setting else {
            return self.pick("nobody is asked for a name", "不要求用户名").to_owned();
        };
        let rules = user_rules(setting, self.configuration.release);
        if rules.is_empty() {
            return self.pick("no name is accepted", "不接受任何用户名").to_owned();
        }
        rules
            .iter()
            .map(|rule| visible(&rule.shown()))
            .collect::<Vec<_>>()
            .join(", ")
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
        let colon = self.pick(": ", "：");
        writeln!(out, "  {}{colon}{value}", self.pick(english, chinese))
    }
}

/// A module in the table of who reaches what.
struct Row {
    scope: Scope,
    from: Vec<String>,
    perhaps: Vec<String>,
    listed: bool,
}
