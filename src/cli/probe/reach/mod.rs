//! Whether a shell comes to a call of rsync's at all: a script may surely end before it, or pass it over.
//!
//! Of what stands in front of the call only that counts whose end the text and this machine tell: `false`, a program that is not
//! there, a variable that nothing sets. What else runs may end in any way, and is taken for nothing.

mod bashisms;
mod commands;
mod functions;
mod opened;
mod programs;
mod run;
mod simple;
mod starters;
mod uses;

use std::ops::Range;

use crate::{
    cli::probe::{fault::Fault, interpreter, part::Part, text::position},
    model::script::{Block, Call},
    syntax::shell::{Command, Item, Join, Kind, List, PartKind, Word, parse_part},
};

use functions::{Hop, Place};
use run::{Flow, Run};
use starters::OF_SHELL;

impl Part<'_> {
    /// The functions that its text defines, by name, and where their bodies stand.
    pub(super) fn functions<'b>(&'b self, bytes: &'b [u8]) -> Vec<(&'b [u8], Range<usize>)> {
        let all = functions::functions(&self.tree.list, bytes).into_iter();
        let bodies =
            all.flat_map(|(name, all)| all.into_iter().map(move |one| (name, one.body.range.clone())));
        bodies.collect()
    }

    /// The line of a loop whose first round does not come to a call: the next ones may.
    pub(super) fn passing_round(&self, call: &Call, bytes: &[u8]) -> Option<usize> {
        let (place, fault) = self.unreached(call, bytes)?;
        // There no round follows.
        if matches!(fault, Fault::BadSubstitution(..) | Fault::IllegalOption(..)) {
            return None;
        }
        let mut loops = call.blocks.iter().filter_map(|block| match block {
            Block::For { range } => Some(range),
            _ => None,
        });
        let range = loops.find(|range| range.contains(&place) && has_rounds(&bytes[(*range).clone()]))?;
        Some(position(bytes, range.start))
    }

    /// Why the shell does not come to a call, if that is sure, and where that stands.
    pub(super) fn unreached(&self, call: &Call, bytes: &[u8]) -> Option<(usize, Fault)> {
        // Others have other words of their own.
        if self
            .shell
            .as_deref()
            .is_some_and(|shell| !interpreter::is_plain(shell))
        {
            return None;
        }
        let mut run = Run::new(self, call.range.clone(), bytes);
        match functions::way(&run, call.range.start) {
            Place::Uncalled(name) => {
                // What somebody types may be called by what is typed next.
                let is_sure = !self.is_typed && !run.is_open() && !functions::may_be_called(&run, &name);
                is_sure.then_some((call.range.start, Fault::Uncalled(name)))
            }
            Place::TooEarly(place, name) => {
                let line = position(bytes, place);
                Some((place, Fault::NotYetDefined(line, name)))
            }
            Place::Way(way) => {
                let ended = way.iter().find_map(|hop| run.come_by(hop).err());
                ended.or(run.otherwise)
            }
        }
    }
}

impl Part<'_> {
    /// What of a call's own words its shell takes offence at.
    pub(super) fn offending_word(&self, call: &Call, bytes: &[u8]) -> Option<String> {
        let run = Run::new(self, call.range.clone(), bytes);
        let own = parse_part(bytes, call.range.clone());
        let commands = own.list.items.iter().flat_map(|item| &item.pipeline.commands);
        let mut words = commands.flat_map(|command| match &command.kind {
            Kind::Simple(simple) => &simple.words[..],
            _ => &[],
        });
        match words.find_map(|word| run.bad_substitution(word))? {
            (_, Fault::BadSubstitution(line, text)) => Some(format!(
                "dash knows no `{text}` (line {line}), and ends there with `Bad substitution`, so rsync is never started; let bash run it, `#!/bin/bash`"
            )),
            _ => None,
        }
    }
}

impl<'a> Run<'a> {
    fn come_by(&mut self, hop: &Hop<'a>) -> Result<(), (usize, Fault)> {
        self.is_whole_line_left = hop.body.is_some();
        self.is_first_of_many = hop.is_first_of_many;
        match hop.body {
            None => self.come_to(self.list, hop.place),
            Some(body) => self.come_into(body, hop.place),
        }
    }

