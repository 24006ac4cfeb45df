//! The events that inotifywait is to wait for.

use crate::{
    host::{Part, Unknown},
    lint::{
        checks::Check,
        report::{Case, Reporter},
        scripts::ScriptSubject,
    },
    model::script::{Argument, Call, UNKNOWN},
    terms::Span,
};

pub(super) const CHECKS: &[Check] = &[
    Check::script("RSY982", events_missed),
    Check::script("RSY983", modify_events),
];

/// The most inotifywaits and pushes of one script that are judged together.
const MOST: usize = 64;

/// Options of inotifywait that take the next word.
const WITH_VALUE: [&str; 12] = [
    "-e",
    "--event",
    "-t",
    "--timeout",
    "-o",
    "--outfile",
    "--format",
    "--timefmt",
    "--fromfile",
    "--exclude",
    "--excludei",
    "--include",
];

/// What an inotifywait is told.
pub(super) struct Watcher<'a> {
    pub(super) call: &'a Call,
    /// The letters and names of its options.
    pub(super) switches: Vec<String>,
    /// Its options with values: name, value, place of the value.
    pub(super) values: Vec<(String, &'a Argument, String)>,
    /// What it watches.
    pub(super) roots: Vec<&'a Argument>,
}

impl<'a> Watcher<'a> {
    /// Reads the arguments as getopt does.
    pub(super) fn read(call: &'a Call) -> Self {
        let mut read = Self {
            call,
            switches: Vec::new(),
            values: Vec::new(),
            roots: Vec::new(),
        };
        let mut words = call.arguments().iter();
        while let Some(word) = words.next() {
            let text = word.text();
            if let Some(long) = text.strip_prefix("--").filter(|long| !long.is_empty()) {
                match long.split_once('=') {
                    Some((name, value)) => read.values.push((format!("--{name}"), word, value.to_owned())),
                    None if WITH_VALUE.contains(&text.as_str()) => {
                        read.values
                            .extend(words.next().map(|value| (text, value, value.text())));
                    }
                    None => read.switches.push(text),
                }
            } else if text.starts_with('-') && text.len() > 1 {
                let mut letters = text[1..].chars();
                while let Some(letter) = letters.next() {
                    let name = format!("-{letter}");
                    if !WITH_VALUE.contains(&name.as_str()) {
                        read.switches.push(name);
                        continue;
                    }
                    match letters.as_str() {
                        "" => read
                            .values
                            .extend(words.next().map(|value| (name, value, value.text()))),
                        attached => read.values.push((name, word, attached.to_owned())),
                    }
                    break;
                }
            } else {
                read.roots.push(word);
            }
        }
        read
    }

    pub(super) fn has(&self, letter: &str, name: &str) -> bool {
        self.switches
            .iter()
            .any(|switch| switch == letter || switch == name)
    }

    pub(super) fn value(&self, letter: &str, name: &str) -> Option<(&'a Argument, &str)> {
        let found = self
            .values
            .iter()
            .find(|(option, ..)| option == letter || option == name);
        found.map(|(_, word, text)| (*word, text.as_str()))
    }

    /// The events, if they are named and known.
    pub(super) fn events(&self) -> Option<Vec<String>> {
        let values = self
            .values
            .iter()
            .filter(|(option, ..)| option == "-e" || option == "--event");
        let texts: Vec<&str> = values.map(|(.., text)| text.as_str()).collect();
        let is_known = !texts.is_empty() && !texts.iter().any(|text| text.contains(UNKNOWN));
        let events = texts.iter().flat_map(|text| text.split(','));
        (is_known && self.call.is_complete()).then(|| events.map(str::to_ascii_lowercase).collect())
    }

    fn events_place(&self, subject: &ScriptSubject<'_>) -> Option<Span> {
        let (word, _) = self.value("-e", "--event")?;
        Some(subject.span(word.range.clone()))
    }
}

/// The inotifywaits of a script that rsync follows: those in whose loop, or behind which, one runs.
pub(super) fn watchers<'a>(subject: &ScriptSubject<'a>, out: &mut Reporter<'_>) -> Vec<Watcher<'a>> {
    let has_transfer = subject.transfers().next().is_some();
    let calls = subject
        .script
        .calls
        .iter()
        .filter(|call| call.program() == "inotifywait");
    let calls = calls.filter(|_| has_transfer).map(Watcher::read);
    the_first(calls, subject, out)
}

/// As many as are judged together; that there are more is said.
pub(super) fn the_first<T>(
    mut all: impl Iterator<Item = T>,
    subject: &ScriptSubject<'_>,
    out: &mut Reporter<'_>,
) -> Vec<T> {
    let first = all.by_ref().take(MOST).collect();
    if all.next().is_some() {
        out.unchecked(subject.name(), Unknown::TooManyParts(MOST, Part::Watch));
    }
    first
}

/// RSY982: what is renamed or removed is never pushed.
fn events_missed(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    let wants_deletes = subject.transfers().any(|transfer| transfer.has("delete"));
    for watcher in watchers(subject, out) {
        let (Some(events), Some(place)) = (watcher.events(), watcher.events_place(subject)) else {
            continue;
        };
        let has = |names: &[&str]| events.iter().any(|event| names.contains(&event.as_str()));
        let sees_writes = has(&["modify", "close_write", "close", "all_events"]);
        let sees_moves = has(&["move", "moved_to", "all_events"]);
        let sees_moves_out = has(&["move", "moved_from", "all_events"]);
        let sees_deletes = has(&["delete", "all_events"]);
        if !sees_writes && !has(&["create"]) {
            continue;
        }
        let missing = match () {
            () if !sees_moves && !sees_moves_out => "move",
            () if !sees_moves => "moved_to",
            () if wants_deletes && !sees_deletes => "delete",
            () if wants_deletes && !sees_moves_out => "moved_from",
            () => continue,
        };
        let case = Case::at(place).with("missing", missing);
        out.report(if missing == "delete" || missing == "moved_from" {
            case.variant("removal")
        } else {
            case
        });
    }
}

/// RSY983: each write is an event, long before the file is complete.
fn modify_events(subject: &ScriptSubject<'_>, out: &mut Reporter<'_>) {
    for watcher in watchers(subject, out) {
        let (Some(events), Some(place)) = (watcher.events(), watcher.events_place(subject)) else {
            continue;
        };
        let is_streaming = watcher.has("-m", "--monitor") || watcher.has("-d", "--daemon");
        if is_streaming && events.iter().any(|event| event == "modify") {
            out.report(Case::at(place));
        }
    }
}
