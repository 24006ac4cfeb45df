use std::{fs, path::Path};

use super::Surroundings;
use crate::cli::probe::{interpreter::program_in, written::command_line};

/// What stands around the last call of a script.
fn around(name: &str, text: &str) -> Surroundings {
    let line = 1 + text[..text.rfind("rsync -a").expect("a call")]
        .matches('\n')
        .count();
    match command_line(Path::new(name), text.into(), line) {
        Ok(written) => written.surroundings,
        Err(unread) => Surroundings::Line(0, unread.to_string()),
    }
}

fn has_rsync() -> bool {
    program_in(b"/usr/bin:/bin", "rsync").is_some()
}

#[test]
fn plain_words_decide_nothing() {
    if !has_rsync() {
        return;
    }
    for text in [
        "rsync -a h::m /d",
        "#!/bin/sh\nrsync -a h::m /d\nif broken",
        "#!/usr/bin/env bash\n# A note\n\nset -euo pipefail\nSRC=/srv DST='a b'\nexport X=1 Y\nDIR=\"$SRC/${DST}\"\n\
         rsync -a \\\n  --exclude='*.tmp' \"$DIR\" h::m >/dev/null 2>&1 || echo failed",
        "#!/bin/sh\n# A note \\\necho start 2> /dev/null\nrsync -a /x h::m",
        "cd /tmp || exit 1\nrsync -a x h::m",
        "cd /tmp && RSYNC_PASSWORD=x nice -n 10 ionice -c3 rsync -a x h::m | tee /tmp/log",
        "nice -19 rsync -a /x h::m; exit $?",
        "echo start\ndate +%F\nsleep 3\nrsync -a /x h::m; echo end;",
        "export LOGNAME=joe; USER=jim rsync -a '/x y' rsync://[::1]:1873/m >> /tmp/log",
        "A=/x; rsync -a $A h::m",
        "OPTS='-v --delete'\nrsync -a $OPTS /x h::m",
        "readonly SRC=/srv\nrsync -a $SRC h::m",
        "DATE=$(date +%F)\nrsync -a /x h::m; echo \"$DATE\" `date`",
        "LOG=/tmp/p.log\nrsync -a /x h::m >> $LOG 2>&1",
        "rsync -a /x h::m < /dev/null",
        "#!/bin/bash\nrsync -a /x h::m &> /tmp/log",
        "'rsync' -a /x h::m",
        "exec rsync -a /x h::m",
        "#!/bin/bash\nA=1 B=\"two words\"\nrsync -a --exclude=\"$B\" /x h::m",
    ] {
        let text = text.replace("'rsync' -a", "'rsync' -a --exclude='rsync -a'");
        assert_eq!(around("a.sh", &text), Surroundings::Plain, "{text}");
    }
}

