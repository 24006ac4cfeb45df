//! What an examination showed, for people and for programs.

mod cause;
mod client;
mod confinement;
mod json;
mod manifest;
mod page;
mod paths;
mod reach;
mod words;

use std::{collections::BTreeMap, io};

pub use self::{
    manifest::manifest,
    page::{About, Reachable, page},
};
use crate::{
    catalog::{Confidence, Language},
    doctor::{Cause, Check, Report, Stage, State, Urgency},
    render::{
        Format, Style,
        doctor::cause::Words,
        style::{bold, dim, green, red, wrapped},
        visible::visible,
        words::{pick, severity, unknown},
        wrap::columns,
    },
};

/// Writes a stage once it is done; formats for programs tell all at the end.
///
/// # Errors
/// What writing to `out` gives.
pub fn examined(format: Format, stage: &Stage, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    if format != Format::Human {
        return Ok(());
    }
    let language = style.language;
    // The first of the stages of a daemon.
    if let (Check::Changed, Some(file)) = (stage.check, &stage.file) {
        writeln!(out, "{}", bold(&visible(&file.display().to_string()), style))?;
    }
    let sign = match (stage.state, style.unicode) {
        (State::Passed, true) => green("✓", style),
        (State::Passed, false) => green("+", style),
        (State::Failed | State::Crashed, true) => red("✗", style),
        (State::Failed | State::Crashed, false) => red("x", style),
        (State::Warned, _) => bold("!", style),
        (State::Skipped(_), _) => dim("-", style),
    };
    let name = words::check(stage.check, language);
    let gap = " ".repeat(16_usize.saturating_sub(textwrap::core::display_width(name)));
    let time = format!("{:.1} ms", stage.time.as_secs_f64() * 1000.0);
    let mut lines: Vec<_> = stage
        .facts
        .iter()
        .map(|fact| words::fact(fact, language))
        .collect();
    if let State::Skipped(why) = stage.state {
        lines.push(words::skip(why, language).to_owned());
    }
    let indent = " ".repeat(31);
    let head = format!("  {sign} {name}{gap}{time:>9}  ");
    writeln!(
        out,
        "{}",
        format!("{head}{}", shown(lines.first(), &indent, style)).trim_end()
    )?;
    for line in lines.iter().skip(1) {
        writeln!(out, "{indent}{}", shown(Some(line), &indent, style))?;
    }
    Ok(())
}

/// A line of a stage, as wide as the terminal lets it be.
fn shown(line: Option<&String>, indent: &str, style: Style) -> String {
    let line = visible(line.map_or("", String::as_str));
    let width = style.width.saturating_sub(indent.len()).max(30);
    let lines: Vec<_> = textwrap::wrap(&line, columns(width));
    lines.join(&format!("\n{indent}"))
}

/// Writes what came of it all.
///
/// # Errors
/// What writing to `out` gives.
pub fn examination(format: Format, report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &json::envelope(report, style.language))?;
            writeln!(out)
        }
        Format::Concise => concise(report, style, out),
        _ => human(report, style, out),
    }
}

fn human(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    writeln!(out)?;
    writeln!(out, "{}", bold(&verdict(report, language), style))?;
    for (index, cause) in report.causes.iter().enumerate() {
        tell(index + 1, cause, style, out)?;
    }
    let mut by_reason: BTreeMap<_, Vec<&str>> = BTreeMap::new();
    for one in &report.unseen {
        by_reason.entry(&one.reason).or_default().push(&one.subject);
    }
    for (reason, mut subjects) in by_reason {
        subjects.dedup();
        let head = pick(language, "not seen: ", "没有看到：");
        writeln!(out, "\n{head}{}", visible(&unknown(reason, language)))?;
        let most = if style.limit > 0 { style.limit } else { usize::MAX };
        for subject in subjects.iter().take(most) {
            writeln!(out, "  - {}", visible(subject))?;
        }
        let more = subjects.len().saturating_sub(most);
        if more > 0 {
            writeln!(
                out,
                "{}",
                match language {
                    Language::English => format!("  and {more} more (--limit 0 shows all)"),
                    Language::Chinese => format!("  还有 {more} 项（--limit 0 显示全部）"),
                }
            )?;
        }
    }
    let next = report
        .causes
        .first()
        .and_then(|cause| Words::of(cause, language).next);
    if let Some(next) = next {
        let head = pick(language, "type next: ", "下一步：");
        writeln!(out, "\n{head}{}", green(&visible(&next), style))?;
    }
    Ok(())
}

fn tell(number: usize, cause: &Cause, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let colon = pick(language, ": ", "：");
    let words = Words::of(cause, language);
    let title = title(number, cause, &words, language);
    writeln!(out, "\n{}", bold(&wrapped(&title, "   ", style), style))?;
    let commands = words.commands.clone();
    for (word, text) in rows(cause, words, language) {
        let line = format!("   {word}{colon}{}", visible(&text));
        writeln!(out, "{}", wrapped(&line, "     ", style))?;
    }
    for command in commands {
        writeln!(out, "     {}", green(&visible(&command), style))?;
    }
    Ok(())
}

