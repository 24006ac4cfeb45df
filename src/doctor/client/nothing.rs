//! A run that ends well, and for which no file is found.

use crate::{
    doctor::{
        Cause, Check, Fact, Stage,
        client::{Client, ClientFact, TYPED, corrected},
    },
    probe,
};

/// Options by which folders are gone through, or listed, or named one by one.
const OF_FOLDERS: [&str; 5] = ["archive", "recursive", "dirs", "list-only", "files-from"];

/// Whether the list of files came, and is empty.
pub(super) fn has_come(stage: &Stage) -> bool {
    let is_empty = |fact: &probe::Fact| matches!(fact, probe::Fact::Files(0, _));
    let mut facts = stage.facts.iter();
    facts.any(|fact| matches!(fact, Fact::Client(ClientFact::Probed(one)) if one.facts.iter().any(is_empty)))
}

/// Why, if the command line goes through no folder: rsync says `skipping directory`, and ends with 0 (`send_file_name` in
/// flist.c).
pub(super) fn look(client: &Client<'_>) -> Option<Cause> {
    let is_copy = client.invocation.targets.len() > 1;
    if !is_copy || OF_FOLDERS.iter().any(|option| client.has(option)) {
        return None;
    }
    let line = corrected::with(&client.setup.words, "-a");
    let fact = "the list of files is empty".to_owned();
    let cause = client.cause("RSY922", Check::Server, TYPED.as_ref(), Vec::new(), fact);
    Some(cause.of_kind("typed").typing(vec![line]))
}
