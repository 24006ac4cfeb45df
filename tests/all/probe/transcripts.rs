//! What `--trace` writes, and `--replay` plays.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{Shutdown, TcpListener},
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Output,
    thread,
};

use serde_json::Value;

use super::causes;
use crate::support::{
    daemon::{Daemon, Run, has_rsync},
    program::{folder, program, rsyncctl, stderr, stdout},
};

const PASSWORD: &str = "not-a-secret";

/// Runs a probe that knows the password.
fn probe(root: &Path, words: &[&str]) -> Output {
    let mut command = program(root, &["probe", "--json"]);
    command
        .args(words)
        .env("RSYNC_PASSWORD", PASSWORD)
        .env("TMPDIR", root);
    command.output().expect("it runs")
}

/// Plays a transcript, where nobody knows a password.
fn replay(root: &Path, file: &str) -> Output {
    let mut command = program(root, &["probe", "--json", "--replay", file]);
    command.env_remove("RSYNC_PASSWORD").env("TMPDIR", root);
    command.output().expect("it runs")
}

/// The report without what differs each time: times, and the name of the folder that files are pulled to.
fn lasting(output: &Output) -> Value {
    let mut report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no report: {}", stderr(output)));
    report["summary"]["seconds"].take();
    report["summary"]["rsync"].take();
    for stage in report["stages"].as_array_mut().expect("stages") {
        stage["seconds"].take();
    }
    report
}

/// Records a probe, plays it, and returns what both showed, with the transcript.
fn twice(root: &Path, words: &[&str]) -> (Value, Option<i32>, String) {
    let recorded = probe(root, &[&["--trace", "probe.trace"], words].concat());
    let text = fs::read_to_string(root.join("probe.trace")).expect("a transcript");
    let played = replay(root, "probe.trace");
    assert_eq!(played.status.code(), recorded.status.code(), "{words:?}\n{text}");
    let report = lasting(&recorded);
    assert_eq!(lasting(&played), report, "{words:?}\n{text}");
    (report, recorded.status.code(), text)
}

const MODULES: &str = "\
use chroot = no\nreverse lookup = no\nread only = no\n\
[open]\npath = $ROOT/files\n\
[closed]\npath = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/secrets\n\
[other]\npath = $ROOT/files\nauth users = joe\nsecrets file = $ROOT/others\n\
[kept]\npath = $ROOT/kept\nrefuse options = delete\n\
[gone]\npath = $ROOT/nothing\n";

#[test]
fn what_was_recorded_happens_again() {
    if !has_rsync() {
        return;
    }
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let text = format!("uid = {user}\ngid = {group}\n{MODULES}");
    let configuration = root.join("rsyncd.conf");
    fs::write(&configuration, text.replace("$ROOT", &root.display().to_string())).expect("a file");
    fs::create_dir_all(root.join("files/sub")).expect("folders");
    fs::create_dir(root.join("kept")).expect("a folder");
    fs::write(root.join("files/sub/large"), vec![b'x'; 60_000]).expect("a file");
    fs::write(root.join("files/small \u{53e3}"), "small\n").expect("a file");
    for (name, text) in [
        ("secrets", format!("joe:{PASSWORD}\n")),
        ("others", "joe:another\n".to_owned()),
    ] {
        fs::write(root.join(name), text).expect("a file");
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(0o600)).expect("a mode");
    }
    let daemon = Daemon::start(&configuration, &Run::default());
    for (module, options, code) in [
        ("", &[][..], 0),
        ("open", &[], 0),
        ("open", &["--push"], 0),
        ("open", &["--protocol=29", "--max-files=1"], 0),
        ("closed", &[], 0),
        ("other", &[], 5),
        ("kept", &["--push"], 4),
        ("gone", &[], 5),
        ("none", &[], 5),
    ] {
        let target = format!("rsync://joe@127.0.0.1:{}/{module}", daemon.port());
        let (report, found, text) = twice(root, &[&[&*target], options].concat());
        assert_eq!(found, Some(code), "{report:#}");
        assert!(!text.contains(PASSWORD), "{text}");
        // Challenge and answer together are a password for whoever has time.
        for (_, answer) in text
            .match_indices("AUTHREQD")
            .map(|(at, _)| text[at..].split_once('\n').expect("a line"))
        {
            let lines: Vec<_> = answer
                .lines()
                .take(3)
                .map(|line| line.split_once(" > ").expect("what was written").1)
                .collect();
            assert!(
                matches!(lines[..], ["\"joe \"", hidden, "\"\\n\""] if hidden.starts_with("hidden ")),
                "{lines:?}"
            );
        }
    }
    // Nobody answers the question for the password.
    let target = format!("rsync://joe@127.0.0.1:{}/closed", daemon.port());
    let mut command = program(root, &["probe", "--json", "--trace", "unasked.trace", &target]);
    let recorded = command.env("RSYNC_PASSWORD", "").output().expect("it runs");
    let played = replay(root, "unasked.trace");
    assert_eq!(lasting(&played), lasting(&recorded));
    assert_eq!(causes(&lasting(&played))[0], "RSY815", "{played:?}");
    let line = format!(
        "rsync -avz --early-input=secrets rsync://127.0.0.1:{}/open/ copy",
        daemon.port()
    );
    let (report, _, text) = twice(root, &["--reproduce", &line]);
    assert_eq!(report["exit"], 0, "{report:#}");
    assert!(!text.contains(PASSWORD), "{text}");
    assert!(!root.join("copy").exists());
    let line = format!("RSYNC_PASSWORD={PASSWORD} {line}");
    let recorded = probe(root, &["--trace", "real.trace", "--really", "--reproduce", &line]);
    assert_eq!(recorded.status.code(), Some(0), "{}", stdout(&recorded));
    assert!(
        !fs::read_to_string(root.join("real.trace"))
            .expect("a transcript")
            .contains(PASSWORD)
    );
    fs::remove_dir_all(root.join("copy")).expect("what was pulled");
    let played = replay(root, "real.trace");
    assert_eq!(played.status.code(), Some(2), "{played:?}");
    assert!(stderr(&played).contains("is not replayed"), "{played:?}");
    assert!(!root.join("copy").exists());
}

