//! No daemon runs: why not, as far as can be seen.

use std::path::{Path, PathBuf};

use crate::{
    doctor::{
        Cause, Check, Fact, Report, Setup, Stage, Subject,
        daemon::{PORT, is_same, written_port},
        elsewhere, greeting,
        reach::{
            held,
            starters::{self, Idle},
        },
        services, shut,
        starter::{self, SERVICES, SOCKETS},
    },
    host::{Host, Listener, UNIT_FOLDERS, UnitFiles, Unknown, daemons, is_super_server, starts_rsync},
    lint::started,
};

/// Where a daemon looks if nobody says otherwise.
pub(super) const DEFAULT: &str = "/etc/rsyncd.conf";
/// What forwards a port of this machine into a container.
const FORWARDERS: [&str; 3] = ["docker-proxy", "rootlessport", "conmon"];
/// Says why; what is to be examined all the same.
pub(super) fn look(setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) -> Subject {
    let behind = started_unsaid(PORT);
    let started = setup
        .file
        .is_none()
        .then(|| started_here(setup.host, behind.as_deref()));
    let started = started.flatten();
    let is_started = started.is_some();
    let service = starter::service(setup.host);
    // What the unit names is meant by whoever names none.
    let named = service.as_ref().and_then(|unit| unit.configuration(setup.host));
    let usual = named.unwrap_or_else(|| PathBuf::from(DEFAULT));
    let file = setup.file.clone().or(started).unwrap_or_else(|| usual.clone());
    let found = setup.host.metadata(&file, true);
    let is_missing = matches!(found, Ok(None));
    // What starts a daemon for each connection listens where it likes.
    let written = written_port(setup.host, &file).filter(|_| !is_started);
    let mut port = written.unwrap_or(PORT);
    let unit = unit(setup.host).filter(|_| file == usual);
    // Packages bring one along; who has written another one means that.
    let own = match &unit {
        Some((_, true)) => None,
        _ => starter::own(setup.host, &file),
    };
    let unit = match &own {
        Some(own) => Some((own.unit.name.clone(), is_enabled(setup.host, &own.unit.name))),
        None => unit,
    };
    if let Some((name, is_enabled)) = &unit {
        stage.note(Fact::Unit(name.clone(), *is_enabled));
    }
    let mut cause = |rule, arguments: Vec<(&'static str, String)>, facts: Vec<String>| {
        report
            .causes
            .push(Cause::of_rule(rule, Check::Daemon, &file, arguments, facts));
    };
    let name = file.display().to_string();
    let survivors = survivors(&file);
    let mut listener = Listener::on(port);
    if listener == Listener::Nobody
        && let Some((real, found)) = starters::elsewhere(setup.host, port)
    {
        // Who listens looks at its own port, and rsync then looks at none.
        if written.is_some() {
            cause(
                "RSY724",
                vec![("port", port.to_string()), ("real", real.to_string())],
                Vec::new(),
            );
            stage.warn();
        }
        (port, listener) = (real, found);
    }
    let behind = match port {
        PORT => behind,
        other => started_unsaid(other),
    };
    let serves_it = behind.is_some_and(|behind| is_same(&behind, &file));
    // Whoever may not read it cannot tell its port, nor whether somebody runs with it.
    let unread = setup
        .host
        .read(&file)
        .err()
        .filter(|_| setup.file.is_some() && port == PORT);
    let mut is_port_unseen = false;
    let is_heard = match &listener {
        Listener::Other { process, program }
            if is_super_server(program) || starts_rsync(*process).is_some() || serves_it =>
        {
            stage.note(Fact::Starter(program.clone(), *process, port));
            true
        }
        Listener::Other { process, program } if FORWARDERS.contains(&program.as_str()) => {
            stage.note(Fact::Held(program.clone(), *process, port));
            stage.warn();
            true
        }
        _ if let Some(reason) = unread => {
            let subject = format!("the port of {name}");
            stage.note(Fact::Unseen(subject.clone(), reason.clone()));
            report.not_seen(subject, reason);
            stage.warn();
            is_port_unseen = true;
            false
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
            // Whatever file xinetd would hand over.
            if let Some(Idle::SwitchedOff(off)) = starters::idle_xinetd(setup.host) {
                let fact = format!("{}: disable = yes", off.display());
                cause("RSY742", Vec::new(), vec![fact]);
            }
            match &unit {
                _ if !is_missing => {
                    let start = start(setup.host, &file, unit.as_ref());
                    let arguments = vec![("file", name), ("port", port.to_string()), ("start", start)];
                    let facts = survivors.iter().map(|process| {
                        format!("process {process} still serves a client of a daemon that has ended")
                    });
                    cause("RSY782", arguments, facts.collect());
                }
                // Only what is to be started at boot has been skipped.
                Some((unit, true)) if unit.ends_with(".service") && has_systemd(setup.host) => {
                    let other = elsewhere::found(setup.host, &file);
                    let facts = [format!("{unit} is enabled, and {name} is not there")].into_iter();
                    let facts = facts.chain(other.map(|other| format!("{} is there", other.display())));
                    cause("RSY897", Vec::new(), facts.collect());
                }
                _ => {
                    let fact = format!("{} is not there", file.display());
                    let other = elsewhere::found(setup.host, &file);
                    let variant = other.is_some().then_some("elsewhere");
                    let mut arguments = vec![("file", name)];
                    arguments.extend(other.map(|other| ("path", other.display().to_string())));
                    let found = Cause::of_rule("RSY893", Check::Daemon, &file, arguments, vec![fact]);
                    report.causes.push(match variant {
                        Some(variant) => found.of_kind(variant),
                        None => found,
                    });
                }
            }
            false
        }
    };
    if is_missing {
        stage.note(Fact::NoFile(file.clone()));
    }
    if listener == Listener::Nobody && !is_port_unseen {
        report.causes.extend(held::by_connection(&file, port));
        shut::look(setup, port, report);
    }
    // Services are for the file that nobody needs to name.
    if listener == Listener::Nobody && file == usual && !is_port_unseen {
        // What has run was switched on.
        services::look(setup, &file, !survivors.is_empty(), report);
    }
    if listener == Listener::Unseen {
        report.not_seen(
            format!("the process that listens on port {port}"),
            Unknown::Denied,
        );
    }
    let service = own
        .as_ref()
        .or_else(|| service.as_ref().filter(|_| file == usual));
    Subject {
        starter: starter::of(setup.host, service, &file),
        file,
        daemon: None,
        port: is_heard.then_some(port),
        is_port_unseen,
        known: None,
        view: None,
    }
}

