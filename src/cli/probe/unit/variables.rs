//! The variables of a unit's commands.

use std::collections::BTreeMap;

use crate::{
    cli::probe::table::home_of,
    model::service::Word,
    syntax::environment_file::{self, Kind},
};

/// The variables of who a unit's command runs as.
pub(super) fn of_login(user: &str) -> BTreeMap<&'static str, Vec<u8>> {
    let name = user.as_bytes().to_vec();
    let mut given = BTreeMap::from([("LOGNAME", name.clone()), ("USER", name)]);
    given.extend(home_of(Some(user)).map(|home| ("HOME", home)));
    given
}

/// `NAME=value`
pub(super) fn variable(word: &Word) -> Option<(Vec<u8>, Vec<u8>)> {
    let at = word.bytes.iter().position(|&byte| byte == b'=')?;
    Some((word.bytes[..at].to_vec(), word.bytes[at + 1..].to_vec()))
}

/// The variables of an `EnvironmentFile=`.
pub(super) fn of_file(file: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let lines = environment_file::parse(file).into_iter();
    let assigned = lines.filter_map(|line| match line.kind {
        // systemd takes the word as a part of the name.
        Kind::Assignment {
            export: None,
            name,
            value,
            ..
        } => Some((file[name].to_vec(), file[value].to_vec())),
        _ => None,
    });
    assigned.collect()
}
