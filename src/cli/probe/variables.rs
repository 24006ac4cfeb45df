//! The variables that a script, a table of cron's or a command line sets for rsync.

use std::{collections::BTreeMap, env, ops::Range};

use nix::unistd::User;

use crate::{
    cli::probe::{part::Part, text::with_returns},
    model::script::{Argument, Assigned, Call, Runner, Scope},
};

/// What a command finds in its environment.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The variables of rsync's that are set there, or taken out of it.
    pub(super) variables: BTreeMap<String, Option<Vec<u8>>>,
    /// Those whose value only a run can tell.
    pub(super) unknown: Vec<&'static str>,
    /// Those that `sudo` keeps from it.
    pub(super) kept_back: Vec<&'static str>,
}

/// What a command of the shell does to a variable.
enum Change<'a> {
    /// It has this value from now on.
    Set(&'a Argument),
    /// It is gone.
    Unset,
    /// Programs get it from now on, or do not.
    HandedOn(bool),
}

/// What is known of a variable, while its changes are gone through.
struct State<'a> {
    /// None: as it was before the script.
    value: Option<Option<&'a Argument>>,
    is_handed_on: bool,
    is_sure: bool,
}

/// The words in front of a program that change its environment.
#[derive(Default)]
struct Front {
    /// Where `sudo` stands, and takes away what is set in front of it.
    sudo: Option<usize>,
    /// Where `env -i` stands.
    emptied: Option<usize>,
    /// The names behind `env -u`, and where they stand.
    unset: Vec<(String, usize)>,
}

