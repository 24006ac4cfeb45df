//! Lines of tables and units that start a script: what keeps it from being started is told, and what is wrong inside. A shell is
//! the referee.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::staging::{Stage, tells};
use crate::support::program::stderr;

#[test]
fn what_keeps_a_script_from_being_started_is_told() {
    let Some(stage) = Stage::with_daemon(&[]) else {
        return;
    };
    let (root, here, call) = (stage.root(), stage.here(), stage.call());
    for (name, mode, text) in [
        ("sound.sh", 0o755, "#!/bin/sh\nRSYNC\n"),
        ("closed.sh", 0o644, "#!/bin/sh\nRSYNC\n"),
        ("bare.sh", 0o755, "RSYNC\n"),
        ("failing.sh", 0o755, "#!/bin/sh -e\nfalse\nRSYNC\n"),
        ("lost.sh", 0o755, "#!/bin/sh\ncd /no/such || exit 1\nRSYNC\n"),
        ("twice.sh", 0o755, "#!/bin/sh\nRSYNC\nRSYNC\n"),
        ("near.sh", 0o755, "#!bin/sh\nRSYNC\n"),
    ] {
        fs::write(root.join(name), text.replace("RSYNC", &call)).expect("a file");
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
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
        // systemd starts it in `/`.
        ("HERE/near.sh", "names `bin/sh` without the `/`", ""),
        ("cd / && HERE/near.sh", "", ""),
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
        assert_eq!(
            stage.words_of(&line).is_some(),
            why.is_empty(),
            "the shell: {line}"
        );
        let is_command = !line.contains(['>', '&', '[']);
        let of_unit = if by_systemd == "=" { &*why } else { by_systemd };
        let table = format!("1 2 * * * {line}\n");
        let unit = format!("[Service]\nExecStart={line}\n");
        for (name, text, why) in [("job.crontab", &table, &*why), ("job.service", &unit, of_unit)] {
            if name == "job.service" && !is_command {
                continue;
            }
            fs::write(root.join(name), text).expect("a file");
            tells(&stage.reproduced(name), why, text);
        }
    }
    for (line, why) in [
        ("/no/such/job.sh", "starts `/no/such/job.sh`, which is not there"),
        ("HERE/twice.sh", "calls rsync more than once; name the line as"),
    ] {
        let table = format!("1 2 * * * {}\n", line.replace("HERE", &here));
        fs::write(root.join("job.crontab"), table).expect("a file");
        let output = stage.reproduced("job.crontab:1");
        assert!(stderr(&output).contains(why), "{line}: {output:?}");
    }
}
