//! How commands end, as far as that is sure.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    path::Path,
};

use crate::{
    cli::probe::{
        fault::Fault,
        interpreter::{Interpreter, is_plain},
        part::Part,
        reach::{
            chains,
            functions::{Function, functions},
        },
        text::position,
    },
    model::script::{Argument, Call, Stream},
    syntax::shell::{
        Assignment, AssignmentValue, Command, Item, Join, Kind, List, Operator, PartKind, Pipeline, Simple,
        Word,
    },
};

/// What becomes of a script behind a command.
pub(super) enum Flow {
    /// It goes on; whether the command succeeded, if that is sure.
    Goes(Option<bool>),
    /// It ends there, or the whole of what it is in.
    Ends(usize, Fault),
}

/// Commands of all shells' own, and of some only (bash(1), dash(1)).
const OF_ALL: [&str; 46] = [
    ".", ":", "[", "alias", "bg", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit",
    "export", "false", "fc", "fg", "getopts", "hash", "jobs", "kill", "local", "printf", "pwd", "read",
    "readonly", "return", "set", "shift", "test", "times", "trap", "true", "type", "ulimit", "umask",
    "unalias", "unset", "wait", "time", "!", "{", "}", "in", "chdir", "esac",
];
const OF_BASH: [&str; 26] = [
    "[[",
    "bind",
    "builtin",
    "caller",
    "compgen",
    "complete",
    "compopt",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "enable",
    "function",
    "help",
    "history",
    "let",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "readarray",
    "select",
    "shopt",
    "source",
    "suspend",
    "typeset",
];

/// Where systemd looks for programs, and cron.
const PATH_OF_SYSTEMD: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const PATH_OF_CRON: &[u8] = b"/usr/bin:/bin";

/// Functions that call one another are run so deep.
const DEEPEST: usize = 8;

