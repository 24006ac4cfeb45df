//! The doctor on the client: command lines beside real daemons, password files, disks and programs that watch.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path, process::Command};

use nix::unistd::geteuid;
use serde_json::Value;

use super::{
    can_serve, causes,
    daemons::{Daemon, Place, healthy},
    reach::can_separate,
    states,
};
use crate::support::{
    port::Closed,
    program::{folder, keeps_to, program, rsyncctl, schema, stdout, unprivileged},
    skip,
};

/// What the doctor says of a command line, with its exit status.
fn examined(folder: &Path, line: &str) -> (Value, Option<i32>) {
    // Other tests start programs that watch folders: in a process space of its own none of them is seen.
    let is_apart = ["-p", "-f", "--kill-child", "--mount-proc"];
    let can_be_apart = Command::new("unshare").args(is_apart).arg("true").output();
    let mut command = program(folder, &["doctor", "--json", "--client", line]);
    if can_be_apart.is_ok_and(|output| output.status.success()) {
        let plain = std::mem::replace(&mut command, Command::new("unshare"));
        command
            .args(is_apart)
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(folder)
            .env("LC_ALL", "C.UTF-8");
    }
    let output = command.output().expect("the program runs");
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    (report, output.status.code())
}

fn state<'r>(report: &'r Value, stage: &str) -> &'r str {
    let mut states = states(report).into_iter();
    states
        .find(|(name, _)| *name == stage)
        .map_or("none", |(_, state)| state)
}

/// A daemon with a module for everybody and one for joe, and a folder that files come to.
fn served() -> (Place, Daemon) {
    let place = Place::new(&[
        healthy("data"),
        format!(
            "{}auth users = joe\nsecrets file = FOLDER/secrets\n",
            healthy("kept")
        ),
    ]);
    let root = place.path();
    write(&root.join("secrets"), "joe:a-password-of-some-length\n", 0o600);
    write(&root.join("password"), "a-password-of-some-length\n", 0o600);
    fs::create_dir(root.join("target")).expect("a folder");
    let daemon = place.start();
    (place, daemon)
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

#[test]
fn a_healthy_command_line_has_nothing_wrong() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let port = daemon.port;
    for line in [
        format!("rsync -av rsync://127.0.0.1:{port}/data/ target/"),
        format!("rsync -av --port={port} --password-file=password joe@127.0.0.1::kept/ target/"),
        format!("rsync --port={port} 127.0.0.1::"),
        format!("rsync -a --delete --port {port} 127.0.0.1::data target"),
        format!("rsync -av --port={port} --list-only 127.0.0.1::data/"),
    ] {
        let (report, code) = examined(place.path(), &line);
        assert_eq!((code, causes(&report)), (Some(0), vec![]), "{line}: {report:#}");
        assert_eq!(state(&report, "server"), "passed", "{line}");
        assert!(!report.to_string().contains("a-password-of-some-length"));
    }
    // Nothing has come.
    let found = fs::read_dir(place.path().join("target"))
        .expect("the folder")
        .count();
    assert_eq!(found, 0);
    // The same where it stands in a script.
    let script = format!("#!/bin/sh\nrsync -av rsync://127.0.0.1:{port}/data/ target/\n");
    fs::write(place.path().join("backup.sh"), script).expect("a file");
    let (report, code) = examined(place.path(), "backup.sh:2");
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    let output = rsyncctl(place.path(), &["doctor", "--client", "backup.sh:1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

/// Nobody is asked for a password that only a run of the script can tell, and no login is tried without it.
#[test]
fn there_is_no_login_without_the_password_of_a_script() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let root = place.path();
    let (port, folder) = (daemon.port, root.display());
    let script = format!(
        "#!/bin/bash\nexport RSYNC_PASSWORD=$(ASKED)\nrsync -a rsync://joe@127.0.0.1:{port}/kept/ {folder}/target/\n"
    );
    for (asked, login) in [
        ("sed 1q password".to_owned(), "warned"),
        (format!("cat {folder}/password"), "passed"),
        (format!("<{folder}/password"), "passed"),
    ] {
        write(&root.join("script"), &script.replace("ASKED", &asked), 0o700);
        let (report, status) = examined(root, "./script");
        assert_eq!(state(&report, "server"), login, "{report:#}");
        assert!(causes(&report).is_empty(), "{report:#}");
        assert_eq!(status, Some(if login == "passed" { 0 } else { 3 }));
    }
    let log = fs::read_to_string(root.join("rsyncd.log")).expect("the daemon's log");
    // Whoever is asked and hangs up gives no answer.
    let is_login = |line: &&str| line.contains("auth failed") && line.contains(" for joe");
    assert_eq!(log.lines().find(is_login), None, "{log}");
}

/// What comes by a pipe or from a file is not read in place of them.
#[test]
fn what_an_option_reads_from_its_input_is_not_known() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let (port, folder) = (daemon.port, place.path().display());
    let own = format!("rsync://joe@127.0.0.1:{port}/kept/ {folder}/target/");
    for line in [
        format!("echo of-nobody | rsync -a --password-file=- {own}"),
        format!("printf 'one\\ngone\\n' | rsync -a --files-from=- {own}"),
        format!("rsync -a --password-file - {own} < {folder}/password"),
    ] {
        let (report, status) = examined(place.path(), &line);
        assert!(causes(&report).is_empty(), "{line}: {report:#}");
        assert_eq!(status, Some(3), "{line}: {report:#}");
    }
}

#[test]
fn what_the_source_no_longer_has_is_counted() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let target = place.path().join("target");
    fs::create_dir(target.join("old")).expect("a folder");
    fs::write(target.join("old/file"), "x").expect("a file");
    fs::write(target.join("file"), "content\n").expect("a file");
    let line = format!("rsync -a --port={} 127.0.0.1::data/ target/", daemon.port);
    let (report, code) = examined(place.path(), &line);
    // Files may be left on purpose: only where they fill a disk it is more than a note.
    let severity = report["diagnoses"][0]["severity"].as_str().expect("a severity");
    assert!(
        matches!((code, severity), (Some(0), "info") | (Some(1), "warning")),
        "{report:#}"
    );
    assert_eq!(causes(&report), [("RSY736", "later")], "{report:#}");
    let stage = &report["stages"].as_array().expect("stages")[5];
    assert_eq!(stage["facts"][0]["leftover"], 2, "{stage:#}");
    assert!(target.join("old/file").exists());
    // Who deletes, or keeps on purpose, is told nothing.
    for option in ["--delete", "--backup"] {
        let line = format!(
            "rsync -a {option} --port={} 127.0.0.1::data/ target/",
            daemon.port
        );
        let (report, code) = examined(place.path(), &line);
        assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    }
}

