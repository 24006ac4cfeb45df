//! Units: what keeps systemd from starting the rsync in them.

use std::fs;

use super::peer;
use crate::support::program::{folder, program, stdout};

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
            "LoadCredential=pw:/etc/pw\nExecStart=/bin/sh -c 'set -u; ls $CREDENTIALS_DIRECTORY; RSYNC'\n",
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
