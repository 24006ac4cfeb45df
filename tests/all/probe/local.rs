//! The configuration of the daemon that listens on this machine.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{PermissionsExt as _, chown},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use super::causes;
use crate::support::{
    daemon::has_rsync,
    port::Closed,
    program::{program, rsyncctl, stderr, stdout},
    skip,
    stage::is_root,
};

/// A daemon that listens by itself; it ends with this.
struct Standalone {
    process: Child,
    port: u16,
}

impl Drop for Standalone {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Standalone {
    /// Starts it in a folder, with the configuration of that name there.
    fn start(folder: &Path, name: &str) -> Self {
        Self::start_within(&[], folder, name)
    }

    /// The same behind some words that change who it is, or what it sees.
    fn start_within(words: &[&str], folder: &Path, name: &str) -> Self {
        // Somebody else may take the port before the daemon does.
        for _ in 0..20 {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = free.local_addr().expect("bound").port();
            drop(free);
            let line = [words, &["rsync"]].concat();
            let mut process = Command::new(line[0])
                .args(&line[1..])
                .args(["--daemon", "--no-detach", "--address=127.0.0.1"])
                .args([format!("--port={port}"), format!("--config={name}")])
                .current_dir(folder)
                .stdin(Stdio::null())
                .spawn()
                .expect("rsync runs");
            while process.try_wait().expect("a child").is_none() {
                if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                    return Self { process, port };
                }
                thread::yield_now();
            }
        }
        panic!("no daemon listens");
    }
}

#[test]
fn the_daemon_of_this_machine_is_found() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let text = format!(
        "use chroot = no\nreverse lookup = no\n[data]\npath = {0}\nauth users = joe\nsecrets file = {0}/secrets\n",
        root.display()
    );
    fs::write(root.join("own.conf"), text).expect("a file");
    fs::write(root.join("secrets"), "joe:not-a-secret\n").expect("a file");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let daemon = Standalone::start(root, "own.conf");
    let target = format!("rsync://joe@127.0.0.1:{}/data", daemon.port);
    let probe = |more: &[&str]| {
        let words = [&["probe", "--json", &*target], more].concat();
        let mut command = program(root, &words);
        let output = command
            .env("RSYNC_PASSWORD", "not-a-secret")
            .output()
            .expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(5), "{report:#}");
        (causes(&report)[0].to_owned(), stderr(&output))
    };
    assert_eq!(probe(&[]).0, "RSY810");
    let (cause, told) = probe(&["--local"]);
    assert_eq!(cause, "RSY302");
    let file = fs::canonicalize(root.join("own.conf")).expect("the file");
    let expected = format!(
        "--local takes {}: rsync (process {}) listens on port {}",
        file.display(),
        daemon.process.id(),
        daemon.port
    );
    assert!(told.contains(&expected), "{told}");
}

