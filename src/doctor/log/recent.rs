//! Which lines of a log count.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
};

use jiff::civil::DateTime;

use super::{
    failure::{Failure, File},
    session::{Session, UNKNOWN, address, said, time},
    standing::{Line, Proof, Standing, standings},
};
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
    /// Whether a module's folder is another one for another client.
    pub(super) is_by_client: &'c dyn Fn(&str) -> bool,
    /// How many clients a module takes at once by its configuration now; none if there is no such module.
    pub(super) limit: &'c dyn Fn(&str) -> Option<i32>,
    /// Whether the modules' users may do that now; none where it is not known.
    pub(super) tried: &'c dyn Fn(&[&File]) -> Vec<Option<bool>>,
}

/// The lines of a log that count.
#[derive(Default)]
pub(super) struct Recent {
    /// Those of what may fail still.
    pub(super) open: Vec<u8>,
    /// Those of what was tried, and fails still.
    pub(super) holds: Vec<u8>,
    /// Those of what is over, by what shows that.
    pub(super) over: BTreeMap<Proof, Over>,
}

/// What is over.
#[derive(Default)]
pub(super) struct Over {
    /// Its lines.
    pub(super) lines: Vec<u8>,
    /// When it was last seen to be.
    pub(super) last: Option<DateTime>,
}

impl Over {
    /// What shows it, in English.
    pub(super) fn shown(&self, proof: Proof) -> Option<String> {
        let last = self.last.map(|time| time.strftime("%F %T"));
        match proof {
            Proof::Served => {
                last.map(|last| format!("the same client was served afterwards, the last one at {last}"))
            }
            Proof::Again => {
                last.map(|last| format!("the log shows later that it works, the last time at {last}"))
            }
            Proof::Tried => {
                Some("tried now: the module's user may do it, or nothing is there any more".to_owned())
            }
        }
    }
}

/// The lines of the last day, without those that the doctor may have caused: it is a client of this machine, meets what they
/// meet, and only ever reads whole modules, by a path that is its own, and under its own name if it needs one; and without what a daemon said of itself
/// before the one that runs now started. A line without a time belongs to the one before.
///
/// Strangers whom no module admits and who ask for names that are not there do not count either: they try what servers may
/// have.
pub(super) fn recent(log: &[u8], since: DateTime, started: DateTime, clients: &Clients<'_>) -> Recent {
    let (lines, sessions) = read(log, since, started, clients);
    let standings = standings(&lines, &sessions, clients);
    let mut of_session: BTreeMap<usize, BTreeSet<Standing>> = BTreeMap::new();
    for (line, standing) in lines.iter().zip(&standings) {
        of_session.entry(line.session).or_default().extend(*standing);
    }
    let mut found = Recent::default();
    for (line, standing) in lines.iter().zip(standings) {
        let text = &log[line.place.clone()];
        if let Some(standing) = standing {
            found.add(standing, text);
            continue;
        }
        // What stands around failures names the module and the client; it may tell of one itself that nothing disproves.
        let around = of_session.get(&line.session).filter(|_| line.session > 0);
        for standing in around
            .into_iter()
            .flatten()
            .filter(|standing| **standing != Standing::Open)
        {
            found.add(*standing, text);
        }
        found.open.extend_from_slice(text);
    }
    found
}

impl Recent {
    fn add(&mut self, standing: Standing, text: &[u8]) {
        match standing {
            Standing::Open => self.open.extend_from_slice(text),
            Standing::Holds => self.holds.extend_from_slice(text),
            Standing::Over(proof, time) => {
                let over = self.over.entry(proof).or_default();
                over.lines.extend_from_slice(text);
                over.last = over.last.max(time);
            }
        }
    }
}

