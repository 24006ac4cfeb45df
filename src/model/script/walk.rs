//! Walks through a script as a shell would, with what is known of its variables.

use std::{ops::Range, sync::Arc};

use crate::{
    model::script::{
        Argument, Assigned, Block, Call, PipeTo, Script, Status, Stream, sshpass, survey::Survey,
        variables::Variables, wrappers,
    },
    syntax::shell::{
        self, AssignmentValue, Command, Item, Join, Kind, List, Operator, Pipeline, Simple, Word,
    },
};

pub(super) struct Walk<'a> {
    pub(super) file: &'a [u8],
    pub(super) survey: Survey,
    pub(super) variables: Variables<'a>,
    pub(super) found: Script,
    pub(super) blocks: Arc<Vec<Block>>,
    pub(super) output: Stream,
    pub(super) errors: Stream,
    pub(super) is_errexit: bool,
    pub(super) is_pipefail: bool,
    pub(super) holds_lock: bool,
    /// Whether the bodies of functions are walked.
    pub(super) is_in_function: bool,
    /// Whether the list that is walked decides something.
    is_condition: bool,
    pub(super) texts: usize,
    /// Bodies that are walked when the rest is known.
    pub(super) functions: Vec<(String, &'a Command)>,
}

/// What holds for a pipeline, and for each command of it.
#[derive(Clone, Default)]
pub(super) struct Surroundings {
    pub(super) status: Option<Status>,
    /// Whether something looks at it, and not only whoever runs the script.
    is_asked: bool,
    is_background: bool,
    pipe_to: Option<PipeTo>,
    pipe_from: Option<usize>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(file: &'a [u8], survey: Survey) -> Self {
        Self {
            file,
            survey,
            variables: Variables::new(file),
            found: Script::default(),
            blocks: Arc::default(),
            output: Stream::default(),
            errors: Stream::default(),
            is_errexit: false,
            is_pipefail: false,
            holds_lock: false,
            is_in_function: false,
            is_condition: false,
            texts: 0,
            functions: Vec::new(),
        }
    }

    pub(super) fn script(mut self, list: &'a List) -> Script {
        // `#!/bin/bash -e`
        let first = self.file.split(|&byte| byte == b'\n').next().unwrap_or_default();
        if first.starts_with(b"#!") {
            let options = first
                .split(u8::is_ascii_whitespace)
                .filter(|word| word.starts_with(b"-"));
            for option in options {
                self.is_errexit |= option.contains(&b'e');
                self.found.is_nounset |= option.contains(&b'u');
            }
        }
        self.list(list, true);
        self.functions();
        self.found.tested = std::mem::take(&mut self.survey.tested);
        self.found.used = std::mem::take(&mut self.survey.used);
        self.found.has_lock = self.survey.has_lock;
        self.found.set = std::mem::take(&mut self.survey.assigned).into_keys().collect();
        self.found
    }

    /// `is_last`: the status of the last command is that of something that is looked at.
    pub(super) fn list(&mut self, list: &'a List, is_last: bool) {
        for (index, item) in list.items.iter().enumerate() {
            let next = list.items.get(index + 1);
            let is_right_side = index > 0 && matches!(list.items[index - 1].join, Join::And | Join::Or);
            if is_right_side {
                self.in_block(Block::Branch, |walk| walk.item(item, next, is_last));
            } else {
                self.item(item, next, is_last);
            }
        }
    }

    fn item(&mut self, item: &'a Item, next: Option<&Item>, is_last: bool) {
        let is_asked = matches!(item.join, Join::And | Join::Or)
            || item.pipeline.is_negated
            || self.is_errexit
            || next.is_some_and(|next| self.asks_status(&next.pipeline));
        let is_asked = is_asked || (self.is_condition && next.is_none());
        let is_used = is_asked || (next.is_none() && is_last);
        let surroundings = Surroundings {
            status: Some(if is_used { Status::Used } else { Status::Dropped }),
            is_asked,
            is_background: item.join == Join::Background,
            ..Surroundings::default()
        };
        self.pipeline(&item.pipeline, &surroundings);
    }

