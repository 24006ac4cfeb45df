//! Units: what keeps systemd from starting the rsync in them.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::{peer, staging::tells};
use crate::support::{
    program::{folder, program, rsyncctl, stdout},
    skip,
};

/// Whether systemd refuses a unit; nothing where it is not there to ask.
fn is_refused(file: &Path) -> Option<bool> {
    let mut systemd = Command::new("systemd-analyze");
    let said = systemd
        .args(["verify", "--man=no"])
        .arg(file)
        .output()
        .ok()?
        .stderr;
    Some(String::from_utf8_lossy(&said).contains("has a bad unit file setting"))
}

/// What a unit runs first, and what it names that is not there.
#[test]
fn a_dry_run_knows_whether_a_unit_comes_to_rsync() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let call = format!("rsync rsync://127.0.0.1:{port}/");
    let folder = folder(&[]);
    let root = folder.path();
    for (text, expected) in [
        (
            "ExecStartPre=/bin/false\nExecStart=RSYNC\n",
            "`ExecStartPre=/bin/false` fails on this machine",
        ),
        (
            "ExecStart=RSYNC\nExecStartPre=/no/such/program\n",
            "`ExecStartPre=/no/such/program` fails",
        ),
        (
            "Type=oneshot\nExecStart=false\nExecStart=RSYNC\n",
            "`ExecStart=false` fails",
        ),
        (
            "ExecStart=/no/such/RSYNC\n",
            "there is no program `/no/such/rsync`",
        ),
        ("ExecStart=/bin/sh -ec 'false; RSYNC'\n", ""),
        (
            "ExecStart=/bin/sh -c 'set -e; false; RSYNC'\n",
            "`false` on line 1 fails",
        ),
        ("ExecStartPre=-/bin/false\nExecStart=RSYNC\n", ""),
        ("ExecStartPre=/bin/false\nExecStartPre=\nExecStart=RSYNC\n", ""),
        ("ExecStart=RSYNC\nExecStartPost=/bin/false\n", ""),
        (
            "ExecStartPre=/bin/cp /bin/true /no/such/program\nExecStartPre=/no/such/program\nExecStart=RSYNC\n",
            "around it was not carried out",
        ),
        (
            "ExecStartPre=-/bin/cp /usr/bin/rsync /no/such/rsync\nExecStart=/no/such/RSYNC\n",
            "",
        ),
        (
            "ExecStartPre=/bin/sh -c 'echo > /no/such'\nExecStart=/bin/sh -c '[ -e /no/such ] && RSYNC'\n",
            "around it was not carried out",
        ),
        (
            "ExecStartPre=/bin/mkdir /no/other\nExecStart=/bin/sh -c '[ -e /no/such ] && RSYNC'\n",
            "line 1 asks for `/no/such`, which is not there",
        ),
        // Folders that systemd makes, and the variables of theirs.
        (
            "StateDirectory=no-such\nExecStart=/bin/sh -c '[ -d /var/lib/no-such ] && RSYNC'\n",
            "",
        ),
        (
            "StateDirectory=other\nExecStart=/bin/sh -c '[ -d /var/lib/no-such ] && RSYNC'\n",
            "line 1 asks for `/var/lib/no-such`, which is not there",
        ),
        (
            "RuntimeDirectory=no-such\nExecStart=/bin/sh -c 'set -u; cd $RUNTIME_DIRECTORY && RSYNC'\n",
            "",
        ),
        (
            "CacheDirectory=no-such\nWorkingDirectory=/var/cache/no-such\nExecStart=RSYNC\n",
            "",
        ),
        (
            "LoadCredential=pw:/etc/passwd\nExecStart=/bin/sh -c 'set -u; ls $CREDENTIALS_DIRECTORY; RSYNC'\n",
            "",
        ),
        (
            "ExecStartPre=/bin/mountpoint -q /mnt\nExecStart=RSYNC\n",
            "`ExecStartPre=/bin/mountpoint` around it was not carried out",
        ),
    ] {
        let own = format!("[Service]\n{}", text.replace("RSYNC", &call));
        fs::write(root.join("job.service"), &own).expect("a file");
        let line = 1 + own[..own.find("rsync rsync").expect("a call")]
            .matches('\n')
            .count();
        let place = format!("job.service:{line}");
        let output = program(root, &["probe", "--reproduce", &place])
            .output()
            .expect("it runs");
        let told = stdout(&output);
        let first = told.lines().next().unwrap_or_default();
        let is_never = !expected.is_empty() && !expected.contains("around");
        assert_eq!(
            first.contains("rsync is never started"),
            is_never,
            "{own}: {told} {output:?}"
        );
        assert!(first.contains(expected), "{own}: {told}");
    }
}

