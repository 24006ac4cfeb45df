//! What is carried out for real is what the script's own shell does, or it is refused: a program in the place of rsync
//! writes down how it is called.

use std::{fs, process::Command};

use serde_json::Value;

use super::{
    peer,
    staging::{Stage, line_of_call},
};
use crate::support::{
    daemon::has_rsync,
    program::{folder, program, stderr, stdout},
};

/// A script is carried out as its shell does, or not at all. Who is the peer does not matter: it refuses everybody.
#[test]
fn what_is_really_done_is_what_the_shell_does() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new(&[("src/one", "one\n"), ("far/off/one", "one\n"), ("list", "one\n")]);
    let (root, here) = (stage.root(), stage.here());
    std::os::unix::fs::symlink("far/off", root.join("link")).expect("a link");
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let call = format!("rsync -r {here}/src/ rsync://127.0.0.1:{port}/m/");
    let mask = Command::new("sh")
        .args(["-c", "umask"])
        .output()
        .expect("a shell runs");
    let mask = String::from_utf8_lossy(&mask.stdout).trim().to_owned();
    for (text, is_taken) in [
        ("#!/bin/sh\nRSYNC\n", true),
        ("#!/bin/sh\ncd /nowhere || exit 1\nRSYNC\n", false),
        ("#!/bin/sh\ncd /nowhere && RSYNC\n", false),
        ("#!/bin/sh\nset -e\ncd /nowhere\nRSYNC\n", false),
        ("#!/bin/sh\ncd /nowhere\nRSYNC\n", false),
        ("#!/bin/sh\ncd nowhere || exit 1\nRSYNC\n", false),
        ("#!/bin/sh\ncd HERE/src || exit 1\nRSYNC > /dev/null\n", true),
        ("#!/bin/sh\ncd HERE/link/.. && RSYNC\n", false),
        ("#!/bin/sh\nset -e\n# never \\\nfalse\nRSYNC\n", false),
        ("#!/bin/sh\n# a note \\\nRSYNC\n", true),
        (
            "#!/bin/sh\necho '- one' > HERE/src/.rsync-filter\nRSYNC -F\n",
            false,
        ),
        (
            "#!/bin/sh\ndate >> /HERE/list\nRSYNC --exclude-from=HERE/list\n",
            false,
        ),
        ("#!/bin/dash\nset -euo pipefail\nRSYNC\n", false),
        ("#!/bin/bash\nset -euo pipefail\nRSYNC\n", true),
        ("#!/usr/bin/env bash -e\nRSYNC\n", false),
        ("#!/bin/bash -eu -o pipefail\nRSYNC\n", false),
        ("#!/no/such/shell\nRSYNC\n", false),
        ("#!/bin/sh\n/no/such/RSYNC\n", false),
        ("#!/bin/sh\nnice command RSYNC\n", false),
        ("#!/bin/sh\nnice -n 5 RSYNC\n", true),
        ("#!/bin/sh\ncd HERE/src\nRSYNC > log.txt\n", false),
        ("#!/bin/sh\ncd HERE/far\nRSYNC > log.txt\n", true),
        ("#!/bin/sh\nRSYNC > HERE/none/log.txt\n", false),
        ("#!/bin/sh\nOPTS='-z --delete'\nRSYNC $OPTS\n", true),
        (
            "#!/bin/sh\nOPTS='-z --delete'\nRSYNC \"--exclude=$OPTS\"; exit $?\n",
            true,
        ),
        ("#!/bin/bash\nGROUPS=5\nRSYNC\n", false),
        ("#!/bin/bash\nreadonly X=1\nX=2\nRSYNC\n", false),
        ("#!/bin/sh\nPATH=/nowhere\nRSYNC\n", false),
        (
            "#!/bin/sh\nLOG=HERE/log\nDATE=$(date +%F)\nRSYNC >> $LOG 2>&1\n",
            true,
        ),
        ("#!/bin/bash\nRSYNC &> HERE/log\n", true),
        ("#!/bin/sh\nA=--exclude=x; RSYNC $A \"${A}y\" < /dev/null\n", true),
        (
            "#!/bin/sh\nRSYNC --exclude=a\\ b'c \"d'\"e'f\" \\\n  --exclude=g\n",
            true,
        ),
        ("#!/bin/sh\nRSYNC --exclude=*.o\n", false),
        ("#!/bin/sh\nRSYNC --exclude=~/x\n", false),
        ("#!/bin/sh\nexport D=~/x\nRSYNC \"--exclude=$D\"\n", false),
        (
            "#!/bin/sh\nD=~/x\nRSYNC \"--exclude=$D\" --exclude=$HOME/y \"--exclude=${HOME}/z\" --exclude='~/q'\n",
            true,
        ),
        ("#!/bin/sh\nHOME=/x\nRSYNC --exclude=$HOME/y\n", false),
        (
            "#!/bin/sh\nD=HERE/far\nmkdir -p \"$D\" HERE/far/off\nRSYNC\n",
            true,
        ),
        ("#!/bin/sh\nmkdir -p HERE/none\nRSYNC\n", false),
        ("#!/bin/sh\nmkdir HERE/far\nRSYNC\n", false),
        ("#!/bin/sh\numask MASK\nRSYNC\n", true),
        ("#!/bin/sh\numask 0777\nRSYNC\n", false),
        ("#!/bin/sh\n[ -d HERE/far ] || exit 1\nRSYNC\n", true),
        (
            "#!/bin/sh\nset -e\ntest -f HERE/list\n[ -e \"$HOME/\" ] && RSYNC\n",
            true,
        ),
        ("#!/bin/sh\n[ -d HERE/none ] || exit 1\nRSYNC\n", false),
        ("#!/bin/sh\n[ -d HERE/far ] || RSYNC\n", false),
        ("#!/bin/sh\n[ -f HERE/far ] && RSYNC\n", false),
        ("#!/bin/sh\n[ ! -d HERE/none ] && RSYNC\n", false),
        ("#!/bin/sh\n[ -d far ] && RSYNC\n", false),
    ] {
        let own = text.replace("HERE", &here).replace("RSYNC", &call);
        let own = own.replace("MASK", &mask);
        let script = stage.program("job.sh", &own);
        let place = format!("{}:{}", script.display(), line_of_call(&own));
        let output = program(root, &["probe", "--json", "--really", "--reproduce", &place])
            .output()
            .expect("it runs");
        match is_taken {
            true => {
                let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
                assert_eq!(output.status.code(), Some(5), "{own}: {output:?}");
                let told = shell_words::split(report["target"].as_str().unwrap_or_default()).expect("words");
                assert_eq!(Some(told[1..].to_vec()), stage.words_of_script(&own), "{own}");
            }
            false => {
                assert_eq!(output.status.code(), Some(2), "{own}: {output:?}");
                assert!(stderr(&output).contains('`'), "{own}: {output:?}");
            }
        }
    }
}

