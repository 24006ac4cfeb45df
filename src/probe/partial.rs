//! What code 23 leaves open: how many files it is about, and which account lacks which right.

use std::collections::BTreeSet;

use crate::{
    explain::Server,
    model::Scope,
    probe::{
        session::Session,
        stage::{Fact, Right},
    },
    sync::{Place, Plan},
    terms::Exit,
};

/// Kinds of missing rights that are told.
const MOST_LACKS: usize = 3;

/// The calls of which rsync tells that they are not permitted, and what they need.
const CALLS: [(&str, Right); 12] = [
    (UNSENT, Right::ReadFile),
    ("failed to open \"", Right::ReadFile),
    ("opendir \"", Right::ReadFolder),
    ("change_dir \"", Right::EnterFolder),
    ("change_dir#", Right::EnterFolder),
    ("readlink_stat(\"", Right::EnterFolder),
    ("link_stat \"", Right::EnterFolder),
    ("mkstemp \"", Right::WriteFolder),
    ("mkdir \"", Right::WriteFolder),
    ("rename \"", Right::WriteFolder),
    ("symlink \"", Right::WriteFolder),
    ("open \"", Right::WriteFolder),
];

/// How a sender tells of a file that it cannot read.
const UNSENT: &str = "send_files failed to open \"";

/// What is to be told of a session in which single files failed.
pub(super) fn partial(session: &Session, plan: &Plan, server: Option<&Server>) -> Vec<Fact> {
    if session.exit != Exit::Partial.code() {
        return Vec::new();
    }
    let lines: Vec<_> = session.lines().collect();
    let failed: BTreeSet<_> = lines.iter().filter_map(|line| name(line)).collect();
    let mut facts = Vec::new();
    // What is in a folder that cannot be made is passed over, and not counted.
    let is_whole = !lines
        .iter()
        .any(|line| line.starts_with("*** Skipping any contents"));
    if !failed.is_empty() && is_whole {
        let failed = failed.len() as u64;
        let outcome = session.outcome.unwrap_or_default();
        let mut failing = lines.iter().filter(|line| name(line).is_some());
        let names_unsent = failing.all(|line| line.contains(UNSENT));
        // Folders have no data; of the files that were asked for none came then.
        let listed = match names_unsent && outcome.transferred == 0 {
            true => failed,
            false => outcome.listed,
        };
        facts.push(Fact::Partial(failed, listed));
    }
    let mut told = BTreeSet::new();
    let lacks = lines.iter().filter_map(|line| lack(line, plan, server));
    let lacks = lacks.filter(|fact| matches!(fact, Fact::Lacks { right, .. } if told.insert(*right)));
    facts.extend(lacks.take(MOST_LACKS));
    facts
}

/// The file that a line is about, if it tells of a failure.
fn name(line: &str) -> Option<&str> {
    let (_, behind) = line.split_once('"')?;
    let (name, _) = behind.split_once('"')?;
    line.ends_with(')').then_some(name)
}

/// Which right a line shows to be missing.
fn lack(line: &str, plan: &Plan, server: Option<&Server>) -> Option<Fact> {
    let is_refused = line.ends_with("Permission denied (13)");
    let (_, right) = CALLS
        .into_iter()
        .find(|(call, _)| is_refused && line.contains(call))?;
    let is_push = matches!(plan.place, Place::Push { .. });
    let is_of_server = line.contains("\" (in ") || line.contains("[sender]") != is_push;
    Some(Fact::Lacks {
        is_of_server,
        account: server
            .filter(|_| is_of_server)
            .and_then(|server| account(server, plan)),
        right,
        path: name(line)?.to_owned(),
    })
}

/// Who a daemon is for a module.
fn account(server: &Server, plan: &Plan) -> Option<String> {
    let (Place::Files { module, .. } | Place::Push { module, .. }) = &plan.place else {
        return None;
    };
    let index = server.configuration.module(module.as_bytes())?;
    Some(server.account(Scope::Module(index)))
}
