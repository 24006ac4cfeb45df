//! The command line that a unit of systemd's starts.

use std::{
    collections::BTreeMap,
    env, fs,
    io::ErrorKind,
    ops::Range,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

mod folders;
mod pieces;
mod refused;
mod variables;

use crate::{
    cli::probe::{
        before::{self, Started},
        fault::{Fault, OfUnit},
        part::Part,
        settled::matches,
        slip::Slip,
        started::{started, started_by},
        table::is_us,
        text::{lines, position},
        unit::{
            folders::Folders,
            refused::Service,
            variables::{of_file, of_login, variable},
        },
        unread::Unread,
        variables::OF_RSYNC,
        written::Written,
    },
    model::{
        script::Runner,
        service::{Word, commands, expand, keeps_root, words},
    },
    syntax::unit::{self, Kind},
    terms::Bytes,
};

/// Shells that run a text behind `-c`.
const SHELLS: [&[u8]; 5] = [b"sh", b"bash", b"dash", b"ksh", b"zsh"];

/// What only a shell takes for more than a word.
const SHELL_SIGNS: [&str; 11] = [
    ">",
    ">>",
    "<",
    "|",
    "&&",
    "||",
    "&",
    "2>&1",
    "2>/dev/null",
    ">/dev/null",
    "&>",
];

/// Who runs the commands of a system's unit that names nobody.
const ROOT: &str = "root";

/// The longest file of variables that is read, in bytes.
const LONGEST_FILE: u64 = 1 << 20;

/// Settings that keep a command from files, from the network or from rights (systemd.exec(5), systemd.resource-control(5)).
const CONFINES: [&[u8]; 14] = [
    b"CapabilityBoundingSet",
    b"DynamicUser",
    b"IPAddressDeny",
    b"InaccessiblePaths",
    b"PrivateNetwork",
    b"PrivateTmp",
    b"PrivateUsers",
    b"ProtectHome",
    b"ProtectSystem",
    b"ReadOnlyPaths",
    b"RestrictAddressFamilies",
    b"RootDirectory",
    b"RootImage",
    b"TemporaryFileSystem",
];

/// The command line of rsync's that stands on a line of a unit, or goes on there: systemd splits it into words and puts the
/// unit's variables in (systemd.exec(5), systemd.service(5)).
///
/// # Errors
///
/// There is none, or more than one, or what it says is known only once it runs.
pub(super) fn command_line(path: &Path, file: &[u8], line: usize) -> Result<Written, Unread> {
    let unit = Unit::of(path, file);
    let name = path.display();
    let here = lines(file)
        .nth(line - 1)
        .ok_or_else(|| Unread::NoCommand(format!("`{name}` has no line {line}")))?;
    let touches = |range: &Range<usize>| range.start < here.end && here.start < range.end;
    let started: Vec<_> = unit.started.iter().filter(|one| touches(&one.range)).collect();
    let found: Vec<_> = started
        .iter()
        .flat_map(|one| {
            let commands = commands(&one.value).into_iter();
            commands
                .zip(keeps_root(&one.value))
                .map(move |command| (one, command))
        })
        .filter_map(|(one, (command, keeps_root))| {
            let called = match keeps_root && !unit.is_of_user {
                true => unit.by_root().called(&command)?,
                false => unit.called(&command)?,
            };
            Some(called.map(|written| {
                let mut written = before::told(written, &unit.started, one, unit.is_without_folder(), || {
                    unit.folders.made(unit.of_system())
                });
                let faults = unit.faults(one, file, keeps_root).into_iter().map(Slip::Around);
                written.own_slips().splice(0..0, faults);
                written
            }))
        })
        .collect();
    match found.len() {
        1 => found.into_iter().next().expect("one").map_err(Unread::Unclear),
        0 if started.is_empty() => Err(Unread::NoCommand(format!(
            "line {line} of `{name}` calls no rsync: it is no `ExecStart=`"
        ))),
        0 => Err(Unread::NoCommand(format!(
            "line {line} of `{name}` calls no rsync itself; give FILE:LINE of the script that it starts"
        ))),
        _ => Err(Unread::Unclear(format!(
            "line {line} of `{name}` calls rsync more than once; paste the command that fails, as 'rsync ...'"
        ))),
    }
}

/// The lines of a unit that call rsync, the first one being 1.
pub(super) fn calling_lines(path: &Path, file: &[u8]) -> Vec<usize> {
    let unit = Unit::of(path, file);
    let calling = unit.started.iter().filter(|one| {
        let mut commands = commands(&one.value).into_iter();
        commands.any(|command| unit.called(&command).is_some())
    });
    calling.map(|one| position(file, one.range.start)).collect()
}

/// What a unit's file says of how its commands run.
#[derive(Clone, Default)]
struct Unit {
    /// The values of `ExecStart=` and its like, with the lines that they take.
    started: Vec<Started>,
    variables: BTreeMap<Vec<u8>, Vec<u8>>,
    /// An `EnvironmentFile=` without which systemd starts nothing, and that is not there.
    missing: Option<PathBuf>,
    /// Whether variables may come from a file that could not be read.
    has_unread: bool,
    /// What confines the command, as it is written.
    confinement: Vec<String>,
    /// `WorkingDirectory=`
    folder: Option<PathBuf>,
    /// `User=`, if that is somebody else than who we are.
    user: Option<String>,
    /// Whether it has a `User=`.
    names_user: bool,
    /// Whether a user's own manager starts it.
    is_of_user: bool,
    /// The folders that systemd makes for it.
    folders: Folders,
    /// Its own file.
    file: PathBuf,
    /// What systemd starts commands with besides (systemd.exec(5)).
    given: BTreeMap<&'static str, Vec<u8>>,
    /// All of it, where it is a service.
    service: Option<Service>,
    /// Files of variables that systemd passes over.
    passed_over: Vec<String>,
}

impl Unit {
    fn of(path: &Path, file: &[u8]) -> Self {
        let mut unit = Self {
            file: path.to_owned(),
            service: Service::of(path, file),
            ..Self::read(file, Service::of(path, file).is_some())
        };
        // The manager of a user hands on what the user has.
        if path.components().any(|part| part.as_os_str() == "user") {
            let own = ["HOME", "LOGNAME", "USER"].into_iter();
            let own = own.filter_map(|name| Some((name, env::var_os(name)?.into_encoded_bytes())));
            unit.given = own.collect();
            unit.is_of_user = true;
        }
        // What the unit sets itself counts.
        for (name, value) in unit.folders.variables(unit.of_system()) {
            if let Some(value) = value {
                unit.variables
                    .entry(name.into())
                    .or_insert_with(|| value.into_bytes());
            }
        }
        unit
    }

    fn read(file: &[u8], is_service: bool) -> Self {
        let mut read = Self::default();
        let mut files = Vec::new();
        let mut section = Vec::new();
        for item in unit::parse(file).items {
            let (name, value) = match item.kind {
                Kind::Setting { name, value } => (name, value),
                Kind::Section(name) => {
                    section = name.bytes().to_vec();
                    continue;
                }
                Kind::Blank | Kind::Comment | Kind::Malformed(_) => continue,
            };
            let is_read = !is_service || Service::reads(&section, name.bytes());
            let is_command = name
                .bytes()
                .get(..4)
                .is_some_and(|start| start.eq_ignore_ascii_case(b"exec"));
            if !is_read && !is_command {
                continue;
            }
            let text = || String::from_utf8_lossy(value.bytes()).into_owned();
            match name.bytes() {
                b"Environment" if value.is_empty() => read.variables.clear(),
                b"Environment" => read.variables.extend(words(&value).iter().filter_map(variable)),
                b"EnvironmentFile" if value.is_empty() => files.clear(),
                b"EnvironmentFile" => files.push(text()),
                b"WorkingDirectory" if !value.is_empty() => {
                    let named = text();
                    let folder = PathBuf::from(named.trim_start_matches('-'));
                    // With a hyphen in front it need not be there.
                    let is_left_out = named.starts_with('-') && !folder.is_dir();
                    // What is no whole path is passed over, or the unit is refused.
                    let is_left_out =
                        is_left_out || !folder.starts_with("/") && !named.starts_with(['~', '%']);
                    read.folder = Some(folder).filter(|_| !is_left_out);
                }
                b"User" if value.is_empty() => {
                    read.names_user = false;
                    read.given.clear();
                    read.user = None;
                }
                b"User" if !value.is_empty() => {
                    let name = text();
                    read.names_user = true;
                    read.given = of_login(&name);
                    read.user = Some(name).filter(|user| !is_us(user));
                }
                name if is_command => read.started.push(Started {
                    range: item.range,
                    name: String::from_utf8_lossy(name).into_owned(),
                    value,
                    is_read,
                }),
                name if CONFINES.contains(&name) && !is_no(value.bytes()) => {
                    read.confinement
                        .push(format!("{}={}", String::from_utf8_lossy(name), text()));
                }
                name => read.folders.take(name, &text()),
            }
        }
        // What the files set counts before `Environment=`, wherever it stands (systemd.exec(5)).
        for named in files {
            let file = named.trim_start_matches('-');
            if !file.starts_with(['/', '%']) {
                read.passed_over.push(file.to_owned());
            } else if file.contains(['*', '?', '[']) {
                let found = matches(file.as_bytes()).unwrap_or_default();
                read.has_unread |= found.is_empty();
                found.iter().for_each(|file| read.take_in(Path::new(file), false));
            } else {
                read.take_in(Path::new(file), !named.starts_with('-'));
            }
        }
        read
    }

    /// Takes the variables of a file in; `is_needed`: whether systemd starts nothing without it.
    fn take_in(&mut self, file: &Path, is_needed: bool) {
        let content = match fs::metadata(file) {
            Ok(found) if found.is_file() && found.len() <= LONGEST_FILE => fs::read(file).ok(),
            Err(error) if error.kind() == ErrorKind::NotFound && !has_specifier(file) => {
                if is_needed {
                    self.missing.get_or_insert_with(|| file.to_owned());
                }
                return;
            }
            _ => None,
        };
        match content {
            Some(content) => self.variables.extend(of_file(&content)),
            None => self.has_unread = true,
        }
    }

    /// Whether the folder that systemd starts all of them in is not there.
    fn is_without_folder(&self) -> bool {
        let made = self.folders.made(self.of_system());
        let is_there = |folder: &Path| folder.is_dir() || made.has(folder, Path::new("/"));
        self.folder.as_ref().is_some_and(|folder| !is_there(folder))
    }

    /// Its own file, where the system's manager starts it.
    fn of_system(&self) -> Option<&Path> {
        (!self.is_of_user).then_some(&*self.file)
    }

    /// What a command hands to rsync; nothing if it does not call it.
    fn called(&self, command: &[Word]) -> Option<Result<Written, String>> {
        if self.has_unread && command.iter().any(|word| word.bytes.contains(&b'$')) {
            return Some(Err(
                "an `EnvironmentFile=` of the unit cannot be read here, and the command names variables; paste it with their values, as 'rsync ...'".to_owned(),
            ));
        }
        let mut words = command.iter();
        if let Some(name) = words.find_map(|word| self.folders.unknown_in(self.of_system(), &word.bytes)) {
            return Some(Err(format!(
                "what `${name}` is only a run can tell; paste the command with its value, as 'rsync ...'"
            )));
        }
        let command = expand(command, &self.variables);
        let (program, arguments) = command.split_first()?;
        match program.bytes.rsplit(|&byte| byte == b'/').next()? {
            b"rsync" => Some(self.rsync(&program.bytes, arguments)),
            shell if SHELLS.contains(&shell) => {
                let is_text = |word: &Word| word.bytes.starts_with(b"-") && word.bytes.ends_with(b"c");
                match arguments.iter().position(is_text) {
                    Some(at) => self.text(specified(&arguments.get(at + 1)?.bytes), false),
                    None => self.text(line_of(&command), true),
                }
            }
            // `timeout`, `nice` and the like start it, or a script does.
            _ => self.text(line_of(&command), true),
        }
    }

    fn rsync(&self, program: &[u8], arguments: &[Word]) -> Result<Written, String> {
        let words = arguments.iter().map(|word| specified(&word.bytes));
        let value = |name: &str| {
            let own = self.variables.get(name.as_bytes());
            own.or_else(|| self.given.get(name)).cloned()
        };
        let variables = OF_RSYNC.into_iter().map(|name| (name.to_owned(), value(name)));
        let variables = variables.collect();
        let words: Vec<_> = words.collect::<Result<_, _>>()?;
        let sign = words.iter().find(|word| SHELL_SIGNS.contains(&&***word)).cloned();
        Ok(Written {
            words,
            variables,
            is_detached: true,
            home: value("HOME"),
            around: self.around().collect(),
            slips: self
                .slip()
                .chain(before::missing(program))
                .chain(sign.map(Slip::NoShell))
                .collect(),
            folder: self.folder_of(Some(PathBuf::new())),
            is_bound: self.folder.is_some(),
            runner: self.runner(),
            ..Written::default()
        })
    }

    /// The same for a command that systemd starts as root, whatever user is named.
    fn by_root(&self) -> Self {
        Self {
            user: None,
            names_user: false,
            ..self.clone()
        }
    }

    /// Who runs the command.
    fn runner(&self) -> Runner {
        match &self.user {
            Some(user) => Runner::named(user, true),
            None if self.names_user || self.is_of_user || is_us(ROOT) => Runner::Same,
            None => Runner::named(ROOT, false),
        }
    }

    /// What stands around the command, and is not carried out with it.
    fn around(&self) -> impl Iterator<Item = String> {
        let user = self.user.iter().map(|user| format!("User={user}"));
        user.chain(self.confinement.iter().cloned())
    }

    fn slip(&self) -> impl Iterator<Item = Slip> {
        let missing = self.missing.iter();
        let missing = missing.map(|file| Slip::NoEnvironment(file.display().to_string()));
        let passed_over = self.passed_over.iter().cloned();
        let passed_over =
            passed_over.map(|file| Slip::Around(Fault::OfUnit(OfUnit::RelativeVariables(file))));
        missing.chain(passed_over)
    }

    /// Why systemd does not come to a command, whatever it is; `keeps_root`: whether `User=` does not count for it.
    fn faults(&self, own: &Started, file: &[u8], keeps_root: bool) -> Vec<Fault> {
        let made = self.folders.made(self.of_system());
        let service = self.service.iter();
        let faults = service.map(|service| service.faults(own, file, &made, (self.is_of_user, keeps_root)));
        faults.flatten().collect()
    }

    /// What a text for a shell hands to rsync, or a script that it starts; nothing if neither calls it. `is_command`: it is one
    /// command, and systemd starts it without a shell.
    fn text(&self, text: Result<String, String>, is_command: bool) -> Option<Result<Written, String>> {
        let bytes = match text {
            Ok(text) => Bytes::from(text.into_bytes()),
            Err(reason) => return Some(Err(reason)),
        };
        let variables = self.variables.iter();
        let mut part = Part::of_text(&bytes, false);
        part.given = Some(self.given.clone());
        part.variables
            .extend(variables.map(|(name, value)| (name.clone(), &value[..])));
        let mut calls = part.calls();
        let command = match (calls.next(), calls.next()) {
            (None, _) => part.script.calls.iter().find_map(|call| {
                let script = started(call).transpose()?;
                let command = script.and_then(|script| started_by(&part, call, &bytes, script, is_command));
                Some(command.map_err(|unread| unread.to_string()))
            })?,
            (Some(call), None) => part.command(call, &bytes),
            (Some(_), Some(_)) => Err(
                "the unit's command calls rsync more than once; paste the one that fails, as 'rsync ...'"
                    .to_owned(),
            ),
        };
        Some(command.map(|mut written| {
            written.around.extend(self.around());
            written.own_slips().extend(self.slip());
            Written {
                is_bound: self.folder.is_some() || written.is_bound,
                folder: self.folder_of(written.folder),
                stays_in: self.folder_of(written.stays_in),
                runner: written.runner.or(self.runner()),
                ..written
            }
        }))
    }

    /// The folder that a command runs in, which may go on from the one that systemd starts it in; none if only a run can tell.
    fn folder_of(&self, own: Option<PathBuf>) -> Option<PathBuf> {
        let first = self.folder.as_deref().unwrap_or_else(|| Path::new("/"));
        let folder = match own? {
            own if own.as_os_str().is_empty() => first.to_owned(),
            own => first.join(own),
        };
        folder.is_absolute().then_some(folder)
    }
}

/// A command as a shell would take it.
fn line_of(command: &[Word]) -> Result<String, String> {
    let words = command.iter().map(|word| specified(&word.bytes));
    words.collect::<Result<Vec<_>, _>>().map(shell_words::join)
}

/// Whether systemd puts something in the place of a part of a name (systemd.unit(5)).
fn has_specifier(path: &Path) -> bool {
    path.as_os_str().as_bytes().contains(&b'%')
}

/// Whether a value is one that switches nothing on.
fn is_no(value: &[u8]) -> bool {
    let values: [&[u8]; 6] = [b"", b"0", b"false", b"n", b"no", b"off"];
    values.contains(&&*value.to_ascii_lowercase())
}

/// A word behind its specifiers: `%%` is a `%`, what others stand for systemd alone knows (systemd.unit(5)).
fn specified(word: &[u8]) -> Result<String, String> {
    let text = String::from_utf8(word.to_vec()).map_err(|_| "a word of the unit is not UTF-8".to_owned())?;
    let plain = text.replace("%%", "");
    match plain.split_once('%') {
        Some((_, rest)) => Err(format!(
            "what `%{}` stands for systemd alone knows; paste the command with its value, as 'rsync ...'",
            rest.chars().next().unwrap_or_default()
        )),
        None => Ok(text.replace("%%", "%")),
    }
}

#[cfg(test)]
mod tests;
