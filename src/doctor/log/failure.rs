//! What failed by a line of a daemon's log, as far as something else may show that it works again.

use std::path::Path;

use super::{
    quoted::{Quoted, quoted},
    session::{FAILURES, Session, UNKNOWN},
};
use crate::{host::trial::Access, model::Parameter};

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
    /// Something in the configuration: it counts where the daemon then gives up. What the daemon quotes of it, if it does.
    Slip(Option<Quoted>),
    /// The configuration, or something that it includes, is not there.
    Missing(String),
    /// The daemon's own address is none of the machine's.
    Address,
    /// What a client asked for was not there: its path in the module.
    Absent(String),
    /// Somebody else has the daemon's port, and it ends.
    Taken,
    /// No slot was free of so many.
    Slots(i32),
    /// The module is read-only, or write-only.
    Direction,
    /// An option of the client.
    Option(String),
    /// A file of the client, by its name in the module, which a rule of the module keeps out: dry runs meet that too.
    Excluded(String),
    /// The folder for files that are not whole is not there: its path as the daemon sees it.
    TempDir(String),
    /// The folder of the pid file is not there, and the daemon ends.
    PidFolder(String),
    /// A list of patterns that the configuration names is not there.
    List(String),
    /// A script of the configuration refuses the client, or fails.
    Hook(Parameter),
    /// Something may not be done with a file or a folder.
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
    /// What stood in the way.
    pub(super) trouble: Trouble,
}

/// What stands in the way of who wants something of a file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Trouble {
    /// Its modes, owners and lists.
    Rights,
    /// Its file system is mounted read-only.
    ReadOnly,
    /// It is immutable, or in a sticky folder.
    Unchangeable,
    /// Its file system is full.
    Full,
    /// There was no room for all of it: what came is removed again, and how much was to come is not told.
    Short,
}

/// How lines end, and what that says. What only owners may do ends as what nobody may.
const TROUBLES: [(&str, Trouble); 4] = [
    ("Permission denied (13)", Trouble::Rights),
    ("Read-only file system (30)", Trouble::ReadOnly),
    ("Operation not permitted (1)", Trouble::Unchangeable),
    ("No space left on device (28)", Trouble::Full),
];

/// How lines begin about files (`change_dir`, `send_directory`, `send_files`, `recv_generator`, `open_tmpfile` say so; `get_local_name` in main.c counts the folders that it tries).
const FILES: [(&str, Access); 14] = [
    ("send_files failed to open \"", Access::Read),
    ("opendir \"", Access::List),
    ("change_dir \"", Access::Enter),
    ("change_dir#1 \"", Access::Enter),
    ("change_dir#2 \"", Access::Enter),
    ("change_dir#3 \"", Access::Enter),
    ("change_dir#4 \"", Access::Enter),
    ("mkstemp \"", Access::Create),
    ("recv_generator: mkdir \"", Access::Create),
    ("recv_generator: failed to stat \"", Access::Create),
    ("rename \"", Access::Create),
    (WRITING, Access::Create),
    ("failed to set times on \"", Access::Own),
    ("failed to set permissions on \"", Access::Own),
];

/// Of what comes into them (`receive_data` in receiver.c).
const WRITING: &str = "write failed on \"";

/// What a daemon says of an option that it refuses (`option_error` in options.c).
const REFUSED_OPTION: &str = "The server is configured to refuse ";
/// And of a file that its rules keep out (`recv_generator` in generator.c).
const REFUSED_FILE: &str = "ERROR: daemon refused to receive ";

/// And of a name that a client gives to a file or a folder (`get_local_name` in main.c).
const EXCLUDED_TARGET: &str = "ERROR: daemon has excluded destination ";

