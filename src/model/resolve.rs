mod files;
mod include;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

pub use files::{Files, NotOpened, Opened};

use crate::{
    host::{LARGEST_FILE, Unknown},
    model::{
        configuration::{
            Block, Configuration, Effect, FatalError, Module, Problem, ProblemKind, Scope, Setting,
        },
        parameter::{self, Kind, Parameter, fold},
        slots::{Globals, Slots},
        value::Value,
    },
    syntax::{
        Text,
        rsyncd_conf::{self, Fatal, Item},
    },
    terms::{Release, SourceId, Sources, Span},
};

/// The most bytes that are read of included files together. The limit of one file does for all of them: the largest
/// honest configurations have some thousand small ones.
const MOST_INCLUDED: usize = LARGEST_FILE as usize;

/// The most lines that mean something, of the file and of all that it includes. The largest honest configurations have
/// some ten thousand modules, and each line costs some hundred bytes of memory.
const MOST_LINES: usize = 500_000;

/// Reads a configuration as the given release of rsync does, following its includes. What stands behind a line at which
/// rsync gives up is read all the same: it counts when that line is mended.
pub fn resolve(sources: &mut Sources, root: SourceId, release: Release, files: &dyn Files) -> Configuration {
    read(sources, root, release, files, false)
}

/// The same, up to the line at which rsync gives up.
pub fn resolve_until_fatal(
    sources: &mut Sources,
    root: SourceId,
    release: Release,
    files: &dyn Files,
) -> Configuration {
    read(sources, root, release, files, true)
}

fn read(
    sources: &mut Sources,
    root: SourceId,
    release: Release,
    files: &dyn Files,
    stops: bool,
) -> Configuration {
    let mut resolver = Resolver {
        sources,
        files,
        configuration: Configuration {
            release,
            root,
            settings: Vec::new(),
            modules: Vec::new(),
            blocks: Vec::new(),
            includes: Vec::new(),
            problems: Vec::new(),
            globals: Globals::default(),
            by_name: HashMap::new(),
            unsettled: BTreeSet::new(),
            are_globals_settled: true,
        },
        scope: Scope::Global,
        block: 0,
        saved: Vec::new(),
        reading: Vec::new(),
        by_path: HashMap::new(),
        lines: MOST_LINES,
        room: MOST_INCLUDED,
        is_full: false,
        stops,
        gives_up: false,
    };
    resolver.begin_block(Scope::Global, None, root);
    resolver.file(root);
    let mut configuration = resolver.configuration;
    configuration.unsettled.extend(configuration.in_doubt());
    configuration
}

/// The state of `loadparm.c` while it reads.
struct Resolver<'a> {
    sources: &'a mut Sources,
    files: &'a dyn Files,
    configuration: Configuration,
    scope: Scope,
    block: usize,
    /// The globals to come back to after an `&include`, and whether they are settled.
    saved: Vec<(Globals, bool)>,
    /// The files that are being read, outermost first.
    reading: Vec<SourceId>,
    /// The files that were included: one that is included again is the same source.
    by_path: HashMap<PathBuf, SourceId>,
    /// How many lines may still be read.
    lines: usize,
    /// How many bytes may still be included.
    room: usize,
    /// Whether a limit is reached, so that no further file is opened.
    is_full: bool,
    /// Whether nothing is read behind what is fatal.
    stops: bool,
    /// Whether something was fatal.
    gives_up: bool,
}

