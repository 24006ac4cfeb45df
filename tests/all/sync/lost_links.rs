//! Files with several names, some of which cannot be made or vanish: the others come all the same.

use std::{
    fs,
    os::unix::{fs::lchown, process::CommandExt as _},
    process::Stdio,
    thread,
};

use nix::unistd::geteuid;

use crate::{
    support::{daemon::has_rsync, skip},
    sync::{Stage, client, trees::described},
};

/// What a client makes of one file with three names, `e/b` of which stands in a folder that the user may not write.
fn made_but_one(stage: &Stage, ours: bool, options: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let closed = folder.path().join("e");
    fs::create_dir(&closed).expect("a folder");
    lchown(folder.path(), Some(65534), Some(65534)).expect("an owner");
    let mut command = client(folder.path(), ours);
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    command.args(["-rltH", options, &url, "."]);
    let output = command.uid(65534).gid(65534).output().expect("the client runs");
    (output.status.code(), described(folder.path()))
}

/// As with rsync; without incremental recursion that loses the other names.
#[test]
fn a_name_that_cannot_be_made_keeps_no_other_from_coming() {
    if !geteuid().is_root() {
        return skip("is not root");
    }
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.source().join("e")).expect("a folder");
    fs::write(stage.source().join("a"), "one").expect("a file");
    for name in ["f", "e/b"] {
        fs::hard_link(stage.source().join("a"), stage.source().join(name)).expect("a link");
    }
    let expected = made_but_one(&stage, false, "--inc-recursive");
    assert_eq!(expected.0, Some(23));
    assert_eq!(expected.1.matches("2 names").count(), 2, "{}", expected.1);
    for options in ["--inc-recursive", "--no-inc-recursive", "--protocol=29"] {
        assert_eq!(made_but_one(&stage, true, options), expected, "{options}");
    }
}

/// Without incremental recursion a file is asked for twice at most, in two phases.
#[test]
fn names_that_can_no_longer_be_asked_for_are_told() {
    if !geteuid().is_root() {
        return skip("is not root");
    }
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for name in ["1", "2", "3"] {
        fs::create_dir(stage.source().join(name)).expect("a folder");
    }
    fs::write(stage.source().join("1/x"), "one").expect("a file");
    for name in ["2/x", "3/x"] {
        fs::hard_link(stage.source().join("1/x"), stage.source().join(name)).expect("a link");
    }
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for (options, comes) in [("--inc-recursive", true), ("--no-inc-recursive", false)] {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["2", "3"] {
            fs::create_dir(folder.path().join(name)).expect("a folder");
        }
        lchown(folder.path(), Some(65534), Some(65534)).expect("an owner");
        let mut command = client(folder.path(), true);
        command.args(["-rltH", options, &url, "."]);
        let output = command.uid(65534).gid(65534).output().expect("the client runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(23), "{told}");
        assert_eq!(folder.path().join("1/x").exists(), comes, "{options}: {told}");
        assert_eq!(
            told.contains("1/x\" is left out: its other names"),
            !comes,
            "{told}"
        );
    }
}

/// A name that vanishes at the sender after it was listed, while a large file in front of it is under way.
#[test]
fn a_name_that_vanishes_keeps_no_other_from_coming() {
    if !has_rsync() {
        return;
    }
    let made = |ours: bool, options: &str| {
        let stage = Stage::new();
        fs::write(stage.source().join("A"), vec![7; 2 << 20]).expect("a file");
        fs::write(stage.source().join("a"), "one").expect("a file");
        let vanishing = stage.source().join("f");
        fs::hard_link(stage.source().join("a"), &vanishing).expect("a link");
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = client(folder.path(), ours);
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        command.args(["-rltH", "--bwlimit=1m", options, &url, "."]);
        command.stderr(Stdio::null());
        let mut child = command.spawn().expect("the client runs");
        let has_begun = || fs::read_dir(folder.path()).expect("a folder").next().is_some();
        while !has_begun() && child.try_wait().expect("a process").is_none() {
            thread::yield_now();
        }
        fs::remove_file(&vanishing).expect("it goes");
        let status = child.wait().expect("it ends");
        (status.code(), fs::read(folder.path().join("a")).ok())
    };
    thread::scope(|scope| {
        let runs = [false, true].map(|ours| {
            let made = &made;
            ["--inc-recursive", "--no-inc-recursive", "--protocol=29"]
                .map(|options| (ours, options, scope.spawn(move || made(ours, options))))
        });
        for (ours, options, run) in runs.into_iter().flatten() {
            let met = run.join().expect("it ends");
            // An old server tells nobody of what vanished, and rsync does without the other names.
            let expected = match (options, ours) {
                ("--protocol=29", true) => (Some(0), Some(b"one".to_vec())),
                ("--protocol=29", false) => (Some(0), None),
                _ => (Some(24), Some(b"one".to_vec())),
            };
            assert_eq!(met, expected, "{ours} {options}");
        }
    });
}