/// The processes that serve clients of daemons with a configuration, where no such daemon listens any more.
fn survivors(file: &Path) -> Vec<u32> {
    let serving = daemons().into_iter().filter(|daemon| {
        let is_its = daemon.configuration.as_ref().is_ok_and(|own| own == file);
        daemon.is_serving
            && is_its
            && daemon
                .parent
                .as_deref()
                .is_none_or(|name| !is_super_server(name) || name == "systemd")
    });
    serving.map(|daemon| daemon.process).collect()
}

/// The configuration that a program which listens in place of rsync starts it with; none if that is not to be told.
fn started_here(host: &dyn Host, behind: Option<&Path>) -> Option<PathBuf> {
    let Listener::Other { program, process } = Listener::on(PORT) else {
        return None;
    };
    if let Some(configuration) = starts_rsync(process) {
        return Some(configuration);
    }
    if let Some(configuration) = behind {
        return Some(configuration.to_owned());
    }
    match &started(host, &program, PORT)[..] {
        [one] => Some(one.configuration.clone()),
        _ => None,
    }
}

/// The configuration that a program starts rsync with for each client of a port, where nothing but that shows it.
fn started_unsaid(port: u16) -> Option<PathBuf> {
    match Listener::on(port) {
        Listener::Other { process, program }
            if !is_super_server(&program)
                && !FORWARDERS.contains(&program.as_str())
                && starts_rsync(process).is_none() =>
        {
            greeting::started_by(process, port)
        }
        _ => None,
    }
}

/// The unit that starts a daemon here, and whether it is switched on.
fn unit(host: &dyn Host) -> Option<(String, bool)> {
    let name = SERVICES
        .into_iter()
        .chain(SOCKETS)
        .find(|name| UnitFiles::of(host, name).is_some())?;
    Some((name.to_owned(), is_enabled(host, name)))
}

/// Whether a unit is started at boot.
fn is_enabled(host: &dyn Host, name: &str) -> bool {
    let wanted = ["multi-user.target.wants", "sockets.target.wants"];
    wanted.iter().any(|folder| {
        let link = Path::new(UNIT_FOLDERS[0]).join(folder).join(name);
        matches!(host.metadata(&link, false), Ok(Some(_)))
    })
}

/// Whether systemd runs here (sd_booted(3)).
pub(super) fn has_systemd(host: &dyn Host) -> bool {
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