impl Resolver<'_> {
    fn file(&mut self, source: SourceId) {
        let bytes = self.sources.get(source).bytes().clone();
        self.reading.push(source);
        for item in rsyncd_conf::parse(&bytes) {
            use rsyncd_conf::Kind as Line;
            if self.stops && self.gives_up {
                break;
            }
            if !matches!(item.kind, Line::Blank | Line::Comment(_)) {
                let Some(lines) = self.lines.checked_sub(1) else {
                    let rest = Span::new(source, item.range.start..bytes.len());
                    self.leave_open();
                    self.problem(rest, ProblemKind::TooLong);
                    break;
                };
                self.lines = lines;
            }
            match &item.kind {
                // Not from `item`: each include on the way down keeps its frames on the stack.
                Line::Directive(directive) => self.directive(source, directive),
                _ => self.item(source, item),
            }
        }
        self.reading.pop();
    }

    /// A line that is no directive.
    #[inline(never)]
    fn item(&mut self, source: SourceId, item: Item) {
        use rsyncd_conf::Kind as Line;
        match item.kind {
            Line::Blank | Line::Comment(_) | Line::StrayBackslash | Line::Directive(_) => {}
            Line::Section(section) => self.section(source, section),
            Line::Parameter(parameter) => self.parameter(source, parameter),
            Line::WithoutEquals(text) => {
                let span = Span::new(source, text.range());
                self.problem(span, ProblemKind::WithoutEquals(text));
            }
            Line::Fatal(fatal) => {
                let (range, error) = match fatal {
                    Fatal::NoParameterName(range) => (range, FatalError::NoParameterName),
                    Fatal::EmptySectionName(range) => (range, FatalError::EmptySectionName),
                    Fatal::UnterminatedSection(range) => (range, FatalError::UnterminatedSection),
                };
                self.problem(Span::new(source, range), ProblemKind::Fatal(error));
            }
            Line::Unread => self.problem(Span::new(source, item.range), ProblemKind::Unread),
        }
    }

    /// `do_section` in loadparm.c.
    fn section(&mut self, source: SourceId, section: rsyncd_conf::Section) {
        let header = Span::new(source, section.header);
        let key: Vec<u8> = fold(section.name.bytes()).collect();
        if key == b"GLOBAL" {
            self.begin_block(Scope::Global, Some(header), source);
            return;
        }
        if section.name.bytes().contains(&b'/') {
            self.problem(header, ProblemKind::Fatal(FatalError::SlashInSectionName));
            if self.stops {
                return;
            }
        }
        let modules = &mut self.configuration.modules;
        let index = match self.configuration.by_name.get(&key).and_then(|same| same.last()) {
            Some(&index) => {
                modules[index].headers.push(header);
                index
            }
            None => {
                modules.push(Module {
                    name: section.name,
                    headers: vec![header],
                    slots: Slots::new(self.configuration.globals.clone()),
                });
                self.configuration
                    .by_name
                    .entry(key)
                    .or_default()
                    .push(modules.len() - 1);
                if !self.configuration.are_globals_settled {
                    self.configuration.unsettled.insert(modules.len() - 1);
                }
                modules.len() - 1
            }
        };
        self.begin_block(Scope::Module(index), Some(header), source);
    }

    /// `do_parameter` in loadparm.c.
    fn parameter(&mut self, source: SourceId, line: rsyncd_conf::Parameter) {
        let name = Span::new(source, line.name.range());
        let known = Parameter::from_name(line.name.bytes());
        let Some(parameter) = known else {
            self.problem(name, ProblemKind::UnknownParameter(line.name, line.value));
            return;
        };
        let facts = parameter.facts();
        if facts.since > self.configuration.release {
            self.problem(name, ProblemKind::TooNew(parameter));
            return;
        }
        let out_of_place = self.scope != Scope::Global && facts.scope == parameter::Scope::Global;
        let effect = if out_of_place {
            Effect::OutOfPlace
        } else if !matches!(facts.kind, Kind::Path | Kind::String) && has_variable(line.value.bytes()) {
            Effect::Environment
        } else {
            Value::read(facts.kind, line.value.bytes()).map_or(Effect::Malformed, Effect::Set)
        };
        let index = self.configuration.settings.len();
        if matches!(effect, Effect::Set(_) | Effect::Environment) {
            match self.scope {
                Scope::Global => self.configuration.globals.set(parameter, index),
                Scope::Module(module) => self.configuration.modules[module].slots.set(parameter, index),
            }
        }
        if let (Parameter::Name, Scope::Module(module)) = (parameter, self.scope) {
            self.rename(module, line.value.clone());
        }
        self.configuration.settings.push(Setting {
            parameter,
            name,
            text: line.value,
            source,
            block: self.block,
            effect,
        });
    }

    /// `name = x` in a module: the header's name stops working.
    fn rename(&mut self, module: usize, name: Text) {
        let modules = &mut self.configuration.modules;
        let old: Vec<u8> = fold(modules[module].name.bytes()).collect();
        let new: Vec<u8> = fold(name.bytes()).collect();
        modules[module].name = name;
        if let Some(same) = self.configuration.by_name.get_mut(&old)
            && let Ok(at) = same.binary_search(&module)
        {
            same.remove(at);
        }
        let same = self.configuration.by_name.entry(new).or_default();
        let at = same.partition_point(|&other| other < module);
        same.insert(at, module);
    }

    fn begin_block(&mut self, scope: Scope, header: Option<Span>, source: SourceId) {
        self.scope = scope;
        self.block = self.configuration.blocks.len();
        self.configuration.blocks.push(Block {
            scope,
            header,
            source,
            after_modules: !self.configuration.modules.is_empty(),
            in_doubt: None,
        });
    }

    fn problem(&mut self, span: Span, kind: ProblemKind) {
        self.gives_up |= matches!(kind, ProblemKind::Fatal(_));
        self.configuration.problems.push(Problem {
            kind,
            span,
            block: self.block,
        });
    }
}

/// Why the rest of a file was not read.
pub(crate) fn too_long() -> Unknown {
    Unknown::TooLong(MOST_LINES)
}

/// A value of a module with the module's name in the place of the variable for it, which does not depend on who connects
/// (`rsync_module` in clientserver.c sets it first).
pub(crate) fn with_module_name<'t>(text: &'t [u8], module: &[u8]) -> Cow<'t, [u8]> {
    let mut filled = Vec::new();
    let mut rest = text;
    while let Some(at) = rest
        .windows(MODULE_NAME.len())
        .position(|part| part == MODULE_NAME)
    {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(module);
        rest = &rest[at + MODULE_NAME.len()..];
    }
    if rest.len() == text.len() {
        return text.into();
    }
    filled.extend_from_slice(rest);
    filled.into()
}

/// The variable that holds the module's name.
const MODULE_NAME: &[u8] = b"%RSYNC_MODULE_NAME%";

/// Whether `expand_vars` in loadparm.c may replace something: `%`, an upper-case letter, and a second `%`.
pub(crate) fn has_variable(text: &[u8]) -> bool {
    text.iter().enumerate().any(|(index, &byte)| {
        byte == b'%'
            && text.get(index + 1).is_some_and(u8::is_ascii_uppercase)
            && text[index + 2..].contains(&b'%')
    })
}

#[cfg(test)]
mod tests;
