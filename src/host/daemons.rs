use std::{
    ffi::{OsStr, OsString},
    fs,
    os::unix::ffi::OsStrExt as _,
    path::{Path, PathBuf},
};

use crate::host::{
    Fact, Unknown,
    listener::only_serves,
    spaces::{Space, has_own_network},
};

/// An rsync daemon that runs, as far as `/proc` shows it to us.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Daemon {
    /// Its process.
    pub process: u32,
    /// Its command line, the program first.
    pub words: Vec<OsString>,
    /// Its configuration file from the root of its machine; unknown if the name is relative and we may not see to what.
    pub configuration: Fact<PathBuf>,
    /// The user that it acts as.
    pub uid: Option<u32>,
    /// When it was started, in seconds since 1970.
    pub started: Option<i64>,
    /// The unit of systemd that it belongs to: `rsync.service`.
    pub unit: Option<String>,
    /// The name of the program that started it, if that still runs.
    pub parent: Option<String>,
    /// Whether it is in a container, so that its files are not this machine's.
    pub is_contained: bool,
    /// Whether it has the root folder of this machine, but mounts of its own, as systemd gives them to services.
    pub has_own_mounts: bool,
    /// Whether it has a network of its own, whose ports this machine does not have.
    pub has_own_network: bool,
    /// Whether a signal or a debugger holds it.
    pub is_stopped: bool,
    /// Whether it serves one connection that somebody else took, maybe a daemon that has ended, and listens nowhere.
    pub is_serving: bool,
}

/// What programs are called that listen in place of rsync and start it for each connection.
const SUPER_SERVERS: [&str; 5] = ["xinetd", "inetd", "systemd", "tcpserver", "ipsvd"];

/// Whether a program of that name listens in place of rsync and starts it for each connection.
pub fn is_super_server(program: &str) -> bool {
    SUPER_SERVERS.contains(&program)
}

/// The rsync daemons of this machine, in the order of their processes; those that serve a client of another one are left out.
pub fn daemons() -> Vec<Daemon> {
    daemons_of(Path::new("/proc"))
}

/// The same by a folder like `/proc`.
fn daemons_of(root: &Path) -> Vec<Daemon> {
    let lines = command_lines(root);
    let mut found: Vec<(Daemon, u32)> = lines
        .iter()
        // One that has ended meanwhile has no parent any more, and may have served a client of another.
        .filter_map(|(process, line)| Some((Daemon::read(root, *process, line)?, parent(root, *process)?)))
        .collect();
    let all: Vec<_> = found
        .iter()
        .map(|(daemon, _)| (daemon.process, daemon.words.clone()))
        .collect();
    // A daemon forks for each client, and the child keeps the command line.
    found.retain(|(daemon, parent)| {
        !all.iter()
            .any(|(process, words)| process == parent && *words == daemon.words)
    });
    found.into_iter().map(|(daemon, _)| daemon).collect()
}

/// The command lines of all processes, in the order of their numbers.
pub(super) fn command_lines(root: &Path) -> Vec<(u32, Vec<u8>)> {
    let Ok(processes) = fs::read_dir(root) else {
        return Vec::new();
    };
    let mut numbers: Vec<u32> = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let line = |process: u32| fs::read(root.join(process.to_string()).join("cmdline")).ok();
    numbers
        .into_iter()
        .filter_map(|process| Some((process, line(process)?)))
        .collect()
}

