//! The variables that a script, a table of cron's or a command line sets for rsync.

use std::{collections::BTreeMap, env};

use crate::{
    cli::probe::written::{Part, with_returns},
    model::script::{Assigned, Call},
};

impl Part<'_> {
    /// The variables of rsync's, and the names of those whose value only a run can tell. What stands in front of the
    /// command counts, else what the script has set before, else what cron sets.
    pub(super) fn variables_of(&self, call: &Call) -> (BTreeMap<String, Vec<u8>>, Vec<&'static str>) {
        let (mut variables, mut unknown) = (BTreeMap::new(), Vec::new());
        for name in OF_RSYNC {
            let named = |assigned: &&Assigned| assigned.name == name.as_bytes();
            let before = || {
                let is_before =
                    |assigned: &&Assigned| !assigned.is_for_command && assigned.range.end <= call.range.start;
                // What was in the environment stays there under another value.
                let is_handed_on =
                    self.script.exported.contains(name.as_bytes()) || env::var_os(name).is_some();
                let mut all = self.script.assignments.iter().rev();
                all.find(|assigned| named(assigned) && is_before(assigned))
                    .filter(|_| is_handed_on)
            };
            let value = match call.environment.iter().rev().find(named).or_else(before) {
                Some(assigned) => match assigned.value.known() {
                    Some(value) if self.is_cron => Some(without_escapes(&value)),
                    Some(value) => Some(value),
                    None => {
                        unknown.push(name);
                        None
                    }
                },
                None => self.variables.get(name.as_bytes()).map(|value| value.to_vec()),
            };
            variables.extend(value.map(|value| (name.to_owned(), with_returns(&value))));
        }
        (variables, unknown)
    }
}

/// The variables that rsync reads, and our client.
pub(super) const OF_RSYNC: [&str; 11] = [
    "CVSIGNORE",
    "HOME",
    "LOGNAME",
    "RSYNC_CHECKSUM_LIST",
    "RSYNC_COMPRESS_LIST",
    CONNECT_PROGRAM,
    "RSYNC_ICONV",
    "RSYNC_MAX_ALLOC",
    "RSYNC_PASSWORD",
    "RSYNC_PROXY",
    "USER",
];

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
