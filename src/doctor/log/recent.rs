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

/// What shows that a failure, in a module if it was in one, at a time, is over.
type Settled<'s> = dyn Fn(&Failure, Option<&str>, DateTime) -> Option<Proof> + 's;

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
    /// What shows that what failed in a module at that time is over, by the configuration and the files as they are now.
    pub(super) settled: &'c Settled<'c>,
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
            Proof::Written => Some("the configuration does not refuse it any more".to_owned()),
            Proof::Unwritten => Some("the configuration does not name it any more".to_owned()),
            Proof::Found => Some("looked at now: what was missing is there".to_owned()),
            Proof::Read => Some("the configuration was changed afterwards, and can be read now".to_owned()),
            Proof::Free => Some("looked at now: nobody has the port".to_owned()),
            Proof::Room => Some("looked at now: the disk has room".to_owned()),
            Proof::Changed => {
                Some("the script was changed afterwards, and was not seen to fail since".to_owned())
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
                time,
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