impl Part<'_> {
    /// The variables of rsync's that hold for a call for sure. What stands in front of the command counts, else what the
    /// script has set before, else what cron sets.
    pub(super) fn variables_of(&self, call: &Call, text: &[u8]) -> Found {
        let mut found = Found::default();
        let front = front(call, text);
        for name in OF_RSYNC {
            let state = self.state(name, call);
            let unset = front
                .unset
                .iter()
                .find(|(unset, _)| unset == name)
                .map(|(_, place)| *place);
            let named = |assigned: &&Assigned| assigned.name == name.as_bytes();
            let in_front = call.environment.iter().rev().find(named);
            let stays = |assigned: &&Assigned| {
                let place = assigned.range.start;
                let is_behind = |wrapper: Option<usize>| wrapper.is_none_or(|wrapper| place > wrapper);
                is_behind(front.sudo) && is_behind(front.emptied) && is_behind(unset)
            };
            let own = in_front.filter(stays);
            if own.is_none()
                && let Some(login) = login_of(call, name)
            {
                found.variables.insert(name.to_owned(), Some(login));
                continue;
            }
            let is_sudos = front.sudo.is_some() && name.starts_with("RSYNC_");
            let is_taken = is_sudos || unset.or(front.emptied).is_some();
            let before = match state.value {
                Some(value) if state.is_handed_on => value.map(|value| self.known(value)),
                _ => None,
            };
            let is_there = in_front.is_some() || before.is_some() || self.inherits(name).is_some();
            if own.is_none() && is_sudos && is_there {
                found.kept_back.push(name);
            }
            let value = match (own, is_taken) {
                (Some(assigned), _) => Some(self.known(&assigned.value)),
                (None, true) => None,
                (None, false) if !state.is_sure => {
                    found.unknown.push(name);
                    continue;
                }
                (None, false) => before,
            };
            match value {
                Some(Some(value)) => drop(found.variables.insert(name.to_owned(), Some(value))),
                Some(None) => found.unknown.push(name),
                None if is_taken || matches!(state.value, Some(None)) => {
                    found.variables.insert(name.to_owned(), None);
                }
                None => {
                    let begins = self.begins_with(name);
                    let begins =
                        begins.map(|value| (name.to_owned(), value.map(|value| with_returns(&value))));
                    found.variables.extend(begins);
                }
            }
        }
        found
    }

    /// What `HOME` holds for a call, if anything.
    pub(super) fn home_of(&self, call: &Call) -> Option<Vec<u8>> {
        let named = |assigned: &&Assigned| assigned.name == b"HOME";
        let in_front = call.environment.iter().rev().find(named);
        let own = in_front.or_else(|| {
            let assignments = self.script.assignments.iter();
            let mut before = assignments
                .filter(|assigned| !assigned.is_for_command && assigned.range.end <= call.range.start);
            before.rfind(named)
        });
        match own {
            Some(assigned) => self.known(&assigned.value),
            None => self.inherits("HOME"),
        }
    }

    /// What a program is handed on before the script changes it.
    fn inherits(&self, name: &str) -> Option<Vec<u8>> {
        let own = || env::var_os(name).map(|value| value.as_encoded_bytes().to_vec());
        self.begins_with(name).unwrap_or_else(own)
    }

    /// What cron or systemd starts it with, or without; none where that is our own environment.
    fn begins_with(&self, name: &str) -> Option<Option<Vec<u8>>> {
        let set = self.variables.get(name.as_bytes()).map(|value| value.to_vec());
        let Some(given) = &self.given else {
            return set.map(Some);
        };
        let own = given.get(name).cloned();
        Some(if self.is_cron { own.or(set) } else { set.or(own) })
    }

    /// The text of a value, if the script tells it.
    fn known(&self, value: &Argument) -> Option<Vec<u8>> {
        let value = value.known()?;
        let value = if self.is_cron {
            without_escapes(&value)
        } else {
            value
        };
        Some(with_returns(&value))
    }

    /// What the script has done to a variable before a call.
    fn state(&self, name: &str, call: &Call) -> State<'_> {
        let mut state = State {
            value: None,
            is_handed_on: self.inherits(name).is_some(),
            is_sure: true,
        };
        for (place, change) in self.changes(name) {
            let apart: Vec<_> = self.scopes_of(&place, &call.range).collect();
            let is_gone = |scope: &&Scope| scope.is_own_shell || self.is_uncalled(scope, call);
            if apart.iter().any(is_gone) {
                continue;
            }
            if place.end > call.range.start {
                // A function may be called later than what stands behind it.
                let of_function = |scope: &&Scope| scope.function.is_some() && scope.has(&call.range);
                let is_function = self.script.scopes.iter().find(of_function);
                state.is_sure &= is_function.is_none_or(|function| function.has(&place));
                continue;
            }
            if !apart.is_empty() {
                state.is_sure = false;
                continue;
            }
            match change {
                Change::Set(value) => {
                    state.value = Some(Some(value));
                    state.is_sure = true;
                }
                Change::Unset => {
                    state.value = Some(None);
                    (state.is_handed_on, state.is_sure) = (false, true);
                }
                Change::HandedOn(is_handed_on) => state.is_handed_on = is_handed_on,
            }
        }
        let mut composed = self.script.composed.iter();
        if state.value.is_some() && composed.any(|place| place.start < call.range.start) {
            state.is_sure = false;
        }
        if !state.is_handed_on && state.value.is_some() {
            state.value = Some(None);
        }
        state
    }

    /// The parts of the script that a place lies in, and the call does not.
    pub(super) fn scopes_of(
        &self,
        place: &Range<usize>,
        call: &Range<usize>,
    ) -> impl Iterator<Item = &Scope> {
        let scopes = self.script.scopes.iter();
        scopes.filter(move |scope| scope.has(place) && !scope.has(call))
    }

    /// Whether a part is the body of a function that nobody has called before a call.
    fn is_uncalled(&self, scope: &Scope, call: &Call) -> bool {
        let is_called = |name: &[u8]| {
            let mut calls = self.script.calls.iter();
            calls.any(|other| other.program().as_bytes() == name && other.range.start < call.range.start)
        };
        scope.function.as_deref().is_some_and(|name| !is_called(name))
    }

    /// What the script does to a variable, in the order of its text.
    fn changes(&self, name: &str) -> Vec<(Range<usize>, Change<'_>)> {
        let own = self.script.assignments.iter();
        let own = own.filter(|assigned| !assigned.is_for_command && assigned.name == name.as_bytes());
        let mut changes: Vec<_> = own
            .map(|assigned| (assigned.range.clone(), Change::Set(&assigned.value)))
            .collect();
        for call in &self.script.calls {
            let words: Vec<_> = call.arguments().iter().map(Argument::text).collect();
            let names = words.iter().any(|word| word.split('=').next() == Some(name));
            let has = |flag: char| {
                let is_flag = |word: &&String| word.starts_with('-') && word.contains(flag);
                words.iter().any(|word| is_flag(&word))
            };
            let change = match &*call.program() {
                "unset" if names && !has('f') => Change::Unset,
                "export" if names => Change::HandedOn(!has('n')),
                "declare" | "typeset" | "local" if names && has('x') => Change::HandedOn(true),
                "set" if has('a') || words.iter().any(|word| word == "allexport") => Change::HandedOn(true),
                _ => continue,
            };
            changes.push((call.range.clone(), change));
        }
        changes.sort_by_key(|(place, _)| place.start);
        changes
    }
}