/// A file that others could read before is nobody else's afterwards, and has nothing of before.
#[test]
fn a_transcript_is_the_users_own() {
    let folder = folder(&[("probe.trace", &"x".repeat(5000))]);
    let file = folder.path().join("probe.trace");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("a mode");
    let (_, code, text) = twice(folder.path(), &["rsync://127.0.0.1:1/data"]);
    assert_eq!(code, Some(10));
    assert!(!text.contains("xxx"));
    let mode = fs::metadata(&file).expect("it").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// What a peer does that is no daemon.
#[derive(Clone, Copy)]
enum Peer {
    /// It says this and hears the client out.
    Says(&'static [u8]),
    /// It says this and waits for ever.
    Waits(&'static [u8]),
    /// It says this and hangs up with something unread, which resets the connection.
    Resets(&'static [u8]),
}

fn serve(peer: Peer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    thread::spawn(move || {
        let mut kept = Vec::new();
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            match peer {
                Peer::Says(bytes) => {
                    let _ = stream.write_all(bytes);
                    let _ = stream.shutdown(Shutdown::Write);
                    let _ = stream.read_to_end(&mut Vec::new());
                }
                Peer::Waits(bytes) => {
                    let _ = stream.write_all(bytes);
                    kept.push(stream);
                }
                Peer::Resets(bytes) => {
                    let _ = stream.write_all(bytes);
                    // Some of what came is still there.
                    let _ = stream.read(&mut [0]);
                }
            }
        }
    });
    port
}

#[test]
fn each_end_is_the_same_end_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path();
    for (peer, code) in [
        (Peer::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), 5),
        (Peer::Says(b""), 5),
        (Peer::Says(b"@RSYNCD: 31.0\n@ERROR: not today\n"), 5),
        (
            Peer::Says(b"@RSYNCD: 31.0\n@RSYNCD: OK\nnonsense of a shell\n"),
            12,
        ),
        (Peer::Waits(b""), 30),
        (Peer::Waits(b"@RSYNCD: 31.0\n"), 30),
        // What was sent before the reset may be lost with it.
        (Peer::Resets(b"@RSYNCD: 31.0\n"), 0),
    ] {
        let line = format!(
            "rsync --timeout=1 -r rsync://127.0.0.1:{}/data/ copy",
            serve(peer)
        );
        let (report, found, text) = twice(root, &["--reproduce", &line]);
        let is_right = match code {
            0 => matches!(found, Some(5 | 10 | 12)),
            code => found == Some(code),
        };
        assert!(is_right, "{found:?}: {report:#}\n{text}");
    }
    // A password file that nobody may use ends a session before the answer.
    let port = serve(Peer::Waits(b"@RSYNCD: 31.0\n@RSYNCD: AUTHREQD abcdefgh\n"));
    fs::write(root.join("password"), "not-a-secret\n").expect("a file");
    fs::set_permissions(root.join("password"), fs::Permissions::from_mode(0o644)).expect("a mode");
    let line = format!("rsync --password-file=password rsync://joe@127.0.0.1:{port}/data/ copy");
    let recorded = probe(root, &["--trace", "probe.trace", "--reproduce", &line]);
    assert_eq!(recorded.status.code(), Some(1), "{recorded:?}");
    fs::remove_file(root.join("password")).expect("it goes");
    let played = replay(root, "probe.trace");
    assert_eq!(played.status.code(), Some(1), "{played:?}");
}

/// Transcripts of real daemons that are part of this repository.
#[test]
fn transcripts_of_others_are_played() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/transcripts");
    let folder = tempfile::tempdir().expect("a folder");
    for (name, code, failed, cause) in [
        ("healthy", 0, None, None),
        ("code-5", 5, Some("authentication"), Some("RSY810")),
        ("code-12", 12, Some("list"), Some("RSY833")),
        ("code-23", 23, Some("pull"), Some("RSY840")),
    ] {
        let file = fixtures.join(format!("{name}.trace"));
        let output = replay(folder.path(), &file.display().to_string());
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(output.status.code(), Some(code), "{name}: {report:#}");
        assert_eq!(report["summary"]["failed"].as_str(), failed, "{name}: {report:#}");
        assert_eq!(causes(&report).first().copied(), cause, "{name}: {report:#}");
    }
    let left = fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(left, 0, "something is left");
}

