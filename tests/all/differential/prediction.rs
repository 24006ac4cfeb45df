use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    net::IpAddr,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use nix::unistd::{Group, User, geteuid};
use rsyncctl::{
    host::Unknown,
    model::{
        Configuration, Effect, FatalError, Files, NotOpened, Opened, Parameter, ProblemKind, Scope,
        access::{Peer, Right, UsersVerdict, hosts, users},
        parameter::Kind,
        resolve,
    },
    terms::{Release, Source, Sources},
};

use crate::differential::referee::{CONFIGURATION, LOG, Referee, Request, position};

/// What our model says of a configuration, in the referee's words.
pub(crate) struct Prediction<'a> {
    pub(crate) configuration: Configuration,
    root: &'a Path,
    environment: &'a BTreeMap<&'static str, String>,
}

impl<'a> Prediction<'a> {
    pub(crate) fn new(main: Vec<u8>, referee: &'a Referee, release: Release) -> Self {
        Self::with(&FilesBelow(referee.root()), main, referee, release)
    }

    /// What is said of it where no included file can be read.
    pub(crate) fn unseen(main: Vec<u8>, referee: &'a Referee, release: Release) -> Self {
        Self::with(&NoFiles, main, referee, release)
    }

    fn with(files: &dyn Files, main: Vec<u8>, referee: &'a Referee, release: Release) -> Self {
        let mut sources = Sources::default();
        let root = sources.add(Source::new(CONFIGURATION, main));
        Self {
            configuration: resolve(&mut sources, root, release, files),
            root: referee.root(),
            environment: referee.environment(),
        }
    }

    /// Whether a daemon with this configuration keeps to loopback and to its folder.
    pub(crate) fn is_harmless(&self) -> bool {
        let configuration = &self.configuration;
        let scopes = configuration.module_scopes().map(|(scope, _)| scope);
        let asks_nobody = scopes.chain([Scope::Global]).all(|scope| {
            [Parameter::ReverseLookup, Parameter::ForwardLookup]
                .into_iter()
                .all(|lookup| configuration.boolean(scope, lookup).value == Some(false))
        });
        asks_nobody
            && configuration.settings.iter().all(|setting| {
                let text = setting.text.bytes();
                match setting.parameter {
                    Parameter::LogFile => text == LOG.as_bytes(),
                    Parameter::LockFile => !text.starts_with(b"/") && !text.contains(&b'%'),
                    _ => true,
                }
            })
    }

    /// The lines of a listing; `None` if the connection is dropped.
    pub(crate) fn listing(&self) -> Option<Vec<u8>> {
        if self.configuration.serves() == Some(false) {
            return None;
        }
        let mut listing = Vec::new();
        for (scope, module) in self.configuration.module_scopes() {
            if !self.knows(scope, Parameter::List) {
                continue;
            }
            if self.configuration.is(scope, Parameter::List) {
                let mut name = self.expand(module.name.bytes(), b"");
                let width = name.len().max(15);
                name.resize(width, b' ');
                listing.extend(name);
                listing.push(b'\t');
                listing.extend(self.text(scope, Parameter::Comment, b""));
                listing.push(b'\n');
            }
        }
        listing.extend(b"@RSYNCD: EXIT\n");
        Some(listing)
    }

    /// Whether every value that a listing depends on is in the file.
    pub(crate) fn knows_listing(&self) -> bool {
        self.configuration
            .module_scopes()
            .all(|(scope, _)| self.knows(scope, Parameter::List))
    }

    /// The names that a client can ask for.
    pub(crate) fn names(&self) -> Vec<Vec<u8>> {
        let modules = self.configuration.modules.iter();
        modules
            .map(|module| self.expand(module.name.bytes(), b""))
            .collect()
    }

