//! What a probe showed, for people and for programs.

mod aside;
mod json;
mod last;
mod partial;

use std::{io, time::Duration};

use crate::{
    catalog::{Language, fill},
    probe::{Fact, Remark, Report, Skip, Stage, State, Step},
    render::{
        Format, Style,
        explanation::{explanation, headline},
        probe::{
            aside::{meant_otherwise, names, not_carried_out, without_it},
            last::{is_dry, last_line},
            partial::{lacks, left, partial},
        },
        style::{bold, dim, green, red, wrapped},
        visible::visible,
        words::{pick, severity},
    },
    sync::LoginSource,
    terms::Release,
};

/// Modules of a list that are named in the human format.
const MODULES: usize = 20;

/// Writes what a probe showed.
///
/// # Errors
/// What writing to `out` gives.
pub fn probe(format: Format, report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &json::envelope(report, style.language))?;
            writeln!(out)
        }
        Format::Concise => writeln!(out, "{}", visible(&verdict(report, style.language))),
        _ => human(report, style, out),
    }
}

fn human(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    writeln!(out, "{}", bold(&visible(&verdict(report, language)), style))?;
    if let Some(line) = not_carried_out(report, language) {
        writeln!(out, "{}", wrapped(&visible(&line), "  ", style))?;
    }
    writeln!(out)?;
    let asked = |stage: &&Stage| stage.state != State::Skipped(Skip::NotAsked);
    let stages: Vec<_> = report.stages.iter().filter(asked).collect();
    let is_alike = |one: &&Stage, other: &&Stage| one.state == other.state && one.state.is_idle();
    for stages in stages.chunk_by(is_alike) {
        match stages {
            [stage] => line(stage, style, out)?,
            stages => left_out(stages, style, out)?,
        }
    }
    if let Some(found) = &report.explanation {
        writeln!(out)?;
        explanation(Format::Human, found, "", style, out)?;
    }
    remarks(report, style, out)?;
    let last = last_line(report, language);
    let text = visible(&last.text);
    let text = if last.is_command {
        green(&text, style)
    } else {
        text
    };
    writeln!(out, "\n{}{}{text}", last.word, colon(language))
}

/// What else is to be known about the server.
fn remarks(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    if !report.remarks.is_empty() {
        let head = pick(language, "noticed besides", "另外注意到");
        writeln!(out, "\n{head}{}", colon(language).trim_end())?;
    }
    for remark in &report.remarks {
        let [title, message, help] = words_of(remark, language);
        let severity = severity(remark.severity, language);
        let title = format!(
            "  {severity} {}{}{}",
            remark.page.id,
            colon(language),
            visible(&title)
        );
        writeln!(out, "{}", wrapped(&title, "    ", style))?;
        for (word, text) in [
            (pick(language, "why", "原因"), message),
            (pick(language, "cure", "解决"), help),
        ] {
            let text = format!("    {word}{}{}", colon(language), visible(&text));
            writeln!(out, "{}", wrapped(&text, "      ", style))?;
        }
    }
    Ok(())
}

/// Title, message and cure of a remark.
fn words_of(remark: &Remark, language: Language) -> [String; 3] {
    let text = remark.page.text(None, language);
    let arguments = remark.arguments(language);
    [text.title, text.message, text.help].map(|text| fill(text.unwrap_or_default(), &arguments).into_owned())
}

/// How it ended, in one line.
fn verdict(report: &Report, language: Language) -> String {
    let target = &report.subject;
    let time = shown(report.time);
    if let (None, Some(slip)) = (report.failed(), report.slip()) {
        return meant_otherwise(target, slip, &time, language);
    }
    let Some(stage) = report.failed() else {
        if !report.left_out.is_empty() {
            let names = names(&report.left_out, language);
            return match language {
                Language::English => {
                    format!(
                        "{target}: rsync's own part works; {names} around it was not carried out, and may fail it ({time})"
                    )
                }
                Language::Chinese => {
                    format!("{target}：rsync 本身正常；它之外的 {names} 没有执行，可能使它失败（{time}）")
                }
            };
        }
        if let Some(limit) = limit_of(report, language) {
            return match language {
                Language::English => format!("{target}: {limit} ({time})"),
                Language::Chinese => format!("{target}：{limit}（{time}）"),
            };
        }
        return match language {
            Language::English if is_dry(report) => format!("{target}: the dry run works ({time})"),
            Language::Chinese if is_dry(report) => format!("{target}：试运行正常（{time}）"),
            Language::English => format!("{target}: all is well ({time})"),
            Language::Chinese => format!("{target}：一切正常（{time}）"),
        };
    };
    let is_written = report.stage(Step::Push).state.is_passed();
    let step = match stage.step {
        Step::Removal if is_written => pick(language, "writing works, but removal", "可以写入，但删除"),
        step => step_name(step, language),
    };
    if report.is_without() {
        return without_it(report, step, &time, language);
    }
    let why = report
        .explanation
        .as_ref()
        .and_then(|found| headline(found, language));
    let slip = report.slip().map(|slip| slip.text.clone());
    let why = slip.or(why).or_else(|| {
        stage.facts.iter().find_map(|fact| match fact {
            Fact::Said(line) => Some(line.clone()),
            _ => None,
        })
    });
    let why = why.map_or_else(String::new, |why| format!("{}{why}", colon(language)));
    let code = report.exit;
    match language {
        Language::English if code == 0 => format!("{target}: {step} fails{why}"),
        Language::English => format!("{target}: {step} fails, code {code}{why}"),
        Language::Chinese if code == 0 => format!("{target}：{step}失败{why}"),
        Language::Chinese => format!("{target}：{step}失败，退出码 {code}{why}"),
    }
}

