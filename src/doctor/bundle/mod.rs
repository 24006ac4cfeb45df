//! What goes into one archive for a ticket, from a list of what may: the configuration, units and log without passwords, and
//! facts of the machine. Files of passwords never do.

mod facts;
mod secrets;
mod strict;

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Component, Path, PathBuf},
};

use jiff::civil::date;

pub use self::secrets::Secrets;
use crate::{
    catalog::FileKind,
    doctor::{ClientFact, Fact, Report, Way, services},
    explain::Server,
    host::{Host, Live, NoHost, Unknown, is_own, resolved},
    lint::{Input, Options, closed_includes, lint},
    model::{Configuration, Parameter, Scope},
    syntax::Invocation,
    terms::Release,
};

/// The most bytes of one file of a bundle.
pub const MOST_OF_FILE: usize = 1 << 20;
/// The most bytes of all its files together.
pub const MOST: usize = 16 << 20;

/// What a file of a bundle is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The report for people.
    Report,
    /// The report for programs.
    Json,
    /// The report for browsers.
    Page,
    /// A daemon's configuration, or what one includes.
    Configuration,
    /// A file that starts a daemon.
    Unit,
    /// The end of a daemon's log.
    Log,
    /// The configuration of a program that watches folders.
    Watcher,
    /// Versions of the system and of the programs.
    Machine,
    /// The daemons that run.
    Daemons,
    /// Owners and modes of files with passwords.
    Credentials,
}

/// A file of a bundle.
#[derive(Debug)]
pub struct Piece {
    /// Its path inside.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it was read from; none of what was written for the bundle.
    pub origin: Option<String>,
    /// Its content, without passwords.
    pub text: String,
    /// How many bytes were cut off: of a log in front, of all else at the end.
    pub cut: usize,
}

/// Why something is not in a bundle.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Reason {
    /// It holds passwords.
    Passwords,
    /// It is the environment of a program.
    Environment,
    /// It is a program, which may hold passwords in any form.
    Program,
    /// Who owns the configuration that names it may not read it.
    Closed,
    /// It could not be read.
    Unread(Unknown),
    /// The bundle has as much as it may have.
    Full,
    /// A report would be broken if it were cut.
    TooLarge,
}

/// What a bundle holds, without the reports.
#[derive(Debug)]
pub struct Bundle {
    /// Its files, in order.
    pub pieces: Vec<Piece>,
    /// What is not in it, and why.
    pub left_out: BTreeSet<(String, Reason)>,
    /// What is taken out of all that is added.
    pub secrets: Secrets,
}

/// What is known besides a report.
#[derive(Debug, Default)]
pub struct Client<'c> {
    /// The words behind `rsync` of the command line that was examined.
    pub words: &'c [String],
    /// The folder that its paths count from.
    pub folder: PathBuf,
    /// The script or crontab that it stands in.
    pub script: Option<PathBuf>,
}

/// Gathers what may go into a bundle. `known` are passwords that the user typed or has in the environment.
pub fn bundle(report: &Report, client: &Client<'_>, known: &[String], now: &jiff::Zoned) -> Bundle {
    let mut gathering = Gathering {
        raw: Vec::new(),
        credentials: BTreeSet::new(),
        facts: facts::Credentials::default(),
        left_out: BTreeSet::new(),
        secrets: Secrets::default(),
    };
    for password in known {
        gathering.secrets.add(password);
    }
    gathering.client(report, client);
    let views = report
        .views
        .iter()
        .map(|view| view.as_ref().map_or(&Live as &dyn Host, |view| view));
    let known = report.servers.iter().map(|known| known.server.as_ref());
    let servers: Vec<_> = known
        .zip(views)
        .filter_map(|(server, host)| Some((server?, host)))
        .collect();
    for (server, host) in &servers {
        gathering.secrets_files(&server.configuration, *host);
    }
    for (server, host) in servers {
        gathering.configurations(server, host);
    }
    gathering.units(report);
    for log in &report.logs {
        if named_by_others(Path::new(&log.place), report) {
            gathering.left_out.insert((log.place.clone(), Reason::Closed));
            continue;
        }
        let text = String::from_utf8_lossy(&log.bytes).into_owned();
        gathering.take(Kind::Log, &log.place, text);
    }
    gathering.finish(now)
}

