//! The probe, at real daemons that are broken on purpose.

mod healthy;
mod live;
mod local;
mod proofs;
mod push;
mod situations;
mod transcripts;

use std::{
    collections::BTreeSet,
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    os::unix::fs::PermissionsExt as _,
    thread,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::{
    mishaps::played,
    support::{
        daemon::{Daemon, Run, has_rsync},
        mishap::{Mishap, Transcript, run_with},
        program::{folder, keeps_to, program, rsyncctl, schema, stderr, stdout},
        skip,
        stage::is_root,
    },
};

/// A folder whose program `rsync` hands its command line to the probe.
fn client() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("rsync");
    let script = format!(
        "#!/bin/bash\nexec {} probe --json --really --reproduce \"rsync ${{*@Q}}\"\n",
        env!("CARGO_BIN_EXE_rsyncctl")
    );
    fs::write(&program, script).expect("a file");
    for path in [folder.path(), &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    folder
}

/// What the probe told last.
fn report(transcript: &Transcript) -> Option<Value> {
    let lines = transcript.last_output().lines();
    lines.rev().find_map(|line| serde_json::from_str(line).ok())
}

/// The causes, likeliest first.
fn causes(report: &Value) -> Vec<&str> {
    let diagnoses = report["diagnoses"].as_array().into_iter().flatten();
    diagnoses
        .filter(|diagnosis| diagnosis["failure"] == 1)
        .filter_map(|diagnosis| diagnosis["rule"].as_str())
        .collect()
}

#[test]
fn the_scenarios_of_explain_end_as_with_rsync() {
    if !has_rsync() {
        return;
    }
    let client = client();
    let runs = played(|mishap| run_with(mishap, client.path()));
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let mut wrong = Vec::new();
    let mut others = Vec::new();
    let (mut judged, mut first, mut near) = (0, 0, 0);
    for (mishap, transcript) in &runs {
        let Mishap {
            name, exit, rules, ..
        } = mishap;
        let Some(report) = transcript.as_ref().and_then(report) else {
            others.push(name.as_str());
            continue;
        };
        keeps_to(&schema, &report);
        judged += 1;
        let causes = causes(&report);
        let place = causes
            .iter()
            .position(|cause| rules.iter().any(|rule| rule == cause));
        first += usize::from(place == Some(0));
        near += usize::from(place.is_some_and(|place| place < 3));
        let ours = transcript.as_ref().map(Transcript::exit);
        // The server's last word races against the end of its connection, for rsync too.
        let is_lost = ours == Some(10) && report.to_string().contains("Connection reset by peer");
        // Who hangs up with the greeting unread resets the connection, or not, as the pieces arrive.
        let is_unheard = report["summary"]["failed"] == "greeting" && ours == Some(5);
        // Ours reads a list of names to its end before it looks for the first of them.
        let is_gone = name == "vanished-while-pushing" && ours == Some(23);
        let is_same = ours == Some(*exit) || is_lost && *exit == 4 || is_unheard && *exit == 12 || is_gone;
        let verdict = match (is_same, place) {
            (false, _) => "other code",
            (true, Some(0)) => "right",
            (true, Some(1 | 2)) => "among three",
            (true, _) => "other cause",
        };
        println!(
            "{name:50} {exit:3} {:3} {:7} {verdict}",
            ours.unwrap_or(-1),
            causes.first().unwrap_or(&"-")
        );
        if !is_same {
            wrong.push(format!(
                "{name}: {exit}, not {ours:?}: {}",
                transcript.as_ref().map_or("", |run| run.last_output())
            ));
        }
    }
    println!(
        "probe: {judged} scenarios, {} with rsync's code, the true cause first in {first}, among three in {near}; not for it: {}",
        judged - wrong.len(),
        others.join(" ")
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What looks alike from outside needs the server's configuration, or its log.
    assert!(
        first * 10 >= judged * 6 && near * 10 >= judged * 8,
        "{first}, {near}"
    );
}

/// What is noticed besides, but for the holes of an old release.
fn remarks(report: &Value) -> Vec<&str> {
    let findings = report["findings"].as_array().expect("findings").iter();
    let rules = findings.map(|finding| finding["rule"].as_str().expect("a rule"));
    rules.filter(|rule| *rule != "RSY513").collect()
}

/// A daemon with modules that work.
const HEALTHY: &str = "\
use chroot = no\nreverse lookup = no\n\
[open]\npath = $ROOT/files\ncomment = for all\n\
[closed]\npath = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/secrets\n\
[hidden]\npath = $ROOT/files\nlist = no\n\
[empty]\npath = $ROOT/nothing\n";

#[test]
fn a_daemon_that_works_passes_every_stage() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let user = nix::unistd::geteuid();
    let text = format!("uid = {user}\ngid = {}\n{HEALTHY}", nix::unistd::getegid());
    let configuration = root.join("rsyncd.conf");
    fs::write(&configuration, text.replace("$ROOT", &root.display().to_string())).expect("a file");
    fs::create_dir_all(root.join("files/sub")).expect("folders");
    fs::create_dir(root.join("nothing")).expect("a folder");
    let large: Vec<u8> = (0..100_000_u32)
        .map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8)
        .collect();
    fs::write(root.join("files/sub/large [1].bin"), large).expect("a file");
    fs::write(root.join("files/small"), "small\n").expect("a file");
    // A time that programs set by mistake is as good as any.
    let opened = fs::File::options()
        .write(true)
        .open(root.join("files/sub/large [1].bin"));
    opened
        .expect("it")
        .set_modified(std::time::UNIX_EPOCH)
        .expect("a time");
    fs::write(root.join("secrets"), "joe:not-a-secret\n").expect("a file");
    fs::set_permissions(root.join("secrets"), fs::Permissions::from_mode(0o600)).expect("a mode");
    let daemon = Daemon::start(&configuration, &Run::default());
    let folder = tempfile::tempdir().expect("a folder");
    for (module, skipped, noticed) in [
        ("open", &["authentication"][..], "RSY516"),
        ("closed", &[], "RSY518"),
        ("hidden", &["authentication"], "RSY516"),
        ("empty", &["authentication", "pull", "delta"], "RSY516"),
    ] {
        let target = format!("rsync://joe@127.0.0.1:{}/{module}", daemon.port());
        let mut command = program(folder.path(), &["probe", "--json", &target]);
        command
            .env("RSYNC_PASSWORD", "not-a-secret")
            .env("TMPDIR", folder.path());
        let output = command.output().expect("it runs");
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
        assert_eq!(output.status.code(), Some(0), "{report:#}");
        assert!(!stdout(&output).contains("not-a-secret"), "{report}");
        assert_eq!(remarks(&report), [noticed], "{report:#}");
        for stage in report["stages"].as_array().expect("stages") {
            let name = stage["stage"].as_str().expect("a name");
            let expected = match name {
                "command-line" | "push" | "push-delta" | "read-back" | "removal" | "transfer" => "skipped",
                name if skipped.contains(&name) => "skipped",
                _ => "passed",
            };
            assert_eq!(stage["state"], expected, "{module}: {stage}");
            if name == "delta" && module != "empty" {
                let saving = &stage["facts"][1];
                assert!(saving["matched_bytes"].as_u64() > Some(90_000), "{stage}");
            }
        }
    }
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "something is left");
}

