//! What failed in the last day, by the daemon's log.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use jiff::{Span, civil::DateTime};

use crate::{
    doctor::{
        Cause, Check, Fact, LOGIN, Report, Setup, Skip, Stage, Subject, Urgency,
        daemon::{SLACK, at, option, skip_without_configuration},
        loopback,
    },
    explain::explain,
    model::{Parameter, Scope},
};

/// As much is read of its end, in bytes.
const MOST: u64 = 512 << 10;
/// Hours that are looked back.
const HOURS: i64 = 24;

pub(super) fn look(subject: &Subject, setup: &Setup<'_>, stage: &mut Stage, report: &mut Report) {
    let Some(known) = skip_without_configuration(subject, stage) else {
        return;
    };
    let Some(file) = log_file(subject) else {
        stage.skip(Skip::Syslog);
        return;
    };
    if !file.is_absolute() {
        stage.skip(Skip::RelativeLog);
        return;
    }
    let end = match subject.host(setup).tail(&file, MOST) {
        Ok(Some(end)) => end,
        Ok(None) => {
            stage.skip(Skip::NoLog);
            return;
        }
        Err(reason) => {
            let name = file.display().to_string();
            stage.note(Fact::Unseen(name.clone(), reason.clone()));
            stage.warn();
            report.not_seen(name, reason);
            return;
        }
    };
    let Some(server) = &known.server else {
        return;
    };
    let here = loopback::address(subject, &server.configuration);
    let started = subject.daemon.as_ref().and_then(|daemon| daemon.started);
    let started = started.and_then(|second| at(setup, second - SLACK));
    let since = setup.now.datetime().saturating_sub(Span::new().hours(HOURS));
    let started = started.map_or(since, |started| started.datetime());
    let text = recent(&end.bytes, since, started, &here);
    // Reading from memory does not fail.
    let Ok(found) = explain(&*text, known) else {
        return;
    };
    stage.note(Fact::Log(file, end.is_cut, found.incidents.len()));
    if !found.incidents.is_empty() {
        stage.warn();
    }
    let found = Rc::new(found);
    report
        .causes
        .extend(Cause::of_text(&found, Check::Log, Urgency::Lately));
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

/// What is written of one client.
#[derive(Clone, Copy, Default)]
struct Session {
    /// It is one of this machine.
    is_local: bool,
    /// Another name than the doctor's was turned away.
    is_turned_away: bool,
}

/// The lines of the last day, without those of clients of this machine: the doctor itself is one, and meets what they meet,
/// but for the login; and without what a daemon said of itself before the one that runs now started. A line without a time belongs to the one before.
fn recent(log: &[u8], since: DateTime, started: DateTime, here: &str) -> Vec<u8> {
    let peers = [here, "127.0.0.1", "::1"].map(|address| format!("({address})"));
    let own = format!(" for {LOGIN}:");
    let mut sessions = vec![Session::default()];
    let mut of_process = BTreeMap::new();
    let mut lines = Vec::new();
    let (mut is_recent, mut session) = (false, 0);
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        if let Some(time) = time(line) {
            let (process, said) = said(&text);
            if said.starts_with("connect from ") {
                sessions.push(Session {
                    is_local: peers.iter().any(|peer| said.trim_end().ends_with(peer)),
                    is_turned_away: false,
                });
                of_process.insert(process.to_owned(), sessions.len() - 1);
            }
            session = of_process.get(process).copied().unwrap_or_default();
            let is_of_daemon = session == 0;
            is_recent = time >= since && (time >= started || !is_of_daemon);
        }
        if text.contains("auth failed on module ") && !text.contains(&own) {
            sessions[session].is_turned_away = true;
        }
        if is_recent {
            lines.push((session, line));
        }
    }
    lines.retain(|(session, _)| !sessions[*session].is_local || sessions[*session].is_turned_away);
    lines.into_iter().flat_map(|(_, line)| line).copied().collect()
}

/// The process of a line with a time, and what stands behind it: `2026/11/21 07:43:24 [2864] connect from …`.
fn said(line: &str) -> (&str, &str) {
    let behind = line.get(19..).unwrap_or_default().trim_start();
    let bracketed = behind.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    bracketed.unwrap_or(("", behind))
}

/// When a line was written: `2026/11/21 07:43:24 ` stands in front (`timestring` and `logit` in log.c).
fn time(line: &[u8]) -> Option<DateTime> {
    let text = str::from_utf8(line.get(..19)?).ok()?;
    DateTime::strptime("%Y/%m/%d %H:%M:%S", text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::recent;

    fn shown(log: &[u8]) -> String {
        let since = date(2026, 11, 20).at(10, 0, 0, 0);
        let started = date(2026, 11, 21).at(8, 0, 0, 0);
        let text = recent(log, since, started, "192.0.2.9");
        String::from_utf8(text).expect("text")
    }

    #[test]
    fn only_the_last_day_counts() {
        let log = b"the rest of a line\n\
            2026/11/20 09:59:59 [1] too old\n\
            \x20 of the same\n\
            2026/11/20 10:00:01 [1] bind() failed, and later it did not\n\
            2026/11/20 10:00:01 [2] connect from b (192.0.2.7)\n\
            2026/11/20 10:00:01 [2] young enough\n\
            \x20 of the same\n\
            2026/11/21 09:00:00 [7] bind() failed, since another one runs\n";
        assert_eq!(shown(log).lines().count(), 4, "{}", shown(log));
        assert!(shown(log).contains("[2]"));
        assert!(shown(b"").is_empty() && shown(b"\xff\xfe").is_empty());
        // A byte that is no text stands where a time ends.
        assert!(shown(b"2026/11/21 09:00:0\xe9 [1] x\n").is_empty());
    }

    #[test]
    fn what_the_doctor_met_itself_does_not_count() {
        let log = b"2026/11/21 09:00:00 [3] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:00 [4] connect from b (192.0.2.7)\n\
            2026/11/21 09:00:00 [3] auth failed on module a from b (127.0.0.1) for rsyncctl-doctor: no matching rule\n\
            2026/11/21 09:00:01 [4] chroot failed, far\n\
            2026/11/21 09:00:01 [5] connect from here (192.0.2.9)\n\
            2026/11/21 09:00:01 [5] chroot failed, near\n\
            2026/11/21 09:00:02 [3] connect from a (::1)\n\
            2026/11/21 09:00:02 [3] auth failed on module a from b (::1) for joe: password mismatch\n";
        let text = shown(log);
        assert!(text.contains("far") && text.contains("for joe"), "{text}");
        assert!(
            !text.contains("rsyncctl-doctor") && !text.contains("near"),
            "{text}"
        );
    }
}