/// A report with zeros for each time, which take as much room.
fn timeless(report: &str) -> String {
    let masked = |before: &str| {
        let rest = before.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
        let head = rest.trim_end_matches(' ');
        let room = match rest.len() - head.len() {
            0 => 0,
            blanks => blanks + before.len() - rest.len(),
        };
        format!("{head}{:>room$}", "0.0")
    };
    let line = |line: &str| {
        let mut parts: Vec<_> = line.split(" ms").map(str::to_owned).collect();
        let last = parts.len() - 1;
        parts[..last].iter_mut().for_each(|part| *part = masked(part));
        format!("{}\n", parts.join(" ms"))
    };
    report.lines().map(line).collect()
}

#[test]
fn reports_look_so() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/transcripts");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["healthy", "code-5", "code-23"] {
        let file = fixtures.join(format!("{name}.trace")).display().to_string();
        for language in ["en", "zh"] {
            let words = ["probe", "--lang", language, "--replay", &file];
            let report = stdout(&rsyncctl(folder.path(), &words));
            insta::assert_snapshot!(format!("probe_{name}_{language}"), timeless(&report));
        }
        let report = lasting(&replay(folder.path(), &file));
        insta::assert_snapshot!(format!("probe_{name}_json"), format!("{report:#}"));
    }
}

/// A transcript that lost its end, and one with another end, are played as far as they go or refused.
#[test]
fn a_damaged_transcript_is_no_harm() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/transcripts");
    let text = fs::read_to_string(fixtures.join("healthy.trace")).expect("a transcript");
    let lines: Vec<_> = text.lines().collect();
    let folder = tempfile::tempdir().expect("a folder");
    let play = |text: &str| {
        fs::write(folder.path().join("damaged"), text).expect("a file");
        replay(folder.path(), "damaged")
    };
    // The last lines say only that both sides close.
    for count in (0..lines.len() - 10).step_by(9) {
        let output = play(&lines[..count].join("\n"));
        assert!(
            output.status.code().is_some_and(|code| code != 0 && code < 64),
            "{count}: {output:?}"
        );
    }
    let last = lines[lines.len() - 1];
    let bad = format!("line {}", lines.len() + 1);
    for (end, expected) in [
        ("0.1 1 < \"\\q\"", &*bad),
        ("0.1 99 < \"x\"", &*bad),
        ("0.1 0 cut", "was cut at 16 MiB"),
        ("0.1 0 sample \"../../etc\"", &*bad),
        ("\u{0}", &*bad),
    ] {
        let output = play(&format!("{text}{end}\n{last}\n"));
        assert_eq!(output.status.code(), Some(2), "{end}: {output:?}");
        assert!(stderr(&output).contains(expected), "{end}: {output:?}");
    }
    for option in ["--trace=x", "--metrics=x", "--max-depth=0", "--help"] {
        let output = play(&text.replacen("option \"", &format!("option \"{option}\"\noption \""), 1));
        assert_eq!(output.status.code(), Some(2), "{option}: {output:?}");
        assert!(
            stderr(&output).contains("an option of the transcript"),
            "{option}: {output:?}"
        );
    }
}

#[test]
fn a_transcript_is_about_one_target() {
    let folder = folder(&[("list", "host.example\n")]);
    for words in [
        &["--trace", "x", "one.example", "two.example"][..],
        &["--trace", "x", "--targets", "list"],
        &["--replay", "list"],
        &["--replay", "list", "host.example"],
        &["--replay", "list", "--push"],
        &["--trace", "none/x", "host.example"],
    ] {
        let output = rsyncctl(folder.path(), &[&["probe"], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}: {output:?}");
    }
    assert!(!folder.path().join("x").exists());
}