/// The lines that count, and what is told of each client; the first session is the daemon itself.
fn read(log: &[u8], since: DateTime, started: DateTime, clients: &Clients<'_>) -> (Vec<Line>, Vec<Session>) {
    let own = &clients.own;
    let peers = own.peers();
    let mut strangers = BTreeSet::new();
    let mut sessions = vec![Session::default()];
    let mut of_process = BTreeMap::new();
    let mut lines: Vec<Line> = Vec::new();
    let (mut is_recent, mut end) = (false, 0);
    for bytes in log.split_inclusive(|&byte| byte == b'\n') {
        let place = end..end + bytes.len();
        end = place.end;
        let text = String::from_utf8_lossy(bytes);
        let Some(time) = time(bytes) else {
            if let Some(line) = lines.last_mut().filter(|_| is_recent) {
                line.place.end = end;
            }
            continue;
        };
        let (process, said) = said(&text);
        if said.starts_with("connect from ") {
            sessions.push(Session {
                came: Some(time),
                peer: address(said),
                is_local: peers.iter().any(|peer| said.trim_end().ends_with(peer)),
                ..Session::default()
            });
            of_process.insert(process.to_owned(), sessions.len() - 1);
        }
        let session = of_process.get(process).copied().unwrap_or_default();
        let is_of_others = is_of_others(said) || (clients.are_all_asked && is_behind_password(said));
        let failure = Failure::of(said.trim_end(), &sessions[session]);
        if session > 0 {
            sessions[session].take(said.trim_end(), time);
        }
        sessions[session].is_of_others |= matches!(own, Own::Local(_)) && is_of_others;
        let peer = sessions[session].peer.filter(|_| said.starts_with(UNKNOWN));
        strangers.extend(peer.filter(|peer| (clients.is_kept_out)(*peer)));
        let is_of_daemon = session == 0;
        is_recent = time >= since && (time >= started || !is_of_daemon);
        if is_recent {
            lines.push(Line {
                place,
                session,
                process: process.to_owned(),
                begun: sessions.len(),
                failure,
            });
        }
    }
    lines.retain(|line| {
        let session = &sessions[line.session];
        let is_stranger = session.peer.is_some_and(|peer| strangers.contains(&peer));
        !is_stranger && (!session.is_local || session.is_of_others)
    });
    (lines, sessions)
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

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::{Clients, File, Own, Recent, recent};
    use crate::doctor::log::standing::Proof;

    fn shown(log: &[u8]) -> String {
        shown_of(log, Own::Local("192.0.2.9".to_owned()))
    }

    fn shown_of(log: &[u8], own: Own) -> String {
        String::from_utf8(found_of(log, own, &|files| vec![None; files.len()]).open).expect("text")
    }

    fn found_of(log: &[u8], own: Own, tried: &dyn Fn(&[&File]) -> Vec<Option<bool>>) -> Recent {
        let since = date(2026, 11, 20).at(10, 0, 0, 0);
        let started = date(2026, 11, 21).at(8, 0, 0, 0);
        let clients = Clients {
            own,
            began: date(2026, 11, 21).at(10, 0, 0, 0),
            are_all_asked: false,
            is_kept_out: &|peer| peer.to_string().starts_with("203."),
            is_by_client: &|module| module == "homes",
            limit: &|module| (module == "raised").then_some(9),
            tried,
        };
        recent(log, since, started, &clients)
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

    /// A log of sessions, each of a client and what is said of it.
    fn log(sessions: &[(&str, &[&str])]) -> String {
        let lines = sessions.iter().enumerate().flat_map(|(at, (peer, said))| {
            let came = (*peer != "").then(|| format!("connect from a ({peer})"));
            let said = said.iter().map(|said| (*said).to_owned());
            came.into_iter()
                .chain(said)
                .map(move |said| format!("2026/11/21 09:{at:02}:00 [{at}] {said}\n"))
        });
        lines.collect()
    }

    #[test]
    fn what_later_lines_disprove_is_over() {
        let (joe, amy) = ("192.0.2.7", "192.0.2.8");
        let is_over = |first: &[&str], then: (&str, &[&str])| {
            let began = if first[0].starts_with("params.c") { "" } else { joe };
            let log = log(&[(began, first), then]);
            let found = found_of(log.as_bytes(), Own::Local("192.0.2.9".to_owned()), &|files| {
                vec![None; files.len()]
            });
            let is_in = |text: &[u8]| {
                let text = String::from_utf8_lossy(text);
                first
                    .iter()
                    .filter(|line| !line.starts_with("rsync allowed"))
                    .all(|line| text.contains(line))
            };
            let over = found.over.get(&Proof::Again);
            let is_over = over.is_some_and(|over| is_in(&over.lines));
            assert!(is_over || is_in(&found.open), "{first:?}");
            is_over
        };
        let mismatch = ["auth failed on module m from a (192.0.2.7) for joe: password mismatch"];
        let unmatched = ["auth failed on module m from a (192.0.2.7) for joe: no matching rule"];
        let secrets = [
            "secrets file must not be other-accessible (see strict modes option)",
            "auth failed on module m from a (192.0.2.7) for joe: ignoring secrets file",
        ];
        let entry = [
            "rsync allowed access on module m from a (192.0.2.7)",
            "rsync: [Receiver] chdir /x failed: y",
        ];
        let denied = ["rsync denied on module m from a (192.0.2.7)"];
        let configuration = [
            "params.c:Section() - Badly formed line in config file: x",
            "params.c:pm_process() - Failed.  Error returned from params.c:parse().",
            "rsync error: syntax or usage error (code 1) at clientserver.c(1435) [Receiver=3.5.0]",
        ];
        let read_only = [
            "rsync to m/ from a (192.0.2.7)",
            "ERROR: module is read only",
            "rsync error: syntax or usage error (code 1) at main.c(1) [Receiver=3.5.0]",
        ];
        let cases: [(&[&str], (&str, &[&str]), bool); 22] = [
            (&mismatch, (joe, &["rsync to m/ from joe@a (192.0.2.7)"]), true),
            // Another client may have another password.
            (&mismatch, (amy, &["rsync to m/ from joe@b (192.0.2.8)"]), false),
            (&mismatch, (joe, &["rsync to m/ from amy@a (192.0.2.7)"]), false),
            (&mismatch, (joe, &["rsync to n/ from joe@a (192.0.2.7)"]), false),
            (
                &mismatch,
                (joe, &["rsync allowed access on module m from a (192.0.2.7)"]),
                false,
            ),
            (&unmatched, (amy, &["rsync to m/ from joe@b (192.0.2.8)"]), true),
            (&secrets, (amy, &["rsync on m/ from joe@b (192.0.2.8)"]), true),
            (&secrets, (amy, &["rsync on m/ from b (192.0.2.8)"]), false),
            (&entry, (amy, &["rsync on m/sub from b (192.0.2.8)"]), true),
            (&entry, (amy, &["rsync on n/ from b (192.0.2.8)"]), false),
            (
                &entry,
                (joe, &["rsync allowed access on module m from a (192.0.2.7)"]),
                false,
            ),
            (
                &denied,
                (joe, &["rsync allowed access on module m from a (192.0.2.7)"]),
                true,
            ),
            (
                &denied,
                (amy, &["rsync allowed access on module m from b (192.0.2.8)"]),
                false,
            ),
            (&configuration, (amy, &[]), true),
            (
                &configuration,
                ("", &["rsyncd version 3.5.0 starting, listening on port 873"]),
                false,
            ),
            (
                &read_only,
                (joe, &["rsync to m/a from a (192.0.2.7)", "receiving file list"]),
                true,
            ),
            (&read_only, (joe, &["rsync to m/a from a (192.0.2.7)"]), false),
            (
                &read_only,
                (joe, &["rsync on m/ from a (192.0.2.7)", "building file list"]),
                false,
            ),
            (
                &read_only,
                (
                    joe,
                    &["rsync to m/ from joe@a (192.0.2.7)", "receiving file list"],
                ),
                false,
            ),
            (
                &["unknown module 'm' tried from a (192.0.2.7)"],
                (amy, &["rsync on m/ from b (192.0.2.8)"]),
                true,
            ),
            (
                &[
                    "rsync allowed access on module homes from a (192.0.2.7)",
                    "rsync: chdir /x failed: y",
                ],
                (amy, &["rsync on homes/ from b (192.0.2.8)"]),
                false,
            ),
            (
                &[
                    "rsync allowed access on module m from a (192.0.2.7)",
                    "rsync: pre-xfer exec failed",
                ],
                (amy, &["rsync on m/ from b (192.0.2.8)"]),
                false,
            ),
        ];
        for (first, then, expected) in cases {
            assert_eq!(is_over(first, then), expected, "{first:?} {then:?}");
        }
    }

    #[test]
    fn slots_are_free_again_for_who_had_none() {
        let refused = |module: &str| format!("rsync allowed access on module {module} from a (192.0.2.7)");
        let is_over = |module: &str, peer: &str| {
            let (refused, asks) = (refused(module), format!("rsync on {module}/ from b ({peer})"));
            let log = log(&[
                ("192.0.2.7", &[&refused, "max connections (2) reached"]),
                (peer, &[&asks]),
            ]);
            let found = found_of(log.as_bytes(), Own::Local("192.0.2.9".to_owned()), &|_| {
                Vec::new()
            });
            !String::from_utf8_lossy(&found.open).contains("max connections")
        };
        assert!(is_over("m", "192.0.2.7") && is_over("raised", "192.0.2.8"));
        // Another client that is served has perhaps the last slot.
        assert!(!is_over("m", "192.0.2.8"));
    }

    #[test]
    fn rights_are_tried() {
        let denied = |path: &str| {
            format!("rsync: [sender] send_files failed to open \"/{path}\" (in m): Permission denied (13)")
        };
        let [one, two] = ["one", "two"].map(denied);
        let end = "rsync error: some files/attrs were not transferred (code 23) at main.c(1) [sender=3.5.0]";
        let log = log(&[("192.0.2.7", &["rsync on m/ from a (192.0.2.7)", &one, &two, end])]);
        let found = |one: Option<bool>, two: Option<bool>| {
            found_of(log.as_bytes(), Own::Local("192.0.2.9".to_owned()), &|files| {
                files
                    .iter()
                    .map(|file| if file.path == "one" { one } else { two })
                    .collect()
            })
        };
        let has = |text: &[u8], part: &str| String::from_utf8_lossy(text).contains(part);
        let over = |found: &Recent, part: &str| {
            found
                .over
                .get(&Proof::Tried)
                .is_some_and(|over| has(&over.lines, part))
        };
        let all = found(Some(true), Some(true));
        assert!(over(&all, &one) && over(&all, &two) && over(&all, end) && !has(&all.open, "rsync: "));
        let half = found(Some(true), Some(false));
        assert!(over(&half, &one) && has(&half.holds, &two) && has(&half.holds, end) && !over(&half, end));
        assert!(has(&half.holds, "rsync on m/"));
        let unknown = found(Some(true), None);
        assert!(has(&unknown.open, &two) && has(&unknown.open, end) && unknown.holds.is_empty());
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
