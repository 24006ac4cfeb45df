//! Which rule decides about which file, as `-vv` and `--debug=FILTER` say it, wherever the client is the one who asks.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    path::Path,
};

use super::{Stage, assert_none, client};
use crate::support::daemon::has_rsync;

/// A tree with files that rules concern, and with merge files.
fn plant(root: &Path) {
    for folder in ["sub/deep", "core", "kept/in"] {
        fs::create_dir_all(root.join(folder)).expect("folders");
    }
    for (name, text) in [
        ("f1", "one"),
        ("f2", "two"),
        ("x.o", "object"),
        ("sub/f2", "two"),
        ("sub/deep/x.o", "object"),
        ("kept/in/f1", "one"),
        (".rsync-filter", "- x.*\n"),
        ("sub/.rules", "- f2\n+ deep/\n"),
        (".cvsignore", "f1"),
    ] {
        fs::write(root.join(name), text).expect("a file");
    }
    symlink("f1", root.join("link")).expect("a link");
}

/// How often each line was printed that gives a reason, and what the client ended with.
fn reasons(stage: &Stage, line: &str, ours: bool) -> (Option<i32>, BTreeMap<String, usize>) {
    let folder = tempfile::tempdir().expect("a folder");
    let here = folder.path();
    plant(&here.join("src"));
    fs::write(here.join("patterns"), "f2\n+ f1\n").expect("a file");
    // What only one side has is deleted at the other, or protected there.
    for destination in [here.join("dst"), stage.target()] {
        let _ = fs::remove_dir_all(&destination);
        plant(&destination);
        fs::create_dir_all(destination.join("gone/sub")).expect("folders");
        for name in ["gone/f2", "gone/sub/f3", "gone/y", "f3"] {
            fs::write(destination.join(name), "old").expect("a file");
        }
    }
    let url = format!("rsync://127.0.0.1:{}", stage.daemon.port());
    let mut command = client(here, ours);
    command.env("HOME", here).env("CVSIGNORE", "f3 link");
    command.args(
        line.replace("{url}", &url)
            .split(' ')
            .map(|word| word.replace('_', " ")),
    );
    let output = command.output().expect("the client runs");
    let mut counts = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.contains(" because of pattern ") || line.starts_with("cannot delete") {
            let line = line.replace(&*here.display().to_string(), "{here}");
            *counts.entry(line).or_default() += 1;
        }
    }
    (output.status.code(), counts)
}

#[test]
fn the_same_reasons_are_given() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source());
    let options = [
        "-avv --exclude=f2 --exclude=sub/ --include=f1",
        "-avv --delete --exclude=f2 --exclude=sub/ --include=f1",
        "-avv --delete --exclude=/gone/sub/ --exclude=f2",
        "-avv --delete --filter=P_gone/*** --filter=R_f?",
        "-avv --delete --filter=-p_y --filter=-p_f3 --filter=P_f2",
        "-avv --delete-excluded --exclude=f2",
        "-avv --delete-after --exclude-from=patterns",
        "-avv --delete --filter=._patterns",
        "-avv -C --delete",
        "-avv -F --delete-before",
        "-avv --delete --filter=:e_.rules --filter=-!_*/",
        "-avvn --delete --filter=:s_.rules",
        "-avvm --delete --exclude=*.o --exclude=in/",
        "-avv --protocol=29 --delete --exclude=f2",
        "-avv --no-i-r --delete --filter=-/_/f1",
        "-avv --delete --filter=-/_{here}/src/f1 --filter=-/_{here}/dst/sub/f2 --filter=-/_{here}/dst/f2",
        "-dvv --exclude=f1 --exclude=core",
        "-a --debug=filter --delete --exclude=f2",
        "-avv --debug=filter0 --delete --exclude=f2",
        "-av --delete --exclude=f2",
    ];
    let (mut count, mut differences) = (0, Vec::new());
    for options in options {
        for way in [
            "{url}/data/src/ dst",
            "src/ {url}/drop",
            "{url}/data/src dst",
            "src/f1 src/f2 src/sub {url}/drop",
        ] {
            let line = format!("{options} {way}");
            let [theirs, ours] = [false, true].map(|ours| reasons(&stage, &line, ours));
            count += ours.1.len();
            if ours != theirs {
                differences.push(format!("{line}\nrsync:    {theirs:?}\nrsyncctl: {ours:?}"));
            }
        }
    }
    assert_none(&differences);
    assert!(count > 200, "{count} reasons");
}

#[test]
fn what_the_sender_misses_is_protected_as_a_file() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source());
    for rule in ["P_gone", "P_gone/", "P_gone/***", "R_gone", "P_f3"] {
        let line = format!(
            "-avvr --delete-missing-args --filter={rule} {{url}}/data/src/gone {{url}}/data/src/f1 {{url}}/data/src/f3 dst"
        );
        let [theirs, ours] = [false, true].map(|ours| reasons(&stage, &line, ours));
        assert_eq!(ours, theirs, "{line}");
    }
}

#[test]
fn a_bad_rule_at_the_destination_ends_the_generator() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let name = OsStr::from_bytes(b"latin\xe9\n");
    fs::create_dir(stage.source().join(name)).expect("a folder");
    let planted = |root: &Path| {
        let folder = root.join("dst").join(name);
        fs::create_dir_all(&folder).expect("folders");
        fs::write(folder.join(".rules"), "garbage\n").expect("a file");
    };
    for options in ["-r --delete", "-r --delete-before", "-r --delete-delay"] {
        let line = format!("{options} --filter=:_.rules {{url}}/data/src/ dst");
        let words: Vec<_> = line.split(' ').map(|word| word.replace('_', " ")).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        if let Err(difference) = stage.compare(&words, planted) {
            panic!("{difference}");
        }
    }
}
