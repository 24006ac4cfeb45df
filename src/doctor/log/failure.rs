//! What failed by a line of a daemon's log, as far as something else may show that it works again.

use super::session::{FAILURES, Session, UNKNOWN};
use crate::host::trial::Access;

/// What a line says that failed.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Failure {
    /// A login.
    Login {
        /// Who wanted to, if that is told.
        user: Option<String>,
        /// Whether it may be the client that was wrong.
        is_of_client: bool,
    },
    /// The address of the client is not admitted.
    Denied,
    /// There is no such module.
    Unknown,
    /// What the daemon does before it serves a module: it enters the folder and becomes its user.
    Entry,
    /// The daemon gave the whole configuration up.
    Configuration,
    /// Something in the configuration: it counts where the daemon then gives up.
    Slip,
    /// No slot was free of so many.
    Slots(i32),
    /// The module is read-only, or write-only.
    Direction,
    /// An option of the client.
    Option(String),
    /// A file of the client, which a rule of the module keeps out: dry runs meet that too.
    Excluded,
    /// The module's user has no right to a file or a folder.
    File(File),
    /// The end of a session, which follows from what was said before.
    Sum,
    /// Something else.
    Other,
}

/// What was done with what is in a module.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct File {
    /// The module.
    pub(super) module: String,
    /// The path from the module's folder on.
    pub(super) path: String,
    /// What was done.
    pub(super) access: Access,
}

/// How lines begin about files (`change_dir`, `send_directory`, `send_files`, `recv_generator`, `open_tmpfile` say so).
const FILES: [(&str, Access); 7] = [
    ("send_files failed to open \"", Access::Read),
    ("opendir \"", Access::List),
    ("change_dir \"", Access::Enter),
    ("mkstemp \"", Access::Create),
    ("recv_generator: mkdir \"", Access::Create),
    ("failed to set times on \"", Access::Own),
    ("failed to set permissions on \"", Access::Own),
];

/// What a daemon says of an option that it refuses (`option_error` in options.c).
const REFUSED_OPTION: &str = "The server is configured to refuse ";
/// And of a file that its rules keep out (`recv_generator` in generator.c).
const REFUSED_FILE: &str = "ERROR: daemon refused to receive ";

/// What the reader of the configuration says last where it gives up (`pm_process` in params.c).
const GIVEN_UP: &str = "Error returned from params.c";

impl Failure {
    /// What a line of a session says that failed; none if nothing did.
    pub(super) fn of(said: &str, session: &Session) -> Option<Self> {
        if let Some(behind) = said.strip_prefix("auth failed on module ") {
            return Some(login(behind));
        }
        if said.starts_with("secrets file must ") {
            return Some(Self::Login {
                user: None,
                is_of_client: false,
            });
        }
        if said.starts_with("rsync denied on module ") {
            return Some(Self::Denied);
        }
        if said.starts_with(UNKNOWN) {
            return Some(Self::Unknown);
        }
        if let Some(behind) = said.strip_prefix("max connections (") {
            let limit = behind.split(')').next().and_then(|number| number.parse().ok());
            return Some(limit.map_or(Self::Other, Self::Slots));
        }
        if said.contains(GIVEN_UP) {
            return Some(Self::Configuration);
        }
        if said.starts_with("params.c:") {
            return Some(Self::Slip);
        }
        if said.starts_with("rsync error: ") {
            return Some(Self::Sum);
        }
        if said.contains("ERROR: module is read only") || said.contains("ERROR: module is write only") {
            return Some(Self::Direction);
        }
        if let Some((_, option)) = said.split_once(REFUSED_OPTION) {
            return Some(Self::Option(option.trim_end().to_owned()));
        }
        if said.contains(REFUSED_FILE) {
            return Some(Self::Excluded);
        }
        if let Some(file) = file(said) {
            return Some(Self::File(file));
        }
        let is_failure = FAILURES.iter().any(|text| said.contains(text))
            || ["Invalid uid ", "Invalid gid "]
                .iter()
                .any(|start| said.starts_with(start));
        // What hooks say may be meant for that client alone.
        let is_hook = said.contains("exec") || said.contains("name converter");
        let is_before = session.asks.is_none() && session.module().is_some();
        is_failure.then_some(match is_before && !is_hook && !session.is_passing {
            true => Self::Entry,
            false => Self::Other,
        })
    }
}

