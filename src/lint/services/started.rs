use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use crate::{
    host::{Host, UnitFiles, units_with},
    model::service::{self, DaemonOptions, Unit, Word, daemon_options},
    syntax::{environment_file, inetd, unit, xinetd},
    terms::{Source, SourceId, Sources},
};

/// The port that `/etc/services` has for rsync.
const PORT: u16 = 873;

/// How many words of an inetd line stand in front of the program's arguments, its own name included.
const BEFORE_ARGUMENTS: usize = 7;

/// An rsync that a program starts for each connection.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Started {
    /// The configuration file that it serves.
    pub configuration: PathBuf,
    /// The file that says so.
    pub place: PathBuf,
}

/// The daemons that a program of that name (`systemd`, `xinetd`, one of the inetds) starts for connections to a port, as far as its
/// files on that machine tell it: each configuration once.
pub fn started(host: &dyn Host, program: &str, port: u16) -> Vec<Started> {
    let found = match program {
        "systemd" => of_sockets(host, port),
        "xinetd" => of_xinetd(host, port),
        // Its packages have names of their own: `openbsd-inetd`.
        name if name.ends_with("inetd") => of_inetd(host, port),
        _ => Vec::new(),
    };
    let mut seen = BTreeSet::new();
    let found = found.into_iter();
    found
        .filter(|one| seen.insert(one.configuration.clone()))
        .collect()
}

fn of_sockets(host: &dyn Host, port: u16) -> Vec<Started> {
    let of_service = |(_, service): (String, String)| {
        let service = Installed::of(host, &service)?;
        let options = service.daemon_words(host).and_then(|words| options(&words))?;
        started_with(&options, service.place)
    };
    sockets(host, port).into_iter().filter_map(of_service).collect()
}

/// The sockets of systemd's that listen on a port, each with the service that it starts (systemd.socket(5)).
pub fn sockets(host: &dyn Host, port: u16) -> Vec<(String, String)> {
    let of_socket = |name: String| {
        let socket = Installed::of(host, &name)?.unit;
        let listens = |setting: &&service::Setting| is_port(setting.value.bytes(), port);
        socket
            .list("Socket", "ListenStream")
            .iter()
            .find(|setting| listens(setting))?;
        let at = if socket.switched_on("Socket", "Accept").is_some() {
            "@"
        } else {
            ""
        };
        let named = socket.last("Socket", "Service").map(service::Setting::display);
        let service = named.unwrap_or_else(|| format!("{}{at}.service", name.trim_end_matches(".socket")));
        Some((name, service))
    };
    let names = units_with(host, ".socket").into_iter();
    names.filter_map(of_socket).collect()
}

/// A unit of a machine, with its drop-ins.
pub struct Installed {
    /// What its lines say together.
    pub unit: Unit,
    /// Its own file.
    pub place: PathBuf,
    /// Whether it is masked, and has no lines.
    pub is_masked: bool,
}

impl Installed {
    /// The unit of a name; `None` if the machine has none.
    pub fn of(host: &dyn Host, name: &str) -> Option<Self> {
        let found = UnitFiles::of(host, name)?;
        let mut sources = Sources::default();
        let mut unit = Unit {
            name: name.to_owned(),
            ..Unit::default()
        };
        for file in found.files {
            let document = unit::parse(&file.bytes);
            let source: SourceId = sources.add(Source::new(file.path.display().to_string(), file.bytes));
            unit.read(source, &document);
        }
        Some(Self {
            unit,
            place: found.place,
            is_masked: found.is_masked,
        })
    }

    /// The commands that it starts, their variables put in: the program first.
    pub fn commands(&self, host: &dyn Host) -> Vec<Vec<Word>> {
        let variables = variables(host, &self.unit);
        let commands = self.unit.list("Service", "ExecStart").into_iter();
        let commands = commands.flat_map(|setting| service::commands(&setting.value));
        commands
            .map(|command| service::expand(&command, &variables))
            .collect()
    }

    /// The command by which it starts rsync.
    fn daemon_words(&self, host: &dyn Host) -> Option<Vec<Word>> {
        let commands = self.commands(host).into_iter();
        let mut meant = commands.filter(|words| options(words).is_some());
        meant.next()
    }

    /// Whether the rsync that it starts is told to be a daemon: other units are jobs.
    pub fn is_of_daemon(&self, host: &dyn Host) -> bool {
        let words = self.daemon_words(host);
        let options = words.and_then(|words| options(&words));
        options.is_some_and(|options| options.daemon.is_some())
    }