/// Where a shell never starts rsync, a dry run says so first, and what to type.
#[test]
fn a_dry_run_says_where_rsync_is_never_started() {
    let Some(stage) = Stage::with_daemon(&[]) else {
        return;
    };
    let (root, call) = (stage.root(), stage.call());
    for (text, first, last) in [
        (
            "#!/bin/sh\ncd /nowhere || exit 1\nRSYNC\n",
            "the folder `/nowhere`, which it goes to first, cannot be entered: it ends there",
            "mkdir -p /nowhere",
        ),
        (
            "#!/bin/dash\nset -euo pipefail\nRSYNC\n",
            "dash does not know the `pipefail` of line 2: the script ends there",
            "`#!/bin/bash`: vi +1",
        ),
        (
            "#!/no/such/shell\nRSYNC\n",
            "there is no `/no/such/shell`",
            "vi +1",
        ),
        (
            "#!/usr/bin/env bash -e\nRSYNC\n",
            "gets `bash -e` as one word",
            "`set -e`",
        ),
        (
            "#!/bin/bash -e -u\nRSYNC\n",
            "gets `-e -u` as one word",
            "`set -e`",
        ),
        (
            "#!/bin/sh\n/no/such/RSYNC\n",
            "there is no program `/no/such/rsync`",
            "command -v rsync",
        ),
        (
            "#!/bin/sh\nRSYNC > /nowhere/log\n",
            "there is no folder `/nowhere` for the output",
            "mkdir -p /nowhere",
        ),
        (
            "#!/bin/sh\nLOG=\nRSYNC >> \"$LOG\" 2>&1\n",
            "the name of the file for the output is empty",
            "the name of a file",
        ),
        (
            "#!/bin/sh\nRSYNC > /usr/\n",
            "`/usr/`, which the output goes to, is a folder",
            "/usr/rsync.log",
        ),
        (
            "#!/bin/dash\nA=(x y)\nRSYNC\n",
            "the `(` of line 2 is bash's",
            "vi +1",
        ),
    ] {
        let own = text.replace("RSYNC", &call);
        assert_eq!(stage.words_of_script(&own), None, "{own}");
        let place = format!("job.sh:{}", line_of_call(&own));
        let told = stdout(&stage.reproduced(&place));
        let start = format!("rsync's own part works, and rsync is never started: {first}");
        let line = told.lines().next().unwrap_or_default();
        assert!(
            line.contains(&start) || line.contains(first) && line.contains("never started"),
            "{told}"
        );
        assert!(
            told.lines().last().is_some_and(|line| line.contains(last)),
            "{told}"
        );
    }
    // What is otherwise than it is meant, and runs.
    for (text, first, last) in [
        (
            "#!/bin/sh\ncd /nowhere\nRSYNC\n",
            "the folder `/nowhere` cannot be entered: the shell stays where it is",
            "`cd /nowhere || exit 1`",
        ),
        (
            "#!/bin/sh\nRSYNC_PASSWORD=x\nRSYNC\n",
            "line 2 sets `RSYNC_PASSWORD` for the shell alone",
            "sed -i '2s/RSYNC_PASSWORD=/export RSYNC_PASSWORD=/' job.sh",
        ),
        (
            "#!/bin/sh\nRSYNC_PASSWORD = x\nRSYNC\n",
            "a blank stands in front of the `=` on line 2",
            "export RSYNC_PASSWORD=/' job.sh",
        ),
        (
            "#!/bin/dash\nsource /dev/null\nRSYNC\n",
            "the `source` of line 2 is bash's",
            "vi +1",
        ),
        (
            "#!/bin/dash\npushd /nowhere\nRSYNC\n",
            "the `pushd` of line 2 is bash's",
            "vi +1",
        ),
    ] {
        let own = text.replace("RSYNC\n", &format!("{call}\n"));
        fs::write(root.join("job.sh"), &own).expect("a file");
        let told = stdout(&stage.reproduced("job.sh:3"));
        let line = told.lines().next().unwrap_or_default();
        assert!(line.contains(first) && !line.contains("never started"), "{told}");
        assert!(
            told.lines().last().is_some_and(|line| line.contains(last)),
            "{told}"
        );
    }
}