/// A peer that says this to each who connects, and then hears them out.
fn peer(says: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let _ = stream.write_all(says);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    port
}

#[test]
fn another_service_is_recognized() {
    let folder = tempfile::tempdir().expect("a folder");
    for (says, service) in [
        (&b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n"[..], "HTTP"),
        (b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n", "SSH"),
        (b"220 mail.example ESMTP\r\n", "FTP or SMTP"),
        (b"\x15\x03\x03\x00\x02\x02\x46", "TLS"),
    ] {
        let target = format!("rsync://127.0.0.1:{}/data", peer(says));
        let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(5), "{report:#}");
        assert_eq!(report["summary"]["failed"], "greeting", "{report:#}");
        let greeting = report["stages"].as_array().expect("stages");
        let greeting = greeting.iter().find(|stage| stage["stage"] == "greeting");
        assert_eq!(
            greeting.expect("it")["facts"][0]["service"],
            service,
            "{report:#}"
        );
        assert_eq!(report["diagnoses"][0]["severity"], "error", "{report:#}");
    }
}

/// A peer that says this over and over, and goes on listening if it says it once.
fn talker(says: &'static [u8], is_endless: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            while stream.write_all(says).is_ok() && is_endless {}
            let _ = stream.read_to_end(&mut Vec::new());
        }
    });
    port
}