/// The options that a daemon refuses, and a probe leaves out.
pub(super) fn without(stage: &Stage, language: Language) -> Option<String> {
    let refused = stage.facts.iter().filter_map(|fact| match fact {
        Fact::Refused(option) => Some(format!("--{option}")),
        _ => None,
    });
    let refused: Vec<_> = refused.collect();
    let names = refused.join(pick(language, ", ", "、"));
    (!refused.is_empty()).then(|| match language {
        Language::English => format!("without {names}, refused by the daemon"),
        Language::Chinese => format!("不带守护进程拒绝的 {names}"),
    })
}

/// What could not be tried although nothing failed: nothing is read from a module that is write only.
fn limit_of(report: &Report, language: Language) -> Option<String> {
    if report.stage(Step::List).state != State::Skipped(Skip::WriteOnly) {
        let without = without(report.stage(Step::Setup), language)?;
        return Some(match language {
            Language::English => format!("works {without}"),
            Language::Chinese => format!("{without}时可用"),
        });
    }
    let words = match report.stage(Step::Push).state {
        State::Passed => pick(
            language,
            "writing works; nothing could be read, for the module is write only",
            "可以写入；模块是只写的，所以没有读取任何内容",
        ),
        _ => pick(
            language,
            "the module is open, but it is write only: nothing could be read, and writing was not tried (--push tries it)",
            "模块可以使用，但它是只写的：没有读取任何内容，也没有试写（--push 会试写）",
        ),
    };
    Some(words.to_owned())
}

/// Stages that were not done for the same reason.
fn left_out(stages: &[&Stage], style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let names: Vec<_> = stages
        .iter()
        .map(|stage| step_name(stage.step, language))
        .collect();
    let names = names.join(pick(language, ", ", "、"));
    let why = match stages[0].state {
        State::Skipped(why) => reason(why, language),
        _ => pick(language, "not reached", "未到达"),
    };
    let text = format!("  - {why}{}{names}", colon(language));
    writeln!(out, "{}", dim(&wrapped(&text, "    ", style), style))
}

fn line(stage: &Stage, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let sign = match (stage.state, style.unicode) {
        (State::Passed, true) => green("✓", style),
        (State::Passed, false) => green("+", style),
        (State::Failed, true) => red("✗", style),
        (State::Failed, false) => red("x", style),
        (State::Skipped(_) | State::NotReached, _) => dim("-", style),
    };
    let step = step_name(stage.step, language);
    let gap = " ".repeat(16_usize.saturating_sub(textwrap::core::display_width(step)));
    let time = stage.time.map_or_else(String::new, shown);
    let mut told: Vec<_> = facts(stage, language);
    match stage.state {
        State::Skipped(why) => told.push(reason(why, language).to_owned()),
        State::NotReached => told.push(pick(language, "not reached", "未到达").to_owned()),
        State::Passed | State::Failed => {}
    }
    for (number, text) in told.iter().map(|text| visible(text)).enumerate() {
        let text = if stage.state.is_idle() {
            dim(&text, style)
        } else {
            text
        };
        if number == 0 {
            writeln!(out, "  {sign} {step}{gap}{time:>9}  {text}")?;
        } else {
            writeln!(out, "{:31}{text}", "")?;
        }
    }
    if told.is_empty() {
        writeln!(out, "  {sign} {step}{gap}{time:>9}")?;
    }
    Ok(())
}