#[test]
fn faults_of_a_command_line_are_found() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let root = place.path();
    write(&root.join("open"), "a-password-of-some-length\n", 0o644);
    write(&root.join("wrong"), "another-password\n", 0o600);
    write(&root.join("named"), "joe:a-password-of-some-length\n", 0o600);
    write(&root.join("empty"), "\n", 0o600);
    let port = daemon.port;
    let closed = Closed::new();
    let kept =
        |file: &str| format!("rsync -a --password-file={file} rsync://joe@127.0.0.1:{port}/kept/ target/");
    let (report, _) = examined(
        root,
        &format!("rsync -a rsync://127.0.0.1:{port}/data/ no/where/"),
    );
    let command = format!("mkdir -p '{}/no'", root.display());
    assert_eq!(
        report["diagnoses"][0]["remedy"]["commands"][0], command,
        "{report:#}"
    );
    for (line, first, stage) in [
        (kept("missing"), "RSY879", "password-file"),
        (kept("open"), "RSY328", "password-file"),
        (kept("wrong"), "RSY810", "server"),
        (kept("named"), "RSY327", "server"),
        (kept("empty"), "RSY329", "password-file"),
        (
            format!("rsync -a --delte rsync://127.0.0.1:{port}/data/ target/"),
            "RSY992",
            "command-line",
        ),
        (
            format!("rsync -a rsync://127.0.0.1:{port}/data/ no/where/"),
            "RSY852",
            "destination",
        ),
        (
            format!("rsync -a nothing rsync://127.0.0.1:{port}/data/"),
            "RSY851",
            "destination",
        ),
        (
            format!("rsync -a target/ rsync://127.0.0.1:{port}/data/"),
            "RSY885",
            "server",
        ),
        (
            format!("rsync -a rsync://127.0.0.1:{port}/dta/ target/"),
            "RSY819",
            "server",
        ),
        (
            format!("rsync -a rsync://127.0.0.1:{}/data/ target/", closed.port),
            "RSY801",
            "server",
        ),
    ] {
        let (report, code) = examined(root, &line);
        assert_eq!(code, Some(1), "{line}: {report:#}");
        let found = causes(&report);
        assert_eq!(found.first(), Some(&(first, "now")), "{line}: {report:#}");
        assert_eq!(state(&report, stage), "failed", "{line}: {report:#}");
        assert!(
            !report.to_string().contains("a-password-of-some-length"),
            "{line}"
        );
    }
}

