//! How a destination is found or made, and what is said of one that cannot be.

use std::{fs, path::Path};

use super::{Prepare, Stage, assert_none, places::source};
use crate::support::daemon::has_rsync;

/// Pulls with both clients, into nothing, or where the words end with it into a folder with the file `a`.
fn compare(lines: &[&str]) {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    source(&stage.source());
    let file: Prepare = |root| fs::write(root.join("a"), "in the way").expect("a file");
    let nothing: Prepare = |_| {};
    let mut differences = Vec::new();
    for line in lines {
        // Where a file stands in the way, rsync speaks of too many symlinks.
        let is_blocked = line.ends_with(" a") || line.ends_with(" a/.");
        for prepare in [Some(nothing), is_blocked.then_some(file)].into_iter().flatten() {
            let words: Vec<_> = line.split(' ').collect();
            differences.extend(stage.compare(&words, prepare).err());
        }
    }
    assert_none(&differences);
}

#[test]
fn the_way_to_the_destination_is_made() {
    compare(&[
        "-ai --mkpath {url}/data/src/ a/b/c",
        "-av --mkpath {url}/data/src/ a/b/c/",
        "-ai --mkpath {url}/data/src/same a/b/c",
        "-ai --mkpath {url}/data/src/same a/b/",
        "-ai --mkpath {url}/data/src/same a",
        "-ai --mkpath {url}/data/src/same a/.",
        "-ain --mkpath {url}/data/src/same a/.",
        "-ai --mkpath {url}/data/src/sub a",
        "-ain --mkpath {url}/data/src/ a/b/c",
        "-ain --mkpath {url}/data/src/same a/b/c",
        // Nothing is to be made there, and nothing is written in a dry run.
        "-ain --mkpath {url}/data/src/same /a-file-that-no-machine-has",
    ]);
}

#[test]
fn a_destination_is_the_path_that_is_written() {
    compare(&[
        "-ai {url}/data/src/same b/.",
        "-ai {url}/data/src/same b/./",
        "-ai {url}/data/src/same b/c/.",
        "-ai {url}/data/src/same b/..",
        "-ain {url}/data/src/same b/.",
        "-ai {url}/data/src/same a/.",
        "-ai {url}/data/src/ b/c/.",
        "-ai {url}/data/src/ b/.",
        "-ai {url}/data/src/ b/",
        "-ain {url}/data/src/ b/",
        "-ai {url}/data/src/ b//",
        "-ai {url}/data/src/ b///",
        "-ain {url}/data/src/ b//",
        "-ai {url}/data/src/ none/b//",
    ]);
}

#[test]
fn a_path_is_made_however_it_is_written() {
    if !has_rsync() {
        return;
    }
    // rsync fails at all of these.
    for path in ["b/./c", "b//c", "./b//c/", "b/c/.", "x/../b/c", "x/y/../../b/c/"] {
        let stage = Stage::new();
        source(&stage.source());
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let ended = super::client(folder.path(), true)
            .args(["-a", "--mkpath", &url, path])
            .status()
            .expect("it runs");
        assert!(ended.success(), "{path}: {ended}");
        assert!(Path::new(&folder.path().join("b/c/same")).exists(), "{path}");
    }
}

#[test]
fn files_may_be_made_in_a_destination_that_is_to_come() {
    compare(&[
        "-ain --temp-dir=. {url}/data/src/ b",
        "-rlpi --temp-dir=. {url}/data/src/ b",
        "-ain --temp-dir=./. {url}/data/src/ b/",
    ]);
}
