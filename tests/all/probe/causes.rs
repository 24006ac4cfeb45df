//! Causes that a session shows, and that its last lines alone do not name.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use serde_json::Value;

use super::{causes, peer};
use crate::support::{
    daemon::{Daemon, Run, has_rsync, rsync},
    program::{folder, program, rsyncctl, stdout},
    skip,
    stage::is_root,
};

/// A probe in a folder, its report, and its code.
pub(super) fn report(root: impl AsRef<std::path::Path>, words: &[&str]) -> (Value, Option<i32>) {
    let words = [&["probe", "--json"], words].concat();
    let output = program(root, &words)
        .env("RSYNC_PASSWORD", "not-a-secret")
        .output()
        .expect("it runs");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    (report, output.status.code())
}

/// What ends the list of modules too is no setting of one module.
#[test]
fn a_hang_up_behind_the_greeting_is_no_modules() {
    let folder = folder(&[]);
    let port = peer(b"@RSYNCD: 31.0\n");
    for target in [
        format!("rsync://127.0.0.1:{port}/"),
        format!("rsync://127.0.0.1:{port}/data"),
    ] {
        let (report, code) = report(folder.path(), &[&target]);
        assert_eq!(code, Some(5), "{report:#}");
        assert_eq!(causes(&report)[0], "RSY796", "{report:#}");
    }
}

/// What is no whole line is no greeting yet.
#[test]
fn the_beginning_of_a_greeting_is_none() {
    let folder = folder(&[]);
    let target = format!("rsync://127.0.0.1:{}/data", peer(b"@RSYNCD: 3"));
    let (report, code) = report(folder.path(), &[&target]);
    assert_eq!(code, Some(5), "{report:#}");
    let failed = &report["summary"]["failed"];
    assert_eq!(failed, "greeting", "{report:#}");
    assert!(!report.to_string().contains("newest_protocol"), "{report:#}");
}

/// In a pull the folder of `-T` is the client's.
#[test]
fn a_folder_for_temporary_files_is_looked_for_where_it_is() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/new", "new\n")]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    let text = format!("use chroot = no\n[m]\npath = {}/served\n", root.display());
    fs::write(&configuration, &text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let line = format!(
        "rsync -avz rsync://127.0.0.1:{}/m/ d/ -T /nonexistent",
        daemon.port()
    );
    let (report, code) = report(root, &["--really", "--reproduce", &line]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(causes(&report)[0], "RSY795", "{report:#}");
    let output = rsyncctl(root, &["probe", "--really", "--reproduce", &line]);
    assert!(
        stdout(&output).ends_with("type next, on the client: ls -ld /nonexistent\n"),
        "{output:?}"
    );
    // In a push it is the module's.
    let line = line
        .replace("d/ -T", "-T")
        .replace("rsync -avz", "rsync -avz served/");
    fs::write(&configuration, format!("{text}read only = no\n")).expect("a file");
    let (report, code) = self::report(root, &["--config", "rsyncd.conf", "--reproduce", &line]);
    assert_eq!(code, Some(1), "{report:#}");
    assert_eq!(causes(&report)[0], "RSY434", "{report:#}");
    let told = report["diagnoses"][0]["remedy"].to_string();
    assert!(told.contains("/served/nonexistent'"), "{told}");
    assert!(!told.contains("\"client\""), "{told}");
}

/// The list that has just come tells what the module is called.
#[test]
fn a_module_that_is_spelt_otherwise_is_named() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[(
        "rsyncd.conf",
        "use chroot = no\n[Data]\npath = /\n[other]\npath = /\n",
    )]);
    let daemon = Daemon::start(&folder.path().join("rsyncd.conf"), &Run::default());
    for (asked, is_near) in [("data", true), ("Dat", false), ("unlike", false)] {
        let target = format!("rsync://127.0.0.1:{}/{asked}", daemon.port());
        let (report, code) = report(folder.path(), &[&target]);
        assert_eq!(code, Some(5), "{report:#}");
        let first = &report["diagnoses"][0];
        assert_eq!(first["rule"], "RSY819", "{report:#}");
        let is_named = first["title"].to_string().contains("it is called `Data` there");
        assert_eq!(is_named, is_near, "{asked} {report:#}");
    }
}

/// Accounts are looked up inside of the root that the whole daemon changes to.
#[test]
fn an_account_that_the_chroot_lacks_is_told() {
    if !is_root() {
        skip("`daemon chroot` needs root");
        return;
    }
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("root/served/new", "new\n")]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    let text = format!("daemon chroot = {}/root\n[m]\npath = /served\n", root.display());
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
    let (report, code) = report(root, &["--host", "live", "--config", "rsyncd.conf", &target]);
    assert_eq!(code, Some(5), "{report:#}");
    assert_eq!(causes(&report)[0], "RSY797", "{report:#}");
}

