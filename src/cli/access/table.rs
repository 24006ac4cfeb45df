use std::{collections::BTreeSet, io};

use crate::{
    catalog::Language,
    cli::{
        Failure,
        access::View,
        resolved::{Resolved, envelope},
    },
    explain::Server,
    model::{
        Parameter, Scope,
        access::{Admission, Open, Reach, Reached, Region, Rights, has_rules, merge, shut, user_rules},
    },
    render::{Reachable, visible},
};

/// Who reaches what, for a page.
pub(in crate::cli) fn reached(server: &Server, language: Language) -> Vec<Reachable> {
    let view = View {
        sources: &server.sources,
        configuration: &server.configuration,
        language,
        is_json: false,
    };
    let mut reach = Reach::new(view.configuration);
    let modules = view.configuration.module_scopes();
    modules
        .map(|(scope, _)| Reachable {
            module: view.name(scope),
            lines: view.lines(&view.row(&mut reach, scope)),
        })
        .collect()
}

impl View<'_> {
    /// Who reaches what: a paragraph for each module.
    pub(super) fn table(
        &self,
        resolved: &Resolved,
        scopes: &[Scope],
        out: &mut dyn io::Write,
    ) -> Result<u8, Failure> {
        let mut reach = Reach::new(self.configuration);
        let mut modules = Vec::new();
        for &scope in scopes {
            let row = self.row(&mut reach, scope);
            if self.is_json {
                modules.push(self.row_as_json(&row));
                continue;
            }
            writeln!(out, "{}", self.name(row.scope))?;
            let colon = self.pick(": ", "：");
            for (label, value) in self.lines(&row) {
                writeln!(out, "  {label}{colon}{value}")?;
            }
        }
        if self.is_json {
            let own = [("modules", modules.into())];
            writeln!(out, "{}", envelope("access", self.language, &[resolved], own))?;
        }
        Ok(resolved.code())
    }

    fn row(&self, reach: &mut Reach<'_>, scope: Scope) -> Row {
        let reached = reach.of(scope);
        let world = reached
            .world
            .iter()
            .map(|&(region, one)| (region, one.admission()));
        let world = merge(world);
        let partly = self.networks(&world, Admission::Partly);
        let perhaps = self.networks(&world, Admission::Unknown);
        Row {
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
        }
    }

    /// What is said of a module, with what each line is about.
    fn lines(&self, row: &Row) -> Vec<(&'static str, String)> {
        let comma = self.pick(", ", "、");
        let mut lines = Vec::new();
        let mut line = |english, chinese, value: String| lines.push((self.pick(english, chinese), value));
        if !self.configuration.is_settled(row.scope) {
            let doubt = self.pick(
                "what was not read may set all this otherwise",
                "没有读取的内容可能会改变以下各项",
            );
            line("in doubt", "不确定", doubt.to_owned());
        }
        if let Some(setting) = shut(self.configuration, row.scope) {
            let nobody = self.pick("nobody", "无");
            line("from", "来源", format!("{nobody} ({})", self.line_of(setting)));
        } else if row.from.is_empty() && row.partly.is_empty() && row.perhaps.is_empty() {
            line("from", "来源", self.pick("nobody", "无").to_owned());
        } else if !row.from.is_empty() {
            line("from", "来源", row.from.join(comma));
        }
        if !row.partly.is_empty() {
            let (some, masks) = (row.partly.join(comma), row.masks.join(" "));
            let some = match self.language {
                Language::English => {
                    format!("{some}, by a mask with gaps: {masks} (--from tells for one address)")
                }
                Language::Chinese => format!("{some}，取决于不连续的掩码：{masks}（用 --from 查询单个地址）"),
            };
            line("some of", "部分地址", some);
        }
        if !row.perhaps.is_empty() {
            let (some, names) = (row.perhaps.join(comma), row.names.join(" "));
            let some = match self.language {
                Language::English => format!("{some}, if the name service says so: {names}"),
                Language::Chinese => format!("{some}，由名称解析决定：{names}"),
            };
            line("perhaps", "可能", some);
        }
        line("users", "用户", self.users(row.scope));
        line("rights", "权限", self.rights_in_words(row.scope, None));
        let listed = if row.listed {
            self.pick("yes", "是")
        } else {
            self.pick("no", "否")
        };
        line("listed", "列出", listed.to_owned());
        lines
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
