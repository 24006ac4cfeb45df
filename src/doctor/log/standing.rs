//! How it stands now with what a log tells.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    ops::Range,
};

use jiff::civil::DateTime;

use super::{
    failure::{Failure, File, Trouble},
    recent::Clients,
    session::Session,
};

/// A line of a log, with those below it that have no time.
pub(super) struct Line {
    /// Where it stands.
    pub(super) place: Range<usize>,
    /// Which of the sessions it belongs to.
    pub(super) session: usize,
    /// The process that wrote it.
    pub(super) process: String,
    /// When.
    pub(super) time: DateTime,
    /// How many sessions had begun then.
    pub(super) begun: usize,
    /// What it says that failed.
    pub(super) failure: Option<Failure>,
}

/// How it stands with what a line tells.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Standing {
    /// It may fail still.
    Open,
    /// It fails still.
    Holds,
    /// It does not; when that was seen, if the log tells it.
    Over(Proof, Option<DateTime>),
}

/// What shows that something is over.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Proof {
    /// The same client was served the same.
    Served,
    /// A later line tells that it works.
    Again,
    /// It was tried, and works.
    Tried,
    /// The configuration says so.
    Written,
    /// The configuration has no longer what it had.
    Unwritten,
    /// What was missing is there.
    Found,
    /// There is room.
    Room,
    /// The configuration can be read.
    Read,
    /// Nobody has the port.
    Free,
    /// What failed was changed.
    Changed,
}

/// What decides whether a session disproves a failure of another one.
type Key<'s> = (
    &'s Failure,
    Option<&'s str>,
    Option<IpAddr>,
    Option<&'s (String, Option<String>)>,
);

/// How it stands with each line; none where it tells of no failure, in a session that was not served afterwards.
pub(super) fn standings(
    lines: &[Line],
    sessions: &[Session],
    clients: &Clients<'_>,
) -> Vec<Option<Standing>> {
    let served = served(sessions, clients);
    let tried = tried(lines, &served, clients);
    let given_up: BTreeSet<&str> = lines
        .iter()
        .filter(|line| line.failure == Some(Failure::Configuration))
        .map(|line| &*line.process)
        .collect();
    let mut last_proofs: BTreeMap<Key<'_>, Option<(usize, DateTime)>> = BTreeMap::new();
    let mut standings: Vec<_> = lines
        .iter()
        .map(|line| {
            if let Some(time) = served[line.session] {
                return Some(Standing::Over(Proof::Served, Some(time)));
            }
            let is_given_up = line.session == 0 && given_up.contains(&*line.process);
            let failure = match line.failure.as_ref()? {
                Failure::Sum | Failure::Slip(_) if is_given_up => &Failure::Configuration,
                // It may have harmed nobody.
                slip @ Failure::Slip(_) => {
                    let proof = (clients.settled)(slip, None, line.time)?;
                    return Some(Standing::Over(proof, None));
                }
                other => other,
            };
            if let Failure::File(file) = failure {
                return Some(match tried.get(file).copied().flatten() {
                    Some(true) if file.trouble == Trouble::Full => Standing::Over(Proof::Room, None),
                    Some(true) => Standing::Over(Proof::Tried, None),
                    Some(false) => Standing::Holds,
                    None => Standing::Open,
                });
            }
            let before = &sessions[line.session];
            if let Some(proof) = (clients.settled)(failure, before.module(), line.time) {
                return Some(Standing::Over(proof, None));
            }
            let key = (failure, before.module(), before.peer, before.asks.as_ref());
            let last = last_proofs.entry(key).or_insert_with(|| {
                let mut later = sessions.iter().enumerate().skip(1).rev();
                later.find_map(|(at, session)| Some((at, session.disproves(failure, before, clients)?)))
            });
            let first = if line.session == 0 {
                line.begun
            } else {
                line.session + 1
            };
            Some(match last.filter(|(at, _)| *at >= first) {
                Some((_, time)) => Standing::Over(Proof::Again, Some(time)),
                None => Standing::Open,
            })
        })
        .collect();
    sum_up(lines, &mut standings);
    standings
}

/// The last line of a session, or of a daemon that ends, stands as what made it fail.
fn sum_up(lines: &[Line], standings: &mut [Option<Standing>]) {
    let is_sum = |line: &Line| line.failure == Some(Failure::Sum);
    // The daemon itself may be another process each time.
    let whose = |line: &Line| match line.session {
        0 => (0, line.process.clone()),
        session => (session, String::new()),
    };
    let mut of_session: BTreeMap<(usize, String), Vec<Standing>> = BTreeMap::new();
    for (line, standing) in lines.iter().zip(&*standings).filter(|(line, _)| !is_sum(line)) {
        of_session.entry(whose(line)).or_default().extend(*standing);
    }
    for (line, standing) in lines.iter().zip(standings).filter(|(line, _)| is_sum(line)) {
        let others = of_session.get(&whose(line)).map_or(&[][..], Vec::as_slice);
        let holds = others.iter().find(|other| **other == Standing::Holds);
        let worst = holds.or_else(|| others.iter().min());
        *standing = worst.copied().or(*standing);
    }
}

/// Of each session, when the same client was served behind it.
fn served(sessions: &[Session], clients: &Clients<'_>) -> Vec<Option<DateTime>> {
    let mut served_to: BTreeMap<IpAddr, Vec<usize>> = BTreeMap::new();
    for (at, session) in sessions.iter().enumerate() {
        if let Some(peer) = session.peer.filter(|_| session.ended.is_some()) {
            served_to.entry(peer).or_default().push(at);
        }
    }
    let served = sessions.iter().enumerate().map(|(at, session)| {
        let others = served_to.get(&session.peer.filter(|_| session.has_ended_badly())?)?;
        let mut later = others[others.partition_point(|&other| other <= at)..].iter();
        later.find_map(|&later| {
            let later = &sessions[later];
            let time = later.shows_over(session)?;
            (time < clients.began || later.is_real()).then_some(time)
        })
    });
    served.collect()
}

/// What the modules' users may do now of what they once might not.
fn tried<'l>(
    lines: &'l [Line],
    served: &[Option<DateTime>],
    clients: &Clients<'_>,
) -> BTreeMap<&'l File, Option<bool>> {
    let open = lines.iter().filter(|line| served[line.session].is_none());
    let files: BTreeSet<&File> = open
        .filter_map(|line| match &line.failure {
            Some(Failure::File(file)) => Some(file),
            _ => None,
        })
        .collect();
    let files: Vec<_> = files.into_iter().collect();
    let answers = (clients.tried)(&files);
    files.into_iter().zip(answers).collect()
}