#[test]
fn anything_else_may_decide() {
    if !has_rsync() {
        return;
    }
    for (text, line, sign) in [
        ("set -e\nmountpoint -q /mnt\nrsync -a x h::m", 2, "mountpoint"),
        ("#!/usr/bin/perl\nrsync -a x h::m", 1, "#!"),
        ("#!/bin/bash -n\nrsync -a x h::m", 1, "#!"),
        ("#!/bin/bash -e -u\nrsync -a x h::m", 1, "#!"),
        ("#!/usr/bin/env bash -e\nrsync -a x h::m", 1, "#!"),
        ("#!/no/such/bash\nrsync -a x h::m", 1, "#!"),
        ("#!/bin/dash\nset -o pipefail\nrsync -a x h::m", 2, "set"),
        ("set -o pipefail\nrsync -a x h::m", 1, "set"),
        (
            "set -e\n# only if it is there \\\nmountpoint -q /mnt\nrsync -a x h::m",
            3,
            "mountpoint",
        ),
        ("f() { rsync -a x h::m; }\ncd /srv\nf", 1, "("),
        ("f() {\nrsync -a x h::m\n}", 1, "("),
        ("exit 0\nrsync -a x h::m", 1, "exit"),
        (": ${X:?}\nrsync -a x h::m", 1, "$X"),
        ("IFS=,\nrsync -a x h::m", 1, "IFS="),
        ("GROUPS=5\nrsync -a x h::m", 1, "GROUPS="),
        ("LINENO=5\nrsync -a x h::m", 1, "LINENO="),
        ("PATH=/opt/bin:/usr/bin\nrsync -a x h::m", 1, "PATH="),
        ("EX='*.c'\nrsync -a --exclude=$EX h::m", 2, "$"),
        ("SRC=/b & wait\nrsync -a h::m", 1, "&"),
        ("readonly SRC=/a\nSRC=/b\nrsync -a h::m", 2, "SRC="),
        ("set -f\nrsync -a h::m", 1, "set"),
        ("echo '- x' > /srv/.rsync-filter\nrsync -a /srv h::m", 1, ">"),
        ("date >> log\nrsync -a /srv h::m", 1, ">"),
        (": > //etc/pw\nrsync -a /srv h::m", 1, ">"),
        ("cd /tmp\ncd /usr\nrsync -a x h::m", 2, "cd"),
        ("alias rsync='rsync -n'\nrsync -a x h::m", 1, "alias"),
        ("rsync -a *.c h::m", 0, ""),
        ("rsync -a --exclude=*.c h::m", 1, "*"),
        ("rsync -a ~root/x h::m", 1, "~"),
        ("D=$(date +%F)\nrsync -a /x h::m/$D", 2, "$D"),
        (
            "export RSYNC_PASSWORD=$(date)\nrsync -a /x h::m",
            1,
            "RSYNC_PASSWORD=",
        ),
        ("rsync -a x h::m > /nowhere/log", 1, ">"),
        ("rsync -a x h::m > log", 1, ">"),
        ("rsync -a --exclude-from=/tmp/l /x h::m > /tmp/l", 1, ">"),
        ("rsync -a /tmp/ h::m > /tmp/log", 1, ">"),
        ("rsync -a /tmp/ h::m | tee /tmp/log", 1, "| tee"),
        ("rsync -a x h::m > /dev/full", 1, ">"),
        ("rsync -a x h::m >& /tmp/log", 1, ">&"),
        ("rsync -a x h::m &> /tmp/log", 1, "&>"),
        ("rsync -a x h::m |& tee log", 1, "|&"),
        ("rsync -a x h::m | head -1", 1, "| head"),
        ("rsync -a x h::m | logger done", 1, "| logger"),
        ("rsync -a x h::m | cat log", 1, "| cat"),
        ("rsync -a --exclude-from=- x h::m < /dev/null", 1, "<"),
        ("rsync -a --exclude-from=- x h::m < list", 1, "<"),
        ("echo keep | rsync -a --exclude-from=- x h::m", 1, "|"),
        ("false && rsync -a x h::m", 1, "false"),
        ("true || rsync -a x h::m", 1, "||"),
        ("! rsync -a x h::m", 1, "!"),
        ("(rsync -a x h::m)", 1, "("),
        ("rsync -a x h::m; if broken", 1, "if"),
        ("HOME=/b rsync -a x h::m", 1, "HOME="),
        ("timeout 3 rsync -a x h::m", 1, "timeout"),
        ("nohup rsync -a x h::m", 1, "nohup"),
        ("time rsync -a x h::m", 1, "time"),
        ("nice command rsync -a x h::m", 1, "command"),
        ("nice 19 nice rsync -a x h::m", 0, ""),
        ("ionice -c1 rsync -a x h::m", 1, "ionice"),
        (
            "/no/such/rsync -a x h::m",
            1,
            "/no/such/rsync, which is not there",
        ),
        ("set -e\nlogger start\nrsync -a x h::m", 2, "logger"),
        ("set -e\ndate -d never\nrsync -a x h::m", 2, "date"),
        ("sudo rsync -a x h::m", 1, "sudo"),
    ] {
        let found = around("a.sh", text);
        match line {
            0 => assert!(matches!(found, Surroundings::Line(0, _)), "{text} {found:?}"),
            line => assert_eq!(found, Surroundings::Line(line, sign.to_owned()), "{text}"),
        }
    }
}

#[test]
fn a_folder_that_a_shell_names_otherwise_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    fs::create_dir_all(root.join("far/off")).expect("folders");
    std::os::unix::fs::symlink("far/off", root.join("link")).expect("a link");
    for (place, is_plain) in [("link/..", false), ("far/..", true), ("link", true)] {
        let text = format!("cd {}/{place}\nrsync -a x h::m", root.display());
        assert_eq!(around("a.sh", &text) == Surroundings::Plain, is_plain, "{place}");
    }
}

#[test]
fn a_table_of_crons_is_judged_as_a_whole() {
    if !has_rsync() {
        return;
    }
    let job = "0 3 * * * rsync -a /x h::m\n";
    for (text, expected) in [
        (job.to_owned(), None),
        (format!("PATH=/usr/bin:/bin\nSHELL=/bin/bash\nA=b\n{job}"), None),
        (format!("OPTS=-v -z\n{}", job.replace("/x", "$OPTS /x")), None),
        (format!("LOGNAME=joe\n{job}"), Some((1, "LOGNAME="))),
        (format!("PATH=/opt/bin\n{job}"), Some((1, "PATH="))),
        (
            format!("0 25 * * * true\n{job}"),
            Some((1, "times that cron does not understand")),
        ),
        (
            job.trim_end().to_owned(),
            Some((1, "the end of the table without a newline")),
        ),
        (job.replace("::m", "::m %x"), Some((1, "%"))),
    ] {
        let expected = expected.map_or(Surroundings::Plain, |(line, sign)| {
            Surroundings::Line(line, sign.to_owned())
        });
        assert_eq!(around("a.cron", &text), expected, "{text}");
    }
}

