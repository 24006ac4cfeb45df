//! Tables of cron's, and the folders that it has others start: the shell that a table names, and `run-parts`, are the referees.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use super::staging::{Stage, tells};
use crate::support::skip;

/// cron hands a command to the program that `SHELL=` names, from the home folder on.
#[test]
fn the_shell_of_a_table_may_be_none() {
    let Some(stage) = Stage::with_daemon(&[("closed", "#!/bin/sh\nexec /bin/sh \"$@\"\n")]) else {
        return;
    };
    stage.program("own", "#!/bin/sh\nexec /bin/sh \"$@\"\n");
    for (shell, why) in [
        ("/bin/sh", ""),
        ("/bin/bash", ""),
        ("HERE/own", ""),
        ("own", ""),
        (
            "/no/such/shell",
            "there is no program `/no/such/shell`, which the table's `SHELL=`",
        ),
        ("HERE/closed", "there is no program `HERE/closed`"),
        ("bash", "the table's `SHELL=bash` is no whole path"),
        ("/bin/false", "the table's `SHELL=/bin/false` is no shell"),
        (
            "/usr/sbin/nologin",
            "the table's `SHELL=/usr/sbin/nologin` is no shell",
        ),
    ] {
        let (shell, why) = (
            shell.replace("HERE", &stage.here()),
            why.replace("HERE", &stage.here()),
        );
        let call = stage.call();
        let _ = fs::remove_file(stage.root().join("words"));
        let path = format!("{}/bin:/usr/bin:/bin", stage.here());
        // What begins with no `/` is looked for from the home folder on, and in no other.
        let file = stage.root().join(&shell);
        let ran = Command::new(file).args(["-c", &call]).env("PATH", path).output();
        let is_started = ran.is_ok() && stage.root().join("words").exists();
        assert_eq!(is_started, why.is_empty(), "{shell}");
        let table = format!("HOME={}\nSHELL={shell}\n0 4 * * * {call}\n", stage.here());
        fs::write(stage.root().join("job.cron"), &table).expect("a file");
        tells(&stage.reproduced("job.cron:3"), &why, &table);
    }
    // Only the jobs behind it have that shell.
    let table = format!("0 4 * * * {}\nSHELL=/bin/false\n", stage.call());
    fs::write(stage.root().join("job.cron"), &table).expect("a file");
    tells(&stage.reproduced("job.cron:1"), "", &table);
}

/// A folder's scripts are started by `run-parts`, but for those that it does not take for some.
#[test]
fn a_script_may_be_passed_over_where_it_lies() {
    if !Path::new("/bin/run-parts").exists() {
        skip("scripts of a folder's need run-parts");
        return;
    }
    let Some(stage) = Stage::with_daemon(&[]) else {
        return;
    };
    for (name, mode, text, why) in [
        ("cron.daily/backup", 0o755, "#!/bin/sh\nRSYNC\n", ""),
        ("cron.daily/0_back-Up", 0o755, "#!/bin/sh\nRSYNC\n", ""),
        (
            "cron.daily/backup.sh",
            0o755,
            "#!/bin/sh\nRSYNC\n",
            "passes `backup.sh` over, for there is a `.` in its name",
        ),
        (
            "cron.hourly/backup~",
            0o755,
            "#!/bin/sh\nRSYNC\n",
            "passes `backup~` over, for there is a `~` in its name",
        ),
        (
            "cron.weekly/backup",
            0o644,
            "#!/bin/sh\nRSYNC\n",
            "nobody may execute `backup`, so `run-parts`",
        ),
        (
            "cron.monthly/backup",
            0o755,
            "RSYNC\n",
            "`backup` has no first line such as `#!/bin/sh`: `run-parts`",
        ),
    ] {
        let own = stage.filled(text);
        let file = stage.program(name, &own);
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).expect("a mode");
        let folder = file.parent().expect("a folder");
        let words = stage.words_of(&format!("run-parts {}", folder.display()));
        assert_eq!(words.is_some(), why.is_empty(), "run-parts: {name}");
        let place = format!("{name}:{}", own.lines().count());
        tells(&stage.reproduced(&place), why, name);
        // Somebody else may start it.
        if mode == 0o755 && own.starts_with("#!") {
            let table = format!("0 4 * * * {}\n", file.display());
            fs::write(stage.root().join("job.cron"), &table).expect("a file");
            tells(&stage.reproduced("job.cron:1"), "", &table);
        }
        fs::remove_file(file).expect("it is there");
    }
}
