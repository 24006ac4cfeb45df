use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
};

use crate::{
    host::Unknown,
    model::{
        parameter::{Kind, Parameter, fold},
        resolve::too_long,
        slots::{Globals, Slots},
        value::{self, Value},
    },
    syntax::Text,
    terms::{Release, SourceId, Span},
};

/// What a daemon makes of its configuration file.
#[derive(Debug)]
pub struct Configuration {
    /// The release whose behaviour is meant.
    pub release: Release,
    /// The file that the daemon was given.
    pub root: SourceId,
    /// Every line that sets a known parameter, in the order in which rsync reads them.
    pub settings: Vec<Setting>,
    /// The modules, in the order in which a listing shows them.
    pub modules: Vec<Module>,
    /// Every stretch of lines under one header, the lines before the first header included.
    pub blocks: Vec<Block>,
    /// What was included, from where.
    pub includes: Vec<Include>,
    /// What rsync complains about while it reads, and what it should.
    pub problems: Vec<Problem>,
    pub(crate) globals: Globals,
    pub(crate) by_name: HashMap<Vec<u8>, Vec<usize>>,
    /// The modules for which nobody can tell what holds.
    pub(crate) unsettled: BTreeSet<usize>,
    /// Whether all lines were seen that may set a global value.
    pub(crate) are_globals_settled: bool,
}

/// A line that sets a known parameter.
#[derive(Debug)]
pub struct Setting {
    /// Which one.
    pub parameter: Parameter,
    /// The name as it is written.
    pub name: Span,
    /// The value as it is written.
    pub text: Text,
    /// Where it stands.
    pub source: SourceId,
    /// Under which header, an index into [`Configuration::blocks`].
    pub block: usize,
    /// What rsync makes of the line.
    pub effect: Effect,
}

impl Setting {
    /// Where the value stands.
    pub fn value_span(&self) -> Span {
        Span::new(self.source, self.text.range())
    }

    /// From the name to the end of the value.
    pub fn span(&self) -> Span {
        self.name.join(self.value_span())
    }

    /// Where a part of the value stands; `part` counts bytes of `self.text`.
    pub fn part(&self, part: std::ops::Range<usize>) -> Span {
        Span::new(self.source, self.text.range_of(part))
    }

    /// The bytes that count: without the slashes that rsync cuts off a path.
    pub fn bytes(&self) -> &[u8] {
        let bytes = self.text.bytes();
        if self.parameter.facts().kind != Kind::Path {
            return bytes;
        }
        let kept = bytes
            .iter()
            .rposition(|&byte| byte != b'/')
            .map_or(1, |last| last + 1);
        &bytes[..kept.min(bytes.len())]
    }
}

/// What rsync makes of a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Effect {
    /// It sets the value.
    Set(Value),
    /// The value is not one of its kind: logged or not, what held before holds on.
    Malformed,
    /// A global parameter in a module: logged and ignored.
    OutOfPlace,
    /// The value is made of an environment variable, which only the daemon knows.
    Environment,
}

/// Where settings stand or are looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Before the first header, or in `[global]`.
    Global,
    /// In a module, an index into [`Configuration::modules`].
    Module(usize),
}

/// A stretch of lines under one header.
#[derive(Debug)]
pub struct Block {
    /// What the lines set.
    pub scope: Scope,
    /// The header, from bracket to bracket; none at the start of a file.
    pub header: Option<Span>,
    /// The file.
    pub source: SourceId,
    /// Whether a module came before it, so that its strings reach back to that module.
    pub after_modules: bool,
    /// The module to which the lines belong instead, an index into [`Configuration::modules`], if the `&include` in
    /// front of them, which was not seen, names a folder without a file for it (`include_config` in params.c).
    pub in_doubt: Option<usize>,
}

/// A module.
#[derive(Debug)]
pub struct Module {
    /// The name that a client must send: the first header's, unless `name` changes it.
    pub name: Text,
    /// Its headers, from bracket to bracket; more than one if it is continued later.
    pub headers: Vec<Span>,
    pub(crate) slots: Slots,
}

impl Module {
    /// Where the module begins.
    pub fn header(&self) -> Span {
        self.headers[0]
    }
}

/// An `&include` or `&merge` that was followed.
#[derive(Debug)]
pub struct Include {
    /// The line's path.
    pub directive: Span,
    /// The file that was read for it.
    pub source: SourceId,
    /// Its path.
    pub path: PathBuf,
}

/// Something that rsync complains about, or should.
#[derive(Debug)]
pub struct Problem {
    /// What it is.
    pub kind: ProblemKind,
    /// The bytes that it is about.
    pub span: Span,
    /// The block in which it stands.
    pub block: usize,
}