/// Whether somebody else than root, or who we are, decides which file that log is, and may not read it: a configuration of
/// theirs names it, or a symlink of theirs leads there.
fn named_by_others(log: &Path, report: &Report) -> bool {
    let Ok(Some(found)) = Live.metadata(log, true) else {
        return false;
    };
    let servers = report.servers.iter().filter_map(|known| known.server.as_ref());
    let files = servers.flat_map(|server| server.sources.iter().map(|(_, source)| source.name()));
    let mut foreign = files.map(Path::new).filter(|file| !is_own(file)).peekable();
    let is_decided = foreign.peek().is_none() && resolved(log).is_ok();
    let is_theirs =
        foreign.any(|file| matches!(Live.metadata(file, true), Ok(Some(file)) if file.uid == found.uid));
    !is_decided && !is_theirs && found.mode & 0o004 == 0
}

struct Gathering {
    /// What was read.
    raw: Vec<(Kind, String, String)>,
    /// Files with passwords, which are never taken.
    credentials: BTreeSet<PathBuf>,
    facts: facts::Credentials,
    left_out: BTreeSet<(String, Reason)>,
    secrets: Secrets,
}

impl Gathering {
    /// Takes a file, unless that is one of passwords.
    fn take(&mut self, kind: Kind, place: &str, text: String) {
        let is_secret = self.credentials.contains(Path::new(place));
        let is_there = self.raw.iter().any(|(_, known, _)| known == place);
        if is_secret {
            self.left_out.insert((place.to_owned(), Reason::Passwords));
        } else if !is_there {
            self.raw.push((kind, place.to_owned(), text));
        }
    }

    fn take_file(&mut self, kind: Kind, path: &Path) {
        let place = path.display().to_string();
        match Live.read(path) {
            Ok(Some(bytes)) => self.take(kind, &place, String::from_utf8_lossy(&bytes).into_owned()),
            Ok(None) => {}
            Err(reason) => drop(self.left_out.insert((place, Reason::Unread(reason)))),
        }
    }

    /// Takes note of a file with passwords.
    fn credential(&mut self, path: &Path, host: &dyn Host, is_of_daemon: bool) {
        if !self.credentials.insert(path.to_owned()) {
            return;
        }
        self.left_out
            .insert((path.display().to_string(), Reason::Passwords));
        let bytes = host.read(path).ok().flatten();
        if let Some(bytes) = &bytes {
            match is_of_daemon {
                true => self.secrets.of_secrets(bytes),
                false => self.secrets.of_password_file(bytes),
            }
        }
        self.facts.note(path, host.metadata(path, true), bytes.as_deref());
    }

    /// The files of a daemon's configuration.
    fn configurations(&mut self, server: &Server, host: &dyn Host) {
        let main = server.sources.iter().next().map_or("", |(_, main)| main.name());
        let closed: Vec<_> = closed_includes(&server.configuration, main, host).collect();
        for (id, source) in server.sources.iter() {
            if closed.contains(&id) {
                let place = source.name().to_owned();
                self.left_out.insert((place, Reason::Closed));
            } else {
                let text = String::from_utf8_lossy(source.bytes()).into_owned();
                self.take(Kind::Configuration, source.name(), text);
            }
        }
    }

    fn secrets_files(&mut self, configuration: &Configuration, host: &dyn Host) {
        let scopes = configuration.module_scopes().map(|(scope, _)| scope);
        for scope in std::iter::once(Scope::Global).chain(scopes) {
            let named = configuration.text(scope, Parameter::SecretsFile).value;
            let path = Path::new(OsStr::from_bytes(named));
            if path.is_absolute() {
                self.credential(path, host, true);
            }
        }
    }

