//! What the daemon wrote into the system's log.

use std::path::Path;

use jiff::{
    Timestamp, Zoned,
    civil::{Date, DateTime},
};

use nix::unistd::geteuid;

use super::{HOURS, Lines};
use crate::host::{Host, Tail, Unknown};

/// What a daemon's lines begin with that has no `syslog tag` (`log_init` in log.c).
pub(super) const TAG: &str = "rsyncd";
/// Where syslog daemons write what a daemon says: of Debian, of Red Hat and SUSE, of older Debians.
const FILES: [&str; 3] = ["/var/log/syslog", "/var/log/messages", "/var/log/daemon.log"];
/// As much is read of their ends, in bytes: others write there too.
const MOST: u64 = 8 << 20;

/// As many lines are read of the journal, the last ones.
const LINES: usize = 20_000;

/// The lines of a daemon that are in the system's log, a file or systemd's journal, as it would write them to a file of its
/// own; none if there are none.
///
/// # Errors
/// What could not be read, and why, where nothing was found.
pub(super) fn read(tag: &str, host: &dyn Host, now: &Zoned) -> Result<Option<Lines>, (String, Unknown)> {
    let mut unread = None;
    for file in FILES {
        match host.tail(Path::new(file), MOST) {
            Ok(Some(Tail { bytes, is_cut })) => {
                let bytes = own(&bytes, tag, now);
                if !bytes.is_empty() {
                    return Ok(Some(Lines::of_file(file.to_owned(), Tail { bytes, is_cut })));
                }
            }
            Ok(None) => {}
            Err(reason) => drop(unread.get_or_insert_with(|| (file.to_owned(), reason))),
        }
    }
    match journal(tag, host, now) {
        Ok(None) => unread.map_or(Ok(None), Err),
        found => found,
    }
}

/// What systemd's journal has of a tag.
fn journal(tag: &str, host: &dyn Host, now: &Zoned) -> Result<Option<Lines>, (String, Unknown)> {
    let arguments = [
        format!("--identifier={tag}"),
        format!("--since=-{HOURS}h"),
        format!("--lines={LINES}"),
        "--output=short-iso".to_owned(),
        "--no-pager".to_owned(),
        "--quiet".to_owned(),
    ];
    let words: Vec<_> = arguments.iter().map(String::as_str).collect();
    let place = format!("journalctl -t {tag}");
    match host.output("journalctl", &words) {
        Ok(Some(log)) => {
            let bytes = own(&log, tag, now);
            match bytes.is_empty() {
                // Others than root may see only what they wrote themselves, and are not told so.
                true if !geteuid().is_root() => Err((place, Unknown::Denied)),
                true => Ok(None),
                false => Ok(Some(Lines {
                    place,
                    is_file: false,
                    is_cut: log.iter().filter(|&&byte| byte == b'\n').count() >= LINES,
                    bytes,
                })),
            }
        }
        // A container's own programs are not asked.
        Ok(None) | Err(Unknown::NoHost) => Ok(None),
        Err(reason) => Err((place, reason)),
    }
}

/// The lines of a tag, as rsync writes them into a file: `2026/11/21 07:43:24 [2864] connect from …`.
fn own(log: &[u8], tag: &str, now: &Zoned) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in log.split(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(line);
        if let Some((time, process, text)) = said(&line, tag, now) {
            let time = time.strftime("%Y/%m/%d %H:%M:%S");
            lines.extend(format!("{time} [{process}] {text}\n").into_bytes());
        }
    }
    lines
}

/// When, by which process and what: `Nov 22 09:09:24 host rsyncd[41]: connect from …`, or the time as in
/// `2026-11-22T09:09:24.558304+00:00`.
fn said<'l>(line: &'l str, tag: &str, now: &Zoned) -> Option<(DateTime, &'l str, &'l str)> {
    let (time, rest) = match line.split_at_checked(TRADITIONAL) {
        Some((time, rest)) if line.starts_with(|first: char| first.is_ascii_alphabetic()) => {
            (traditional(time, now)?, rest.strip_prefix(' ')?)
        }
        _ => {
            let (time, rest) = line.split_once(' ')?;
            let time: Timestamp = time.parse().ok()?;
            (time.to_zoned(now.time_zone().clone()).datetime(), rest)
        }
    };
    let (_, rest) = rest.split_once(' ')?;
    let (process, text) = rest.strip_prefix(tag)?.strip_prefix('[')?.split_once("]: ")?;
    Some((time, process, text))
}

/// The length of `Nov 22 09:09:24`.
const TRADITIONAL: usize = 15;

/// A time that does not tell its year: the last one that was.
fn traditional(time: &str, now: &Zoned) -> Option<DateTime> {
    let of_year = |year: i16| {
        let time = format!("{year} {time}");
        DateTime::strptime("%Y %b %e %H:%M:%S", time).ok()
    };
    let tomorrow = now
        .date()
        .tomorrow()
        .unwrap_or(Date::MAX)
        .to_datetime(jiff::civil::Time::MAX);
    let year = now.date().year();
    [year, year - 1]
        .into_iter()
        .filter_map(of_year)
        .find(|time| *time <= tomorrow)
}

#[cfg(test)]
mod tests {
    use super::{TAG, own};

    #[test]
    fn lines_of_the_system_read_like_those_of_a_file() {
        let now = "2027-01-02T10:00:00+01:00[+01:00]".parse().expect("a time");
        let shown = |line: &str| String::from_utf8(own(line.as_bytes(), TAG, &now)).expect("text");
        for (line, expected) in [
            (
                "Jan  2 09:09:24 vm rsyncd[41]: connect from a (192.0.2.7)",
                "2027/01/02 09:09:24 [41] connect from a (192.0.2.7)\n",
            ),
            (
                "Dec 31 23:00:00 vm rsyncd[41]: x: y",
                "2026/12/31 23:00:00 [41] x: y\n",
            ),
            (
                "2027-01-02T09:09:24.558304+01:00 vm rsyncd[41]: x",
                "2027/01/02 09:09:24 [41] x\n",
            ),
            (
                "2027-01-02T08:09:24+0000 vm rsyncd[41]: x",
                "2027/01/02 09:09:24 [41] x\n",
            ),
            ("Jan  2 09:09:24 vm rsync[41]: x", ""),
            ("Jan  2 09:09:24 vm rsyncd: x", ""),
            ("Feb 30 09:09:24 vm rsyncd[41]: x", ""),
            ("Jan  2 09:09:2\u{e9} vm rsyncd[41]: x", ""),
            ("", ""),
        ] {
            assert_eq!(shown(line), expected, "{line}");
        }
    }
}