#[test]
fn what_cannot_be_carried_out_is_said() {
    let folder = folder(&[("file", "x")]);
    let (report, code) = examined(folder.path(), "rsync -a file joe@127.0.0.1:/srv/");
    // Nobody has seen what a remote shell meets.
    assert_eq!((code, causes(&report)), (Some(3), vec![]), "{report:#}");
    assert_eq!(state(&report, "server"), "skipped");
    assert_eq!(report["unchecked"][0]["subject"], "the server", "{report:#}");
    let (report, code) = examined(folder.path(), "rsync -a file other");
    assert_eq!((code, causes(&report)), (Some(0), vec![]), "{report:#}");
    for line in ["", "rsync", "ls", "rsync 'a", "rsync a::b c; rsync d::e f"] {
        let output = rsyncctl(folder.path(), &["doctor", "--client", line]);
        assert!(matches!(output.status.code(), Some(0..=3)), "{line}: {output:?}");
    }
    let output = rsyncctl(
        folder.path(),
        &["doctor", "--client", "rsync a b", "--from", "127.0.0.1"],
    );
    assert_eq!(output.status.code(), Some(2), "{output:?}");
}

#[test]
fn a_plain_user_who_may_not_write_is_told() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let folder = folder(&[("closed/file", "x")]);
    fs::set_permissions(folder.path().join("closed"), fs::Permissions::from_mode(0o755)).expect("a mode");
    let line = format!("rsync -a rsync://127.0.0.1:{}/data/ closed/", daemon.port);
    let output = unprivileged(&folder, &["doctor", "--json", "--client", &line]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    assert_eq!(output.status.code(), Some(1), "{report:#}");
    assert_eq!(causes(&report).first(), Some(&("RSY842", "now")), "{report:#}");
    drop(place);
}

/// Runs a script in mounts of its own; `$1` is the program. What the doctor prints is a file of the folder.
fn in_own_mounts(folder: &Path, spaces: &[&str], script: &str) -> bool {
    if !geteuid().is_root() {
        skip("only root can mount");
        return false;
    }
    let output = Command::new("unshare")
        .args(spaces)
        .args(["bash", "-euc", script, "bash", env!("CARGO_BIN_EXE_rsyncctl")])
        .current_dir(folder)
        .output()
        .expect("unshare runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    true
}

fn report(folder: &Path, name: &str) -> Value {
    let text = fs::read(folder.join(name)).expect("a report");
    let report = serde_json::from_slice(&text).expect("JSON");
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    report
}

#[test]
fn a_full_disk_and_one_that_is_read_only() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    fs::write(place.path().join("data/large"), vec![7; 200_000]).expect("a file");
    for name in ["full", "crowded", "fixed", "small"] {
        fs::create_dir(place.path().join(name)).expect("a folder");
    }
    let script = "mount -t tmpfs -o size=64k none full; head -c 1M /dev/zero > full/file 2>/dev/null || true
        mount -t tmpfs -o nr_inodes=2 none crowded; touch crowded/file
        mount -t tmpfs -o size=64k none small
        mount --bind fixed fixed; mount -o remount,bind,ro fixed
        for name in full crowded fixed small target; do
            \"$1\" doctor --json --client \"rsync -a --delete rsync://127.0.0.1:PORT/data/ $name/\" > $name.json || true
        done";
    let script = script.replace("PORT", &daemon.port.to_string());
    // What other tests let watch folders meanwhile is not seen from there.
    if !in_own_mounts(place.path(), &["-mp", "--fork", "--mount-proc"], &script) {
        return;
    }
    for (name, rules) in [
        ("full", &[("RSY846", "now")][..]),
        ("crowded", &[("RSY846", "now")]),
        ("fixed", &[("RSY848", "now")]),
        ("small", &[("RSY846", "now")]),
        ("target", &[]),
    ] {
        let report = report(place.path(), &format!("{name}.json"));
        assert_eq!(causes(&report), rules, "{name}: {report:#}");
        if name == "fixed" {
            let command = report["diagnoses"][0]["remedy"]["commands"][0].as_str();
            let remount = format!("mount -o remount,rw {}", place.path().join(name).display());
            assert!(command == Some(&remount), "{report:#}");
        }
    }
}

