//! The files that the daemon itself reads and writes: whether it really can.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use nix::errno::Errno;

use crate::{
    doctor::{
        Cause, PathFact, Refusal, Urgency,
        daemon::option,
        paths::{Daemon, Judge, Served, user_name},
    },
    explain::Server,
    host::{
        Daemon as Process, Metadata, locks,
        trial::{Answer, Denied, Identity, Question, Request, Wish, ask},
    },
    lint::merged_files,
    model::{Parameter, Scope, has_variable},
};

/// A file of the daemon.
pub(in crate::doctor) struct DaemonFile {
    pub(in crate::doctor) parameter: Parameter,
    pub(in crate::doctor) path: PathBuf,
    /// The first module that needs it; none if all do.
    pub(in crate::doctor) module: Option<String>,
}

/// What is done with each of them.
const FILES: [(Parameter, Wish); 7] = [
    (Parameter::ExcludeFrom, Wish::ReadFile),
    (Parameter::Filter, Wish::ReadFile),
    (Parameter::IncludeFrom, Wish::ReadFile),
    (Parameter::LockFile, Wish::WriteFile),
    (Parameter::LogFile, Wish::WriteFile),
    (Parameter::MotdFile, Wish::ReadFile),
    (Parameter::SecretsFile, Wish::ReadFile),
];

/// Tries them as the daemon.
pub(super) fn look(
    server: &Server,
    process: Option<&Process>,
    daemon: &Daemon,
    modules: &[Served],
    judge: &Judge<'_>,
) -> (Vec<PathFact>, Vec<Cause>) {
    let files = files(server, process);
    // With `daemon uid` it is somebody else by then.
    let identity = modules.first().map_or(&daemon.identity, |module| &module.daemon);
    let wish = |file: &DaemonFile| {
        let mut kinds = FILES.iter();
        kinds
            .find(|(kind, _)| *kind == file.parameter)
            .map_or(Wish::ReadFile, |(_, wish)| *wish)
    };
    let questions = files.iter().map(|file| Question::new(&file.path, wish(file)));
    let request = Request {
        root_of: daemon.root_of,
        daemon: identity.clone(),
        capabilities: daemon.capabilities,
        user: identity.clone(),
        questions: questions.collect(),
    };
    let answers = ask(judge.own, &request);
    let (mut facts, mut causes) = (Vec::new(), Vec::new());
    causes.extend(files.iter().filter_map(|file| held(file, judge)));
    for (file, answer) in files.iter().zip(answers) {
        match answer {
            Ok(Answer::Refused(error)) => {
                let error = Errno::from_raw(error);
                // What is missing is told by the configuration's stage.
                if matches!(error, Errno::ENOENT | Errno::ENOTDIR | Errno::EISDIR) {
                    continue;
                }
                let refusal = judge.refusal(&nearest(&file.path, wish(file), judge), error);
                causes.extend(match error {
                    Errno::ENOSPC => crowded(file, judge),
                    _ => cause(file, &refusal, identity, judge),
                });
                facts.push(PathFact::File {
                    parameter: file.parameter.name(),
                    refusal,
                });
            }
            Ok(Answer::Open | Answer::Folder(_) | Answer::Late) | Err(Denied::Time) => {}
            Err(denied) => facts.push(PathFact::FileUnseen {
                parameter: file.parameter.name(),
                path: file.path.clone(),
                reason: (&denied).into(),
            }),
        }
    }
    (facts, causes)
}

/// The file, or the folder in which it is to be created.
pub(super) fn nearest(path: &Path, wish: Wish, judge: &Judge<'_>) -> PathBuf {
    let is_there = matches!(judge.host.metadata(path, true), Ok(Some(_)));
    match path.parent().filter(|_| wish == Wish::WriteFile && !is_there) {
        Some(folder) => folder.to_owned(),
        None => path.to_owned(),
    }
}

/// The files that some module, or all of them, need.
pub(in crate::doctor) fn files(server: &Server, process: Option<&Process>) -> Vec<DaemonFile> {
    let configuration = &server.configuration;
    let mut files: Vec<DaemonFile> = Vec::new();
    let mut add = |parameter, scope, path: PathBuf, module: Option<String>| {
        let is_known = |one: &DaemonFile| one.parameter == parameter && one.path == path;
        let is_plain = path.is_absolute() && !has_variable(path.as_os_str().as_encoded_bytes());
        let has_root = configuration
            .text(scope, Parameter::DaemonChroot)
            .value
            .is_empty();
        if is_plain && has_root && !files.iter().any(is_known) {
            files.push(DaemonFile {
                parameter,
                path,
                module,
            });
        }
    };
    let path =
        |scope, parameter| PathBuf::from(OsStr::from_bytes(configuration.text(scope, parameter).value));
    let named = process.and_then(|process| option(&process.words, "--log-file"));
    let log = named.map_or_else(|| path(Scope::Global, Parameter::LogFile), PathBuf::from);
    add(Parameter::LogFile, Scope::Global, log, None);
    add(
        Parameter::MotdFile,
        Scope::Global,
        path(Scope::Global, Parameter::MotdFile),
        None,
    );
    for (scope, module) in configuration.module_scopes() {
        let name = module.name.display().into_owned();
        let has = |parameter| !configuration.text(scope, parameter).value.is_empty();
        // Read before the daemon becomes the module's user (`rsync_module` in clientserver.c).
        for patterns in [Parameter::ExcludeFrom, Parameter::IncludeFrom] {
            if has(patterns) {
                add(patterns, scope, path(scope, patterns), Some(name.clone()));
            }
        }
        for file in merged_files(configuration.text(scope, Parameter::Filter).value) {
            let file = PathBuf::from(OsStr::from_bytes(file));
            add(Parameter::Filter, scope, file, Some(name.clone()));
        }
        if has(Parameter::AuthUsers) {
            let secrets = path(scope, Parameter::SecretsFile);
            add(Parameter::SecretsFile, scope, secrets, Some(name.clone()));
        }
        if configuration.integer(scope, Parameter::MaxConnections).value > 0 {
            let lock = path(scope, Parameter::LockFile);
            add(Parameter::LockFile, scope, lock, Some(name));
        }
    }
    files
}