/// What systemd does not load at all, in words of our own: it is asked itself.
#[test]
fn a_unit_that_systemd_refuses_is_told() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let folder = folder(&[
        ("one.service.d/a.conf", "[Service]\nType=oneshot\n"),
        (
            "two.service.d/a.conf",
            "[Service]\nExecStart=\nExecStart=/bin/true\n",
        ),
        ("service.d/a.conf", "[Unit]\nDescription=x\n"),
    ]);
    let root = folder.path();
    fs::write(root.join("sound.service"), "[Service]\nExecStart=/bin/true\n").expect("a file");
    let can_ask = is_refused(&root.join("sound.service")) == Some(false);
    if !can_ask {
        skip("what systemd refuses needs systemd-analyze");
    }
    for (name, text, why) in [
        (
            "job",
            "[Service]\nExecStart=RSYNC\nExecStart=/bin/true\n",
            "has more than one command to start",
        ),
        (
            "job",
            "[Service]\nExecStart=/bin/true ; RSYNC\n",
            "has more than one command to start",
        ),
        (
            "job",
            "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=RSYNC\n",
            "",
        ),
        ("one", "[Service]\nExecStart=/bin/true\nExecStart=RSYNC\n", ""),
        (
            "job",
            "[Service]\nType=one-shot\nExecStart=/bin/true\nExecStart=RSYNC\n",
            "(`Type=one-shot` is none, so systemd takes the unit for a `simple` one)",
        ),
        ("job", "[Service]\nType=oneshoot\nExecStart=RSYNC\n", ""),
        (
            "job",
            "[Service]\nExecStart=./RSYNC\n",
            "`ExecStart=./rsync` names a program by a path that does not",
        ),
        (
            "job",
            "[Service]\nExecStart=RSYNC\nExecReload=bin/true\n",
            "`ExecReload=bin/true` names a program",
        ),
        (
            "job",
            "[Service]\nType=oneshot\nExecStart=/bin/true\nExecStart=-./RSYNC\n",
            "=begin with `/`: systemd passes the command over",
        ),
        (
            "job",
            "[Service]\nType=oneshot\nRestart=always\nExecStart=RSYNC\n",
            "`Restart=always` does not go with",
        ),
        (
            "job",
            "[Service]\nType=oneshot\nRestart=on-success\nExecStart=RSYNC\n",
            "`Restart=on-success` does",
        ),
        (
            "job",
            "[Service]\nType=oneshot\nRestart=on-failure\nExecStart=RSYNC\n",
            "",
        ),
        ("job", "[Service]\nRestart=always\nExecStart=RSYNC\n", ""),
        (
            "job",
            "[Unit]\nExecStart=RSYNC\n",
            "`ExecStart=` on line 2 does not stand under `[Service]`",
        ),
        (
            "job",
            "[Unit]\nExecStart=RSYNC\n[Service]\nExecStart=/bin/true\n",
            "=`ExecStart=` on line 2 does not stand under `[Service]`",
        ),
        (
            "job",
            "[Service]\nExecstart=RSYNC\n",
            "systemd knows no `Execstart=` (line 2; capitals count)",
        ),
        (
            "job",
            "[Service]\nExecStart=/bin/true\nexecstart=RSYNC\n",
            "=systemd knows no `execstart=` (line 3",
        ),
        (
            "job",
            "[Service]\nWorkingDirectory=srv\nExecStart=RSYNC\n",
            "`WorkingDirectory=srv` does not begin",
        ),
        ("job", "[Service]\nWorkingDirectory=-srv\nExecStart=RSYNC\n", ""),
        ("job", "[Service]\nWorkingDirectory=~\nExecStart=RSYNC\n", ""),
        (
            "job",
            "[Service]\nExecStart=RSYNC\nExecStart=\n",
            "the empty `ExecStart=` on line 3 takes",
        ),
        ("two", "[Service]\nExecStart=/bin/true\nExecStartPre=RSYNC\n", ""),
        (
            "job",
            "[Service]\nExecStartPre=RSYNC\n",
            "the unit has no `ExecStart=` that holds",
        ),
        ("job", "[Service]\nRemainAfterExit=yes\nExecStop=RSYNC\n", ""),
        (
            "job",
            "[Service]\nExecStart=/bin/sh -c 'RSYNC\n",
            "a quote in `ExecStart=` is not closed",
        ),
        ("job", "[Service]\nExecStart=/bin/sh -c 'RSYNC'\n", ""),
        (
            "job",
            "[Service]\nExecStart=RSYNC\nExecStartPost=/bin/echo it's there\n",
            "a quote in `ExecStartPost=",
        ),
        (
            "job",
            "[Service]\nEnvironmentFile=conf/env\nExecStart=RSYNC\n",
            "",
        ),
    ] {
        let (is_loaded, why) = match why.strip_prefix('=') {
            Some(why) => (true, why),
            None => (why.is_empty(), why),
        };
        let own = text.replace("RSYNC", &format!("rsync rsync://127.0.0.1:{port}/"));
        let name = format!("{name}.service");
        fs::write(root.join(&name), &own).expect("a file");
        if can_ask {
            assert_eq!(is_refused(&root.join(&name)), Some(!is_loaded), "systemd: {own}");
        }
        let output = rsyncctl(root, &["probe", "--reproduce", &name]);
        tells(&output, why, &own);
    }
}