/// What is true of a daemon that somebody else than root runs, or that lacks rights of root's, is seen in its process.
#[test]
fn the_rights_of_the_process_count() {
    if !has_rsync() {
        return;
    }
    if !is_root() {
        skip("daemons of other users are started by root");
        return;
    }
    const PLAIN: &[&str] = &["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];
    const LOGIN: &str = "use chroot = no\nauth users = joe\nsecrets file = $/secrets\n";
    struct Case {
        title: &'static str,
        within: &'static [&'static str],
        own: &'static str,
        /// A file: its name, its mode, its owner.
        file: (&'static str, u32, u32),
        exits: &'static [i32],
        first: &'static str,
        cure: &'static str,
    }
    let cases = [
        Case {
            title: "the secrets file is the daemon's own, and the password is another",
            within: PLAIN,
            own: LOGIN,
            file: ("secrets", 0o600, 54321),
            exits: &[5],
            first: "RSY810",
            cure: "",
        },
        Case {
            title: "the secrets file is root's",
            within: PLAIN,
            own: LOGIN,
            file: ("secrets", 0o600, 0),
            exits: &[5],
            first: "RSY312",
            cure: "",
        },
        Case {
            title: "a file is root's alone",
            within: PLAIN,
            own: "use chroot = no\n",
            file: ("data/one", 0o600, 0),
            exits: &[23],
            first: "RSY840",
            cure: "exclude = /one",
        },
        Case {
            title: "a list of patterns is root's alone",
            within: PLAIN,
            own: "use chroot = no\nexclude from = $/patterns\n",
            file: ("patterns", 0o600, 0),
            exits: &[5],
            first: "RSY418",
            cure: "u:'54321':r",
        },
        Case {
            title: "a file of merged rules is root's alone",
            within: PLAIN,
            own: "use chroot = no\nfilter = - *.o merge $/rules\n",
            file: ("rules", 0o600, 0),
            exits: &[5],
            first: "RSY418",
            cure: "u:'54321':r",
        },
        Case {
            title: "the configuration is root's alone by now",
            within: PLAIN,
            own: "use chroot = no\n",
            file: ("own.conf", 0o600, 0),
            // It may hang up on what it has not read.
            exits: &[5, 12],
            first: "RSY893",
            cure: "",
        },
        Case {
            title: "root's daemon may not change its group",
            within: &["setpriv", "--bounding-set=-setgid", "--inh-caps=-all"],
            own: "use chroot = no\n",
            file: ("data/one", 0o644, 0),
            exits: &[5],
            first: "RSY719",
            cure: "",
        },
        Case {
            title: "root's daemon may not change its root folder",
            within: &["setpriv", "--bounding-set=-sys_chroot", "--inh-caps=-all"],
            own: "use chroot = yes\n",
            file: ("data/one", 0o644, 0),
            exits: &[5],
            first: "RSY719",
            cure: "",
        },
    ];
    for case in cases {
        let place = tempfile::tempdir().expect("a folder");
        let root = place.path();
        let mode = |path: &Path, mode| {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        };
        mode(root, 0o755);
        fs::create_dir(root.join("data")).expect("a folder");
        let folder = root.display().to_string();
        let own = case.own.replace('$', &folder);
        let text = format!("reverse lookup = no\n[data]\npath = {folder}/data\n{own}");
        for (name, text) in [
            ("data/one", "one\n"),
            ("secrets", "joe:not-a-secret\n"),
            ("patterns", "*.tmp\n"),
            ("rules", "- *.tmp\n"),
            ("own.conf", &text),
        ] {
            fs::write(root.join(name), text).expect("a file");
            mode(&root.join(name), 0o644);
        }
        let daemon = Standalone::start_within(case.within, root, "own.conf");
        let (name, bits, owner) = case.file;
        chown(root.join(name), Some(owner), Some(owner)).expect("root changes owners");
        mode(&root.join(name), bits);
        let target = format!("rsync://joe@127.0.0.1:{}/data", daemon.port);
        let probe = |format: &str, by: &[&str]| {
            let mut command = program(root, &[&["probe", format, &target], by].concat());
            command
                .env("RSYNC_PASSWORD", "another")
                .output()
                .expect("it runs")
        };
        // Who names the file of the daemon that is asked means that daemon.
        let live = ["--config=own.conf", "--host=live"];
        for by in [&["--local"][..], &live[..1], &live] {
            let output = probe("--format=json", by);
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let is_right = output
                .status
                .code()
                .is_some_and(|code| case.exits.contains(&code));
            assert!(is_right, "{}, {by:?}: {report:#}", case.title);
            assert_eq!(
                causes(&report)[0],
                case.first,
                "{}, {by:?}: {report:#}",
                case.title
            );
        }
        let told = stdout(&probe("--format=human", &["--local"]));
        assert!(told.contains(case.cure), "{}: {told}", case.title);
        assert!(!told.contains("account `nobody`"), "{}: {told}", case.title);
    }
}

/// What is gone since the daemon started, or hidden from it, is why nobody is served.
#[test]
fn what_the_daemon_does_not_see_is_told() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let file = root.join("own.conf");
    fs::create_dir_all(root.join("above/data")).expect("folders");
    let path = root.join("above/data").display().to_string();
    let write = || {
        fs::write(
            &file,
            format!("use chroot = no\nreverse lookup = no\n[data]\npath = {path}\n"),
        )
        .expect("a file");
    };
    let probe = |port: u16, format: &str| {
        let target = format!("rsync://127.0.0.1:{port}/data");
        rsyncctl(root, &["probe", format, "--local", &target])
    };
    let first = |port| {
        let report: Value = serde_json::from_slice(&probe(port, "--json").stdout).expect("JSON");
        causes(&report)[0].to_owned()
    };
    write();
    let daemon = Standalone::start(root, "own.conf");
    fs::remove_file(&file).expect("a file");
    assert_eq!(first(daemon.port), "RSY809");
    let told = stdout(&probe(daemon.port, "--format=human"));
    let last = told.lines().last().unwrap_or_default();
    assert!(last.contains(&file.display().to_string()), "{told}");
    drop(daemon);
    write();
    let hide = format!("mount -t tmpfs none {}/above && exec \"$@\"", root.display());
    let within = ["unshare", "--mount", "bash", "-c", &hide, "bash"];
    let can_hide = Command::new(within[0]).args(&within[1..]).arg("true").status();
    if !can_hide.is_ok_and(|status| status.success()) {
        skip("a daemon with mounts of its own needs the right to mount");
        return;
    }
    let daemon = Standalone::start_within(&within, root, "own.conf");
    assert_eq!(first(daemon.port), "RSY798");
    let told = stdout(&probe(daemon.port, "--format=human"));
    let last = told.lines().last().unwrap_or_default();
    assert!(
        last.contains(&format!(" && kill {0}; while kill -0 {0} ", daemon.process.id())),
        "{told}"
    );
}

/// A daemon that listens on another address of this machine is named where nothing listens on the one that is asked.
#[test]
fn the_address_that_is_asked_counts() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let text = format!("reverse lookup = no\n[data]\npath = {}/gone\n", root.display());
    fs::write(root.join("own.conf"), text).expect("a file");
    let daemon = Standalone::start(root, "own.conf");
    let probe = |host: &str| {
        let target = format!("rsync://{host}:{}/data", daemon.port);
        rsyncctl(root, &["probe", "--contimeout=1", "--local", &target])
    };
    let output = probe("127.0.0.77");
    let told = stdout(&output);
    let expected = "the daemon listens on `127.0.0.1` alone, and not on `127.0.0.77` (RSY801)";
    assert!(
        told.lines().next().is_some_and(|line| line.contains(expected)),
        "{told}"
    );
}

#[test]
fn who_else_listens_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port().to_string();
    let words = ["probe", "--local", "--timeout=1", "--port", &port, "127.0.0.1"];
    let told = stderr(&rsyncctl(folder.path(), &words));
    assert!(
        told.contains(&format!("listens on port {port}, and may start rsync")),
        "{told}"
    );
    let closed = Closed::new();
    let port = closed.port.to_string();
    let words = ["probe", "--local", "--timeout=1", "--port", &port, "127.0.0.1"];
    let told = stderr(&rsyncctl(folder.path(), &words));
    assert!(
        told.contains(&format!("no process of this machine listens on port {port}")),
        "{told}"
    );
    for words in [
        &["probe", "--local", "rsync://127.0.0.1:1/", "rsync://127.0.0.1:2/"][..],
        &["probe", "--local", "--config", "x", "127.0.0.1"],
    ] {
        let output = rsyncctl(folder.path(), words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
}