    /// Whether a pipeline looks at the status of what was before it.
    fn asks_status(&self, pipeline: &Pipeline) -> bool {
        let Some(range) = range_of(pipeline) else {
            return false;
        };
        let text = &self.file[range];
        let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
        has(b"$?") || has(b"${?") || has(b"PIPESTATUS") || has(b"pipestatus") || has(b"wait")
    }

    fn pipeline(&mut self, pipeline: &'a Pipeline, surroundings: &Surroundings) {
        let mut pipe_from = None;
        let count = pipeline.commands.len();
        for (index, command) in pipeline.commands.iter().enumerate() {
            let next = pipeline.commands.get(index + 1);
            let mut own = surroundings.clone();
            own.pipe_from = pipe_from;
            own.pipe_to = next.map(|next| self.pipe_to(next));
            let asks_all = self.is_pipefail || self.asks_status_of_all(surroundings);
            if next.is_some() && !asks_all {
                own.status = Some(if surroundings.is_asked {
                    Status::LostInPipe
                } else {
                    Status::Dropped
                });
            }
            let first = self.found.calls.len();
            let mark = self.variables.mark();
            self.command(command, &own);
            if count > 1 {
                // Each command of a pipe has a shell of its own.
                self.variables.restore(mark);
            }
            pipe_from = (self.found.calls.len() > first).then(|| self.found.calls.len() - 1);
        }
    }

    /// Whether `PIPESTATUS` stands anywhere: a script that knows it looks at it.
    fn asks_status_of_all(&self, surroundings: &Surroundings) -> bool {
        surroundings.status == Some(Status::Used) && (self.survey.used.contains_key(&b"PIPESTATUS"[..]))
    }

    fn pipe_to(&self, command: &Command) -> PipeTo {
        match &command.kind {
            Kind::Simple(simple) => {
                let name = simple.words.first().and_then(Word::literal).unwrap_or_default();
                let name = String::from_utf8_lossy(&name).into_owned();
                PipeTo::Program(name.rsplit('/').next().unwrap_or_default().to_owned())
            }
            Kind::While { .. } => PipeTo::Loop,
            _ => PipeTo::Other,
        }
    }

    fn enter(&mut self, block: Block) {
        Arc::make_mut(&mut self.blocks).push(block);
    }

    fn leave(&mut self) {
        Arc::make_mut(&mut self.blocks).pop();
    }

    fn in_block(&mut self, block: Block, walk: impl FnOnce(&mut Self)) {
        let is_shell = block == Block::Subshell;
        self.enter(block);
        let mark = self.variables.mark();
        walk(self);
        if is_shell {
            self.variables.restore(mark);
        } else {
            self.variables.forget_since(mark);
        }
        self.leave();
    }

