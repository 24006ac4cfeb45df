//! Mistakes of the server's files: which of them a client meets.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use super::{causes, causes::report};
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program},
};

/// A mistake in somebody else's line keeps nobody else out.
#[test]
fn a_line_of_another_user_is_not_accused() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/new", "new\n"), ("secrets", "ann: x\njoe:pw\n")]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\n[m]\npath = {0}/served\nauth users = joe, ann\nsecrets file = {0}/secrets\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    for (user, rule) in [("joe", "RSY810"), ("ann", "RSY322")] {
        let target = format!("rsync://{user}@127.0.0.1:{}/m/", daemon.port());
        let (report, code) = report(root, &["--host", "live", "--config", "rsyncd.conf", &target]);
        assert_eq!(code, Some(5), "{report:#}");
        assert_eq!(causes(&report)[0], rule, "{report:#}");
    }
}

/// A mistake in the secrets file of another module keeps nobody out either.
#[test]
fn a_secrets_file_of_another_module_is_not_accused() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("served/new", "new\n"),
        ("sound", "joe:pw\n"),
        ("broken", "joe=not-a-secret\n"),
    ]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut text = "use chroot = no\n".to_owned();
    for module in ["sound", "broken"] {
        let file = root.join(module);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let (served, file) = (root.join("served"), file.display());
        text += &format!(
            "[{module}]\npath = {}\nauth users = joe\nsecrets file = {file}\n",
            served.display()
        );
    }
    let configuration = root.join("rsyncd.conf");
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    for (module, rule) in [("sound", "RSY810"), ("broken", "RSY321")] {
        let target = format!("rsync://joe@127.0.0.1:{}/{module}/", daemon.port());
        let (report, code) = report(root, &["--host", "live", "--config", "rsyncd.conf", &target]);
        assert_eq!(code, Some(5), "{report:#}");
        assert_eq!(causes(&report)[0], rule, "{report:#}");
    }
}

/// A line of nobody's keeps nobody out whose own line the daemon finds; whoever has none may be meant by it.
#[test]
fn a_line_of_nobodys_is_not_accused_where_the_user_has_one() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("served/new", "new\n"),
        ("besides", "not-a-secret\njoe:pw\n"),
        ("parted", "joe:\nnot-a-secret\n"),
        ("alone", "not-a-secret\n"),
    ]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let mut text = format!("use chroot = no\nlog file = {}/log\n", root.display());
    for module in ["besides", "parted", "alone"] {
        let file = root.join(module);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        text += &format!(
            "[{module}]\npath = {}/served\nauth users = joe\nsecrets file = {}\n",
            root.display(),
            file.display()
        );
    }
    fs::write(root.join("rsyncd.conf"), text).expect("a file");
    let daemon = Daemon::start(&root.join("rsyncd.conf"), &Run::default());
    for (module, password, rule) in [
        ("besides", None, "RSY815"),
        ("besides", Some("another"), "RSY810"),
        ("parted", Some("not-a-secret"), "RSY321"),
        ("alone", Some("not-a-secret"), "RSY321"),
        // The daemon has not come to compare passwords, which its log says.
        ("alone", None, "RSY321"),
    ] {
        let target = format!("rsync://joe@127.0.0.1:{}/{module}/", daemon.port());
        let words = [
            "probe",
            "--json",
            "--host",
            "live",
            "--config",
            "rsyncd.conf",
            &target,
        ];
        let mut ours = program(root, &words);
        ours.env_remove("RSYNC_PASSWORD");
        ours.envs(password.map(|password| ("RSYNC_PASSWORD", password)));
        let output = ours.output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(causes(&report)[0], rule, "{module} {password:?}: {report:#}");
    }
}