    /// What a client gets that asks for a module; `None` if that is not in the file. A text that stands in the
    /// answer, or in the log line that goes with it.
    pub(crate) fn answer(&self, request: &Request, peer: IpAddr) -> Option<Vec<u8>> {
        let (Request::Pull(name) | Request::Push(name) | Request::User(name, _)) = request else {
            return self.listing();
        };
        if name.starts_with(b"#") {
            return Some([b"@ERROR: Unknown command '", &name[..], b"'\n"].concat());
        }
        let unknown = || Some([b"@ERROR: Unknown module '", &name[..], b"'\n"].concat());
        let Some(index) = self.names().iter().rposition(|other| other == name) else {
            return unknown();
        };
        let scope = Scope::Module(index);
        let configuration = &self.configuration;
        if !hosts(configuration, scope, &Peer::new(peer, None)).allowed? {
            if !self.knows(scope, Parameter::List) {
                return None;
            }
            if !configuration.is(scope, Parameter::List) {
                return unknown();
            }
            let from = format!(" from UNDETERMINED ({peer})\n");
            return Some([b"@ERROR: access denied to ", &name[..], from.as_bytes()].concat());
        }
        self.refused_slot(scope)
            .or_else(|| self.refused_user(scope, request))
            .or_else(|| self.refused_identity(scope, name))
            .map_or_else(|| self.transfer(scope, name, request), Some)
    }

    /// `claim_connection` in connection.c; nobody else holds a slot here.
    fn refused_slot(&self, scope: Scope) -> Option<Vec<u8>> {
        let most = self.configuration.integer(scope, Parameter::MaxConnections).value;
        if most == 0 {
            return None;
        }
        let lock = self.path(&self.text(scope, Parameter::LockFile, b""));
        if lock == self.root || lock.is_dir() || !lock.parent().is_some_and(Path::is_dir) {
            return Some(b"@ERROR: failed to open lock file\n".to_vec());
        }
        let reached = format!("@ERROR: max connections ({most}) reached -- try again later\n");
        (most < 0).then(|| reached.into_bytes())
    }

    /// `auth_server` in authenticate.c. There is no secrets file.
    fn refused_user(&self, scope: Scope, request: &Request) -> Option<Vec<u8>> {
        let user = match request {
            Request::User(_, user) => String::from_utf8_lossy(user).into_owned(),
            _ => "joe".to_owned(),
        };
        let reason = match users(&self.configuration, scope, &user, None) {
            UsersVerdict::Anonymous => return None,
            UsersVerdict::NoRule => "no matching rule",
            UsersVerdict::Group(_) => "",
            UsersVerdict::Rule(rule) if rule.right == Right::Deny => "denied by rule",
            UsersVerdict::Rule(_) => "no secrets file",
        };
        Some(format!("for {user}: {reason}").into_bytes())
    }

    fn refused_identity(&self, scope: Scope, name: &[u8]) -> Option<Vec<u8>> {
        let uid = self.text(scope, Parameter::Uid, name);
        let is_number = |text: &[u8]| text.iter().all(u8::is_ascii_digit);
        let is_user = |name: &str| User::from_name(name).is_ok_and(|user| user.is_some());
        let is_group = |name: &str| Group::from_name(name).is_ok_and(|group| group.is_some());
        let invalid = |what: &[u8], name: &[u8]| [b"@ERROR: invalid ", what, b" ", name, b"\n"].concat();
        if !is_number(&uid) && !std::str::from_utf8(&uid).is_ok_and(is_user) {
            return Some(invalid(b"uid", &uid));
        }
        let gid = self.text(scope, Parameter::Gid, name);
        let separators: &[u8] = if gid.starts_with(b",") { b"," } else { b" ,\t\r\n" };
        gid.split(|byte| separators.contains(byte))
            .map(<[u8]>::trim_ascii)
            .filter(|group| !group.is_empty())
            .find(|group| !is_number(group) && !std::str::from_utf8(group).is_ok_and(is_group))
            .map(|group| invalid(b"gid", group))
    }

