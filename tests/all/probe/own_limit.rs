//! How long the probe waits is its own affair: the server is not told.

use std::{
    fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    thread,
};

use serde_json::Value;

use super::{causes, peer_that_waits};
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, rsyncctl},
};

/// A daemon may refuse `--timeout`, and rsync sends none where nobody asks for it.
#[test]
fn no_time_limit_is_sent_that_nobody_gave() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/new", "new\n")]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    let served = root.join("served");
    let text = format!(
        "use chroot = no\nrefuse options = timeout\n[m]\npath = {}\n",
        served.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
    let line = format!("rsync -av {target} here/");
    let limited = format!("rsync -av --timeout=20 {target} here/");
    for (words, is_sound) in [
        (&["probe", &target][..], true),
        (&["probe", "--timeout=20", &target], true),
        (&["probe", "--reproduce", &line], true),
        (&["probe", "--really", "--reproduce", &line], true),
        (&["probe", "--reproduce", &limited], false),
        (&["try", "--format", "json", "rsyncd.conf"], true),
    ] {
        let output = rsyncctl(root, words);
        assert_eq!(output.status.code() == Some(0), is_sound, "{words:?}: {output:?}");
    }
}

/// A limit that rsync does not have is told as ours.
#[test]
fn the_limit_is_told_as_our_own() {
    let folder = folder(&[]);
    for says in [&b""[..], b"@RSYNCD: 31.0\n", b"@RSYNCD: 31.0\n@RSYNCD: OK\n"] {
        let target = format!("rsync://127.0.0.1:{}/data/", peer_that_waits(says));
        let line = format!("rsync -a {target} here/");
        let limited = format!("rsync -a --timeout=1 {target} here/");
        for (words, is_ours) in [
            (&["--timeout=1", &*target][..], true),
            (&["--timeout=1", "--reproduce", &line], true),
            (&["--reproduce", &limited], false),
        ] {
            let words = [&["probe", "--json"], words].concat();
            let output = rsyncctl(folder.path(), &words);
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(output.status.code(), Some(30), "{report:#}");
            assert_eq!(
                causes(&report).contains(&"RSY794"),
                is_ours,
                "{words:?} {report:#}"
            );
            assert_eq!(
                causes(&report).contains(&"RSY868"),
                !is_ours,
                "{words:?} {report:#}"
            );
            if is_ours {
                let title = report["diagnoses"][0]["title"].to_string();
                assert!(title.contains("within 1 seconds"), "{title}");
            }
        }
    }
}

/// Serves one connection as a daemon does, and no more: refuses them, or takes them and hangs up.
fn served_once(daemon: u16, hangs_up: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        let (mut client, _) = listener.accept().expect("a client");
        let listener = hangs_up.then_some(listener);
        let mut server = TcpStream::connect(("127.0.0.1", daemon)).expect("the daemon");
        let (mut to, mut from) = (
            server.try_clone().expect("a socket"),
            client.try_clone().expect("a socket"),
        );
        thread::spawn(move || io::copy(&mut from, &mut to));
        let _ = io::copy(&mut server, &mut client);
        drop(client);
        for later in listener.iter().flat_map(TcpListener::incoming).flatten() {
            // What has come is read, so that the end arrives as one.
            let mut later = later;
            let _ = later.read(&mut [0; 64]).and_then(|_| later.flush());
        }
    });
    port
}

/// Who was served a moment before knows that the daemon runs.
#[test]
fn a_limit_of_connections_is_no_daemon_that_does_not_run() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/new", "new\n")]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    let text = format!("use chroot = no\n[m]\npath = {}\n", root.join("served").display());
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    for hangs_up in [false, true] {
        let target = format!("rsync://127.0.0.1:{}/m/", served_once(daemon.port(), hangs_up));
        let output = rsyncctl(root, &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_ne!(output.status.code(), Some(0), "{report:#}");
        assert_eq!(causes(&report).first(), Some(&"RSY519"), "{report:#}");
    }
}