/// A drop-in is a part of its unit, and changes it.
#[test]
fn a_drop_in_counts_with_its_unit() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let call = format!("rsync rsync://127.0.0.1:{port}/");
    let folder = folder(&[]);
    let root = folder.path();
    fs::create_dir(root.join("job.service.d")).expect("a folder");
    for (unit, drop_in, of_unit, of_drop_in) in [
        (
            "ExecStart=RSYNC\n",
            "[Service]\nExecStart=RSYNC\n",
            "has more than one command",
            "has more than one command",
        ),
        (
            "ExecStart=RSYNC\n",
            "[Service]\nExecStart=\nExecStart=RSYNC\n",
            "a drop-in of `job.service` takes the command back",
            "",
        ),
        (
            "Type=oneshot\nExecStart=RSYNC\n",
            "[Service]\nExecStart=RSYNC\n",
            "",
            "",
        ),
        (
            "Type=oneshot\nExecStart=RSYNC\n",
            "[Service]\nRestart=always\nExecStartPre=RSYNC\n",
            "`Restart=always` does not go with",
            "`Restart=always` does not go with",
        ),
    ] {
        let (unit, drop_in) = (unit.replace("RSYNC", &call), drop_in.replace("RSYNC", &call));
        fs::write(root.join("job.service"), format!("[Service]\n{unit}")).expect("a file");
        fs::write(root.join("job.service.d/own.conf"), &drop_in).expect("a file");
        for (file, why) in [("job.service", of_unit), ("job.service.d/own.conf", of_drop_in)] {
            let output = rsyncctl(root, &["probe", "--reproduce", file]);
            tells(&output, why, &format!("{file}: {unit}{drop_in}"));
        }
    }
    // Of a script that is started the unit is told apart.
    let script = root.join("job.sh");
    fs::write(&script, format!("#!/bin/sh\n{call}\n")).expect("a file");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
    let own = format!(
        "[Service]\nType=oneshot\nRestart=always\nExecStart={}\n",
        script.display()
    );
    fs::write(root.join("other.service"), own).expect("a file");
    let output = rsyncctl(root, &["probe", "--reproduce", "other.service"]);
    tells(&output, "`Restart=always` does not go with", "a script");
    assert!(stdout(&output).contains("vi other.service"), "{output:?}");
}

