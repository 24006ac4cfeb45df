//! Our client and the real one, side by side, against one real daemon: the same files, the same output, the same end.

mod algorithms;
mod arguments;
mod asked_for;
mod attribute_rules;
mod backups;
mod bar;
mod checks;
mod chmod;
mod circles;
mod conflicts;
mod defaults;
mod descriptors;
mod destination;
mod dialogue;
mod extended;
mod faults;
mod filters;
mod folder_rules;
mod foreign_links;
mod found;
mod full;
mod generated;
mod ids;
mod incremental;
mod interrupted;
mod kept;
mod large;
mod links;
mod lost_links;
mod names;
mod output;
mod parts;
mod peer;
mod places;
mod programs;
mod reasons;
mod refused;
mod removed;
mod stage;
mod strangers;
mod trees;
mod unasked;
mod unprinted;
mod unreadable;
mod unwritable;
mod usage;
mod values;
mod waits;
mod wire;

use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use self::{
    faults::collect,
    stage::{Prepare, Stage, assert_none, client, number, some_files, told},
    trees::{described, touch},
};
use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, program::program},
};

#[test]
fn the_same_is_done_and_said() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let nothing: fn(&Path) = |_| {};
    let folder: fn(&Path) = |root| fs::create_dir(root.join("dst")).expect("a folder");
    let file: fn(&Path) = |root| fs::write(root.join("dst"), "x").expect("a file");
    let obstacles: fn(&Path) = |root| {
        fs::create_dir_all(root.join("dst/src/f1/full")).expect("folders");
        fs::create_dir_all(root.join("dst/src/f2")).expect("folders");
        fs::write(root.join("dst/src/sub"), "in the way").expect("a file");
    };
    let cases: [(&str, Prepare); 41] = [
        ("{url}/", nothing),
        ("{url}/data/src/", nothing),
        ("-r {url}/data", nothing),
        ("-ai {url}/data/src/ dst", nothing),
        ("-av {url}/data/src dst", nothing),
        ("-av {url}/data/src dst/", folder),
        ("-rv {url}/data/src/f1 dst", nothing),
        ("-rv {url}/data/src/f1 dst", folder),
        ("-a {url}/data/src/f1 dst/", nothing),
        ("-ai {url}/data/src dst", obstacles),
        ("-ai {url}/data/src/sub dst", nothing),
        ("-ai {url}/data/src/f1 {url}/data/src/f2 dst", nothing),
        ("-ai {url}/data/src/f1 {url}/data/src/none dst", nothing),
        ("-ain {url}/data/src/ dst", nothing),
        ("-avn {url}/data/src/ dst/a/b", nothing),
        ("-di {url}/data/src/ dst", nothing),
        ("-i {url}/data/src/ dst", nothing),
        ("-ri {url}/data/src/ dst", nothing),
        ("-aiq {url}/data/src/ dst", nothing),
        ("-ai {url}/data/src/ dst", file),
        ("-ai {url}/data/src/f1 dst", file),
        ("-ai {url}/data/src/sub dst", file),
        ("-ai {url}/data/src/f1 no/such/dst", nothing),
        ("-ai {url}/data/src/f1 no/", nothing),
        ("-a {url}/none/x dst", nothing),
        ("-a {url}/locked/src dst", nothing),
        ("-a --protocol=29 {url}/data/src dst", nothing),
        ("-av --protocol=30 {url}/data/src dst", nothing),
        ("-ai --protocol=31 {url}/data/src dst", nothing),
        ("-aci --no-t {url}/data/src dst", folder),
        ("-ai --existing {url}/data/src/ dst", folder),
        ("-ai --port=1 rsync://127.0.0.1/data/src/ dst", nothing),
        ("-ai {url}/data/../src dst", nothing),
        ("-rvvn --existing {url}/data/src/ dst", nothing),
        ("-rvvn --existing --no-i-r {url}/data/src/ dst", nothing),
        ("-dvvn --existing {url}/data/src/ dst", nothing),
        // Folders in which nothing is left are not listed.
        (
            "-rm --list-only --exclude=f1 --exclude=y {url}/data/src/",
            nothing,
        ),
        ("-rm --exclude=* {url}/data/src/", nothing),
        ("-dm {url}/data/src/", nothing),
        ("-am --exclude=y {url}/data/src", nothing),
        ("-rRm --exclude=y {url}/data/src", nothing),
    ];
    let differences: Vec<_> = cases
        .iter()
        .filter_map(|(words, prepare)| {
            let words: Vec<_> = words.split(' ').collect();
            stage.compare(&words, prepare).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_same_is_pushed_and_said() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source: Prepare = |root| {
        fs::create_dir(root.join("src")).expect("a folder");
        some_files(&root.join("src"));
    };
    let nothing: Prepare = |_| {};
    let there: Prepare = |root| {
        fs::create_dir(root.join("src")).expect("a folder");
        fs::create_dir(root.join("src/f1")).expect("a folder");
        fs::write(root.join("src/f2"), "other").expect("a file");
        touch(
            &root.join("src/f2"),
            UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        );
        fs::write(root.join("src/sub"), "in the way").expect("a file");
    };
    let cases: [(&str, Prepare); 29] = [
        ("-aR --stats src/. src//. src/. {url}/drop", nothing),
        (
            "-aR --no-i-r --stats src/sub/deep/y src/f1 src/sub/deep {url}/drop",
            nothing,
        ),
        ("-aA --protocol=29 --filter=R,p_A src {url}/drop", nothing),
        ("-ri --protocol=29 --filter=-p_f1 src/ {url}/drop", nothing),
        ("-ri --protocol=29 --filter=-s_f1 src/ {url}/drop", nothing),
        ("-ai src {url}/drop", nothing),
        ("-av src/ {url}/drop", nothing),
        ("-ai src {url}/drop", there),
        ("-ai --no-D src {url}/drop/a", nothing),
        ("-ai src {url}/drop/a/b", nothing),
        ("-rv src/f1 src/f2 {url}/drop/", nothing),
        ("-i src/f1 {url}/drop/new", nothing),
        ("-i src {url}/drop/", nothing),
        ("-di src/ {url}/drop/", nothing),
        ("-dv src {url}/drop/", nothing),
        ("-ain src {url}/drop", there),
        ("-avn src {url}/drop", there),
        ("-aii src {url}/drop", there),
        ("-aci src {url}/drop", there),
        ("-aiW src {url}/drop", there),
        ("-ai src/none src/f1 none/x {url}/drop", nothing),
        ("-ai none {url}/drop", nothing),
        ("-a src {url}/data/x", nothing),
        ("-a src {url}/none", nothing),
        ("-a src {url}/locked", nothing),
        ("-ai --protocol=29 src {url}/drop", there),
        ("-aiI --protocol=30 src {url}/drop", there),
        ("-ai --protocol=31 --numeric-ids src {url}/drop", there),
        ("-aiu --existing src {url}/drop", there),
    ];
    let differences: Vec<_> = cases
        .iter()
        .filter_map(|(words, plant)| {
            let words: Vec<_> = words.split(' ').collect();
            stage.compare_push(&words, source, plant).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn names_need_not_be_text() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.target()).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let name = OsStr::from_bytes(b"caf\xe9");
    fs::write(folder.path().join(name), "text").expect("a file");
    let url = format!("rsync://127.0.0.1:{}/drop/", stage.daemon.port());
    let at = |path: &[u8]| OsStr::from_bytes(&[url.as_bytes(), path].concat()).to_owned();
    let run = |words: &[&OsStr]| {
        let output = program(folder.path(), &["sync", "-a"]).args(words).output();
        let output = output.expect("the program runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{error}");
    };
    run(&[name, &at(b"")]);
    assert!(stage.target().join(name).exists());
    let other = OsStr::from_bytes(b"\xff");
    run(&[&at(b"caf\xe9"), other]);
    assert_eq!(fs::read(folder.path().join(other)).expect("a file"), b"text");
}

#[test]
fn a_password_opens_a_module() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let url = format!("rsync://joe@127.0.0.1:{}/locked/src/", stage.daemon.port());
    for (password, code) in [("not-a-secret", 0), ("wrong", 5)] {
        for protocol in ["29", "30", "31", "32"] {
            let folder = tempfile::tempdir().expect("a folder");
            let protocol = format!("--protocol={protocol}");
            let output = program(folder.path(), &["sync", "-a", &protocol, &url, "dst"])
                .env("RSYNC_PASSWORD", password)
                .output()
                .expect("the program runs");
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{error}");
            assert_eq!(folder.path().join("dst/f1").exists(), code == 0);
            assert!(!error.contains(password), "{error}");
        }
    }
}

#[test]
fn a_password_file_must_be_there_and_be_ones_own() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let url = "rsync://joe@127.0.0.1:{port}/locked/src/".replace("{port}", &stage.daemon.port().to_string());
    let prepare: Prepare = |root| {
        use std::os::unix::fs::PermissionsExt as _;
        for (name, mode) in [("own", 0o600), ("open", 0o644)] {
            let path = root.join(name);
            fs::write(&path, "not-a-secret\nmore\n").expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
    };
    for file in ["none", "open", "own"] {
        let file = format!("--password-file={file}");
        if let Err(difference) = stage.compare(&["-ai", &file, &url, "dst"], prepare) {
            panic!("{difference}");
        }
    }
}

#[test]
fn a_delta_is_small_and_right() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut random = Random::new(7);
    let old: Vec<u8> = (0..2_000_000).map(|_| random.below(256) as u8).collect();
    let mut scattered = old.clone();
    for _ in 0..20 {
        let place = random.below(old.len());
        scattered[place] ^= 1;
    }
    let (front, back) = old.split_at(1_234_567);
    let contents = [
        ("same", old.clone()),
        ("appended", [&old[..], b"more"].concat()),
        ("prepended", [b"more", &old[..]].concat()),
        ("moved", [back, front].concat()),
        ("scattered", scattered),
        ("shorter", old[..700_001].to_vec()),
    ];
    for (name, content) in &contents {
        fs::write(stage.source().join(name), content).expect("a file");
    }
    for protocol in ["29", "30", "31", "32"] {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("dst")).expect("a folder");
        for (name, _) in &contents {
            fs::write(folder.path().join("dst").join(name), &old).expect("a file");
        }
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let protocol = format!("--protocol={protocol}");
        let output = program(
            folder.path(),
            &["sync", "-rI", "--stats", &protocol, &url, "dst/"],
        )
        .output()
        .expect("the program runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        for (name, content) in &contents {
            let there = fs::read(folder.path().join("dst").join(name)).expect("the file");
            assert!(there == *content, "{name} differs");
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let literal = text.lines().find_map(|line| line.strip_prefix("Literal data: "));
        let literal: u64 = literal
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.replace(',', "").parse().ok())
            .expect("a number");
        // Each of the changes costs at most a block or two of 1,400 bytes.
        assert!(literal < 60_000, "{literal} bytes of literal data");
    }
}

