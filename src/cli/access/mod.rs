mod compare;
mod rights;
mod table;

use std::{
    io::{self, Write as _},
    net::IpAddr,
    path::PathBuf,
    str::FromStr,
};

use clap::Args;

pub(super) use self::table::reached;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        access::rights::{UserRights, in_words, named_users_in_words, users_in_words},
        exit,
        output::{Output, PageFormat, complain, stdout},
        resolved::{OneFile, Resolved, envelope},
    },
    model::{
        Configuration, Parameter, Scope, Setting,
        access::{
            Answer, HostsVerdict, Peer, Reason, Right, Rights, UserRule, UsersVerdict, Which, has_no_secrets,
            hosts, shut, users,
        },
    },
    render::{Format, pick, visible},
    terms::{Sources, Span},
};

/// Who may use which module, and which line decides
///
/// With --from: ends with 0 if the peer gets into the module (or, without --module, into any), 1 if not, 3 if that
/// depends on the name service, or on groups of the server that nobody can tell (--host live or --root DIR give them).
/// Without it: ends with 1 if rsync gives up the file, 3 if part of it could not be read.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: OneFile,
    /// The address that connects, with the name that a reverse lookup gives if there is one
    #[arg(long, value_name = "ADDRESS[,NAME]")]
    from: Option<From>,
    /// The user that logs in
    #[arg(long, value_name = "USER")]
    user: Option<String>,
    /// Show each word as the daemon compares it
    #[arg(long, requires = "from")]
    trace: bool,
    /// Show who gains and who loses access if NEW takes the place of OLD
    #[arg(
        long,
        num_args = 2,
        value_names = ["OLD", "NEW"],
        conflicts_with_all = ["file", "from", "trace", "user"]
    )]
    compare: Option<Vec<PathBuf>>,
    #[command(flatten)]
    output: Output<PageFormat>,
}

#[derive(Clone, Debug)]
struct From {
    address: IpAddr,
    name: Option<String>,
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, name) = match text.split_once(',') {
            Some((address, name)) => (address, Some(name.to_owned())),
            None => (text, None),
        };
        let address = address
            .parse()
            .map_err(|_| format!("`{address}` is not an address; write it like 192.0.2.7 or 2001:db8::7"))?;
        Ok(Self { address, name })
    }
}

/// Answers for one peer, for everybody, or for the difference of two files.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let language = arguments.output.language();
    let (resolved, new) = match arguments.compare.as_deref() {
        Some([old, new]) => {
            let [old, new] = [old, new].map(|file| arguments.input.resolve_named(file));
            (old?, Some(new?))
        }
        _ => (arguments.input.resolve()?, None),
    };
    for file in [&resolved].into_iter().chain(&new) {
        file.complain(language)?;
    }
    let view = View {
        sources: &resolved.sources,
        configuration: &resolved.configuration,
        language,
        is_json: arguments.output.format() == Format::Json,
    };
    let mut out = stdout();
    let code = if let Some(new) = &new {
        view.compare(&resolved, new, arguments.input.module.as_deref(), &mut out)?
    } else {
        let scopes = match resolved.scopes(arguments.input.module.as_deref()) {
            Ok(scopes) => scopes,
            Err(no_module) => {
                complain(&no_module)?;
                return Ok(resolved.without_answer());
            }
        };
        if scopes.is_empty() {
            complain(view.pick("the file has no modules", "这个文件里没有模块"))?;
        }
        match &arguments.from {
            Some(from) => {
                let peer = Peer::new(from.address, from.name.clone());
                view.peer(&resolved, &scopes, &peer, arguments, &mut out)?
            }
            None => view.table(&resolved, &scopes, &mut out)?,
        }
    };
    out.flush()?;
    Ok(code)
}

struct View<'a> {
    sources: &'a Sources,
    configuration: &'a Configuration,
    language: Language,
    is_json: bool,
}