#[test]
fn programs_that_watch_and_their_limits() {
    if !can_serve() {
        return;
    }
    let (place, daemon) = served();
    let root = place.path();
    fs::create_dir_all(root.join("tree/a/b")).expect("folders");
    let configuration = "<head version=\"2.5\"><sersync><localpath watch=\"/\"><remote ip=\"127.0.0.1\" name=\"data\"/>\
        </localpath></sersync></head>\n";
    fs::write(root.join("confxml.xml"), configuration).expect("a file");
    // A user namespace has limits of its own; a process space hides the other watchers of this machine.
    let script = "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
        line='rsync -a --delete rsync://127.0.0.1:PORT/data/ target/'
        \"$1\" doctor --json --client \"$line\" > none.json || true
        inotifywait -q -m -r tree >/dev/null 2>&1 &
        until grep -qs 'inotify wd:3' /proc/$!/fdinfo/*; do kill -0 $!; done
        \"$1\" doctor --json --client \"$line\" > watched.json || true
        echo 3 > /proc/sys/user/max_inotify_watches
        \"$1\" doctor --json --client \"$line\" > limit.json || true
        kill $!; wait $! || true
        mkfifo held; bash -c 'exec -a sersync2 sh -c \"read x < held\" -r -o confxml.xml' & watcher=$!
        until tr '\\0' ' ' < /proc/$watcher/cmdline | grep -q '^sersync2'; do kill -0 $watcher; done
        \"$1\" doctor --json --client \"$line\" > sersync.json || true
        echo > held";
    let script = script.replace("PORT", &daemon.port.to_string());
    if !in_own_mounts(root, &["-U", "-r", "-p", "-f", "-m", "--mount-proc"], &script) {
        return;
    }
    let none = report(root, "none.json");
    assert_eq!(causes(&none), [], "{none:#}");
    assert_eq!(state(&none, "watchers"), "skipped");
    let watched = report(root, "watched.json");
    assert_eq!(causes(&watched), [], "{watched:#}");
    assert_eq!(state(&watched, "watchers"), "passed");
    let facts = &watched["stages"][3]["facts"];
    assert_eq!(facts[0]["program"], "inotifywait", "{facts:#}");
    assert_eq!(
        (&facts[1]["limit"], &facts[1]["used"]),
        (&Value::from("max_user_watches"), &Value::from(3))
    );
    let limit = report(root, "limit.json");
    assert_eq!(causes(&limit), [("RSY960", "now")], "{limit:#}");
    let sersync = report(root, "sersync.json");
    let found: Vec<_> = causes(&sersync).into_iter().map(|(rule, _)| rule).collect();
    assert!(found.contains(&"RSY906"), "{sersync:#}");
}

#[test]
fn a_port_that_is_dropped_is_told_from_one_that_is_refused() {
    if !can_separate() {
        return;
    }
    let place = folder(&[]);
    let script = "ip link set lo up
        nft add table inet filter
        nft 'add chain inet filter input { type filter hook input priority 0; }'
        nft add rule inet filter input tcp dport 8731 drop
        nft add rule inet filter input tcp dport 8732 reject with icmpx type admin-prohibited
        mkdir target
        for target in 127.0.0.1:8730 127.0.0.1:8731 127.0.0.1:8732 192.0.2.7:873; do
            \"$1\" doctor --json --client \"rsync -a rsync://$target/data/ target/\" > ${target#*:}.json || true
        done";
    if !in_own_mounts(place.path(), &["-n"], script) {
        return;
    }
    for (port, rule) in [
        (8730, "RSY801"),
        (8731, "RSY803"),
        (8732, "RSY802"),
        (873, "RSY784"),
    ] {
        let report = report(place.path(), &format!("{port}.json"));
        assert_eq!(causes(&report), [(rule, "now")], "{port}: {report:#}");
        // Loopback has routes, and nothing else has here.
        let text = report["stages"][4].to_string();
        assert_eq!(text.contains("there is no route"), port == 873, "{text}");
    }
}

#[test]
fn it_is_said_in_both_languages() {
    let folder = folder(&[("file", "x")]);
    let closed = Closed::new();
    let line = format!("rsync -a --delte rsync://127.0.0.1:{}/data/ here/", closed.port);
    let told = |language: &str| {
        let words = ["doctor", "--client", &line, "--lang", language];
        stdout(&program(folder.path(), &words).output().expect("it runs"))
    };
    let (english, chinese) = (told("en"), told("zh"));
    assert!(
        english.contains("x command line") || english.contains("✗ command line"),
        "{english}"
    );
    assert!(!english.contains("command line:1"), "{english}");
    assert!(
        chinese.contains("命令行") && chinese.contains("密码文件"),
        "{chinese}"
    );
}