/// What rsync complains about, or should, while it reads.
#[derive(Debug, PartialEq)]
pub enum ProblemKind {
    /// A name that rsync does not know; the text is the name, then the value.
    UnknownParameter(Text, Text),
    /// A parameter that the chosen release does not know yet.
    TooNew(Parameter),
    /// A line without `=`.
    WithoutEquals(Text),
    /// What makes rsync give up the file.
    Fatal(FatalError),
    /// Everything behind a NUL.
    Unread,
    /// An `&include` or `&merge` whose target cannot be seen from here: nobody knows what it holds.
    IncludeNotSeen(PathBuf, Unknown),
    /// The rest of a file with more lines than are read: nobody knows what it holds.
    TooLong,
}

impl ProblemKind {
    /// What was not read, and why; `None` if it is another problem. `file` is the name of the file that has it.
    pub fn unread(&self, file: &str) -> Option<(String, Unknown)> {
        match self {
            Self::IncludeNotSeen(path, reason) => Some((path.display().to_string(), reason.clone())),
            Self::TooLong => Some((file.to_owned(), too_long())),
            _ => None,
        }
    }
}

/// Why rsync gives up a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FatalError {
    /// A line that begins with `=`.
    NoParameterName,
    /// `[]`.
    EmptySectionName,
    /// `[name` without `]`.
    UnterminatedSection,
    /// A name with a slash.
    SlashInSectionName,
    /// An `&` line that is neither include nor merge.
    UnknownDirective,
    /// The target of an include cannot be read; the text is the path, then the reason.
    Include(PathBuf, String),
    /// A file that includes itself; rsync follows it until it crashes.
    Cycle(PathBuf),
    /// More includes than any honest configuration has.
    TooManyIncludes,
}

impl FatalError {
    /// Whether it is a header, which a daemon that starts does not read.
    fn is_in_header(&self) -> bool {
        matches!(
            self,
            Self::EmptySectionName | Self::UnterminatedSection | Self::SlashInSectionName
        )
    }
}

/// A value that holds, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolved<'a, T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub origin: Origin<'a>,
}

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
pub enum Origin<'a> {
    /// No line sets it.
    Default,
    /// A line of the section itself.
    Own(&'a Setting),
    /// A global line that stands before the module.
    Inherited(&'a Setting),
    /// A global line that stands after the module, and reaches back because the module has no value of its own.
    Late(&'a Setting),
}

impl PartialEq for Origin<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
            && self.setting().map(Setting::span) == other.setting().map(Setting::span)
    }
}

impl<'a> Origin<'a> {
    /// The line that decides, if one does.
    pub fn setting(self) -> Option<&'a Setting> {
        match self {
            Self::Default => None,
            Self::Own(setting) | Self::Inherited(setting) | Self::Late(setting) => Some(setting),
        }
    }
}

impl Configuration {
    /// Whether a daemon that is started with this file goes on to listen: it reads up to the first header, in
    /// included files too, and gives up on what is fatal there (`daemon_main` in clientserver.c). `None` if an
    /// include on the way cannot be seen.
    pub fn starts(&self) -> Option<bool> {
        let first_header = self.blocks.iter().position(|block| block.header.is_some());
        for problem in &self.problems {
            if first_header.is_some_and(|header| problem.block >= header) {
                break;
            }
            match &problem.kind {
                ProblemKind::Fatal(error) => return Some(error.is_in_header()),
                ProblemKind::IncludeNotSeen(..) | ProblemKind::TooLong => return None,
                _ => {}
            }
        }
        Some(true)
    }

    /// Whether a connection gets the daemon's greeting: the whole file is read for each, and whatever is fatal in it
    /// ends the connection without a word (`start_daemon` in clientserver.c). `None` if an include cannot be seen.
    pub fn serves(&self) -> Option<bool> {
        if self.fatal().next().is_some() {
            return Some(false);
        }
        let is_unseen = |problem: &Problem| problem.kind.unread("").is_some();
        (!self.problems.iter().any(is_unseen)).then_some(true)
    }

    /// What makes rsync give up the file, in the order in which it would meet it.
    pub fn fatal(&self) -> impl Iterator<Item = (&Problem, &FatalError)> {
        self.problems.iter().filter_map(|problem| match &problem.kind {
            ProblemKind::Fatal(error) => Some((problem, error)),
            _ => None,
        })
    }

    /// Whether a daemon that starts meets a problem already then: it reads up to the first header, `[global]`
    /// included (`pm_process` without a section function in params.c).
    pub fn is_met_at_start(&self, problem: &Problem) -> bool {
        // It stops at the first one, and reaches no other before that is cured.
        let is_first = self
            .fatal()
            .next()
            .is_none_or(|(first, _)| first.span == problem.span);
        is_first
            && self.blocks[..=problem.block]
                .iter()
                .all(|block| block.header.is_none())
    }

    /// The module that a client gets who asks for `name`: the spelling must be exact (`lp_number` in loadparm.c).
    pub fn module(&self, name: &[u8]) -> Option<usize> {
        let alike = self.by_name.get(&fold(name).collect::<Vec<_>>())?;
        let is_it = |&&index: &&usize| self.modules[index].name.bytes() == name;
        alike.iter().rev().find(is_it).copied()
    }

