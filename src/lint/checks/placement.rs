//! Lines that stand where they do not work, or work where they do not stand.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
};

use crate::{
    catalog::Safety,
    diagnosis::Edit,
    lint::{
        checks::{Check, loosens::guards},
        files::file_name,
        report::{Case, Reporter},
        subject::ConfigurationSubject,
    },
    model::{
        Block, Effect, Origin, Parameter, Problem, ProblemKind, Scope, Setting,
        parameter::{self, Kind},
    },
    syntax::rsyncd_conf,
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::configuration("RSY108", lines_after_include),
    Check::configuration("RSY209", global_parameter_in_module),
    Check::configuration("RSY211", late_global_text),
    Check::configuration("RSY212", late_global_without_effect),
    Check::configuration("RSY232", no_module),
];

/// How many modules a report names.
const NAMES: usize = 3;

/// RSY108: behind an `&include` rsync is in the global section again, whatever it was in before.
fn lines_after_include(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    let unseen = configuration.problems.iter().filter_map(|problem| {
        matches!(problem.kind, ProblemKind::IncludeNotSeen(..)).then_some(problem.span)
    });
    let seen = configuration.includes.iter().map(|include| include.directive);
    let includes: BTreeSet<_> = seen.chain(unseen).collect();
    let left = left_headers(&configuration.blocks);
    for lines in configuration
        .settings
        .chunk_by(|one, next| one.block == next.block)
    {
        let block = &configuration.blocks[lines[0].block];
        // What the included file sets is meant as it stands.
        let mut own = lines.iter().filter(|setting| setting.source == block.source);
        let (Some(header), Some(first), None) = (left[lines[0].block], own.next(), block.in_doubt) else {
            continue;
        };
        let mut case = Case::at(first.span())
            .with("module", subject.sources.text(header))
            .with("parameter", first.parameter.name())
            .also(header, "module");
        let include = includes.range(..first.name).next_back();
        if let Some(include) = include.filter(|include| include.source == first.source) {
            case = case.also(*include, "include");
        }
        for line in lines {
            case = case.explains_rules(line.span(), &["RSY207", "RSY211"]);
        }
        out.report(case);
    }
}

/// For each block, the header of the module that an `&include` ended, if the block is what follows it.
fn left_headers(blocks: &[Block]) -> Vec<Option<Span>> {
    let mut current = HashMap::new();
    let left = blocks.iter().map(|block| {
        if block.header.is_some() || block.scope != Scope::Global {
            let module = block.header.filter(|_| block.scope != Scope::Global);
            current.insert(block.source, module);
            return None;
        }
        current.get(&block.source).copied().flatten()
    });
    left.collect()
}

/// RSY209: rsync logs the line and ignores it.
fn global_parameter_in_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    for setting in configuration
        .settings
        .iter()
        .filter(|setting| setting.effect == Effect::OutOfPlace)
    {
        let header = configuration.blocks[setting.block].header;
        let module = header
            .map(|header| subject.sources.text(header))
            .unwrap_or_default();
        let is_guard = guards(configuration, Scope::Global, setting.parameter, setting.bytes());
        let mut case = Case::at(setting.span())
            .variant(if is_guard { "guard" } else { "other" })
            .with("parameter", setting.parameter.name())
            .with("module", module);
        if let Some(header) = header {
            case = case.also(header, "header");
        }
        if let Some(edits) = move_to_the_top(subject, setting) {
            case = case.fix(Safety::Unsafe, edits);
        }
        out.report(case);
    }
}

/// The line goes in front of the file's first header, if it is not set there already.
fn move_to_the_top(subject: &ConfigurationSubject<'_>, setting: &Setting) -> Option<Vec<Edit>> {
    let configuration = subject.configuration;
    let same = configuration
        .settings
        .iter()
        .filter(|other| other.parameter == setting.parameter);
    let is_set = same
        .filter(|other| other.effect != Effect::OutOfPlace && other.span() != setting.span())
        .count()
        > 0;
    let first = configuration
        .blocks
        .iter()
        .filter(|block| block.source == setting.source)
        .find_map(|block| block.header)?;
    let source = subject.sources.get(setting.source);
    let line = source.line_range(source.line_of(setting.name.start as usize));
    if is_set || !line.contains(&(setting.value_span().end as usize).saturating_sub(1)) {
        return None;
    }
    let mut text = subject.sources.slice(setting.span()).to_vec();
    text.push(b'\n');
    let top = source.line_range(source.line_of(first.start as usize)).start;
    Some(vec![
        Edit::replace(Span::new(setting.source, top..top), text),
        Edit::delete(Span::new(setting.source, line)),
    ])
}