/// What systemd asks for before it starts a command (systemd.unit(5), systemd.exec(5), and the codes of its table there).
#[test]
fn what_a_unit_needs_is_asked_for() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n");
    let folder = folder(&[("there", "A=1\n")]);
    let root = folder.path();
    for (text, why) in [
        (
            "[Service]\nUser=no-such-user\nEXEC",
            "there is no user `no-such-user` on this machine (217/USER",
        ),
        ("[Service]\nUser=no-such-user\nDynamicUser=yes\nEXEC", ""),
        ("[Service]\nUser=no-such-user\nUser=\nEXEC", ""),
        ("[Service]\nUser=54321\nEXEC", ""),
        (
            "[Service]\nGroup=no-such-group\nEXEC",
            "there is no group `no-such-group` on this machine (216/GROUP",
        ),
        (
            "[Unit]\nConditionPathExists=/no/such\n[Service]\nEXEC",
            "`ConditionPathExists=/no/such` is not met",
        ),
        (
            "[Unit]\nAssertPathExists=/no/such\n[Service]\nEXEC",
            "`AssertPathExists=/no/such` is not met",
        ),
        (
            "[Unit]\nConditionPathIsMountPoint=/no/such\n[Service]\nEXEC",
            "`ConditionPathIsMountPoint=/no/such`",
        ),
        ("[Unit]\nConditionPathExists=!/no/such\n[Service]\nEXEC", ""),
        ("[Unit]\nConditionPathExists=HERE/there\n[Service]\nEXEC", ""),
        (
            "[Unit]\nConditionPathExists=|/no/such\nConditionPathExists=|/\n[Service]\nEXEC",
            "",
        ),
        (
            "[Unit]\nConditionPathExists=/no/such\nConditionPathExists=\n[Service]\nEXEC",
            "",
        ),
        (
            "[Unit]\nConditionPathExists=/no/such\nRequiresMountsFor=/no\n[Service]\nEXEC",
            "",
        ),
        ("[Unit]\nConditionPathExists=/no/%i\n[Service]\nEXEC", ""),
        ("[Service]\nConditionPathExists=/no/such\nEXEC", ""),
        (
            "[Service]\nStandardOutput=append:/no/such/log\nEXEC",
            "`StandardOutput=append:/no/such/log` cannot be opened for want of `/no/such` (209/STDOUT",
        ),
        (
            "[Service]\nStandardError=file:/no/such/log\nEXEC",
            "for want of `/no/such` (222/STDERR",
        ),
        ("[Service]\nStandardOutput=append:HERE/log\nEXEC", ""),
        (
            "[Service]\nStandardOutput=append:/no/such/log\nStandardOutput=journal\nEXEC",
            "",
        ),
        (
            "[Service]\nLogsDirectory=no-such\nStandardOutput=append:/var/log/no-such/a\nEXEC",
            "",
        ),
        (
            "[Service]\nLoadCredential=pw:/no/such\nEXEC",
            "there is no `/no/such`, which `LoadCredential=` names",
        ),
        (
            "[Service]\nLoadCredential=pw:/no/such\nSetCredential=pw:x\nEXEC",
            "",
        ),
        ("[Service]\nLoadCredential=pw\nEXEC", ""),
        (
            "[Service]\nEnvironmentFile=/no/such\nEXEC",
            "there is no file `/no/such`, which `EnvironmentFile=`",
        ),
        ("[Service]\nEnvironmentFile=-/no/such\nEXEC", ""),
        ("[Service]\nEnvironmentFile=HERE/there\nEXEC", ""),
        ("[Unit]\nEnvironmentFile=/no/such\n[Service]\nEXEC", ""),
    ] {
        let own = text
            .replace("EXEC", &format!("ExecStart=rsync rsync://127.0.0.1:{port}/\n"))
            .replace("HERE", &root.display().to_string());
        fs::write(root.join("job.service"), &own).expect("a file");
        let output = rsyncctl(root, &["probe", "--reproduce", "job.service"]);
        tells(&output, why, &own);
    }
    let own = format!("[Service]\nEnvironmentFile=there\nExecStart=rsync rsync://127.0.0.1:{port}/\n");
    fs::write(root.join("job.service"), own).expect("a file");
    let told = stdout(&rsyncctl(root, &["probe", "--reproduce", "job.service"]));
    assert!(
        told.contains("`EnvironmentFile=there` does not begin with `/`: systemd passes it over"),
        "{told}"
    );
}
