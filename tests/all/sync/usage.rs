//! Command lines that are wrong, or odd: the same is said of them as with rsync, and no file comes.

use std::fs;

use super::{Prepare, Stage, client, some_files};
use crate::support::daemon::has_rsync;

#[test]
fn the_same_is_said_of_wrong_command_lines() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let prepare: Prepare = |root| {
        fs::create_dir(root.join("src")).expect("a folder");
        fs::write(root.join("file"), "x").expect("a file");
    };
    let wrong = [
        "-a --bwlimit=x {url}/data/src/ dst",
        "-a --bwlimit=0.1 {url}/data/src/ dst",
        "-a --timeout=abc {url}/data/src/ dst",
        "-a --max-size=1x {url}/data/src/ dst",
        "-a --max-size=-1 {url}/data/src/ dst",
        "-a --min-size=1000000000000000000000 {url}/data/src/ dst",
        "-a --block-size=abc {url}/data/src/ dst",
        "-a -B200k {url}/data/src/ dst",
        "-a --compress-level=foo {url}/data/src/ dst",
        "-a --checksum-seed=abc {url}/data/src/ dst",
        "-a --protocol=x {url}/data/src/ dst",
        "-a --max-alloc=1 {url}/data/src/ dst",
        "-a --max-alloc=abc {url}/data/src/ dst",
        "-a --modify-window=x {url}/data/src/ dst",
        "-a --delete --max-delete=x {url}/data/src/ dst",
        "-a --port=abc {url}/data/src/ dst",
        "-a --chmod=bogus {url}/data/src/ dst",
        "-a --bogus {url}/data/src/ dst",
        "-a --no-bogus {url}/data/src/ dst",
        "-a -N {url}/data/src/ dst",
        "-a --delete-before --delete-after {url}/data/src/ dst",
        "--delete {url}/data/src/ dst",
        "-ab --suffix=/x {url}/data/src/ dst",
        "-ab --suffix= {url}/data/src/ dst",
        "-a --exclude-from=none {url}/data/src/ dst",
        "-a --filter=bogus {url}/data/src/ dst",
        "-a {url}/data/src {url}/drop",
        "-a src {url}/data {url}/drop",
        "-a src {url}/data dst",
        "-a {url}/data/src src dst",
        "-a {url}/data/src/f1 rsync://127.0.0.1:1/data/src/f2 dst",
        "-a {url}/data/src/f1 rsync://localhost/data/src/f2 dst",
        "-a {url}/data/src/f1 127.0.0.1:src/f2 dst",
        "-a  {url}/drop",
        "-a {url}/data/src/ file/",
        "--no-motd {url}",
        "-a {url}/data/src/f1 ::data/src/f2 dst",
        "-a -B2K {url}/data/src/f1 rsync:///data/src/f2 dst",
        // Less than none is none.
        "-a --timeout=-5 {url}/data/src/ dst",
        "-a --debug=cmd --timeout=-5 --max-alloc=1G {url}/data/src/ dst",
        "-a --iconv=- {url}/data/src/ dst",
        "{url}//data dst",
        "src {url}//data",
        "--protocol=19 {url}/data dst",
        "--protocol=0 -r src {url}/drop",
        "--protocol=19 -r src/ {url}/drop/new",
        "--protocol=-1 {url}/data dst",
        // Nothing is deleted where somebody says that nothing is to be.
        "-r --delete=no {url}/data/src/ dst",
        "-r --append= {url}/data/src/ dst",
        "-r --partial=no src/ {url}/drop",
        "-r --no-i-r=1 {url}/data/src/ dst",
        "-r --chown=root --usermap=*:nobody {url}/data/src/ dst",
        "-r --usermap=*:nobody --chown=root {url}/data/src/ dst",
        "-r --groupmap=*:nogroup --chown=root:root {url}/data/src/ dst",
        "-r --groupmap=*:nogroup --groupmap=*:root {url}/data/src/ dst",
        "-r --chown=:root --chown=:nogroup {url}/data/src/ dst",
        "-r --usermap=*:nobody --groupmap=*:nogroup {url}/data/src/ dst",
        "-r --usermap=*:nobody --no-o --groupmap=*:nogroup src {url}/drop",
        "-rc --cc=none file {url}/drop",
        "-rc --cc=md5,none file {url}/drop",
        "-rc --cc=none src {url}/drop",
        "-r --timeout=5 --no-timeout --contimeout=5 --no-contimeout {url}/data/src/ dst",
        "-r -B4000000 --protocol=29 {url}/data/src/ dst",
        "-r --protocol=29 -B4000000 {url}/data/src/ dst",
        "-r --protocol=29 -B4000000 file {url}/drop",
        "-r {url}/data/src/ ",
        "-r --list-only {url}/data/src/ ",
        "--delete {url}/data/src/",
        "--delete --list-only {url}/data/src/ dst",
        "-r --append --cc=none {url}/data/src/ dst",
        "-r --append --cc=md5,none {url}/data/src/ dst",
        "-r --append --cc=none src {url}/drop",
        "h:x h2:y",
        "-r h:x h2::y",
    ];
    let differences: Vec<_> = wrong
        .iter()
        .filter_map(|line| {
            let words: Vec<_> = line.split(' ').collect();
            stage.compare(&words, prepare).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn the_environment_says_what_the_command_line_leaves_open() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let nothing: Prepare = |_| {};
    let cases = [
        ("RSYNC_MAX_ALLOC", "2G", "-a --debug=cmd {url}/data/src/ dst"),
        ("RSYNC_MAX_ALLOC", "1G", "-a --debug=cmd {url}/data/src/ dst"),
        ("RSYNC_MAX_ALLOC", "", "-a --debug=cmd {url}/data/src/ dst"),
        ("RSYNC_MAX_ALLOC", "1", "-a {url}/data/src/ dst"),
        (
            "RSYNC_MAX_ALLOC",
            "1",
            "-a --debug=cmd --max-alloc=2G {url}/data/src/ dst",
        ),
        ("RSYNC_ICONV", "-", "-a --debug=cmd {url}/data/src/ dst"),
        (
            "RSYNC_ICONV",
            "latin1",
            "-a --debug=cmd --no-iconv {url}/data/src/ dst",
        ),
        (
            "RSYNC_ICONV",
            "latin1",
            "-a --debug=cmd --iconv=- {url}/data/src/ dst",
        ),
        ("RSYNC_ICONV", "latin1", "{url}"),
        ("RSYNC_PROXY", "x", "-r {url}/data/src/ dst"),
    ];
    for (variable, value, line) in cases {
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare_in(&[(variable, value)], &words, nothing) {
            panic!("{difference}");
        }
    }
    // What cannot be done is refused by name.
    let line = ["-a", "{url}/data/src/", "dst"];
    let converted = stage.compare_in(&[("RSYNC_ICONV", "latin1")], &line, nothing);
    let difference = converted.expect_err("rsync does it");
    assert!(difference.contains("+code Some(1)"), "{difference}");
}

/// rsync would do something else by an alias, and only say more by a word.
#[test]
fn aliases_are_refused_and_words_without_effect_are_named() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join(".popt");
    fs::write(&file, "rsync alias -a -a --exclude=*\nrsync alias --mine -r\n").expect("a file");
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let run = |words: &str| {
        let mut command = client(folder.path(), true);
        command.env("HOME", folder.path()).args(words.split(' '));
        let output = command.args([&*url, "there"]).output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        let is_there = folder.path().join("there").exists();
        (output.status.code(), is_there, told)
    };
    for (words, line) in [("-rvan", 1), ("--archive", 1), ("--mine", 2)] {
        let (code, is_there, told) = run(words);
        assert_eq!((code, is_there), (Some(1), false), "{words}: {told}");
        assert!(
            told.contains(&format!("line {line} of `{}`", file.display())),
            "{words}: {told}"
        );
    }
    let (code, is_there, told) = run("-r --debug=nstr,cmd --info=stats3");
    assert_eq!((code, is_there), (Some(0), true), "{told}");
    assert!(told.contains("rsyncctl: --info=STATS3, --debug=NSTR: "), "{told}");
}