/// A line that is meant to call rsync is told what keeps it from that.
#[test]
fn a_line_that_does_not_call_rsync_is_told_why() {
    let folder = folder(&[]);
    let root = folder.path();
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: Unknown module 'm'\n");
    for (name, text, expected) in [
        ("a.sh", "nice 19 rsync -a h::m d\n", "write `nice -n 19 rsync`"),
        ("a.sh", "ionice 3 rsync -a h::m d\n", "write `ionice -c3 rsync`"),
        ("a.sh", "eval rsync -a h::m d\n", "hands it to `eval`"),
        (
            "a.sh",
            "find /srv -name x -exec rsync -a {} h::m \\;\n",
            "lets `find` start it",
        ),
        (
            "a.cron",
            "0 3 * * rsync -a h::m d\n",
            "has 4 fields of time in front of `rsync`",
        ),
        (
            "var/spool/cron/crontabs/joe",
            "0 3 * * * root rsync -a h::m d\n",
            "a user's own table names no user",
        ),
        (
            "cron.d/a",
            "0 3 * * * rsync -a h::m d\n",
            "names the user that a job runs as",
        ),
        (
            "a.cron",
            "0 3 * * * rsync -a h::m d-$(date +%F)/\n",
            "first `%`, within its `$(`, in front of `F)`",
        ),
        (
            "a.cron",
            "0 3 * * * rsync -a h::m d; echo \"at %T\"\n",
            "first `%`, within its quotes, in front of `T\"",
        ),
    ] {
        fs::create_dir_all(root.join(name).parent().expect("a parent")).expect("a folder");
        fs::write(root.join(name), text).expect("a file");
        // The file alone will do.
        for place in [name.to_owned(), format!("{name}:1")] {
            let output = program(root, &["probe", "--reproduce", &place])
                .output()
                .expect("it runs");
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert!(stderr(&output).contains(expected), "{text} {output:?}");
        }
    }
    for (name, text) in [
        ("a.service", "[Service]\nExecStart=/usr/bin/rsync -r TARGET\n"),
        ("a.sh", "RSYNC=$(which rsync)\n$RSYNC -r TARGET\n"),
    ] {
        let text = text.replace("TARGET", &format!("rsync://127.0.0.1:{port}/m/ d/"));
        fs::write(root.join(name), text).expect("a file");
        let output = program(root, &["probe", "--reproduce", name])
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(5), "{output:?}");
    }
    for (text, first, last) in [
        (
            "0 25 * * * rsync -r TARGET\n",
            "does not understand the times of line 1",
            "vi +1 a.cron",
        ),
        (
            "0 3 * * * rsync -r TARGET",
            "the last line of `a.cron` (1) has no end",
            "echo >> a.cron",
        ),
    ] {
        let text = text.replace("TARGET", &format!("rsync://127.0.0.1:{port}/m/ d/"));
        fs::write(root.join("a.cron"), text).expect("a file");
        let output = program(root, &["probe", "--reproduce", "a.cron"])
            .output()
            .expect("it runs");
        let told = stdout(&output);
        assert!(
            told.lines().next().is_some_and(|line| line.contains(first)),
            "{told}"
        );
        assert!(
            told.lines().last().is_some_and(|line| line.contains(last)),
            "{told}"
        );
    }
}