    /// Runs what stands in front of a place.
    fn come_to(&mut self, list: &'a List, place: usize) -> Result<(), (usize, Fault)> {
        for chain in chains(list) {
            match chain.iter().position(|item| covers(item, place)) {
                Some(_) if self.is_first_of_many => {
                    self.asked += 1;
                    return Ok(());
                }
                Some(at) => return self.come_along(chain, at, place),
                None if chain.first().and_then(start).is_some_and(|start| start > place) => return Ok(()),
                None => {
                    if let Flow::Ends(at, fault) = self.chain(chain) {
                        return Err((at, fault));
                    }
                }
            }
        }
        Ok(())
    }

    /// The same within commands that `&&` and `||` join.
    fn come_along(&mut self, chain: &'a [Item], at: usize, place: usize) -> Result<(), (usize, Fault)> {
        self.guard = None;
        let status = match self.joined(&chain[..at]) {
            Flow::Ends(place, fault) => return Err((place, fault)),
            Flow::Goes(status) => status,
        };
        let item = &chain[at];
        if let Some(before) = at.checked_sub(1).map(|before| &chain[before]) {
            let here = start(before).unwrap_or(place);
            let line = position(self.bytes, here);
            let is_passed = matches!(
                (before.join, status),
                (Join::And, Some(false)) | (Join::Or, Some(true))
            );
            if let Some(guard) = self.guard.take().filter(|_| is_passed) {
                return Err(guard);
            }
            match (before.join, status) {
                (Join::And, Some(false)) => return Err((here, Fault::PassedOver(line, "&&"))),
                (Join::Or, Some(true)) => return Err((here, Fault::PassedOver(line, "||"))),
                _ => {}
            }
        }
        // What is asked for ends nothing, nor does what is called from there.
        let is_asked = at + 1 < chain.len() || item.pipeline.is_negated || item.join == Join::Background;
        self.asked += usize::from(is_asked || item.pipeline.commands.len() > 1);
        let mut commands = item.pipeline.commands.iter();
        match commands.find(|command| holds(command, place)) {
            Some(command) => self.come_into(command, place),
            None => Ok(()),
        }
    }

    /// What keeps the call's own program from being found.
    fn without_path(&self) -> Option<(usize, Fault)> {
        let place = self.pathless?;
        let call = self.calls.get(&(self.own.start, self.own.end))?;
        let first = call.front.first().or_else(|| call.words.first())?;
        let has_path = call.environment.iter().any(|assigned| assigned.name == b"PATH");
        // What the shell starts with a command of its own it looks for as well, further behind.
        let is_own = call
            .wrappers
            .first()
            .is_some_and(|wrapper| OF_SHELL.contains(&&**wrapper));
        let is_function = self.functions.contains_key(first.text().as_bytes());
        let is_bare = !first.text().contains('/') && !has_path && !is_own && !is_function;
        is_bare.then(|| (place, Fault::NoPath(self.line(place))))
    }

