//! What failed in the last day, by the daemon's log.

mod manager;
mod recent;
mod syslog;

use std::{
    ffi::OsStr,
    net::IpAddr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use jiff::Span;

pub(super) use self::manager::{refused_by, served_since, shut_by, was_reloaded};
use self::recent::{Clients, Own, recent};
use crate::{
    doctor::{
        Cause, Check, Fact, Log, Report, Setup, Skip, Stage, Subject, Urgency,
        daemon::{SLACK, at, option, skip_without_configuration},
        loopback,
    },
    explain::{Incident, explain},
    host::Tail,
    model::{
        Parameter, Scope,
        access::{Peer, hosts},
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
    let clients = Clients {
        own,
        began: setup.now.datetime().saturating_sub(Span::new().seconds(1)),
        are_all_asked: loopback::are_all_asked(subject, configuration),
        is_kept_out: &is_kept_out,
    };
    let recent = recent(&lines.bytes, since, started, &clients);
    let explained = |text: &[u8]| {
        let mut found = explain(text, known).ok()?;
        if lines.is_file {
            for incident in &mut found.incidents {
                name_log(incident, &lines.place);
            }
        }
        Some(Rc::new(found))
    };
    // Reading from memory does not fail.
    let (Some(found), Some(over)) = (explained(&recent.open), explained(&recent.over)) else {
        return;
    };
    let served = recent.served.map(|time| time.strftime("%F %T").to_string());
    stage.note(Fact::Log(
        lines.place.clone(),
        lines.is_cut,
        found.incidents.len() + over.incidents.len(),
    ));
    report.logs.push(Log {
        place: lines.place,
        bytes: lines.bytes,
    });
    if !found.incidents.is_empty() {
        stage.warn();
    }
    report
        .causes
        .extend(Cause::of_text(&found, Check::Log, Urgency::Lately));
    // What has the same cause and is not over counts more.
    let over = Cause::of_text(&over, Check::Log, Urgency::Lately);
    report
        .causes
        .extend(over.into_iter().map(|cause| cause.over(served.clone())));
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
