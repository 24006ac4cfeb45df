//! How commands end, as far as that is sure.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
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
    model::script::Call,
    syntax::shell::{
        Assignment, AssignmentValue, Command, Item, Join, Kind, List, Pipeline, Redirection, Word,
    },
};

/// What becomes of a script behind a command.
pub(super) enum Flow {
    /// It goes on; whether the command succeeded, if that is sure.
    Goes(Option<bool>),
    /// It ends there, or the whole of what it is in.
    Ends(usize, Fault),
}

/// A shell while it comes to a call.
pub(super) struct Run<'a> {
    pub(super) part: &'a Part<'a>,
    /// Where the call stands that it comes to.
    pub(super) own: Range<usize>,
    pub(super) bytes: &'a [u8],
    /// Where its text stands.
    pub(super) text: Range<usize>,
    pub(super) list: &'a List,
    pub(super) comments: &'a [Range<usize>],
    pub(super) functions: BTreeMap<&'a [u8], Vec<Function<'a>>>,
    pub(super) calls: BTreeMap<(usize, usize), &'a Call>,
    pub(super) is_errexit: bool,
    pub(super) is_nounset: bool,
    pub(super) is_pipefail: bool,
    /// Whether `>` overwrites no file.
    pub(super) is_noclobber: bool,
    /// Where `PATH` was taken away.
    pub(super) pathless: Option<usize>,
    /// How many conditions around it suspend `set -e`.
    pub(super) asked: usize,
    /// Variables that nothing may set again.
    pub(super) frozen: BTreeSet<Vec<u8>>,
    /// What failed last, for sure.
    pub(super) why: Option<(usize, Fault)>,
    /// What a guard asked for last that is not there.
    pub(super) guard: Option<(usize, Fault)>,
    /// What is done otherwise than it is meant, and ends nothing.
    pub(super) otherwise: Option<(usize, Fault)>,
    /// The numbers that an `exec` could not open, which bash goes on without.
    pub(super) closed: BTreeMap<u32, (usize, Fault)>,
    /// Whether the code of the last `exit` is that of a success.
    pub(super) code: Option<bool>,
    /// Whether bash, which gives up the whole of a line or a compound command, would give up the call with it.
    pub(super) is_whole_line_left: bool,
    pub(super) is_first_of_many: bool,
    pub(super) depth: usize,
}

impl<'a> Run<'a> {
    pub(super) fn new(part: &'a Part<'a>, own: Range<usize>, bytes: &'a [u8]) -> Self {
        let list = &part.tree.list;
        let options = Interpreter::of(bytes).filter(|found| is_plain(found.shell()));
        let has = |letter: char| {
            let options = options.as_ref().map(Interpreter::options);
            options.is_some_and(|options| options.starts_with('-') && options.contains(letter))
        };
        let calls = part.script.calls.iter();
        Self {
            part,
            own,
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
            is_noclobber: false,
            pathless: None,
            asked: 0,
            frozen: BTreeSet::new(),
            why: None,
            guard: None,
            otherwise: None,
            closed: BTreeMap::new(),
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

    pub(super) fn is_dash(&self) -> Option<bool> {
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
            [command] => matches!(
                command.kind,
                Kind::Simple(_) | Kind::Subshell(_) | Kind::Arithmetic
            ),
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
    pub(super) fn apart(&mut self, is_simple: bool, run: impl FnOnce(&mut Self) -> Flow) -> Option<bool> {
        let before = (
            self.is_errexit,
            self.is_nounset,
            self.is_pipefail,
            self.is_noclobber,
            self.pathless,
            self.frozen.clone(),
        );
        let flow = run(self);
        (
            self.is_errexit,
            self.is_nounset,
            self.is_pipefail,
            self.is_noclobber,
            self.pathless,
            self.frozen,
        ) = before;
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
        if text.windows(4).any(|word| word == b"PATH") {
            self.pathless = None;
        }
    }

    pub(super) fn forget_options(&mut self) {
        (self.is_errexit, self.is_nounset, self.is_pipefail) = (false, false, false);
        (self.is_noclobber, self.pathless) = (false, None);
    }

    pub(super) fn command(&mut self, command: &'a Command) -> Flow {
        if let Some(found) = self.refused_in(&command.redirections) {
            return found;
        }
        if let Some(found) = self.unopened(command) {
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
            Kind::Arithmetic => match self.counts_from_zero(command) {
                Some(what) => {
                    let (place, line) = (command.range.start, self.line(command.range.start));
                    self.fails(place, Fault::Failing(line, what))
                }
                None => Flow::Goes(None),
            },
        }
    }

    pub(super) fn unsure(&mut self, command: &Command) -> Flow {
        self.may_change(command.range.clone());
        Flow::Goes(None)
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
fn is_opening(redirection: &Redirection) -> bool {
    redirection.operator.opens_file() && redirection.target.literal().as_deref() != Some(b"/dev/null")
}