    /// What a client's command line and its watching programs name.
    fn client(&mut self, report: &Report, client: &Client<'_>) {
        let named = Invocation::parse(client.words);
        let named = named
            .option("password-file")
            .and_then(|given| given.value.clone());
        if let Some(file) = named.filter(|file| file != "-") {
            self.credential(&client.folder.join(file), &Live, false);
        }
        for word in client.words {
            self.secrets.of_text(word);
        }
        if let Some(script) = &client.script {
            let text = Live.read(script).ok().flatten().unwrap_or_default();
            self.secrets.of_text(&String::from_utf8_lossy(&text));
            let place = script.display().to_string();
            self.left_out.insert((place, Reason::Program));
        }
        let facts = report.stages.iter().flat_map(|stage| &stage.facts);
        let watchers = facts.filter_map(|fact| match fact {
            Fact::Client(ClientFact::Watches(watcher)) => watcher.configuration.as_deref(),
            _ => None,
        });
        for file in watchers {
            self.take_file(Kind::Watcher, file);
            let bytes = Live.read(file).ok().flatten().unwrap_or_default();
            for named in password_files(&String::from_utf8_lossy(&bytes)) {
                self.credential(&named, &Live, false);
            }
        }
    }

    /// The units of rsync's packages and of the daemons that run, xinetd's service, Debian's defaults; what they read their
    /// environment from is left out.
    fn units(&mut self, report: &Report) {
        let facts = report.stages.iter().flat_map(|stage| &stage.facts);
        let named = facts.filter_map(|fact| match fact {
            Fact::Runs {
                way: Way::Unit(unit), ..
            } => Some(unit.as_str()),
            _ => None,
        });
        let files = services::all_files(&Live, named);
        for file in files {
            self.take_file(Kind::Unit, &file);
        }
        let units = self.raw.iter().filter(|(kind, ..)| *kind == Kind::Unit);
        let environments: BTreeSet<PathBuf> = units
            .flat_map(|(_, _, text)| text.lines())
            .filter_map(|line| line.trim().strip_prefix("EnvironmentFile="))
            .map(|file| PathBuf::from(file.trim_start_matches('-').trim()))
            .filter(|file| !self.raw.iter().any(|(_, known, _)| Path::new(known) == file))
            .collect();
        for file in environments {
            let text = Live.read(&file).ok().flatten().unwrap_or_default();
            self.secrets.of_text(&String::from_utf8_lossy(&text));
            let place = file.display().to_string();
            self.left_out.insert((place, Reason::Environment));
        }
    }

    /// Takes the passwords out of all of it, once all are known.
    fn finish(mut self, now: &jiff::Zoned) -> Bundle {
        let daemons = facts::daemons_of_machine();
        for (kind, _, text) in &self.raw {
            // A sentence of a log is no setting.
            if *kind != Kind::Log {
                self.secrets.of_text(text);
            }
        }
        self.secrets.of_text(&daemons);
        let own = [
            (Kind::Machine, "facts/machine.txt", facts::machine(now)),
            (Kind::Daemons, "facts/daemons.txt", daemons),
            (Kind::Credentials, "facts/credentials.txt", self.facts.text()),
        ];
        let mut bundle = Bundle {
            pieces: Vec::new(),
            left_out: self.left_out,
            secrets: self.secrets,
        };
        for (kind, name, text) in own {
            bundle.add(kind, name, None, &text);
        }
        self.raw.sort_by_key(|(kind, ..)| folder(*kind));
        for (kind, place, text) in &self.raw {
            let text = match kind {
                Kind::Configuration => strict::configuration(&shown(place, text, FileKind::RsyncdConf)),
                Kind::Unit if place == services::DEFAULTS => strict::defaults(text),
                Kind::Unit => strict::unit(text),
                Kind::Watcher => strict::sersync(text),
                _ => text.clone(),
            };
            let name = format!("{}/{}", folder(*kind), inside(&bundle.secrets.blotted(place)));
            bundle.add(*kind, &name, Some(place), &text);
        }
        bundle
    }
}

