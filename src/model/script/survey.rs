//! What is asked of the whole script before it is walked: a loop changes variables for its own beginning.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use crate::syntax::shell::{AssignmentValue, Command, Kind, List, Part, PartKind, Simple, Word};

/// What stands in a script, wherever it stands.
#[derive(Debug, Default)]
pub(super) struct Survey {
    /// How often each variable is set.
    pub(super) assigned: BTreeMap<Vec<u8>, usize>,
    /// The variables that functions set.
    pub(super) in_functions: BTreeSet<Vec<u8>>,
    /// The variables that are tested.
    pub(super) tested: BTreeSet<Vec<u8>>,
    /// The variables that are used, and where first.
    pub(super) used: BTreeMap<Vec<u8>, Range<usize>>,
    /// Whether functions set variables whose names only a run puts together.
    pub(super) composes_in_functions: bool,
    /// Whether anything looks like a lock.
    pub(super) has_lock: bool,
}

pub(super) fn survey(list: &List, file: &[u8]) -> Survey {
    let mut surveyor = Surveyor {
        file,
        found: Survey::default(),
        functions: 0,
    };
    surveyor.list(list);
    surveyor.found
}

struct Surveyor<'a> {
    file: &'a [u8],
    found: Survey,
    functions: usize,
}

impl Surveyor<'_> {
    fn list(&mut self, list: &List) {
        for command in list.items.iter().flat_map(|item| &item.pipeline.commands) {
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        for redirection in &command.redirections {
            self.word(&redirection.target);
        }
        match &command.kind {
            Kind::Simple(simple) => self.simple(simple),
            Kind::Group(list) | Kind::Subshell(list) => self.list(list),
            Kind::While { condition, body, .. } => {
                self.list(condition);
                self.list(body);
            }
            Kind::For { name, words, body } => {
                self.assigned(&self.file[name.clone()]);
                words.iter().flatten().for_each(|word| self.word(word));
                self.list(body);
            }
            Kind::If { branches, otherwise } => {
                for branch in branches {
                    self.list(&branch.condition);
                    self.list(&branch.body);
                }
                otherwise.iter().for_each(|list| self.list(list));
            }
            Kind::Case { word, arms } => {
                word.iter().for_each(|word| {
                    self.word(word);
                    self.tested(word);
                });
                arms.iter().for_each(|arm| self.list(&arm.body));
            }
            Kind::Function { body, .. } => {
                self.functions += 1;
                self.command(body);
                self.functions -= 1;
            }
            Kind::Arithmetic => {}
        }
    }

    fn simple(&mut self, simple: &Simple) {
        for assignment in &simple.assignments {
            let (AssignmentValue::Word(word) | AssignmentValue::Element(word)) = &assignment.value else {
                if let AssignmentValue::Array(words) = &assignment.value {
                    words.iter().for_each(|word| self.word(word));
                }
                self.assigned(&self.file[assignment.name.clone()]);
                continue;
            };
            self.word(word);
            // `A=${A:-…}` and `A=$A…` set nothing new.
            self.assigned(&self.file[assignment.name.clone()]);
        }
        let program = simple.words.first().and_then(Word::literal).unwrap_or_default();
        let name = program.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        if matches!(
            name,
            b"flock"
                | b"lockfile"
                | b"lckdo"
                | b"setlock"
                | b"run-one"
                | b"pgrep"
                | b"pidof"
                | b"shlock"
                | b"with-lock-ex"
        ) {
            self.found.has_lock = true;
        }
        for word in &simple.words {
            self.word(word);
            match name {
                b"[" | b"[[" | b"test" | b"mountpoint" | b"cd" | b"findmnt" => self.tested(word),
                _ => {}
            }
            if sets_variables(name) {
                let text = &self.file[word.range.clone()];
                let starts: [&[u8]; 5] = [b"$", b"\"$", b"`", b"{", b"-n"];
                self.found.composes_in_functions |=
                    self.functions > 0 && starts.iter().any(|start| text.starts_with(start));
                let text = text.strip_prefix(b"\"").unwrap_or(text);
                let length = text
                    .iter()
                    .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_')
                    .count();
                self.assigned(&text[..length]);
            }
        }
    }

    fn assigned(&mut self, name: &[u8]) {
        if name.is_empty() {
            return;
        }
        *self.found.assigned.entry(name.to_vec()).or_default() += 1;
        if self.functions > 0 {
            self.found.in_functions.insert(name.to_vec());
        }
    }

    fn tested(&mut self, word: &Word) {
        for part in &word.parts {
            if let PartKind::Variable { name, .. } = &part.kind {
                self.found.tested.insert(self.file[name.clone()].to_vec());
            }
        }
    }

    fn word(&mut self, word: &Word) {
        word.parts.iter().for_each(|part| self.part(part));
    }

    fn part(&mut self, part: &Part) {
        match &part.kind {
            PartKind::Literal(text) => {
                let text = text.to_ascii_lowercase();
                let has = |needle: &[u8]| text.windows(needle.len()).any(|window| window == needle);
                self.found.has_lock |= has(b"lock") || has(b".pid") || has(b"pidfile");
            }
            PartKind::Variable { name, operator } => {
                let operator = &self.file[operator.clone()];
                let name_text = self.file[name.clone()].to_vec();
                let lower = name_text.to_ascii_lowercase();
                self.found.has_lock |= lower.windows(4).any(|window| window == b"lock");
                if matches!(operator, [b':', b'?', ..] | [b'?', ..]) {
                    self.found.tested.insert(name_text.clone());
                }
                if matches!(operator, [b':', b'=', ..] | [b'=', ..]) {
                    self.assigned(&name_text);
                }
                self.found.used.entry(name_text).or_insert_with(|| name.clone());
            }
            PartKind::Command(list) => self.list(list),
            PartKind::Arithmetic => {}
        }
    }
}

/// Whether the words behind a command are names of variables that it sets.
pub(super) fn sets_variables(name: &[u8]) -> bool {
    matches!(
        name,
        b"read"
            | b"mapfile"
            | b"readarray"
            | b"getopts"
            | b"printf"
            | b"export"
            | b"local"
            | b"declare"
            | b"typeset"
            | b"readonly"
            | b"unset"
            | b"let"
    )
}
