//! Which lines of a log count.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use jiff::civil::DateTime;

use crate::doctor::{LOGIN, loopback};

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

/// What is known of a daemon's clients besides its log.
pub(super) struct Clients<'c> {
    /// Who the doctor is.
    pub(super) own: Own,
    /// When the doctor began: what is served from then on may be its own dry run, which writes nothing.
    pub(super) began: DateTime,
    /// Whether every module that the doctor tries asks it for a password, and so tells it nothing more.
    pub(super) are_all_asked: bool,
    /// Whether no module admits a client of an address.
    pub(super) is_kept_out: &'c dyn Fn(IpAddr) -> bool,
}

/// What is written of one client.
#[derive(Clone, Default)]
struct Session {
    /// Where it comes from.
    peer: Option<IpAddr>,
    /// What it asks for, as the log has it: the direction and the path, and who has logged in.
    asks: Option<(String, Option<String>)>,
    /// The module that it was refused.
    refused: Option<String>,
    /// Something has failed in it.
    has_failed: bool,
    /// It ended for what comes and goes: that another one was served says nothing of it.
    is_passing: bool,
    /// When it came to its end, and sums were written.
    ended: Option<DateTime>,
    /// So much data travelled that it was no dry run.
    has_copied: bool,
    /// It is one of this machine.
    is_local: bool,
    /// It does what the doctor never does.
    is_of_others: bool,
}

impl Session {
    /// Takes what the daemon says of it (`rsync_module`, `auth_server` and `log_exit` write these lines).
    fn take(&mut self, said: &str, time: DateTime) {
        if let Some((asked, client)) = said.split_once(" from ")
            && asked.starts_with("rsync ")
            && ["rsync to ", "rsync on "]
                .iter()
                .any(|start| asked.starts_with(start))
        {
            let user = client.split_once('@').map(|(user, _)| user.to_owned());
            self.asks = Some((asked.to_owned(), user));
        } else if let Some((_, behind)) = said.split_once(" on module ") {
            self.refused = behind.split(' ').next().map(str::to_owned);
        } else if let Some(behind) = said.strip_prefix(UNKNOWN) {
            self.refused = behind.split('\'').nth(1).map(str::to_owned);
        }
        let has = |texts: &[&str]| texts.iter().any(|text| said.contains(text));
        self.has_failed |= has(&FAILURES);
        self.is_passing |= has(&PASSING);
        if let Some([sent, received, total]) = sums(said) {
            self.ended = Some(time);
            let is_push = self
                .asks
                .as_ref()
                .is_some_and(|(asked, _)| asked.starts_with("rsync to "));
            let came = if is_push { received } else { sent };
            self.has_copied = total >= LEAST_COPIED && came >= total;
        }
    }

    /// When it was served all that it asked for, if that shows that what kept another one of its client before is over.
    fn shows_over(&self, before: &Self) -> Option<DateTime> {
        let ended = self.ended.filter(|_| !self.has_failed)?;
        let (place, _) = self.asks.as_ref()?;
        let module = place.get("rsync to ".len()..)?.split('/').next();
        let is_same = match (&before.asks, &before.refused) {
            // What failed behind the access a dry run may not meet.
            (Some(asked), _) => self.asks.as_ref() == Some(asked) && self.has_copied,
            (None, Some(refused)) => module == Some(refused),
            (None, None) => true,
        };
        is_same.then_some(ended)
    }
}

/// Less than that may as well be the list of a dry run, in bytes.
const LEAST_COPIED: u64 = 4096;

/// What was sent, received, and in all, in bytes, of the line at the end of a session (`log_exit` in log.c).
fn sums(said: &str) -> Option<[u64; 3]> {
    let (sent, rest) = said.strip_prefix("sent ")?.split_once(" bytes  received ")?;
    let (received, total) = rest.split_once(" bytes  total size ")?;
    let number = |text: &str| text.replace(',', "").trim().parse().ok();
    Some([number(sent)?, number(received)?, number(total)?])
}

/// What lines of a session have in them where something has failed.
const FAILURES: [&str; 4] = ["rsync: ", "rsync error: ", "ERROR", " failed"];

/// What such lines say of what comes and goes: networks, clients that are stopped, places that others take.
const PASSING: [&str; 6] = [
    "Broken pipe",
    "Connection reset",
    "connection unexpectedly closed",
    "max connections",
    "received SIG",
    "timeout",
];

/// The lines of a log that count.
#[derive(Default)]
pub(super) struct Recent {
    /// Those of what may fail still.
    pub(super) open: Vec<u8>,
    /// Those of sessions behind which the same client was served the same.
    pub(super) over: Vec<u8>,
    /// When the last of those clients was served.
    pub(super) served: Option<DateTime>,
}

