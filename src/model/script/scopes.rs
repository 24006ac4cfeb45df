//! Where what is done may be without effect on what follows.

use std::ops::Range;

use crate::syntax::shell::{
    AssignmentValue, Command, Item, Join, Kind, List, PartKind, Pipeline, Simple, Word,
};

/// A part of a script that is not simply run once, in its turn, by the script's own shell.
#[derive(Clone, Debug, PartialEq)]
pub struct Scope {
    /// The part.
    pub range: Range<usize>,
    /// Whether a shell of its own runs it, so that what it sets is gone afterwards.
    pub is_own_shell: bool,
    /// The function whose body it is.
    pub function: Option<Vec<u8>>,
}

impl Scope {
    /// Whether a place lies in it.
    pub fn has(&self, place: &Range<usize>) -> bool {
        self.range.start <= place.start && place.end <= self.range.end
    }
}

/// Commands that do not fail, so that what stands behind their `&&` is run.
const SURE: [&[u8]; 6] = [b":", b"date", b"echo", b"export", b"printf", b"true"];

/// All of them, in no order.
pub(super) fn scopes(list: &List, file: &[u8]) -> Vec<Scope> {
    let mut finder = Finder {
        file,
        found: Vec::new(),
    };
    finder.list(list);
    finder.found
}

struct Finder<'a> {
    file: &'a [u8],
    found: Vec<Scope>,
}

impl Finder<'_> {
    fn add(&mut self, range: Option<Range<usize>>, is_own_shell: bool) {
        self.found.extend(range.map(|range| Scope {
            range,
            is_own_shell,
            function: None,
        }));
    }

    fn list(&mut self, list: &List) {
        for (index, item) in list.items.iter().enumerate() {
            let before = index.checked_sub(1).map(|before| &list.items[before]);
            if before.is_some_and(decides) {
                // What is reached by `&&` reaches all that follows so.
                let is_chained = |item: &&Item| item.join == Join::And;
                let chained = list.items[index..].iter().take_while(is_chained).count();
                let last = &list.items[(index + chained).min(list.items.len() - 1)];
                let range = start(&item.pipeline).zip(end(&last.pipeline));
                self.add(range.map(|(start, end)| start..end), false);
            }
            let commands = &item.pipeline.commands;
            for command in commands {
                if commands.len() > 1 || item.join == Join::Background {
                    self.add(Some(command.range.clone()), true);
                }
                self.command(command);
            }
        }
    }

    fn branch(&mut self, list: &List) {
        let first = list.items.first().and_then(|item| start(&item.pipeline));
        let last = list.items.last().and_then(|item| end(&item.pipeline));
        self.add(first.zip(last).map(|(start, end)| start..end), false);
        self.list(list);
    }

    fn command(&mut self, command: &Command) {
        match &command.kind {
            Kind::Simple(simple) => self.simple(simple),
            Kind::Group(list) => self.list(list),
            Kind::Subshell(list) => {
                self.add(Some(command.range.clone()), true);
                self.list(list);
            }
            Kind::While { condition, body, .. } => {
                self.list(condition);
                self.branch(body);
            }
            Kind::For { words, body, .. } => {
                words.iter().flatten().for_each(|word| self.word(word));
                self.branch(body);
            }
            Kind::If { branches, otherwise } => {
                for branch in branches {
                    self.list(&branch.condition);
                    self.branch(&branch.body);
                }
                otherwise.iter().for_each(|list| self.branch(list));
            }
            Kind::Case { word, arms } => {
                word.iter().for_each(|word| self.word(word));
                arms.iter().for_each(|arm| self.branch(&arm.body));
            }
            Kind::Function { name, body } => {
                self.found.push(Scope {
                    range: body.range.clone(),
                    is_own_shell: false,
                    function: Some(self.file[name.clone()].to_vec()),
                });
                self.command(body);
            }
            Kind::Arithmetic => {}
        }
    }

    fn simple(&mut self, simple: &Simple) {
        for assignment in &simple.assignments {
            match &assignment.value {
                AssignmentValue::Word(word) | AssignmentValue::Element(word) => self.word(word),
                AssignmentValue::Array(words) => words.iter().for_each(|word| self.word(word)),
            }
        }
        simple.words.iter().for_each(|word| self.word(word));
    }

    fn word(&mut self, word: &Word) {
        for part in &word.parts {
            if let PartKind::Command(list) = &part.kind {
                self.add(Some(part.range.clone()), true);
                self.list(list);
            }
        }
    }
}

/// Whether what stands behind an item may be left out.
fn decides(item: &Item) -> bool {
    let name = match &item.pipeline.commands[..] {
        [command] => match &command.kind {
            Kind::Simple(simple) => simple.words.first().and_then(Word::literal),
            _ => None,
        },
        _ => None,
    };
    let is_sure = name.is_some_and(|name| SURE.contains(&&*name)) && !item.pipeline.is_negated;
    match item.join {
        Join::And => !is_sure,
        Join::Or => true,
        _ => false,
    }
}

fn start(pipeline: &Pipeline) -> Option<usize> {
    Some(pipeline.commands.first()?.range.start)
}

fn end(pipeline: &Pipeline) -> Option<usize> {
    Some(pipeline.commands.last()?.range.end)
}
