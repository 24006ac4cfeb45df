//! The write test, at real daemons.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getegid, geteuid},
};
use serde_json::Value;

use super::remarks;
use crate::support::{
    daemon::{Daemon, Run, account, has_rsync, installed},
    program::{keeps_to, program, rsyncctl, schema, stdout},
    skip,
};

const MODULES: &str = "\
use chroot = no\nreverse lookup = no\nread only = no\n\
[open]\npath = $ROOT/open\n\
[written]\npath = $ROOT/written\nwrite only = yes\n\
[read]\npath = $ROOT/read\nread only = yes\n\
[kept]\npath = $ROOT/kept\nrefuse options = delete\n\
[hidden]\npath = $ROOT/hidden\nexclude = rsyncctl-probe-*\n\
[full]\npath = $ROOT/file\n";

/// The folder of a probe that was cut off.
const OLD: &str = "rsyncctl-probe-0123456789abcdef";
/// One that may be at work.
const YOUNG: &str = "rsyncctl-probe-fedcba9876543210";
/// One that somebody has put something into.
const TAKEN: &str = "rsyncctl-probe-aaaaaaaaaaaaaaaa";
/// One of somebody else's.
const OTHER: &str = "rsyncctl-probe-results";

fn stages(report: &Value) -> BTreeMap<&str, &Value> {
    let stages = report["stages"].as_array().expect("stages");
    let named = stages
        .iter()
        .map(|stage| (stage["stage"].as_str().expect("a name"), stage));
    named.collect()
}

