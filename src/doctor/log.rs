//! What failed in the last day, by the daemon's log.

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
    rc::Rc,
};

use jiff::{Span, civil::DateTime};

use crate::{
    doctor::{
        Cause, Check, Fact, LOGIN, Report, Setup, Skip, Stage, Subject, Urgency,
        daemon::{option, skip_without_configuration},
    },
    explain::explain,
    host::tail,
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
    let end = match tail(&file, MOST) {
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
    let text = recent(&end.bytes, setup.now.datetime());
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

/// The lines of the last day, without those that the doctor has caused. A line without a time belongs to the one before.
fn recent(log: &[u8], now: DateTime) -> Vec<u8> {
    let since = now.saturating_sub(Span::new().hours(HOURS));
    let own = format!(" for {LOGIN}:");
    let mut is_recent = false;
    let mut text = Vec::new();
    for line in log.split_inclusive(|&byte| byte == b'\n') {
        if let Some(time) = time(line) {
            is_recent = time >= since;
        }
        let is_own = line.windows(own.len()).any(|part| part == own.as_bytes());
        if is_recent && !is_own {
            text.extend_from_slice(line);
        }
    }
    text
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

    #[test]
    fn only_the_last_day_counts() {
        let log = b"the rest of a line\n\
            2026/11/20 09:59:59 [1] too old\n\
            \x20 of the same\n\
            2026/11/20 10:00:01 [2] young enough\n\
            \x20 of the same\n\
            2026/11/21 09:00:00 [3] auth failed on module a from b (127.0.0.1) for rsyncctl-doctor: no matching rule\n\
            2026/11/21 09:00:01 [4] auth failed on module a from b (127.0.0.1) for joe: no matching rule\n";
        let text = recent(log, date(2026, 11, 21).at(10, 0, 0, 0));
        let text = String::from_utf8(text).expect("text");
        assert_eq!(text.lines().count(), 3, "{text}");
        assert!(text.contains("[2]") && text.contains("[4]"), "{text}");
        assert!(recent(b"", date(2026, 11, 21).at(10, 0, 0, 0)).is_empty());
        assert!(recent(b"\xff\xfe", date(1, 1, 1).at(0, 0, 0, 0)).is_empty());
    }
}
