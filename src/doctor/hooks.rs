//! Commands of the configuration that keep clients waiting.

use std::{collections::BTreeSet, path::Path};

use crate::{
    doctor::{Cause, Check, Setup, Subject},
    host::{Descendant, descendants, is_left_by_client},
    model::{Configuration, Parameter},
};

/// What runs before a transfer, while the client waits (`rsync_module` in clientserver.c).
const BEFORE: [Parameter; 2] = [Parameter::EarlyExec, Parameter::PreXferExec];
/// A command that has run for so many seconds keeps a client waiting longer than most are ready to.
const LONG: i64 = 60;

/// The commands of that kind that do not end: their client has gone meanwhile, or they take very long.
pub(super) fn look(subject: &Subject, setup: &Setup<'_>) -> Vec<Cause> {
    let server = subject.known.as_ref().and_then(|known| known.server.as_ref());
    let (Some(daemon), Some(server)) = (&subject.daemon, server) else {
        return Vec::new();
    };
    let configuration = &server.configuration;
    let programs = |parameters: &[Parameter]| -> BTreeSet<String> {
        let values = parameters
            .iter()
            .flat_map(|parameter| values(configuration, *parameter));
        values.filter_map(program).collect()
    };
    let (before, after) = (programs(&BEFORE), programs(&[Parameter::PostXferExec]));
    if before.is_empty() {
        return Vec::new();
    }
    let below = descendants(daemon.process);
    let now = setup.now.timestamp().as_second();
    let mut causes = Vec::new();
    for hook in below.iter().filter(|one| !is_rsync(one)) {
        let mut above = below.iter();
        let Some(session) = above.find(|one| one.process == hook.parent && is_rsync(one)) else {
            continue;
        };
        // A shell may have become the program that it was to start, and that another one: if nothing runs behind transfers, it
        // is one of those in front.
        let words = hook.words.iter().map(|word| word.to_string_lossy().into_owned());
        let line = words.collect::<Vec<_>>().join(" ");
        let names =
            |programs: &BTreeSet<String>| line.split_ascii_whitespace().any(|word| programs.contains(word));
        let is_before = after.is_empty() || (names(&before) && !names(&after));
        let seconds = hook.started.map_or(0, |started| (now - started).max(0));
        let is_left = [session.process, session.parent]
            .into_iter()
            .any(is_left_by_client);
        if !is_before || !(is_left || seconds >= LONG) {
            continue;
        }
        let words: Vec<_> = hook.words.iter().map(|word| word.to_string_lossy()).collect();
        let command = match &words[..] {
            [_, option, text] if option == "-c" => text.to_string(),
            _ => shell_words::join(&words),
        };
        let arguments = vec![
            ("command", command),
            ("process", hook.process.to_string()),
            ("seconds", seconds.to_string()),
        ];
        let fact = format!(
            "process {} of the daemon waits for process {}",
            session.process, hook.process
        );
        let facts = match is_left {
            true => vec![fact, "its client has closed the connection".to_owned()],
            false => vec![fact],
        };
        causes.push(Cause::of_rule(
            "RSY237",
            Check::Loopback,
            &subject.file,
            arguments,
            facts,
        ));
    }
    causes
}

/// The first word of a command.
fn program(command: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(command).into_owned();
    text.split_ascii_whitespace().next().map(str::to_owned)
}

/// What a parameter says in each module.
fn values(configuration: &Configuration, parameter: Parameter) -> impl Iterator<Item = &[u8]> {
    let scopes = configuration.module_scopes();
    let values = scopes.map(move |(scope, _)| configuration.text(scope, parameter).value);
    values.filter(|value| !value.is_empty())
}

fn is_rsync(process: &Descendant) -> bool {
    let program = process.words.first().map(Path::new);
    program
        .and_then(Path::file_name)
        .is_some_and(|name| name == "rsync")
}
