//! What failed in the last day, by the daemon's log.

mod failure;
mod manager;
mod options;
mod quoted;
mod recent;
mod session;
mod settled;
mod standing;
mod syslog;
#[cfg(test)]
mod tests;
mod tried;

use std::{
    ffi::OsStr,
    net::IpAddr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use jiff::Span;

pub(super) use self::manager::{refused_by, served_since, shut_by, was_reloaded};
use self::{
    recent::{Clients, Own, recent},
    settled::Now,
    tried::{is_labelled, tried},
};
use crate::{
    doctor::{
        Cause, Check, Fact, Log, Report, Setup, Skip, Stage, Subject, Told, Urgency,
        daemon::{SLACK, at, option, skip_without_configuration},
        loopback,
    },
    explain::{Incident, explain},
    host::Tail,
    model::{
        Parameter, Scope,
        access::{Peer, hosts},
        has_variable,
    },
};

/// As much is read of its end, in bytes.
const MOST: u64 = 512 << 10;
/// Hours that are looked back.
const HOURS: i64 = 24;

pub(super) fn look(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(known) = skip_without_configuration(subject, stage) else {
        return;
    };
    let Some(lines) = lines(subject, setup, stage, report) else {
        return;
    };
    let Some(server) = &known.server else {
        return;
    };
    let own = match loopback::are_marked(subject, &server.configuration) {
        true => Own::Marked(loopback::MARK),
        false => Own::Local(loopback::address(subject, &server.configuration)),
    };
    let started = subject.daemon.as_ref().and_then(|daemon| daemon.started);
    let started = started.and_then(|second| at(setup, second - SLACK));
    let since = setup.now.datetime().saturating_sub(Span::new().hours(HOURS));
    let started = started.map_or(since, |started| started.datetime());
    let configuration = &server.configuration;
    let is_kept_out = |peer: IpAddr| {
        let mut scopes = configuration.module_scopes().map(|(scope, _)| scope);
        scopes.all(|scope| hosts(configuration, scope, &Peer::new(peer, None)).allowed == Some(false))
    };
    let scope = |module: &str| configuration.module(module.as_bytes()).map(Scope::Module);
    let is_by_client = |module: &str| {
        scope(module).is_none_or(|scope| has_variable(configuration.text(scope, Parameter::Path).value))
    };
    let limit = |module: &str| {
        Some(
            configuration
                .integer(scope(module)?, Parameter::MaxConnections)
                .value,
        )
    };
    let settled = Now {
        server,
        subject,
        setup,
    };
    let is_labelled = is_labelled(subject, report);
    let clients = Clients {
        own,
        began: setup.now.datetime().saturating_sub(Span::new().seconds(1)),
        are_all_asked: loopback::are_all_asked(subject, configuration),
        is_kept_out: &is_kept_out,
        is_by_client: &is_by_client,
        limit: &limit,
        settled: &|failure, module, time| settled.proof(failure, module, time),
        tried: &|files| tried(files, server, subject, setup, is_labelled),
    };
    let recent = recent(&lines.bytes, since, started, &clients);
    let passwords = report.passwords.clone();
    let explained = |text: &[u8]| {
        // Reading from memory does not fail.
        let mut found = explain(&*passwords.taken_from_users(text), known).ok()?;
        if lines.is_file {
            for incident in &mut found.incidents {
                name_log(incident, &lines.place);
            }
        }
        Some(Rc::new(found))
    };
    let mut count = 0;
    let mut causes = |text: &[u8], urgency: Urgency| {
        let found = explained(text);
        count += found.as_ref().map_or(0, |found| found.incidents.len());
        found.map_or_else(Vec::new, |found| Cause::of_text(&found, Check::Log, urgency))
    };
    let mut open = causes(&recent.holds, Urgency::Now);
    open.extend(causes(&recent.open, Urgency::Lately));
    if !open.is_empty() {
        stage.warn();
    }
    report.causes.extend(open);
    // What has the same cause and is not over counts more.
    for (proof, over) in &recent.over {
        let causes = causes(&over.lines, Urgency::Lately).into_iter();
        report
            .causes
            .extend(causes.map(|cause| cause.over(over.shown(*proof))));
    }
    stage.note(Fact::Log(lines.place.clone(), lines.is_cut, count));
    report.logs.push(Log {
        place: lines.place,
        bytes: lines.bytes,
    });
}

/// Looks again once the doctor was a client itself: where it was served, what kept others out before is over. What the log
/// showed before is told anew; `first`: the first cause of this daemon.
pub(super) fn again(subject: &Subject, setup: &Setup<'_>, first: usize, report: &mut Report) {
    let is_of_log = |cause: &Cause| cause.seen == [Check::Log].into() && matches!(cause.told, Told::Text(..));
    let mut before = report.causes.iter().skip(first);
    let Some(place) = before.position(is_of_log).map(|place| first + place) else {
        return;
    };
    let (known, logs) = (report.causes.len(), report.logs.len());
    look(subject, setup, &mut Stage::new(Check::Log, None), report);
    report.logs.truncate(logs);
    let told = report.causes.split_off(known);
    let mut rest = report.causes.split_off(place);
    rest.retain(|cause| !is_of_log(cause));
    report.causes.extend(told);
    report.causes.extend(rest);
}

/// What is read of a log.
struct Lines {
    /// Where it stands, as people call it.
    place: String,
    /// Whether that is a file.
    is_file: bool,
    bytes: Vec<u8>,
    /// Whether there is more in front.
    is_cut: bool,
}

impl Lines {
    fn of_file(place: String, Tail { bytes, is_cut }: Tail) -> Self {
        Self {
            place,
            is_file: true,
            bytes,
            is_cut,
        }
    }
}

/// Names the log in commands that look into it.
fn name_log(incident: &mut Incident, place: &str) {
    for cause in &mut incident.causes {
        if !cause.arguments.iter().any(|(kind, _)| *kind == "log-file") {
            cause.arguments.push(("log-file", place.to_owned()));
        }
    }
}

/// What the daemon wrote last; none if there is nothing, which is noted with the reason.
fn lines(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) -> Option<Lines> {
    let file = log_file(subject);
    let found = match &file {
        Some(file) if !file.is_absolute() => {
            stage.skip(Skip::RelativeLog);
            return None;
        }
        Some(file) => {
            let place = file.display().to_string();
            match subject.host(setup).tail(file, MOST) {
                Ok(end) => Ok(end.map(|end| Lines::of_file(place, end))),
                Err(reason) => Err((place, reason)),
            }
        }
        None => syslog::read(&tag(subject), subject.host(setup), &setup.now),
    };
    match found {
        Ok(Some(lines)) => return Some(lines),
        Ok(None) => stage.skip(if file.is_some() { Skip::NoLog } else { Skip::Syslog }),
        Err((place, reason)) => {
            stage.note(Fact::Unseen(place.clone(), reason.clone()));
            stage.warn();
            report.not_seen(place, reason);
        }
    }
    None
}

/// What the daemon's lines begin with in the system's log.
fn tag(subject: &Subject) -> String {
    let known = subject.known.as_ref();
    let server = known.and_then(|known| known.server.as_ref());
    let named = server.map(|server| {
        server
            .configuration
            .text(Scope::Global, Parameter::SyslogTag)
            .value
    });
    match named {
        Some(named) if !named.is_empty() => String::from_utf8_lossy(named).into_owned(),
        _ => syslog::TAG.to_owned(),
    }
}

/// The daemon's own log: that of its command line, or else of the global lines of its configuration.
fn log_file(subject: &Subject) -> Option<PathBuf> {
    let daemon = subject.daemon.as_ref();
    if let Some(named) = daemon.and_then(|daemon| option(&daemon.words, "--log-file")) {
        return Some(PathBuf::from(named));
    }
    let server = subject.known.as_ref()?.server.as_ref()?;
    let named = server.configuration.text(Scope::Global, Parameter::LogFile).value;
    (!named.is_empty()).then(|| Path::new(OsStr::from_bytes(named)).to_owned())
}
