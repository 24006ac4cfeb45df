//! Daemons that work, each in its own way: nothing is wrong with them, and nothing of ours stays.

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, Ipv6Addr, TcpListener},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use nix::unistd::{getegid, geteuid};
use serde_json::Value;

use super::remarks;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{keeps_to, program, schema, stdout},
    skip,
};

/// A configuration behind the lines that all have, and how it is probed. `$ROOT` is the folder of the test.
struct Healthy {
    name: &'static str,
    lines: &'static str,
    /// Whether clients log in as joe.
    is_guarded: bool,
    /// Whether it may be written to.
    is_writable: bool,
}

const fn open(name: &'static str, lines: &'static str) -> Healthy {
    Healthy {
        name,
        lines,
        is_guarded: false,
        is_writable: false,
    }
}

const fn writable(name: &'static str, lines: &'static str) -> Healthy {
    Healthy {
        name,
        lines,
        is_guarded: false,
        is_writable: true,
    }
}

const fn guarded(name: &'static str, lines: &'static str) -> Healthy {
    Healthy {
        name,
        lines,
        is_guarded: true,
        is_writable: false,
    }
}

const ALL: [Healthy; 24] = [
    open("mirror", ""),
    open("hidden", "list = no"),
    open("chroot", "use chroot = yes"),
    open("munged", "munge symlinks = yes"),
    open("filters", "exclude = *.tmp\nfilter = - /sub/secret"),
    open("rules-of-files", "exclude from = $ROOT/rules"),
    open("greeted", "motd file = $ROOT/rules"),
    open("limited", "max connections = 9\nlock file = $ROOT/lock"),
    open("timed", "timeout = 60"),
    open("plain", "dont compress = *\nrefuse options = compress checksum"),
    open("changed-modes", "outgoing chmod = Dg+s,F600"),
    open("hosts", "hosts allow = 127.0.0.0/8 ::1\nhosts deny = *"),
    open("hosts-of-others", "hosts deny = 192.0.2.0/24"),
    open("logged", "transfer logging = yes\nlog format = %o %f %l"),
    open("hooked", "pre-xfer exec = /bin/true\npost-xfer exec = /bin/true"),
    open("numbers", "numeric ids = yes\nfake super = yes"),
    guarded("users", "auth users = joe"),
    guarded("users-of-a-pattern", "auth users = j*, @wheel:deny"),
    guarded("readers", "auth users = joe:ro, ann:rw\nread only = no"),
    writable("drop-box", "read only = no\nwrite only = yes"),
    writable("upload", "read only = no"),
    writable("upload-with-modes", "read only = no\nincoming chmod = D755,F644"),
    writable("upload-beside", "read only = no\ntemp dir = /sub"),
    Healthy {
        name: "writers",
        lines: "auth users = joe:rw\nread only = yes",
        is_guarded: true,
        is_writable: true,
    },
];

/// The names below a folder, and what the files hold.
fn content(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let bytes = if path.is_file() {
                fs::read(&path).expect("a file")
            } else {
                Vec::new()
            };
            all.insert(path.display().to_string(), bytes);
            if path.is_dir() && !path.is_symlink() {
                folders.push(path);
            }
        }
    }
    all
}

