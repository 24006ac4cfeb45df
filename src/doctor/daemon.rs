//! Which rsync daemons run; where none does, what can be seen of why.

use std::{
    ffi::OsString,
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use nix::unistd::{Uid, User};

use crate::{
    catalog::page,
    doctor::{Cause, Check, Fact, Report, Setup, Skip, Stage, Subject, Way},
    explain::Known,
    host::{Daemon, Host, Listener, Unknown, daemons, is_super_server, ports_of},
    lint::HostFiles,
    model::{Parameter, Scope, resolve},
    terms::{Release, Source, Sources},
};

/// Where a daemon looks if nobody says otherwise.
const DEFAULT: &str = "/etc/rsyncd.conf";
/// The port that daemons listen on.
pub(super) const PORT: u16 = 873;
/// Seconds: the start of a process is known to the second, and the boot that it is counted from too.
pub(super) const SLACK: i64 = 2;
/// So many daemons are looked at.
const MOST: usize = 16;
/// What forwards a port of this machine into a container.
const FORWARDERS: [&str; 3] = ["docker-proxy", "rootlessport", "conmon"];
/// The units that packages of rsync bring along.
const UNITS: [&str; 4] = ["rsync.service", "rsyncd.service", "rsync.socket", "rsyncd.socket"];
/// Where units are, the administrator's first.
const UNIT_FOLDERS: [&str; 4] = [
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
];

/// Looks for the daemons that are meant; what is to be examined of them.
pub(super) fn look(setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let mut more = 0;
    for daemon in daemons().into_iter().filter(|daemon| !daemon.is_serving) {
        if daemon.is_contained {
            if setup.file.is_none() {
                stage.note(Fact::Contained(daemon.process));
            }
            continue;
        }
        let file = match &daemon.configuration {
            Ok(file) => file.clone(),
            Err(reason) if setup.file.is_none() => {
                let subject = format!("the configuration file of process {}", daemon.process);
                stage.note(Fact::Unseen(subject.clone(), reason.clone()));
                report.not_seen(subject, reason.clone());
                stage.warn();
                continue;
            }
            Err(_) => continue,
        };
        if setup.file.as_ref().is_some_and(|meant| !is_same(meant, &file)) {
            continue;
        }
        if subjects.len() == MOST {
            more += 1;
            continue;
        }
        subjects.push(running(setup, file, daemon, stage, report));
    }
    if more > 0 {
        stage.note(Fact::MoreDaemons(more));
        report.not_seen(format!("{more} more daemons"), Unknown::NotKept(more));
    }
    if subjects.is_empty() && (stage.facts.is_empty() || setup.file.is_some()) {
        subjects.push(none(setup, stage, report));
    }
    subjects
}

/// Whether two paths lead to one file.
fn is_same(one: &Path, other: &Path) -> bool {
    one == other
        || matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

/// A daemon that runs.
fn running(
    setup: &Setup<'_>,
    file: PathBuf,
    daemon: Daemon,
    stage: &mut Stage,
    report: &mut Report,
) -> Subject {
    let process = daemon.process;
    let ports = ports_of(process);
    let named = option(&daemon.words, "--port").and_then(|port| port.parse().ok());
    let port = match &ports {
        Ok(ports) => ports.first().copied(),
        Err(reason) => {
            report.not_seen(format!("the ports of process {process}"), reason.clone());
            Some(named.unwrap_or_else(|| written_port(setup.host, &file)))
        }
    };
    stage.note(Fact::Runs {
        process,
        file: file.clone(),
        ports: match &ports {
            Ok(ports) => ports.iter().copied().collect(),
            Err(_) => Vec::new(),
        },
        user: daemon.uid.map(user),
        since: daemon.started.and_then(|second| at(setup, second)),
        way: daemon.unit.clone().map_or(Way::Standalone, Way::Unit),
    });
    if let Err(reason) = ports {
        stage.note(Fact::Unseen(format!("the ports of process {process}"), reason));
        stage.warn();
    }
    Subject {
        file,
        daemon: Some(daemon),
        port,
        known: None,
    }
}

/// A time of the machine's clock where we are.
pub(super) fn at(setup: &Setup<'_>, second: i64) -> Option<jiff::Zoned> {
    let time = Timestamp::from_second(second).ok()?;
    Some(time.to_zoned(setup.now.time_zone().clone()))
}

fn user(uid: u32) -> String {
    let found = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    found.map_or_else(|| uid.to_string(), |user| user.name)
}

/// The value of an option of a daemon's command line, the last one if it is there more often.
pub(super) fn option(words: &[OsString], name: &str) -> Option<String> {
    let mut found = None;
    let mut words = words.iter().map(|word| word.as_bytes());
    while let Some(word) = words.next() {
        let Some(rest) = word.strip_prefix(name.as_bytes()) else {
            continue;
        };
        let value = match rest {
            [] => words.next(),
            [b'=', value @ ..] => Some(value),
            _ => None,
        };
        found = value
            .map(|value| String::from_utf8_lossy(value).into_owned())
            .or(found);
    }
    found
}

/// The port that a configuration names, or the one that holds without a name.
fn written_port(host: &dyn Host, file: &Path) -> u16 {
    let Ok(Some(bytes)) = host.read(file) else {
        return PORT;
    };
    let mut sources = Sources::default();
    let source = sources.add(Source::new(file.display().to_string(), bytes));
    let configuration = resolve(&mut sources, source, Release::CURRENT, &HostFiles(host));
    let port = configuration.integer(Scope::Global, Parameter::Port).value;
    u16::try_from(port).ok().filter(|port| *port > 0).unwrap_or(PORT)
}

/// No daemon runs: why not, as far as can be seen.
fn none(setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) -> Subject {
    let file = setup.file.clone().unwrap_or_else(|| PathBuf::from(DEFAULT));
    let found = setup.host.metadata(&file, true);
    let is_missing = matches!(found, Ok(None));
    let port = written_port(setup.host, &file);
    let unit = unit(setup.host).filter(|_| file == Path::new(DEFAULT));
    if let Some((name, is_enabled)) = &unit {
        stage.note(Fact::Unit(name.clone(), *is_enabled));
    }
    let mut cause = |rule, arguments: Vec<(&'static str, String)>, facts: Vec<String>| {
        let page = page(rule).expect("the doctor's pages are in the catalogue; the tests see each");
        report
            .causes
            .push(Cause::of_page(page, Check::Daemon, &file, arguments, facts));
    };
    let name = file.display().to_string();
    let listener = Listener::on(port);
    let is_heard = match &listener {
        Listener::Other { process, program } if is_super_server(program) => {
            stage.note(Fact::Starter(program.clone(), *process, port));
            true
        }
        Listener::Other { process, program } if FORWARDERS.contains(&program.as_str()) => {
            stage.note(Fact::Held(program.clone(), *process, port));
            stage.warn();
            true
        }
        Listener::Other { process, program } => {
            stage.note(Fact::Held(program.clone(), *process, port));
            let fact = format!("{program} (process {process}) listens on port {port}");
            cause("RSY890", vec![("port", port.to_string())], vec![fact]);
            stage.fail();
            false
        }
        Listener::Daemon {
            process,
            configuration,
        } => {
            stage.note(Fact::Held("rsync".to_owned(), *process, port));
            let fact = format!(
                "rsync (process {process}) listens on port {port} with {}",
                configuration.display()
            );
            cause("RSY890", vec![("port", port.to_string())], vec![fact]);
            stage.fail();
            false
        }
        Listener::Contained(process) => {
            stage.note(Fact::Contained(*process));
            stage.warn();
            false
        }
        Listener::Unseen => {
            stage.note(Fact::HeldUnseen(port));
            stage.warn();
            true
        }
        Listener::Nobody => {
            stage.note(Fact::NoDaemon(file.clone()));
            stage.note(Fact::NobodyListens(port));
            stage.fail();
            match &unit {
                _ if !is_missing => {
                    let start = start(setup.host, &file, unit.as_ref());
                    let arguments = vec![("file", name), ("port", port.to_string()), ("start", start)];
                    cause("RSY782", arguments, Vec::new());
                }
                // Only what is to be started at boot has been skipped.
                Some((unit, true)) if unit.ends_with(".service") && has_systemd(setup.host) => {
                    let fact = format!("{unit} is enabled, and {name} is not there");
                    cause("RSY897", Vec::new(), vec![fact]);
                }
                _ => cause(
                    "RSY893",
                    vec![("file", name)],
                    vec![format!("{} is not there", file.display())],
                ),
            }
            false
        }
    };
    if is_missing {
        stage.note(Fact::NoFile(file.clone()));
    }
    if listener == Listener::Unseen {
        report.not_seen(
            format!("the process that listens on port {port}"),
            Unknown::Denied,
        );
    }
    Subject {
        file,
        daemon: None,
        port: is_heard.then_some(port),
        known: None,
    }
}

/// The unit that starts a daemon here, and whether it is switched on.
fn unit(host: &dyn Host) -> Option<(String, bool)> {
    let is_there = |path: &Path| matches!(host.metadata(path, true), Ok(Some(_)));
    let name = UNITS.into_iter().find(|name| {
        let mut places = UNIT_FOLDERS.iter();
        places.any(|folder| is_there(&Path::new(folder).join(name)))
    })?;
    let wanted = ["multi-user.target.wants", "sockets.target.wants"];
    let is_enabled = wanted.iter().any(|folder| {
        let link = Path::new(UNIT_FOLDERS[0]).join(folder).join(name);
        matches!(host.metadata(&link, false), Ok(Some(_)))
    });
    Some((name.to_owned(), is_enabled))
}

/// Whether systemd runs here (sd_booted(3)).
fn has_systemd(host: &dyn Host) -> bool {
    matches!(host.metadata(Path::new("/run/systemd/system"), true), Ok(Some(_)))
}

/// What starts the daemon.
fn start(host: &dyn Host, file: &Path, unit: Option<&(String, bool)>) -> String {
    let has_systemd = has_systemd(host);
    match unit {
        Some((unit, true)) if has_systemd => format!("systemctl start {unit}"),
        Some((unit, false)) if has_systemd => format!("systemctl enable --now {unit}"),
        _ if file == Path::new(DEFAULT) => "rsync --daemon".to_owned(),
        _ => {
            let name = file.display().to_string();
            format!("rsync --daemon --config={}", shell_words::quote(&name))
        }
    }
}

/// Whether a stage has no configuration to look at.
pub(super) fn skip_without_configuration<'s>(
    subject: &'s Subject,
    stage: &mut Stage,
) -> Option<&'s Arc<Known>> {
    if subject.known.is_none() {
        stage.skip(Skip::NoConfiguration);
    }
    subject.known.as_ref()
}

#[cfg(test)]
mod tests {
    use super::option;

    #[test]
    fn options_of_a_running_daemon_are_read() {
        let words = [
            "rsync",
            "--daemon",
            "--port=1",
            "--port",
            "22",
            "--log-file=/a",
            "--portal=3",
        ];
        let words: Vec<_> = words.into_iter().map(Into::into).collect();
        assert_eq!(option(&words, "--port").as_deref(), Some("22"));
        assert_eq!(option(&words, "--log-file").as_deref(), Some("/a"));
        assert_eq!(option(&words, "--address"), None);
    }
}
