//! What a pasted text means, for people and for programs.

use std::io;

use serde_json::{Value, json};

use crate::{
    catalog::{Confidence, Language},
    explain::{Cause, Explanation, Incident},
    render::{
        Format, Style,
        case::{Case, place as where_to_type},
        names::{Command, legend},
        next::edit,
        reasons::because,
        style::{bold, dim, green, wrapped},
        visible::visible,
        words::pick,
    },
};

/// Causes of a failure that are told in full; of the others there is a line each.
const TOLD: usize = 3;
/// Causes that are named at all.
const NAMED: usize = 12;

/// Writes what a text of that name means.
///
/// # Errors
/// What writing to `out` gives.
pub fn explanation(
    format: Format,
    explanation: &Explanation,
    name: &str,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, &envelope(explanation, name, style.language))?;
            writeln!(out)
        }
        _ => human(explanation, Doubt::Left, style, out),
    }
}

/// Whether what the configuration is found to have may still be another failure's cause.
#[derive(Clone, Copy, Eq, PartialEq)]
pub(super) enum Doubt {
    /// It may, so the page's checks are worth typing.
    Left,
    /// It is what a trial of that configuration met.
    None,
}

/// Writes what a text means for people.
///
/// # Errors
/// What writing to `out` gives.
pub(super) fn human(
    explanation: &Explanation,
    doubt: Doubt,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let language = style.language;
    let count = explanation.incidents.len();
    for (index, incident) in explanation.incidents.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        if count > 1 {
            let title = match language {
                Language::English => format!("failure {} of {count}", index + 1),
                Language::Chinese => format!("第 {} 个故障，共 {count} 个", index + 1),
            };
            writeln!(out, "{}", bold(&title, style))?;
        }
        quote(incident, style, out)?;
        for (rank, cause) in incident.causes.iter().take(TOLD).enumerate() {
            tell(rank + 1, cause, incident, doubt, style, out)?;
        }
        others(incident, style, out)?;
    }
    if explanation.omitted > 0 {
        let line = match language {
            Language::English => format!("and {} more kinds of failures", explanation.omitted),
            Language::Chinese => format!("另有 {} 类故障未列出", explanation.omitted),
        };
        writeln!(out, "\n{line}")?;
    }
    Ok(())
}

