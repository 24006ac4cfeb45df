//! Names that nobody asked for, from a daemon that is not honest: our client and the real one refuse them alike.

use std::fs;

use crate::{
    support::daemon::has_rsync,
    sync::peer::{answered, answered_in},
};

/// A list with the file `f1` of six bytes.
const LIST: &[u8] = b"\x18\x02f1\x00\x06\x00\x3b\x00\xca\x9a\xa4\x81\x00\x00\x00";

#[test]
fn names_that_nobody_asked_for_are_refused() {
    if !has_rsync() {
        return;
    }
    for (words, expected) in [
        (
            "-r {url}/m/other d",
            "ERROR: rejecting unrequested file-list name: f1",
        ),
        (
            "-r {url}/m/f[2-9] d",
            "ERROR: rejecting unrequested file-list name: f1",
        ),
        (
            "-r --exclude=f* {url}/m/ d",
            "ERROR: rejecting excluded file-list name: f1",
        ),
        (
            "-r -f H_f1 {url}/m/ d",
            "ERROR: rejecting excluded file-list name: f1",
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let output = answered(&words, 0, LIST, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            assert_eq!(error.lines().next(), Some(expected), "{words:?} {ours}");
            assert_eq!(output.status.code(), Some(4), "{words:?} {ours}");
        }
    }
    // What is trusted, protected here, or decided by files that only the sender has, comes as far as the hang-up.
    for words in [
        "-r --trust-sender {url}/m/other d",
        "-r -f P_f1 {url}/m/ d",
        "-r -f :_.f -f -_f1 {url}/m/ d",
        "-r {url}/m/f[12] d",
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let output = answered(&words, 0, LIST, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            assert!(!error.contains("rejecting"), "{words:?} {ours}: {error}");
        }
    }
}

/// A list of such files and folders; those that end in a slash are folders, with all that is in them.
fn list(names: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for name in names {
        let folder = name.strip_suffix('/');
        let name = folder.unwrap_or(name);
        bytes.extend([if folder.is_some() { 0x19 } else { 0x18 }, name.len() as u8]);
        bytes.extend(name.as_bytes());
        bytes.extend([0, 6, 0, 0x3b, 0, 0xca, 0x9a]);
        bytes.extend(if folder.is_some() {
            [0xed, 0x41, 0, 0]
        } else {
            [0xa4, 0x81, 0, 0]
        });
    }
    bytes.push(0);
    bytes
}

#[test]
fn whole_paths_are_those_that_were_asked_for() {
    if !has_rsync() {
        return;
    }
    for (words, names, refused) in [
        ("-rR {url}/m/a/b d", &["a/", "a/b/", "a/c"][..], Some("a/c")),
        ("-rR {url}/m/a/b d", &["b"], Some("b")),
        ("-rR {url}/m/x/./a/b d", &["x/"], Some("x")),
        ("-rR {url}/m/x/./a/b d", &["a/", "a/b/", "a/b/c"], None),
        (
            "-rR {url}/m/a/*/c d",
            &["a/", "a/x/", "a/x/c", "a/x/d"],
            Some("a/x/d"),
        ),
        ("-R {url}/m/a d", &["a"], None),
        ("-R {url}/m/a d", &["/a"], None),
        ("-R {url}/m/a d", &["a/", "a/b"], Some("a/b")),
        ("-R {url}/m/a/b d", &["a"], Some("a")),
        ("-t --files-from=list {url}/m/ d", &["a/", "a/b"], None),
        ("-t --files-from=list {url}/m/ d", &["a/", "a/c"], Some("a/c")),
        ("-t --files-from=list {url}/m/ d", &["d/", "d/e"], None),
        (
            "-t --files-from=list {url}/m/ d",
            &["d/", "d/e/", "d/e/f"],
            Some("d/e/f"),
        ),
        ("-tr --files-from=list {url}/m/ d", &["d/", "d/e/", "d/e/f"], None),
        ("-t --files-from=:list {url}/m/ d", &["x/", "x/y"], None),
        ("-t --no-R --files-from=list {url}/m/ d", &["b"], None),
        (
            "-t --no-R --files-from=list {url}/m/ d",
            &["a/", "a/b"],
            Some("a"),
        ),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            fs::write(folder.path().join("list"), "a/b\nd\n").expect("a file");
            let output = answered_in(folder.path(), &words, 0, &list(names), 0, ours);
            let error = String::from_utf8_lossy(&output.stderr);
            match refused {
                Some(name) => {
                    let expected = format!("ERROR: rejecting unrequested file-list name: {name}");
                    assert_eq!(error.lines().next(), Some(&*expected), "{words:?} {ours}");
                    assert_eq!(output.status.code(), Some(4), "{words:?} {ours}");
                }
                None => assert!(!error.contains("rejecting"), "{words:?} {ours}: {error}"),
            }
        }
    }
}

#[test]
fn nothing_is_deleted_beside_what_was_asked_for() {
    if !has_rsync() {
        return;
    }
    for (words, names) in [
        ("-rR --delete-before {url}/m/a/b d", &["a/", "a/b/"][..]),
        ("-rR --delete-before {url}/m/a/b d", &["./", "a/", "a/b/"]),
        ("-rR --delete-before {url}/m/x/./a/b d", &["/./", "/a/", "/a/b/"]),
        ("-r --delete-before {url}/m/b d", &["./", "b/"]),
        (
            "-rR --delete-before --trust-sender {url}/m/a/b d",
            &["a/", "a/b/"],
        ),
        ("-r --delete-before --files-from=list {url}/m/ d", &["a/", "a/b/"]),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        for ours in [false, true] {
            let folder = tempfile::tempdir().expect("a folder");
            let place = folder.path();
            fs::create_dir_all(place.join("d/a/b")).expect("folders");
            fs::write(place.join("list"), "a/b\n").expect("a file");
            for name in ["d/kept", "d/a/kept"] {
                fs::write(place.join(name), "kept").expect("a file");
            }
            // Rules, and names; behind those it says that it went through the list.
            let ahead = if words.contains(&"--files-from=list") {
                9
            } else {
                4
            };
            answered_in(place, &words, 0, &list(names), ahead + 1, ours);
            // Who trusts the server gets what it says.
            let is_kept = !words.contains(&"--trust-sender");
            assert_eq!(place.join("d/a/kept").exists(), is_kept, "{words:?} {ours}");
            assert!(place.join("d/kept").exists(), "{words:?} {ours}");
        }
    }
}