/// A shell while it comes to a call.
pub(super) struct Run<'a> {
    pub(super) part: &'a Part<'a>,
    pub(super) bytes: &'a [u8],
    /// Where its text stands.
    pub(super) text: Range<usize>,
    pub(super) list: &'a List,
    pub(super) comments: &'a [Range<usize>],
    pub(super) functions: BTreeMap<&'a [u8], Vec<Function<'a>>>,
    calls: BTreeMap<(usize, usize), &'a Call>,
    is_errexit: bool,
    pub(super) is_nounset: bool,
    is_pipefail: bool,
    /// How many conditions around it suspend `set -e`.
    pub(super) asked: usize,
    /// Variables that nothing may set again.
    frozen: BTreeSet<Vec<u8>>,
    /// What failed last, for sure.
    why: Option<(usize, Fault)>,
    /// What a guard asked for last that is not there.
    pub(super) guard: Option<(usize, Fault)>,
    /// What is done otherwise than it is meant, and ends nothing.
    pub(super) otherwise: Option<(usize, Fault)>,
    /// Whether the code of the last `exit` is that of a success.
    code: Option<bool>,
    /// Whether bash, which gives up the whole of a line or a compound command, would give up the call with it.
    pub(super) is_whole_line_left: bool,
    pub(super) is_first_of_many: bool,
    depth: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(part: &'a Part<'a>, bytes: &'a [u8]) -> Self {
        let list = &part.tree.list;
        let options = Interpreter::of(bytes).filter(|found| is_plain(found.shell()));
        let has = |letter: char| {
            let options = options.as_ref().map(Interpreter::options);
            options.is_some_and(|options| options.starts_with('-') && options.contains(letter))
        };
        let calls = part.script.calls.iter();
        Self {
            part,
            bytes,
            text: part.start..part.end,
            list,
            comments: &part.tree.comments,
            functions: functions(list, bytes),
            calls: calls
                .map(|call| ((call.range.start, call.range.end), call))
                .collect(),
            is_errexit: has('e'),
            is_nounset: has('u'),
            is_pipefail: false,
            asked: 0,
            frozen: BTreeSet::new(),
            why: None,
            guard: None,
            otherwise: None,
            code: None,
            is_whole_line_left: false,
            is_first_of_many: false,
            depth: 0,
        }
    }

    /// Whether others may set variables and call functions: files that are taken in, texts, programs that a run names.
    pub(super) fn is_open(&self) -> bool {
        let script = &self.part.script;
        script.takes_in_others || script.calls.iter().any(|call| call.program().is_empty())
    }

    fn is_dash(&self) -> Option<bool> {
        self.part.takes_braces.map(|takes_braces| !takes_braces)
    }

    pub(super) fn line(&self, place: usize) -> usize {
        position(self.bytes, place)
    }

    pub(super) fn all(&mut self, list: &'a List) -> Flow {
        let mut status = Some(true);
        for chain in chains(list) {
            match self.chain(chain) {
                Flow::Goes(found) => status = found,
                ends => return ends,
            }
        }
        Flow::Goes(status)
    }

    /// Commands that `&&` and `||` join.
    pub(super) fn chain(&mut self, chain: &'a [Item]) -> Flow {
        let Some((last, before)) = chain.split_last() else {
            return Flow::Goes(None);
        };
        if last.join == Join::Background {
            return Flow::Goes(Some(true));
        }
        self.guard = None;
        let status = match self.joined(before) {
            Flow::Goes(status) => status,
            ends => return ends,
        };
        let guard = self.guard.clone();
        match (before.last().map(|item| item.join), status) {
            (None, _) | (Some(Join::And), Some(true)) | (Some(Join::Or), Some(false)) => {
                guarded(guard, self.pipeline(&last.pipeline, false))
            }
            (_, None) => {
                self.may_run(&last.pipeline);
                Flow::Goes(None)
            }
            (_, status) => Flow::Goes(status),
        }
    }

    /// Those in front of the last one, whose failures end nothing.
    pub(super) fn joined(&mut self, items: &'a [Item]) -> Flow {
        let mut status = Some(true);
        for (index, item) in items.iter().enumerate() {
            let join = index.checked_sub(1).map(|before| items[before].join);
            match (join, status) {
                (Some(Join::And), Some(false)) | (Some(Join::Or), Some(true)) => continue,
                (Some(_), None) => {
                    self.may_run(&item.pipeline);
                    continue;
                }
                _ => {}
            }
            match self.pipeline(&item.pipeline, true) {
                Flow::Goes(found) => status = found,
                ends => return ends,
            }
        }
        Flow::Goes(status)
    }

    /// What decides; its failure ends nothing.
    pub(super) fn condition(&mut self, list: &'a List) -> Flow {
        self.asked += 1;
        let flow = self.all(list);
        self.asked -= 1;
        flow
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, is_asked: bool) -> Flow {
        let is_asked = is_asked || pipeline.is_negated;
        self.asked += usize::from(is_asked);
        let flow = match &pipeline.commands[..] {
            [command] => self.command(command),
            commands => {
                let all = commands.iter().map(|command| {
                    let is_simple = matches!(command.kind, Kind::Simple(_));
                    self.apart(is_simple, |run| run.command(command))
                });
                let all: Vec<_> = all.collect();
                let last = all.last().copied().flatten();
                Flow::Goes(match self.is_pipefail {
                    true if all.contains(&Some(false)) => Some(false),
                    true if all.contains(&None) => None,
                    _ => last,
                })
            }
        };
        self.asked -= usize::from(is_asked);
        let status = match flow {
            Flow::Goes(status) => status,
            ends => return ends,
        };
        let is_simple = match &pipeline.commands[..] {
            [command] => matches!(command.kind, Kind::Simple(_) | Kind::Subshell(_)),
            _ => true,
        };
        let ends = is_simple && !is_asked && self.asked == 0 && self.is_errexit && status == Some(false);
        match self.why.clone().filter(|_| ends) {
            Some((place, fault)) => Flow::Ends(place, fault),
            None if pipeline.is_negated => Flow::Goes(status.map(|status| !status)),
            None => Flow::Goes(status),
        }
    }

    /// How something, which may be one command, ends in a shell of its own that leaves nothing but that.
    fn apart(&mut self, is_simple: bool, run: impl FnOnce(&mut Self) -> Flow) -> Option<bool> {
        let before = (
            self.is_errexit,
            self.is_nounset,
            self.is_pipefail,
            self.frozen.clone(),
        );
        let flow = run(self);
        (self.is_errexit, self.is_nounset, self.is_pipefail, self.frozen) = before;
        match flow {
            Flow::Goes(status) if is_simple || status == Some(true) => status,
            // What a compound command ends with need not end a script.
            Flow::Goes(_) => None,
            Flow::Ends(_, Fault::Ended(..)) => self.code,
            Flow::Ends(place, fault) => {
                self.why = Some((place, fault));
                Some(false)
            }
        }
    }

    /// What runs in some cases: an option that it sets is not sure any more.
    fn may_run(&mut self, pipeline: &Pipeline) {
        for command in &pipeline.commands {
            self.may_change(command.range.clone());
        }
    }

    fn may_change(&mut self, range: Range<usize>) {
        let text = &self.bytes[range];
        if text.windows(4).any(|word| word == b"set " || word == b"eval") {
            self.forget_options();
        }
    }

    fn forget_options(&mut self) {
        (self.is_errexit, self.is_nounset, self.is_pipefail) = (false, false, false);
    }

    fn command(&mut self, command: &'a Command) -> Flow {
        if let Some(found) = self.refused_in(&command.redirections) {
            return found;
        }
        match &command.kind {
            Kind::Simple(simple) => {
                let opens = |redirection: &&_| is_opening(redirection);
                let is_opening = command.redirections.iter().any(|redirection| opens(&redirection));
                match self.simple(simple, command) {
                    // A file that cannot be opened is a failure, too.
                    Flow::Goes(Some(true)) if is_opening => Flow::Goes(None),
                    flow => flow,
                }
            }
            Kind::Group(list) => self.all(list),
            Kind::Subshell(list) => Flow::Goes(self.apart(false, |run| run.all(list))),
            Kind::If { branches, otherwise } => {
                for branch in branches {
                    match self.condition(&branch.condition) {
                        Flow::Goes(Some(true)) => {
                            let guard = self.guard.clone();
                            return guarded(guard, self.all(&branch.body));
                        }
                        Flow::Goes(Some(false)) => {}
                        Flow::Goes(None) => return self.unsure(command),
                        ends => return ends,
                    }
                }
                match otherwise {
                    Some(list) => self.all(list),
                    None => Flow::Goes(Some(true)),
                }
            }
            Kind::While {
                is_until, condition, ..
            } => match self.condition(condition) {
                Flow::Goes(Some(status)) if status == *is_until => Flow::Goes(Some(true)),
                Flow::Goes(_) => self.unsure(command),
                ends => ends,
            },
            Kind::For { words, .. } => {
                let mut words = words.iter().flatten();
                words
                    .find_map(|word| self.refused(word))
                    .unwrap_or_else(|| self.unsure(command))
            }
            Kind::Case { word, .. } => {
                let mut words = word.iter();
                words
                    .find_map(|word| self.refused(word))
                    .unwrap_or_else(|| self.unsure(command))
            }
            Kind::Function { .. } => Flow::Goes(Some(true)),
            Kind::Arithmetic => Flow::Goes(None),
        }
    }

    fn unsure(&mut self, command: &Command) -> Flow {
        self.may_change(command.range.clone());
        Flow::Goes(None)
    }

    fn simple(&mut self, simple: &'a Simple, command: &'a Command) -> Flow {
        let values = simple.assignments.iter().flat_map(words_of);
        if let Some(found) = values.chain(&simple.words).find_map(|word| self.refused(word)) {
            return found;
        }
        if simple.words.is_empty() {
            return self.assigns(simple);
        }
        let place = command.range.start;
        let line = self.line(place);
        if simple.words[0].literal().as_deref() == Some(b"exec") {
            return match simple.words.len() {
                1 => Flow::Goes(None),
                _ => {
                    self.code = None;
                    Flow::Ends(place, Fault::Ended(line, "exec"))
                }
            };
        }
        let call = self.calls.get(&(place, command.range.end)).copied();
        let Some(call) = call.filter(|call| call.wrappers.is_empty()) else {
            self.unsure(command);
            return Flow::Goes(None);
        };
        let name = call.words.first().and_then(Argument::known);
        let Some(name) = name.and_then(|name| String::from_utf8(name).ok()) else {
            return Flow::Goes(None);
        };
        match &*name {
            "true" | ":" | "echo" => Flow::Goes(Some(true)),
            "false" => self.fails(place, Fault::Failing(line, name)),
            "exit" => {
                let code = call.arguments().first().map(Argument::known);
                self.code = match code {
                    Some(Some(code)) => Some(code == b"0"),
                    _ => None,
                };
                let fault = Fault::Ended(line, "exit");
                self.why = Some((place, fault.clone()));
                Flow::Ends(place, fault)
            }
            "set" => {
                self.options(call);
                Flow::Goes(None)
            }
            "eval" => {
                self.forget_options();
                Flow::Goes(None)
            }
            "[" | "test" | "[[" | "mountpoint" => self.asks(call, &name, place),
            "readonly" | "declare" | "typeset" | "export" | "unset" => self.declares(call, &name, place),
            "." | "source" if name == "." || self.is_dash() != Some(true) => self.takes_in(call, place),
            name if self.functions.contains_key(name.as_bytes()) => self.function(name, place),
            name => match self.is_missing(name) {
                true => self.fails(place, Fault::NotFound(line, name.to_owned())),
                false => Flow::Goes(None),
            },
        }
    }

    /// Whether something is there: what is not there now fails. What is there says less, for it may be more than that.
    fn asks(&mut self, call: &Call, program: &str, place: usize) -> Flow {
        let words: Option<Vec<_>> = call.arguments().iter().map(Argument::known).collect();
        let Some(words) = words else {
            return Flow::Goes(None);
        };
        let mut words: Vec<_> = words
            .iter()
            .filter_map(|word| str::from_utf8(word).ok())
            .collect();
        words.pop_if(|word| *word == "]" || *word == "]]");
        let (is_negated, words) = match &words[..] {
            ["!", rest @ ..] => (true, rest),
            all => (false, all),
        };
        let file = match (program, words) {
            ("mountpoint", [file] | ["-q" | "--quiet", file]) => file,
            ("mountpoint", _) => return Flow::Goes(None),
            (
                _,
                [
                    "-d" | "-e" | "-f" | "-s" | "-r" | "-w" | "-x" | "-b" | "-S" | "-p",
                    file,
                ],
            ) => file,
            _ => return Flow::Goes(None),
        };
        let is_known = file.starts_with('/') && !(program == "[[" && self.is_dash() == Some(true));
        let is_missing = || matches!(Path::new(file).try_exists(), Ok(false));
        if !is_known || !is_missing() || self.names_before(file, place) {
            return Flow::Goes(None);
        }
        let fault = Fault::Guarded(self.line(place), (*file).to_owned());
        self.guard = Some((place, fault.clone()));
        self.why = Some((place, fault));
        Flow::Goes(Some(is_negated))
    }

    /// Whether a command in front of a place names a file, and may make it.
    fn names_before(&self, file: &str, place: usize) -> bool {
        let calls = self.part.script.calls.iter();
        let mut before = calls.filter(|call| call.range.end <= place);
        let has = |word: &Argument| match word.known() {
            Some(known) => known.windows(file.len()).any(|part| part == file.as_bytes()),
            None => false,
        };
        before.any(|call| {
            let makes =
                ["cp", "install", "ln", "mkdir", "mount", "mv", "tar", "touch"].contains(&&*call.program());
            let is_unknown = |word: &Argument| word.known().is_none();
            let is_asked = ["[", "[[", "echo", "test"].contains(&&*call.program());
            let is_written = matches!(&call.output, Stream::File(output) if has(output));
            is_written
                || !is_asked && call.words.iter().any(has)
                || makes && call.words.iter().any(is_unknown)
        })
    }

    fn fails(&mut self, place: usize, fault: Fault) -> Flow {
        self.why = Some((place, fault));
        Flow::Goes(Some(false))
    }

    /// Assignments alone end as the last command in them does.
    fn assigns(&mut self, simple: &'a Simple) -> Flow {
        for assignment in &simple.assignments {
            let name = &self.bytes[assignment.name.clone()];
            if self.frozen.contains(name) {
                return self.breaks(name, assignment.range.start);
            }
        }
        let values = simple.assignments.iter().flat_map(words_of);
        let parts = values.flat_map(|word| &word.parts);
        let asked = parts.filter_map(|part| match &part.kind {
            PartKind::Command(list) => Some(list),
            _ => None,
        });
        let is_any = !simple.assignments.is_empty();
        let asked: Vec<_> = asked.collect();
        let mut status = is_any.then_some(true);
        for list in asked {
            // bash goes on after failures in there.
            self.asked += 1;
            let found = match self.all(list) {
                Flow::Goes(status) => status,
                Flow::Ends(_, Fault::Ended(..)) => self.code,
                Flow::Ends(place, fault) => {
                    self.why = Some((place, fault));
                    Some(false)
                }
            };
            self.asked -= 1;
            status = found;
        }
        Flow::Goes(status)
    }

    /// A frozen variable is set: dash ends there, bash gives up the line.
    fn breaks(&mut self, name: &[u8], place: usize) -> Flow {
        let line = self.line(place);
        let name = String::from_utf8_lossy(name).into_owned();
        let ends = match self.is_dash() {
            Some(is_dash) => is_dash || self.is_whole_line_left || self.is_errexit && self.asked == 0,
            None => false,
        };
        let fault = Fault::Frozen(line, name);
        match ends {
            true => Flow::Ends(place, fault),
            false => self.keeps(place, fault),
        }
    }

    fn keeps(&mut self, place: usize, fault: Fault) -> Flow {
        if let (Fault::Frozen(line, name), Some(false), None) = (&fault, self.is_dash(), &self.otherwise) {
            self.otherwise = Some((place, Fault::Kept(*line, name.clone())));
        }
        self.fails(place, fault)
    }

    /// `readonly NAME=VALUE` and its like.
    fn declares(&mut self, call: &Call, program: &str, place: usize) -> Flow {
        let words: Vec<_> = call.arguments().iter().map(Argument::text).collect();
        let freezes = program == "readonly"
            || ["declare", "typeset"].contains(&program)
                && words
                    .iter()
                    .any(|word| word.starts_with('-') && word.contains('r'));
        let names = words.iter().filter(|word| !word.starts_with('-'));
        for word in names {
            let (name, is_set) = match word.split_once('=') {
                Some((name, _)) => (name, true),
                None => (&**word, program == "unset"),
            };
            if is_set && self.frozen.contains(name.as_bytes()) {
                let line = self.line(place);
                let fault = Fault::Frozen(line, name.to_owned());
                return match self.is_dash() {
                    Some(true) => Flow::Ends(place, fault),
                    Some(false) => self.keeps(place, fault),
                    None => Flow::Goes(None),
                };
            }
            if freezes {
                self.frozen.insert(name.as_bytes().to_vec());
            }
        }
        Flow::Goes(Some(true).filter(|_| program == "export"))
    }

    fn options(&mut self, call: &Call) {
        let mut words = call.arguments().iter().map(Argument::text);
        while let Some(word) = words.next() {
            let is_on = word.starts_with('-');
            if !is_on && !word.starts_with('+') || word.starts_with("--") {
                return;
            }
            for letter in word[1..].chars() {
                match letter {
                    'e' => self.is_errexit = is_on,
                    'u' => self.is_nounset = is_on,
                    'o' => match words.next().as_deref() {
                        Some("errexit") => self.is_errexit = is_on,
                        Some("nounset") => self.is_nounset = is_on,
                        Some("pipefail") => self.is_pipefail = is_on,
                        _ => {}
                    },
                    _ => {}
                }
            }
        }
    }

    /// A file that is taken in and is not there ends dash, and what bash does as `sh`.
    fn takes_in(&mut self, call: &Call, place: usize) -> Flow {
        let file = call.arguments().first().and_then(Argument::known);
        let file = file.and_then(|file| String::from_utf8(file).ok());
        let is_missing =
            |file: &String| file.starts_with('/') && matches!(Path::new(file).try_exists(), Ok(false));
        let is_written = |file: &String| self.names_before(file, place);
        let Some(file) = file.filter(is_missing).filter(|file| !is_written(file)) else {
            self.forget_options();
            return Flow::Goes(None);
        };
        let fault = Fault::NotTaken(self.line(place), file);
        match self.is_dash() {
            Some(true) => Flow::Ends(place, fault),
            _ => self.fails(place, fault),
        }
    }

    fn function(&mut self, name: &str, place: usize) -> Flow {
        let all = &self.functions[name.as_bytes()];
        let body = match &all[..] {
            [one] if one.name.start < place || self.depth > 0 => one.body,
            _ => {
                self.forget_options();
                return Flow::Goes(None);
            }
        };
        let text = &self.bytes[body.range.clone()];
        let may_return = text.windows(6).any(|word| word == b"return");
        if may_return || self.depth >= DEEPEST {
            return self.unsure(body);
        }
        self.depth += 1;
        let flow = self.command(body);
        self.depth -= 1;
        match flow {
            Flow::Goes(_) => Flow::Goes(None),
            ends => ends,
        }
    }

    /// Whether there is no program of that name, nor a command of the shell's own.
    fn is_missing(&self, name: &str) -> bool {
        let is_own = OF_ALL.contains(&name) || self.is_dash() != Some(true) && OF_BASH.contains(&name);
        let mut calls = self.part.script.calls.iter();
        if is_own
            || calls.any(|call| matches!(&*call.program(), "alias" | "hash" | "enable"))
            || self.is_open()
        {
            return false;
        }
        if name.contains('/') {
            return name.starts_with('/') && matches!(Path::new(name).try_exists(), Ok(false));
        }
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.+-".contains(&byte);
        let Some(path) = self
            .path()
            .filter(|_| !name.is_empty() && name.bytes().all(is_plain))
        else {
            return false;
        };
        let mut folders = path.split(|&byte| byte == b':');
        folders.all(|folder| {
            let folder = str::from_utf8(folder).unwrap_or_default();
            folder.starts_with('/') && matches!(Path::new(folder).join(name).try_exists(), Ok(false))
        })
    }

    /// Where the shell looks for programs; none if only a run can tell.
    fn path(&self) -> Option<Vec<u8>> {
        let part = self.part;
        let mut set = part
            .script
            .assignments
            .iter()
            .filter(|assigned| assigned.name == b"PATH");
        if set.next().is_some() {
            return None;
        }
        let given = part.variables.get(&b"PATH"[..]).map(|path| path.to_vec());
        given.or_else(|| match (&part.given, part.is_cron) {
            (Some(_), true) => Some(PATH_OF_CRON.to_vec()),
            (Some(_), false) => Some(PATH_OF_SYSTEMD.to_vec()),
            (None, _) => std::env::var_os("PATH").map(std::ffi::OsString::into_encoded_bytes),
        })
    }
}

/// Where a script ends for want of what a guard asked for, that is why.
fn guarded(guard: Option<(usize, Fault)>, flow: Flow) -> Flow {
    match (flow, guard) {
        (Flow::Ends(_, Fault::Ended(..)), Some((place, fault))) => Flow::Ends(place, fault),
        (flow, _) => flow,
    }
}

/// The words of what is assigned.
pub(super) fn words_of(assignment: &Assignment) -> impl Iterator<Item = &Word> {
    let (one, more) = match &assignment.value {
        AssignmentValue::Word(word) | AssignmentValue::Element(word) => (Some(word), &[][..]),
        AssignmentValue::Array(words) => (None, &words[..]),
    };
    one.into_iter().chain(more)
}

/// Whether a redirection opens a file that may refuse it.
fn is_opening(redirection: &crate::syntax::shell::Redirection) -> bool {
    let is_file = matches!(
        redirection.operator,
        Operator::Read | Operator::Write | Operator::Append | Operator::ReadWrite | Operator::WriteBoth
    );
    is_file && redirection.target.literal().as_deref() != Some(b"/dev/null")
}