/// A refusal names the sign that was met, and whoever stands in the folder already need not go there.
#[test]
fn a_refusal_names_what_was_met() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("src/one", "one\n")]);
    let root = folder.path();
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let target = format!("rsync://127.0.0.1:{port}/m/");
    let here = root.display().to_string();
    for (line, sign) in [
        ("rsync -r ~root/ TARGET", Some("`~` in the command line")),
        (
            "rsync -r --exclude=*.o HERE/src TARGET",
            Some("`*` in the command line"),
        ),
        ("rsync -r HERE/src TARGET{a,b}", Some("`{` in the command line")),
        ("rsync -r HERE/src TARGET &", Some("`&` in the command line")),
        (
            "sleep 1 & rsync -r HERE/src TARGET",
            Some("`&` in the command line"),
        ),
        (
            "cd /nowhere && rsync -r HERE/src TARGET",
            Some("the folder `/nowhere`, which it goes to first, cannot"),
        ),
        ("cd HERE && rsync -r src TARGET", None),
        ("cd HERE/src && rsync -r ./ TARGET", None),
        ("'rsync' -r HERE/src TARGET", None),
        ("time rsync -r HERE/src TARGET", None),
    ] {
        let line = line.replace("TARGET", &target).replace("HERE", &here);
        let output = program(root, &["probe", "--really", "--reproduce", &line])
            .output()
            .expect("it runs");
        assert_eq!(
            output.status.code(),
            Some(if sign.is_some() { 2 } else { 5 }),
            "{line} {output:?}"
        );
        let told = stderr(&output);
        assert!(sign.is_none_or(|sign| told.contains(sign)), "{line} {told}");
    }
}
