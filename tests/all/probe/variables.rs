//! The variables that a command line finds: what a script sets, and what cron and systemd hand on.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use serde_json::Value;

use super::peer;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, rsyncctl, stderr},
};

/// What a script, a crontab or the command line sets for rsync holds for a dry run, too.
#[test]
fn variables_of_the_command_line_hold() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/new", "new\n"), ("secrets", "joe:not-a-secret\n")]);
    let root = folder.path();
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    let text = format!(
        "use chroot = no\n[m]\npath = {0}/served\nauth users = joe\nsecrets file = {0}/secrets\n",
        root.display()
    );
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let here = root.join("here").display().to_string();
    let rsync = format!("rsync -r rsync://127.0.0.1:{}/m/ {here}/", daemon.port());
    fs::write(
        root.join("a.sh"),
        format!("export USER=joe RSYNC_PASSWORD=not-a-secret\n{rsync}\n"),
    )
    .expect("a file");
    fs::write(
        root.join("a.cron"),
        format!("USER=joe\n0 3 * * * RSYNC_PASSWORD=not-a-secret {rsync}\n"),
    )
    .expect("a file");
    let password = "RSYNC_PASSWORD=not-a-secret";
    for (line, code, rule, from) in [
        ("a.sh:2", 0, "", "USER"),
        ("a.cron:2", 0, "", "USER"),
        (&*format!("USER=joe {password} {rsync}"), 0, "", "USER"),
        (
            &format!("export LOGNAME=joe; {password} {rsync}"),
            0,
            "",
            "LOGNAME",
        ),
        (
            &format!("USER= LOGNAME=joe {password} {rsync}"),
            5,
            "RSY810",
            "default",
        ),
        (&format!("RSYNC_PROXY=127.0.0.1:1 {rsync}"), 10, "RSY813", ""),
    ] {
        for is_real in [false, true] {
            let mut words = vec!["probe", "--json", "--reproduce", line];
            words.extend(is_real.then_some("--really"));
            let output = program(root, &words)
                .env_remove("USER")
                .env_remove("LOGNAME")
                .output()
                .expect("it runs");
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(output.status.code(), Some(code), "{line} {report:#}");
            assert_eq!(
                report["diagnoses"][0]["rule"].as_str().unwrap_or_default(),
                rule,
                "{line} {report:#}"
            );
            let stages = report["stages"].as_array().expect("stages");
            let login = stages
                .iter()
                .find(|stage| stage["stage"] == "authentication")
                .expect("one");
            let facts = login["facts"].as_array().expect("facts");
            let told = facts.iter().find_map(|fact| fact["user_from"].as_str());
            assert_eq!(told.unwrap_or_default(), from, "{line} {report:#}");
        }
    }
    // A dry run starts no program of the user's, and says so.
    let line = format!("RSYNC_CONNECT_PROG='touch started' {rsync}");
    let output = rsyncctl(root, &["probe", "--reproduce", &line]);
    assert!(stderr(&output).contains("`RSYNC_CONNECT_PROG=`"), "{output:?}");
    assert!(!root.join("started").exists());
    rsyncctl(root, &["probe", "--really", "--reproduce", &line]);
    assert!(root.join("started").exists());
}

