use std::{fmt::Write as _, io::Write as _};

use clap::Args;

use crate::{
    catalog::Language,
    cli::{
        Failure,
        output::{Output, PageFormat, complain, stdout},
        resolved::{OneFile, Resolved, envelope},
    },
    model::{Configuration, Effect, Origin, Parameter, Scope, Value, access, parameter},
    render::{Format, visible},
    terms::{Sources, Span},
};

/// Print the effective configuration, with the line that each value comes from
///
/// Ends with 1 if rsync gives up the file, or if it lacks the module that was asked for; 3 if part of it could not be read.
#[derive(Args, Debug)]
pub(super) struct Arguments {
    #[command(flatten)]
    input: OneFile,
    /// Also what no line sets
    #[arg(long)]
    defaults: bool,
    #[command(flatten)]
    output: Output<PageFormat>,
}

/// Prints what the daemon makes of its file.
pub(super) fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let resolved = arguments.input.resolve_until_fatal()?;
    let language = arguments.output.language();
    resolved.complain(language)?;
    let module = arguments.input.module.as_deref();
    let mut scopes = match resolved.scopes(module) {
        Ok(scopes) => scopes,
        Err(no_module) => {
            complain(&no_module)?;
            return Ok(resolved.without_answer());
        }
    };
    if module.is_none() {
        scopes.insert(0, Scope::Global);
    }
    let Resolved {
        sources,
        configuration,
        ..
    } = &resolved;
    let sections: Vec<_> = scopes
        .into_iter()
        .map(|scope| section(sources, configuration, scope, arguments.defaults))
        .collect();
    let mut out = stdout();
    if arguments.output.format() == Format::Json {
        let sections = sections.iter().map(|section| as_json(sources, section)).collect();
        let envelope = envelope("config", language, &[&resolved], [("sections", sections)]);
        writeln!(out, "{envelope}")?;
    } else {
        write!(out, "{}", as_text(&sections, language))?;
    }
    out.flush()?;
    Ok(resolved.code())
}

/// One section with the values that hold in it.
struct Section {
    name: String,
    /// Whether no line that was not read may set it otherwise.
    is_settled: bool,
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
                shown: span.map(|span| sources.place(span)),
            })
        })
        .collect();
    Section {
        name,
        is_settled: configuration.is_settled(scope),
        values,
    }
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
        Kind::Path | Kind::String if parameter == Parameter::SecretsFile => {
            access::shown_secrets_file(configuration.text(scope, parameter).value)
        }
        Kind::Path | Kind::String => {
            String::from_utf8_lossy(configuration.text(scope, parameter).value).into_owned()
        }
    }
}

fn as_text(sections: &[Section], language: Language) -> String {
    let mut text = String::new();
    for (index, section) in sections.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        let doubt = match (section.is_settled, language) {
            (true, _) => "",
            (false, Language::English) => "  ← in doubt: what was not read may set this otherwise",
            (false, Language::Chinese) => "  ← 不确定：没有读取的内容可能会改变这一节",
        };
        let _ = writeln!(text, "[{}]{doubt}", visible(&section.name));
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
    let place = visible(holds.shown.as_deref().unwrap_or_default());
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

fn as_json(sources: &Sources, section: &Section) -> serde_json::Value {
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
    serde_json::json!({ "section": section.name, "settled": section.is_settled, "values": values })
}
