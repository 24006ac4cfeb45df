use std::io::Write as _;

use crate::{
    catalog::{self, Language, Page},
    cli::{
        Failure, exit,
        output::{Output, PageFormat, stdout},
    },
    model::{Parameter, parameter::Facts},
    render::Format,
};

/// Whether a rule or a parameter of rsyncd.conf is called so.
pub(super) fn is_known(name: &str) -> bool {
    catalog::page(name).is_some() || Parameter::from_name(name.as_bytes()).is_some()
}

/// Prints the page of a rule, or what is known of a parameter.
pub(super) fn run(name: &str, output: &Output<PageFormat>) -> Result<u8, Failure> {
    let language = output.language();
    let is_json = output.format() == Format::Json;
    let mut out = stdout();
    if let Some(page) = catalog::page(name) {
        if is_json {
            writeln!(out, "{}", page_as_json(page, language))?;
        } else {
            write!(out, "{}", page_as_text(page, language))?;
        }
    } else if let Some(parameter) = Parameter::from_name(name.as_bytes()) {
        if is_json {
            writeln!(out, "{}", parameter_as_json(parameter.facts(), language))?;
        } else {
            write!(out, "{}", parameter_as_text(parameter.facts(), language))?;
        }
    }
    out.flush()?;
    Ok(exit::CLEAN)
}

fn page_as_text(page: &Page, language: Language) -> String {
    let mut text = format!(
        "{} {}\n{}\n\n{}: {}   {}: {}\n\n",
        page.id,
        page.name,
        page.summary(language),
        word(language, "severity", "严重程度"),
        page.severity,
        word(language, "confidence", "把握"),
        page.confidence,
    );
    for symptom in page.symptoms {
        let seen = symptom.client.unwrap_or(symptom.effect[language as usize]);
        text += &format!(
            "{}: {seen} ({} {}, {})\n",
            word(language, "what is seen", "现象"),
            word(language, "exit code", "退出码"),
            symptom.exit,
            symptom.stage,
        );
        if let Some(log) = symptom.log {
            text += &format!("{}: {log}\n", word(language, "the daemon's log", "守护进程日志"));
        }
    }
    if let Some(not) = page.text[language as usize].not {
        text += &format!("{}: {not}\n", word(language, "what it is not", "并非"));
    }
    let check = page
        .check
        .map(|check| (word(language, "check", "检查"), check.side, check.commands));
    let cure = (word(language, "cure", "解决"), page.side, page.commands);
    for (what, side, commands) in check
        .into_iter()
        .chain([cure])
        .filter(|(.., commands)| !commands.is_empty())
    {
        text += &format!("{what} ({side}):\n");
        for command in commands {
            text += &format!("  {command}\n");
        }
    }
    if !page.symptoms.is_empty() {
        text.push('\n');
    }
    text += page.body[language as usize];
    text.push('\n');
    if !page.related.is_empty() {
        let see = word(language, "see also", "另见");
        text += &format!("\n{see}: {}\n", page.related.join(", "));
    }
    text
}

fn page_as_json(page: &Page, language: Language) -> serde_json::Value {
    let symptoms: Vec<_> = page
        .symptoms
        .iter()
        .map(|symptom| {
            serde_json::json!({
                "exit": symptom.exit,
                "stage": symptom.stage,
                "client": symptom.client,
                "log": symptom.log,
                "effect": symptom.effect[language as usize],
                "since": symptom.since,
                "until": symptom.until,
            })
        })
        .collect();
    serde_json::json!({
        "schema": "rsyncctl/1",
        "command": "explain",
        "rule": page.id,
        "name": page.name,
        "severity": page.severity,
        "confidence": page.confidence,
        "summary": page.summary(language),
        "symptoms": symptoms,
        "check": page.check.map(|check| serde_json::json!({ "side": check.side, "commands": check.commands })),
        "commands": page.commands,
        "not": page.text[language as usize].not,
        "body": page.body[language as usize],
        "related": page.related,
    })
}

fn parameter_as_text(facts: &Facts, language: Language) -> String {
    let mut text = format!(
        "{}\n{}\n\n{}: {:?}   {}: {:?}   {}: {}   {}: {}\n",
        facts.name,
        facts.about[language as usize],
        word(language, "type", "类型"),
        facts.kind,
        word(language, "scope", "范围"),
        facts.scope,
        word(language, "default", "默认值"),
        facts.default.unwrap_or("-"),
        word(language, "since rsync", "最早的 rsync 版本"),
        facts.since,
    );
    if let Some(danger) = facts.danger {
        text += &format!("\n{}\n", danger[language as usize]);
    }
    text
}

fn parameter_as_json(facts: &Facts, language: Language) -> serde_json::Value {
    serde_json::json!({
        "schema": "rsyncctl/1",
        "command": "explain",
        "parameter": facts.name,
        "type": facts.kind,
        "scope": facts.scope,
        "default": facts.default,
        "since": facts.since,
        "about": facts.about[language as usize],
        "danger": facts.danger.map(|danger| danger[language as usize]),
    })
}

fn word(language: Language, english: &'static str, chinese: &'static str) -> &'static str {
    match language {
        Language::English => english,
        Language::Chinese => chinese,
    }
}