#[test]
fn a_sender_removes_what_was_stored() {
    if !has_rsync() {
        return;
    }
    for protocol in ["29", "30", "31", "32"] {
        let removed = |ours: bool| {
            let stage = Stage::new();
            some_files(&stage.source());
            fs::write(stage.source().join("excluded"), "x").expect("a file");
            let url = format!("rsync://127.0.0.1:{}/writable/src/", stage.daemon.port());
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir_all(folder.path().join("dst/f2/full")).expect("folders");
            let mut command = client(folder.path(), ours);
            command.args(["-ai", "--remove-source-files", "--exclude=excluded"]);
            let protocol = format!("--protocol={protocol}");
            let output = command
                .args([&protocol, &url, "dst"])
                .output()
                .expect("the client runs");
            (
                output.status.code(),
                described(&stage.source()).replace('\n', "|"),
            )
        };
        let (theirs, ours) = (removed(false), removed(true));
        assert!(
            theirs.1.contains("f2") && !theirs.1.contains("f1"),
            "{}",
            theirs.1
        );
        assert_eq!(ours.0, theirs.0, "protocol {protocol}");
        // Folders have new times.
        let names = |text: &str| {
            let names = text
                .split('|')
                .map(|line| line.split('"').nth(1).map(str::to_owned));
            names.collect::<Vec<_>>()
        };
        assert_eq!(names(&ours.1), names(&theirs.1), "protocol {protocol}");
    }
}