#[test]
fn a_log_that_rsync_may_come_upon_is_none() {
    if !has_rsync() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for name in ["src", "dst", "old", "logs"] {
        fs::create_dir(root.join(name)).expect("a folder");
    }
    fs::write(root.join("src/one"), "one").expect("a file");
    fs::write(root.join("logs/old"), "old").expect("a file");
    fs::hard_link(root.join("src/one"), root.join("logs/hard")).expect("a link");
    std::os::unix::fs::symlink("old", root.join("logs/link")).expect("a link");
    std::os::unix::fs::symlink("../dst", root.join("logs/dst")).expect("a link");
    for (words, log, is_plain) in [
        ("h::m HERE/dst/", "HERE/logs/new", true),
        ("h::m HERE/dst/", "HERE/dst/log", false),
        ("h::m HERE/dst", "HERE/logs/dst/log", false),
        ("h::m/log HERE/dst/log", "HERE/dst/log", false),
        ("h::m HERE/new/", "HERE/logs/old", true),
        ("h::m HERE/new/../dst", "HERE/logs/old", false),
        ("HERE/src h::m", "HERE/logs/old", true),
        ("HERE/src h::m", "HERE/src/log", false),
        ("HERE/src h::m", "HERE/logs/hard", false),
        ("HERE/src h::m", "HERE/logs/link", false),
        ("HERE/src h::m", "HERE/logs/.popt", false),
        ("--link-dest=../old h::m HERE/dst", "HERE/old/log", false),
        ("-b --backup-dir=HERE/old h::m HERE/dst", "HERE/old/log", false),
        ("-T HERE/old h::m HERE/dst", "HERE/old/log", false),
        ("-L HERE/src h::m", "HERE/logs/old", false),
        ("-k HERE/src h::m", "HERE/logs/old", false),
        ("-K h::m HERE/dst", "HERE/logs/old", false),
        ("-L HERE/src h::m", "/dev/null", true),
        (
            "--files-from=HERE/logs/hard HERE/src h::m",
            "HERE/logs/old",
            false,
        ),
        ("--files-from=HERE/logs/hard h::m HERE/dst", "HERE/logs/old", true),
        ("-F HERE/src h::m", "HERE/logs/.log", false),
        ("-F HERE/src h::m", "HERE/logs/new", true),
        ("-C HERE/src h::m", "HERE/.cvsignore", false),
        ("'--filter=: /rules' HERE/src h::m", "HERE/rules", false),
        ("'--filter=: /rules' HERE/src h::m", "HERE/logs/rules", true),
        (
            "'--filter=: ../logs/rules' HERE/src h::m",
            "HERE/logs/rules",
            false,
        ),
        ("'--filter=- *.o' HERE/src h::m", "HERE/logs/rules", true),
    ] {
        for how in [">", ">>", "| tee -a"] {
            let sign = how.split(" -").next().expect("a sign");
            let sign = if sign == ">>" { ">" } else { sign };
            let text = format!("rsync -a {words} {how} {log}").replace("HERE", &root.display().to_string());
            let expected = match is_plain {
                true => Surroundings::Plain,
                false => Surroundings::Line(1, sign.to_owned()),
            };
            assert_eq!(around("a.sh", &text), expected, "{text}");
        }
    }
}

#[test]
fn a_table_of_either_kind_is_refused() {
    if !has_rsync() {
        return;
    }
    let text = "MAILTO=joe@example.com\nMAILFROM=cron\n0 3 * * * root rsync -a /x h::m\n";
    let sign = "root, a user in /etc/cron.d and a command in a user's table,";
    for (name, expected) in [
        ("my.cron", Surroundings::Line(3, sign.to_owned())),
        ("/etc/cron.d/copy", Surroundings::Plain),
        ("/etc/crontab", Surroundings::Plain),
    ] {
        assert_eq!(around(name, text), expected, "{name}");
    }
    let own = text.replace("root ", "");
    for name in ["my.cron", "/var/spool/cron/crontabs/root"] {
        assert_eq!(around(name, &own), Surroundings::Plain, "{name}");
    }
}
