//! Which rsync daemons run; where none does, what can be seen of why.

use std::{
    ffi::OsString,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use nix::unistd::{Uid, User};

use crate::{
    doctor::{Cause, Check, Fact, Report, Setup, Skip, Stage, Subject, Way, absent, rival},
    explain::Known,
    host::{Daemon, Host, Unknown, View, daemons, ports_of, user_inside},
    lint::HostFiles,
    model::{Configuration, Parameter, Scope, resolve},
    terms::{Release, Source, Sources},
};

/// The port that daemons listen on.
pub(super) const PORT: u16 = 873;
/// Seconds: the start of a process is known to the second, and the boot that it is counted from too.
pub(super) const SLACK: i64 = 2;
/// So many daemons are looked at.
const MOST: usize = 16;

/// Looks for the daemons that are meant; what is to be examined of them.
pub(super) fn look(setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) -> Vec<Subject> {
    let mut subjects = Vec::new();
    let mut more = 0;
    for daemon in daemons().into_iter().filter(|daemon| !daemon.is_serving) {
        if daemon.is_contained
            && let Err(reason) = View::of_container(daemon.process).metadata(Path::new("/"), true)
        {
            if is_maybe_meant(setup, &daemon) {
                stage.note(Fact::Contained(daemon.process));
                stage.warn();
                let subject = format!(
                    "the files of process {}, which has a root folder of its own",
                    daemon.process
                );
                report.not_seen(subject, reason);
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
        let is_meant = |meant: &PathBuf| match daemon.is_contained {
            true => is_same(meant, &View::of_container(daemon.process).outside(&file)),
            false => is_same(meant, &file),
        };
        if setup.file.as_ref().is_some_and(|meant| !is_meant(meant)) {
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
    let is_absent = subjects.is_empty() && (stage.facts.is_empty() || setup.file.is_some());
    if is_absent {
        subjects.push(absent::look(setup, stage, report));
    }
    let served: Vec<_> = subjects.iter().map(|subject| subject.file.clone()).collect();
    rival::look(setup, &served, stage, report);
    subjects
}

/// Whether a daemon may be the one that the user means, by the name of its configuration alone.
fn is_maybe_meant(setup: &Setup<'_>, daemon: &Daemon) -> bool {
    let meant = setup.file.as_ref();
    meant.is_none_or(|meant| daemon.configuration.as_ref() == Ok(meant))
}

/// Whether two paths lead to one file.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let file = |path: &Path| fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
    one == other || matches!((file(one), file(other)), (Some(one), Some(other)) if one == other)
}

/// A daemon that runs.
pub(super) fn running(
    setup: &Setup<'_>,
    file: PathBuf,
    mut daemon: Daemon,
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
            let is_read = setup.host.read(&file).is_ok();
            let written = named.or_else(|| written_port(setup.host, &file));
            written.or_else(|| is_read.then_some(PORT))
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
    if ports.as_ref().is_ok_and(|ports| ports.is_empty()) {
        stage.note(Fact::NoPort(process));
        stage.warn();
    }
    if let Err(reason) = ports {
        stage.note(Fact::Unseen(format!("the ports of process {process}"), reason));
        stage.warn();
    }
    let is_port_unseen = port.is_none() && ports_of(process).is_err();
    let view = match (daemon.is_contained, daemon.has_own_mounts) {
        (true, _) => Some(View::of_container(process)),
        (_, true) => Some(View::of(process)),
        _ => None,
    };
    if daemon.is_contained {
        stage.note(Fact::Inside(process));
        // Root of a container may be another user outside.
        daemon.uid = daemon.uid.and_then(|uid| user_inside(process, uid));
    }
    if daemon.is_stopped {
        let arguments = vec![("process", process.to_string())];
        report.causes.push(Cause::of_rule(
            "RSY778",
            Check::Daemon,
            &file,
            arguments,
            Vec::new(),
        ));
        stage.fail();
    }
    Subject {
        file,
        daemon: Some(daemon),
        starter: None,
        port,
        is_port_unseen,
        known: None,
        view,
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

/// What a configuration says; none if it cannot be read.
pub(super) fn written(host: &dyn Host, file: &Path) -> Option<Configuration> {
    let bytes = host.read(file).ok()??;
    let mut sources = Sources::default();
    let source = sources.add(Source::new(file.display().to_string(), bytes));
    Some(resolve(&mut sources, source, Release::CURRENT, &HostFiles(host)))
}

/// The port that a configuration names, or the one that holds without a name.
pub(super) fn port_of(configuration: &Configuration) -> u16 {
    named_port(configuration).unwrap_or(PORT)
}

/// The port that a file names, if it names one.
pub(super) fn written_port(host: &dyn Host, file: &Path) -> Option<u16> {
    written(host, file).as_ref().and_then(named_port)
}

fn named_port(configuration: &Configuration) -> Option<u16> {
    let port = configuration.integer(Scope::Global, Parameter::Port);
    port.origin.setting()?;
    u16::try_from(port.value).ok().filter(|port| *port > 0)
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