impl View<'_> {
    /// A verdict for each module, and what decides.
    fn peer(
        &self,
        resolved: &Resolved,
        scopes: &[Scope],
        peer: &Peer,
        arguments: &Arguments,
        out: &mut dyn io::Write,
    ) -> Result<u8, Failure> {
        let mut answers = Vec::new();
        let mut modules = Vec::new();
        let user = arguments.user.as_deref();
        let groups = user.map_or(Ok(None), |user| arguments.input.groups(user))?;
        for &scope in scopes {
            let verdict = hosts(self.configuration, scope, peer);
            let admitted = user.map(|user| users(self.configuration, scope, user, groups.as_deref()));
            let allowed = self.allowed(scope, &verdict, admitted.as_ref());
            answers.push(allowed);
            if self.is_json {
                modules.push(self.verdict_as_json(scope, allowed, &verdict, admitted.as_ref()));
                continue;
            }
            let decided = if self.configuration.serves() == Some(false) {
                self.pick("rsync gives up the file", "rsync 放弃读取这个文件")
                    .to_owned()
            } else {
                let mut decided = self.decided(scope, &verdict, admitted.as_ref());
                if allowed == Some(true) {
                    decided.push_str(&self.rights_decided(scope, admitted.as_ref()));
                }
                decided
            };
            writeln!(
                out,
                "{:20} {}  {decided}",
                self.name(scope),
                self.answer(scope, allowed, &verdict, admitted.as_ref())
            )?;
            if arguments.trace {
                self.trace(&verdict, out)?;
            }
        }
        if self.is_json {
            let own = [
                ("from", serde_json::json!(peer.address)),
                ("name", serde_json::json!(peer.name)),
                ("user", serde_json::json!(arguments.user)),
                ("modules", modules.into()),
            ];
            writeln!(out, "{}", envelope("access", self.language, &[resolved], own))?;
        }
        Ok(self.code(&answers))
    }

    /// Whether the peer gets into a module; `None` if that is decided elsewhere.
    fn allowed(
        &self,
        scope: Scope,
        verdict: &HostsVerdict<'_>,
        user: Option<&UsersVerdict<'_>>,
    ) -> Option<bool> {
        match (verdict.allowed, user) {
            // Nobody gets into a file that rsync gives up.
            _ if self.configuration.serves() == Some(false) => Some(false),
            _ if !self.configuration.is_settled(scope) => None,
            _ if shut(self.configuration, scope).is_some() => Some(false),
            (Some(true), Some(_)) if has_no_secrets(self.configuration, scope) => Some(false),
            (Some(true), Some(UsersVerdict::NoRule)) => Some(false),
            (Some(true), Some(UsersVerdict::Rule(rule))) => {
                Some(Rights::of(self.configuration, scope).under(rule).is_some())
            }
            (Some(true), Some(UsersVerdict::Group(_))) => None,
            (allowed, _) => allowed,
        }
    }

    fn code(&self, answers: &[Option<bool>]) -> u8 {
        if self.configuration.serves().is_none() {
            // What was not read may decide otherwise.
            exit::UNCHECKED
        } else if answers.contains(&Some(true)) {
            exit::CLEAN
        } else if answers.contains(&None) {
            exit::UNCHECKED
        } else {
            exit::FINDINGS
        }
    }

    fn name(&self, scope: Scope) -> String {
        match scope {
            Scope::Global => "global".to_owned(),
            Scope::Module(index) => visible(&self.configuration.modules[index].name.display()),
        }
    }

    /// What the user may do, if one is named; else what the module's users may.
    fn rights_in_words(&self, scope: Scope, user: Option<&UsersVerdict<'_>>) -> String {
        let module = Rights::of(self.configuration, scope);
        let rights = match (user, UserRights::of(self.configuration, scope)) {
            (Some(UsersVerdict::Rule(rule)), _) => module.under(rule).unwrap_or(module),
            (None, Some(users)) => return users_in_words(&users, self.language),
            _ => module,
        };
        in_words(rights, self.language).to_owned()
    }

    fn answer(
        &self,
        scope: Scope,
        allowed: Option<bool>,
        verdict: &HostsVerdict<'_>,
        user: Option<&UsersVerdict<'_>>,
    ) -> String {
        let words = match allowed {
            Some(true) => return self.rights_in_words(scope, user),
            Some(false) => self.pick("denied", "拒绝"),
            None if !self.configuration.is_settled(scope) => {
                self.pick("depends on what was not read", "取决于没有读取的内容")
            }
            None if verdict.allowed.is_some() => {
                self.pick("depends on the server's groups", "取决于服务器上的用户组")
            }
            None => self.pick("depends on the name service", "取决于名称解析"),
        };
        words.to_owned()
    }

    /// The word that decides, or what its absence means, then the rule of `auth users`.
    fn decided(&self, scope: Scope, verdict: &HostsVerdict<'_>, user: Option<&UsersVerdict<'_>>) -> String {
        let has = |parameter| !self.configuration.text(scope, parameter).value.is_empty();
        if !self.configuration.is_settled(scope) {
            return self
                .pick(
                    "it may set this module's host lists",
                    "其中可能设置了这个模块的主机名单",
                )
                .to_owned();
        }
        if let Some(setting) = shut(self.configuration, scope) {
            return self.line_of(setting);
        }
        let by_hosts = match verdict.deciding.map(|index| &verdict.steps[index]) {
            Some(step) => {
                let place = self.sources.place(step.setting.part(step.token.part.clone()));
                format!(
                    "{}: {} `{}`",
                    visible(&place),
                    step.setting.parameter.name(),
                    visible(&step.token.display())
                )
            }
            None => match (has(Parameter::HostsAllow), has(Parameter::HostsDeny)) {
                (false, false) => self.pick("there are no host lists", "没有主机名单").to_owned(),
                (true, false) => self
                    .pick("not in `hosts allow`", "不在 `hosts allow` 里")
                    .to_owned(),
                (false, true) => self
                    .pick("not in `hosts deny`", "不在 `hosts deny` 里")
                    .to_owned(),
                (true, true) => self
                    .pick(
                        "in neither list, which lets a peer in",
                        "两个名单里都没有，这样会被放行",
                    )
                    .to_owned(),
            },
        };
        let by_user = match user {
            Some(_) if has_no_secrets(self.configuration, scope) => self
                .pick("; there is no `secrets file`", "；没有 `secrets file`")
                .to_owned(),
            None if has(Parameter::AuthUsers) => self
                .pick("; needs a user (--user)", "；还需要用户（--user）")
                .to_owned(),
            None | Some(UsersVerdict::Anonymous) => String::new(),
            Some(UsersVerdict::NoRule) => self
                .pick(
                    "; no rule of `auth users` matches",
                    "；`auth users` 没有匹配的规则",
                )
                .to_owned(),
            Some(UsersVerdict::Rule(rule)) => format!("; {}", self.user_rule(scope, rule)),
            Some(UsersVerdict::Group(rule)) => format!(
                "; {} {}",
                self.user_rule(scope, rule),
                self.pick(
                    "if the user is in that group of the server",
                    "，前提是该用户属于服务器上的这个组"
                )
            ),
        };
        format!("{by_hosts}{by_user}")
    }

    /// A rule of `auth users` and its line.
    fn user_rule(&self, scope: Scope, rule: &UserRule<'_>) -> String {
        let place = self.span_of_rule(scope, rule).map(|span| {
            let place = self.sources.place(span);
            format!("{}: ", visible(&place))
        });
        let place = place.unwrap_or_default();
        format!("{place}auth users `{}`", visible(&rule.shown()))
    }

    fn span_of_rule(&self, scope: Scope, rule: &UserRule<'_>) -> Option<Span> {
        let setting = self
            .configuration
            .text(scope, Parameter::AuthUsers)
            .origin
            .setting()?;
        Some(setting.part(rule.token.part.clone()))
    }

    /// The lines that say what may be done, where no rule of `auth users` says it.
    fn rights_decided(&self, scope: Scope, user: Option<&UsersVerdict<'_>>) -> String {
        if matches!(user, Some(UsersVerdict::Rule(rule)) if rule.right != Right::Module) {
            return String::new();
        }
        let lines = self.settings_of_rights(scope);
        lines
            .map(|setting| format!("; {}", self.line_of(setting)))
            .collect()
    }

    fn line_of(&self, setting: &Setting) -> String {
        let place = self.sources.place(setting.span());
        let line = format!("{} = {}", setting.parameter.name(), setting.text.display());
        format!("{}: {}", visible(&place), visible(&line))
    }

    fn settings_of_rights(&self, scope: Scope) -> impl Iterator<Item = &Setting> {
        let rights = [Parameter::ReadOnly, Parameter::WriteOnly];
        rights
            .into_iter()
            .filter_map(move |parameter| self.configuration.boolean(scope, parameter).origin.setting())
    }

    fn place_as_json(&self, span: Span) -> serde_json::Value {
        let source = self.sources.get(span.source);
        let position = source.position(span.start as usize);
        serde_json::json!({ "file": source.name(), "line": position.line, "column": position.column })
    }

    fn trace(&self, verdict: &HostsVerdict<'_>, out: &mut dyn io::Write) -> io::Result<()> {
        for step in &verdict.steps {
            let place = self.sources.place(step.setting.part(step.token.part.clone()));
            let (mark, why) = self.comparison(step.answer);
            writeln!(
                out,
                "    {}: {} `{}` {mark}: {why}",
                visible(&place),
                step.setting.parameter.name(),
                visible(&step.token.display())
            )?;
        }
        Ok(())
    }

    fn comparison(&self, answer: Answer) -> (&'static str, &'static str) {
        let why = |reason| match reason {
            Reason::Address => self.pick("compared as an address", "按地址比较"),
            Reason::Family => self.pick("the peer is of the other address family", "地址族不同"),
            Reason::Malformed => self.pick("not an address that rsync can read", "rsync 读不懂这个地址"),
            Reason::Name => self.pick("compared with the peer's name", "按主机名比较"),
            Reason::NoLookup => self.pick(
                "a name, and the module looks none up",
                "是主机名，而模块不做名称解析",
            ),
            Reason::Unresolvable => self.pick(
                "a name that cannot be resolved denies everybody",
                "无法解析的名称会拒绝所有人",
            ),
        };
        match answer {
            Answer::Yes(reason) => (self.pick("matches", "匹配"), why(reason)),
            Answer::No(reason) => (self.pick("does not match", "不匹配"), why(reason)),
            Answer::Unknown => {
                let why = self.pick(
                    "the name service or the daemon's environment decides (--from can give the peer's name)",
                    "由名称解析或守护进程的环境变量决定（可用 --from 给出主机名）",
                );
                (self.pick("may match", "可能匹配"), why)
            }
        }
    }

    fn verdict_as_json(
        &self,
        scope: Scope,
        allowed: Option<bool>,
        verdict: &HostsVerdict<'_>,
        user: Option<&UsersVerdict<'_>>,
    ) -> serde_json::Value {
        let module = Rights::of(self.configuration, scope);
        let rights = match user {
            Some(UsersVerdict::Rule(rule)) => module.under(rule),
            _ => Some(module),
        };
        let steps: Vec<_> = verdict
            .steps
            .iter()
            .map(|step| {
                let span = step.setting.part(step.token.part.clone());
                let source = self.sources.get(span.source);
                let position = source.position(span.start as usize);
                serde_json::json!({
                    "list": match step.list { Which::Allow => "hosts allow", Which::Deny => "hosts deny" },
                    "word": step.token.display(),
                    "matches": match step.answer {
                        Answer::Yes(_) => Some(true),
                        Answer::No(_) => Some(false),
                        Answer::Unknown => None,
                    },
                    "file": source.name(), "line": position.line, "column": position.column,
                })
            })
            .collect();
        serde_json::json!({
            "module": self.name(scope), "settled": self.configuration.is_settled(scope), "allowed": allowed,
            "read": rights.is_some_and(|rights| rights.read),
            "write": rights.is_some_and(|rights| rights.write),
            "users": self.users_as_json(scope),
            "deciding": verdict.deciding, "steps": steps,
            "user_rule": user.and_then(|user| match user {
                UsersVerdict::Rule(rule) | UsersVerdict::Group(rule) => self.span_of_rule(scope, rule),
                UsersVerdict::NoRule | UsersVerdict::Anonymous => None,
            }).map(|span| self.place_as_json(span)),
            "rights_from": self.settings_of_rights(scope)
                .map(|setting| self.place_as_json(setting.span())).collect::<Vec<_>>(),
        })
    }

    /// What each rule of `auth users` gives; null if the module asks nobody for a name.
    fn users_as_json(&self, scope: Scope) -> Option<Vec<serde_json::Value>> {
        let users = UserRights::of(self.configuration, scope)?;
        Some(users.iter().map(UserRights::as_json).collect())
    }

    fn pick(&self, english: &'static str, chinese: &'static str) -> &'static str {
        pick(self.language, english, chinese)
    }
}