/// Somebody else than a daemon locks the file in which connections are counted: each is a lock on some of its bytes
/// (`claim_connection` in connection.c).
fn held(file: &DaemonFile, judge: &Judge<'_>) -> Option<Cause> {
    if file.parameter != Parameter::LockFile {
        return None;
    }
    let inode = judge.host.metadata(&file.path, true).ok()??.inode;
    let locks = locks(judge.machine).ok()?.into_iter();
    let mut held = locks.filter(|lock| lock.inode == inode && lock.is_exclusive && lock.first == 0);
    held.find_map(|lock| {
        let process = lock.process?;
        let name = judge
            .machine
            .read(Path::new(&format!("/proc/{process}/comm")))
            .ok()??;
        let program = String::from_utf8_lossy(&name).trim().to_owned();
        if program == "rsync" {
            return None;
        }
        let path = file.path.display().to_string();
        let fact = format!("{program} (process {process}) holds a lock on {path}");
        let arguments = vec![
            ("path", path),
            ("program", program),
            ("process", process.to_string()),
            ("module", file.module.clone().unwrap_or_default()),
        ];
        Some(judge.cause_of("RSY233", arguments, vec![fact]))
    })
}

/// The lock file is to be created where no inode is left; one that is there already is opened all the same. Without its log
/// file a daemon goes on.
fn crowded(file: &DaemonFile, judge: &Judge<'_>) -> Option<Cause> {
    let module = file.module.clone().unwrap_or_default();
    (file.parameter == Parameter::LockFile)
        .then(|| judge.without_inodes("lock", &file.path, vec![("module", module)]))
}

/// The right to read a file (stat(2)).
const READ: u32 = 4;

/// The folder that keeps the daemon from a file that it only reads.
fn closed(file: &DaemonFile, identity: &Identity, judge: &Judge<'_>) -> Option<(PathBuf, Metadata)> {
    let is_read = !matches!(file.parameter, Parameter::LockFile | Parameter::LogFile);
    let folder = judge
        .closed_on_way(&file.path, identity)
        .filter(|_| is_read && identity.uid != 0)?;
    let found = judge.host.metadata(&folder, true).ok().flatten()?;
    Some((folder, found))
}

fn cause(file: &DaemonFile, refusal: &Refusal, identity: &Identity, judge: &Judge<'_>) -> Option<Cause> {
    let (rule, variant) = match file.parameter {
        Parameter::LockFile => ("RSY608", Some("denied")),
        Parameter::LogFile => ("RSY894", None),
        Parameter::MotdFile => ("RSY607", Some("unreadable")),
        Parameter::SecretsFile => ("RSY312", Some("unreadable")),
        Parameter::ExcludeFrom | Parameter::Filter | Parameter::IncludeFrom => ("RSY418", Some("unreadable")),
        _ => return None,
    };
    let name = file.path.display().to_string();
    let mut arguments = vec![
        ("file", name.clone()),
        ("path", name),
        ("user", user_name(identity.uid)),
        ("parameter", file.parameter.name().to_owned()),
        ("module", file.module.clone().unwrap_or_default()),
    ];
    let mut facts = vec![refusal.shown()];
    let mut commands = Vec::new();
    if let Some((folder, found)) = closed(file, identity, judge) {
        // Whoever does not come to a file need not be let into it, but into what is above.
        arguments.push(("closed", folder.display().to_string()));
        facts.push(judge.refusal(&folder, Errno::EACCES).shown());
        commands.push(judge.let_in(identity, &folder, &found, "x"));
        let own = judge.host.metadata(&file.path, true).ok().flatten();
        let own = own.filter(|own| judge.is_denied(identity, &file.path, own, READ));
        commands.extend(own.map(|own| judge.let_in(identity, &file.path, &own, "r")));
    }
    let cause = judge.cause_of(rule, arguments, facts);
    let cause = match commands.is_empty() {
        true => cause,
        false => cause.typing(commands),
    };
    let cause = match variant {
        Some(variant) => cause.of_kind(variant),
        None => cause,
    };
    Some(match file.parameter {
        // Nobody fails for these.
        Parameter::LogFile | Parameter::MotdFile => cause.at(Urgency::Later),
        _ => cause,
    })
}