/// The lines of the text that the answer rests on.
fn quote(incident: &Incident, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let width = incident
        .lines
        .last()
        .map_or(1, |seen| seen.number.to_string().len());
    for seen in incident.lines.iter().take(6) {
        let text = visible(&seen.shown());
        writeln!(
            out,
            "{}",
            dim(&format!("{:>width$} | {text}", seen.number), style)
        )?;
    }
    let more = incident.lines.len().saturating_sub(6);
    if more > 0 {
        let line = match style.language {
            Language::English => format!("and {more} more lines"),
            Language::Chinese => format!("另有 {more} 行"),
        };
        writeln!(out, "{}", dim(&line, style))?;
    }
    if incident.count > 1 {
        let line = match style.language {
            Language::English => format!("the same failure stands {} times in the text", incident.count),
            Language::Chinese => format!("同样的故障在文中出现了 {} 次", incident.count),
        };
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn tell(
    rank: usize,
    cause: &Cause,
    incident: &Incident,
    doubt: Doubt,
    style: Style,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let language = style.language;
    let case = Case { cause, language };
    let rule = format!("{} {}", cause.page.id, cause.page.name);
    let title = format!("{rank}. {}", case.title());
    writeln!(out, "\n{}", bold(&wrapped(&title, "   ", style), style))?;
    let reasons = because(cause, incident, language);
    let mut paragraphs = Vec::new();
    if let Some(message) = case.message() {
        paragraphs.push((pick(language, "meaning", "含义"), message.into_owned()));
    }
    paragraphs.push((
        pick(language, "why this", "依据"),
        reasons.join(pick(language, "; ", "；")),
    ));
    if let Some(line) = case.log_line() {
        let word = pick(language, "then the daemon logs", "这时守护进程的日志会写");
        paragraphs.push((word, format!("`{line}`")));
    }
    let mut commands = Vec::new();
    if let Some(check) = &cause.page.check
        && (doubt == Doubt::Left || case.place().is_none())
    {
        let word = match language {
            Language::English => format!("check {}", where_to_type(case.side(check.side), language)),
            Language::Chinese => format!("{}检查", where_to_type(case.side(check.side), language)),
        };
        commands.push((word, case.commands(check.commands)));
    }
    let cure = case.cure();
    if !cure.is_empty() {
        let word = match language {
            Language::English => format!("cure {}", where_to_type(case.side(cause.page.side), language)),
            Language::Chinese => format!("{}解决", where_to_type(case.side(cause.page.side), language)),
        };
        commands.push((word, cure));
    }
    paragraphs.push((pick(language, "cure", "解决"), case.help().into_owned()));
    if let Some(not) = case.not() {
        paragraphs.push((pick(language, "not", "排除"), not.into_owned()));
    }
    for (word, paragraph) in paragraphs {
        let line = format!("   {word}{}{paragraph}", pick(language, ": ", "："));
        writeln!(out, "{}", wrapped(&line, "     ", style))?;
    }
    for (word, commands) in &commands {
        writeln!(out, "   {word}{}", pick(language, ":", "："))?;
        for command in commands {
            writeln!(out, "     {}", green(&visible(&command.text), style))?;
        }
    }
    let commands = commands.iter().flat_map(|(_, commands)| commands);
    let mut open: Vec<_> = commands.flat_map(|command| &command.open).collect();
    open.sort();
    open.dedup();
    if let Some(legend) = legend(open.into_iter().map(String::as_str), language) {
        let word = pick(language, "   put in: ", "   替换：");
        writeln!(out, "{}", wrapped(&format!("{word}{legend}"), "     ", style))?;
    }
    let more = pick(language, "more", "详情");
    writeln!(
        out,
        "   {more}{}rsyncctl explain {}",
        pick(language, ": ", "："),
        dim(&rule, style)
    )
}

/// What is told of a cause where a report tells several things.
pub(super) struct Words {
    pub(super) title: String,
    /// Where the server's configuration has it: `rsyncd.conf:7`.
    pub(super) place: Option<String>,
    pub(super) message: Option<String>,
    pub(super) help: String,
    /// The cure.
    pub(super) commands: Vec<String>,
    /// What else it may be, where it is not certain: the next likely causes.
    pub(super) others: Vec<String>,
    /// What to type first: what tells whether it is the cause, or the cure where the configuration has the mistake.
    pub(super) next: Option<String>,
}

/// The likeliest cause of a failure in words.
pub(super) fn words(incident: &Incident, language: Language) -> Option<Words> {
    let cause = incident.causes.first()?;
    let case = Case { cause, language };
    let check = cause
        .page
        .check
        .as_ref()
        .map(|check| case.commands(check.commands));
    let check = check.and_then(|commands| commands.into_iter().next());
    let check = check.map(|command| command.text);
    let commands = texts(case.cure());
    let cure = commands.first().cloned();
    let others = incident.causes.iter().skip(1).take(TOLD - 1);
    let others = others.filter(|_| cause.confidence != Confidence::Certain);
    let others = others.map(|cause| format!("{} {}", cause.page.id, cause.page.summary(language)));
    Some(Words {
        others: others.collect(),
        title: case.title().into_owned(),
        message: case.message().map(std::borrow::Cow::into_owned),
        help: case.help().into_owned(),
        next: match case.place() {
            Some(place) => cure.or_else(|| edit(place)).or(check),
            None => check.or(cure),
        },
        place: case
            .place()
            .and_then(|place| Some(place.split(": `").next()?.to_owned())),
        commands,
    })
}

/// The likeliest cause of a failure of a text of that name, for the envelope of an instrument.
pub(super) fn first_diagnosis(incident: &Incident, name: &str, language: Language) -> Option<Value> {
    let cause = incident.causes.first()?;
    Some(diagnosis(1, incident, cause, name, language))
}

/// The causes that are only named.
fn others(incident: &Incident, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let language = style.language;
    let rest = incident.causes.get(TOLD..).unwrap_or_default();
    if rest.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", pick(language, "less likely:", "可能性较小："))?;
    for cause in rest.iter().take(NAMED - TOLD) {
        let line = format!("   {} {}", cause.page.id, cause.page.summary(language));
        writeln!(out, "{}", wrapped(&line, "          ", style))?;
    }
    let more = rest.len().saturating_sub(NAMED - TOLD);
    if more > 0 {
        let mut named = incident.causes.iter().flat_map(|cause| &cause.arguments);
        let file = named.find(|(kind, _)| *kind == "configuration-file");
        let file = file.map_or("/etc/rsyncd.conf", |(_, file)| file);
        let file = shell_words::quote(file);
        let line = match language {
            Language::English => format!(
                "   and {more} more mistakes in the configuration, which `rsyncctl lint {file}` finds on the server"
            ),
            Language::Chinese => {
                format!("   还有 {more} 种配置错误，在服务器上运行 `rsyncctl lint {file}` 可以找出")
            }
        };
        writeln!(out, "{}", wrapped(&line, "   ", style))?;
    }
    Ok(())
}

/// What happened, in one line: the first cause and its page.
pub(super) fn headline(explanation: &Explanation, language: Language) -> Option<String> {
    let cause = explanation.incidents.first()?.causes.first()?;
    let case = Case { cause, language };
    // What is wrong in a file that nobody has looked at is a guess.
    let is_guess = cause.confidence == Confidence::Possible && !cause.page.files.is_empty();
    let title = case.title();
    let is_hedged = ["perhaps ", "可能"].iter().any(|hedge| title.starts_with(hedge));
    let hedge = match is_guess && !is_hedged {
        true => pick(language, "perhaps: ", "可能是："),
        false => "",
    };
    Some(match language {
        Language::English => format!("{hedge}{title} ({})", cause.page.id),
        Language::Chinese => format!("{hedge}{title}（{}）", cause.page.id),
    })
}

fn texts(commands: Vec<Command>) -> Vec<String> {
    commands.into_iter().map(|command| command.text).collect()
}

fn envelope(explanation: &Explanation, name: &str, language: Language) -> Value {
    let diagnoses = diagnoses(explanation, name, language);
    let failures: Vec<_> = explanation
        .incidents
        .iter()
        .map(|incident| {
            json!({
                "exit": incident.exit,
                "role": incident.role,
                "release": incident.release,
                "command": incident.command.as_ref().map(|command| &command.text),
                "count": incident.count,
            })
        })
        .collect();
    json!({
        "schema": "rsyncctl/1",
        "command": "explain",
        "diagnoses": diagnoses,
        "unchecked": [],
        "summary": { "failures": failures, "omitted": explanation.omitted },
    })
}

/// The causes of a text of that name, for the envelope of an instrument.
pub(crate) fn diagnoses(explanation: &Explanation, name: &str, language: Language) -> Value {
    let diagnoses = explanation
        .incidents
        .iter()
        .enumerate()
        .flat_map(|(index, incident)| {
            let causes = incident.causes.iter().take(NAMED);
            causes.map(move |cause| diagnosis(index + 1, incident, cause, name, language))
        });
    diagnoses.collect()
}

fn diagnosis(failure: usize, incident: &Incident, cause: &Cause, name: &str, language: Language) -> Value {
    let case = Case { cause, language };
    let page = cause.page;
    let evidence: Vec<_> = incident
        .lines
        .iter()
        .map(|seen| {
            let end = seen.text.chars().count() + 1;
            json!({ "file": name, "line": seen.number, "column": 1, "end_line": seen.number, "end_column": end, "label": visible(&seen.shown()) })
        })
        .collect();
    let symptom = cause.symptom;
    let text = symptom
        .client
        .or(symptom.log)
        .unwrap_or(symptom.effect[language as usize]);
    json!({
        "failure": failure,
        "rule": page.id,
        "name": page.name,
        "severity": page.severity,
        "confidence": cause.confidence,
        "title": case.title(),
        "message": case.message().unwrap_or_else(|| case.title()),
        "because": because(cause, incident, language),
        "evidence": evidence,
        "predicts": [{ "exit": symptom.exit, "or": false, "stage": symptom.stage, "text": case.filled(Some(text)) }],
        "remedy": {
            "side": cause.side.unwrap_or(page.side),
            "help": case.help(),
            "commands": texts(case.cure()),
            "edits": [],
        },
        "check": page.check.map(|check| json!({ "side": case.side(check.side).unwrap_or(check.side), "commands": texts(case.commands(check.commands)) })),
        "not": case.not(),
        "related": page.related,
    })
}
