use std::io::Write as _;

use crate::{
    catalog::{self, Language, Page},
    cli::{
        Failure, exit,
        output::{Output, PageFormat, complain, stdout},
    },
    model::{Parameter, parameter::Facts},
    render::{self, Format, confidence, kind, pick, scope, severity, stage},
};

/// Prints the pages of rules, and what is known of parameters.
pub(super) fn run(names: &Names, output: &Output<PageFormat>) -> Result<u8, Failure> {
    let language = output.language();
    let mut out = stdout();
    if output.format() == Format::Json {
        let topics: Vec<_> = names.known.iter().map(|topic| topic.as_json(language)).collect();
        let summary = serde_json::json!({ "topics": topics.len(), "unknown": names.unknown });
        let own = [("topics", topics.into())];
        let envelope = render::envelope("explain", &[], &[], summary, language, own);
        writeln!(out, "{envelope}")?;
    } else {
        let topics: Vec<_> = names.known.iter().map(|topic| topic.as_text(language)).collect();
        write!(out, "{}", topics.join("\n\n"))?;
    }
    out.flush()?;
    for name in &names.unknown {
        let hint = nearest(name).unwrap_or_else(|| "`rsyncctl rules` lists the rules".to_owned());
        complain(&format!("no rule and no parameter is called `{name}`; {hint}"))?;
    }
    Ok(if names.unknown.is_empty() {
        exit::CLEAN
    } else {
        exit::FINDINGS
    })
}

/// Which rule or parameter a name that nothing has may stand for, as a question.
pub(super) fn nearest(name: &str) -> Option<String> {
    if let Some(parameter) = nearest_parameter(name) {
        return Some(format!("did you mean `{}`?", parameter.name()));
    }
    let page = catalog::nearest(name)?;
    Some(format!("did you mean {} ({})?", page.id, page.name))
}

/// What the words of a command line name.
pub(super) struct Names {
    known: Vec<Topic>,
    unknown: Vec<String>,
}

impl Names {
    /// Reads words as names; `None` if they are another text. A parameter's name may be several of them.
    pub(super) fn read(words: &[String]) -> Option<Self> {
        let mut names = Self {
            known: Vec::new(),
            unknown: Vec::new(),
        };
        let mut at = 0;
        while at < words.len() {
            let longest = (at + 1..=words.len())
                .rev()
                .find_map(|end| Some((Topic::named(&words[at..end].join(" "))?, end)));
            if let Some((topic, end)) = longest {
                names.known.push(topic);
                at = end;
            } else if looks_like_rule(&words[at]) {
                names.unknown.push(words[at].clone());
                at += 1;
            } else {
                return None;
            }
        }
        (!names.known.is_empty()).then_some(names)
    }
}

/// Whether a word has the form of a rule's identifier or name.
fn looks_like_rule(word: &str) -> bool {
    let digits = word.strip_prefix("RSY").or_else(|| word.strip_prefix("rsy"));
    let is_identifier = digits.is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    let is_name = word.contains('-')
        && !word.starts_with('-')
        && word
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    is_identifier || is_name
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
    if let Some(not) = page.text[language as usize].not {
        let word = pick(language, "what it is not", "排除");
        text += &format!("{word}{colon}{not}\n");
    }
    let check = page
        .check
        .map(|check| (pick(language, "check", "检查"), check.side, check.commands));
    let cure = (pick(language, "cure", "解决"), page.side, page.commands);
    for (what, side, commands) in check
        .into_iter()
        .chain([cure])
        .filter(|(.., commands)| !commands.is_empty())
    {
        let side = render::side(side, language);
        text += &match language {
            Language::English => format!("{what} ({side}):\n"),
            Language::Chinese => format!("{what}（{side}）：\n"),
        };
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
                "or": symptom.is_alternative,
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
        "parameter": facts.name,
        "type": facts.kind,
        "scope": facts.scope,
        "default": facts.default,
        "since": facts.since,
        "about": facts.about[language as usize],
        "danger": facts.danger.map(|danger| danger[language as usize]),
    })
}
