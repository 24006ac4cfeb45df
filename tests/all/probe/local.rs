//! The configuration of the daemon that listens on this machine.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
};

use serde_json::Value;

use super::causes;
use crate::support::{
    daemon::has_rsync,
    program::{program, rsyncctl, stderr},
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
        // Somebody else may take the port before the daemon does.
        for _ in 0..20 {
            let free = TcpListener::bind("127.0.0.1:0").expect("a port");
            let port = free.local_addr().expect("bound").port();
            drop(free);
            let mut process = Command::new("rsync")
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
    drop(listener);
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
