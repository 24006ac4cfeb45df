//! Programs that watch folders and push what changes: their limits, and what is wrong with their configuration.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    fs,
    os::unix::{ffi::OsStrExt as _, fs::MetadataExt as _},
    path::{Path, PathBuf},
};

use crate::{
    catalog::FileKind,
    doctor::{
        Cause, Check, Fact, Report, Skip, Stage,
        client::{Client, ClientFact, Limit, Watcher, lsyncd},
    },
};

/// Programs that watch folders for rsync.
const PROGRAMS: [&str; 6] = [
    "sersync",
    "sersync2",
    "lsyncd",
    "inotifywait",
    "inotifywatch",
    "fswatch",
];
/// The limits of inotify for each user (inotify(7)), and those of the user namespace (namespaces(7)): the smaller one counts.
const LIMITS: [(&str, [&str; 2]); 2] = [
    (
        "max_user_watches",
        [
            "/proc/sys/fs/inotify/max_user_watches",
            "/proc/sys/user/max_inotify_watches",
        ],
    ),
    (
        "max_user_instances",
        [
            "/proc/sys/fs/inotify/max_user_instances",
            "/proc/sys/user/max_inotify_instances",
        ],
    ),
];
/// So many watching programs are looked at.
const MOST: usize = 32;

pub(super) fn look(client: &Client<'_>, stage: &mut Stage, report: &mut Report) {
    let found = watchers(Path::new("/proc"));
    let runs_lsyncd = found.iter().any(|(_, watcher)| watcher.program == "lsyncd");
    if !runs_lsyncd && lsyncd_ended(client, report) {
        stage.fail();
        if found.is_empty() {
            return;
        }
    }
    if found.is_empty() {
        stage.skip(Skip::NoWatcher);
        return;
    }
    let use_of = uses(Path::new("/proc"));
    for (_, watcher) in &found {
        stage.note(Fact::Client(ClientFact::Watches(watcher.clone())));
        if let Some(file) = &watcher.configuration {
            configuration(client, file, stage, report);
        }
    }
    let mut users: Vec<u32> = found.iter().map(|(uid, _)| *uid).collect();
    users.sort_unstable();
    users.dedup();
    for uid in users {
        let used = use_of.get(&uid).cloned().unwrap_or_default();
        for ((name, files), used_now) in LIMITS.into_iter().zip([used.watches, used.instances]) {
            let Some(most) = files.into_iter().filter_map(number).min() else {
                continue;
            };
            let limit = Limit {
                name,
                used: used_now,
                most,
                is_partial: used.is_partial,
            };
            if used_now >= most && name == "max_user_watches" {
                let path = found
                    .iter()
                    .find(|(own, _)| *own == uid)
                    .and_then(|(_, one)| one.configuration.clone());
                let path = path.unwrap_or_else(|| PathBuf::from("/"));
                let fact = format!("{used_now} of {most} watches of user {uid} are used");
                let arguments = vec![("path", path.display().to_string())];
                report
                    .causes
                    .push(client.cause("RSY960", Check::Watchers, &path, arguments, fact));
                stage.fail();
            } else if used_now.saturating_mul(10) >= most.saturating_mul(9) {
                stage.warn();
            }
            stage.note(Fact::Client(ClientFact::Limit(limit)));
        }
    }
}

/// Whether the lsyncd that pushes what the command pushes has ended, and would end again: each folder needs a watch.
fn lsyncd_ended(client: &Client<'_>, report: &mut Report) -> bool {
    let [(_, files), _] = LIMITS;
    let sources: Vec<_> = client.sources().map(|source| client.path(source)).collect();
    let limit = files.into_iter().filter_map(number).min();
    let ended = limit.and_then(|limit| Some((limit, lsyncd::ended(client.setup.host, &sources, limit)?)));
    let Some((limit, ended)) = ended else {
        return false;
    };
    let path = ended.source.display().to_string();
    let facts = vec![
        format!("{path}: {} folders or more, and {limit} watches", ended.folders),
        ended.said,
    ];
    let cause = Cause::of_rule(
        "RSY960",
        Check::Watchers,
        &ended.source,
        vec![("path", path)],
        facts,
    );
    report.causes.push(cause);
    true
}

/// What is wrong with the configuration of a program that watches; only sersync's is read.
fn configuration(client: &Client<'_>, file: &Path, stage: &mut Stage, report: &mut Report) {
    let name = file.display().to_string();
    match client.setup.host.read(file) {
        Ok(Some(bytes)) => client.judged(file, bytes, FileKind::Sersync, stage, report),
        Ok(None) => stage.note(Fact::NoFile(file.to_owned())),
        Err(reason) => {
            stage.note(Fact::Unseen(name.clone(), reason.clone()));
            report.not_seen(name, reason);
            stage.warn();
        }
    }
}

fn number(file: &str) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// The processes of a folder like `/proc`, in the order of their numbers.
fn processes(root: &Path) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    let mut found: Vec<_> = entries
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .collect();
    found.sort_unstable();
    found
}