    /// The configuration that it starts rsync with; `None` where it starts no rsync, or a specifier decides.
    pub fn configuration(&self, host: &dyn Host) -> Option<PathBuf> {
        let options = options(&self.daemon_words(host)?)?;
        let file = options.configuration_file()?;
        Some(PathBuf::from(OsStr::from_bytes(file)))
    }
}

/// What the variables of a service's commands stand for.
fn variables(host: &dyn Host, unit: &Unit) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut variables = BTreeMap::new();
    for setting in unit.list("Service", "Environment") {
        for word in service::words(&setting.value) {
            if let Some(equals) = word.bytes.iter().position(|&byte| byte == b'=') {
                variables.insert(word.bytes[..equals].to_vec(), word.bytes[equals + 1..].to_vec());
            }
        }
    }
    for setting in unit.list("Service", "EnvironmentFile") {
        for (path, _) in service::path_list(setting) {
            let Ok(Some(bytes)) = host.read(Path::new(OsStr::from_bytes(&path))) else {
                continue;
            };
            for line in environment_file::parse(&bytes) {
                if let environment_file::Kind::Assignment { name, value, .. } = line.kind {
                    variables.insert(bytes[name].to_vec(), bytes[value].to_vec());
                }
            }
        }
    }
    variables
}

/// Whether a `ListenStream=` is of a port: `873`, `[::]:873`, `192.0.2.1:873`.
fn is_port(value: &[u8], port: u16) -> bool {
    let number = value.rsplit(|&byte| byte == b':').next().unwrap_or_default();
    str::from_utf8(number).is_ok_and(|number| number.trim().parse() == Ok(port))
}

fn of_xinetd(host: &dyn Host, port: u16) -> Vec<Started> {
    let folder = Path::new("/etc/xinetd.d");
    // xinetd passes over names with a dot, and copies of editors (xinetd.conf(5)).
    let files = names(host, folder).into_iter();
    let files = files.filter(|name| !name.contains('.') && !name.ends_with('~'));
    let files = [PathBuf::from("/etc/xinetd.conf")]
        .into_iter()
        .chain(files.map(|name| folder.join(name)));
    let mut found = Vec::new();
    for file in files {
        let Ok(Some(bytes)) = host.read(&file) else {
            continue;
        };
        let document = xinetd::parse(&bytes);
        for service in service::services(&document, &bytes) {
            let named = service
                .value("port")
                .and_then(|word| str::from_utf8(&word.bytes).ok()?.parse().ok());
            if service.is_readable() && !service.is_disabled() && named.unwrap_or(PORT) == port {
                found.extend(started_with(&service.options(), file.clone()));
            }
        }
    }
    found
}

fn of_inetd(host: &dyn Host, port: u16) -> Vec<Started> {
    let file = PathBuf::from("/etc/inetd.conf");
    let Ok(Some(bytes)) = host.read(&file) else {
        return Vec::new();
    };
    let of_line = |line: &inetd::Line| {
        let word = |word: &std::ops::Range<usize>| Word::verbatim(&bytes, word.clone());
        let name = word(line.words.first()?).bytes;
        if !(name == b"rsync" && port == PORT || is_port(&name, port)) {
            return None;
        }
        let arguments = line.words.iter().skip(BEFORE_ARGUMENTS);
        let words: Vec<_> = line.words.get(5).into_iter().chain(arguments).map(word).collect();
        started_with(&options(&words)?, file.clone())
    };
    inetd::parse(&bytes).iter().filter_map(of_line).collect()
}

/// What an rsync is told; none of another program.
fn options(words: &[Word]) -> Option<DaemonOptions> {
    let (program, arguments) = words.split_first()?;
    program
        .bytes
        .ends_with(b"rsync")
        .then(|| daemon_options(arguments))
}

fn started_with(options: &DaemonOptions, place: PathBuf) -> Option<Started> {
    let file = options.configuration_file()?;
    Some(Started {
        configuration: PathBuf::from(OsStr::from_bytes(file)),
        place,
    })
}

/// The names in a folder that are text, in order.
fn names(host: &dyn Host, folder: &Path) -> Vec<String> {
    let names = host.list(folder).ok().flatten().unwrap_or_default();
    let mut names: Vec<_> = names
        .into_iter()
        .filter_map(|name| String::from_utf8(name.into_vec()).ok())
        .collect();
    names.sort();
    names
}
