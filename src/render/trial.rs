//! What a configuration on trial was worth, for people and for programs.

use std::{collections::BTreeSet, io};

use serde_json::{Value, json};

use crate::{
    catalog::Language,
    explain::Explanation,
    probe::{
        Fact, Report, Step,
        trial::{Attempt, Compared, End, ModuleTrial, NotTried, Outcome, Trial, Verdict, Why},
    },
    render::{
        Format, Style,
        explanation::{bold, diagnoses, dim, explanation, green, headline, next, red, wrapped},
        visible::visible,
        words::pick,
    },
};

/// Writes what came of a trial.
///
/// # Errors
/// What writing to `out` gives.
pub fn trial(format: Format, trial: &Trial, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let view = View { trial, style };
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &view.envelope())?;
            writeln!(out)
        }
        Format::Concise => view.concise(out),
        _ => view.human(out),
    }
}

struct View<'t> {
    trial: &'t Trial,
    style: Style,
}

/// What is counted of the modules.
#[derive(Default)]
struct Counts {
    works: usize,
    fails: usize,
    not_tried: usize,
}

/// A line of the table.
struct Row {
    verdict: Verdict,
    text: String,
}

impl View<'_> {
    fn language(&self) -> Language {
        self.style.language
    }

    fn pick(&self, english: &'static str, chinese: &'static str) -> &'static str {
        pick(self.language(), english, chinese)
    }

    fn is_chinese(&self) -> bool {
        self.language() == Language::Chinese
    }

    const fn colon(&self) -> &'static str {
        match self.style.language {
            Language::English => ": ",
            Language::Chinese => "：",
        }
    }

    fn human(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let style = self.style;
        writeln!(out, "{}", bold(&visible(&self.verdict()), style))?;
        writeln!(out)?;
        let width = self.width();
        self.line(&self.start(), self.pick("start", "启动"), width, out)?;
        for module in &self.trial.modules {
            let mut name = &*module.name;
            for row in self.rows(module) {
                self.line(&row, name, width, out)?;
                name = "";
            }
        }
        for (title, found) in self.failures() {
            writeln!(out, "\n{}", bold(&visible(&title), style))?;
            explanation(Format::Human, found, "", style, out)?;
        }
        self.remarks(out)?;
        if let Some((side, command)) = self
            .failures()
            .first()
            .and_then(|(_, found)| next(found, self.language()))
        {
            let word = match self.language() {
                Language::English => format!("type next, {side}"),
                Language::Chinese => format!("下一步，{side}"),
            };
            writeln!(
                out,
                "\n{word}{}{}",
                self.colon(),
                green(&visible(&command), style)
            )?;
        }
        Ok(())
    }

    /// What else is to be known, a line each.
    fn remarks(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut remarks = Vec::new();
        if self.differs() {
            remarks.push(self.pick(
                "`!` marks what rsyncctl foretold wrongly: that is a fault of rsyncctl; please report it with the lines of the module",
                "标有 `!` 的地方，rsyncctl 的预测与守护进程的实际行为不一致：这是 rsyncctl 的错误，请连同该模块的配置一起报告",
            ).to_owned());
        }
        let names = self.trial.without_effect.iter();
        let names: Vec<_> = names.map(|parameter| format!("`{}`", parameter.name())).collect();
        if !names.is_empty() {
            let names = names.join(self.pick(", ", "、"));
            remarks.push(match self.language() {
                Language::English => format!("without effect in the trial: {names}"),
                Language::Chinese => format!("试运行时不起作用：{names}"),
            });
        }
        if let Some(account) = &self.trial.account {
            remarks.push(match self.language() {
                Language::English => format!(
                    "the daemon ran as `{account}`, not as root: `uid`, `gid`, `use chroot` and the secrets file mean something else then; run as root what root is to start"
                ),
                Language::Chinese => format!(
                    "守护进程以 `{account}` 而不是 root 运行：`uid`、`gid`、`use chroot` 和 secrets 文件的效果会不同；正式由 root 启动的，请用 root 试运行"
                ),
            });
        }
        if remarks.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        for remark in remarks {
            writeln!(out, "{}", wrapped(&visible(&remark), "  ", self.style))?;
        }
        Ok(())
    }

    fn concise(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let file = &self.trial.file;
        for module in &self.trial.modules {
            for row in self.rows(module) {
                let line = format!("{file}{}[{}] {}", self.colon(), module.name, row.text);
                writeln!(out, "{}", visible(&line))?;
            }
        }
        writeln!(out, "{}", visible(&self.verdict()))
    }

    fn line(&self, row: &Row, name: &str, width: usize, out: &mut dyn io::Write) -> io::Result<()> {
        let style = self.style;
        let sign = match (row.verdict, style.unicode) {
            (Verdict::Works, true) => green("✓", style),
            (Verdict::Works, false) => green("+", style),
            (Verdict::Refused, _) => dim("-", style),
            (Verdict::Fails { .. }, true) => red("✗", style),
            (Verdict::Fails { .. }, false) => red("x", style),
            (Verdict::Differs, _) => red("!", style),
        };
        let name = visible(name);
        let gap = " ".repeat(width.saturating_sub(textwrap::core::display_width(&name)) + 2);
        writeln!(out, "  {sign} {name}{gap}{}", visible(&row.text))
    }

    fn width(&self) -> usize {
        let names = self.trial.modules.iter().map(|module| &*module.name);
        let names = names.chain([self.pick("start", "启动")]);
        let widths = names.map(|name| textwrap::core::display_width(&visible(name)));
        widths.max().unwrap_or_default().min(24)
    }

    /// How it ended, in one line.
    fn verdict(&self) -> String {
        let file = &self.trial.file;
        let colon = self.colon();
        let start = self.start();
        if start.verdict != Verdict::Works {
            return format!("{file}{colon}{}", start.text);
        }
        let counts = self.counts();
        let Counts {
            works,
            fails,
            not_tried,
        } = counts;
        let all = works + fails + not_tried;
        let release = self.trial.release;
        let mut parts = Vec::new();
        if self.is_chinese() {
            parts.extend((fails > 0).then(|| format!("{fails} 个不正常")));
            parts.extend((not_tried > 0).then(|| format!("{not_tried} 个没能试")));
            parts.extend((works > 0).then(|| format!("{works} 个正常")));
            let parts = parts.join("，");
            return format!("{file}：共 {all} 个模块：{parts}（rsync {release}）");
        }
        parts.extend((fails > 0).then(|| format!("{fails} {}", one(fails, "fails", "fail"))));
        parts.extend(
            (not_tried > 0).then(|| format!("{not_tried} {} not tried", one(not_tried, "is", "are"))),
        );
        parts.extend((works > 0).then(|| format!("{works} {}", one(works, "works", "work"))));
        let parts = parts.join(", ");
        let modules = one(all, "module", "modules");
        match all {
            0 => format!("{file}: the daemon starts, and has no module (rsync {release})"),
            _ => format!("{file}: of {all} {modules}, {parts} (rsync {release})"),
        }
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for module in &self.trial.modules {
            let rows = self.rows(module);
            let is_bad = |row: &Row| matches!(row.verdict, Verdict::Fails { .. } | Verdict::Differs);
            let is_left_out = |not_tried: &NotTried| not_tried.user.is_none();
            if rows.iter().any(is_bad) {
                counts.fails += 1;
            } else if module.not_tried.iter().any(is_left_out) {
                counts.not_tried += 1;
            } else {
                counts.works += 1;
            }
        }
        counts
    }

    fn differs(&self) -> bool {
        let modules = &self.trial.modules;
        self.trial.start.verdict() == Verdict::Differs
            || modules.iter().any(|module| {
                let mut rows = self.rows(module).into_iter();
                rows.any(|row| row.verdict == Verdict::Differs)
            })
    }

    fn start(&self) -> Row {
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
                    true => format!("rsync {release} 已监听，列出 {count} 个模块"),
                    false => format!("rsync {release} listens, and lists {count} {modules}"),
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

    /// The lines of a module.
    fn rows(&self, module: &ModuleTrial) -> Vec<Row> {
        let mut rows: Vec<_> = module
            .attempts
            .iter()
            .map(|attempt| self.row(module, attempt))
            .collect();
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

    fn row(&self, module: &ModuleTrial, attempt: &Attempt) -> Row {
        let mut parts = vec![self.part(&attempt.read, false)];
        parts.extend(attempt.write.as_ref().map(|write| self.part(write, true)));
        let parts = parts.join(self.pick(", ", "，"));
        let from = module.from;
        let who = match (&attempt.user, from.is_loopback()) {
            (Some(user), true) => Some(user.clone()),
            (None, true) => None,
            (Some(user), false) if self.is_chinese() => Some(format!("{user}（来自 {from}）")),
            (Some(user), false) => Some(format!("{user} from {from}")),
            (None, false) if self.is_chinese() => Some(format!("来自 {from}")),
            (None, false) => Some(format!("from {from}")),
        };
        let text = match who {
            Some(who) => format!("{who}{}{parts}", self.colon()),
            None => parts,
        };
        let rank = |verdict: &Verdict| match verdict {
            Verdict::Refused => 0,
            Verdict::Works => 1,
            Verdict::Fails { .. } => 2,
            Verdict::Differs => 3,
        };
        let verdicts = attempt.parts().map(|part| part.verdict);
        Row {
            verdict: verdicts.max_by_key(rank).unwrap_or(Verdict::Works),
            text,
        }
    }

    /// One way to use a module.
    fn part(&self, part: &Compared, is_write: bool) -> String {
        let text = match part.verdict {
            Verdict::Fails { is_foreseen } => {
                let way = match is_write {
                    true => self.pick("a push fails", "推送失败"),
                    false => self.pick("fails", "失败"),
                };
                let code = match self.is_chinese() {
                    true => format!("，退出码 {}", part.report.exit),
                    false => format!(", code {}", part.report.exit),
                };
                let why = self.why(&part.report);
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
        let files = part
            .report
            .stage(Step::List)
            .facts
            .iter()
            .find_map(|fact| match fact {
                Fact::Files(files, _) => Some(*files),
                _ => None,
            });
        match files {
            Some(files) if part.end == End::Works && !is_write => match self.is_chinese() {
                true => format!("{word}（{files} 个文件）"),
                false => format!("{word} ({files} {})", if files == 1 { "file" } else { "files" }),
            },
            _ => word.to_owned(),
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
        let why = match not_tried.why {
            Why::NotAdmitted => self.pick(
                "not tried further: it does not admit this address",
                "没有继续试：它不允许这个地址访问",
            ),
            Why::Group => self.pick(
                "not tried: its members log in with the group's password",
                "没有试：组成员以自己的名字和组的密码登录",
            ),
            Why::Name => self.pick(
                "not tried: no client can send this name",
                "没有试：客户端无法发送这个名字",
            ),
        };
        match &not_tried.user {
            Some(user) => format!("{user}{}{why}", self.colon()),
            None => why.to_owned(),
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

    /// What fails, with its explanation; of users who meet the same, the first.
    fn failures(&self) -> Vec<(String, &Explanation)> {
        let mut failures = Vec::new();
        let start = match &self.trial.start.outcome {
            Outcome::Ended { explanation, .. } => explanation.as_ref(),
            Outcome::Listened(report) => report.explanation.as_ref().filter(|_| report.exit != 0),
        };
        let start = start.filter(|found| !found.incidents.is_empty());
        failures.extend(start.map(|found| (self.pick("start", "启动").to_owned(), found)));
        for module in &self.trial.modules {
            let mut told = BTreeSet::new();
            for attempt in &module.attempts {
                for part in attempt.parts() {
                    let is_bad = matches!(part.verdict, Verdict::Fails { .. } | Verdict::Differs);
                    let found = part.report.explanation.as_ref().filter(|_| is_bad);
                    let Some(found) = found.filter(|found| !found.incidents.is_empty()) else {
                        continue;
                    };
                    if told.insert(rules(found)) {
                        let user = attempt
                            .user
                            .as_ref()
                            .map_or_else(String::new, |user| format!(", {user}"));
                        failures.push((format!("{}{user}", module.name), found));
                    }
                }
            }
        }
        failures
    }

    fn envelope(&self) -> Value {
        let trial = self.trial;
        let language = self.language();
        let failures = self.failures();
        let diagnoses: Vec<_> = failures
            .iter()
            .flat_map(|(_, found)| match diagnoses(found, "stderr", language) {
                Value::Array(diagnoses) => diagnoses,
                _ => Vec::new(),
            })
            .collect();
        let counts = self.counts();
        let (listens, exit) = match &trial.start.outcome {
            Outcome::Ended { exit, .. } => (false, *exit),
            Outcome::Listened(_) => (true, None),
        };
        json!({
            "schema": "rsyncctl/1",
            "command": "try",
            "file": trial.file,
            "rsync": trial.release,
            "account": trial.account,
            "without_effect": trial.without_effect.iter().map(|parameter| parameter.name()).collect::<Vec<_>>(),
            "start": {
                "verdict": trial.start.verdict().key(),
                "foretold": { "listens": trial.start.starts, "greets": trial.start.serves },
                "listens": listens,
                "greets": trial.start.greets(),
                "exit": exit,
            },
            "modules": trial.modules.iter().map(module).collect::<Vec<_>>(),
            "diagnoses": diagnoses,
            "unchecked": [],
            "summary": {
                "works": counts.works,
                "fails": counts.fails,
                "not_tried": counts.not_tried,
                "differs": self.differs(),
                "seconds": trial.time.as_secs_f64(),
            },
        })
    }
}

/// The first cause of each failure, which tells explanations apart.
fn rules(found: &Explanation) -> Vec<&'static str> {
    let causes = found
        .incidents
        .iter()
        .filter_map(|incident| incident.causes.first());
    causes.map(|cause| cause.page.id).collect()
}

const fn one(count: usize, singular: &'static str, plural: &'static str) -> &'static str {
    if count == 1 { singular } else { plural }
}

fn module(module: &ModuleTrial) -> Value {
    json!({
        "module": module.name,
        "from": module.from,
        "listed": { "foretold": module.is_to_be_listed, "is": module.is_listed },
        "attempts": module.attempts.iter().map(attempt).collect::<Vec<_>>(),
        "not_tried": module.not_tried.iter().map(|not_tried| {
            json!({ "user": not_tried.user, "reason": not_tried.why.key() })
        }).collect::<Vec<_>>(),
    })
}

fn attempt(attempt: &Attempt) -> Value {
    json!({
        "user": attempt.user,
        "read": compared(&attempt.read),
        "write": attempt.write.as_ref().map(compared),
    })
}

fn compared(part: &Compared) -> Value {
    let rule = part
        .report
        .explanation
        .as_ref()
        .and_then(|found| rules(found).first().copied());
    json!({
        "verdict": part.verdict.key(),
        "foretold": part.expected.map(End::key),
        "end": part.end.key(),
        "foreseen": match part.verdict {
            Verdict::Fails { is_foreseen } => Some(is_foreseen),
            _ => None,
        },
        "exit": part.report.exit,
        "stage": part.report.failed().map(|stage| stage.step.key()),
        "rule": rule.filter(|_| part.report.exit != 0),
        "rsync": part.report.command,
    })
}
