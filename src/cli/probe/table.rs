//! The jobs of one of cron's tables.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::{OsStrExt as _, OsStringExt as _},
        fs::PermissionsExt as _,
    },
    path::{Path, PathBuf},
};

use nix::unistd::{User, geteuid};

use crate::{
    cli::probe::{fault::Fault, faults::of_table, interpreter::takes_braces, part::Part},
    lint::{Crontab, owner},
    syntax::shell::parse_part,
    terms::Bytes,
};

/// What stands for a shell where nobody is to have one.
const IDLE: [&str; 3] = ["false", "nologin", "true"];

/// The jobs of a table: cron takes carriage returns off the ends of its own variables, and hands those of jobs on.
pub(super) fn of_crontab<'b>(path: &Path, plain: &'b Bytes, bytes: &'b Bytes) -> Vec<Part<'b>> {
    let table = Crontab::read(path, plain);
    let faults: Vec<_> = of_table(&table, plain).into_iter().collect();
    // Whose table it is, its place tells, which may be named from our folder on.
    let owner = std::path::absolute(path).ok().and_then(|path| owner(&path));
    let read = Crontab::read(path, bytes).jobs.into_iter();
    let parts = read.zip(table.jobs).map(|(read, job)| {
        let variables = job.variables.into_iter();
        let variables: BTreeMap<_, _> = variables.map(|(name, value)| (name, &plain[value])).collect();
        let shell = variables.get(&b"SHELL"[..]).copied().unwrap_or(b"/bin/sh");
        let takes_braces = str::from_utf8(shell).ok().and_then(takes_braces);
        let user = job
            .job
            .user
            .map(|user| String::from_utf8_lossy(&bytes[user]).into_owned())
            .or_else(|| owner.clone());
        let command = job.job.command.clone();
        // cron sets it itself, whatever the table says.
        let login = user.clone().or_else(own_name).map(String::into_bytes);
        let mut given: BTreeMap<_, _> = login.map(|login| ("LOGNAME", login)).into_iter().collect();
        let home = variables.get(&b"HOME"[..]).map(|home| home.to_vec());
        let home = home.or_else(|| home_of(user.as_deref()));
        let of_shell = of_shell(shell, home.as_deref());
        given.extend(home.map(|home| ("HOME", home)));
        Part {
            script: read.script,
            tree: parse_part(bytes, command.clone()),
            shell: str::from_utf8(shell).ok().map(str::to_owned),
            is_typed: false,
            takes_braces,
            is_cron: true,
            variables,
            given: Some(given),
            cut: job.job.input,
            start: command.start,
            end: command.end,
            faults: faults.iter().cloned().chain(of_shell).collect(),
            user: user.filter(|user| !is_us(user)),
        }
    });
    parts.collect()
}

/// What keeps cron from starting the shell of a job, which is named by its path, from the home folder on (`execle` in
/// do_command.c of cron), or that from running anything.
fn of_shell(shell: &[u8], home: Option<&[u8]>) -> Option<Fault> {
    let name = str::from_utf8(shell).ok().filter(|shell| !shell.is_empty())?;
    let file = match name.starts_with('/') {
        true => PathBuf::from(name),
        false => Path::new(OsStr::from_bytes(home?)).join(name),
    };
    let is_closed = |found: fs::Metadata| !found.is_file() || found.permissions().mode() & 0o111 == 0;
    let is_missing = matches!(file.try_exists(), Ok(false)) || fs::metadata(&file).is_ok_and(is_closed);
    if is_missing {
        return Some(Fault::NoShell(name.to_owned()));
    }
    let is_idle = file
        .file_name()
        .is_some_and(|own| IDLE.iter().any(|idle| own == *idle));
    is_idle.then(|| Fault::IdleShell(name.to_owned()))
}

/// Our own name.
fn own_name() -> Option<String> {
    User::from_uid(geteuid()).ok().flatten().map(|user| user.name)
}

/// The home folder of a user; of our own one where none is named.
pub(super) fn home_of(user: Option<&str>) -> Option<Vec<u8>> {
    let user = match user {
        Some(name) => User::from_name(name),
        None => User::from_uid(geteuid()),
    };
    user.ok()
        .flatten()
        .map(|user| user.dir.into_os_string().into_vec())
}

/// Whether we are the user of that name or number.
pub(super) fn is_us(name: &str) -> bool {
    let uid = geteuid();
    name.parse() == Ok(uid.as_raw())
        || User::from_uid(uid).is_ok_and(|user| user.is_some_and(|user| user.name == name))
}