impl Daemon {
    fn read(root: &Path, process: u32, line: &[u8]) -> Option<Self> {
        let named = configuration(line)?;
        let folder = root.join(process.to_string());
        let text = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
        let configuration = whole(&folder, named);
        let unit = unit(&text("cgroup"));
        let parent = parent(root, process);
        let parent = parent.and_then(|parent| {
            let name = fs::read_to_string(root.join(parent.to_string()).join("comm")).ok()?;
            Some(name.trim_end().to_owned())
        });
        let input = fs::read_link(folder.join("fd/0")).ok();
        let has_socket = input.is_some_and(|link| link.as_os_str().as_bytes().starts_with(b"socket:"));
        // What was read of a process that ends meanwhile says nothing: one that served a client would seem to listen.
        if fs::read(folder.join("cmdline")).ok()? != line {
            return None;
        }
        let is_of_template = unit
            .as_ref()
            .is_some_and(|unit| unit.starts_with("rsync") && unit.contains('@'));
        let is_of_xinetd = parent
            .as_deref()
            .is_some_and(|name| name != "systemd" && is_super_server(name));
        let space = Space::of(root, &folder);
        // `rsync --server --daemon .` is started by sshd for one client.
        let has_remote_shell = words(line).any(|word| word == "--server");
        Some(Self {
            process,
            is_stopped: fields(&text("stat"))
                .next()
                .is_some_and(|state| matches!(state, "T" | "t")),
            words: words(line).map(OsStr::to_owned).collect(),
            configuration,
            uid: uid(&text("status")),
            started: start_of(root, process),
            unit,
            parent,
            is_contained: space == Space::Other,
            has_own_mounts: space == Space::OwnMounts,
            has_own_network: has_own_network(root, &folder),
            is_serving: has_socket
                || is_of_template
                || is_of_xinetd
                || has_remote_shell
                || only_serves(&folder),
        })
    }
}

/// The number that a user of ours has for a process (user_namespaces(7)): its own number where the process has no users of
/// its own.
pub fn user_inside(process: u32, uid: u32) -> Option<u32> {
    let map = fs::read_to_string(format!("/proc/{process}/uid_map")).ok()?;
    inside(&map, uid)
}

