//! What stands around a command of rsync's, and is not carried out with it.

use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _, path::Path};

use nix::unistd::geteuid;

use crate::{
    cli::probe::variables::OF_RSYNC,
    model::script::{Argument, Block, Call, Script},
};

/// Programs that start another one, and change neither who runs it nor where.
const PLAIN_WRAPPERS: [&str; 16] = [
    "builtin",
    "chronic",
    "chrt",
    "command",
    "exec",
    "flock",
    "ionice",
    "nice",
    "nohup",
    "setsid",
    "sshpass",
    "stdbuf",
    "systemd-cat",
    "taskset",
    "time",
    "timeout",
];

/// Shells that run a text.
const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "ksh", "zsh", "flock"];

/// Commands that change where the following ones run, or with what rights.
const MOVES: [&str; 5] = ["cd", "pushd", "popd", "umask", "ulimit"];

/// Commands in front of another one on which nothing hangs, or which are followed.
const IDLE: [&str; 18] = [
    ":", "[", "date", "declare", "echo", "export", "local", "logger", "ls", "printf", "readonly", "set",
    "sleep", "stat", "test", "true", "typeset", "unset",
];

/// Commands that do not fail, so that what stands behind their `&&` is run.
const SURE: [&str; 12] = [
    ":", "date", "declare", "echo", "export", "local", "printf", "readonly", "set", "true", "typeset",
    "unset",
];

/// Commands that take in what may set variables and define functions.
const READERS: [&str; 3] = [".", "eval", "source"];

/// Commands that may end a script before its later lines.
const ENDS: [&str; 3] = ["exit", "return", "exec"];

/// Names what stands around a call in a text, and would change what rsync does: other folders and users, variables,
/// input, loops. `is_typed`: the text is one line of somebody's, so that whatever comes first counts.
pub(super) fn around(script: &Script, call: &Call, text: &[u8], is_typed: bool) -> Vec<String> {
    let mut names = Vec::new();
    let mut add = |name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    for other in script.calls.iter().filter(|&other| other.range != call.range) {
        let program = match other.program() {
            program if program.is_empty() => "$(...)".to_owned(),
            program => program,
        };
        let is_outside = other.range.start <= call.range.start && call.range.end <= other.range.end;
        if is_outside {
            changing(other, text).for_each(&mut add);
            if !SHELLS.contains(&&*program) && !IDLE.contains(&&*program) {
                add(program);
            }
        } else if other.range.end <= call.range.start && sets_any(script, other) {
            add(program);
        } else if other.range.end <= call.range.start && READERS.contains(&&*program) {
            // A text may be of passwords, the name of a file is not.
            let named = other.arguments().first().filter(|_| program != "eval");
            let named = named.and_then(Argument::known);
            let named = named.map(|named| format!(" {}", String::from_utf8_lossy(&named)));
            add(format!("{program}{}", named.unwrap_or_default()));
        } else if other.range.end <= call.range.start
            && (MOVES.contains(&&*program)
                || ENDS.contains(&&*program) && !is_of_failed_move(script, other, text)
                || is_typed && !IDLE.contains(&&*program)
                || decides(&program, &text[other.range.end..call.range.start]))
        {
            add(program);
        }
    }
    changing(call, text).for_each(&mut add);
    short_limit(call, text).into_iter().for_each(&mut add);
    let assigned = call.environment.iter().map(|assigned| &assigned.name);
    let exported = script.assignments.iter().filter(|assigned| {
        assigned.range.end <= call.range.start && script.exported.contains(&assigned.name)
    });
    for name in assigned.chain(exported.map(|assigned| &assigned.name)) {
        let name = String::from_utf8_lossy(name);
        // Others are of no concern to rsync.
        if (name.starts_with("RSYNC_") || name.starts_with("LD_")) && !OF_RSYNC.contains(&&*name) {
            add(format!("{name}="));
        }
    }
    let mut paths = script.assignments.iter().filter(|assigned| {
        !assigned.is_for_command && assigned.name == b"PATH" && assigned.range.end <= call.range.start
    });
    let path = paths.next_back().and_then(|assigned| assigned.value.known());
    let program = call.words.first().and_then(Argument::known);
    if program.as_deref() == Some(b"rsync") && path.is_some_and(|path| is_without_rsync(&path)) {
        add("PATH=".to_owned());
    }
    if let Some(feeding) = call.pipe_from.and_then(|index| script.calls.get(index)) {
        add(format!("{} |", feeding.program()));
    }
    if reads_input(call, text) {
        add("<".to_owned());
    }
    let before = script
        .calls
        .iter()
        .filter(|other| other.range.end <= call.range.start);
    let mut between = before.map(|other| &text[other.range.end..call.range.start]);
    let is_behind_sure = between.any(|between| is_of_line(between) && joins(between));
    for block in call.blocks.iter() {
        match block {
            Block::For { .. } => add("for".to_owned()),
            Block::While { .. } => add("while".to_owned()),
            // What stands in front of `&&` and `||` is a branch too, and is named above where it may fail.
            Block::Branch if !is_behind_sure => add("if".to_owned()),
            Block::Branch | Block::Function(_) | Block::Subshell => {}
        }
    }
    names
}

