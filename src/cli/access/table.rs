use std::{collections::BTreeSet, io};

use crate::{
    catalog::Language,
    cli::{Failure, access::View, resolved::envelope},
    model::{
        Parameter, Scope,
        access::{Admission, Open, Reach, Reached, Region, Rights, has_rules, merge, shut, user_rules},
    },
    render::visible,
};

impl View<'_> {
    /// Who reaches what: a paragraph for each module.
    pub(super) fn table(&self, scopes: &[Scope], out: &mut dyn io::Write) -> Result<u8, Failure> {
        let mut reach = Reach::new(self.configuration);
        let mut modules = Vec::new();
        for &scope in scopes {
            let reached = reach.of(scope);
            let world = reached
                .world
                .iter()
                .map(|&(region, one)| (region, one.admission()));
            let world = merge(world);
            let partly = self.networks(&world, Admission::Partly);
            let perhaps = self.networks(&world, Admission::Unknown);
            let row = Row {
                scope,
                from: self.networks(&world, Admission::Admitted),
                masks: match partly[..] {
                    [] => Vec::new(),
                    _ => words(&reached, |open| &open.masks),
                },
                partly,
                names: match perhaps[..] {
                    [] => Vec::new(),
                    _ => words(&reached, |open| &open.names),
                },
                perhaps,
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
        if !self.configuration.is_settled(row.scope) {
            let doubt = self.pick(
                "what was not read may set all this otherwise",
                "没有读取的内容可能会改变以下各项",
            );
            self.line("in doubt", "不确定", doubt, out)?;
        }
        if let Some(setting) = shut(self.configuration, row.scope) {
            let nobody = self.pick("nobody", "无");
            self.line(
                "from",
                "来源",
                &format!("{nobody} ({})", self.line_of(setting)),
                out,
            )?;
        } else if row.from.is_empty() && row.partly.is_empty() && row.perhaps.is_empty() {
            self.line("from", "来源", self.pick("nobody", "无"), out)?;
        } else if !row.from.is_empty() {
            self.line("from", "来源", &row.from.join(comma), out)?;
        }
        if !row.partly.is_empty() {
            let (some, masks) = (row.partly.join(comma), row.masks.join(" "));
            let some = match self.language {
                Language::English => {
                    format!("{some}, by a mask with gaps: {masks} (--from tells for one address)")
                }
                Language::Chinese => format!("{some}，取决于不连续的掩码：{masks}（用 --from 查询单个地址）"),
            };
            self.line("some of", "部分地址", &some, out)?;
        }
        if !row.perhaps.is_empty() {
            let (some, names) = (row.perhaps.join(comma), row.names.join(" "));
            let some = match self.language {
                Language::English => format!("{some}, if the name service says so: {names}"),
                Language::Chinese => format!("{some}，由名称解析决定：{names}"),
            };
            self.line("perhaps", "可能", &some, out)?;
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
            "module": self.name(row.scope), "settled": self.configuration.is_settled(row.scope),
            "from": row.from, "some_of": row.partly, "masks": row.masks,
            "perhaps": row.perhaps, "names": row.names,
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
    fn networks(&self, world: &[(Region, Admission)], wanted: Admission) -> Vec<String> {
        let networks = |ipv4: bool, inside: bool| {
            world
                .iter()
                .filter(move |(region, admission)| {
                    region.first.is_ipv4() == ipv4 && (*admission == wanted) == inside
                })
                .flat_map(|(region, _)| region.networks())
        };
        let mut words = Vec::new();
        for (ipv4, family) in [(true, "IPv4"), (false, "IPv6")] {
            // No further than the shorter one: the complement of a few addresses of IPv6 has very many networks.
            let (inside, outside) = (networks(ipv4, true), networks(ipv4, false));
            if inside.map(drop).le(outside.map(drop)) {
                words.extend(networks(ipv4, true).map(|network| network.to_string()));
                continue;
            }
            let every = self.pick("every", "所有");
            let outside: Vec<_> = networks(ipv4, false).map(|network| network.to_string()).collect();
            words.push(if outside.is_empty() {
                format!("{every} {family}")
            } else {
                let except = self.pick("except", "除了");
                format!("{every} {family} {except} {}", outside.join(" "))
            });
        }
        words
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
    /// Networks of which a mask with gaps lets some addresses in.
    partly: Vec<String>,
    /// The words with such masks.
    masks: Vec<String>,
    perhaps: Vec<String>,
    /// The words that decide there.
    names: Vec<String>,
    listed: bool,
}

/// What the lists leave open, of one kind.
fn words(reached: &Reached, of: impl Fn(&Open) -> &BTreeSet<Vec<u8>>) -> Vec<String> {
    let open = reached.open().into_iter().flatten();
    let words: BTreeSet<_> = open.flat_map(of).collect();
    words
        .into_iter()
        .map(|word| visible(&String::from_utf8_lossy(word)))
        .collect()
}