/// The lines of the last day, without those that the doctor may have caused: it is a client of this machine, meets what they
/// meet, and only ever reads whole modules, by a path that is its own, and under its own name if it needs one; and without what a daemon said of itself
/// before the one that runs now started. A line without a time belongs to the one before.
///
/// Strangers whom no module admits and who ask for names that are not there do not count either: they try what servers may
/// have.
pub(super) fn recent(log: &[u8], since: DateTime, started: DateTime, clients: &Clients<'_>) -> Recent {
    let own = &clients.own;
    let peers = own.peers();
    let mut strangers = BTreeSet::new();
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
                    peer: address(said),
                    is_local: peers.iter().any(|peer| said.trim_end().ends_with(peer)),
                    ..Session::default()
                });
                of_process.insert(process.to_owned(), sessions.len() - 1);
            }
            session = of_process.get(process).copied().unwrap_or_default();
            let is_of_others = is_of_others(said) || (clients.are_all_asked && is_behind_password(said));
            if session > 0 {
                sessions[session].take(said.trim_end(), time);
            }
            sessions[session].is_of_others |= matches!(own, Own::Local(_)) && is_of_others;
            let peer = sessions[session].peer.filter(|_| said.starts_with(UNKNOWN));
            strangers.extend(peer.filter(|peer| (clients.is_kept_out)(*peer)));
            let is_of_daemon = session == 0;
            is_recent = time >= since && (time >= started || !is_of_daemon);
        }
        if is_recent {
            lines.push((session, line));
        }
    }
    lines.retain(|(session, _)| {
        let session = &sessions[*session];
        let is_stranger = session.peer.is_some_and(|peer| strangers.contains(&peer));
        !is_stranger && (!session.is_local || session.is_of_others)
    });
    let mut found = Recent::default();
    let mut served_to: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        if let Some(peer) = session.peer.filter(|_| session.ended.is_some()) {
            served_to.entry(peer).or_default().push(at);
        }
    }
    // Of each session, when the same client was served behind it.
    let served: Vec<_> = sessions
        .iter()
        .enumerate()
        .map(|(at, session)| {
            let is_told = (session.has_failed || session.refused.is_some()) && !session.is_passing;
            let others = served_to.get(&session.peer.filter(|_| is_told)?)?;
            let mut later = others[others.partition_point(|&other| other <= at)..].iter();
            later.find_map(|&later| {
                sessions[later]
                    .shows_over(session)
                    .filter(|time| *time < clients.began)
            })
        })
        .collect();
    for (session, line) in lines {
        match served[session] {
            Some(time) => {
                found.over.extend_from_slice(line);
                found.served = found.served.max(Some(time));
            }
            None => found.open.extend_from_slice(line),
        }
    }
    found
}

/// Whether a line tells of something that the doctor never does: to write, to read a module by another path than its own, to log in with a name
/// that is not its own, to name a module that is not there (`rsync_module`, `auth_server` and `start_daemon` write these lines).
fn is_of_others(said: &str) -> bool {
    if said.starts_with("rsync to ") || said.starts_with(UNKNOWN) {
        return true;
    }
    if let Some((place, client)) = said
        .strip_prefix("rsync on ")
        .and_then(|rest| rest.split_once(" from "))
    {
        let is_named = client.split_once('@').is_some_and(|(user, _)| user != LOGIN);
        return is_named || !place.ends_with(loopback::PATH);
    }
    said.starts_with("auth failed on module ") && !said.contains(&format!(" for {LOGIN}:"))
}

/// Whether a line tells of an error that nobody meets who is not let in: of what the daemon does then.
fn is_behind_password(said: &str) -> bool {
    said.starts_with("rsync: [")
}

/// What a line begins with of a module that is not there.
const UNKNOWN: &str = "unknown module ";

/// The address of a client: `connect from UNKNOWN (192.0.2.7)`.
fn address(said: &str) -> Option<IpAddr> {
    let (_, address) = said.trim_end().strip_suffix(')')?.rsplit_once('(')?;
    address.parse().ok()
}

/// The process of a line with a time, and what stands behind it: `2026/11/21 07:43:24 [2864] connect from …`.
pub(super) fn said(line: &str) -> (&str, &str) {
    let behind = line.get(19..).unwrap_or_default().trim_start();
    let bracketed = behind.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    bracketed.unwrap_or(("", behind))
}

