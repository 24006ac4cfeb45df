//! Command lines of users.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use serde_json::Value;

use super::peer;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, rsyncctl, stderr, stdout},
};

/// Only rsync's own part of a command line is carried out: where the rest would change what it does, nothing is.
#[test]
fn what_stands_around_a_command_line_is_not_passed_over() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[
        ("here/precious", "ours\n"),
        ("there/old", "theirs\n"),
        ("served/new", "new\n"),
    ]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = folder.path().join("rsyncd.conf");
    let served = folder.path().join("served");
    let text = format!("use chroot = no\n[m]\npath = {}\n", served.display());
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let here = folder.path().join("here");
    let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
    for (line, name) in [
        (
            format!("mountpoint -q ./ && rsync -a --delete {target} ./"),
            "`mountpoint`",
        ),
        (format!("HOME=$PWD; rsync -a --delete {target} ~/"), "`HOME=`"),
        (format!("sudo -u nobody rsync -a --delete {target} ./"), "`sudo`"),
        (format!("rsync -a --delete {target} $DEST/"), "`$DEST/`"),
    ] {
        let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(name), "{output:?}");
        let names: Vec<_> = fs::read_dir(&here)
            .expect("a folder")
            .map(|one| one.expect("one").file_name())
            .collect();
        assert_eq!(names, ["precious"], "{line}");
    }
    let table = format!("0 4 * * * games rsync -a {target} ./\n5 4 * * * root rsync -a {target} ./ %input\n");
    fs::create_dir(here.join("cron.d")).expect("a folder");
    fs::write(here.join("cron.d/backup"), table).expect("a file");
    for (line, name) in [(1, "cron's user games"), (2, "cron's input behind %")] {
        let line = format!("cron.d/backup:{line}");
        let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(name), "{output:?}");
    }
    for (script, line, why) in [
        ("#!/bin/sh -e\nmountpoint -q ./\nRSYNC", 3, "line 2 may decide"),
        ("f() {\nRSYNC\n}\ncd ../there\nf", 2, "line 1 may decide"),
        ("IFS=,\nRSYNC", 2, "line 1 may decide"),
        ("RSYNC", 1, "from the folder on that the script is started in"),
    ] {
        let text = script.replace("RSYNC", &format!("rsync -a --delete {target} ./"));
        fs::write(folder.path().join("there/a.sh"), format!("{text}\n")).expect("a file");
        let place = format!("../there/a.sh:{line}");
        let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &place]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(why), "{output:?}");
        assert!(here.join("precious").exists(), "{script}");
    }
    // What goes to a folder is carried out there.
    fs::remove_file(folder.path().join("there/a.sh")).expect("a file");
    let there = folder.path().join("there").display().to_string();
    for (kind, text) in [
        ("typed", format!("cd {there} && rsync -a --delete {target} ./")),
        (
            "a.sh:3",
            format!("set -e\ncd {there}\nrsync -a --delete {target} ./\n"),
        ),
        (
            "backup.cron:2",
            format!("HOME={there}\n0 3 * * * rsync -a --delete {target} ./\n"),
        ),
    ] {
        fs::write(Path::new(&there).join("old"), "theirs").expect("a file");
        let place = match kind.split_once(':') {
            Some((file, _)) => {
                fs::write(folder.path().join(file), &text).expect("a file");
                format!("../{kind}")
            }
            None => text,
        };
        let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &place]);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(here.join("precious").exists(), "{output:?}");
        assert!(!Path::new(&there).join("old").exists(), "{output:?}");
    }
    fs::write(Path::new(&there).join("old"), "theirs").expect("a file");
    // A dry run goes to the folder; what else changes the command is told.
    let line = format!("cd ../there && umask 077 && rsync -a --exclude-from=rules {target} ./");
    fs::write(folder.path().join("there/rules"), "new\n").expect("a file");
    let output = rsyncctl(&here, &["probe", "--reproduce", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let told = stderr(&output);
    assert!(
        told.contains("as it stands around the rsync command: `umask`"),
        "{output:?}"
    );
    assert!(told.contains("/here/../there, as the command is"), "{output:?}");
    let first = "./: rsync's own part works; `umask` around it was not carried out, and may fail it (";
    assert!(stdout(&output).contains(first), "{output:?}");
    let output = rsyncctl(
        &here,
        &["probe", "--reproduce", &line.replace("../there", "../nowhere")],
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(
        stderr(&output).contains("../nowhere`, where the command is to run, so nothing was carried out"),
        "{output:?}"
    );
    let line = format!("rsync -a {target} ./ > ../log 2>&1 && echo ok | tee log");
    let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        here.join("new").exists() && !here.join("log").exists(),
        "{output:?}"
    );
}

/// The command line of a script or a crontab is the one that is typed.
#[test]
fn a_command_line_is_reproduced_where_it_stands() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let line = format!("rsync -a rsync://joe@$HOST:{port}/data/ \\\n  here/");
    let folder = folder(&[
        (
            "backup.sh",
            &format!("#!/bin/sh\nHOST=127.0.0.1\nexport RSYNC_PASSWORD=not-a-secret\n{line}\n"),
        ),
        (
            "backup.cron",
            &format!(
                "RSYNC_PASSWORD=not-a-secret\nHOST=127.0.0.1\n0 3 * * * {}\n",
                line.replace("\\\n", "")
            ),
        ),
        (
            "two.sh",
            "# rsync h::m d\nrsync h::m d\nrsync -a h::m d | tee log\n",
        ),
        ("notes", "about rsync and others\n"),
    ]);
    for place in [
        "backup.sh:5",
        "backup.sh:4",
        "backup.sh",
        "backup.cron:3",
        "backup.cron",
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--json", "--reproduce", place]);
        let report: Value = serde_json::from_slice(&output.stdout).expect(place);
        assert_eq!(output.status.code(), Some(5), "{report:#}");
        assert_eq!(
            report["target"],
            format!("rsync -a rsync://joe@127.0.0.1:{port}/data/ here/"),
            "{report:#}"
        );
        assert_eq!(report["diagnoses"][0]["rule"], "RSY810", "{report:#}");
        assert!(!format!("{output:?}").contains("not-a-secret"), "{output:?}");
    }
    for (place, expected) in [
        ("backup.sh:1", "calls no rsync; it does so on 4"),
        ("backup.sh:9", "has no line 9"),
        ("none.sh:1", "there is no file `none.sh`"),
        (
            "two.sh",
            "`two.sh` calls rsync on lines 2, 3; give the one that fails, as two.sh:2",
        ),
        ("notes", "no line of `notes` is seen to call rsync"),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", place]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
    }
}