    pub(super) fn command(&mut self, command: &'a Command, surroundings: &Surroundings) {
        let (output, errors) = (self.output.clone(), self.errors.clone());
        let mut fed_by = surroundings.pipe_from;
        for redirection in &command.redirections {
            let first = self.found.calls.len();
            self.redirect(redirection);
            if redirection.operator == Operator::Read && self.found.calls.len() > first {
                fed_by = Some(self.found.calls.len() - 1);
            }
        }
        let is_used = surroundings.status != Some(Status::Dropped);
        match &command.kind {
            Kind::Simple(simple) => {
                let is_exec_alone = simple.words.len() == 1 && self.word_is(&simple.words[0], b"exec");
                self.simple(simple, command.range.clone(), surroundings);
                self.written(command, simple);
                if is_exec_alone {
                    return;
                }
            }
            Kind::Group(list) => self.list(list, is_used),
            Kind::Subshell(list) => self.in_block(Block::Subshell, |walk| walk.list(list, is_used)),
            Kind::While {
                is_until,
                condition,
                body,
            } => {
                let block = Block::While {
                    range: command.range.clone(),
                    is_endless: self.is_endless(condition, *is_until),
                    fed_by,
                };
                self.condition(condition);
                self.forget_assigned_in(body);
                self.in_block(block, |walk| walk.list(body, false));
            }
            Kind::For { name, words, body } => {
                let words = words
                    .iter()
                    .flatten()
                    .flat_map(|word| self.expand(word))
                    .collect::<Vec<_>>();
                let block = Block::For {
                    range: command.range.clone(),
                };
                self.forget_assigned_in(body);
                self.in_block(block, |walk| {
                    // What holds in the first round is one of the things that happen.
                    walk.variables.set(
                        name.clone(),
                        words.first().filter(|word| !word.is_open && !word.has_pattern()),
                    );
                    walk.list(body, false);
                });
            }
            Kind::If { branches, otherwise } => {
                let mark = self.variables.mark();
                for branch in branches {
                    self.condition(&branch.condition);
                    self.branch(&branch.body, is_used);
                }
                otherwise.iter().for_each(|list| self.branch(list, is_used));
                self.variables.forget_since(mark);
            }
            Kind::Case { word, arms } => {
                word.iter().for_each(|word| drop(self.expand(word)));
                let mark = self.variables.mark();
                arms.iter().for_each(|arm| self.branch(&arm.body, is_used));
                self.variables.forget_since(mark);
            }
            Kind::Function { name, body } => {
                let name = String::from_utf8_lossy(&self.file[name.clone()]).into_owned();
                self.functions.push((name, body));
            }
            Kind::Arithmetic => {}
        }
        (self.output, self.errors) = (output, errors);
    }

    /// A list whose status decides.
    fn condition(&mut self, list: &'a List) {
        let is_errexit = std::mem::replace(&mut self.is_errexit, false);
        let is_condition = std::mem::replace(&mut self.is_condition, true);
        self.list(list, true);
        self.is_condition = is_condition;
        self.is_errexit |= is_errexit;
    }

    /// What is done in one of several cases: the others do not see what it sets.
    fn branch(&mut self, list: &'a List, is_last: bool) {
        self.enter(Block::Branch);
        let mark = self.variables.mark();
        self.list(list, is_last);
        self.variables.set_aside(mark);
        self.leave();
    }

    /// A loop's body sets them for the next round.
    fn forget_assigned_in(&mut self, body: &List) {
        let survey = super::survey::survey(body, self.file);
        survey
            .assigned
            .keys()
            .for_each(|name| self.variables.forget(name));
    }

    fn is_endless(&self, condition: &List, is_until: bool) -> bool {
        let [item] = &condition.items[..] else {
            return false;
        };
        let [command] = &item.pipeline.commands[..] else {
            return false;
        };
        match &command.kind {
            Kind::Simple(simple) => simple.words.first().is_some_and(|word| {
                let is = |text| self.word_is(word, text);
                if is_until {
                    is(b"false")
                } else {
                    is(b"true") || is(b":") || is(b"1")
                }
            }),
            Kind::Arithmetic => !is_until && &self.file[command.range.clone()] == b"((1))",
            _ => false,
        }
    }

    fn word_is(&self, word: &Word, text: &[u8]) -> bool {
        word.literal().is_some_and(|word| word == text)
    }