#[test]
fn a_service_whose_first_line_never_ends_is_recognized() {
    let folder = tempfile::tempdir().expect("a folder");
    let telnet = b"\xff\xfd\x18\xff\xfd\x20login: ";
    for (port, code, quoted) in [
        (talker(telnet, false), 30, "login:"),
        (peer(telnet), 5, "login:"),
        (talker(&[b'x'; 4096], true), 5, "xxxx"),
    ] {
        let target = format!("rsync://127.0.0.1:{port}/data");
        let output = rsyncctl(folder.path(), &["probe", "--json", "--timeout=1", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{report:#}");
        assert_eq!(causes(&report)[0], "RSY807", "{report:#}");
        let title = report["diagnoses"][0]["title"].as_str().expect("a title");
        assert!(title.contains(quoted) && title.len() < 400, "{title}");
    }
    // What may be the beginning of a greeting is no other service.
    let target = format!("rsync://127.0.0.1:{}/data", peer(b"@RSYNCD: 31"));
    let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(!causes(&report).contains(&"RSY807"), "{report:#}");
}

/// Up to protocol 28 rsync goes on, and the limit is this client's.
#[test]
fn a_daemon_that_is_too_old_for_this_client_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = "the server speaks protocol 28, and the oldest that this client speaks is 29";
    let foreign = "protocol version mismatch -- is your shell clean?";
    for (says, expected) in [
        (&b"@RSYNCD: 28\n"[..], own),
        (b"@RSYNCD: 29.1\n", own),
        (b"@RSYNCD: 19\n", foreign),
    ] {
        let target = format!("rsync://127.0.0.1:{}/data/", peer(says));
        let output = rsyncctl(folder.path(), &["probe", &target]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stdout(&output).contains(expected), "{output:?}");
        assert!(stdout(&output).contains("(RSY826)"), "{output:?}");
        let output = rsyncctl(folder.path(), &["sync", &target]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
    }
}

#[test]
fn weak_digests_of_a_greeting_are_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    for (says, noticed) in [
        (&b"@RSYNCD: 32.0 md4\n@RSYNCD: EXIT\n"[..], &["RSY514"][..]),
        (b"@RSYNCD: 31.0 md5 md4\n@RSYNCD: EXIT\n", &["RSY514"]),
        (b"@RSYNCD: 32.0 sha512 sha256 sha1 md5 md4\n@RSYNCD: EXIT\n", &[]),
    ] {
        let target = format!("rsync://127.0.0.1:{}/", peer(says));
        let output = rsyncctl(folder.path(), &["probe", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(remarks(&report), noticed, "{report:#}");
        assert_eq!(
            report
                .to_string()
                .contains("any password that this daemon asks for"),
            !noticed.is_empty(),
            "{report:#}"
        );
    }
}

/// Each target has a report, in the order of the targets, and the highest code counts.
#[test]
fn many_targets_are_told_in_their_order() {
    let [closed, other] = [
        {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            listener.local_addr().expect("bound").port()
        },
        peer(b"@RSYNCD: 31.0\n@ERROR: not today\n"),
    ];
    let lines = format!("127.0.0.1:: # no port is named\n\nrsync://127.0.0.1:{other}/\n").repeat(40);
    let folder = folder(&[("list", &lines)]);
    let port = closed.to_string();
    let words = [
        "probe",
        "--targets",
        "list",
        "--port",
        &port,
        "--format",
        "concise",
        "--metrics",
        "probe.prom",
    ];
    let output = rsyncctl(folder.path(), &words);
    let told = stdout(&output);
    let told: Vec<_> = told.lines().collect();
    assert_eq!(told.len(), 80, "{told:?}");
    assert!(
        told.iter()
            .step_by(2)
            .all(|line| line.contains("connect fails, code 10")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .skip(1)
            .step_by(2)
            .all(|line| line.contains("module list fails, code 5")),
        "{told:?}"
    );
    assert_eq!(output.status.code(), Some(10));
    let metrics = fs::read_to_string(folder.path().join("probe.prom")).expect("metrics");
    keeps_to_openmetrics(&metrics);
    for line in [
        "rsyncctl_probe_success{target=\"127.0.0.1::\"} 0".to_owned(),
        "rsyncctl_probe_exit_code{target=\"127.0.0.1::\"} 10".to_owned(),
        format!("rsyncctl_probe_exit_code{{target=\"rsync://127.0.0.1:{other}/\"}} 5"),
        "rsyncctl_probe_failure{target=\"127.0.0.1::\",stage=\"connect\",cause=\"RSY801\"} 1".to_owned(),
        format!("rsyncctl_probe_findings{{target=\"rsync://127.0.0.1:{other}/\",severity=\"warning\"}} 1"),
    ] {
        assert!(metrics.lines().any(|one| one == line), "{line}: {metrics}");
    }
}

/// The rules of the text format that readers insist on: each name has its type first and its series together, each
/// series has one value, and the end is marked.
fn keeps_to_openmetrics(text: &str) {
    let lines = text.strip_suffix("# EOF\n").expect("an end").lines();
    let (mut name, mut names, mut series) = ("", BTreeSet::new(), BTreeSet::new());
    for line in lines {
        if let Some(declared) = line.strip_prefix("# TYPE ") {
            name = declared.strip_suffix(" gauge").expect("a gauge");
            assert!(names.insert(name), "{line}");
        } else if let Some(declared) = line.strip_prefix("# ") {
            assert_eq!(declared.split(' ').nth(1), Some(name), "{line}");
        } else {
            let (one, value) = line.rsplit_once(' ').expect("a value");
            assert!(
                one.starts_with(&format!("{name}{{")) && one.ends_with("\"}"),
                "{line}"
            );
            assert!(series.insert(one), "{line}");
            value.parse::<f64>().expect(line);
        }
    }
}

#[test]
fn a_password_is_never_told() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let folder = tempfile::tempdir().expect("a folder");
    let line = format!("RSYNC_PASSWORD=not-a-secret rsync -av rsync://joe@127.0.0.1:{port}/data/ here/");
    for format in ["human", "concise", "json"] {
        let output = rsyncctl(
            folder.path(),
            &["probe", "--format", format, "--reproduce", &line],
        );
        assert_eq!(output.status.code(), Some(5), "{output:?}");
        assert!(stdout(&output).contains("authentication"), "{output:?}");
        assert!(!format!("{output:?}").contains("not-a-secret"), "{output:?}");
    }
}

/// What the password file shows decides between causes that look alike from outside.
#[test]
fn the_password_file_is_looked_at() {
    let port = peer(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n@ERROR: auth failed on module data\n");
    let target = format!("rsync://joe@127.0.0.1:{port}/data");
    for (text, mode, code, rule) in [
        ("not-a-secret\n", 0o600, 5, "RSY810"),
        ("joe:not-a-secret\n", 0o600, 5, "RSY327"),
        ("not-a-secret\n", 0o644, 1, "RSY328"),
    ] {
        let folder = folder(&[("password", text)]);
        let path = folder.path().join("password");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        let file = format!("--password-file={}", path.display());
        let output = rsyncctl(folder.path(), &["probe", "--json", &file, &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{report:#}");
        assert_eq!(report["diagnoses"][0]["rule"], rule, "{report:#}");
    }
}

/// Commands are pasted into a shell: a name that somebody gave a file is a name there, and no command.
#[test]
fn names_of_files_are_no_commands() {
    if !is_root() {
        skip("a file that the daemon may not read needs root");
        return;
    }
    if !has_rsync() {
        return;
    }
    let folder = folder(&[("served/a';touch here;'b", "text\n")]);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
    let file = folder.path().join("served/a';touch here;'b");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
    let configuration = folder.path().join("rsyncd.conf");
    let served = folder.path().join("served").display().to_string();
    let text = format!("use chroot = no\nuid = nobody\n[m]\npath = {served}\n");
    fs::write(&configuration, text).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let target = format!("rsync://127.0.0.1:{}/m", daemon.port());
    let output = rsyncctl(
        folder.path(),
        &["probe", "--json", "--config", "rsyncd.conf", &target],
    );
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let first = &report["diagnoses"][0];
    let commands = [&first["check"]["commands"], &first["remedy"]["commands"]];
    let words: Vec<_> = commands
        .into_iter()
        .flat_map(|commands| commands.as_array().expect("commands"))
        .flat_map(|command| shell_words::split(command.as_str().expect("text")).expect("words"))
        .collect();
    assert!(words.contains(&file.display().to_string()), "{report:#}");
    assert!(!words.contains(&"here;".to_owned()), "{report:#}");
}

#[test]
fn what_is_no_target_is_refused() {
    let folder = folder(&[("empty", "# none yet\n\n")]);
    for (words, expected) in [
        (&["/srv/data"][..], "is a path of this machine"),
        (&["host:/srv"], "is a path behind a remote shell"),
        (&["--reproduce", "cp a b"], "has no `rsync`"),
        (&["--reproduce", "rsync 'a"], "missing closing quote"),
        (&["--targets", "nowhere"], "cannot read `nowhere`"),
        (&["--targets", "empty"], "`empty` names no target"),
    ] {
        let output = rsyncctl(folder.path(), &[&["probe"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            stderr(&output).contains(expected),
            "{words:?}: {}",
            stderr(&output)
        );
    }
}

/// A report that could not be written is no success; a reader that went away early has read enough.
#[test]
fn a_report_that_cannot_be_written_is_a_failure() {
    let folder = tempfile::tempdir().expect("a folder");
    let target = format!("rsync://127.0.0.1:{}/", peer(b"@RSYNCD: 31.0\n@RSYNCD: EXIT\n"));
    for format in ["human", "concise", "json"] {
        let words = ["probe", "--format", format, &target];
        let full = fs::File::options().write(true).open("/dev/full").expect("it");
        let output = program(folder.path(), &words)
            .stdout(full)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains("No space left on device"), "{output:?}");
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = program(folder.path(), &words)
            .stdout(writer)
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(stderr(&output), "");
    }
}

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
        (format!("cd ../there && rsync -a --delete {target} ./"), "`cd`"),
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
    let line = format!("cd ../there && rsync -a {target} ./");
    let output = rsyncctl(&here, &["probe", "--reproduce", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        stderr(&output).contains("not carried out, as it stands around the rsync command: `cd`"),
        "{output:?}"
    );
    let line = format!("rsync -a {target} ./ > log 2>&1 && echo ok | tee log");
    let output = rsyncctl(&here, &["probe", "--really", "--reproduce", &line]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(
        here.join("new").exists() && !here.join("log").exists(),
        "{output:?}"
    );
}

/// A list may be long: what is no target in it is named with its line.
#[test]
fn a_line_that_is_no_target_is_named() {
    let folder = folder(&[("targets", "# ours\nhost.example::data\n\n/srv/data\n")]);
    let output = rsyncctl(folder.path(), &["probe", "--targets", "targets"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let expected = "line 4 of `targets`: `/srv/data` is a path of this machine";
    assert!(stderr(&output).contains(expected), "{output:?}");
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
    ]);
    for place in ["backup.sh:5", "backup.sh:4", "backup.cron:3"] {
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
        ("none.sh:1", "FILE:LINE"),
    ] {
        let output = rsyncctl(folder.path(), &["probe", "--reproduce", place]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(stderr(&output).contains(expected), "{output:?}");
    }
}