/// How the four stages end, a letter each: passed, failed, skipped, not reached.
fn states(report: &Value) -> String {
    let stages = stages(report);
    let state = |name: &str| stages[name]["state"].as_str().expect("a state");
    let all = ["push", "push-delta", "read-back", "removal"];
    all.iter().map(|name| &state(name)[..1]).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back_and_deleted() {
    let installed = match installed() {
        Ok(release) => release.to_string(),
        Err(reason) => {
            skip(reason);
            return;
        }
    };
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    for module in ["open", "open/sub", "written", "read", "kept", "hidden"] {
        fs::create_dir(root.join(module)).expect("a folder");
        fs::write(root.join(module).join("small"), "small\n").expect("a file");
    }
    fs::write(root.join("file"), "no folder\n").expect("a file");
    let long_ago = SystemTime::now() - Duration::from_secs(100_000);
    for (name, modified) in [
        (OLD, long_ago),
        (OTHER, long_ago),
        (TAKEN, long_ago),
        (YOUNG, SystemTime::now()),
    ] {
        for folder in [root.join("open"), root.join("open/sub")] {
            fs::create_dir(folder.join(name)).expect("a folder");
            // As long as what a probe sends.
            fs::write(folder.join(name).join("probe"), vec![b'x'; 128 << 10]).expect("a file");
            if name == TAKEN {
                fs::write(folder.join(name).join("precious"), "kept\n").expect("a file");
            }
            let opened = fs::File::open(folder.join(name)).expect("a folder");
            opened.set_modified(modified).expect("a time");
        }
    }
    let configuration = root.join("rsyncd.conf");
    let (user, group) = (geteuid(), getegid());
    let text = MODULES.replace("$ROOT", &root.display().to_string());
    fs::write(&configuration, format!("uid = {user}\ngid = {group}\n{text}")).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let schema = schema("schemas/rsyncctl-1.schema.json");
    for (module, exit, expected, kept) in [
        ("open/sub", 0, "pppp", &[OTHER, TAKEN, YOUNG, "small"][..]),
        ("open", 0, "pppp", &[OTHER, TAKEN, YOUNG, "small", "sub"]),
        ("written", 0, "ppsp", &["small"]),
        ("read", 1, "fnnn", &["small"]),
        ("kept", 4, "pppf", &["small"]),
        ("hidden", 23, "fnnf", &["small"]),
        ("full", 5, "nnnn", &[]),
    ] {
        let target = format!("rsync://127.0.0.1:{}/{module}", daemon.port());
        let output = rsyncctl(root, &["probe", "--push", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema, &report);
        assert_eq!(output.status.code(), Some(exit), "{module}: {report:#}");
        assert_eq!(states(&report), expected, "{module}: {report:#}");
        let stages = stages(&report);
        if expected.starts_with("pp") {
            let saved = &stages["push-delta"]["facts"][1]["matched_bytes"];
            assert!(saved.as_u64() > Some(120_000), "{report:#}");
        }
        let noticed = match module {
            "full" => &[][..],
            _ if expected.starts_with('p') => &["RSY517"],
            _ => &["RSY516"],
        };
        assert_eq!(remarks(&report), noticed, "{report:#}");
        if module == "read" {
            // The server says of itself what it is.
            let told = stages["version"]["facts"].as_array().expect("facts").iter();
            let exact = told.filter(|fact| fact["oldest"] == installed && fact["newest"] == installed);
            assert_eq!(exact.count(), 1, "{report:#}");
        }
        let left = stages["removal"]["facts"].as_array().expect("facts").iter();
        let left: Vec<_> = left.filter_map(|fact| fact["left"].as_str()).collect();
        if module == "full" {
            assert!(left.is_empty(), "{report:#}");
            continue;
        }
        let mut there: Vec<_> = kept.iter().map(|name| (*name).to_owned()).collect();
        there.extend(left.iter().map(|name| (*name).to_owned()));
        there.sort();
        assert_eq!(names(&root.join(module)), there, "{module}: {report:#}");
        if kept.contains(&TAKEN) {
            assert_eq!(
                names(&root.join(module).join(TAKEN)),
                ["precious", "probe"],
                "{report:#}"
            );
        }
        assert_eq!(
            left.len(),
            usize::from(matches!(module, "kept" | "hidden")),
            "{report:#}"
        );
    }
    // Who knows the module's own folder looks nowhere else for what is left.
    let target = format!("rsync://127.0.0.1:{}/kept", daemon.port());
    let file = configuration.display().to_string();
    let output = rsyncctl(
        root,
        &["probe", "--push", "--host", "live", "--config", &file, &target],
    );
    let told = stdout(&output);
    let cure = format!("find -H {}/kept \\( -path ", root.display());
    assert!(told.contains(&cure), "{told}");
    // Through a symlink, too.
    let text = fs::read_to_string(&configuration).expect("a file");
    let kept = root.join("kept").display().to_string();
    symlink("kept", root.join("way")).expect("a link");
    let way = root.join("way").display().to_string();
    fs::write(&configuration, text.replace(&kept, &way)).expect("a file");
    let output = rsyncctl(
        root,
        &["probe", "--push", "--host", "live", "--config", &file, &target],
    );
    let told = stdout(&output);
    let mut lines = told.lines();
    let command = lines.find_map(|line| Some(line.split_once("on the server: ")?.1));
    let command = command.unwrap_or_else(|| panic!("no command in {told}"));
    let last = command
        .split("/probe'")
        .next()
        .and_then(|text| text.rsplit('/').next());
    let left = root.join("kept").join(last.expect("the folder's name"));
    assert!(left.exists(), "{command}");
    let status = Command::new("sh").args(["-c", command]).status();
    assert!(status.expect("a shell").success(), "{command}");
    assert!(!left.exists(), "{command}");
    assert!(command.contains(&way), "{command}");
}

/// A daemon with one module `m`, an empty folder that may be written to, and what else is set for it.
fn one_module(root: &Path, more: &str) -> Daemon {
    fs::create_dir(root.join("m")).expect("a folder");
    let module = "use chroot = no\nreverse lookup = no\n[m]\npath = $ROOT/m\nread only = no\n";
    let text = format!("{module}{more}").replace("$ROOT", &root.display().to_string());
    let configuration = root.join("rsyncd.conf");
    fs::write(&configuration, text).expect("a file");
    Daemon::start(&configuration, &Run::default())
}

/// The module's own folder belongs to somebody else: its mode and its owner stay, whatever is done to all that comes in.
#[test]
fn the_module_itself_is_not_touched() {
    if !has_rsync() {
        return;
    }
    let user = geteuid();
    // As root the daemon is somebody who owns the module, or who does not.
    let (daemon, owners) = match user.is_root() {
        true => {
            let nobody = account("nobody");
            ((nobody.uid, nobody.gid), vec![nobody.uid, user])
        }
        false => ((user, getegid()), vec![user]),
    };
    for (owner, mode, incoming) in owners
        .iter()
        .flat_map(|owner| [0o2775, 0o1777].map(|mode| (owner, mode)))
        .flat_map(|(owner, mode)| ["D0700,F0600", "a-w"].map(|incoming| (owner, mode, incoming)))
    {
        if *owner != daemon.0 && mode != 0o1777 {
            continue;
        }
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path();
        fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
        let more = format!(
            "uid = {}\ngid = {}\nincoming chmod = {incoming}\n",
            daemon.0, daemon.1
        );
        let served = one_module(root, &more);
        let module = root.join("m");
        chown(&module, Some(owner.as_raw()), None).expect("root changes owners");
        fs::set_permissions(&module, fs::Permissions::from_mode(mode)).expect("a mode");
        let state = || {
            let status = fs::metadata(&module).expect("it is there");
            (status.mode(), status.uid(), status.gid())
        };
        let before = state();
        let target = format!("rsync://127.0.0.1:{}/m", served.port());
        let output = rsyncctl(root, &["probe", "--push", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let left = names(&module);
        let told = report.to_string();
        assert_eq!(state(), before, "{owner} {mode:o} {incoming}: {report:#}");
        assert!(
            left.iter()
                .all(|name| told.contains(&format!("\"left\":\"{name}\"")))
        );
        assert_eq!(
            told.contains("\"left\""),
            !left.is_empty(),
            "{incoming}: {report:#}"
        );
        // A folder without the right to write takes no file.
        if incoming != "a-w" {
            assert_eq!(states(&report), "pppp", "{report:#}");
            assert_eq!(output.status.code(), Some(0), "{report:#}");
        }
    }
}

/// What is named and is not there is not made.
#[test]
fn a_missing_folder_is_not_made() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let daemon = one_module(
        place.path(),
        &format!("uid = {}\ngid = {}\n", geteuid(), getegid()),
    );
    let target = format!("rsync://127.0.0.1:{}/m/missing", daemon.port());
    let output = rsyncctl(place.path(), &["probe", "--push", "--json", &target]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(23), "{report:#}");
    assert_eq!(states(&report), "nnnn", "{report:#}");
    assert_eq!(names(&place.path().join("m")), [""; 0]);
}

/// A daemon counts a connection until its command after the transfer has ended, and the next one comes before that.
#[test]
fn an_earlier_connection_that_still_counts_is_waited_for() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let more = format!(
        "uid = {}\ngid = {}\nmax connections = 1\npost-xfer exec = sleep 0.3\n",
        geteuid(),
        getegid()
    );
    let daemon = one_module(place.path(), &more);
    let target = format!("rsync://127.0.0.1:{}/m", daemon.port());
    let output = rsyncctl(place.path(), &["probe", "--push", "--json", &target]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(output.status.code(), Some(0), "{report:#}");
    assert_eq!(states(&report), "pppp", "{report:#}");
    assert_eq!(names(&place.path().join("m")), [""; 0]);
}

/// The n-th session waits in a command of the daemon's, and the user has enough.
#[test]
fn what_an_interrupted_probe_leaves_is_named() {
    if !has_rsync() {
        return;
    }
    // `timeout` sends two, one right behind the other; the same one twice may come as one.
    for (session, is_left, signals) in [
        (2, false, &[Signal::SIGINT][..]),
        (3, true, &[Signal::SIGTERM]),
        (4, true, &[Signal::SIGINT]),
        (5, true, &[Signal::SIGTERM]),
        (2, false, &[Signal::SIGTERM, Signal::SIGINT]),
        (3, true, &[Signal::SIGTERM, Signal::SIGHUP]),
        (4, true, &[Signal::SIGINT, Signal::SIGTERM]),
    ] {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path();
        let more = format!(
            "uid = {}\ngid = {}\npre-xfer exec = echo >> $ROOT/count; \
             test $(wc -l < $ROOT/count) -lt {session} || {{ touch $ROOT/hook; \
             while test -e $ROOT/waiting; do sleep 0.05; done; }}\n",
            geteuid(),
            getegid()
        );
        let daemon = one_module(root, &more);
        fs::write(root.join("waiting"), "").expect("a file");
        fs::create_dir(root.join("tmp")).expect("a folder");
        let target = format!("rsync://127.0.0.1:{}/m", daemon.port());
        let mut command = program(root, &["probe", "--push", &target]);
        command.env("TMPDIR", root.join("tmp")).stdout(Stdio::piped());
        let mut probe = command.spawn().expect("it runs");
        while !root.join("hook").exists() {
            let ended = probe.try_wait().expect("it can be waited for");
            assert_eq!(ended, None, "it ended before its time");
            thread::yield_now();
        }
        for signal in signals {
            // Nobody has waited for it: its number stays its own.
            kill(Pid::from_raw(probe.id().cast_signed()), *signal).expect("it is there");
        }
        let output = probe.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stdout);
        fs::remove_file(root.join("waiting")).expect("it is there");
        drop(daemon);
        assert_eq!(output.status.code(), Some(20), "{told}");
        assert_eq!(names(&root.join("tmp")), [""; 0], "{told}");
        let left = names(&root.join("m"));
        assert_eq!(left.len(), usize::from(is_left), "{session}: {told}");
        let command = |name: &String| {
            let last = name.rsplit('/').next().unwrap_or(name);
            told.contains(&format!(
                "find -H / \\( -path '*/{last}/probe' -o -path '*/{last}' -empty \\) -delete"
            ))
        };
        assert!(left.iter().all(command), "{session}: {told}");
        assert_eq!(told.contains(" -delete"), is_left, "{session}: {told}");
    }
}