/// Whether a command sets variables whose names only a run puts together.
fn sets_any(script: &Script, call: &Call) -> bool {
    let mut composed = script.composed.iter();
    composed.any(|place| call.range.start <= place.start && place.end <= call.range.end)
}

/// Whether a command is run only where a `cd` in front of it fails: `cd FOLDER || exit 1`. Whether it does is looked at.
fn is_of_failed_move(script: &Script, call: &Call, text: &[u8]) -> bool {
    let moves = script
        .calls
        .iter()
        .filter(|other| ["cd", "pushd"].contains(&&*other.program()) && other.range.end <= call.range.start);
    let mut between = moves.map(|other| &text[other.range.end..call.range.start]);
    between.any(|between| is_of_line(between) && between.windows(2).any(|pair| pair == b"||"))
}

/// Whether a search path leads to no rsync, so that a shell finds none.
pub(super) fn is_without_rsync(path: &[u8]) -> bool {
    let mut folders = path
        .split(|&byte| byte == b':')
        .map(|folder| Path::new(OsStr::from_bytes(folder)));
    !folders.any(|folder| folder.join("rsync").is_file())
}

/// Whether a command decides if a later one of its line is run at all, by what stands between them.
fn decides(program: &str, between: &[u8]) -> bool {
    let is_alternative = between.windows(2).any(|window| window == b"||");
    is_of_line(between) && joins(between) && (is_alternative || !SURE.contains(&program))
}

fn is_of_line(between: &[u8]) -> bool {
    !between.contains(&b'\n')
}

/// Whether commands are joined with `&&` or `||`.
fn joins(between: &[u8]) -> bool {
    between
        .windows(2)
        .any(|window| window == b"&&" || window == b"||")
}

/// The programs in front of a call that change who runs it, or where.
fn changing<'c>(call: &'c Call, text: &[u8]) -> impl Iterator<Item = String> + 'c {
    let front = call.words.first().map(|word| word.range.start);
    let front = &text[call.range.start..front.unwrap_or(call.range.start).max(call.range.start)];
    let has_options = front.windows(5).any(|window| window == b"env -");
    // Root becomes root.
    let is_plain_sudo = geteuid().is_root() && !front.windows(2).any(|window| window == b" -");
    let wrappers = call.wrappers.iter().filter(move |name| match &***name {
        "env" => has_options,
        "sudo" => !is_plain_sudo,
        name => !PLAIN_WRAPPERS.contains(&name),
    });
    wrappers.cloned()
}

/// `timeout 0.5`: a limit that ends most runs, where the dry run is not ended.
fn short_limit(call: &Call, text: &[u8]) -> Option<String> {
    let front = call.words.first().map(|word| word.range.start)?;
    let front = str::from_utf8(&text[call.range.start..front.max(call.range.start)]).ok()?;
    let mut words = front.split_ascii_whitespace();
    words.find(|word| word.rsplit('/').next() == Some("timeout"))?;
    let limit = loop {
        match words.next()? {
            "-k" | "-s" | "--kill-after" | "--signal" => drop(words.next()),
            option if option.starts_with('-') => {}
            limit => break limit,
        }
    };
    let seconds: f64 = limit.trim_end_matches('s').parse().ok()?;
    (seconds < SHORTEST_LIMIT).then(|| format!("timeout {limit}"))
}

/// Seconds in which most transfers begin.
const SHORTEST_LIMIT: f64 = 2.0;

/// Whether its standard input is redirected: a `<` that is no part of an argument. From `/dev/null` nothing comes, which
/// matters to who reads it alone.
fn reads_input(call: &Call, text: &[u8]) -> bool {
    let is_in_word = |at: &usize| call.words.iter().any(|word| word.range.contains(at));
    let is_in_front = |at: &usize| call.words.first().is_some_and(|word| *at < word.range.start);
    let is_read = call.words.iter().any(|word| word.text().ends_with('-'));
    let is_nothing = |at: usize| {
        let file = text[at + 1..call.range.end].trim_ascii_start();
        let rest = file.strip_prefix(b"/dev/null");
        rest.is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace)) && !is_read
    };
    call.range
        .clone()
        .any(|at| text[at] == b'<' && !is_in_word(&at) && !is_in_front(&at) && !is_nothing(at))
}