impl Bundle {
    /// Adds a file without the passwords, cut where it is too large; says so if there is no room left.
    pub fn add(&mut self, kind: Kind, name: &str, origin: Option<&str>, text: &str) {
        let origin = origin.map(|origin| self.secrets.blotted(origin));
        let blotted = match kind {
            Kind::Json => self.secrets.blotted_json(text).unwrap_or_default(),
            Kind::Page => self.secrets.blotted_page(text),
            _ => self.secrets.blotted(text),
        };
        let used: usize = self.pieces.iter().map(|piece| piece.text.len()).sum();
        let subject = || origin.clone().unwrap_or_else(|| name.to_owned());
        let is_whole = matches!(kind, Kind::Json | Kind::Page);
        // A page of many modules is large, and says what the text says.
        let most = if is_whole { 4 * MOST_OF_FILE } else { MOST_OF_FILE };
        if is_whole && blotted.len() > most {
            self.left_out.insert((subject(), Reason::TooLarge));
            return;
        }
        let (text, cut) = match kind {
            Kind::Log => end_of(blotted, most),
            _ => begin_of(blotted, most),
        };
        if used + text.len() > MOST {
            self.left_out.insert((subject(), Reason::Full));
            return;
        }
        let mut name = name.to_owned();
        while self.pieces.iter().any(|piece| piece.name == name) {
            name.push('_');
        }
        self.pieces.push(Piece {
            name,
            kind,
            origin,
            text,
            cut,
        });
    }
}

/// What rsync's own reader of a file keeps out of reports is kept out of this one.
fn shown(name: &str, text: &str, kind: FileKind) -> String {
    let options = Options::of_release(Release::CURRENT, date(1970, 1, 1));
    let input = Input {
        name: name.to_owned(),
        path: None,
        bytes: text.as_bytes().to_vec().into(),
        kind,
        is_guess: false,
        host: &NoHost,
    };
    let report = lint(vec![input], &options);
    let first = report.sources.iter().next();
    first.map_or_else(String::new, |(_, source)| source.shown(0..source.bytes().len()))
}

/// The files behind `passwordfile=` of sersync's configuration.
fn password_files(text: &str) -> Vec<PathBuf> {
    let values = text.split("passwordfile=").skip(1);
    let values = values.filter_map(|rest| {
        let rest = rest.trim_start_matches(['"', '\'']);
        rest.split(['"', '\'', ' ', '>', '\n']).next()
    });
    values
        .map(PathBuf::from)
        .filter(|path| path.is_absolute())
        .collect()
}

/// Where files of a kind are inside.
const fn folder(kind: Kind) -> &'static str {
    match kind {
        Kind::Configuration => "configuration",
        Kind::Log => "log",
        Kind::Unit => "units",
        Kind::Watcher => "watchers",
        _ => "facts",
    }
}

/// A path of the machine as one inside, which leads nowhere else.
fn inside(place: &str) -> String {
    let parts = Path::new(place).components().filter_map(|part| match part {
        Component::Normal(name) => Some(name.to_string_lossy()),
        _ => None,
    });
    let plain = |c: char| match c.is_control() || c == '\\' {
        true => '_',
        false => c,
    };
    let parts: Vec<String> = parts.map(|part| part.chars().map(plain).collect()).collect();
    parts.join("/")
}

/// The first bytes of a text, and how many are cut off behind.
fn begin_of(mut text: String, most: usize) -> (String, usize) {
    if text.len() <= most {
        return (text, 0);
    }
    let end = (0..=most)
        .rev()
        .find(|&at| text.is_char_boundary(at))
        .unwrap_or(0);
    let cut = text.len() - end;
    text.truncate(end);
    (text, cut)
}

/// The last bytes of a text, from the start of a line, and how many are cut off in front.
fn end_of(text: String, most: usize) -> (String, usize) {
    if text.len() <= most {
        return (text, 0);
    }
    let from = (text.len() - most..=text.len()).find(|&at| text.is_char_boundary(at));
    let from = from.unwrap_or(text.len());
    let from = text[from..].find('\n').map_or(from, |at| from + at + 1);
    (text[from..].to_owned(), from)
}

#[cfg(test)]
mod tests;
