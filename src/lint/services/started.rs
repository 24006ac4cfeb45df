use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::{Path, PathBuf},
};

use crate::{
    host::Host,
    model::service::{self, DaemonOptions, Unit, Word, daemon_options},
    syntax::{environment_file, inetd, unit, xinetd},
    terms::{Source, SourceId, Sources},
};

/// Where units are, the administrator's first.
const UNIT_FOLDERS: [&str; 5] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

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
    let names: BTreeSet<String> = UNIT_FOLDERS
        .iter()
        .flat_map(|folder| names(host, Path::new(folder)))
        .filter(|name| name.ends_with(".socket"))
        .collect();
    let of_socket = |name: &String| {
        let (socket, _) = read_unit(host, name)?;
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
        let (service, place) = read_unit(host, &service)?;
        let variables = variables(host, &service);
        let commands = service.list("Service", "ExecStart").into_iter();
        let mut commands = commands.flat_map(|setting| service::commands(&setting.value));
        let options = commands.find_map(|command| options(&service::expand(&command, &variables)))?;
        started_with(&options, place)
    };
    names.iter().filter_map(of_socket).collect()
}

/// A unit with its drop-ins, and its own file: that of the first folder (systemd.unit(5)).
fn read_unit(host: &dyn Host, name: &str) -> Option<(Unit, PathBuf)> {
    let mut places = UNIT_FOLDERS.iter().map(|folder| Path::new(folder).join(name));
    let place = places.find(|place| matches!(host.metadata(place, true), Ok(Some(_))))?;
    let mut drop_ins: BTreeMap<String, PathBuf> = BTreeMap::new();
    for folder in UNIT_FOLDERS {
        let folder = Path::new(folder).join(format!("{name}.d"));
        for name in names(host, &folder)
            .into_iter()
            .filter(|name| name.ends_with(".conf"))
        {
            let path = folder.join(&name);
            drop_ins.entry(name).or_insert(path);
        }
    }
    let mut sources = Sources::default();
    let mut unit = Unit {
        name: name.to_owned(),
        ..Unit::default()
    };
    for path in [&place].into_iter().chain(drop_ins.values()) {
        if let Ok(Some(bytes)) = host.read(path) {
            let document = unit::parse(&bytes);
            let source: SourceId = sources.add(Source::new(path.display().to_string(), bytes));
            unit.read(source, &document);
        }
    }
    Some((unit, place))
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
