use std::{
    fs, io, mem,
    process::{self, Child, Command, ExitStatus},
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::{
        signal::{Signal, killpg},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

/// What ends the processes of a trial, whoever gets there first.
#[derive(Debug, Default)]
pub struct Leash(Mutex<Held>);

#[derive(Debug, Default)]
struct Held {
    /// Nothing is started any more.
    is_over: bool,
    /// The processes that were started; each is the leader of a group.
    leaders: Vec<Child>,
    /// The words of their command lines, with a NUL behind each.
    words: Vec<u8>,
    /// What else there was in the end.
    stayed: Vec<Stayed>,
}

/// A process that a command of the configuration started, and that was still there when the trial was over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Stayed {
    /// Its number.
    pub id: i32,
    /// Its name.
    pub name: String,
    /// Whether it was ended. One that has left its group goes on.
    pub is_ended: bool,
}

/// How long processes are given to be gone once they are killed.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often it is looked whether they are.
const PAUSE: Duration = Duration::from_millis(5);

impl Leash {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts the leader of a group; its number.
    ///
    /// # Errors
    ///
    /// What the system says, or that the trial is over.
    pub(super) fn start(&self, command: &mut Command) -> io::Result<u32> {
        let mut held = self.held();
        if held.is_over {
            return Err(io::Error::other("the trial is over"));
        }
        let leader = command.spawn()?;
        let id = leader.id();
        held.leaders.push(leader);
        Ok(id)
    }

    /// How the leader of that number ended by itself.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) fn ended(&self, id: u32) -> io::Result<Option<ExitStatus>> {
        let mut held = self.held();
        let leader = held.leaders.iter_mut().find(|leader| leader.id() == id);
        let status = leader.map(Child::try_wait).transpose()?.flatten();
        if status.is_some() {
            // Its number may be another's from now on.
            held.leaders.retain(|leader| leader.id() != id);
        }
        Ok(status)
    }

    /// Whether a leader goes on. Those that have ended are forgotten, unless others of their group go on: their number
    /// must not become another's before the group is ended.
    pub(super) fn is_busy(&self) -> bool {
        let mut held = self.held();
        if held.leaders.iter().all(goes_on) {
            return !held.leaders.is_empty();
        }
        let processes = processes();
        held.leaders.retain_mut(|leader| {
            let is_over = !goes_on(leader) && !has_others(leader, &processes);
            !(is_over && leader.wait().is_ok())
        });
        held.leaders.iter().any(goes_on)
    }

    /// Ends all groups, and waits for their end; what commands of the configuration had left in them, or elsewhere.
    pub fn end(&self) -> Vec<Stayed> {
        let mut held = self.held();
        if mem::replace(&mut held.is_over, true) {
            return held.stayed.clone();
        }
        let leaders = mem::take(&mut held.leaders);
        let groups: Vec<_> = leaders.iter().filter_map(group).collect();
        let all = processes();
        let is_ours = |process: &&Process| {
            let is_leader = groups.contains(&process.id);
            !is_leader && (groups.contains(&process.group) || comes_from_us(process, &all))
        };
        let is_daemon = |process: &Process| {
            let words = fs::read(format!("/proc/{}/cmdline", process.id)).unwrap_or_default();
            !held.words.is_empty() && words.ends_with(&held.words)
        };
        let others: Vec<_> = all.iter().filter(is_ours).collect();
        let commands: Vec<_> = others.iter().copied().filter(|one| !is_daemon(one)).collect();
        for &group in &groups {
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
        for mut leader in leaders {
            let _ = leader.kill();
            let _ = leader.wait();
        }
        let in_groups = others.iter().filter(|one| groups.contains(&one.group));
        let mut in_groups: Vec<_> = in_groups.map(|one| one.id).collect();
        let begin = Instant::now();
        while !in_groups.is_empty() && begin.elapsed() < PATIENCE {
            let now = processes();
            in_groups.retain(|id| now.iter().any(|process| process.id == *id));
            thread::sleep(PAUSE);
        }
        let stayed = commands.iter().map(|one| Stayed {
            id: one.id,
            name: one.name.clone(),
            is_ended: groups.contains(&one.group) && !in_groups.contains(&one.id),
        });
        held.stayed = stayed.collect();
        held.stayed.clone()
    }

    /// Says what the command lines of the daemon's own processes end with.
    pub(super) fn know(&self, words: Vec<u8>) {
        self.held().words = words;
    }
}

/// Whether a process that we started has not ended; it is not waited for, so that nobody else gets its number.
fn goes_on(leader: &Child) -> bool {
    let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
    let id = group(leader).map(|id| Id::Pid(Pid::from_raw(id)));
    id.is_some_and(|id| matches!(waitid(id, flags), Ok(WaitStatus::StillAlive)))
}

fn group(leader: &Child) -> Option<i32> {
    i32::try_from(leader.id()).ok()
}

fn has_others(leader: &Child, processes: &[Process]) -> bool {
    let group = group(leader);
    processes
        .iter()
        .any(|process| Some(process.group) == group && Some(process.id) != group)
}

/// A process of this machine that has not ended.
struct Process {
    id: i32,
    name: String,
    parent: i32,
    group: i32,
}

/// Whether we started a process, or one that did.
fn comes_from_us(process: &Process, all: &[Process]) -> bool {
    let own = process::id().cast_signed();
    let mut parent = process.parent;
    // No line is longer than there are processes, also if they change meanwhile.
    for _ in all {
        if parent == own {
            return true;
        }
        match all.iter().find(|process| process.id == parent) {
            Some(process) => parent = process.parent,
            None => return false,
        }
    }
    false
}

/// The processes of this machine, as far as `/proc` shows them to us.
fn processes() -> Vec<Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter_map(|id: i32| process(id, &fs::read(format!("/proc/{id}/stat")).ok()?))
        .collect()
}

/// Reads `/proc/ID/stat` (proc_pid_stat(5)): the name stands in brackets, and may have some of its own.
fn process(id: i32, stat: &[u8]) -> Option<Process> {
    let stat = String::from_utf8_lossy(stat);
    let (name, fields) = stat.split_once('(')?.1.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let state = fields.next()?;
    let mut number = || fields.next()?.parse().ok();
    let process = Process {
        id,
        name: name.to_owned(),
        parent: number()?,
        group: number()?,
    };
    // Dead ones that nobody has waited for.
    (!matches!(state, "Z" | "X" | "x")).then_some(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_read_whatever_their_name_is() {
        let found = process(7, b"7 (a) (b c)) S 3 5 5 0 -1").expect("a process");
        assert_eq!((&*found.name, found.parent, found.group), ("a) (b c)", 3, 5));
        assert!(process(7, b"7 (gone) Z 3 5 5").is_none());
        assert!(process(7, b"").is_none());
        assert!(process(7, b"7 (a) S x y").is_none());
    }
}