/// RSY211: a text that a module lacks is looked up in what the globals are at the end of the file.
fn late_global_text(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    for setting in &configuration.settings {
        let block = &configuration.blocks[setting.block];
        let facts = setting.parameter.facts();
        // A module has no copy of what is for the whole daemon.
        let is_text =
            matches!(facts.kind, Kind::Path | Kind::String) && facts.scope == parameter::Scope::Module;
        let is_late = block.scope == Scope::Global && block.after_modules && block.in_doubt.is_none();
        if !is_late || !is_text || setting.bytes().is_empty() {
            continue;
        }
        // Only what holds at the end reaches back.
        let last = configuration.origin(Scope::Global, setting.parameter).setting();
        if last.is_none_or(|last| last.span() != setting.span()) {
            continue;
        }
        let reached: Vec<_> = subject
            .modules()
            .filter(|module| {
                let origin = configuration.origin(module.scope(), setting.parameter);
                matches!(origin, Origin::Late(late) if late.span() == setting.span())
            })
            .collect();
        let Some(first) = reached.first() else {
            continue;
        };
        let mut names: Vec<_> = reached
            .iter()
            .take(NAMES)
            .map(|module| format!("`{}`", module.name()))
            .collect();
        if reached.len() > NAMES {
            names.push("…".to_owned());
        }
        out.report(
            Case::at(setting.span())
                .also(first.header(), "module")
                .with("parameter", setting.parameter.name())
                .with("modules", names.join(", ")),
        );
    }
}

/// RSY212: at its start the daemon reads up to the first header only, `[global]` included.
fn late_global_without_effect(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    const AT_START: [Parameter; 6] = [
        Parameter::Address,
        Parameter::ListenBacklog,
        Parameter::LogFile,
        Parameter::PidFile,
        Parameter::Port,
        Parameter::SocketOptions,
    ];
    // Without one in front, the daemon's own log is syslog; a module's log is looked up when it is chosen.
    let has_log = subject.settings(&[Parameter::LogFile]).any(|setting| {
        let block = &subject.configuration.blocks[setting.block];
        block.scope == Scope::Global && block.header.is_none()
    });
    for setting in subject.settings(&AT_START) {
        let block = &subject.configuration.blocks[setting.block];
        let (Scope::Global, Some(header)) = (block.scope, block.header) else {
            continue;
        };
        let is_log = setting.parameter == Parameter::LogFile;
        if is_log && (has_log || setting.text.is_empty()) {
            continue;
        }
        let mut case = Case::at(setting.span())
            .variant(if is_log { "log" } else { "other" })
            .also(header, "header")
            .with("parameter", setting.parameter.name());
        if let Some(edits) = move_to_the_top(subject, setting) {
            case = case.fix(Safety::Unsafe, edits);
        }
        out.report(case);
    }
}

/// RSY232: a daemon without a module knows no name that a client may ask for.
fn no_module(subject: &ConfigurationSubject<'_>, out: &mut Reporter<'_>) {
    let configuration = subject.configuration;
    if !configuration.modules.is_empty() || configuration.serves() != Some(true) {
        return;
    }
    let source = subject.sources.get(configuration.root);
    // A header that is none for rsync is told as what it is.
    let may_be_header = |problem: &Problem| match &problem.kind {
        ProblemKind::WithoutEquals(text) | ProblemKind::UnknownParameter(text, _) => {
            text.bytes().contains(&b'[') || !text.bytes().is_ascii()
        }
        _ => false,
    };
    if configuration.problems.iter().any(may_be_header) {
        return;
    }
    let name = file_name(Path::new(source.name()));
    if let Some(path) = subject.settings(&[Parameter::Path]).next() {
        // What is merged into modules may well begin without a header.
        if path.source == configuration.root && !name.ends_with(".inc") {
            out.report(Case::at(path.span()).variant("path"));
        }
        return;
    }
    let includes = || {
        rsyncd_conf::parse(source.bytes()).any(|item| matches!(item.kind, rsyncd_conf::Kind::Directive(_)))
    };
    if name == "rsyncd.conf" && !includes() {
        out.report(Case::at(Span::new(configuration.root, 0..0)).variant("none"));
    }
}
