//! How single commands end: assignments, the shell's own commands, functions, programs.

use std::path::Path;

use crate::{
    cli::probe::{
        fault::Fault,
        reach::run::{Flow, Run, words_of},
    },
    model::script::{Argument, Block, Call},
    syntax::shell::{Command, PartKind, Simple, Word},
};

/// Functions that call one another are run so deep.
const DEEPEST: usize = 8;

/// Whether a loop stands around a call, within the function that it stands in.
fn is_in_loop(call: &Call) -> bool {
    let blocks = call.blocks.iter().rev();
    let mut own = blocks.take_while(|block| !matches!(block, Block::Function(_)));
    own.any(|block| matches!(block, Block::While { .. } | Block::For { .. }))
}

impl<'a> Run<'a> {
    pub(super) fn simple(&mut self, simple: &'a Simple, command: &'a Command) -> Flow {
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
            return match simple.words[1..]
                .iter()
                .all(|word| self.is_descriptor(word, command))
            {
                true => Flow::Goes(None),
                false => {
                    self.code = None;
                    Flow::Ends(place, Fault::Ended(line, "exec"))
                }
            };
        }
        let call = self.calls.get(&(place, command.range.end)).copied();
        if let Some(fault) = call.and_then(|call| self.missing_starter(call)) {
            return match fault {
                Fault::NoStarter(name) => self.fails(place, Fault::NotFound(line, name)),
                fault => self.fails(place, fault),
            };
        }
        if let Some(flow) = self.locks_nothing(simple, place) {
            return flow;
        }
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
            // Without a loop around them they do nothing.
            "break" | "continue" if !is_in_loop(call) => Flow::Goes(None),
            "break" | "continue" => {
                self.code = None;
                let sign = if name == "break" { "break" } else { "continue" };
                Flow::Ends(place, Fault::Ended(line, sign))
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
            name if self.depth == 0 && self.is_too_early(name, place) => {
                self.fails(place, Fault::NotYetDefined(line, name.to_owned()))
            }
            name if self.functions.contains_key(name.as_bytes()) => self.function(name, place),
            "local" if self.depth == 0 && !self.is_in_function(place) => {
                let fault = Fault::Failing(line, name);
                match self.is_dash() {
                    Some(true) => Flow::Ends(place, fault),
                    _ => self.fails(place, fault),
                }
            }
            name if self.is_missing(name, place) => self.fails(place, Fault::NotFound(line, name.to_owned())),
            name => match self.surely_fails(call, name, command) {
                Some(what) => self.fails(place, Fault::Failing(line, what)),
                None => Flow::Goes(None),
            },
        }
    }

    /// Whether a word is the `{NAME}` of a redirection, which puts its number there; dash knows none.
    fn is_descriptor(&self, word: &Word, command: &Command) -> bool {
        let text = &self.bytes[word.range.clone()];
        let inner = text.strip_prefix(b"{").and_then(|text| text.strip_suffix(b"}"));
        let is_name = |name: &[u8]| {
            !name.is_empty()
                && name
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_')
        };
        let mut redirections = command.redirections.iter();
        self.is_dash() != Some(true)
            && inner.is_some_and(is_name)
            && redirections.any(|redirection| redirection.range.start == word.range.end)
    }

    pub(super) fn fails(&mut self, place: usize, fault: Fault) -> Flow {
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
            if name == b"PATH" {
                self.pathless = None;
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
            let found = self.apart(true, |run| run.all(list));
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
        if let Some(ends) = self.illegal_option(call, program, place) {
            return ends;
        }
        let words: Vec<_> = call.arguments().iter().map(Argument::text).collect();
        // In a function what `declare` freezes is its own.
        let is_own = self.depth > 0 || self.is_in_function(place);
        let freezes = program == "readonly"
            || self.is_dash() != Some(true)
                && !is_own
                && ["declare", "typeset"].contains(&program)
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
            if name == "PATH" {
                let is_function = words
                    .iter()
                    .any(|word| word.starts_with('-') && word.contains('f'));
                self.pathless = Some(place).filter(|_| program == "unset" && !is_function);
            }
        }
        Flow::Goes(Some(true).filter(|_| program == "export"))
    }

    fn is_in_function(&self, place: usize) -> bool {
        let mut functions = self.functions.values().flatten();
        functions.any(|function| function.body.range.contains(&place))
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
                    'C' => self.is_noclobber = is_on,
                    'o' => match words.next().as_deref() {
                        Some("errexit") => self.is_errexit = is_on,
                        Some("nounset") => self.is_nounset = is_on,
                        Some("noclobber") => self.is_noclobber = is_on,
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
        let is_written = |file: &String| self.may_be_made(Path::new(file), place);
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
}