/// What does not end as the client did is not why it ended.
#[test]
fn what_ends_the_client_is_told_first() {
    let text = "\
rsync: [sender] link_stat \"/srv/nosrc\" failed: No such file or directory (2)
rsync: [Receiver] mkdir \"x\" (in up) failed: Permission denied (13)
rsync error: error in file IO (code 11) at main.c(808) [Receiver=3.5.0]
";
    let folder = folder(&[("text", text)]);
    let output = rsyncctl(folder.path(), &["explain", "--json", "text"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let first = report["diagnoses"][0]["title"].to_string();
    assert!(!first.contains("nosrc"), "{report:#}");
    assert_eq!(report["diagnoses"][0]["rule"], "RSY841", "{report:#}");
}

/// A module of files that anybody may read, or only write, with lines in front of it.
fn served(root: &std::path::Path, before: &str, lines: &str) -> Daemon {
    fs::create_dir_all(root.join("files")).expect("a folder");
    fs::write(root.join("files/one"), "text\n").expect("a file");
    let configuration = root.join("rsyncd.conf");
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let text = format!(
        "uid = {user}\ngid = {group}\nuse chroot = no\nreverse lookup = no\n{before}[data]\npath = {}\n{lines}",
        root.join("files").display()
    );
    fs::write(&configuration, text).expect("a file");
    Daemon::start(&configuration, &Run::default())
}

/// rsync ends with 0 there, and has copied nothing.
#[test]
fn a_message_of_the_day_that_ends_sessions_without_a_word_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("motd", "Welcome!\n@RSYNCD: EXIT\n")]);
    let before = format!("motd file = {}\n", folder.path().join("motd").display());
    let daemon = served(folder.path(), &before, "");
    let target = format!("rsync://127.0.0.1:{}/data/", daemon.port());
    let real = rsync(&["-r".to_owned(), target.clone(), "here/".to_owned()], None);
    assert_eq!(real.status.code(), Some(0), "{real:?}");
    let line = format!("rsync -r {target} here/");
    for words in [&[&*target][..], &["--reproduce", &line]] {
        let (report, code) = report(folder.path(), words);
        assert_eq!(code, Some(0), "{report:#}");
        assert_eq!(causes(&report)[0], "RSY622", "{report:#}");
        let output = rsyncctl(folder.path(), &[&["probe"], words].concat());
        let first = stdout(&output).lines().next().unwrap_or_default().to_owned();
        assert!(
            first.contains("the message of the day has the line `@RSYNCD: EXIT`"),
            "{first}"
        );
    }
}

/// What nothing was read of is not told to be well.
#[test]
fn a_module_that_is_write_only_is_told_in_words() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[]);
    let daemon = served(folder.path(), "", "read only = no\nwrite only = yes\n");
    let target = format!("rsync://127.0.0.1:{}/data", daemon.port());
    for (words, expected) in [
        (
            &[&*target][..],
            "it is write only: nothing could be read, and writing was not tried",
        ),
        (
            &["--push", &target],
            "writing works; nothing could be read, for the module is write only",
        ),
    ] {
        let output = rsyncctl(folder.path(), &[&["probe"], words].concat());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let first = stdout(&output).lines().next().unwrap_or_default().to_owned();
        assert!(first.contains(expected), "{first}");
    }
}

/// A connection that is reset once another one was greeted fails at what it was made for.
#[test]
fn a_stage_that_was_passed_stays_so() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let target = format!("rsync://{}/data", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        let is_first = AtomicUsize::new(1);
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            if is_first.swap(0, Ordering::Relaxed) == 1 {
                let _ = stream.write_all(b"@RSYNCD: 31.0\ndata\t\n@RSYNCD: EXIT\n");
                let _ = stream.read_to_end(&mut Vec::new());
            } else {
                // What is unread resets it.
                let _ = stream.peek(&mut [0]);
            }
        }
    });
    let folder = folder(&[]);
    let (report, code) = report(folder.path(), &[&target]);
    assert_eq!(code, Some(12), "{report:#}");
    let stages = report["stages"].as_array().expect("stages").iter();
    let state = |name: &str| {
        let mut stages = stages.clone();
        stages.find(|stage| stage["stage"] == name).expect("it")["state"].clone()
    };
    assert_eq!(state("greeting"), "passed", "{report:#}");
    assert_eq!(state("module"), "failed", "{report:#}");
}

/// What is missing is not what is immutable.
#[test]
fn an_immutable_folder_is_named_by_what_was_to_be_made_in_it() {
    let text = "rsync: [generator] recv_generator: mkdir \"sub/new\" (in m) failed: Operation not permitted (1)\nrsync error: some files/attrs were not transferred (see previous errors) (code 23) at main.c(1394) [sender=3.5.0]\n";
    let folder = folder(&[("text", text)]);
    let told = stdout(&rsyncctl(folder.path(), &["explain", "text"]));
    let expected = "1. nothing may be made in the folder of `sub/new`, not even by root";
    assert!(
        told.contains(expected) && told.contains("chattr -i 'MODULE_PATH/sub'"),
        "{told}"
    );
}

