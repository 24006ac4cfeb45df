//! What is told of a failure fits the case, and nothing is told that cannot be.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::{causes, causes::report, peer};
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    port::Closed,
    program::{folder, program, stdout},
    skip,
    stage::is_root,
};

/// Our own greeting is sound: who does not understand it has not heard it as it was sent.
#[test]
fn a_greeting_that_is_not_understood_was_changed() {
    let folder = folder(&[]);
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: protocol startup error\n");
    let (report, code) = report(folder.path(), &[&format!("rsync://127.0.0.1:{port}/data")]);
    assert_eq!(code, Some(5), "{report:#}");
    assert_eq!(causes(&report)[0], "RSY522", "{report:#}");
    let title = report["diagnoses"][0]["title"].to_string();
    assert!(title.contains("something on the way"), "{report:#}");
}

/// Who has greeted has come further than those who hang up in place of a greeting.
#[test]
fn a_session_that_began_was_greeted() {
    let folder = folder(&[]);
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: OK\n");
    let (report, _) = report(folder.path(), &[&format!("rsync://127.0.0.1:{port}/data")]);
    let causes = causes(&report);
    assert_eq!(causes[0], "RSY833", "{report:#}");
    for early in ["RSY811", "RSY103", "RSY407"] {
        assert!(!causes.contains(&early), "{report:#}");
    }
}

/// What the last line says to type is made of the configuration and of the failure: names in the place of variables, all files
/// in the place of the first.
#[test]
fn what_to_type_fits_the_case() {
    if !has_rsync() || !is_root() {
        skip("files of root's are served as nobody, which needs root");
        return;
    }
    let folder = folder(&[
        ("homes/ann/one", "one\n"),
        ("closed/one", "one\n"),
        ("closed/two", "two\n"),
        ("closed/sub/three", "three\n"),
        ("secrets", "joe:not-a-secret\n"),
    ]);
    let root = folder.path();
    let place = root.display();
    let mode = |name: &str, mode| {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    };
    mode("", 0o755);
    mode("secrets", 0o600);
    for name in ["closed/one", "closed/two", "closed/sub/three"] {
        mode(name, 0o600);
    }
    fs::create_dir(root.join("taken")).expect("a folder");
    mode("taken", 0o777);
    fs::create_dir(root.join("shut")).expect("a folder");
    mode("shut", 0o700);
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\nreverse lookup = no\n[homes]\npath = {place}/homes/%RSYNC_USER_NAME%\nauth users = joe\nsecrets file = {place}/secrets\n[closed]\npath = {place}/closed\n[taken]\npath = {place}/taken\nread only = no\nincoming chmod = D555,F444\n[shut]\npath = {place}/shut\n"
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let file = configuration.display().to_string();
    let told = |target: &str, more: &[&str]| {
        let target = format!("rsync://joe@127.0.0.1:{}/{target}", daemon.port());
        let words = [
            &["probe", "--host", "live", "--config", &*file, &*target][..],
            more,
        ]
        .concat();
        let output = program(root, &words)
            .env("RSYNC_PASSWORD", "not-a-secret")
            .output()
            .expect("it runs");
        stdout(&output)
    };
    let homes = told("homes", &[]);
    assert!(homes.contains(&format!("ls -ld '{place}/homes/joe'")), "{homes}");
    assert!(!homes.contains("%RSYNC_USER_NAME%"), "{homes}");
    let closed = told("closed", &[]);
    for expected in [
        "may not read `one` and 2 more in module `closed` (RSY840)".to_owned(),
        "all 3 files that were asked for failed".to_owned(),
        format!("setfacl -R -m u:nobody:rX '{place}/closed'\n"),
    ] {
        assert!(closed.contains(&expected), "{expected}: {closed}");
    }
    let shut = told("shut", &[]);
    let expected = format!("type next, on the server: setfacl -m u:'nobody':rx '{place}/shut'\n");
    assert!(shut.ends_with(&expected), "{shut}");
    let taken = told("taken", &["--push"]);
    assert!(
        taken.contains("`incoming chmod` of module `taken` takes"),
        "{taken}"
    );
    assert!(!taken.contains("chown -R"), "{taken}");
}

/// What is wrong with the client's own password file is mended on the client.
#[test]
fn a_password_file_is_mended_where_it_is() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/one", "one\n"), ("secrets", "joe:not-a-secret\n")]);
    let root = folder.path();
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\nreverse lookup = no\n[m]\npath = {0}/served\nauth users = joe\nsecrets file = {0}/secrets\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let daemon = Daemon::start(&configuration, &Run::default());
    let file = root.join("pw").display().to_string();
    let target = format!("rsync://joe@127.0.0.1:{}/m", daemon.port());
    for (text, rule) in [
        ("\"not-a-secret\"\n", "RSY340"),
        ("not-a-secret # of the backup\n", "RSY330"),
    ] {
        fs::write(&file, text).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        let line = format!("rsync -a --password-file={file} {target}/ here/");
        for words in [
            &["--password-file", &*file, &*target][..],
            &["--reproduce", &*line],
        ] {
            let words = [&["probe"], words].concat();
            let told = stdout(&program(root, &words).output().expect("it runs"));
            let [first, last] = [told.lines().next(), told.lines().last()].map(Option::unwrap_or_default);
            assert!(first.contains(rule), "{rule}: {told}");
            assert!(last.contains("on the client"), "{rule}: {told}");
            assert!(!told.contains("perhaps: perhaps"), "{told}");
        }
    }
}

/// A configuration with which no daemon starts is why nothing listens.
#[test]
fn what_keeps_a_daemon_from_starting_is_named() {
    let folder = folder(&[("data/one", "one\n")]);
    let root = folder.path();
    let closed = Closed::new();
    let port = closed.port;
    let file = root.join("rsyncd.conf");
    for (lines, expected) in [
        ("", "RSY801"),
        ("pid file = $ROOT/gone/pid\n", "RSY604"),
        ("pid file = $ROOT/gone/pid\naddress = 127.0.0.1\n", "RSY604"),
    ] {
        let lines = lines.replace("$ROOT", &root.display().to_string());
        let text = format!("use chroot = no\n{lines}[data]\npath = {}/data\n", root.display());
        fs::write(&file, text).expect("a file");
        let name = file.display().to_string();
        let target = format!("rsync://127.0.0.1:{port}/data");
        let (report, code) = report(root, &["--host", "live", "--config", &name, &target]);
        assert_eq!(code, Some(10), "{report:#}");
        assert_eq!(causes(&report)[0], expected, "{report:#}");
    }
}