/// What who runs a call makes of a variable that names its user.
fn login_of(call: &Call, variable: &str) -> Option<Vec<u8>> {
    match &call.runner {
        Runner::Named {
            name,
            has_login: true,
        } if ["LOGNAME", "USER"].contains(&variable) => {
            // A number has a name, or is one itself.
            let user = || User::from_uid(name.parse::<u32>().ok()?.into()).ok().flatten();
            Some(user().map_or_else(|| name.clone(), |user| user.name).into_bytes())
        }
        _ => None,
    }
}

/// What stands in front of a program.
fn front(call: &Call, text: &[u8]) -> Front {
    let start = call.range.start;
    let end = call.words.first().map_or(start, |word| word.range.start);
    let text = String::from_utf8_lossy(&text[start..end.max(start)]).into_owned();
    let place = |word: &str| start + (word.as_ptr() as usize - text.as_ptr() as usize);
    let mut front = Front::default();
    let mut words = text.split_ascii_whitespace().peekable();
    let mut wrapper = "";
    while let Some(word) = words.next() {
        match word.rsplit('/').next().unwrap_or_default() {
            name @ ("sudo" | "doas") => {
                wrapper = name;
                front.sudo = Some(place(word));
            }
            "env" => wrapper = "env",
            _ if wrapper == "env" && ["-i", "-", "--ignore-environment"].contains(&word) => {
                front.emptied = Some(place(word));
            }
            _ if wrapper == "env" && word == "-u" => {
                front
                    .unset
                    .extend(words.next().map(|name| (name.to_owned(), place(name))));
            }
            _ if wrapper == "env" => {
                let name = word.strip_prefix("--unset=").or_else(|| word.strip_prefix("-u"));
                front
                    .unset
                    .extend(name.map(|name| (name.to_owned(), place(word))));
            }
            _ if wrapper == "sudo" && (word == "-E" || word.starts_with("--preserve-env")) => {
                front.sudo = None;
            }
            _ => {}
        }
    }
    front
}

/// The variables that rsync reads, and our client.
pub(super) const OF_RSYNC: [&str; 12] = [
    "CVSIGNORE",
    "HOME",
    "LOGNAME",
    "RSYNC_CHECKSUM_LIST",
    "RSYNC_COMPRESS_LIST",
    CONNECT_PROGRAM,
    "RSYNC_ICONV",
    "RSYNC_MAX_ALLOC",
    "RSYNC_PARTIAL_DIR",
    PASSWORD,
    "RSYNC_PROXY",
    "USER",
];

/// The variable of the password.
pub(super) const PASSWORD: &str = "RSYNC_PASSWORD";

/// The variable of a program that makes the connection.
pub(in crate::cli) const CONNECT_PROGRAM: &str = "RSYNC_CONNECT_PROG";