/// The same by a table of first number inside, first number outside, count.
fn inside(map: &str, uid: u32) -> Option<u32> {
    map.lines().find_map(|line| {
        let mut numbers = line
            .split_ascii_whitespace()
            .map_while(|word| word.parse::<u32>().ok());
        let (inside, outside, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        let below = uid.checked_sub(outside).filter(|below| *below < count)?;
        inside.checked_add(below)
    })
}

/// The number of the process that started a process: the second field behind the name of proc_pid_stat(5), which may hold
/// any character.
pub(super) fn parent(root: &Path, process: u32) -> Option<u32> {
    let stat = fs::read_to_string(root.join(process.to_string()).join("stat")).ok()?;
    fields(&stat).nth(1)?.parse().ok()
}

fn fields(stat: &str) -> impl Iterator<Item = &str> {
    let behind = stat.rsplit_once(')').map_or("", |(_, behind)| behind);
    behind.split_ascii_whitespace()
}

/// When a process was started, in seconds since 1970.
pub(super) fn start_of(root: &Path, process: u32) -> Option<i64> {
    let stat = fs::read_to_string(root.join(process.to_string()).join("stat")).ok()?;
    started(&stat, &fs::read_to_string(root.join("stat")).ok()?)
}

/// Ticks of a second in `/proc` on every architecture that rsync is packaged for (`USER_HZ`).
const TICKS: i64 = 100;

/// When a process was started: ticks after the boot, whose time `/proc/stat` tells.
fn started(stat: &str, machine: &str) -> Option<i64> {
    let boot: i64 = machine
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?
        .trim()
        .parse()
        .ok()?;
    let ticks: i64 = fields(stat).nth(19)?.parse().ok()?;
    boot.checked_add(ticks / TICKS)
}

/// The user that counts for the files that a process opens: the fourth number.
fn uid(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_ascii_whitespace().nth(3)?.parse().ok()
}

/// The unit of a process: the last part of its control group that is one. That of a user's whole session is none.
fn unit(groups: &str) -> Option<String> {
    let paths = groups.lines().filter_map(|line| line.rsplit(':').next());
    let mut parts = paths.flat_map(|path| path.rsplit('/'));
    let is_unit = |part: &&str| part.ends_with(".service") && !part.starts_with("user@");
    parts.find(is_unit).map(str::to_owned)
}

/// A path that a process was given, from the root: a name that begins nowhere begins where the process is, which others
/// than its user may not see.
pub(super) fn whole(process: &Path, named: PathBuf) -> Fact<PathBuf> {
    if named.is_absolute() {
        return Ok(named);
    }
    let from = fs::read_link(process.join("cwd")).map_err(|_| Unknown::Denied)?;
    Ok(from.join(named))
}

/// The configuration files that the rsync daemons of this machine were started with, as far as `/proc` shows their
/// command lines to us.
pub fn running_configurations() -> Vec<PathBuf> {
    running_in(Path::new("/proc"))
}

/// The same by a folder like `/proc`.
fn running_in(root: &Path) -> Vec<PathBuf> {
    let place = |process: u32, line: &[u8]| {
        let whole = whole(&root.join(process.to_string()), configuration(line)?).ok()?;
        Some(fs::canonicalize(&whole).unwrap_or(whole))
    };
    let lines = command_lines(root);
    let mut found: Vec<_> = lines
        .iter()
        .filter_map(|(process, line)| place(*process, line))
        .collect();
    found.sort();
    found.dedup();
    found
}

/// The words of a command line, which end with NUL.
pub(super) fn words(command_line: &[u8]) -> impl Iterator<Item = &OsStr> {
    let line = command_line.strip_suffix(b"\0").unwrap_or(command_line);
    line.split(|&byte| byte == 0).map(OsStr::from_bytes)
}

/// The configuration file of a command line whose words end with NUL, if it is that of an rsync daemon.
pub(super) fn configuration(command_line: &[u8]) -> Option<PathBuf> {
    let words: Vec<&OsStr> = words(command_line).collect();
    let program = Path::new(words.first()?).file_name()?;
    if program != "rsync" || !words.iter().any(|&word| word == "--daemon") {
        return None;
    }
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if let Some(path) = word.as_bytes().strip_prefix(b"--config=") {
            return Some(PathBuf::from(OsStr::from_bytes(path)));
        }
        if *word == "--config" {
            return words.next().map(PathBuf::from);
        }
    }
    Some(PathBuf::from("/etc/rsyncd.conf"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn daemons_are_known_by_their_command_line() {
        for (line, path) in [
            (
                &b"/usr/bin/rsync\0--daemon\0--config=/srv/r.conf\0"[..],
                Some("/srv/r.conf"),
            ),
            (b"rsync\0--daemon\0--config\0/srv/r.conf\0", Some("/srv/r.conf")),
            (b"rsync\0--daemon\0--no-detach\0", Some("/etc/rsyncd.conf")),
            (b"rsync\0-a\0a\0b\0", None),
            (b"grep\0rsync\0--daemon\0", None),
            (b"", None),
        ] {
            assert_eq!(configuration(line), path.map(PathBuf::from));
        }
    }

    /// A process of a machine that does not exist.
    struct Process<'a> {
        number: u32,
        parent: u32,
        name: &'a str,
        line: &'a str,
        group: &'a str,
        input: &'a str,
        space: &'a str,
        root: &'a str,
    }

    fn machine(processes: &[Process<'_>]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder");
        let write = |path: PathBuf, text: String| fs::write(path, text).expect("a file");
        write(root.path().join("stat"), "cpu 1 2\nbtime 1700000000\n".to_owned());
        fs::create_dir_all(root.path().join("self/ns")).expect("a folder");
        symlink("mnt:[1]", root.path().join("self/ns/mnt")).expect("a link");
        symlink("/", root.path().join("self/root")).expect("a link");
        for one in processes {
            let folder = root.path().join(one.number.to_string());
            fs::create_dir_all(folder.join("ns")).expect("a folder");
            fs::create_dir_all(folder.join("fd")).expect("a folder");
            write(
                folder.join("cmdline"),
                format!("{}\0", one.line.replace(' ', "\0")),
            );
            write(folder.join("comm"), format!("{}\n", one.name));
            write(folder.join("cgroup"), format!("0::{}\n", one.group));
            write(
                folder.join("status"),
                "Name:\trsync\nUid:\t0\t0\t0\t7\n".to_owned(),
            );
            let rest = "0 ".repeat(17);
            let (name, parent) = (one.name, one.parent);
            write(
                folder.join("stat"),
                format!("{} ({name}) S {parent} {rest}4200 0 0\n", one.number),
            );
            symlink("/srv", folder.join("cwd")).expect("a link");
            symlink(one.input, folder.join("fd/0")).expect("a link");
            symlink(one.space, folder.join("ns/mnt")).expect("a link");
            symlink(one.root, folder.join("root")).expect("a link");
        }
        root
    }

    const RSYNC: Process<'_> = Process {
        number: 10,
        parent: 1,
        name: "rsync",
        line: "/usr/bin/rsync --daemon --no-detach",
        group: "/system.slice/rsync.service",
        input: "/dev/null",
        space: "mnt:[1]",
        root: "/",
    };

    #[test]
    fn daemons_are_told_apart_from_their_children() {
        let systemd = Process {
            number: 1,
            parent: 0,
            name: "systemd",
            line: "/sbin/init",
            group: "/init.scope",
            ..RSYNC
        };
        let xinetd = Process {
            number: 5,
            name: "xinetd",
            line: "/usr/sbin/xinetd",
            ..RSYNC
        };
        let child = Process {
            number: 11,
            parent: 10,
            ..RSYNC
        };
        let second = Process {
            number: 20,
            line: "rsync --daemon --config=own.conf",
            group: "/user.slice/user-0.slice/user@0.service/app.slice/own.scope",
            ..RSYNC
        };
        let contained = Process {
            number: 30,
            space: "mnt:[2]",
            root: "/proc",
            ..RSYNC
        };
        let hardened = Process {
            number: 35,
            space: "mnt:[3]",
            ..RSYNC
        };
        let of_xinetd = Process {
            number: 40,
            parent: 5,
            input: "socket:[77]",
            line: "/usr/bin/rsync --daemon",
            ..RSYNC
        };
        let of_socket = Process {
            number: 50,
            group: "/system.slice/system-rsync.slice/rsync@3-1.service",
            ..RSYNC
        };
        let of_shell = Process {
            number: 55,
            line: "rsync --server --daemon .",
            group: "/user.slice/session-3.scope",
            ..RSYNC
        };
        let client = Process {
            number: 60,
            line: "rsync -a a b",
            ..RSYNC
        };
        let all = [
            systemd, xinetd, RSYNC, child, second, contained, hardened, of_xinetd, of_socket, of_shell,
            client,
        ];
        let root = machine(&all);
        let found = daemons_of(root.path());
        let numbers: Vec<_> = found.iter().map(|daemon| daemon.process).collect();
        assert_eq!(numbers, [10, 20, 30, 35, 40, 50, 55]);
        let [first, second, contained, hardened, of_xinetd, of_socket, of_shell] = &found[..] else {
            unreachable!("seven");
        };
        assert_eq!(first.configuration, Ok(PathBuf::from("/etc/rsyncd.conf")));
        assert_eq!(first.started, Some(1_700_000_042));
        assert_eq!(
            (first.uid, first.unit.as_deref()),
            (Some(7), Some("rsync.service"))
        );
        assert_eq!(first.parent.as_deref(), Some("systemd"));
        assert!(!first.is_serving && !first.is_contained && !first.has_own_mounts);
        assert!(hardened.has_own_mounts && !hardened.is_contained && !contained.has_own_mounts);
        assert_eq!(second.configuration, Ok(PathBuf::from("/srv/own.conf")));
        assert_eq!(second.unit, None);
        assert!(!second.is_serving);
        assert!(
            contained.is_contained && of_xinetd.is_serving && of_socket.is_serving && of_shell.is_serving
        );
    }

    #[test]
    fn a_name_that_begins_nowhere_is_not_one_of_ours() {
        let relative = Process {
            line: "rsync --daemon --config=Cargo.toml",
            ..RSYNC
        };
        let root = machine(&[relative]);
        assert_eq!(running_in(root.path()), [Path::new("/srv/Cargo.toml")]);
        fs::remove_file(root.path().join("10/cwd")).expect("it is there");
        assert!(running_in(root.path()).is_empty());
    }

    #[test]
    fn what_is_no_proc_has_no_daemons() {
        let empty = tempfile::tempdir().expect("a folder");
        assert!(daemons_of(empty.path()).is_empty());
        assert!(daemons_of(&empty.path().join("none")).is_empty());
        assert_eq!(started("7 (a) S 1", "btime x"), None);
        let map = "0 1000 1\n1 100000 65536\nx\n";
        assert_eq!(
            [1000, 100_000, 7].map(|uid| inside(map, uid)),
            [Some(0), Some(1), None]
        );
        assert_eq!(inside("0 0 4294967295\n", 65_534), Some(65_534));
        assert_eq!(uid("Uid:"), None);
    }
}