/// What it says where a folder for files that are not whole, a list of patterns, or a script is at fault (`get_local_name` in
/// main.c, `parse_filter_file` in exclude.c, `finish_pre_exec` and `rsync_module` in clientserver.c).
const TEMP_DIRS: [&str; 2] = [
    "The temp-dir does not exist: ",
    "The temp-dir is not a directory: ",
];
const LISTS: [&str; 2] = ["failed to open exclude file ", "failed to open include file "];
const HOOKS: [(&str, Parameter); 2] = [
    ("pre-xfer exec returned failure (", Parameter::PreXferExec),
    ("early exec failed", Parameter::EarlyExec),
];
/// And where the folder of its pid file is not there (`write_pid_file` in clientserver.c).
const PID_FOLDER: &str = "failed to open pid-file directory ";
/// And of its configuration, or of what that includes (`pm_process`, `include_config` and `OpenConfFile` in params.c).
const UNREAD: [&str; 3] = [
    "unable to stat config file ",
    "unable to open config file ",
    "unable to open config dir ",
];
/// And of its port (`open_socket_in` in socket.c).
const TAKEN: &str = "bind() failed: Address already in use";
/// And where it got none of its addresses, below lines that told why (the same).
const NONE_BOUND: &str = "unable to bind any inbound sockets on port ";
/// And of its address (the same).
const NO_ADDRESS: &str = "bind() failed: Cannot assign requested address";
/// How lines begin about what a client asks for (`change_dir` in util1.c, `send_file_list` in flist.c).
const ASKED: [&str; 2] = ["change_dir", "link_stat"];
/// How a line ends about a file or a folder that is not there.
const NOT_THERE: &str = ": No such file or directory (2)";
/// What a generator says below a line that told why (`recv_generator` in generator.c).
const SKIPPING: &str = "*** Skipping any contents from this failed directory";

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
        if let Some(quoted) = Quoted::of(said) {
            return Some(Self::Slip(Some(quoted)));
        }
        if said.starts_with("params.c:") {
            return Some(Self::Slip(None));
        }
        if ["rsync error: ", SKIPPING, NONE_BOUND]
            .iter()
            .any(|start| said.starts_with(start))
        {
            return Some(Self::Sum);
        }
        if said.contains("ERROR: module is read only") || said.contains("ERROR: module is write only") {
            return Some(Self::Direction);
        }
        if let Some((_, option)) = said.split_once(REFUSED_OPTION) {
            return Some(Self::Option(option.trim_end().to_owned()));
        }
        if let Some((_, named)) = said.split_once(REFUSED_FILE) {
            return Some(Self::Excluded(session.below(quoted(named).unwrap_or_default())));
        }
        if let Some((_, named)) = said.split_once(EXCLUDED_TARGET) {
            let name = quoted(named).unwrap_or_default();
            return Some(Self::Excluded(name.trim_start_matches('/').to_owned()));
        }
        if let Some(path) = TEMP_DIRS.iter().find_map(|start| said.strip_prefix(start)) {
            return Some(Self::TempDir(path.to_owned()));
        }
        if let Some(folder) = said.split_once(PID_FOLDER).and_then(|(_, rest)| quoted(rest)) {
            return Some(Self::PidFolder(folder.to_owned()));
        }
        let missing = |texts: &[&str]| {
            let (_, rest) = texts.iter().find_map(|text| said.split_once(text))?;
            rest.strip_suffix(NOT_THERE)
        };
        if let Some(path) = missing(&LISTS) {
            return Some(Self::List(path.to_owned()));
        }
        if let Some(path) = missing(&UNREAD) {
            return Some(Self::Missing(path.trim_matches('"').to_owned()));
        }
        if said.starts_with(TAKEN) {
            return Some(Self::Taken);
        }
        if said.starts_with(NO_ADDRESS) {
            return Some(Self::Address);
        }
        if let Some(path) = absent(said).filter(|_| session.asks.is_some()) {
            return Some(Self::Absent(path.to_owned()));
        }
        if let Some((_, hook)) = HOOKS.iter().find(|(text, _)| said.contains(text)) {
            return Some(Self::Hook(*hook));
        }
        if let Some(file) = file(said).or_else(|| deleted(said, session)) {
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

/// `rsync: [sender] link_stat "/a/b" (in data) failed: No such file or directory (2)`: the path in the module.
fn absent(said: &str) -> Option<&str> {
    let said = said.strip_suffix(NOT_THERE)?.strip_prefix("rsync: ")?;
    let said = said.split_once("] ").map_or(said, |(_, behind)| behind);
    let (path, _) = said.split_once('"')?.1.rsplit_once("\" (in ")?;
    let is_asked = ASKED.iter().any(|start| said.starts_with(start));
    is_asked.then(|| path.trim_start_matches('/'))
}

/// What stood in the way by the end of a line, and what stands in front of that and behind who says it.
fn troubled(said: &str) -> Option<(Trouble, &str)> {
    let mut ends = TROUBLES.iter();
    let (said, trouble) = ends.find_map(|(end, trouble)| Some((said.strip_suffix(end)?, *trouble)))?;
    let said = said.strip_prefix("rsync: ")?;
    Some(match said.split_once("] ") {
        Some((role, behind)) if role.starts_with('[') => (trouble, behind),
        _ => (trouble, said),
    })
}

/// `rsync: [sender] opendir "/a/b" (in data) failed: Permission denied (13)`
fn file(said: &str) -> Option<File> {
    let (trouble, said) = troubled(said)?;
    let mut known = FILES.iter().filter(|(_, access)| match trouble {
        Trouble::Rights => *access != Access::Own,
        _ => matches!(access, Access::Own | Access::Create),
    });
    let (start, access) = known.find(|(start, _)| said.starts_with(start))?;
    let (path, behind) = said[start.len()..].rsplit_once("\" (in ")?;
    let (module, behind) = behind.rsplit_once(')')?;
    let path = path.trim_start_matches('/');
    // What a file is to be called stands in the folder of the transfer; what comes there is in the same one mostly.
    let renamed = behind.split_once("-> \"").and_then(|(_, target)| {
        let name = Path::new(target.split_once('"')?.0).file_name()?;
        Some(Path::new(path).with_file_name(name).display().to_string())
    });
    Some(File {
        module: module.to_owned(),
        path: renamed.unwrap_or_else(|| path.to_owned()),
        access: *access,
        trouble: match trouble {
            Trouble::Unchangeable if *access == Access::Own => Trouble::Rights,
            Trouble::Full if *start == WRITING => Trouble::Short,
            _ => trouble,
        },
    })
}

/// `rsync: [generator] delete_file: unlink(a/b) failed: Operation not permitted (1)`: the name is one of the folder that is
/// written.
fn deleted(said: &str, session: &Session) -> Option<File> {
    let (trouble, said) = troubled(said)?;
    let named = said.strip_prefix("delete_file: ")?;
    let (_, name) = named.strip_suffix(") failed: ")?.split_once('(')?;
    Some(File {
        module: session.module()?.to_owned(),
        path: session.below(name),
        access: Access::Create,
        trouble,
    })
}

#[cfg(test)]
mod tests {
    use super::{Failure, File, Trouble, absent};
    use crate::{doctor::log::session::Session, host::trial::Access, model::Parameter};

    #[test]
    fn lines_tell_what_failed() {
        let of = |said: &str| Failure::of(said, &Session::default());
        let troubled = |path: &str, access, trouble| {
            Some(Failure::File(File {
                module: "a b".to_owned(),
                path: path.to_owned(),
                access,
                trouble,
            }))
        };
        let file = |path: &str, access| troubled(path, access, Trouble::Rights);
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
                Some(Failure::Excluded("x".to_owned())),
            ),
            (
                "rsync: [receiver] write failed on \"/x\" (in a b): No space left on device (28)".to_owned(),
                troubled("x", Access::Create, Trouble::Short),
            ),
            (
                "rsync: [generator] recv_generator: mkdir \"/x\" (in a b) failed: Read-only file system (30)"
                    .to_owned(),
                troubled("x", Access::Create, Trouble::ReadOnly),
            ),
            (
                "rsync: [receiver] rename \"/x/.y.Ab12\" (in a b) -> \"x/y\": Operation not permitted (1)"
                    .to_owned(),
                troubled("x/y", Access::Create, Trouble::Unchangeable),
            ),
            (
                "The temp-dir does not exist: /.new".to_owned(),
                Some(Failure::TempDir("/.new".to_owned())),
            ),
            (
                "rsync: [Receiver] failed to open exclude file /etc/x: No such file or directory (2)"
                    .to_owned(),
                Some(Failure::List("/etc/x".to_owned())),
            ),
            (
                "rsync: [Receiver] failed to open pid-file directory \"/run/x\": No such file or directory (2)"
                    .to_owned(),
                Some(Failure::PidFolder("/run/x".to_owned())),
            ),
            (
                "rsync: [Receiver] unable to stat config file \"/etc/x.d\": No such file or directory (2)"
                    .to_owned(),
                Some(Failure::Missing("/etc/x.d".to_owned())),
            ),
            (
                "bind() failed: Address already in use (address-family 2)".to_owned(),
                Some(Failure::Taken),
            ),
            (
                "pre-xfer exec returned failure (1792)".to_owned(),
                Some(Failure::Hook(Parameter::PreXferExec)),
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
            (
                "bind() failed: Cannot assign requested address (address-family 2)".to_owned(),
                Some(Failure::Address),
            ),
            (
                "ERROR: daemon has excluded destination \"/x/y\"".to_owned(),
                Some(Failure::Excluded("x/y".to_owned())),
            ),
            ("building file list".to_owned(), None),
        ] {
            assert_eq!(of(&said), expected, "{said}");
        }
        let missing = "rsync: [sender] change_dir \"/a/b\" (in a b) failed: No such file or directory (2)";
        assert_eq!(absent(missing), Some("a/b"));
        assert_eq!(
            absent("rsync: [Receiver] chroot(\"/x\") failed: No such file or directory (2)"),
            None
        );
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