/// The programs that watch, each with its user.
fn watchers(root: &Path) -> Vec<(u32, Watcher)> {
    let found = processes(root).into_iter().filter_map(|(process, folder)| {
        let line = fs::read(folder.join("cmdline")).ok()?;
        let words: Vec<OsString> = line
            .split(|&byte| byte == 0)
            .map(|word| OsStr::from_bytes(word).to_owned())
            .collect();
        let program = Path::new(words.first()?).file_name()?.to_str()?.to_owned();
        if !PROGRAMS.contains(&&*program) {
            return None;
        }
        let uid = fs::metadata(&folder).ok()?.uid();
        let configuration = (program.starts_with("sersync"))
            .then(|| configuration_of(&folder, &words))
            .flatten();
        Some((
            uid,
            Watcher {
                process,
                watches: use_of(&folder).map(|(watches, _)| watches),
                program,
                configuration,
            },
        ))
    });
    found.take(MOST).collect()
}

/// The file behind `-o`, else `confxml.xml` of the folder in which sersync was started (`sersync2 --help`).
fn configuration_of(folder: &Path, words: &[OsString]) -> Option<PathBuf> {
    let from = fs::read_link(folder.join("cwd")).ok();
    let named = words
        .iter()
        .position(|word| word == "-o")
        .and_then(|at| words.get(at + 1));
    let glued = words.iter().find_map(|word| {
        word.as_bytes()
            .strip_prefix(b"-o")
            .filter(|rest| !rest.is_empty())
    });
    let named = named
        .map(PathBuf::from)
        .or_else(|| glued.map(|rest| PathBuf::from(OsStr::from_bytes(rest))));
    let path = named.unwrap_or_else(|| PathBuf::from("confxml.xml"));
    match path.is_absolute() {
        true => Some(path),
        false => Some(from?.join(path)),
    }
}

/// What the processes of one user use of inotify.
#[derive(Clone, Debug, Default)]
struct Use {
    watches: u64,
    instances: u64,
    is_partial: bool,
}

/// The use of each user, as far as we may see it.
fn uses(root: &Path) -> BTreeMap<u32, Use> {
    let mut found: BTreeMap<u32, Use> = BTreeMap::new();
    for (_, folder) in processes(root) {
        let Ok(uid) = fs::metadata(&folder).map(|found| found.uid()) else {
            continue;
        };
        let own = found.entry(uid).or_default();
        match use_of(&folder) {
            Some((watches, instances)) => {
                own.watches += watches;
                own.instances += instances;
            }
            None => own.is_partial = true,
        }
    }
    found
}

/// Watches and instances of a process: lines `inotify wd:` of its descriptors (proc_pid_fdinfo(5)). None if we may not look.
fn use_of(folder: &Path) -> Option<(u64, u64)> {
    let mut watches = 0;
    let mut instances = 0;
    for entry in fs::read_dir(folder.join("fdinfo")).ok()?.flatten() {
        let descriptor = folder.join("fd").join(entry.file_name());
        let is_inotify = fs::read_link(descriptor).is_ok_and(|link| link.as_os_str() == "anon_inode:inotify");
        if !is_inotify {
            continue;
        }
        instances += 1;
        let text = fs::read_to_string(entry.path()).unwrap_or_default();
        watches += text
            .lines()
            .filter(|line| line.starts_with("inotify wd:"))
            .count() as u64;
    }
    Some((watches, instances))
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, fs, os::unix::fs::symlink, path::PathBuf};

    use super::{configuration_of, use_of, watchers};

    #[test]
    fn programs_that_watch_are_known_with_what_they_use() {
        let root = tempfile::tempdir().expect("a folder");
        let process = root.path().join("7");
        for folder in ["fd", "fdinfo"] {
            fs::create_dir_all(process.join(folder)).expect("a folder");
        }
        fs::write(
            process.join("cmdline"),
            "/usr/local/sersync/sersync2\0-r\0-d\0-o\0/etc/confxml.xml\0",
        )
        .expect("a file");
        symlink("anon_inode:inotify", process.join("fd/4")).expect("a link");
        symlink("/dev/null", process.join("fd/5")).expect("a link");
        fs::write(
            process.join("fdinfo/4"),
            "pos:\t0\ninotify wd:2 ino:1\ninotify wd:1 ino:2\n",
        )
        .expect("a file");
        fs::write(process.join("fdinfo/5"), "pos:\t0\n").expect("a file");
        let other = root.path().join("8");
        fs::create_dir(&other).expect("a folder");
        fs::write(other.join("cmdline"), "grep\0sersync2\0").expect("a file");
        let found = watchers(root.path());
        let [(_, watcher)] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!(
            (watcher.process, &*watcher.program, watcher.watches),
            (7, "sersync2", Some(2))
        );
        assert_eq!(
            watcher.configuration.as_deref(),
            Some("/etc/confxml.xml".as_ref())
        );
        assert_eq!(use_of(&process), Some((2, 1)));
        assert_eq!(use_of(&other), None);
    }

    #[test]
    fn the_configuration_is_beside_sersync_if_none_is_named() {
        let root = tempfile::tempdir().expect("a folder");
        symlink("/srv/sersync", root.path().join("cwd")).expect("a link");
        let named = |line: &str| {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            configuration_of(root.path(), &words)
        };
        assert_eq!(
            named("sersync2 -r"),
            Some(PathBuf::from("/srv/sersync/confxml.xml"))
        );
        assert_eq!(
            named("sersync2 -r -o a.xml"),
            Some(PathBuf::from("/srv/sersync/a.xml"))
        );
        assert_eq!(named("sersync2 -o/etc/a.xml"), Some(PathBuf::from("/etc/a.xml")));
    }
}
