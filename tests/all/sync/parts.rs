//! What is left of a file when a session ends before its time: the part that came, where the options want it.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, UNIX_EPOCH},
};

use super::{
    Stage,
    faults::proxy::{Direction, Fault, Kind, Proxy},
    touch,
};
use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, program::program},
};

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Cut,
    Timeout,
    Signal,
}

/// What is left: each file's name, its permissions, how old it is, and whether it is the beginning of the sender's.
fn left(folder: &Path, below: &Path, content: &[u8], found: &mut Vec<String>) {
    for entry in fs::read_dir(folder.join(below)).expect("a folder") {
        let name = below.join(entry.expect("an entry").file_name());
        let path = folder.join(&name);
        let status = path.symlink_metadata().expect("it is there");
        if status.is_dir() {
            found.push(format!("{}/ {:o}", name.display(), status.mode()));
            left(folder, &name, content, found);
            continue;
        }
        let there = fs::read(&path).expect("a file");
        let age = match status.mtime() {
            0 => "long ago",
            ..1_100_000_000 => "planted",
            _ => "new",
        };
        let is_part = !there.is_empty() && content.starts_with(&there);
        found.push(format!("{} {:o} {age} {is_part}", name.display(), status.mode()));
    }
}

fn run(stage: &Stage, content: &[u8], words: &[&str], end: End, ours: bool) -> (Option<i32>, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("dst/sub")).expect("folders");
    fs::create_dir(folder.path().join("tmp")).expect("a folder");
    let there = folder.path().join("dst/there");
    fs::write(&there, &content[..50_000]).expect("a file");
    touch(&there, UNIX_EPOCH + Duration::from_secs(900_000_000));
    let (reached, arrival) = mpsc::channel();
    let kind = match end {
        End::Cut => Kind::Cut,
        _ => Kind::Stall,
    };
    let fault = Fault {
        direction: Direction::ToClient,
        offset: 700_000,
        kind,
    };
    let proxy = Proxy::start(stage.daemon.port(), Some(fault), reached);
    let mut command = if ours {
        program(folder.path(), &["sync"])
    } else {
        let mut command = Command::new("rsync");
        command.arg("--no-inc-recursive").current_dir(folder.path());
        command
    };
    let url = format!("{}/data/src/", proxy.url());
    let here = folder.path().display().to_string();
    command.args(words.iter().map(|word| word.replace("{here}", &here)));
    if end == End::Timeout {
        command.arg("--timeout=1");
    }
    let client = command
        .args([&*url, "dst"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut client = client.spawn().expect("the client runs");
    if end == End::Signal {
        arrival.recv().expect("it is reached");
        // By then it has written some; rsync holds up to 256 KiB back.
        let until = |is_there: &dyn Fn() -> bool| {
            while !is_there() {
                thread::yield_now();
            }
        };
        until(&|| size_of_parts(folder.path()) >= 500_000);
        let script = format!("kill -s INT {}", client.id());
        let status = Command::new("sh").args(["-c", &script]).status();
        assert!(status.expect("sh runs").success(), "it was running");
    }
    let status = client.wait().expect("it ends");
    proxy.end();
    let mut found = Vec::new();
    left(folder.path(), Path::new(""), content, &mut found);
    found.sort();
    // A second run completes it, and leaves nothing beside it.
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let mut command = program(folder.path(), &["sync"]);
    command.args(words.iter().map(|word| word.replace("{here}", &here)));
    let output = command.args([&*url, "dst"]).output().expect("the client runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut after = Vec::new();
    left(&folder.path().join("dst"), Path::new(""), content, &mut after);
    let is_right = |line: &String| {
        let is_file = line.ends_with("planted true") || line.starts_with("sub/ ");
        is_file || line.starts_with("there~")
    };
    assert!(after.iter().all(is_right), "{after:?}");
    (status.code(), found)
}

/// How much there is of files that are not whole, in bytes.
fn size_of_parts(folder: &Path) -> u64 {
    let mut largest = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(status) = entry.path().symlink_metadata() else {
            continue;
        };
        largest = largest.max(match status.is_dir() {
            true => size_of_parts(&entry.path()),
            false => status.len(),
        });
    }
    largest
}

#[test]
fn a_part_is_left_where_it_is_wanted() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut random = Random::new(5);
    let content: Vec<u8> = (0..1_000_000).map(|_| random.below(256) as u8).collect();
    fs::create_dir(stage.source().join("sub")).expect("a folder");
    for name in ["there", "sub/new"] {
        let path = stage.source().join(name);
        fs::write(&path, &content).expect("a file");
        touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
    let cases: [&[&str]; 10] = [
        &["-aW"],
        &["-aW", "--partial"],
        &["-aW", "--partial", "--backup"],
        &["-aW", "--partial-dir=.part"],
        &["-aW", "--partial-dir={here}/parts"],
        &["-aW", "--delay-updates"],
        &["-a", "--inplace"],
        &["-a", "--append"],
        &["-aW", "-T", "{here}/tmp", "--partial"],
        &["-aW", "--exclude=there", "--partial"],
    ];
    thread::scope(|scope| {
        let (stage, content) = (&stage, &content);
        for words in cases {
            scope.spawn(move || {
                for end in [End::Cut, End::Timeout, End::Signal] {
                    let [theirs, ours] = [false, true].map(|ours| run(stage, content, words, end, ours));
                    assert_eq!(theirs, ours, "{words:?} {end:?}");
                }
            });
        }
    });
}

#[test]
fn nothing_is_appended_to_but_the_file_itself() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let content: Vec<u8> = (0..20_000_u32).flat_map(u32::to_le_bytes).collect();
    for (name, length) in [("new.data", 80_000), ("short.data", 100), ("begun", 80_000)] {
        fs::write(stage.source().join(name), &content[..length]).expect("a file");
    }
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for other in [
        "-y",
        "--compare-dest=../other",
        "--copy-dest=../other",
        "--link-dest=../other",
    ] {
        for append in ["--append", "--append-verify"] {
            let folder = tempfile::tempdir().expect("a folder");
            for (name, length) in [
                ("dst/old.data", 5_000),
                ("dst/begun", 6_000),
                ("other/new.data", 5_000),
                ("other/short.data", 5_000),
            ] {
                let path = folder.path().join(name);
                fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
                fs::write(path, &content[..length]).expect("a file");
            }
            let output = program(
                folder.path(),
                &["sync", "-r", other, append, "--stats", &url, "dst"],
            )
            .output()
            .expect("it runs");
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{output:?}");
            assert!(
                said.contains("Literal data: 154,100 bytes"),
                "{other} {append}: {said}"
            );
            for (name, length) in [("new.data", 80_000), ("short.data", 100), ("begun", 80_000)] {
                let there = fs::read(folder.path().join("dst").join(name)).expect("a file");
                assert!(there == content[..length], "{other} {append}: {name} differs");
            }
        }
    }
}
