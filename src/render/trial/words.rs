use crate::{
    catalog::Language,
    model::Parameter,
    probe::{
        Fact, Report, Step,
        tryout::{
            Attempt, Blamed, Compared, End, ModuleTrial, NotTried, Outcome, Stayed, Verdict, WRAPPED_PORT,
            Why,
        },
    },
    render::{
        explanation::headline,
        probe::without,
        trial::{View, unseen::title},
    },
};

/// So many of the lines that a daemon ignores are shown.
const MOST_IGNORED: usize = 4;

/// So many characters of each.
const LONGEST_IGNORED: usize = 48;

/// A line of the table.
pub(super) struct Row {
    pub(super) verdict: Verdict,
    pub(super) text: String,
}

impl View<'_> {
    /// How the daemon began.
    pub(super) fn start(&self) -> Row {
        let start = &self.trial.start;
        let verdict = start.verdict();
        let release = self.trial.release;
        let zh = self.is_chinese();
        let text = match &start.outcome {
            Outcome::Ended {
                exit,
                said,
                explanation,
            } => {
                let code = match exit {
                    Some(code) if zh => format!("，退出码 {code}"),
                    Some(code) => format!(", code {code}"),
                    None => self.pick(", killed by a signal", "，被信号结束").to_owned(),
                };
                let why = explanation
                    .as_ref()
                    .and_then(|found| headline(found, self.language()));
                let why = why.or_else(|| said.first().cloned());
                let why = why.map_or_else(String::new, |why| format!("{}{why}", self.colon()));
                match zh {
                    true => format!("守护进程起不来{code}{why}"),
                    false => format!("the daemon does not start{code}{why}"),
                }
            }
            Outcome::Listened(report) if report.exit != 0 => {
                let why = self.why(report);
                match zh {
                    true if start.greets() => format!("守护进程能启动，但列不出模块{why}"),
                    false if start.greets() => format!("the daemon starts, and cannot list its modules{why}"),
                    true => format!("守护进程能启动，但不接待任何人{why}"),
                    false => format!("the daemon starts, and serves nobody{why}"),
                }
            }
            Outcome::Listened(report) => {
                let facts = &report.stage(Step::Modules).facts;
                let is_module = |fact: &&Fact| matches!(fact, Fact::Module(..));
                let count = facts.iter().filter(is_module).count();
                let modules = one(count, "module", "modules");
                match zh {
                    true => format!("rsync {release} 能启动，列出 {count} 个模块"),
                    false => format!("rsync {release} starts, and lists {count} {modules}"),
                }
            }
        };
        let differs = match verdict {
            Verdict::Differs => self.pick("; foretold was the opposite", "；与预测相反"),
            _ => "",
        };
        Row {
            verdict,
            text: format!("{text}{differs}"),
        }
    }

    /// What keeps the daemon from starting outside of the trial, or from listening where its clients call.
    pub(super) fn unstarted(&self) -> Option<Row> {
        let found = self.trial.unstarted.as_ref()?;
        let (title, id) = (title(found, self.language()), found.rule);
        Some(Row {
            verdict: Verdict::Fails { is_foreseen: true },
            text: match self.is_chinese() {
                _ if found.variant == Some(WRAPPED_PORT) => format!("{title} ({id})"),
                true => format!("正式使用时守护进程起不来：{title}（{id}）"),
                false => format!("for real the daemon does not start: {title} ({id})"),
            },
        })
    }

    /// The lines that the daemon goes on without.
    pub(super) fn ignored(&self) -> Option<Row> {
        let ignored = &self.trial.ignored;
        let count = ignored.len();
        let shown = ignored.iter().take(MOST_IGNORED).map(|line| {
            // An invisible mark in front of the line is why it is none.
            let (mark, line) = match line.strip_prefix('\u{feff}') {
                Some(line) => (
                    self.pick(
                        " behind a byte order mark, which no editor shows (RSY109)",
                        "（前面有编辑器不显示的 BOM，RSY109）",
                    ),
                    line,
                ),
                None => ("", &**line),
            };
            let mut shown: String = line.chars().take(LONGEST_IGNORED).collect();
            if shown.len() < line.len() {
                shown.push('…');
            }
            format!("`{shown}`{mark}")
        });
        let mut shown: Vec<_> = shown.collect();
        if count > MOST_IGNORED {
            shown.push("…".to_owned());
        }
        let shown = shown.join(self.pick(", ", "、"));
        let text = match self.is_chinese() {
            true => format!("守护进程忽略了文件里的 {count} 行：{shown}"),
            false => format!(
                "the daemon ignores {count} {} of the file: {shown}",
                one(count, "line", "lines")
            ),
        };
        (count > 0).then_some(Row {
            verdict: Verdict::Fails { is_foreseen: true },
            text,
        })
    }

    /// The lines of a module.
    pub(super) fn rows(&self, module: &ModuleTrial) -> Vec<Row> {
        let mut rows = Vec::new();
        let mut before = String::new();
        for attempt in &module.attempts {
            let ways = self.ways(attempt);
            // Many users may meet the same mishap.
            let text = match ways == before && attempt.verdict().is_bad() {
                true => self.pick("the same", "同上"),
                false => &ways,
            };
            rows.push(Row {
                verdict: attempt.verdict(),
                text: self.as_whom(module, attempt, text),
            });
            before = ways;
        }
        if module.is_listed_otherwise() {
            let text = match module.is_listed {
                Some(true) => self.pick(
                    "is listed; foretold was that it is not",
                    "出现在列表中，与预测相反",
                ),
                _ => self.pick(
                    "is not listed; foretold was that it is",
                    "没有出现在列表中，与预测相反",
                ),
            };
            rows.push(Row {
                verdict: Verdict::Differs,
                text: text.to_owned(),
            });
        }
        rows.extend(module.not_tried.iter().map(|not_tried| Row {
            verdict: Verdict::Refused,
            text: self.not_tried(not_tried),
        }));
        rows
    }

    /// Both ways.
    fn ways(&self, attempt: &Attempt) -> String {
        let mut ways = vec![self.part(&attempt.read, false)];
        ways.extend(attempt.write.as_ref().map(|write| {
            let why = self.why(&write.report);
            let fails =
                |part: &Compared| matches!(part.verdict, Verdict::Fails { .. }) && part.unseen.is_none();
            let is_same = !why.is_empty() && why == self.why(&attempt.read.report);
            match is_same && fails(&attempt.read) && fails(write) {
                true if self.is_chinese() => format!("推送同样失败，退出码 {}", write.report.exit),
                true => format!("a push likewise, code {}", write.report.exit),
                false => self.part(write, true),
            }
        }));
        ways.join(self.pick(", ", "，"))
    }

    /// Behind who asks, and where from.
    fn as_whom(&self, module: &ModuleTrial, attempt: &Attempt, text: &str) -> String {
        let from = module.from;
        let user = attempt.user.as_ref().map(|user| match &attempt.group {
            Some(group) if self.is_chinese() => format!("{user}（用 @{group} 的密码）"),
            Some(group) => format!("{user} with the password of @{group}"),
            None => user.clone(),
        });
        let who = match (user, from.is_loopback()) {
            (Some(user), true) => user,
            (None, true) => return text.to_owned(),
            (Some(user), false) if self.is_chinese() => format!("{user}（来自 {from}）"),
            (Some(user), false) => format!("{user} from {from}"),
            (None, false) if self.is_chinese() => format!("来自 {from}"),
            (None, false) => format!("from {from}"),
        };
        format!("{who}{}{text}", self.colon())
    }

    /// One way to use a module.
    fn part(&self, part: &Compared, is_write: bool) -> String {
        if let Some(found) = &part.unseen {
            let (summary, id) = (title(found, self.language()), found.rule);
            return match (self.is_chinese(), is_write) {
                (true, true) => format!("试运行可以推送，真正推送会失败：{summary}（{id}）"),
                (false, true) => format!("may push in a dry run, and fails for real: {summary} ({id})"),
                (true, false) => format!("试运行可以拉取，正式使用会失败：{summary}（{id}）"),
                (false, false) => format!("may pull in the trial, and fails for real: {summary} ({id})"),
            };
        }
        let text = match part.verdict {
            Verdict::Fails { is_foreseen } => {
                let way = match is_write {
                    true => self.pick("a push fails", "推送失败"),
                    false => self.pick("fails", "失败"),
                };
                let code = match self.is_chinese() {
                    // The trial did without what any client asks for.
                    _ if part.report.exit == 0 => String::new(),
                    true => format!("，退出码 {}", part.report.exit),
                    false => format!(", code {}", part.report.exit),
                };
                let why = match &part.blamed {
                    Some(line) => self.blame(line),
                    None => self.why(&part.report),
                };
                let foreseen = match is_foreseen {
                    true => "",
                    false => self.pick("; the file does not show it", "；配置里看不出来"),
                };
                return format!("{way}{code}{why}{foreseen}");
            }
            Verdict::Works | Verdict::Refused | Verdict::Differs => self.end(part, is_write),
        };
        match (part.verdict, part.expected) {
            (Verdict::Differs, Some(expected)) => {
                let expected = self.word(expected, is_write);
                match self.is_chinese() {
                    true => format!("{text}；预测的是：{expected}"),
                    false => format!("{text}; foretold was: {expected}"),
                }
            }
            _ => text,
        }
    }

    fn end(&self, part: &Compared, is_write: bool) -> String {
        let word = self.word(part.end, is_write);
        if part.end != End::Works || is_write {
            return word.to_owned();
        }
        let facts = &part.report.stage(Step::Pull).facts;
        let came = facts.iter().find_map(|fact| match fact {
            Fact::Files(files, _) => Some(*files),
            _ => None,
        });
        let came = match came {
            None => self.pick("no file seen", "没有看到文件").to_owned(),
            Some(files) if self.is_chinese() => format!("取到 {files} 个文件"),
            Some(1) => "1 file came".to_owned(),
            Some(files) => format!("{files} files came"),
        };
        let without = without(part.report.stage(Step::Setup), self.language());
        match (without, self.is_chinese()) {
            (None, true) => format!("{word}（{came}）"),
            (None, false) => format!("{word} ({came})"),
            (Some(without), true) => format!("{word}（{came}，{without}）"),
            (Some(without), false) => format!("{word} ({came}, {without})"),
        }
    }

    fn word(&self, end: End, is_write: bool) -> &'static str {
        match end {
            End::Works if is_write => self.pick("may push", "可以推送"),
            End::Works => self.pick("may pull", "可以拉取"),
            End::NoEntry => self.pick("is not admitted", "不允许访问"),
            End::Shut => self.pick(
                "shut: `max connections` is below 0",
                "已关闭：`max connections` 小于 0",
            ),
            End::NoLogin => self.pick("may not log in", "不能登录"),
            End::NoReading => self.pick("may not pull (`write only`)", "不能拉取（`write only`）"),
            End::NoWriting => self.pick("may not push (`read only`)", "不能推送（`read only`）"),
            End::Fails => self.pick("fails", "失败"),
        }
    }

    fn not_tried(&self, not_tried: &NotTried) -> String {
        let zh = self.is_chinese();
        let why = match not_tried.why {
            Why::Members(count) if zh => {
                return self.of(
                    not_tried,
                    &format!("另有 {count} 个成员用同一个密码登录，没有逐个试"),
                );
            }
            Why::Members(count) => {
                let members = one(count, "member", "members");
                let text = format!("{count} more {members} log in with the same password, and are not tried");
                return self.of(not_tried, &text);
            }
            Why::Secrets => {
                let account = self.trial.account.as_deref().unwrap_or("root");
                let text = match zh {
                    true => format!(
                        "没有试：`{account}` 无权读取 secrets 文件，以它运行的守护进程谁也不能登录；root 启动的守护进程能读到"
                    ),
                    false => format!(
                        "not tried: `{account}` may not read the secrets file, so a daemon of that user lets nobody log in; one that root starts reads it"
                    ),
                };
                return self.of(not_tried, &text);
            }
            Why::NotAdmitted if self.trial.is_from_named => self.pick(
                "not tried further: it does not admit this address",
                "没有继续试：它不允许这个地址访问",
            ),
            Why::NotAdmitted => self.pick(
                "not tried further: it admits none of the addresses that its host lists name; `--from ADDRESS` tries another",
                "没有继续试：它的主机列表里写出的地址都不允许访问；可以用 `--from 地址` 试别的地址",
            ),
            Why::Group => self.pick(
                "not tried: no user of this machine is let in as a member of this group",
                "没有试：本机没有以这个组的成员身份获准登录的用户",
            ),
            Why::Name => self.pick(
                "not tried: no client can send this name",
                "没有试：客户端无法发送这个名字",
            ),
        };
        self.of(not_tried, why)
    }

    /// Behind who was not tried.
    fn of(&self, not_tried: &NotTried, why: &str) -> String {
        match &not_tried.user {
            Some(user) => format!("{user}{}{why}", self.colon()),
            None => why.to_owned(),
        }
    }

    /// Behind a colon, what the line that is blamed does.
    fn blame(&self, line: &Blamed) -> String {
        let (name, place) = (line.parameter.name(), &line.place);
        match (self.is_chinese(), line.parameter) {
            (true, Parameter::DaemonUid) => {
                format!("：{place} 的 `{name}` 使守护进程变成一个无权读取 secrets 文件的用户")
            }
            (false, Parameter::DaemonUid) => {
                format!(": `{name}` ({place}) makes the daemon a user who may not read the secrets file")
            }
            (true, Parameter::RefuseOptions) => {
                format!(
                    "：{place} 的 `{name}` 连 `--recursive` 和 `--dirs` 都拒绝，谁也看不到模块里有什么，只能按名字取单个文件"
                )
            }
            (false, Parameter::RefuseOptions) => format!(
                ": `{name}` ({place}) refuses `--recursive` and `--dirs` too, so nobody sees what is in the module, and a file comes by its name alone"
            ),
            (true, _) => format!("：{place} 的 `{name}` 命令一直没有结束，客户端等到超时"),
            (false, _) => {
                format!(": the command of `{name}` ({place}) does not end, and the client gives up")
            }
        }
    }

    /// Behind a colon, what a report says is wrong.
    fn why(&self, report: &Report) -> String {
        let found = report.explanation.as_ref();
        let why = found.and_then(|found| headline(found, self.language()));
        let why = why.or_else(|| {
            let facts = report.failed().into_iter().flat_map(|stage| &stage.facts);
            facts.into_iter().find_map(|fact| match fact {
                Fact::Said(line) => Some(line.clone()),
                _ => None,
            })
        });
        why.map_or_else(String::new, |why| format!("{}{why}", self.colon()))
    }
}

/// What became of a process that a command of the configuration had left running.
pub fn stayed(stayed: &Stayed, language: Language) -> String {
    let Stayed { id, name, is_ended } = stayed;
    match (language, is_ended) {
        (Language::English, true) => format!(
            "a command of the file still ran when the trial was over, and was ended: process {id}, `{name}`"
        ),
        (Language::English, false) => format!(
            "a command of the file left process {id}, `{name}`, which still runs: end it with `kill {id}` if it is not to"
        ),
        (Language::Chinese, true) => {
            format!("试运行结束时，配置里的命令还在运行，已将其结束：进程 {id}（`{name}`）")
        }
        (Language::Chinese, false) => {
            format!("配置里的命令留下了进程 {id}（`{name}`），它还在运行；不需要的话用 `kill {id}` 结束它")
        }
    }
}

/// The word for a count.
pub(super) const fn one(count: usize, singular: &'static str, plural: &'static str) -> &'static str {
    if count == 1 { singular } else { plural }
}
