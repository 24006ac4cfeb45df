//! Whether the configuration changed after the daemon started, and whether that needs a restart.

use std::{fs, path::Path};

use crate::{
    doctor::{
        Cause, Check, Fact, Report, Setup, Skip, Stage, Subject,
        daemon::{PORT, SLACK, at, option},
    },
    host::{Daemon, Live, changed, daemons, ports_of},
    lint::HostFiles,
    model::{Configuration, Origin, Parameter, Scope, resolve},
    terms::{Release, Source, Sources},
};

/// What a daemon reads when it starts and then no more (`daemon_main` in clientserver.c, `start_accept_loop` in socket.c); it
/// reads all else anew for each connection.
const AT_START: [(Parameter, &str); 6] = [
    (Parameter::Address, "address"),
    (Parameter::ListenBacklog, "listen backlog"),
    (Parameter::LogFile, "log file"),
    (Parameter::PidFile, "pid file"),
    (Parameter::Port, "port"),
    (Parameter::SocketOptions, "socket options"),
];

pub(super) fn look(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(daemon) = &subject.daemon else {
        stage.skip(Skip::NoDaemon);
        return;
    };
    let host = subject.host(setup);
    let Ok(Some(bytes)) = host.read(&subject.file) else {
        stage.skip(Skip::NoConfiguration);
        return;
    };
    let mut sources = Sources::default();
    let source = sources.add(Source::new(subject.file.display().to_string(), bytes));
    let release = setup.release.unwrap_or(Release::CURRENT);
    let configuration = resolve(&mut sources, source, release, &HostFiles(host));
    let includes = configuration.includes.iter().map(|include| &include.path);
    let files = [&subject.file].into_iter().chain(includes);
    let latest = files
        .filter_map(|file| changed(&subject.outside(file)).ok().flatten())
        .max();
    let (Some(latest), Some(started)) = (latest, daemon.started) else {
        stage.skip(Skip::NoDaemon);
        return;
    };
    if latest <= started + SLACK {
        stage.note(Fact::Unchanged);
    } else if let Some(time) = at(setup, latest) {
        let set = AT_START
            .iter()
            .filter(|(parameter, _)| is_set(&configuration, *parameter));
        let set: Vec<_> = set.map(|(_, name)| *name).collect();
        if !set.is_empty() {
            stage.warn();
        }
        stage.note(Fact::Changed(time, set));
    }
    // What the command line names counts, whatever the file says.
    if option(&daemon.words, "--port").is_some() {
        return;
    }
    let port = configuration.integer(Scope::Global, Parameter::Port).value;
    let port = u16::try_from(port).ok().filter(|port| *port > 0).unwrap_or(PORT);
    let Ok(ports) = ports_of(daemon.process) else {
        return;
    };
    if ports.is_empty() || ports.contains(&port) {
        return;
    }
    let ports: Vec<_> = ports.into_iter().collect();
    let shown: Vec<_> = ports.iter().map(u16::to_string).collect();
    let arguments = vec![
        ("file", subject.file.display().to_string()),
        ("port", port.to_string()),
        ("ports", shown.join(", ")),
        ("restart", restart(daemon)),
    ];
    report.causes.push(Cause::of_rule(
        "RSY783",
        Check::Changed,
        &subject.file,
        arguments,
        Vec::new(),
    ));
    // It was changed, whatever its times say.
    stage.facts.retain(|fact| !matches!(fact, Fact::Unchanged));
    stage.note(Fact::OtherPort(port, ports));
    stage.fail();
}

/// What starts the daemon anew that runs with a file, if what it reads only then differs between two contents of the file.
pub fn restart_for(file: &Path, before: &[u8], after: &[u8]) -> Option<String> {
    let of = |bytes: &[u8]| {
        let mut sources = Sources::default();
        let source = sources.add(Source::new(file.display().to_string(), bytes.to_vec()));
        let configuration = resolve(&mut sources, source, Release::CURRENT, &HostFiles(&Live));
        AT_START.map(|(parameter, _)| configuration.text(Scope::Global, parameter).value.to_vec())
    };
    if of(before) == of(after) {
        return None;
    }
    let mut running = daemons().into_iter();
    let daemon = running.find(|daemon| daemon.configuration.as_deref() == Ok(file))?;
    Some(restart(&daemon))
}

fn is_set(configuration: &Configuration, parameter: Parameter) -> bool {
    !matches!(configuration.origin(Scope::Global, parameter), Origin::Default)
}

/// What starts a daemon anew: in its own folder where its words name a file from there, as its own user, and not before it has
/// let go of its port.
pub(super) fn restart(daemon: &Daemon) -> String {
    if let Some(unit) = &daemon.unit {
        return format!("systemctl restart {unit}");
    }
    let process = daemon.process;
    let words: Vec<_> = daemon.words.iter().map(|word| word.to_string_lossy()).collect();
    let mut values = words
        .iter()
        .map(|word| word.rsplit_once('=').map_or(&**word, |(_, value)| value));
    let is_relative = words.iter().any(|word| word.starts_with("--config"))
        && values.any(|value| value.ends_with(".conf") && !value.starts_with('/'));
    let folder = fs::read_link(format!("/proc/{process}/cwd"))
        .ok()
        .filter(|_| is_relative);
    let folder = folder.map_or_else(String::new, |folder| {
        format!("cd {} && ", shell_words::quote(&folder.to_string_lossy()))
    });
    let user = daemon.uid.filter(|&uid| uid != 0);
    let user = user.map_or_else(String::new, |uid| format!("sudo -u '#{uid}' "));
    let start = shell_words::join(words);
    format!("{folder}kill {process}; while kill -0 {process} 2>/dev/null; do sleep 1; done; {user}{start}")
}