/// `data from host (192.0.2.7) for joe: password mismatch`, or without the name (`auth_server` in authenticate.c).
fn login(behind: &str) -> Failure {
    let told = behind
        .split_once(") for ")
        .and_then(|(_, told)| told.rsplit_once(": "));
    let why = told.map_or("", |(_, why)| why);
    Failure::Login {
        user: told.map(|(user, _)| user.to_owned()),
        is_of_client: !["no matching rule", "secrets file", "no secret"]
            .iter()
            .any(|of_server| why.contains(of_server)),
    }
}

/// `rsync: [sender] opendir "/a/b" (in data) failed: Permission denied (13)`
fn file(said: &str) -> Option<File> {
    let (said, is_of_owner) = match said.strip_suffix("Operation not permitted (1)") {
        Some(said) => (said, true),
        None => (said.strip_suffix("Permission denied (13)")?, false),
    };
    let said = said.strip_prefix("rsync: ")?;
    let said = match said.split_once("] ") {
        Some((role, behind)) if role.starts_with('[') => behind,
        _ => said,
    };
    let mut known = FILES
        .iter()
        .filter(|(_, access)| (*access == Access::Own) == is_of_owner);
    let (start, access) = known.find(|(start, _)| said.starts_with(start))?;
    let (path, behind) = said[start.len()..].rsplit_once("\" (in ")?;
    let (module, _) = behind.rsplit_once(')')?;
    Some(File {
        module: module.to_owned(),
        path: path.trim_start_matches('/').to_owned(),
        access: *access,
    })
}

#[cfg(test)]
mod tests {
    use super::{Failure, File};
    use crate::{doctor::log::session::Session, host::trial::Access};

    #[test]
    fn lines_tell_what_failed() {
        let of = |said: &str| Failure::of(said, &Session::default());
        let file = |path: &str, access| {
            Some(Failure::File(File {
                module: "a b".to_owned(),
                path: path.to_owned(),
                access,
            }))
        };
        let end = "Permission denied (13)";
        for (said, expected) in [
            (
                format!("rsync: [sender] send_files failed to open \"/x/y\" (in a b): {end}"),
                file("x/y", Access::Read),
            ),
            (
                format!("rsync: opendir \"/x\" (in a b) failed: {end}"),
                file("x", Access::List),
            ),
            (
                format!("rsync: [sender] change_dir \"/\" (in a b) failed: {end}"),
                file("", Access::Enter),
            ),
            (
                format!("rsync: [receiver] mkstemp \"/x/.y.Ab12\" (in a b) failed: {end}"),
                file("x/.y.Ab12", Access::Create),
            ),
            (
                "rsync: [generator] failed to set times on \"/.\" (in a b): Operation not permitted (1)"
                    .to_owned(),
                file(".", Access::Own),
            ),
            (
                "rsync: The server is configured to refuse --delete".to_owned(),
                Some(Failure::Option("--delete".to_owned())),
            ),
            (
                "ERROR: daemon refused to receive file \"x\"".to_owned(),
                Some(Failure::Excluded),
            ),
            (
                format!("rsync: [generator] delete_file: unlink(x) failed: {end}"),
                Some(Failure::Other),
            ),
            (
                "rsync: opendir \"/x\" (in a b) failed: Input/output error (5)".to_owned(),
                Some(Failure::Other),
            ),
            ("rsync error: timeout (code 30)".to_owned(), Some(Failure::Sum)),
            ("max connections (2) reached".to_owned(), Some(Failure::Slots(2))),
            (
                "secrets file must be owned by root when running as root (see strict modes)".to_owned(),
                Some(Failure::Login {
                    user: None,
                    is_of_client: false,
                }),
            ),
            ("building file list".to_owned(), None),
        ] {
            assert_eq!(of(&said), expected, "{said}");
        }
        let login = |said: &str| match of(said) {
            Some(Failure::Login { user, is_of_client }) => (user, is_of_client),
            other => panic!("{other:?}"),
        };
        let joe = Some("joe".to_owned());
        let line = "auth failed on module m from h (192.0.2.7)";
        assert_eq!(
            login(&format!("{line} for joe: password mismatch")),
            (joe.clone(), true)
        );
        assert_eq!(login(&format!("{line} for joe: no matching rule")), (joe, false));
        assert_eq!(
            login(&format!("{line}: invalid challenge response")),
            (None, true)
        );
    }
}