    /// What remains once a client is let in.
    fn transfer(&self, scope: Scope, name: &[u8], request: &Request) -> Option<Vec<u8>> {
        let path = self.text(scope, Parameter::Path, name);
        if path.is_empty() {
            return Some(b"@ERROR: no path setting.\n".to_vec());
        }
        if self.configuration.boolean(scope, Parameter::UseChroot).value != Some(false) {
            return None;
        }
        let path = self.path(&path);
        if !path.is_dir() {
            return Some(b"@ERROR: chdir failed\n".to_vec());
        }
        let is_set = |parameter| !self.text(scope, parameter, name).is_empty();
        if !geteuid().is_root() && (is_set(Parameter::Uid) || is_set(Parameter::Gid)) {
            return None;
        }
        let refusing = match request {
            Request::Push(_) => Parameter::ReadOnly,
            _ => Parameter::WriteOnly,
        };
        if !self.knows(scope, refusing) {
            return None;
        }
        if self.configuration.is(scope, refusing) {
            return Some(format!("ERROR: module is {}", refusing.name()).into_bytes());
        }
        match request {
            Request::Push(_) => Some(Vec::new()),
            _ => Some(marker(&path).unwrap_or_default()),
        }
    }

    /// The lines that a daemon logs about the file, up to the first that is fatal.
    pub(crate) fn complaints(&self) -> Vec<Vec<u8>> {
        let mut lines = Vec::new();
        for problem in &self.configuration.problems {
            match &problem.kind {
                ProblemKind::UnknownParameter(name, _) => {
                    lines.push([b"IGNORING unknown parameter \"", name.bytes(), b"\""].concat());
                }
                ProblemKind::WithoutEquals(text) => {
                    lines.push([b"without equals: ", text.bytes()].concat());
                }
                _ => {}
            }
        }
        for setting in &self.configuration.settings {
            let kind = setting.parameter.facts().kind;
            let is_boolean = matches!(kind, Kind::Boolean | Kind::BooleanOrUnset);
            let text = match setting.effect {
                Effect::OutOfPlace => {
                    let name = setting.parameter.name();
                    lines.push(format!("Global parameter {name} found in module section!").into_bytes());
                    continue;
                }
                Effect::Malformed => setting.text.bytes().to_vec(),
                Effect::Environment => {
                    let value = self.expand(setting.text.bytes(), b"");
                    if value.trim_ascii() == b"yes" {
                        continue;
                    }
                    value
                }
                Effect::Set(_) => continue,
            };
            if is_boolean {
                lines.push(
                    [
                        b"Badly formed boolean in configuration file: \"",
                        &text[..],
                        b"\".",
                    ]
                    .concat(),
                );
            }
        }
        if self.configuration.release >= Release::new(3, 5, 0) {
            lines = lines.iter().map(|line| logged(line)).collect();
        }
        lines.sort();
        lines
    }

    /// A word of what the daemon logs when it gives up.
    pub(crate) fn last_words(&self) -> Option<&'static str> {
        let (_, error) = self.configuration.fatal().next()?;
        match error {
            FatalError::NoParameterName => Some("Invalid parameter name"),
            FatalError::EmptySectionName => Some("Empty section name"),
            FatalError::UnterminatedSection => Some("params.c:Section() - "),
            FatalError::SlashInSectionName => Some("invalid section name"),
            FatalError::UnknownDirective => Some("Unknown directive"),
            // A path that is no file is refused without a word, and a cycle ends in a crash.
            FatalError::Include(..) | FatalError::Cycle(_) | FatalError::TooManyIncludes => None,
        }
    }

    /// Whether the daemon reads a file that includes itself, until it crashes.
    pub(crate) fn ends_in_a_cycle(&self) -> bool {
        let mut fatal = self.configuration.fatal();
        fatal.any(|(_, error)| matches!(error, FatalError::Cycle(_)))
    }

    fn knows(&self, scope: Scope, parameter: Parameter) -> bool {
        let setting = self.configuration.origin(scope, parameter).setting();
        setting.is_none_or(|setting| setting.effect != Effect::Environment)
    }

    /// A text as the daemon sees it while it serves a module.
    fn text(&self, scope: Scope, parameter: Parameter, module: &[u8]) -> Vec<u8> {
        self.expand(self.configuration.text(scope, parameter).value, module)
    }

    /// `expand_vars` in loadparm.c.
    fn expand(&self, text: &[u8], module: &[u8]) -> Vec<u8> {
        let mut expanded = Vec::new();
        let mut rest = text;
        while let Some((&byte, behind)) = rest.split_first() {
            if byte == b'%'
                && behind.first().is_some_and(u8::is_ascii_uppercase)
                && let Some(end) = behind.iter().position(|&byte| byte == b'%')
                && let Some(value) = self.variable(&behind[..end], module)
            {
                expanded.extend(value);
                rest = &behind[end + 1..];
            } else {
                expanded.push(byte);
                rest = behind;
            }
        }
        expanded
    }

    fn variable<'b>(&'b self, name: &[u8], module: &'b [u8]) -> Option<&'b [u8]> {
        if name == b"RSYNC_MODULE_NAME" && !module.is_empty() {
            return Some(module);
        }
        let name = std::str::from_utf8(name).ok()?;
        self.environment.get(name).map(String::as_bytes)
    }

    /// Where a path leads from the daemon's folder. rsync takes `..` back in the text, before it looks.
    fn path(&self, path: &[u8]) -> PathBuf {
        let mut clean = PathBuf::new();
        for part in self.root.join(OsStr::from_bytes(path)).components() {
            match part {
                std::path::Component::ParentDir => drop(clean.pop()),
                part => clean.push(part),
            }
        }
        clean
    }
}