/// An address that rsync reads otherwise than it is meant is told as that, with what to write; the password stays unsaid.
#[test]
fn an_address_that_rsync_misreads_is_named() {
    let folder = folder(&[]);
    for (address, code, rule, right) in [
        (
            "rsync://joe:hush@127.0.0.1:1/data/",
            255,
            "RSY785",
            "rsync://joe@127.0.0.1:1/data/",
        ),
        ("joe:hush@127.0.0.1::data/", 255, "RSY785", "joe@127.0.0.1::data/"),
        (
            "rsync://127.0.0.1:65537/data/",
            10,
            "RSY786",
            "rsync://127.0.0.1/data/",
        ),
        (
            "joe@127.0.0.1:8730::data/",
            255,
            "RSY806",
            "rsync://joe@127.0.0.1:8730/data/",
        ),
        (
            "rsync://127.0.0.1:ssh/data/",
            255,
            "RSY806",
            "rsync://127.0.0.1/data/",
        ),
    ] {
        let output = rsyncctl(folder.path(), &["probe", address]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(right), "{output:?}");
        assert!(!format!("{output:?}").contains("hush"), "{output:?}");
        let line = format!("rsync -a {address} here/");
        let output = rsyncctl(folder.path(), &["probe", "--json", "--reproduce", &line]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{report:#}");
        assert_eq!(report["diagnoses"][0]["rule"], rule, "{report:#}");
        assert!(
            report["diagnoses"][0]["remedy"]["help"]
                .to_string()
                .contains(right),
            "{report:#}"
        );
        assert!(!format!("{output:?}").contains("hush"), "{output:?}");
    }
}

/// A carriage return at the end of a line belongs to the last word, as for the shell.
#[test]
fn lines_that_end_as_those_of_windows_are_read_as_a_shell_reads_them() {
    if !has_rsync() {
        return;
    }
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: Unknown module 'data'\n");
    let lines = [
        "#!/bin/bash".to_owned(),
        "H=127.0.0.1".to_owned(),
        "PW=here/password".to_owned(),
        format!("rsync -r rsync://$H:{port}/data /nowhere/here/"),
        format!("rsync -r --password-file=$PW rsync://127.0.0.1:{port}/data here/"),
        String::new(),
    ];
    let folder = folder(&[("a.sh", &lines.join("\r\n")), ("b.sh", &lines.join("\n"))]);
    for (place, code, rule) in [("a.sh:4", 10, "RSY969"), ("b.sh:4", 5, "RSY819")] {
        // What is no plain text is not carried out for real.
        for is_real in [false, true]
            .into_iter()
            .filter(|is_real| !is_real || place == "b.sh:4")
        {
            let mut words = vec!["probe", "--json", "--reproduce", place];
            words.extend(is_real.then_some("--really"));
            let output = rsyncctl(folder.path(), &words);
            let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            assert_eq!(output.status.code(), Some(code), "{report:#}");
            let first = &report["diagnoses"][0];
            assert_eq!(first["rule"], rule, "{report:#}");
            let is_told = stderr(&output).contains("cure: sed -i 's/\\r$//' a.sh");
            assert_eq!(is_told, place.starts_with('a'), "{output:?}");
            if place.starts_with('a') {
                assert!(
                    first["title"]
                        .to_string()
                        .contains(&format!("`rsync://127.0.0.1:{port}/data`")),
                    "{first}"
                );
                assert_eq!(
                    first["remedy"]["commands"][0], "sed -i 's/\\r$//' a.sh",
                    "{first:#}"
                );
            }
        }
    }
    let output = rsyncctl(folder.path(), &["probe", "--reproduce", "a.sh:5"]);
    assert!(
        stdout(&output).contains(r"--password-file=here/password\r"),
        "{output:?}"
    );
}

/// A file or a line that is not there is told as that.
#[test]
fn a_place_that_is_none_is_told() {
    let folder = folder(&[
        ("a.sh", "rsync h::m d\n"),
        ("a.cron", "0 3 * * * RSYNC_PASSWORD='p%w' rsync h::m d\n"),
    ]);
    for (place, expected) in [
        ("nofile:3", "there is no file `nofile`"),
        ("a.sh:0", "`a.sh` has no line 0; the first one is 1"),
        ("a.sh:9", "`a.sh` has no line 9"),
        (
            "a.cron:1",
            "cron ends the command of line 1 of `a.cron` at the first `%`, in front of `rsync`; write `\\%`",
        ),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", place]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
    }
}

/// To a shell curved quotes are letters, and wide blanks part no words.
#[test]
fn typographic_characters_are_named() {
    if !has_rsync() {
        return;
    }
    let folder = folder(&[]);
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: Unknown module '\xe2\x80\x9cm\xe2\x80\x9d'\n");
    for (line, expected) in [
        (
            format!("rsync -r --port={port} 127.0.0.1::\u{201c}m\u{201d} d/"),
            "typographic quotes",
        ),
        (
            format!("rsync -rv\u{3000}127.0.0.1::m d/ --port={port}"),
            "a wide or no-break blank",
        ),
        (
            format!("rsync -rv --delete\u{a0}127.0.0.1::m d/ --port={port}"),
            "a wide or no-break blank",
        ),
    ] {
        let mut bash = Command::new("bash");
        let real = bash
            .args(["-c", &line])
            .current_dir(folder.path())
            .output()
            .expect("bash runs");
        let output = rsyncctl(folder.path(), &["probe", "--json", "--reproduce", &line]);
        assert_eq!(
            output.status.code(),
            real.status.code(),
            "{line}: {output:?}\n{real:?}"
        );
        assert!(stderr(&output).contains(expected), "{line}: {output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(report["diagnoses"][0]["rule"], "RSY875", "{report:#}");
    }
    let text = "$ rsync -av \u{201c}/srv/a b/\u{201d} h::m\nrsync: [sender] link_stat \"/root/\u{201c}/srv/a\" failed: No such file or directory (2)\n";
    fs::write(folder.path().join("text"), text).expect("a file");
    let told = stdout(&rsyncctl(folder.path(), &["explain", "text"]));
    assert!(
        told.contains("1. the command has the curly quotes of a web page"),
        "{told}"
    );
}

/// What a script hands to rsync is what its shell hands to it: a program in the place of rsync writes its words down.
#[test]
fn scripts_are_read_as_their_shell_reads_them() {
    let folder = folder(&[
        (
            "bin/rsync",
            "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$WORDS\"\npwd >>\"$WORDS\"\n",
        ),
        ("home/.bashrc", ""),
        ("work/list", "one\n"),
    ]);
    let root = folder.path();
    fs::set_permissions(root.join("bin/rsync"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let target = format!("rsync://127.0.0.1:{port}/m");
    let path = format!("{}:/usr/bin:/bin", root.join("bin").display());
    for (lines, expected) in [
        ("D=~/backup", "\"$D\"/"),
        ("D=~/backup", "--exclude-from=$D out/"),
        ("D=\"~/backup\"", "$D/"),
        ("D='~/backup'", "\"$D/\""),
        ("", "~/out/"),
        ("", "--exclude={\"/dev/*\",\"/proc/*\",/sys} out/"),
        ("", "--exclude=\"{a,b}\" out/"),
        ("V='{a,b}'", "--exclude=$V out/"),
        ("cd \"$(dirname \"$0\")\"", "--exclude-from=list out/"),
        ("cd `dirname $0` || exit 1", "out/"),
        ("cd ${0%/*}", "out/"),
        ("HERE=$(cd \"$(dirname \"$0\")\" && pwd)", "\"$HERE/out/\""),
        ("HERE=$(dirname \"$(readlink -f \"$0\")\")", "\"$HERE\"/out/"),
    ] {
        let script = format!("#!/bin/bash\n{lines}\nrsync -a {target} {expected}\n");
        let place = root.join("work/job.sh");
        fs::write(&place, &script).expect("a file");
        let words = root.join("words");
        let ran = Command::new("bash")
            .arg(&place)
            .current_dir(root)
            .env("PATH", &path)
            .env("HOME", root.join("home"))
            .env("WORDS", &words)
            .status();
        assert!(ran.expect("bash runs").success(), "{script}");
        let mut real: Vec<_> = fs::read_to_string(&words)
            .expect("words")
            .lines()
            .map(str::to_owned)
            .collect();
        real.pop();
        let place = format!("{}:3", place.display());
        let output = program(root, &["probe", "--json", "--reproduce", &place])
            .env("HOME", root.join("home"))
            .output()
            .expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        let told = report["target"].as_str().unwrap_or_default();
        let told = shell_words::split(told).expect("words");
        assert_eq!(told[1..], real, "{script}\n{}", stderr(&output));
    }
}

/// What stands in the place of rsync, of a shell or of what is started in front of it may do anything.
#[test]
fn programs_that_are_others_are_not_taken_for_what_they_are_called() {
    if !has_rsync() {
        return;
    }
    let script = "#!/bin/sh\nexit 1\n";
    let folder = folder(&[
        ("rsync.d/none", ""),
        ("nice.d/nice", script),
        ("date.d/date", script),
        ("bash.d/bash", script),
        ("tee.d/tee", script),
        ("plain.d/none", ""),
        ("script.d/rsync", script),
        ("src/one", "one\n"),
    ]);
    let root = folder.path();
    for name in [
        "nice.d/nice",
        "date.d/date",
        "bash.d/bash",
        "tee.d/tee",
        "script.d/rsync",
    ] {
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    std::os::unix::fs::symlink("/bin/true", root.join("rsync.d/rsync")).expect("a link");
    let port = peer(b"@RSYNCD: 31.0\n@ERROR: not today\n");
    let here = root.display().to_string();
    let call = format!("rsync -r {here}/src rsync://127.0.0.1:{port}/m/");
    for (path, text, sign) in [
        ("plain.d", "CALL", ""),
        (
            "plain.d",
            "#!/usr/bin/env bash\ndate\nnice CALL | tee HERE/log\n",
            "",
        ),
        ("rsync.d", "CALL", "/rsync.d/rsync, which is /"),
        ("rsync.d", "#!/bin/sh\nCALL\n", "/rsync.d/rsync, which is /"),
        ("plain.d", "HERE/rsync.d/CALL", "/rsync.d/rsync, which is /"),
        ("script.d", "CALL", "/script.d/rsync, a script"),
        ("nice.d", "nice CALL", "`nice`"),
        ("date.d", "date; CALL", "`date`"),
        ("date.d", "D=$(date +%F); CALL", "`D=`"),
        ("tee.d", "CALL | tee HERE/log", "`| tee`"),
        ("bash.d", "#!/usr/bin/env bash\nCALL\n", "`#!`"),
        ("plain.d", "#!HERE/bash.d/bash\nCALL\n", "`#!`"),
    ] {
        let text = text.replace("CALL", &call).replace("HERE", &here);
        let line = match text.starts_with("#!") {
            true => {
                fs::write(root.join("a.sh"), &text).expect("a file");
                "a.sh"
            }
            false => &text,
        };
        let output = program(root, &["probe", "--really", "--reproduce", line])
            .env("PATH", format!("{here}/{path}:/usr/bin:/bin"))
            .output()
            .expect("it runs");
        let code = if sign.is_empty() { 5 } else { 2 };
        assert_eq!(output.status.code(), Some(code), "{path} {text}: {output:?}");
        assert!(stderr(&output).contains(sign), "{path} {text}: {output:?}");
    }
}
