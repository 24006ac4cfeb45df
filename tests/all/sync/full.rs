//! The disk that files go to fills: each file is the old or the new one, the client ends as rsync does, and once there is
//! room the next run completes.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, UNIX_EPOCH},
};

use tempfile::TempDir;

use super::{Stage, collect, described, told, touch};
use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, mishap::Need, program::program, skip},
};

/// A small disk at a place, as long as it lives.
struct Disk(PathBuf);

impl Disk {
    fn mount(place: PathBuf) -> Self {
        fs::create_dir(&place).expect("a folder");
        let disk = Self(place);
        disk.run("mount", &["-t", "tmpfs", "-o", "size=500k", "none"]);
        disk
    }

    fn grow(&self) {
        self.run("mount", &["-o", "remount,size=8m"]);
    }

    fn run(&self, program: &str, words: &[&str]) {
        let mut command = Command::new(program);
        let status = command.args(words).arg(&self.0).status();
        assert!(status.expect("it runs").success(), "{program} {words:?}");
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// What a file has before and after, if it is there; together the new ones do not fit.
type Versions = [(&'static str, Option<Vec<u8>>, Vec<u8>); 4];

fn versions() -> Versions {
    let mut random = Random::new(17);
    let mut bytes = |count: usize| -> Vec<u8> { (0..count).map(|_| random.below(256) as u8).collect() };
    let (small, large) = (bytes(50_000), bytes(300_000));
    let longer = [&small[..], &bytes(10_000)].concat();
    [
        ("a", Some(small), longer),
        ("b", None, bytes(200_000)),
        ("c", Some(bytes(100_000)), large),
        ("d", None, bytes(500)),
    ]
}

/// A client's session on a full disk: what it said, and what there is afterwards.
struct Accident {
    is_pull: bool,
    stage: Stage,
    folder: TempDir,
    disk: Disk,
}

impl Accident {
    fn prepare(is_pull: bool) -> Self {
        let stage = Stage::new();
        let folder = tempfile::tempdir().expect("a folder");
        let (source, target) = match is_pull {
            true => (stage.source(), folder.path().join("dst")),
            false => (folder.path().join("src"), stage.target()),
        };
        let disk = Disk::mount(target.clone());
        fs::create_dir_all(&source).expect("folders");
        for (name, old, new) in versions() {
            let plant = |path: &Path, content: &[u8], time| {
                fs::write(path, content).expect("a file");
                touch(path, UNIX_EPOCH + Duration::from_secs(time));
            };
            plant(&source.join(name), &new, 1_000_000_000);
            if let Some(old) = old {
                plant(&target.join(name), &old, 900_000_000);
            }
        }
        touch(&source, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        Self {
            is_pull,
            stage,
            folder,
            disk,
        }
    }

    fn run(&self, ours: bool, words: &[&str]) -> Output {
        let mut command = if ours {
            program(self.folder.path(), &["sync"])
        } else {
            let mut command = Command::new("rsync");
            command.current_dir(self.folder.path()).env("LC_ALL", "C.UTF-8");
            command
        };
        let url = format!("rsync://127.0.0.1:{}", self.stage.daemon.port());
        match self.is_pull {
            true => command.args(words).arg(format!("{url}/data/src/")).arg("dst"),
            false => command.args(words).arg("src/").arg(format!("{url}/drop/")),
        };
        command.stdin(Stdio::null()).output().expect("the client runs")
    }

    /// What the client says of the disk and of its end.
    fn reasons(&self, output: &Output) -> String {
        let place = self.folder.path().display().to_string();
        let said = told(output, &place);
        // What else there is to say of a connection that ends depends on who is first.
        let counts = |line: &&str| !line.starts_with("! ") || line.contains("No space left");
        said.lines().filter(counts).collect::<Vec<_>>().join("\n")
    }

    /// All files: whole, old or neither.
    fn state(&self) -> BTreeMap<String, &'static str> {
        let mut found = BTreeMap::new();
        collect(&self.disk.0, Path::new(""), &mut found);
        let versions = versions();
        let state = |(name, content): (String, Vec<u8>)| {
            let state = match versions.iter().find(|(base, ..)| name.ends_with(base)) {
                Some((_, _, new)) if *new == content => "new",
                Some((_, Some(old), _)) if *old == content => "old",
                Some((_, _, new)) if new.starts_with(&content) => "part",
                _ => "other",
            };
            (name, state)
        };
        found.into_iter().map(state).collect()
    }

    fn complete(&self, words: &[&str]) {
        self.disk.grow();
        let output = self.run(true, words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && error.is_empty(), "{words:?}: {error}");
        let source = match self.is_pull {
            true => self.stage.source(),
            false => self.folder.path().join("src"),
        };
        let state = self.state();
        assert!(
            state.values().all(|state| *state == "new"),
            "{words:?}: {state:?}"
        );
        assert_eq!(described(&self.disk.0), described(&source), "{words:?}");
    }
}

/// Both clients on a full disk of their own each.
fn compare(is_pull: bool, words: &[&str]) -> BTreeMap<String, &'static str> {
    let [theirs, ours] = [false, true].map(|ours| {
        let accident = Accident::prepare(is_pull);
        let output = accident.run(ours, words);
        let outcome = (accident.reasons(&output), accident.state());
        accident.complete(words);
        outcome
    });
    assert_eq!(theirs, ours, "{words:?}");
    assert!(ours.0.starts_with("code Some(11)\n"), "{words:?} {}", ours.0);
    assert!(ours.0.contains("write failed on"), "{words:?} {}", ours.0);
    ours.1
}

fn is_possible() -> bool {
    if !has_rsync() {
        return false;
    }
    if let Some(reason) = Need::Root.unmet().or_else(|| Need::Mount.unmet()) {
        skip(&format!("a small disk: {reason}"));
        return false;
    }
    true
}

#[test]
fn a_disk_that_fills_ends_a_pull_and_hurts_nothing() {
    if !is_possible() {
        return;
    }
    let kept = BTreeMap::from([("a", "new"), ("b", "new"), ("c", "old")]);
    let cases: [&[&str]; 10] = [
        &["-a"],
        &["-a", "--protocol=29"],
        &["-a", "--protocol=30"],
        &["-ai", "--protocol=31"],
        &["-avz"],
        &["-a", "--no-inc-recursive"],
        &["-a", "--sparse"],
        &["-a", "--preallocate"],
        &["-a", "--temp-dir=."],
        &["-a", "--fsync", "--stats"],
    ];
    for words in cases {
        let state = compare(true, words);
        let state: BTreeMap<_, _> = state.iter().map(|(name, state)| (&**name, *state)).collect();
        assert_eq!(state, kept, "{words:?}");
    }
    // What is left of the file is there because it is wanted.
    let cases: [&[&str]; 5] = [
        &["-a", "--partial"],
        &["-a", "--partial-dir=.part"],
        &["-a", "--inplace"],
        &["-a", "--delay-updates"],
        &["-aW", "--partial", "--preallocate"],
    ];
    for words in cases {
        let state = compare(true, words);
        assert!(
            state.values().any(|state| *state == "part"),
            "{words:?} {state:?}"
        );
    }
}

#[test]
fn a_disk_that_fills_ends_a_push_and_hurts_nothing() {
    if !is_possible() {
        return;
    }
    for words in [
        // A server of an older protocol hangs up half a minute later.
        &["-a"][..],
        &["-ai", "--protocol=31"],
        &["-avz"],
        &["-a", "--partial"],
    ] {
        let state = compare(false, words);
        assert_eq!(state.get("a"), Some(&"new"), "{words:?}");
        assert!(!state.values().any(|state| *state == "other"), "{state:?}");
    }
}