/// No mode makes a password file of a folder.
#[test]
fn a_password_file_that_is_a_folder_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("passwords/joe", "not-a-secret\n")]);
    let place = folder.path().join("passwords");
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).expect("a mode");
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let words = [
        format!("--password-file={}", place.display()),
        format!("rsync://joe@127.0.0.1:{port}/data/"),
    ];
    let real = rsync(&words, None);
    let (report, code) = report(folder.path(), &[&words[0], &words[1]]);
    assert_eq!(code, real.status.code(), "{report:#}\n{real:?}");
    assert_eq!(causes(&report)[0], "RSY879", "{report:#}");
    let title = report["diagnoses"][0]["title"].as_str().expect("a title");
    assert!(title.ends_with("is a folder"), "{title}");
}

/// Folders that come in shut keep out what belongs into them.
#[test]
fn modes_that_close_folders_are_named_by_their_line() {
    if !has_rsync() || !is_root() {
        skip("modes count for nobody but root's others, and accounts are root's to change");
        return;
    }
    let folder = folder(&[]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let files = folder.path().join("files");
    fs::create_dir(&files).expect("a folder");
    fs::set_permissions(&files, fs::Permissions::from_mode(0o777)).expect("a mode");
    let configuration = folder.path().join("rsyncd.conf");
    for (modes, page) in [
        ("D0500,F0400", "RSY841"),
        ("Da-x", "RSY841"),
        ("a=rX", "RSY841"),
        ("u-w", "RSY841"),
        ("0440", "RSY840"),
    ] {
        let text = format!(
            "use chroot = no\nreverse lookup = no\n[data]\npath = {}\nuid = nobody\nread only = no\nincoming chmod = {modes}\n",
            files.display()
        );
        fs::write(&configuration, text).expect("a file");
        let daemon = Daemon::start(&configuration, &Run::default());
        let target = format!("rsync://127.0.0.1:{}/data", daemon.port());
        let (report, _) = report(folder.path(), &["--push", "--config", "rsyncd.conf", &target]);
        assert_eq!(causes(&report)[0], page, "{modes}: {report:#}");
        let because = report["diagnoses"][0]["because"].to_string();
        assert!(
            because.contains(&format!("incoming chmod = {modes}")),
            "{because}"
        );
    }
}

/// A blank at the end of a password file may belong to the password: the last line tells, at the real daemon.
#[test]
fn a_blank_behind_a_password_is_no_fact() {
    if !has_rsync() {
        return;
    }
    for (secret, is_wrong) in [("pw", true), ("another ", false)] {
        let secrets = format!("joe:{secret}\n");
        let folder = folder(&[("served/new", "new\n"), ("secrets", &secrets), ("pass", "pw \n")]);
        let root = folder.path();
        for (file, mode) in [("", 0o755), ("secrets", 0o600), ("pass", 0o600)] {
            fs::set_permissions(root.join(file), fs::Permissions::from_mode(mode)).expect("a mode");
        }
        let configuration = root.join("rsyncd.conf");
        let text = format!(
            "use chroot = no\n[m]\npath = {0}/served\nauth users = joe\nsecrets file = {0}/secrets\n",
            root.display()
        );
        fs::write(&configuration, text).expect("a file");
        let daemon = Daemon::start(&configuration, &Run::default());
        let target = format!("rsync://joe@127.0.0.1:{}/m/", daemon.port());
        let output = rsyncctl(root, &["probe", "--password-file", "pass", &target]);
        let text = stdout(&output);
        let first = text.lines().next().unwrap_or_default();
        assert!(
            first.contains("perhaps: the blank at the end of the password"),
            "{text}"
        );
        let last = text.lines().next_back().unwrap_or_default();
        let command = last
            .strip_prefix("type next, on the client: ")
            .expect("a command");
        let mut shell = std::process::Command::new("bash");
        let tried = shell
            .args(["-c", command])
            .current_dir(root)
            .output()
            .expect("it runs");
        assert_eq!(tried.status.success(), is_wrong, "{command}: {tried:?}");
    }
}

/// With the configuration a missing folder is named, and with its machine it is no guess.
#[test]
fn a_missing_path_is_named() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[]);
    let root = folder.path();
    let path = root.join("nowhere").display().to_string();
    let text = format!("use chroot = no\n[m]\npath = {path}\n");
    fs::write(root.join("rsyncd.conf"), text).expect("a file");
    let daemon = Daemon::start(&root.join("rsyncd.conf"), &Run::default());
    let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
    let look = format!("ls -ld '{path}'");
    for (host, hedge, next) in [("none", "perhaps: ", &*look), ("live", "", "vi +3 rsyncd.conf")] {
        let words = ["probe", "--host", host, "--config", "rsyncd.conf", &target];
        let output = rsyncctl(root, &words);
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        let told = stdout(&output);
        let first = format!(": {hedge}the path `{path}` of module `m` does not exist (RSY402)");
        assert!(
            told.lines().next().is_some_and(|line| line.ends_with(&first)),
            "{told}"
        );
        let last = format!("type next, on the server: {next}\n");
        assert!(told.ends_with(&last), "{told}");
    }
}