/// Variables count where they hold for sure, and what nobody can know is named.
#[test]
fn variables_hold_as_far_as_a_shell_hands_them_on() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/one", "text\n")]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = folder.path().join("rsyncd.conf");
    let served = folder.path().join("served").display().to_string();
    fs::write(&configuration, format!("use chroot = no\n[m]\npath = {served}\n")).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let call = format!("rsync -rn rsync://127.0.0.1:{}/m/ here/", daemon.port());
    // Nothing listens there.
    let proxy = "127.0.0.1:1";
    for (before, in_front, is_unknown) in [
        ("unset RSYNC_PROXY", "", false),
        ("", "", false),
        ("", "env -u RSYNC_PROXY ", false),
        ("", "env -i PATH=$PATH ", false),
        ("( unset RSYNC_PROXY )", "", false),
        ("RSYNC_PROXY=", "", false),
        ("if false; then unset RSYNC_PROXY; fi", "", true),
    ] {
        fs::write(
            folder.path().join("a.sh"),
            format!("{before}\n{in_front}{call}\n"),
        )
        .expect("a file");
        let mut bash = Command::new("bash");
        bash.arg("a.sh")
            .current_dir(folder.path())
            .env("RSYNC_PROXY", proxy);
        let real = bash.output().expect("bash runs");
        let mut ours = program(folder.path(), &["probe", "--reproduce", "a.sh:2"]);
        let ours = ours.env("RSYNC_PROXY", proxy).output().expect("it runs");
        assert_eq!(
            ours.status.code(),
            real.status.code(),
            "{before} {in_front}: {ours:?}\n{real:?}"
        );
        let told = stderr(&ours).contains("`RSYNC_PROXY=`");
        assert_eq!(told, is_unknown, "{before}: {ours:?}");
    }
    let line = format!("RSYNC_PASSWORD=pw sudo rsync -rn {}", &call[10..]);
    let output = rsyncctl(folder.path(), &["probe", "--reproduce", &line]);
    let expected = "sudo keeps `RSYNC_PASSWORD` from rsync";
    assert!(stderr(&output).contains(expected), "{output:?}");
}

/// cron and systemd hand on nothing of our own environment, and split what they set as any shell does.
#[test]
fn jobs_have_an_environment_of_their_own() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module m\n");
    let folder = folder(&[]);
    let root = folder.path();
    let target = format!("rsync://127.0.0.1:{port}/m/ /tmp/none/");
    let told = "RSYNC_PASSWORD is set here, and nothing sets it where cron or systemd starts";
    for (name, text, line, is_told, login) in [
        ("a.cron", "0 3 * * * rsync -r TARGET\n", 1, true, "LOGNAME"),
        (
            "a.cron",
            "RSYNC_PASSWORD=x\n0 3 * * * rsync -r TARGET\n",
            2,
            false,
            "LOGNAME",
        ),
        (
            "a.cron",
            "0 3 * * * RSYNC_PASSWORD=x rsync -r TARGET\n",
            1,
            false,
            "LOGNAME",
        ),
        (
            "a.service",
            "[Service]\nExecStart=/usr/bin/rsync -r TARGET\n",
            2,
            true,
            "default",
        ),
        (
            "a.service",
            "[Service]\nExecStart=sh -c 'rsync -r TARGET'\n",
            2,
            true,
            "default",
        ),
        (
            "a.service",
            "[Service]\nEnvironment=RSYNC_PASSWORD=x USER=joe\nExecStart=rsync -r TARGET\n",
            3,
            false,
            "USER",
        ),
        ("a.sh", "rsync -r TARGET\n", 1, false, "USER"),
    ] {
        fs::write(root.join(name), text.replace("TARGET", &target)).expect("a file");
        let place = format!("{name}:{line}");
        let output = program(root, &["probe", "--json", "--reproduce", &place])
            .env("RSYNC_PASSWORD", "ours")
            .env("RSYNC_PROXY", "127.0.0.1:1")
            .env("USER", "joe")
            .output()
            .expect("it runs");
        if name != "a.sh" {
            // No proxy of ours is in the way.
            assert_eq!(output.status.code(), Some(5), "{text} {output:?}");
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let shown = report.to_string();
            assert!(
                shown.contains(&format!("\"user_from\":\"{login}\"")),
                "{text} {shown}"
            );
        }
        assert_eq!(stderr(&output).contains(told), is_told, "{text} {output:?}");
    }
    for (text, expected) in [
        ("OPTS=-r --delete\n0 3 * * * rsync $OPTS TARGET\n", "-r --delete"),
        (
            "OPTS=-r --delete\n0 3 * * * rsync \"$OPTS\" TARGET\n",
            "'-r --delete'",
        ),
        ("NONE=\n0 3 * * * rsync -r $NONE TARGET\n", "-r"),
    ] {
        fs::write(root.join("a.cron"), text.replace("TARGET", &target)).expect("a file");
        let output = program(root, &["probe", "--json", "--reproduce", "a.cron:2"])
            .output()
            .expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["target"], format!("rsync {expected} {target}"), "{text}");
    }
}