    fn simple(&mut self, simple: &'a Simple, range: Range<usize>, surroundings: &Surroundings) {
        let mut environment = Vec::new();
        for assignment in &simple.assignments {
            let (value, array) = match &assignment.value {
                AssignmentValue::Word(word) => (self.expand_whole(word), None),
                AssignmentValue::Element(word) => (self.expand_whole(word), Some(None)),
                AssignmentValue::Array(words) => {
                    let words = words.iter().flat_map(|word| self.expand(word)).collect();
                    (Argument::default(), Some(Some(words)))
                }
            };
            let assigned = Assigned {
                name: self.file[assignment.name.clone()].to_vec(),
                value,
                range: assignment.range.clone(),
                is_for_command: !simple.words.is_empty(),
            };
            if simple.words.is_empty() {
                match array {
                    None => self.assign(&assigned.name, &assigned.value, assignment.is_appended),
                    Some(None) => self.variables.forget(&assigned.name),
                    Some(Some(words)) => {
                        if self.is_known(&assigned.name) {
                            self.variables
                                .assign_array(&assigned.name, words, assignment.is_appended);
                        }
                    }
                }
            }
            if simple.words.is_empty() || environment.len() < 16 {
                environment.push(assigned.clone());
            }
            self.found.assignments.push(assigned);
        }
        let words: Vec<Argument> = simple.words.iter().flat_map(|word| self.expand(word)).collect();
        if words.is_empty() {
            return;
        }
        self.builtin(simple, &words);
        let peeled = wrappers::peel(&words);
        environment.extend(peeled.variables);
        let set = |name: &[u8]| {
            let mut all = self.found.assignments.iter().chain(&environment);
            let last = all.rfind(|assigned| assigned.name == name);
            last.map(|assigned| assigned.value.clone())
        };
        // What rsync has of elsewhere counts: it does not ask then.
        if let Some(typed) = sshpass::typed(&words[..peeled.start], set) {
            environment.insert(0, typed);
        }
        let has_flock = peeled.wrappers.iter().any(|name| name == "flock");
        if peeled.start >= words.len() {
            self.holds_lock |= has_flock;
            return;
        }
        let is_exec = peeled.wrappers.iter().any(|name| name == "exec");
        let call = Call {
            words: words[peeled.start..].to_vec(),
            front: words[..peeled.start].to_vec(),
            environment,
            range,
            output: self.output.clone(),
            errors: self.errors.clone(),
            pipe_to: surroundings.pipe_to.clone(),
            pipe_from: surroundings.pipe_from,
            blocks: self.blocks.clone(),
            is_background: surroundings.is_background,
            status: match surroundings.status {
                Some(status) if !is_exec => status,
                _ => Status::Used,
            },
            holds_lock: self.holds_lock || has_flock,
            wrappers: peeled.wrappers,
            runner: peeled.runner,
        };
        let program = call.program();
        if self.survey.composes_in_functions && self.functions.iter().any(|(name, _)| *name == program) {
            self.variables.forget_all();
        }
        self.text_as_script(simple, &call, surroundings);
        self.found.calls.push(call);
    }

    /// Outside of functions the value of a variable that a function sets is not followed: it may be called anywhere.
    fn is_known(&self, name: &[u8]) -> bool {
        self.is_in_function || !self.survey.in_functions.contains(name)
    }

    pub(super) fn assign(&mut self, name: &[u8], value: &Argument, is_appended: bool) {
        if self.is_known(name) {
            self.variables.assign(name, value, is_appended);
        }
    }

    /// The arguments that a word becomes; the commands in it are walked.
    fn expand(&mut self, word: &'a Word) -> Vec<Argument> {
        self.substitutions(word);
        self.variables.expand(word)
    }

    /// A word that is not split: a value.
    pub(super) fn expand_whole(&mut self, word: &'a Word) -> Argument {
        self.substitutions(word);
        self.variables.whole(word)
    }

    fn substitutions(&mut self, word: &'a Word) {
        for part in &word.parts {
            if let shell::PartKind::Command(list) = &part.kind {
                let (output, is_errexit) = (std::mem::take(&mut self.output), self.is_errexit);
                self.in_block(Block::Subshell, |walk| walk.list(list, true));
                (self.output, self.is_errexit) = (output, is_errexit);
            }
        }
    }
}

fn range_of(pipeline: &Pipeline) -> Option<Range<usize>> {
    let (first, last) = (pipeline.commands.first()?, pipeline.commands.last()?);
    Some(first.range.start..last.range.end)
}