    /// The module whose header would be taken for the same as `[name]`.
    pub fn module_like(&self, name: &[u8]) -> Option<usize> {
        self.by_name.get(&fold(name).collect::<Vec<_>>())?.last().copied()
    }

    /// The line that decides a parameter, as rsync looks it up: a module's own or copied value; for texts that have
    /// no default and that the module lacks, the global value that holds at the end of the file (`FN_LOCAL_STRING`
    /// in loadparm.c).
    pub fn origin(&self, scope: Scope, parameter: Parameter) -> Origin<'_> {
        let Scope::Module(module) = scope else {
            let global = self.globals.get(parameter);
            return global.map_or(Origin::Default, |setting| Origin::Own(&self.settings[setting]));
        };
        let slots = &self.modules[module].slots;
        if let Some(setting) = slots.own(parameter) {
            return Origin::Own(&self.settings[setting]);
        }
        if let Some(setting) = slots.inherited(parameter) {
            return Origin::Inherited(&self.settings[setting]);
        }
        let facts = parameter.facts();
        let is_text = matches!(facts.kind, Kind::Path | Kind::String);
        // A built-in text is copied into the module too; that of `dont compress` is too long for our table.
        let is_unset = facts.default.is_none() && parameter != Parameter::DontCompress;
        match self.globals.get(parameter) {
            Some(setting) if is_text && is_unset => Origin::Late(&self.settings[setting]),
            _ => Origin::Default,
        }
    }

    /// The text that holds, empty if none does.
    pub fn text(&self, scope: Scope, parameter: Parameter) -> Resolved<'_, &[u8]> {
        let origin = self.origin(scope, parameter);
        let value = match origin.setting() {
            Some(setting) => setting.bytes(),
            None => parameter.facts().default.unwrap_or_default().as_bytes(),
        };
        Resolved { value, origin }
    }

    /// The boolean that holds; `None` is `unset`.
    pub fn boolean(&self, scope: Scope, parameter: Parameter) -> Resolved<'_, Option<bool>> {
        let origin = self.origin(scope, parameter);
        let value = match origin.setting().map(|setting| setting.effect) {
            Some(Effect::Set(Value::Boolean(value))) => Some(value),
            Some(_) => None,
            None if parameter == Parameter::UseChroot && self.release < Release::new(3, 2, 7) => Some(true),
            None => value::boolean(parameter.facts().default.unwrap_or_default().as_bytes()),
        };
        Resolved { value, origin }
    }

    /// Whether a two-way boolean holds.
    pub fn is(&self, scope: Scope, parameter: Parameter) -> bool {
        self.boolean(scope, parameter).value == Some(true)
    }

    /// The number that holds.
    pub fn integer(&self, scope: Scope, parameter: Parameter) -> Resolved<'_, i32> {
        let origin = self.origin(scope, parameter);
        let value = match origin.setting().map(|setting| setting.effect) {
            Some(Effect::Set(Value::Integer(number))) => number,
            _ => value::atoi(parameter.facts().default.unwrap_or_default().as_bytes()),
        };
        Resolved { value, origin }
    }

    /// Whether the text tells what holds. It does not where lines that may belong to the module may as well be global,
    /// because of an `&include` that was not seen; where lines were merged that were not seen; and for the modules that
    /// global lines reach of which some were not seen. What is not seen is taken to have no header in it.
    pub fn is_settled(&self, scope: Scope) -> bool {
        match scope {
            Scope::Global => self.are_globals_settled,
            // Texts reach back to the modules in front of them.
            Scope::Module(module) => self.are_globals_settled && !self.unsettled.contains(&module),
        }
    }

    /// The modules that are not settled: those to which lines in doubt may belong, and those that such lines reach.
    pub(crate) fn in_doubt(&self) -> BTreeSet<usize> {
        let is_in_doubt = |setting: &Setting| self.blocks[setting.block].in_doubt.is_some();
        let lines = || self.settings.iter().filter(|setting| is_in_doubt(setting));
        let parameters: BTreeSet<_> = lines().map(|setting| setting.parameter).collect();
        let is_reached = |module: &usize| {
            let reaches = |&parameter| {
                let origin = self.origin(Scope::Module(*module), parameter);
                origin.setting().is_some_and(is_in_doubt)
            };
            parameters.iter().any(reaches)
        };
        let reached = (0..self.modules.len()).filter(is_reached);
        lines()
            .filter_map(|setting| self.blocks[setting.block].in_doubt)
            .chain(reached)
            .collect()
    }

    /// The scopes of all modules.
    pub fn module_scopes(&self) -> impl Iterator<Item = (Scope, &Module)> {
        self.modules
            .iter()
            .enumerate()
            .map(|(index, module)| (Scope::Module(index), module))
    }
}
