//! Which lines of a log count.

use std::{collections::BTreeMap, net::Ipv4Addr};

use jiff::civil::DateTime;

use crate::doctor::LOGIN;

/// Who the doctor is for a daemon.
pub(super) enum Own {
    /// A client of an address that nobody else has.
    Marked(Ipv4Addr),
    /// A client like others of this machine; the daemon listens on that address.
    Local(String),
}

impl Own {
    /// The ends of lines about clients that it may be.
    fn peers(&self) -> Vec<String> {
        let addresses = match self {
            Self::Marked(address) => vec![address.to_string()],
            Self::Local(address) => vec![address.clone(), "127.0.0.1".to_owned(), "::1".to_owned()],
        };
        addresses
            .into_iter()
            .map(|address| format!("({address})"))
            .collect()
    }
}

/// What is written of one client.
#[derive(Clone, Copy, Default)]
struct Session {
    /// It is one of this machine.
    is_local: bool,
    /// It does what the doctor never does.
    is_of_others: bool,
}

/// The lines of the last day, without those that the doctor may have caused: it is a client of this machine, meets what they
/// meet, and only ever reads whole modules, under its own name if it needs one; and without what a daemon said of itself
/// before the one that runs now started. A line without a time belongs to the one before.
pub(super) fn recent(log: &[u8], since: DateTime, started: DateTime, own: &Own) -> Vec<u8> {
    let peers = own.peers();
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
                    is_of_others: false,
                });
                of_process.insert(process.to_owned(), sessions.len() - 1);
            }
            session = of_process.get(process).copied().unwrap_or_default();
            sessions[session].is_of_others |= matches!(own, Own::Local(_)) && is_of_others(said);
            let is_of_daemon = session == 0;
            is_recent = time >= since && (time >= started || !is_of_daemon);
        }
        if is_recent {
            lines.push((session, line));
        }
    }
    lines.retain(|(session, _)| !sessions[*session].is_local || sessions[*session].is_of_others);
    lines.into_iter().flat_map(|(_, line)| line).copied().collect()
}

/// Whether a line tells of something that the doctor never does: to write, to read a part of a module, to log in with a name
/// that is not its own, to name a module that is not there (`rsync_module`, `auth_server` and `start_daemon` write these lines).
fn is_of_others(said: &str) -> bool {
    if said.starts_with("rsync to ") || said.starts_with("unknown module ") {
        return true;
    }
    if let Some((place, client)) = said
        .strip_prefix("rsync on ")
        .and_then(|rest| rest.split_once(" from "))
    {
        let is_named = client.split_once('@').is_some_and(|(user, _)| user != LOGIN);
        return is_named || place.find('/').is_none_or(|slash| slash + 1 < place.len());
    }
    said.starts_with("auth failed on module ") && !said.contains(&format!(" for {LOGIN}:"))
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

    use super::{Own, recent};

    fn shown(log: &[u8]) -> String {
        shown_of(log, &Own::Local("192.0.2.9".to_owned()))
    }

    fn shown_of(log: &[u8], own: &Own) -> String {
        let since = date(2026, 11, 20).at(10, 0, 0, 0);
        let started = date(2026, 11, 21).at(8, 0, 0, 0);
        String::from_utf8(recent(log, since, started, own)).expect("text")
    }

    #[test]
    fn a_client_with_an_address_of_its_own_is_told_from_others() {
        let log = b"2026/11/21 09:00:00 [3] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:00 [3] unknown module 'x' tried from a (127.0.0.1)\n\
            2026/11/21 09:00:00 [4] connect from UNKNOWN (127.82.83.89)\n\
            2026/11/21 09:00:00 [4] rsync to a/ from UNKNOWN (127.82.83.89)\n";
        let text = shown_of(log, &Own::Marked(crate::doctor::loopback::MARK));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("unknown module"), "{text}");
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
            2026/11/21 09:00:02 [3] auth failed on module a from b (::1) for joe: password mismatch\n\
            2026/11/21 09:00:03 [6] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:03 [6] rsync on a/ from a (127.0.0.1)\n\
            2026/11/21 09:00:03 [6] own sender\n\
            2026/11/21 09:00:04 [6] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:04 [6] rsync on a/sub from a (127.0.0.1)\n\
            2026/11/21 09:00:04 [6] read a part\n\
            2026/11/21 09:00:05 [6] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:05 [6] rsync on a/ from joe@a (127.0.0.1)\n\
            2026/11/21 09:00:05 [6] logged in\n\
            2026/11/21 09:00:06 [6] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:06 [6] rsync to a/ from a (127.0.0.1)\n\
            2026/11/21 09:00:06 [6] no space\n";
        let text = shown(log);
        for kept in ["far", "for joe", "read a part", "logged in", "no space"] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert!(
            !["rsyncctl-doctor", "near", "own sender"]
                .iter()
                .any(|own| text.contains(own)),
            "{text}"
        );
    }
}
