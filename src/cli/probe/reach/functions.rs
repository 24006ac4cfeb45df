//! The way to a call that stands in a function: from where the function is called.

use std::{collections::BTreeMap, ops::Range};

use crate::{
    cli::probe::reach::run::Run,
    model::script::{Argument, Call},
    syntax::shell::{Command, Kind, List},
};

/// Functions that call one another are followed so far.
const MOST_HOPS: usize = 8;

/// A place within the text itself or the body of a function, to which the shell has to come.
pub(super) struct Hop<'a> {
    pub(super) body: Option<&'a Command>,
    pub(super) place: usize,
    /// Whether it is the first of several that lead on.
    pub(super) is_first_of_many: bool,
}

/// How a shell comes to a place.
pub(super) enum Place<'a> {
    /// By these, one after the other.
    Way(Vec<Hop<'a>>),
    /// It lies in this function, which nothing names.
    Uncalled(String),
    /// The same, and it is called at this place alone, in front of its definition.
    TooEarly(usize, String),
}

/// A function that a text defines.
pub(super) struct Function<'a> {
    /// Where its name stands there.
    pub(super) name: Range<usize>,
    pub(super) body: &'a Command,
}

/// How a shell comes to a place of a text.
pub(super) fn way<'a>(run: &Run<'a>, call: usize) -> Place<'a> {
    let mut hops = Vec::new();
    let (mut place, mut is_first_of_many) = (call, false);
    while hops.len() < MOST_HOPS {
        let functions = run.functions.iter();
        let around = functions.filter(|(_, all)| all.iter().any(|one| one.body.range.contains(&place)));
        let innermost = around.min_by_key(|(_, all)| all[0].body.range.len());
        let Some((name, all)) = innermost else {
            hops.push(Hop {
                body: None,
                place,
                is_first_of_many,
            });
            hops.reverse();
            return Place::Way(hops);
        };
        let [function] = &all[..] else { break };
        hops.push(Hop {
            body: Some(function.body),
            place,
            is_first_of_many,
        });
        let mut named = mentions(run, name, function);
        let shown = String::from_utf8_lossy(name).into_owned();
        let early = named.first().copied();
        named.retain(|&place| !run.is_too_early(&shown, place));
        match named[..] {
            [] => {
                return match early {
                    Some(place) => Place::TooEarly(place, shown),
                    None => Place::Uncalled(shown),
                };
            }
            [first] => place = first,
            [first, ..] => (place, is_first_of_many) = (first, true),
        }
    }
    Place::Way(Vec::new())
}

impl Run<'_> {
    /// Whether a function is called there, for sure before the shell comes to its definition, and nothing else has its name.
    pub(super) fn is_too_early(&self, name: &str, place: usize) -> bool {
        let Some([function]) = self.functions.get(name.as_bytes()).map(Vec::as_slice) else {
            return false;
        };
        let commands = self.list.items.iter().flat_map(|item| &item.pipeline.commands);
        // One within something else may have been defined in an earlier round.
        let mut defined = commands
            .filter(|command| matches!(&command.kind, Kind::Function { name, .. } if *name == function.name));
        let mut bodies = self.functions.values().flatten();
        let is_in_function = bodies.any(|function| function.body.range.contains(&place));
        let mut texts = self.part.script.texts.iter();
        let mut calls = self.calls.values();
        place < function.name.start
            && defined.next().is_some()
            && !is_in_function
            && !texts.any(|text| text.range.contains(&place))
            && calls.any(|call| {
                call.wrappers.is_empty()
                    && call.range.start == place
                    && call.words.first().is_some_and(|word| word.is(name))
            })
            && self.is_missing(name, place)
    }
}

/// Where a function is named outside itself and notes.
fn mentions(run: &Run<'_>, name: &[u8], function: &Function<'_>) -> Vec<usize> {
    let text = &run.bytes[run.text.clone()];
    let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    let is_free = |at: usize| {
        let before = at.checked_sub(1).map(|before| &text[before]);
        let behind = text.get(at + name.len());
        !before.is_some_and(is_of_word) && !behind.is_some_and(is_of_word)
    };
    let places = text.windows(name.len()).enumerate();
    let places = places.filter(|&(at, word)| word == name && is_free(at));
    let places = places.map(|(at, _)| run.text.start + at);
    let is_note = |place: usize| run.comments.iter().any(|note| note.contains(&place));
    let is_own = |place: usize| function.name.contains(&place) || function.body.range.contains(&place);
    places
        .filter(|&place| !is_note(place) && !is_own(place))
        .collect()
}

/// Whether a run may put the name of a function together: `do_$1`, `$name`, `"do_"it`.
pub(super) fn may_be_called(run: &Run<'_>, name: &str) -> bool {
    let own = run.functions.get(name.as_bytes());
    let is_own = |place: usize| {
        let mut all = own.into_iter().flatten();
        all.any(|function| function.body.range.contains(&place))
    };
    let is_composed = |word: &Argument| word.pieces.iter().any(|piece| piece.variable.is_some());
    let takes_names = |call: &Call| matches!(&*call.program(), "trap" | "time" | "coproc");
    run.part.script.calls.iter().any(|call| {
        let Some(first) = call.words.first() else {
            return false;
        };
        let is_named = first.is(name) && !is_own(call.range.start);
        // What has a folder in its name is no function.
        let is_program = first
            .known()
            .is_some_and(|name| name.contains(&b'/') || name == b"rsync");
        is_named
            || !is_program && (first.known().is_none() || is_composed(first))
            || takes_names(call) && call.arguments().iter().any(is_composed)
    })
}

/// The functions that a list defines, wherever it does.
pub(super) fn functions<'a>(list: &'a List, bytes: &'a [u8]) -> BTreeMap<&'a [u8], Vec<Function<'a>>> {
    let mut found = BTreeMap::new();
    collect(list, bytes, &mut found);
    found
}

fn collect<'a>(list: &'a List, bytes: &'a [u8], found: &mut BTreeMap<&'a [u8], Vec<Function<'a>>>) {
    let mut commands: Vec<&Command> = list
        .items
        .iter()
        .flat_map(|item| &item.pipeline.commands)
        .collect();
    while let Some(command) = commands.pop() {
        match &command.kind {
            Kind::Simple(_) | Kind::Arithmetic => {}
            Kind::Group(list) | Kind::Subshell(list) => collect(list, bytes, found),
            Kind::For { body, .. } => collect(body, bytes, found),
            Kind::While { condition, body, .. } => {
                collect(condition, bytes, found);
                collect(body, bytes, found);
            }
            Kind::If { branches, otherwise } => {
                for branch in branches {
                    collect(&branch.condition, bytes, found);
                    collect(&branch.body, bytes, found);
                }
                otherwise.iter().for_each(|list| collect(list, bytes, found));
            }
            Kind::Case { arms, .. } => arms.iter().for_each(|arm| collect(&arm.body, bytes, found)),
            Kind::Function { name, body } => {
                let own = Function {
                    name: name.clone(),
                    body,
                };
                found.entry(&bytes[name.clone()]).or_default().push(own);
                commands.push(body);
            }
        }
    }
}
