use std::io::Write as _;

use clap::Args;

use crate::{
    catalog::{self, Language, Page},
    cli::{
        Failure, exit,
        output::{Output, PageFormat, complain, stdout},
    },
    model::{Parameter, parameter::Facts},
    render::{Format, confidence, kind, pick, scope, severity, stage},
};

/// Explain a rule (RSY302, secrets-file-world-readable) or a parameter of rsyncd.conf, or several
#[derive(Args, Debug)]
pub(super) struct Arguments {
    /// The identifier or name of a rule, or the name of a parameter
    #[arg(required = true, value_name = "RULE|PARAMETER")]
    words: Vec<String>,
    #[command(flatten)]
    output: Output<PageFormat>,
}

/// Prints the pages of rules, and what is known of parameters.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let language = arguments.output.language();
    let is_json = arguments.output.format() == Format::Json;
    let (topics, unknown) = topics(&arguments.words);
    let mut out = stdout();
    for (index, topic) in topics.iter().enumerate() {
        if is_json {
            writeln!(out, "{}", topic.as_json(language))?;
        } else {
            let gap = if index > 0 { "\n\n" } else { "" };
            write!(out, "{gap}{}", topic.as_text(language))?;
        }
    }
    out.flush()?;
    for name in &unknown {
        let hint = match (catalog::nearest(name), nearest_parameter(name)) {
            (_, Some(parameter)) => format!("did you mean `{}`?", parameter.name()),
            (Some(page), None) => format!("did you mean {} ({})?", page.id, page.name),
            (None, None) => "`rsyncctl rules` lists the rules".to_owned(),
        };
        complain(&format!("no rule and no parameter is called `{name}`; {hint}"))?;
    }
    Ok(if unknown.is_empty() {
        exit::CLEAN
    } else {
        exit::FINDINGS
    })
}

/// What can be explained.
enum Topic {
    Rule(&'static Page),
    Parameter(Parameter),
}

impl Topic {
    fn named(name: &str) -> Option<Self> {
        let rule = catalog::page(name).map(Self::Rule);
        rule.or_else(|| Parameter::from_name(name.as_bytes()).map(Self::Parameter))
    }

    fn as_json(&self, language: Language) -> serde_json::Value {
        match self {
            Self::Rule(page) => page_as_json(page, language),
            Self::Parameter(parameter) => parameter_as_json(parameter.facts(), language),
        }
    }

    fn as_text(&self, language: Language) -> String {
        match self {
            Self::Rule(page) => page_as_text(page, language),
            Self::Parameter(parameter) => parameter_as_text(parameter.facts(), language),
        }
    }
}

/// What the words of a command line name, and those that name nothing. A parameter's name may be several of them.
fn topics(words: &[String]) -> (Vec<Topic>, Vec<String>) {
    let mut known = Vec::new();
    let mut unknown: Vec<String> = Vec::new();
    // Whether the word before was a part of a name that nothing has.
    let mut goes_on = false;
    let mut at = 0;
    while at < words.len() {
        let longest = (at + 1..=words.len())
            .rev()
            .find_map(|end| Some((Topic::named(&words[at..end].join(" "))?, end)));
        let word = &words[at];
        at += 1;
        if let Some((topic, end)) = longest {
            known.push(topic);
            goes_on = false;
            at = end;
        } else if looks_like_rule(word) {
            unknown.push(word.clone());
            goes_on = false;
        } else if goes_on && let Some(last) = unknown.last_mut() {
            *last = format!("{last} {word}");
        } else {
            unknown.push(word.clone());
            goes_on = true;
        }
    }
    (known, unknown)
}

fn looks_like_rule(word: &str) -> bool {
    word.contains('-') || word.to_ascii_uppercase().starts_with("RSY")
}

/// The parameter whose name is nearest to a text that is none.
fn nearest_parameter(name: &str) -> Option<Parameter> {
    let distance =
        |parameter: &Parameter| strsim::damerau_levenshtein(parameter.name(), &name.to_lowercase());
    let nearest = Parameter::all().min_by_key(distance)?;
    (distance(&nearest) <= 1 + name.len() / 5).then_some(nearest)
}

fn page_as_text(page: &Page, language: Language) -> String {
    let mut text = format!(
        "{} {}\n{}\n\n{}{}   {}{}\n\n",
        page.id,
        page.name,
        page.summary(language),
        pick(language, "severity: ", "严重程度："),
        severity(page.severity, language),
        pick(language, "confidence: ", "把握："),
        confidence(page.confidence, language),
    );
    let colon = pick(language, ": ", "：");
    for symptom in page.symptoms {
        let seen = symptom.client.unwrap_or(symptom.effect[language as usize]);
        let (word, exit) = (pick(language, "what is seen", "现象"), symptom.exit);
        let stage = stage(symptom.stage, language);
        text += &match language {
            Language::English => format!("{word}{colon}{seen} (exit code {exit}, {stage})\n"),
            Language::Chinese => format!("{word}{colon}{seen}（退出码 {exit}，{stage}）\n"),
        };
        if let Some(log) = symptom.log {
            let word = pick(language, "the daemon's log", "守护进程日志");
            text += &format!("{word}{colon}{log}\n");
        }
    }
    if !page.symptoms.is_empty() {
        text.push('\n');
    }
    text += page.body[language as usize];
    text.push('\n');
    if !page.related.is_empty() {
        let see = pick(language, "see also", "另见");
        text += &format!("\n{see}{colon}{}\n", page.related.join(", "));
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
        "body": page.body[language as usize],
        "related": page.related,
    })
}

fn parameter_as_text(facts: &Facts, language: Language) -> String {
    let mut text = format!(
        "{}\n{}\n\n{}{}   {}{}   {}{}   {}{}\n",
        facts.name,
        facts.about[language as usize],
        pick(language, "type: ", "类型："),
        kind(facts.kind, language),
        pick(language, "scope: ", "范围："),
        scope(facts.scope, language),
        pick(language, "default: ", "默认值："),
        facts.default.unwrap_or("-"),
        pick(language, "since rsync: ", "最早的 rsync 版本："),
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
