//! Which lines speak for a cause, and which only look like it.

use crate::{
    catalog::{Page, Stage, Symptom},
    explain::{
        Incident, Seen, facts,
        messages::{Claim, MESSAGES, Message, Voice},
    },
    terms::Target,
};

/// The pages of a limit of connections: below zero, and used up.
const CLOSED_BY_LIMIT: &str = "RSY217";
const LIMIT_REACHED: &str = "RSY823";

/// The pages of what a remote shell, or the key that it was let in with, makes of the request.
const OF_SHELL: [&str; 2] = ["RSY825", "RSY835"];

/// The page of refusals in other words than rsync's daemon has.
const OTHER_WORDS: &str = "RSY831";

/// The pages of files that options name, on the client and on the server.
const LIST_OF_CLIENT: &str = "RSY884";
const LIST_OF_SERVER: &str = "RSY787";

/// The page of codes that are not rsync's own.
const UNNAMED_CODE: &str = "RSY839";

/// Whether a cause can show this line. In a daemon's log the end of a connection is the client's: it does not tell of the
/// daemon's own files, nor of a greeting. ssh's code is told on a page of its own, and only a limit below zero closes a
/// module for good. Where rsync calls a daemon itself there is no shell. Words that a daemon of rsync's has are its own.
pub(super) fn may_show(claim: &Claim, seen: &Seen, incident: &Incident) -> bool {
    let is_of_client = claim.voice == Voice::Client && facts::daemon_process(&seen.text).is_some();
    let is_of_server = !claim.page.files.is_empty() || claim.symptom.stage < Stage::Transfer;
    let is_ssh = claim.page.id == UNNAMED_CODE && incident.exit == Some(255);
    let is_closed = seen.text.contains("connections (-");
    let is_unasked = seen.text.contains(UNASKED_REFUSAL);
    let is_other = match claim.page.id {
        CLOSED_BY_LIMIT => !is_closed,
        LIMIT_REACHED => is_closed,
        OTHER_WORDS => !is_unasked && is_known(seen),
        _ => is_unasked,
    };
    let is_list_of_other = match claim.page.id {
        LIST_OF_CLIENT => is_list_of_server(seen, incident) == Some(true),
        LIST_OF_SERVER => is_list_of_server(seen, incident) == Some(false),
        _ => false,
    };
    // Who is reset in place of a connection has not come as far as a greeting.
    let is_too_late = claim.symptom.stage > Stage::Connect && seen.text.contains("failed to connect to ");
    let is_of_no_shell = OF_SHELL.contains(&claim.page.id) && incident.is_without_shell();
    !(is_ssh
        || is_other
        || is_list_of_other
        || is_of_no_shell
        || is_too_late
        || is_of_client && is_of_server && facts::is_echo(&seen.text))
}

/// Whether a list of names that cannot be opened is one that the server is to read: its name on the command line says so, or
/// the role in the last line of a client that had asked for it. None where nothing tells.
fn is_list_of_server(seen: &Seen, incident: &Incident) -> Option<bool> {
    if !seen.text.contains("failed to open files-from file") {
        return None;
    }
    let command = incident.command.as_ref();
    let typed = command.and_then(|command| command.invocation.option("files-from")?.value.as_deref());
    match typed {
        Some(name) => Some(Target::parse(name).remote().is_some() || name.starts_with(':')),
        None => incident.role.as_ref().map(|role| role != "client"),
    }
}

/// A refusal in place of a greeting, which rsync's daemon has no words for.
const UNASKED_REFUSAL: &str = "server sent \"@ERROR";

/// Whether another page knows the words of a refusal.
pub(super) fn is_known(seen: &Seen) -> bool {
    let messages = seen.messages.iter().map(|&number| MESSAGES.get(number));
    let is_any = |message: &Message| message.claims.iter().any(|claim| claim.page.id == OTHER_WORDS);
    seen.text.contains("@ERROR") && messages.into_iter().any(|message| !is_any(message))
}

/// Whether a message of that exit code ends the run. Files that fail, vanish or are left out do not.
pub(super) fn is_end(exit: u8) -> bool {
    !matches!(exit, 0 | 23 | 24)
}

/// Whether an exit code says by itself why the connection has ended: a signal, or what the remote shell ended with.
pub(super) fn tells_why(exit: u8) -> bool {
    matches!(exit, 20 | 124..=127)
}

/// Whether a line tells of one address of a host, on a network that the client does not have, where another address fails
/// otherwise: a client without IPv6 tries both.
pub(super) fn is_passed_over(seen: &Seen, incident: &Incident) -> bool {
    let is_call = |seen: &Seen| seen.text.contains("failed to connect to ");
    let has_no_network = |seen: &Seen| seen.text.contains(": Network is unreachable (");
    let mut others = incident.lines.iter();
    is_call(seen) && has_no_network(seen) && others.any(|other| is_call(other) && !has_no_network(other))
}

/// Whether a page's cause can end as the client did: else it did not end it, and what comes behind it may have.
pub(super) fn ends_so(page: &Page, incident: &Incident) -> bool {
    let is_same =
        |exit: u8| move |symptom: &Symptom| symptom.exit == exit || facts::is_reset_race(symptom.exit, exit);
    incident
        .exit
        .is_none_or(|exit| page.symptoms.iter().any(is_same(exit)))
}

/// The square root, rounded up: a line with nine causes says a third of what a line with one says.
pub(super) fn root(count: usize) -> u32 {
    (1..)
        .find(|root| root * root >= count)
        .and_then(|root| u32::try_from(root).ok())
        .unwrap_or(u32::MAX)
}
