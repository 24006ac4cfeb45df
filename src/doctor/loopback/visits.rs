//! The visits to the modules of a daemon, some at once.

use std::{
    collections::{BTreeMap, VecDeque},
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use crate::{
    doctor::{Subject, Untried},
    host::{Live, locks},
    model::{Configuration, Module, Parameter, Scope},
    probe::{self, Setting, Step, Target, probe},
    rsync::net::Connections,
    terms::Exit,
};

/// So many modules are visited at once.
pub const AT_ONCE: usize = 8;
/// So many modules that do not answer in time are enough: the others wait for the same. One may have a reason of its own.
const MOST_SILENT: u32 = 2;
/// All visits to a daemon are over by then: one that says something now and then, or without an end, would keep a client for
/// as long as it likes.
pub(super) const LIMIT: Duration = Duration::from_secs(30);

/// A module's visit, or why there is none.
type Planned = Result<(Target, Arc<Setting>), Untried>;

/// Visits modules, at most `most` at once and the first one alone, since it shows whether the daemon answers at all. What came
/// of them is in their order; `None` if the user wants no more.
pub(super) async fn visited(
    planned: Vec<Planned>,
    most: usize,
    connections: &Connections,
) -> Option<Vec<Result<Box<probe::Report>, Untried>>> {
    let start = Instant::now();
    let mut found: Vec<Result<Box<probe::Report>, Untried>> = Vec::with_capacity(planned.len());
    let mut running = VecDeque::new();
    let mut planned = planned.into_iter().peekable();
    let (mut silent, mut window) = (0, 1);
    loop {
        while running.len() < window
            && let Some(next) = planned.next()
        {
            running.push_back(match next {
                Ok(_) if silent >= MOST_SILENT => Err(Untried::NoAnswer),
                Ok(_) if start.elapsed() > LIMIT => Err(Untried::NoTime),
                Ok((target, setting)) => Ok(tokio::spawn(probe(target, setting))),
                Err(why) => Err(why),
            });
        }
        let Some(next) = running.pop_front() else {
            return Some(found);
        };
        let visit = match next {
            Ok(visit) => visit.await.ok().and_then(Result::ok).ok_or(Untried::NoProbe),
            Err(why) => Err(why),
        };
        if connections.are_ended() {
            return None;
        }
        if let Ok(probed) = &visit {
            silent = match probed.exit {
                _ if !probed.stage(Step::Version).state.is_passed() => MOST_SILENT,
                exit if exit == Exit::Timeout.code() => silent + 1,
                _ => 0,
            };
            window = most;
        }
        found.push(visit.map(Box::new));
    }
}

/// How many modules may be visited at once, so that half of the connections that the daemon still takes are left to its
/// clients: those of `max connections` are counted by locks in the lock file (`claim_connection` in connection.c), which
/// modules share that name the same one.
pub(super) fn at_once(
    subject: &Subject,
    configuration: &Configuration,
    modules: &[(Scope, &Module)],
) -> usize {
    let mut limits: BTreeMap<&[u8], usize> = BTreeMap::new();
    for (scope, _) in modules {
        let most = configuration.integer(*scope, Parameter::MaxConnections).value;
        let file = configuration.text(*scope, Parameter::LockFile).value;
        if let Ok(most @ 1..) = usize::try_from(most) {
            let known = limits.entry(file).or_insert(most);
            *known = most.min(*known);
        }
    }
    if limits.is_empty() {
        return AT_ONCE;
    }
    let locks = locks(&Live).unwrap_or_default();
    let free = limits.into_iter().map(|(file, most)| {
        let path = subject.outside(Path::new(OsStr::from_bytes(file)));
        let inode = fs::metadata(path).ok().map(|found| found.ino());
        let used = locks.iter().filter(|lock| Some(lock.inode) == inode).count();
        most.saturating_sub(used)
    });
    let free = free.min().unwrap_or(AT_ONCE);
    (free / 2).clamp(1, AT_ONCE)
}
