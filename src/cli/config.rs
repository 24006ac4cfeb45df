use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use clap::Args;

use crate::{
    catalog::Language,
    cli::{
        Failure, exit,
        input::OneFile,
        output::{Output, PageFormat, complain, stdout},
    },
    model::{Configuration, Effect, Origin, Parameter, ProblemKind, Scope, Value, access, parameter},
    render::{Format, visible},
    terms::{Sources, Span},
};

/// Print the effective configuration, with the line that each value comes from
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: OneFile,
    /// Only this module
    #[arg(long, value_name = "NAME")]
    module: Option<String>,
    /// Also what no line sets
    #[arg(long)]
    defaults: bool,
    #[command(flatten)]
    output: Output<PageFormat>,
}

/// Prints what the daemon makes of its file.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let (sources, configuration) = arguments.input.resolve()?;
    let language = arguments.output.language();
    let unseen = complain_of_unseen(&configuration, language)?;
    let scopes = match &arguments.module {
        Some(name) => match configuration.module(name.as_bytes()) {
            Some(index) => vec![Scope::Module(index)],
            None => {
                complain(&no_module(&configuration, name))?;
                return Ok(if unseen { exit::UNCHECKED } else { exit::FINDINGS });
            }
        },
        None => std::iter::once(Scope::Global)
            .chain(configuration.module_scopes().map(|(scope, _)| scope))
            .collect(),
    };
    let sections: Vec<_> = scopes
        .into_iter()
        .map(|scope| section(&sources, &configuration, scope, arguments.defaults))
        .collect();
    let mut out = stdout();
    if arguments.output.format() == Format::Json {
        writeln!(out, "{}", as_json(&sources, &configuration, &sections))?;
    } else {
        for (problem, _) in configuration.fatal() {
            complain(&gives_up(&sources, problem.span, language))?;
        }
        write!(out, "{}", as_text(&sections, language))?;
    }
    out.flush()?;
    Ok(exit::CLEAN)
}

/// What is said about a file that rsync cannot read to its end.
pub(super) fn gives_up(sources: &Sources, span: Span, language: Language) -> String {
    let place = place(sources, span);
    match language {
        Language::English => format!("{place}: rsync gives up the file here, and serves nothing"),
        Language::Chinese => format!("{place}：rsync 读到这里就放弃，所有模块都不可用"),
    }
}

/// Says what of a file could not be read, and whether there was anything: it may hold what the answer lacks.
pub(super) fn complain_of_unseen(configuration: &Configuration, language: Language) -> io::Result<bool> {
    let mut any = false;
    for problem in &configuration.problems {
        if let ProblemKind::IncludeNotSeen(path, reason) = &problem.kind {
            any = true;
            let path = path.display();
            complain(&match language {
                Language::English => format!("`{path}` is included and was not read: {reason}"),
                Language::Chinese => format!("没有读取被引用的 `{path}`：{reason}"),
            })?;
        }
    }
    Ok(any)
}

/// What is said about a module that is not there: a near name is the likely reason.
pub(super) fn no_module(configuration: &Configuration, name: &str) -> String {
    match configuration.module_like(name.as_bytes()) {
        Some(index) => format!(
            "there is no module `{name}`; clients must spell it `{}`",
            configuration.modules[index].name.display()
        ),
        None => format!("there is no module `{name}`"),
    }
}

/// One section with the values that hold in it.
struct Section {
    name: String,
    values: Vec<Holds>,
}

struct Holds {
    parameter: Parameter,
    value: String,
    source: Source,
    place: Option<Span>,
    shown: Option<String>,
}

#[derive(Clone, Copy, PartialEq)]
enum Source {
    Default,
    Own,
    Global,
    LaterGlobal,
}

impl Source {
    fn key(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Own => "own",
            Self::Global => "global",
            Self::LaterGlobal => "later-global",
        }
    }
}

fn section(sources: &Sources, configuration: &Configuration, scope: Scope, defaults: bool) -> Section {
    let name = match scope {
        Scope::Global => "global".to_owned(),
        Scope::Module(index) => configuration.modules[index].name.display().into_owned(),
    };
    let values = Parameter::all()
        .filter(|parameter| {
            // A module lacks what is global only, and in [global] the defaults of modules are no settings.
            parameter.facts().scope == parameter::Scope::Module || scope == Scope::Global
        })
        .filter_map(|parameter| {
            let origin = configuration.origin(scope, parameter);
            if !defaults && matches!(origin, Origin::Default) {
                return None;
            }
            let source = match origin {
                Origin::Default => Source::Default,
                Origin::Own(_) => Source::Own,
                Origin::Inherited(_) => Source::Global,
                Origin::Late(_) => Source::LaterGlobal,
            };
            let span = origin.setting().map(|setting| setting.span());
            Some(Holds {
                parameter,
                value: value(configuration, scope, parameter),
                source,
                place: span,
                shown: span.map(|span| place(sources, span)),
            })
        })
        .collect();
    Section { name, values }
}

