//! Lines of tables and units that start a script: what keeps it from being started is told, and what is wrong inside. A shell is
//! the referee.

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command};

use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, stderr, stdout},
};

#[test]
fn what_keeps_a_script_from_being_started_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("served/one", "one\n"),
        ("bin/rsync", "#!/bin/sh\n:>\"$WORDS\"\n"),
    ]);
    let root = folder.path();
    let configuration = root.join("rsyncd.conf");
    let text = format!("use chroot = no\n[m]\npath = {}/served\n", root.display());
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let here = root.display().to_string();
    let call = format!("rsync -r rsync://127.0.0.1:{}/m/ {here}/d/", daemon.port());
    for (name, mode, text) in [
        ("bin/rsync", 0o755, None),
        ("sound.sh", 0o755, Some("#!/bin/sh\nRSYNC\n")),
        ("closed.sh", 0o644, Some("#!/bin/sh\nRSYNC\n")),
        ("bare.sh", 0o755, Some("RSYNC\n")),
        ("failing.sh", 0o755, Some("#!/bin/sh -e\nfalse\nRSYNC\n")),
        (
            "lost.sh",
            0o755,
            Some("#!/bin/sh\ncd /no/such || exit 1\nRSYNC\n"),
        ),
        ("twice.sh", 0o755, Some("#!/bin/sh\nRSYNC\nRSYNC\n")),
    ] {
        if let Some(text) = text {
            fs::write(root.join(name), text.replace("RSYNC", &call)).expect("a file");
        }
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    let is_started = |line: &str| {
        let words = root.join("words");
        let _ = fs::remove_file(&words);
        let ran = Command::new("/bin/sh")
            .args(["-c", line])
            .env("PATH", format!("{here}/bin:/usr/bin:/bin"))
            .env("WORDS", &words)
            .output();
        ran.expect("a shell runs");
        words.exists()
    };
    for (line, why, by_systemd) in [
        ("HERE/sound.sh", "", ""),
        ("sh HERE/closed.sh", "", ""),
        ("timeout 60 HERE/sound.sh", "", ""),
        (
            "HERE/bare.sh",
            "",
            "bare.sh` has no first line such as `#!/bin/sh`",
        ),
        ("HERE/closed.sh", "nobody may execute `HERE/closed.sh`", "="),
        ("HERE/failing.sh", "`false` on line 2 fails", "="),
        (
            "HERE/lost.sh",
            "the folder `/no/such`, which it goes to first",
            "=",
        ),
        ("cd /no/such && HERE/sound.sh", "the folder `/no/such", ""),
        (
            "HERE/sound.sh > /no/such/log 2>&1",
            "there is no folder `/no/such`",
            "",
        ),
        (
            "[ -d /no/such ] && HERE/sound.sh",
            "line 1 asks for `/no/such`",
            "",
        ),
    ] {
        let line = line.replace("HERE", &here);
        let why = why.replace("HERE", &here);
        assert_eq!(is_started(&line), why.is_empty(), "the shell: {line}");
        let is_command = !line.contains(['>', '&', '[']);
        let of_unit = if by_systemd == "=" { &*why } else { by_systemd };
        let table = format!("1 2 * * * {line}\n");
        let unit = format!("[Service]\nExecStart={line}\n");
        for (name, text, why) in [("job.crontab", &table, &*why), ("job.service", &unit, of_unit)] {
            if name == "job.service" && !is_command {
                continue;
            }
            fs::write(root.join(name), text).expect("a file");
            let output = program(root, &["probe", "--reproduce", name])
                .output()
                .expect("it runs");
            let told = stdout(&output);
            let first = told.lines().next().unwrap_or_default();
            assert_eq!(
                first.contains("rsync is never started"),
                !why.is_empty(),
                "{text}: {told} {output:?}"
            );
            assert!(first.contains(why), "{text}: {told}");
            let status = if why.is_empty() { 0 } else { 127 };
            assert_eq!(output.status.code(), Some(status), "{text}: {told}");
        }
    }
    for (line, why) in [
        ("/no/such/job.sh", "starts `/no/such/job.sh`, which is not there"),
        ("HERE/twice.sh", "calls rsync more than once; name the line as"),
    ] {
        let table = format!("1 2 * * * {}\n", line.replace("HERE", &here));
        fs::write(root.join("job.crontab"), table).expect("a file");
        let output = program(root, &["probe", "--reproduce", "job.crontab:1"])
            .output()
            .expect("it runs");
        assert!(stderr(&output).contains(why), "{line}: {output:?}");
    }
}