    /// The same within one command.
    fn come_into(&mut self, command: &'a Command, place: usize) -> Result<(), (usize, Fault)> {
        if !matches!(command.kind, Kind::Simple(_)) {
            self.is_whole_line_left = true;
        }
        if let Some(unopened) = self.unopened_around(command).or_else(|| self.unset_file(command)) {
            return Err(unopened);
        }
        let never = |run: &mut Self, list: &List| {
            if let Some(guard) = run.guard.take() {
                return Err(guard);
            }
            let here = list.items.first().and_then(start).unwrap_or(command.range.start);
            Err((here, Fault::NeverHolds(position(run.bytes, here))))
        };
        match &command.kind {
            Kind::Simple(simple) => {
                let values = simple.assignments.iter().flat_map(run::words_of);
                let mut words = values.chain(&simple.words);
                match words.find_map(|word| part_at(word, place)) {
                    Some(list) => {
                        self.asked += 1;
                        self.come_to(list, place)
                    }
                    None => {
                        let is_own = command.range.contains(&self.own.start);
                        let lost = || is_own.then(|| self.without_path()).flatten();
                        self.kept_of(command).or_else(lost).map_or(Ok(()), Err)
                    }
                }
            }
            Kind::Group(list) | Kind::Subshell(list) => self.come_to(list, place),
            Kind::For { words, body, .. } => {
                let mut words = words.iter().flatten();
                match words.find_map(|word| self.refused(word)) {
                    Some(Flow::Ends(place, fault)) => Err((place, fault)),
                    _ => self.come_to(body, place),
                }
            }
            Kind::While {
                is_until,
                condition,
                body,
            } => {
                if list_holds(condition, place) {
                    self.asked += 1;
                    return self.come_to(condition, place);
                }
                self.guard = None;
                match self.condition(condition) {
                    Flow::Ends(place, fault) => Err((place, fault)),
                    Flow::Goes(Some(status)) if status == *is_until => never(self, condition),
                    Flow::Goes(_) => self.come_to(body, place),
                }
            }
            Kind::If { branches, otherwise } => {
                for branch in branches {
                    if list_holds(&branch.condition, place) {
                        self.asked += 1;
                        return self.come_to(&branch.condition, place);
                    }
                    let is_here = list_holds(&branch.body, place);
                    self.guard = None;
                    match self.condition(&branch.condition) {
                        Flow::Ends(place, fault) => return Err((place, fault)),
                        Flow::Goes(Some(false)) if is_here => return never(self, &branch.condition),
                        Flow::Goes(_) if is_here => return self.come_to(&branch.body, place),
                        // What stands behind it is not asked for.
                        Flow::Goes(Some(true)) => return never(self, &branch.condition),
                        Flow::Goes(_) => {}
                    }
                }
                otherwise
                    .as_ref()
                    .map_or(Ok(()), |list| self.come_to(list, place))
            }
            Kind::Case { word, arms, .. } => {
                if let Some(Flow::Ends(place, fault)) = word.as_ref().and_then(|word| self.refused(word)) {
                    return Err((place, fault));
                }
                let arm = arms.iter().find(|arm| list_holds(&arm.body, place));
                arm.map_or(Ok(()), |arm| self.come_to(&arm.body, place))
            }
            Kind::Function { .. } | Kind::Arithmetic => Ok(()),
        }
    }
}

/// Whether a `for` may have more than one round.
fn has_rounds(text: &[u8]) -> bool {
    let head = text
        .split(|byte| b";\n".contains(byte))
        .next()
        .unwrap_or_default();
    let mut words = head
        .split(u8::is_ascii_whitespace)
        .filter(|word| !word.is_empty())
        .skip_while(|word| *word != b"in")
        .skip(1);
    let is_one = words
        .next()
        .is_some_and(|word| !word.iter().any(|byte| b"$*?[{`@".contains(byte)));
    !is_one || words.next().is_some()
}

/// The parts of a list that `&&` and `||` join.
fn chains(list: &List) -> impl Iterator<Item = &[Item]> {
    list.items
        .chunk_by(|item, _| matches!(item.join, Join::And | Join::Or))
}

fn start(item: &Item) -> Option<usize> {
    Some(item.pipeline.commands.first()?.range.start)
}

/// Whether a place lies in an item, other than in a function that it defines.
fn covers(item: &Item, place: usize) -> bool {
    item.pipeline.commands.iter().any(|command| holds(command, place))
}

fn holds(command: &Command, place: usize) -> bool {
    let is_function = matches!(command.kind, Kind::Function { .. });
    (command.range.start..=command.range.end).contains(&place) && command.range.end > place && !is_function
}

fn list_holds(list: &List, place: usize) -> bool {
    list.items.iter().any(|item| covers(item, place))
}

/// The commands in a word that a place lies in.
fn part_at(word: &Word, place: usize) -> Option<&List> {
    word.parts.iter().find_map(|part| match &part.kind {
        PartKind::Command(list) => part.range.contains(&place).then_some(list),
        _ => None,
    })
}