/// What a stage showed, a line each.
pub(super) fn facts(stage: &Stage, language: Language) -> Vec<String> {
    let mut lines = Vec::new();
    let mut words = Vec::new();
    let mut modules = Vec::new();
    words.extend(without(stage, language));
    for fact in &stage.facts {
        match fact {
            Fact::Module(name, _) => modules.push(format!("[{name}]")),
            Fact::Said(line) => lines.push(line.clone()),
            Fact::Left { name, module } => lines.push(left(name, module.as_deref(), language)),
            Fact::Partial(failed, listed) => lines.push(partial(*failed, *listed, language)),
            Fact::Lacks {
                is_of_server,
                account,
                right,
                path,
            } => lines.push(lacks(*is_of_server, account.as_deref(), *right, path, language)),
            Fact::Unreachable(address, why) => lines.push(format!("{address}{}{why}", colon(language))),
            // The greeting shows them, and the first words.
            Fact::Digests(_) | Fact::Refused(_) => {}
            Fact::Deleted(count) => words.push(deleted(*count, stage.step == Step::Transfer, language)),
            fact => words.push(one(fact, language)),
        }
    }
    let more = modules.len().saturating_sub(MODULES);
    modules.truncate(MODULES);
    if more > 0 {
        modules.push(match language {
            Language::English => format!("and {more} more"),
            Language::Chinese => format!("以及另外 {more} 个"),
        });
    }
    words.extend((!modules.is_empty()).then(|| modules.join(" ")));
    let first = words.join(pick(language, ", ", "，"));
    let first = (!first.is_empty()).then_some(first);
    first.into_iter().chain(lines).collect()
}

/// What went from the destination, or would go.
fn deleted(count: u64, is_done: bool, language: Language) -> String {
    let entries = if count == 1 { "entry" } else { "entries" };
    match (language, is_done) {
        (Language::English, true) => format!("{count} {entries} deleted"),
        (Language::English, false) => format!("{count} {entries} would be deleted"),
        (Language::Chinese, true) => format!("删除了 {count} 项"),
        (Language::Chinese, false) => format!("会删除 {count} 项"),
    }
}

/// A fact that stands with others in a line.
fn one(fact: &Fact, language: Language) -> String {
    let zh = language == Language::Chinese;
    match fact {
        Fact::Address(address) => address.to_string(),
        Fact::Service(service) if zh => format!("这是 {service} 服务，不是 rsync"),
        Fact::Service(service) => format!("{service} answers there, not rsync"),
        Fact::Line(line) => format!("`{line}`"),
        Fact::Protocol(number) if zh => format!("协议 {number}"),
        Fact::Protocol(number) => format!("protocol {number}"),
        Fact::Newest(number) if zh => format!("守护进程最高支持 {number}"),
        Fact::Newest(number) => format!("the daemon's newest is {number}"),
        Fact::Releases(releases)
            if *releases.end() == Release::CURRENT && releases.start() != releases.end() =>
        {
            match language {
                Language::English => format!("rsync {} or newer", releases.start()),
                Language::Chinese => format!("rsync {} 或更新", releases.start()),
            }
        }
        Fact::Releases(releases) if releases.start() == releases.end() => {
            format!("rsync {}", releases.start())
        }
        Fact::Releases(releases) if zh => format!("rsync {} 至 {}", releases.start(), releases.end()),
        Fact::Releases(releases) => format!("rsync {} to {}", releases.start(), releases.end()),
        Fact::User(name, source) => user(name, *source, language),
        Fact::Digest(name) if zh => format!("密码以 {name} 摘要传送"),
        Fact::Digest(name) => format!("the password travels as {name}"),
        Fact::Algorithms(checksum, compression) if zh => format!("校验 {checksum}，压缩 {compression}"),
        Fact::Algorithms(checksum, compression) => {
            format!("checksum {checksum}, compression {compression}")
        }
        Fact::Files(files, bytes) if zh => format!("{files} 个文件，{bytes} 字节"),
        Fact::Files(1, bytes) => format!("1 file of {bytes} bytes"),
        Fact::Files(files, bytes) => format!("{files} files of {bytes} bytes"),
        Fact::Opened(files) if zh => format!("服务器打开了其中 {files} 个文件，没有发送"),
        Fact::Opened(1) => "the server opened 1 file, and sent nothing of it".to_owned(),
        Fact::Opened(files) => format!("the server opened {files} files, and sent nothing of them"),
        Fact::Writes(files, bytes) if zh => format!("会写入 {files} 个文件，{bytes} 字节"),
        Fact::Writes(1, bytes) => format!("1 file of {bytes} bytes would be written"),
        Fact::Writes(files, bytes) => format!("{files} files of {bytes} bytes would be written"),
        Fact::Saving(came, here) if zh => format!("传来 {came} 字节，本地已有 {here} 字节"),
        Fact::Saving(came, here) => format!("{came} bytes came, {here} were here"),
        Fact::Saved(went, there) if zh => format!("发送 {went} 字节，对方已有 {there} 字节"),
        Fact::Saved(went, there) => format!("{went} bytes went, {there} were there"),
        Fact::Deleted(_)
        | Fact::Digests(_)
        | Fact::Lacks { .. }
        | Fact::Partial(..)
        | Fact::Refused(_)
        | Fact::Module(..)
        | Fact::Unreachable(..)
        | Fact::Said(_)
        | Fact::Left { .. } => String::new(),
    }
}

