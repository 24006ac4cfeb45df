//! What a configuration on trial was worth, for people and for programs.

mod json;
mod unseen;
mod words;

use std::{collections::BTreeSet, io};

use crate::{
    catalog::Language,
    explain::Explanation,
    model::Parameter,
    probe::tryout::{Attempt, Outcome, Trial, Verdict, Why},
    render::{
        Format, Style,
        explanation::{Doubt, human},
        next::{cure, edit},
        style::{bold, dim, green, red, wrapped},
        trial::{
            unseen::cure_of,
            words::{Row, one},
        },
        visible::visible,
        words::pick,
    },
};

pub use words::stayed;

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

/// The commands whose end decides whether a transfer begins.
const GATES: [Parameter; 2] = [Parameter::EarlyExec, Parameter::PreXferExec];

/// The page of what only a daemon of root can do.
const ROOT_NEEDED: &str = "RSY409";

/// What is counted of the modules.
#[derive(Default)]
struct Counts {
    works: usize,
    shut: usize,
    fails: usize,
    not_tried: usize,
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
        match self.first_failure() {
            Some(failure) => {
                writeln!(out, "{}", bold(&visible(&failure), style))?;
                writeln!(out, "{}", self.counted())?;
            }
            None => writeln!(out, "{}", bold(&visible(&self.verdict()), style))?,
        }
        let account = self.account();
        if let Some(account) = &account {
            writeln!(out, "{}", wrapped(&visible(account), "  ", style))?;
        }
        writeln!(out)?;
        let width = self.width();
        self.line(&self.start(), self.pick("start", "启动"), width, out)?;
        for row in self.unstarted().into_iter().chain(self.ignored()) {
            self.line(&row, "", width, out)?;
        }
        for module in &self.trial.modules {
            let mut name = &*module.name;
            for row in self.rows(module) {
                self.line(&row, name, width, out)?;
                name = "";
            }
        }
        for (title, found) in self.failures() {
            writeln!(out, "\n{}", bold(&visible(&title), style))?;
            human(found, Doubt::None, style, out)?;
        }
        self.remarks(out)?;
        if let Some((side, command)) = self.next() {
            let word = match self.language() {
                Language::English => format!("type next{side}"),
                Language::Chinese => format!("下一步{side}"),
            };
            writeln!(
                out,
                "\n{word}{}{}",
                self.colon(),
                green(&visible(&command), style)
            )?;
        } else if !self.trial.is_bad() {
            writeln!(out, "\n{}", self.health())?;
        }
        Ok(())
    }

    /// That nothing is to be done, as far as it was tried.
    fn health(&self) -> &'static str {
        let mut modules = self.trial.modules.iter();
        let is_whole = modules.all(|module| module.not_tried.is_empty());
        if is_whole && self.trial.without_effect.iter().any(|one| GATES.contains(one)) {
            return self.pick(
                "nothing to do for what was tried; what the commands of the file do, which let transfers in or not, --hooks tries",
                "试过的部分无需处理；配置里的命令决定是否允许传输，加上 --hooks 才会试",
            );
        }
        match is_whole {
            true => self.pick("all is well: nothing to do", "一切正常：无需处理"),
            false => self.pick(
                "nothing to do for what was tried; what was not is named above",
                "试过的部分无需处理；没有试的部分见上文",
            ),
        }
    }

    /// What is to be typed next, and where.
    fn next(&self) -> Option<(String, String)> {
        let parts = self.trial.modules.iter().flat_map(|module| &module.attempts);
        let mut bad = parts
            .flat_map(Attempt::parts)
            .filter(|part| part.verdict.is_bad());
        let first = bad.next();
        if let Some(found) = &self.trial.unstarted {
            return cure_of(found).map(|command| (String::new(), command));
        }
        let here = |command| (String::new(), command);
        let file = shell_words::quote(&self.trial.file);
        let as_root = || here(format!("sudo rsyncctl try {file}"));
        if let Some(part) = first {
            if let Some(found) = &part.unseen {
                return cure_of(found).map(here);
            }
            if let Some(line) = &part.blamed {
                return edit(&line.place).map(here);
            }
        }
        let start = match &self.trial.start.outcome {
            Outcome::Ended { explanation, .. } => explanation.as_ref(),
            Outcome::Listened(report) => report.explanation.as_ref(),
        };
        let Some(found) = first.map_or(start, |part| part.report.explanation.as_ref()) else {
            if !self.trial.ignored.is_empty() || self.trial.empty.is_some() {
                return Some(here(format!("rsyncctl lint --kind rsyncd.conf {file}")));
            }
            let mut not_tried = self.trial.modules.iter().flat_map(|module| &module.not_tried);
            let is_closed = not_tried.any(|not_tried| not_tried.why == Why::Secrets);
            return is_closed.then(as_root);
        };
        if self.trial.account.is_some() && rules(found).first() == Some(&ROOT_NEEDED) {
            return Some(as_root());
        }
        let (side, command) = cure(found, self.language())?;
        let side = side.map_or_else(String::new, |side| format!("{}{side}", self.pick(", ", "，")));
        Some((side, command))
    }

    /// Who the daemon ran as, if not as root.
    fn account(&self) -> Option<String> {
        let account = self.trial.account.as_ref()?;
        Some(match self.language() {
            Language::English => format!(
                "the daemon ran as `{account}`, not as root: `uid`, `gid`, `use chroot` and the secrets file mean something else then; run as root what root is to start"
            ),
            Language::Chinese => format!(
                "守护进程以 `{account}` 而不是 root 运行：`uid`、`gid`、`use chroot` 和 secrets 文件的效果会不同；正式由 root 启动的，请用 root 试运行"
            ),
        })
    }

    /// The first line of a module that tells of a failure.
    fn first_failure(&self) -> Option<String> {
        let mut rows = self
            .trial
            .modules
            .iter()
            .flat_map(|module| self.rows(module).into_iter().map(move |row| (module, row)));
        let Some((module, row)) = rows.find(|(_, row)| row.verdict.is_bad()) else {
            let row = self
                .unstarted()
                .or_else(|| self.ignored())
                .filter(|_| self.start().verdict == Verdict::Works)?;
            return Some(format!("{}{}{}", self.trial.file, self.colon(), row.text));
        };
        Some(format!(
            "{}{}[{}] {}",
            self.trial.file,
            self.colon(),
            module.name,
            row.text
        ))
    }

    /// What else is to be known, a line each.
    fn remarks(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let mut remarks = Vec::new();
        if self.trial.differs() {
            remarks.push(self.pick(
                "`!` marks what rsyncctl foretold wrongly: that is a fault of rsyncctl; please report it with the lines of the module",
                "标有 `!` 的地方，rsyncctl 的预测与守护进程的实际行为不一致：这是 rsyncctl 的错误，请连同该模块的配置一起报告",
            ).to_owned());
        }
        let language = self.language();
        remarks.extend(self.trial.stayed.iter().map(|one| stayed(one, language)));
        let names = self.trial.without_effect.iter();
        let names: Vec<_> = names.map(|parameter| format!("`{}`", parameter.name())).collect();
        if !names.is_empty() {
            let names = names.join(self.pick(", ", "、"));
            remarks.push(match self.language() {
                Language::English => format!("without effect in the trial: {names}"),
                Language::Chinese => format!("试运行时不起作用：{names}"),
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
        for row in self.unstarted().into_iter().chain(self.ignored()) {
            writeln!(out, "{}", visible(&format!("{file}{}{}", self.colon(), row.text)))?;
        }
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
        let start = self.start();
        let text = match start.verdict {
            Verdict::Works => self.counted(),
            _ => start.text,
        };
        format!("{}{}{text}", self.trial.file, self.colon())
    }

    /// How many modules ended how.
    fn counted(&self) -> String {
        let counts = self.counts();
        let Counts {
            works,
            shut,
            fails,
            not_tried,
        } = counts;
        let all = works + shut + fails + not_tried;
        let release = self.trial.release;
        let mut parts = Vec::new();
        if self.is_chinese() {
            parts.extend((fails > 0).then(|| format!("{fails} 个不正常")));
            parts.extend((not_tried > 0).then(|| format!("{not_tried} 个没能试")));
            parts.extend((shut > 0).then(|| format!("{shut} 个被 `max connections` 关闭")));
            parts.extend((works > 0).then(|| format!("{works} 个正常")));
            let parts = parts.join("，");
            return match all {
                0 => format!(
                    "守护进程能启动，但没有模块，谁也用不了{}（rsync {release}）",
                    self.why_empty()
                ),
                _ => format!("共 {all} 个模块：{parts}（rsync {release}）"),
            };
        }
        parts.extend((fails > 0).then(|| format!("{fails} {}", one(fails, "fails", "fail"))));
        parts.extend(
            (not_tried > 0).then(|| format!("{not_tried} {} not tried", one(not_tried, "is", "are"))),
        );
        parts.extend(
            (shut > 0).then(|| format!("{shut} {} shut by `max connections`", one(shut, "is", "are"))),
        );
        parts.extend((works > 0).then(|| format!("{works} {}", one(works, "works", "work"))));
        let parts = parts.join(", ");
        let modules = one(all, "module", "modules");
        match all {
            0 => format!(
                "the daemon starts, and has no module, so it serves nothing{} (rsync {release})",
                self.why_empty()
            ),
            _ => format!("of {all} {modules}, {parts} (rsync {release})"),
        }
    }

    /// Behind a colon, why there is no module.
    fn why_empty(&self) -> String {
        match self.trial.empty {
            Some("RSY110") => self.pick(
                ": the file is no plain text, NUL bytes end its lines (RSY110)",
                "：文件不是纯文本，NUL 字节截断了行（RSY110）",
            ),
            Some("RSY232") => self.pick(
                ": write a header such as `[data]`, and `path = /srv/data` below it (RSY232)",
                "：写上 `[data]` 这样的段头，并在下面写 `path = /srv/data`（RSY232）",
            ),
            _ => "",
        }
        .to_owned()
    }

    fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for module in &self.trial.modules {
            let count = match module.verdict() {
                verdict if verdict.is_bad() => &mut counts.fails,
                _ if module.is_shut() => &mut counts.shut,
                _ if module.is_left_out() => &mut counts.not_tried,
                _ => &mut counts.works,
            };
            *count += 1;
        }
        counts
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
                    let is_told = part.verdict.is_bad() && part.blamed.is_none();
                    let found = part.report.explanation.as_ref().filter(|_| is_told);
                    let Some(found) = found.filter(|found| !found.incidents.is_empty()) else {
                        continue;
                    };
                    if told.insert(rules(found)) {
                        failures.push((self.title(&module.name, attempt.user.as_deref()), found));
                    }
                }
            }
        }
        failures
    }

    fn title(&self, module: &str, user: Option<&str>) -> String {
        match (user, self.language()) {
            (None, Language::English) => format!("module {module}"),
            (None, Language::Chinese) => format!("模块 {module}"),
            (Some(user), Language::English) => format!("module {module}, as {user}"),
            (Some(user), Language::Chinese) => format!("模块 {module}，用户 {user}"),
        }
    }
}

/// The first cause of each failure, which tells explanations apart.
pub(super) fn rules(found: &Explanation) -> Vec<&'static str> {
    let causes = found
        .incidents
        .iter()
        .filter_map(|incident| incident.causes.first());
    causes.map(|cause| cause.page.id).collect()
}