fn value(configuration: &Configuration, scope: Scope, parameter: Parameter) -> String {
    use parameter::Kind;
    let origin = configuration.origin(scope, parameter);
    if let Some(setting) = origin.setting()
        && setting.effect == Effect::Environment
    {
        return setting.text.display().into_owned();
    }
    match parameter.facts().kind {
        Kind::Boolean | Kind::BooleanOrUnset => match configuration.boolean(scope, parameter).value {
            Some(true) => "yes".to_owned(),
            Some(false) => "no".to_owned(),
            None => "unset".to_owned(),
        },
        Kind::Integer => configuration.integer(scope, parameter).value.to_string(),
        Kind::Enum => match origin.setting().map(|setting| (setting.effect, &setting.text)) {
            Some((Effect::Set(Value::Integer(_)), text)) => text.display().into_owned(),
            _ => parameter.facts().default.unwrap_or_default().to_owned(),
        },
        Kind::Path | Kind::String if parameter == Parameter::AuthUsers => {
            let setting = origin.setting();
            let rules = setting.map(|setting| access::user_rules(setting, configuration.release));
            let words = rules.iter().flatten().map(access::UserRule::shown);
            words.collect::<Vec<_>>().join(", ")
        }
        Kind::Path | Kind::String => {
            String::from_utf8_lossy(configuration.text(scope, parameter).value).into_owned()
        }
    }
}

fn place(sources: &Sources, span: Span) -> String {
    let source = sources.get(span.source);
    format!("{}:{}", source.name(), source.position(span.start as usize).line)
}

fn as_text(sections: &[Section], language: Language) -> String {
    let mut text = String::new();
    for (index, section) in sections.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "[{}]", section.name);
        let lines: Vec<_> = section
            .values
            .iter()
            .map(|holds| format!("{} = {}", holds.parameter.name(), holds.value))
            .collect();
        let width = lines
            .iter()
            .map(|line| line.chars().count())
            .max()
            .unwrap_or(0)
            .min(48);
        for (holds, line) in section.values.iter().zip(&lines) {
            let line = visible(line);
            let _ = writeln!(text, "  {line:width$}  ← {}", origin(holds, language));
        }
    }
    text
}

fn origin(holds: &Holds, language: Language) -> String {
    let place = holds.shown.as_deref().unwrap_or_default();
    let words = match (holds.source, language) {
        (Source::Default, Language::English) => "default",
        (Source::Default, Language::Chinese) => "默认值",
        (Source::Own, _) => "",
        (Source::Global, Language::English) => " (global)",
        (Source::Global, Language::Chinese) => "（全局）",
        (Source::LaterGlobal, Language::English) => " (global, though it stands after the module)",
        (Source::LaterGlobal, Language::Chinese) => "（全局，虽然写在模块之后）",
    };
    format!("{place}{words}")
}

fn as_json(sources: &Sources, configuration: &Configuration, sections: &[Section]) -> serde_json::Value {
    let sections: Vec<_> = sections
        .iter()
        .map(|section| {
            let values: Vec<_> = section
                .values
                .iter()
                .map(|holds| {
                    let position = holds.place.map(|span| {
                        let source = sources.get(span.source);
                        (source.name(), source.position(span.start as usize))
                    });
                    serde_json::json!({
                        "parameter": holds.parameter.name(),
                        "value": holds.value,
                        "origin": holds.source.key(),
                        "file": position.map(|(file, _)| file),
                        "line": position.map(|(_, position)| position.line),
                        "column": position.map(|(_, position)| position.column),
                    })
                })
                .collect();
            serde_json::json!({ "section": section.name, "values": values })
        })
        .collect();
    let gives_up: Vec<_> = configuration
        .fatal()
        .map(|(problem, _)| place(sources, problem.span))
        .collect();
    serde_json::json!({
        "schema": "rsyncctl/1",
        "command": "config",
        "release": configuration.release,
        "starts": configuration.starts(),
        "serves": configuration.serves(),
        "gives_up_at": gives_up,
        "sections": sections,
    })
}