/// Whom the daemon was told, and why.
fn user(name: &str, source: LoginSource, language: Language) -> String {
    let zh = language == Language::Chinese;
    let from = match source {
        LoginSource::Address => pick(language, "of the address", "来自地址"),
        LoginSource::User => pick(
            language,
            "from $USER: the address names nobody",
            "来自 $USER：地址里没有写用户",
        ),
        LoginSource::Logname => pick(
            language,
            "from $LOGNAME: the address names nobody, and $USER is not set",
            "来自 $LOGNAME：地址里没有写用户，也没有 $USER",
        ),
        LoginSource::Nobody => pick(
            language,
            "neither the address nor $USER or $LOGNAME name one",
            "地址、$USER 和 $LOGNAME 都没有指定用户",
        ),
        LoginSource::Given => "",
    };
    match (from, zh) {
        ("", true) => format!("用户 `{name}`"),
        ("", false) => format!("user `{name}`"),
        (from, true) => format!("用户 `{name}`（{from}）"),
        (from, false) => format!("user `{name}` ({from})"),
    }
}

/// The name that programs read.
const fn login_source(source: LoginSource) -> &'static str {
    match source {
        LoginSource::Address => "address",
        LoginSource::User => "USER",
        LoginSource::Logname => "LOGNAME",
        LoginSource::Nobody => "default",
        LoginSource::Given => "given",
    }
}

/// What people call a stage.
pub fn step_name(step: Step, language: Language) -> &'static str {
    match step {
        Step::CommandLine => pick(language, "command line", "命令行"),
        Step::Resolve => pick(language, "resolve", "解析主机名"),
        Step::Connect => pick(language, "connect", "建立连接"),
        Step::Greeting => pick(language, "greeting", "问候"),
        Step::Version => pick(language, "version", "版本"),
        Step::Modules => pick(language, "module list", "列出模块"),
        Step::Module => pick(language, "module", "选择模块"),
        Step::Access => pick(language, "access", "访问控制"),
        Step::Authentication => pick(language, "authentication", "身份验证"),
        Step::Arguments => pick(language, "arguments", "参数"),
        Step::Setup => pick(language, "setup", "算法协商"),
        Step::List => pick(language, "file list", "文件列表"),
        Step::DryRun => pick(language, "dry run", "试运行"),
        Step::Opening => pick(language, "opening", "打开文件"),
        Step::Pull => pick(language, "pull", "拉取"),
        Step::Delta => pick(language, "delta", "增量同步"),
        Step::Push => pick(language, "push", "推送"),
        Step::PushDelta => pick(language, "push delta", "增量推送"),
        Step::ReadBack => pick(language, "read back", "读回"),
        Step::Removal => pick(language, "removal", "删除"),
        Step::Transfer => pick(language, "transfer", "传输"),
    }
}

/// Why a stage is left out, for people.
pub(in crate::render) fn reason(why: Skip, language: Language) -> &'static str {
    match why {
        Skip::NoModule => pick(language, "the target names no module", "目标没有指定模块"),
        Skip::OtherWay => pick(
            language,
            "a proxy or a program makes the connection",
            "由代理或程序建立连接",
        ),
        Skip::Anonymous => pick(language, "no password is wanted", "不需要密码"),
        Skip::NotAsked => "",
        Skip::Refused => pick(
            language,
            "the daemon refuses an option that this needs",
            "守护进程拒绝了所需的选项",
        ),
        Skip::WriteOnly => pick(
            language,
            "the module may be written to, not read",
            "模块只能写入，不能读取",
        ),
        Skip::OldProtocol => pick(
            language,
            "so old a server would read all the files for it",
            "这么旧的服务器会为此读取全部文件",
        ),
        Skip::Unfinished => pick(
            language,
            "it did not come to its end, so whether the server may read the files is not known",
            "没有完成，所以不知道服务器能否读取这些文件",
        ),
        Skip::NoFile => pick(
            language,
            "no file within --max-bytes and --max-depth",
            "在 --max-bytes 和 --max-depth 之内没有文件",
        ),
    }
}

const fn colon(language: Language) -> &'static str {
    match language {
        Language::English => ": ",
        Language::Chinese => "：",
    }
}

fn shown(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}