/// What a cause is called, what to do, and what to type.
pub fn cure(cause: &Cause, language: Language) -> Cure {
    let words = Words::of(cause, language);
    Cure {
        title: visible(&words.title),
        help: visible(&words.help),
        commands: words.commands.iter().map(|command| visible(command)).collect(),
    }
}

/// A cure in words, as a terminal may show them.
#[derive(Debug)]
pub struct Cure {
    /// What is wrong.
    pub title: String,
    /// What to do.
    pub help: String,
    /// What to type.
    pub commands: Vec<String>,
}

/// What a cause is called, with its place in the order.
fn title(number: usize, cause: &Cause, words: &Words, language: Language) -> String {
    let severity = severity(cause.severity, language);
    let colon = pick(language, ": ", "：");
    let hedge = hedge(cause, language);
    format!(
        "{number}. {severity} {}{colon}{hedge}{}",
        cause.page.id,
        visible(&words.title)
    )
}

/// What stands in front of what a cause is called, where it is not sure or holds no more.
fn hedge(cause: &Cause, language: Language) -> &'static str {
    match cause.confidence {
        _ if cause.is_over() => pick(language, "over: ", "已过去："),
        Confidence::Possible => pick(language, "perhaps: ", "可能是："),
        _ => "",
    }
}

/// What is said of a cause, each with what it is about.
fn rows(cause: &Cause, words: Words, language: Language) -> Vec<(&'static str, String)> {
    let mut rows = vec![(
        pick(language, "when", "何时"),
        words::urgency(cause.urgency, language).to_owned(),
    )];
    if let Some(place) = words.place {
        let more = match (cause.others, language) {
            (0, _) => String::new(),
            (1, Language::English) => ", and 1 more place".to_owned(),
            (more, Language::English) => format!(", and {more} more places"),
            (more, Language::Chinese) => format!("，另有 {more} 处"),
        };
        rows.push((pick(language, "where", "位置"), format!("{place}{more}")));
    }
    let seen: Vec<_> = cause
        .seen
        .iter()
        .map(|check| words::check(*check, language))
        .collect();
    let comma = pick(language, ", ", "、");
    rows.push((pick(language, "found by", "发现于"), seen.join(comma)));
    let facts = words.facts.into_iter();
    rows.extend(facts.map(|fact| (pick(language, "seen", "事实"), fact)));
    let message = words.message;
    rows.extend(message.map(|message| (pick(language, "why", "原因"), message)));
    rows.push((pick(language, "cure", "解决"), words.help));
    if !words.others.is_empty() {
        let others = words.others.join(pick(language, "; ", "；"));
        rows.push((pick(language, "or perhaps", "也可能是"), others));
    }
    rows
}

/// How it stands, in one line.
fn verdict(report: &Report, language: Language) -> String {
    let count = report.causes.len();
    let now = report
        .causes
        .iter()
        .filter(|cause| cause.urgency == Urgency::Now)
        .count();
    let is_open = !report.unseen.is_empty();
    let is_unsure = report.has_unexplained_failure();
    match language {
        Language::English => match (count, now) {
            (0, _) if report.is_bad() => "something fails, and no cause of it is known".to_owned(),
            (0, _) if is_open => "nothing wrong was found; not all could be seen".to_owned(),
            (0, _) => "nothing wrong was found".to_owned(),
            (1, 0) if is_unsure => "1 cause; whether clients fail for it is not known".to_owned(),
            (count, 0) if is_unsure => format!("{count} causes; whether clients fail for them is not known"),
            (1, 1) => "1 cause, which makes clients fail now".to_owned(),
            (1, _) => "1 cause, which is not known to make clients fail now".to_owned(),
            (count, 0) => format!("{count} causes, none of which is known to make clients fail now"),
            (count, now) if now == count => format!("{count} causes, all of which make clients fail now"),
            (count, 1) => format!("{count} causes; the first makes clients fail now"),
            (count, now) => format!("{count} causes; the first {now} make clients fail now"),
        },
        Language::Chinese => match (count, now) {
            (0, _) if report.is_bad() => "有故障，但不知道原因".to_owned(),
            (0, _) if is_open => "没有发现问题；有些内容无法查看".to_owned(),
            (0, _) => "没有发现问题".to_owned(),
            (count, 0) if is_unsure => format!("{count} 个原因，不知道客户端是否因此失败"),
            (count, 0) => format!("{count} 个原因，没有发现哪个正在让客户端失败"),
            (count, now) if now == count => format!("{count} 个原因，正在让客户端失败"),
            (count, now) => format!("{count} 个原因，其中前 {now} 个正在让客户端失败"),
        },
    }
}

fn concise(report: &Report, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    for cause in &report.causes {
        let words = Words::of(cause, language);
        let place = words.place.map_or_else(String::new, |place| format!("{place}: "));
        let severity = severity(cause.severity, language);
        let urgency = cause.urgency.key();
        let hedge = hedge(cause, language);
        let line = format!(
            "{place}{severity} {} {urgency}: {hedge}{}",
            cause.page.id, words.title
        );
        writeln!(out, "{}", visible(&line))?;
    }
    if report.causes.is_empty() {
        writeln!(out, "{}", verdict(report, language))?;
    }
    Ok(())
}
