//! What a command line reads from its standard input, which nothing is handed to here.

use crate::{cli::probe::written::Written, syntax::Invocation};

/// Options that read standard input where `-` is their value.
const READERS: [&str; 4] = ["password-file", "files-from", "exclude-from", "include-from"];

/// Why a command line cannot be tried, where another program or a file of the line's gives it what an option reads.
pub(super) fn unknown(written: &Written) -> Option<String> {
    let is_given = |name: &&String| *name == "<" || name.ends_with(" |");
    let giver = written.around.iter().find(is_given)?;
    let invocation = Invocation::parse(&written.words);
    let reads = |name: &&&str| {
        let given = invocation.option(name).and_then(|given| given.value.as_deref());
        given == Some("-")
    };
    let option = READERS.iter().find(reads)?;
    Some(format!(
        "what `--{option}=-` reads comes from `{giver}`, which is not carried out"
    ))
}
