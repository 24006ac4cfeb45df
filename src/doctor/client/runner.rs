//! Who runs the command line: what is examined is what that user may do.

use std::{fs, path::Path};

use nix::unistd::geteuid;

use crate::{doctor::client::Client, host::Host, lint::Account, model::script::Runner};

/// The rights to read, to write and to enter (stat(2)).
pub(super) const READ: u32 = 4;
pub(super) const WRITE: u32 = 2;
pub(super) const ENTER: u32 = 1;

/// The number of who runs a command line, if that is known.
pub fn uid_of(runner: &Runner, host: &dyn Host) -> Option<u32> {
    match runner {
        Runner::Same => Some(geteuid().as_raw()),
        Runner::Named { name, .. } => match host.user(name) {
            Ok(Some(user)) => Some(user.uid),
            _ => name.parse().ok(),
        },
        Runner::Unknown => None,
    }
}

impl Client<'_> {
    /// Whether somebody else runs the command line than who we are.
    pub(super) fn is_of_another(&self) -> bool {
        self.setup.runner != Runner::Same
    }

    /// What keeps the user from a file or folder of this machine who runs the command line; none if that is who we are, or
    /// if nothing does.
    pub(super) fn closed(&self, path: &Path, wanted: u32) -> Option<String> {
        let host = self.setup.host;
        let Runner::Named { name, .. } = &self.setup.runner else {
            return None;
        };
        let account = Account::of_login(uid_of(&self.setup.runner, host)?);
        let is_closed = |place: &Path| {
            let wanted = if place == path { wanted } else { ENTER };
            let found = host.metadata(place, true);
            matches!(found, Ok(Some(found)) if account.is_denied(&found, wanted))
        };
        let closed = path.ancestors().find(|place| is_closed(place))?;
        Some(format!(
            "the command runs as {name}, to whom {} is closed",
            closed.display()
        ))
    }

    /// Why nobody but root can carry the command line out for the user who runs it: what it says of files here would be
    /// about us.
    pub(super) fn cannot_stand_in(&self) -> Option<String> {
        let who = match &self.setup.runner {
            Runner::Same => return None,
            Runner::Unknown => "a user whom only a run can tell",
            Runner::Named { name, .. } => name,
        };
        let is_known = uid_of(&self.setup.runner, self.setup.host).is_some();
        match (is_known, geteuid().is_root()) {
            (true, true) => None,
            (true, false) => Some(format!(
                "the command runs as {who}, and we do not: run this as that user, or as root"
            )),
            (false, _) => Some(format!(
                "the command runs as {who}, whose files nobody can tell from here"
            )),
        }
    }

    /// The words as they are carried out by us. The links in the way of a password file are trusted by whom they belong to.
    pub(super) fn words_for_us(&self) -> Vec<String> {
        let mut words = self.setup.words.clone();
        let named = self.invocation.option("password-file");
        let Some((given, value)) = named.and_then(|given| Some((given, given.value.as_deref()?))) else {
            return words;
        };
        if !self.is_of_another() || value == "-" {
            return words;
        }
        let Ok(Ok(place)) =
            fs::canonicalize(self.path(value)).map(|place| place.into_os_string().into_string())
        else {
            return words;
        };
        match given.value_word {
            Some(at) => words[at] = place,
            None => words[given.word] = format!("--password-file={place}"),
        }
        words
    }
}