/// cron takes the backslash in front of `%` away, in quotes too.
fn without_escapes(text: &[u8]) -> Vec<u8> {
    let is_escape = |at: usize| text[at] == b'\\' && text.get(at + 1) == Some(&b'%');
    (0..text.len())
        .filter(|&at| !is_escape(at))
        .map(|at| text[at])
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::cli::probe::written::{Written, command_line, typed};

    /// What is set, taken away, unknown and kept back of two variables that no test has in its environment.
    fn told(written: &Written) -> String {
        let mut told = Vec::new();
        for name in ["RSYNC_ICONV", "RSYNC_PROXY"] {
            told.extend(written.variables.get(name).map(|value| {
                let value = value.as_ref().map(|value| String::from_utf8_lossy(value));
                format!("{name}={}", value.as_deref().unwrap_or("-"))
            }));
        }
        let unknown = written.around.iter().filter(|name| name.ends_with('='));
        told.extend(unknown.map(|name| format!("? {name}")));
        told.extend(written.kept_back.iter().map(|name| format!("! {name}")));
        told.join(" ")
    }

    #[test]
    fn a_variable_is_taken_where_it_holds_for_sure() {
        for (script, expected) in [
            ("export RSYNC_PROXY=p:1", "RSYNC_PROXY=p:1"),
            ("RSYNC_PROXY=p:1; export RSYNC_PROXY", "RSYNC_PROXY=p:1"),
            ("set -a; RSYNC_PROXY=p:1", "RSYNC_PROXY=p:1"),
            ("export RSYNC_PROXY=p:1; RSYNC_PROXY=q:1", "RSYNC_PROXY=q:1"),
            ("export RSYNC_PROXY=p:1; unset RSYNC_PROXY", "RSYNC_PROXY=-"),
            (
                "export RSYNC_PROXY=p:1; unset RSYNC_PROXY; RSYNC_PROXY=q:1",
                "RSYNC_PROXY=-",
            ),
            ("export RSYNC_PROXY=p:1; export -n RSYNC_PROXY", "RSYNC_PROXY=-"),
            ("unset RSYNC_PROXY RSYNC_ICONV", "RSYNC_ICONV=- RSYNC_PROXY=-"),
            ("unset -f RSYNC_PROXY", ""),
            // It is no matter of programs.
            ("RSYNC_PROXY=p:1", "RSYNC_PROXY=-"),
            ("( export RSYNC_PROXY=p:1 )", ""),
            ("( export RSYNC_PROXY=p:1; unset RSYNC_ICONV ) &", ""),
            ("export RSYNC_PROXY=p:1 | cat", ""),
            ("x=$(export RSYNC_PROXY=p:1)", ""),
            ("if false; then export RSYNC_PROXY=p:1; fi", "? RSYNC_PROXY="),
            ("if a; then unset RSYNC_PROXY; fi", "? RSYNC_PROXY="),
            (
                "if a; then export RSYNC_PROXY=p:1; fi; RSYNC_PROXY=q:1; export RSYNC_PROXY",
                "RSYNC_PROXY=q:1",
            ),
            ("[ -e x ] && export RSYNC_PROXY=p:1", "? RSYNC_PROXY="),
            ("[ -e x ] || export RSYNC_PROXY=p:1", "? RSYNC_PROXY="),
            ("true && export RSYNC_PROXY=p:1", "RSYNC_PROXY=p:1"),
            ("for a in 1 2; do export RSYNC_PROXY=p:$a; done", "? RSYNC_PROXY="),
            ("case $1 in a) export RSYNC_PROXY=p:1;; esac", "? RSYNC_PROXY="),
            ("f() { export RSYNC_PROXY=p:1; }", ""),
            ("f() { export RSYNC_PROXY=p:1; }; f", "? RSYNC_PROXY="),
            ("export RSYNC_PROXY=$(cat file)", "? RSYNC_PROXY="),
        ] {
            let text = format!("#!/bin/bash\n{script}\nrsync -a h::m/ x/\n");
            let written = command_line(Path::new("a.sh"), text.into(), 3).expect(script);
            assert_eq!(told(&written), expected, "{script}");
        }
        // Both branches are followed, and a function is called later than what stands behind it.
        let text = "if a; then\nexport RSYNC_PROXY=p:1\nrsync h::m x\nelse\nexport RSYNC_PROXY=q:1\nrsync h::m x\nfi\n";
        for (line, expected) in [(3, "RSYNC_PROXY=p:1"), (6, "RSYNC_PROXY=q:1")] {
            let written = command_line(Path::new("a.sh"), text.into(), line).expect(text);
            assert_eq!(told(&written), expected, "{line}");
        }
        let text = "f() {\nrsync h::m x\n}\nexport RSYNC_PROXY=p:1\nf\n";
        let written = command_line(Path::new("a.sh"), text.into(), 2).expect(text);
        assert_eq!(told(&written), "? RSYNC_PROXY=");
    }

    #[test]
    fn what_stands_in_front_of_a_command_changes_its_environment() {
        for (line, expected) in [
            ("env -u RSYNC_PROXY rsync h::", "RSYNC_PROXY=-"),
            ("env --unset=RSYNC_PROXY rsync h::", "RSYNC_PROXY=-"),
            ("RSYNC_PROXY=p:1 env -u RSYNC_PROXY rsync h::", "RSYNC_PROXY=-"),
            ("RSYNC_PROXY=p:1 env -i rsync h::", "RSYNC_ICONV=- RSYNC_PROXY=-"),
            (
                "env -i RSYNC_PROXY=p:1 rsync h::",
                "RSYNC_ICONV=- RSYNC_PROXY=p:1",
            ),
            (
                "RSYNC_PROXY=p:1 sudo rsync h::",
                "RSYNC_ICONV=- RSYNC_PROXY=- ! RSYNC_PROXY",
            ),
            (
                "export RSYNC_PROXY=p:1; sudo rsync h::",
                "RSYNC_ICONV=- RSYNC_PROXY=- ! RSYNC_PROXY",
            ),
            ("sudo RSYNC_PROXY=p:1 rsync h::", "RSYNC_ICONV=- RSYNC_PROXY=p:1"),
            ("RSYNC_PROXY=p:1 sudo -E rsync h::", "RSYNC_PROXY=p:1"),
        ] {
            let written = typed(line).expect(line);
            assert_eq!(told(&written), expected, "{line}");
        }
    }
}