#[test]
fn nothing_is_wrong_with_a_daemon_that_works() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let files = root.join("files");
    fs::create_dir_all(files.join("sub")).expect("folders");
    fs::write(files.join("sub/large"), vec![b'a'; 50_000]).expect("a file");
    fs::write(files.join("small"), "small\n").expect("a file");
    symlink("small", files.join("link")).expect("a link");
    fs::write(root.join("rules"), "- *.bak\n").expect("a file");
    fs::write(root.join("secrets"), "joe:not-a-secret\nann:no-secret-either\n").expect("a file");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let before = content(&files);
    let mut wrong = Vec::new();
    for healthy in &ALL {
        let is_root = geteuid().is_root();
        if healthy.lines.contains("use chroot = yes") && !is_root {
            skip("only root may change its root folder");
            continue;
        }
        let lines = healthy.lines.replace("$ROOT", &root.display().to_string());
        let (user, group) = (geteuid(), getegid());
        let chroot = if lines.contains("use chroot") {
            ""
        } else {
            "use chroot = no\n"
        };
        let text = format!(
            "uid = {user}\ngid = {group}\nreverse lookup = no\nsecrets file = {0}/secrets\n{chroot}\
             [module of {1}]\npath = {0}/files\n{lines}\n",
            root.display(),
            healthy.name
        );
        let configuration = root.join(format!("{}.conf", healthy.name));
        fs::write(&configuration, text).expect("a file");
        // Every other one is reached over IPv6, where the machine has it.
        let is_six = healthy.name.len() % 2 == 0;
        let six = is_six
            .then(|| TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).ok())
            .flatten();
        let host = if six.is_some() { "[::1]" } else { "127.0.0.1" };
        let listener = six.unwrap_or_else(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port"));
        let daemon = Daemon::serve(listener, &configuration, &Run::default());
        let user = if healthy.is_guarded { "joe@" } else { "" };
        let target = format!(
            "rsync://{user}{host}:{}/module of {}",
            daemon.port(),
            healthy.name
        );
        let temporary = tempfile::tempdir().expect("a folder");
        let mut words = vec!["probe", "--json", &target];
        words.extend(healthy.is_writable.then_some("--push"));
        let mut command = program(root, &words);
        command
            .env("RSYNC_PASSWORD", "not-a-secret")
            .env("TMPDIR", temporary.path());
        let output = command.output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema, &report);
        let findings = report["findings"].as_array().expect("findings");
        let is_wrong = findings.iter().any(|finding| finding["severity"] == "error");
        let is_left = fs::read_dir(temporary.path()).expect("a folder").count() > 0;
        if output.status.code() != Some(0) || is_wrong || is_left || content(&files) != before {
            wrong.push(format!("{}: {report:#}\n{}", healthy.name, daemon.log()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A daemon with modules that work.
const HEALTHY: &str = "\
use chroot = no\nreverse lookup = no\n\
[open]\npath = $ROOT/files\ncomment = for all\n\
[closed]\npath = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/secrets\n\
[hidden]\npath = $ROOT/files\nlist = no\n\
[empty]\npath = $ROOT/nothing\n";

#[test]
fn a_daemon_that_works_passes_every_stage() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let user = geteuid();
    let text = format!("uid = {user}\ngid = {}\n{HEALTHY}", getegid());
    let configuration = root.join("rsyncd.conf");
    fs::write(&configuration, text.replace("$ROOT", &root.display().to_string())).expect("a file");
    fs::create_dir_all(root.join("files/sub")).expect("folders");
    fs::create_dir(root.join("nothing")).expect("a folder");
    let large: Vec<u8> = (0..100_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    fs::write(root.join("files/sub/large [1].bin"), large).expect("a file");
    fs::write(root.join("files/small"), "small\n").expect("a file");
    // A time that programs set by mistake is as good as any.
    let opened = fs::File::options()
        .write(true)
        .open(root.join("files/sub/large [1].bin"));
    opened
        .expect("it")
        .set_modified(std::time::UNIX_EPOCH)
        .expect("a time");
    fs::write(root.join("secrets"), "joe:not-a-secret\n").expect("a file");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let daemon = Daemon::start(&configuration, &Run::default());
    let folder = tempfile::tempdir().expect("a folder");
    for (module, skipped, noticed) in [
        ("open", &["authentication"][..], &["RSY516"][..]),
        ("closed", &[], &["RSY518"]),
        ("hidden", &["authentication"], &["RSY516"]),
        (
            "empty",
            &["authentication", "pull", "delta"],
            &["RSY516", "RSY523"],
        ),
    ] {
        let target = format!("rsync://joe@127.0.0.1:{}/{module}", daemon.port());
        let mut command = program(folder.path(), &["probe", "--json", &target]);
        command
            .env("RSYNC_PASSWORD", "not-a-secret")
            .env("TMPDIR", folder.path());
        let output = command.output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
        assert_eq!(output.status.code(), Some(0), "{report:#}");
        assert!(!stdout(&output).contains("not-a-secret"), "{report}");
        assert_eq!(remarks(&report), noticed, "{report:#}");
        for stage in report["stages"].as_array().expect("stages") {
            let name = stage["stage"].as_str().expect("a name");
            let expected = match name {
                "command-line" | "opening" | "push" | "push-delta" | "read-back" | "removal" | "transfer" => {
                    "skipped"
                }
                name if skipped.contains(&name) => "skipped",
                _ => "passed",
            };
            assert_eq!(stage["state"], expected, "{module}: {stage}");
            if name == "delta" && module != "empty" {
                let saving = &stage["facts"][1];
                assert!(saving["matched_bytes"].as_u64() > Some(90_000), "{stage}");
            }
        }
    }
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "something is left");
}

/// A configuration whose module `m` has one file; `more` lines stand behind, with the module's folder for `{path}`.
fn serving(root: &Path, more: &str) -> PathBuf {
    let files = root.join("files");
    fs::create_dir(&files).expect("a folder");
    fs::write(files.join("one"), "text\n").expect("a file");
    let path = files.display().to_string();
    let (user, group, more) = (geteuid(), getegid(), more.replace("{path}", &path));
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "uid = {user}\ngid = {group}\nuse chroot = no\nreverse lookup = no\n[m]\npath = {path}\n{more}"
    );
    fs::write(&configuration, text).expect("a file");
    configuration
}

/// Who reads the last line alone knows what to do.
#[test]
fn the_last_line_says_that_all_is_well() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let configuration = serving(root, "[in]\npath = {path}\nread only = no\nwrite only = yes\n");
    let daemon = Daemon::start(&configuration, &Run::default());
    let host = format!("rsync://127.0.0.1:{}", daemon.port());
    let line = format!("rsync -r {host}/m/ here/");
    for (words, expected) in [
        (
            vec![format!("{host}/m")],
            "all is well: nothing to do now; what was noticed",
        ),
        (
            vec![host.clone()],
            "all is well: nothing to do; to try a module too, name it",
        ),
        (
            vec![format!("{host}/in")],
            "do next: run the same probe with --push to try writing",
        ),
        (
            vec!["--reproduce".to_owned(), line],
            "do next: run it; a dry run copies nothing (--really does)",
        ),
    ] {
        let output = program(root, &["probe"]).args(&words).output().expect("it runs");
        let told = stdout(&output);
        let last = told.lines().next_back().unwrap_or_default();
        assert!(last.starts_with(expected), "{words:?}: {told}");
    }
}

/// What somebody writes while it is pulled is nothing that came wrong.
#[test]
fn a_file_that_is_written_meanwhile_is_no_failure() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    let configuration = serving(root, "pre-xfer exec = echo another line >> {path}/one\n");
    let daemon = Daemon::start(&configuration, &Run::default());
    let target = format!("rsync://127.0.0.1:{}/m", daemon.port());
    let output = program(root, &["probe", &target]).output().expect("it runs");
    let told = stdout(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("one was written on the server meanwhile"), "{told}");
    let output = program(root, &["try", "--hooks", "rsyncd.conf"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

/// A module in which the trial has its own files is tried without them.
#[test]
fn a_trial_does_not_take_its_own_log() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    serving(root, "");
    let mut trial = program(root, &["try", "rsyncd.conf"]);
    let output = trial.env("TMPDIR", root.join("files")).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("1 file came"), "{output:?}");
}