/// When a line was written: `2026/11/21 07:43:24 ` stands in front (`timestring` and `logit` in log.c).
pub(super) fn time(line: &[u8]) -> Option<DateTime> {
    let text = str::from_utf8(line.get(..19)?).ok()?;
    DateTime::strptime("%Y/%m/%d %H:%M:%S", text).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Clients, Own, recent};

    fn shown(log: &[u8]) -> String {
        shown_of(log, Own::Local("192.0.2.9".to_owned()))
    }

    fn shown_of(log: &[u8], own: Own) -> String {
        let since = date(2026, 11, 20).at(10, 0, 0, 0);
        let started = date(2026, 11, 21).at(8, 0, 0, 0);
        let clients = Clients {
            own,
            began: date(2026, 11, 21).at(10, 0, 0, 0),
            are_all_asked: false,
            is_kept_out: &|peer| peer.to_string().starts_with("203."),
        };
        String::from_utf8(recent(log, since, started, &clients).open).expect("text")
    }

    #[test]
    fn what_the_same_client_is_served_afterwards_is_over() {
        let day = |time: &str, process: u8, said: &str| format!("2026/11/21 {time} [{process}] {said}\n");
        let log = |after: &[&str]| {
            let before = ["connect from a (192.0.2.7)", "rsync to a/ from joe@a (192.0.2.7)"];
            let failed = "rsync: [receiver] mkstemp \"/.x\" (in a) failed: Read-only file system (30)";
            let first = before
                .iter()
                .chain([&failed])
                .map(|said| day("09:00:00", 3, said));
            let then = after.iter().map(|said| day("09:30:00", 4, said));
            first.chain(then).collect::<String>()
        };
        let said = |after: &[&str]| shown(log(after).as_bytes()).contains("mkstemp");
        let (came, sums) = (
            "connect from a (192.0.2.7)",
            "sent 9 bytes  received 9000 bytes  total size 8192",
        );
        let again = "rsync to a/ from joe@a (192.0.2.7)";
        assert!(!said(&[came, again, sums]));
        for after in [
            &[][..],
            &[came, again],
            &[came, again, "rsync: [receiver] mkstemp failed", sums],
            &[came, "rsync on a/ from joe@a (192.0.2.7)", sums],
            &[came, "rsync to a/ from amy@a (192.0.2.7)", sums],
            // Perhaps a dry run.
            &[came, again, "sent 9 bytes  received 90 bytes  total size 8192"],
            &[came, again, "sent 9 bytes  received 90 bytes  total size 2"],
            &["connect from b (192.0.2.8)", again, sums],
        ] {
            assert!(said(after), "{after:?}");
        }
        // Who was refused a module has it now.
        let refused = |line: &str, after: &str| {
            let log = [
                day("09:00:00", 3, "connect from a (192.0.2.7)"),
                day("09:00:00", 3, line),
                day("09:30:00", 4, "connect from a (192.0.2.7)"),
                day("09:30:00", 4, after),
                day("09:30:00", 4, sums),
            ];
            shown(log.concat().as_bytes()).contains(line)
        };
        let now = "rsync on data/x from a (192.0.2.7)";
        for line in [
            "rsync denied on module data from a (192.0.2.7)",
            "unknown module 'data' tried from a (192.0.2.7)",
        ] {
            assert!(!refused(line, now), "{line}");
            assert!(refused(line, "rsync on data2/x from a (192.0.2.7)"), "{line}");
        }
    }

    #[test]
    fn a_client_with_an_address_of_its_own_is_told_from_others() {
        let log = b"2026/11/21 09:00:00 [3] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:00 [3] unknown module 'x' tried from a (127.0.0.1)\n\
            2026/11/21 09:00:00 [4] connect from UNKNOWN (127.82.83.89)\n\
            2026/11/21 09:00:00 [4] rsync to a/ from UNKNOWN (127.82.83.89)\n";
        let text = shown_of(log, Own::Marked(crate::doctor::loopback::MARK));
        assert_eq!(text.lines().count(), 2, "{text}");
        assert!(text.contains("unknown module"), "{text}");
    }

    #[test]
    fn strangers_who_try_names_do_not_count() {
        let log = b"2026/11/21 09:00:00 [3] connect from a (203.0.113.9)\n\
            2026/11/21 09:00:00 [3] unknown module 'x' tried from a (203.0.113.9)\n\
            2026/11/21 09:00:00 [4] connect from a (203.0.113.9)\n\
            2026/11/21 09:00:00 [4] rsync denied on module data from a (203.0.113.9)\n\
            2026/11/21 09:00:00 [5] connect from b (203.0.113.7)\n\
            2026/11/21 09:00:00 [5] rsync denied on module data from b (203.0.113.7)\n\
            2026/11/21 09:00:00 [6] connect from c (192.0.2.7)\n\
            2026/11/21 09:00:00 [6] unknown module 'y' tried from c (192.0.2.7)\n";
        let text = shown(log);
        assert!(text.contains("(203.0.113.7)") && text.contains("'y'"), "{text}");
        assert!(!text.contains("(203.0.113.9)"), "{text}");
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
            2026/11/21 09:00:03 [6] rsync on a/./ from a (127.0.0.1)\n\
            2026/11/21 09:00:03 [6] own sender\n\
            2026/11/21 09:00:04 [6] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:04 [6] rsync on a/sub from a (127.0.0.1)\n\
            2026/11/21 09:00:04 [6] read a part\n\
            2026/11/21 09:00:05 [6] connect from a (127.0.0.1)\n\
            2026/11/21 09:00:05 [6] rsync on a/./ from joe@a (127.0.0.1)\n\
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
