mod files;

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

pub use files::{Files, NotOpened, Opened};

use crate::{
    host::{LARGEST_FILE, Unknown},
    model::{
        configuration::{
            Block, Configuration, Effect, FatalError, Include, Module, Problem, ProblemKind, Scope, Setting,
        },
        parameter::{self, Kind, Parameter, fold},
        slots::{Globals, Slots},
        value::Value,
    },
    syntax::{
        Text,
        rsyncd_conf::{self, Fatal, Item},
    },
    terms::{Release, Source, SourceId, Sources, Span},
};

/// More than any honest configuration includes; each of two files that include the next twice would double it.
const MOST_INCLUDES: usize = 10_000;

/// The most bytes that are read of included files together. The limit of one file does for all of them: the largest
/// honest configurations have some thousand small ones.
const MOST_INCLUDED: usize = LARGEST_FILE as usize;

/// Deeper than any honest configuration includes. rsync itself follows a chain until its stack is used up, some
/// thousand files deep.
const DEEPEST_INCLUDE: usize = 1_000;

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

    /// `parse_directives` and `include_config` in params.c.
    fn directive(&mut self, source: SourceId, directive: &rsyncd_conf::Parameter) {
        let name = directive.name.bytes();
        let is_include = name.eq_ignore_ascii_case(b"&include");
        if !is_include && !name.eq_ignore_ascii_case(b"&merge") {
            let span = Span::new(source, directive.name.range());
            self.problem(span, ProblemKind::Fatal(FatalError::UnknownDirective));
            return;
        }
        let span = Span::new(source, directive.value.range());
        let path = PathBuf::from(OsStr::from_bytes(directive.value.bytes()));
        match self.open(&path) {
            Ok(Opened::File(bytes)) => {
                if is_include {
                    self.save();
                    self.begin_block(Scope::Global, None, source);
                }
                self.included(span, path, bytes);
                if is_include {
                    self.restore();
                    self.begin_block(Scope::Global, None, source);
                }
            }
            Ok(Opened::Folder(names)) => self.folder(span, &path, names, is_include),
            Err(error) if is_include => self.include_not_opened(span, path, error),
            Err(error) => self.not_opened(span, path, error),
        }
    }

    /// Whatever stands in it: a file ends the module, and so does a folder that has files.
    #[inline(never)]
    fn include_not_opened(&mut self, span: Span, path: PathBuf, error: NotOpened) {
        let is_unseen = matches!(error, NotOpened::Unknown(_));
        let may_be_folder = path.extension() != Some(OsStr::new("conf"));
        self.problem(span, problem_of(path, error));
        if !is_unseen {
            return;
        }
        let module = self.scope;
        self.begin_block(Scope::Global, None, span.source);
        if let (Scope::Module(module), Some(block)) = (module, self.configuration.blocks.last_mut()) {
            block.in_doubt = may_be_folder.then_some(module);
        }
    }

    fn folder(&mut self, span: Span, folder: &Path, mut names: Vec<OsString>, is_include: bool) {
        let ending: &[u8] = if is_include { b".conf" } else { b".inc" };
        names.retain(|name| name.as_bytes().ends_with(ending));
        names.sort();
        if names.is_empty() {
            // Nothing is included, so the module, if there is one, goes on (`include_config` in params.c).
            return;
        }
        if is_include {
            self.save();
        }
        for name in names {
            if is_include {
                self.come_back();
                self.begin_block(Scope::Global, None, span.source);
            }
            // rsync joins with one slash, and does not look for files in folders below.
            let mut path = folder.as_os_str().to_owned().into_vec();
            path.push(b'/');
            path.extend_from_slice(name.as_bytes());
            let path = PathBuf::from(OsString::from_vec(path));
            match self.open(&path) {
                Ok(Opened::File(bytes)) => self.included(span, path, bytes),
                // rsync opens it like a file and finds nothing to read.
                Ok(Opened::Folder(_)) => {}
                Err(error) => self.not_opened(span, path, error),
            }
        }
        if is_include {
            self.restore();
            self.begin_block(Scope::Global, None, span.source);
        }
    }

    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        if self.is_full {
            return Err(too_much());
        }
        self.files.open(path)
    }

    fn included(&mut self, directive: Span, path: PathBuf, bytes: Vec<u8>) {
        if let Some(source) = self.admitted(directive, path, bytes) {
            self.file(source);
        }
    }

    /// The source of what is included, unless it must not be followed.
    #[inline(never)]
    fn admitted(&mut self, directive: Span, path: PathBuf, bytes: Vec<u8>) -> Option<SourceId> {
        // Inside what it is itself, a file comes back to this line, by whatever name it is called.
        let is_read = |&source: &SourceId| self.sources.get(source).bytes()[..] == bytes[..];
        if self.reading.iter().any(is_read) {
            self.problem(directive, ProblemKind::Fatal(FatalError::Cycle(path)));
            return None;
        }
        let before = self.by_path.get(&path).copied();
        if self.configuration.includes.len() >= MOST_INCLUDES {
            self.is_full = true;
            // Files that include others twice double at each level; many that are included once are only many.
            match before {
                Some(_) => self.problem(directive, ProblemKind::Fatal(FatalError::TooManyIncludes)),
                None => self.not_opened(directive, path, too_much()),
            }
            return None;
        }
        if self.reading.len() > DEEPEST_INCLUDE {
            let reason = format!("includes are followed {DEEPEST_INCLUDE} deep, and no deeper");
            self.not_opened(directive, path, NotOpened::Unknown(Unknown::Failed(reason)));
            return None;
        }
        let Some(room) = self.room.checked_sub(bytes.len()) else {
            self.is_full = true;
            self.not_opened(directive, path, too_much());
            return None;
        };
        self.room = room;
        let is_same = |source: &SourceId| self.sources.get(*source).bytes()[..] == bytes[..];
        let source = before
            .filter(is_same)
            .unwrap_or_else(|| self.sources.add(Source::new(self.files.name(&path), bytes)));
        self.by_path.insert(path.clone(), source);
        self.configuration.includes.push(Include {
            directive,
            source,
            path,
        });
        Some(source)
    }

    /// A file whose lines belong to where the reader is.
    #[inline(never)]
    fn not_opened(&mut self, span: Span, path: PathBuf, error: NotOpened) {
        if matches!(error, NotOpened::Unknown(_)) {
            self.leave_open();
        }
        self.problem(span, problem_of(path, error));
    }

    /// Leaves open what the scope holds into which lines were merged that nobody saw.
    fn leave_open(&mut self) {
        match self.scope {
            Scope::Global => self.configuration.are_globals_settled = false,
            Scope::Module(module) => {
                self.configuration.unsettled.insert(module);
            }
        }
    }

    /// Keeps the globals, which an `&include` does not change.
    fn save(&mut self) {
        let configuration = &self.configuration;
        self.saved
            .push((configuration.globals.clone(), configuration.are_globals_settled));
    }

    /// Takes the globals for what they were before the `&include`.
    fn come_back(&mut self) {
        if let Some((globals, are_settled)) = self.saved.last() {
            self.configuration.globals = globals.clone();
            self.configuration.are_globals_settled = *are_settled;
        }
    }

    fn restore(&mut self) {
        self.come_back();
        self.saved.pop();
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

fn problem_of(path: PathBuf, error: NotOpened) -> ProblemKind {
    match error {
        NotOpened::Failed(reason) => ProblemKind::Fatal(FatalError::Include(path, reason)),
        NotOpened::Unknown(reason) => ProblemKind::IncludeNotSeen(path, reason),
    }
}

/// Why the rest of a file was not read.
pub(crate) fn too_long() -> Unknown {
    Unknown::TooLong(MOST_LINES)
}

/// Why nothing more is included.
fn too_much() -> NotOpened {
    NotOpened::Unknown(Unknown::TooMuch(MOST_INCLUDES, MOST_INCLUDED >> 20))
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
