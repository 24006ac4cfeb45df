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

use nix::sys::stat::{major, minor};

use crate::{
    doctor::{Subject, Untried},
    model::{Configuration, Module, Parameter, Scope},
    probe::{self, Setting, Step, Target, probe},
    rsync::net::Connections,
    terms::Exit,
};

/// So many modules are visited at once.
pub const AT_ONCE: usize = 8;
/// So many modules that do not answer in time are enough: the others wait for the same. One may have a reason of its own.
const MOST_SILENT: u32 = 2;
/// No module is begun later than that.
const LIMIT: Duration = Duration::from_secs(60);

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
    let locks = fs::read_to_string("/proc/locks").unwrap_or_default();
    let free = limits.into_iter().map(|(file, most)| {
        let path = subject.outside(Path::new(OsStr::from_bytes(file)));
        let found = fs::metadata(path).ok();
        let used = found.map_or(0, |found| locks_of(&locks, found.dev(), found.ino()));
        most.saturating_sub(used)
    });
    let free = free.min().unwrap_or(AT_ONCE);
    (free / 2).clamp(1, AT_ONCE)
}

/// The locks of a file in the kernel's table (proc_locks(5)).
fn locks_of(table: &str, device: u64, inode: u64) -> usize {
    let file = format!("{:02x}:{:02x}:{inode}", major(device), minor(device));
    let is_held =
        |line: &&str| !line.contains("->") && line.split_ascii_whitespace().any(|word| word == file);
    table.lines().filter(is_held).count()
}

#[cfg(test)]
mod tests {
    use super::locks_of;

    #[test]
    fn locks_of_a_file_are_counted() {
        let table = "1: POSIX  ADVISORY  WRITE 70 08:01:123 0 3\n\
            1: -> POSIX  ADVISORY  WRITE 71 08:01:123 0 3\n\
            2: POSIX  ADVISORY  WRITE 72 08:01:123 4 7\n\
            3: FLOCK  ADVISORY  WRITE 73 08:01:1234 0 EOF\n";
        assert_eq!(locks_of(table, nix::sys::stat::makedev(8, 1), 123), 2);
        assert_eq!(locks_of(table, nix::sys::stat::makedev(8, 2), 123), 0);
        assert_eq!(locks_of("", 0, 0), 0);
    }
}