/// A line as it stands in the log, which shows control characters by their numbers since 3.5.0.
fn logged(line: &[u8]) -> Vec<u8> {
    let mut shown = Vec::new();
    for (at, &byte) in line.iter().enumerate() {
        let is_escape = byte == b'\\'
            && line.get(at + 1) == Some(&b'#')
            && line.len() > at + 5
            && line[at + 2..at + 5].iter().all(u8::is_ascii_digit);
        if is_escape || (byte < b' ' && byte != b'\t') || (0x80..=0x9f).contains(&byte) {
            shown.extend(format!("\\#{byte:03o}").bytes());
        } else {
            shown.push(byte);
        }
    }
    shown
}

/// The complaints about the file among a session's lines, in the words of [`Prediction::complaints`].
pub(crate) fn complaints(log: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = log
        .iter()
        .filter_map(|line| {
            let text = String::from_utf8_lossy(line);
            if let Some(name) = text.strip_prefix("Global parameter ") {
                let name = name.strip_suffix(" found in module section!")?;
                let name = Parameter::from_name(name.as_bytes())?.name();
                return Some(format!("Global parameter {name} found in module section!").into_bytes());
            }
            for words in [
                "params.c:Parameter() - Ignoring badly formed line in config file: ",
                "params.c:Parameter() - Unexpected end-of-file at: ",
            ] {
                if text.starts_with(words) {
                    let text = line[words.len()..].trim_ascii_end();
                    return Some([b"without equals: ", text].concat());
                }
            }
            let is_complaint = text.starts_with("IGNORING ") || text.starts_with("Badly formed boolean");
            is_complaint.then(|| line.clone())
        })
        .collect();
    lines.sort();
    lines
}

/// The name of the file that tells a folder from the others.
fn marker(folder: &Path) -> Option<Vec<u8>> {
    fs::read_dir(folder)
        .ok()?
        .filter_map(|entry| Some(entry.ok()?.file_name().into_vec()))
        .find(|name| position(name, b"marker-") == Some(0))
}

/// Files below the folder in which the daemon runs.
struct FilesBelow<'a>(&'a Path);

impl Files for FilesBelow<'_> {
    fn open(&self, path: &Path) -> Result<Opened, NotOpened> {
        let failed = |error: std::io::Error| NotOpened::Failed(error.to_string());
        if path.as_os_str().is_empty() {
            return Err(NotOpened::Failed("no path".to_owned()));
        }
        let path = self.0.join(path);
        let metadata = fs::metadata(&path).map_err(failed)?;
        if metadata.is_dir() {
            let entries = fs::read_dir(&path).map_err(failed)?;
            let names = entries
                .map(|entry| Ok(entry?.file_name()))
                .collect::<Result<_, _>>();
            return names.map(Opened::Folder).map_err(failed);
        }
        if !metadata.is_file() {
            return Err(NotOpened::Failed("neither file nor folder".to_owned()));
        }
        fs::read(&path).map(Opened::File).map_err(failed)
    }
}

struct NoFiles;

impl Files for NoFiles {
    fn open(&self, _: &Path) -> Result<Opened, NotOpened> {
        Err(NotOpened::Unknown(Unknown::NoHost))
    }
}
