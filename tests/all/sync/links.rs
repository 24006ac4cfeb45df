//! Files that are one file with several names, in lists that come one by one too.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use nix::{
    sys::stat::Mode,
    unistd::{geteuid, mkfifo},
};

use crate::{
    support::daemon::has_rsync,
    sync::{
        Stage, client,
        incremental::{complaint, forest, still},
        peer::answered,
        touch,
        trees::described,
    },
};

#[test]
fn hard_links_are_pushed_as_such() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = |root: &Path| {
        fs::create_dir_all(root.join("src/d")).expect("folders");
        fs::write(root.join("src/a"), "one").expect("a file");
        for name in ["src/d/b", "src/c"] {
            fs::hard_link(root.join("src/a"), root.join(name)).expect("a link");
        }
        // The time of the folder must not happen to be that of the target.
        for name in ["src/a", "src"] {
            touch(&root.join(name), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
    };
    for protocol in ["--protocol=29", "--protocol=30", "--protocol=31", "--protocol=32"] {
        let words = ["-rlptH", "-i", protocol, "src/", "{url}/drop"];
        if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
            panic!("{difference}");
        }
        assert_eq!(fs::metadata(stage.target().join("c")).expect("a file").nlink(), 3);
    }
}

/// Names in lists that are far from each other, before and behind the folder with more files than are listed ahead.
fn far_links(root: &Path) {
    for (from, to) in [
        ("d0/e7/f/f1", "many/g"),
        ("d0/e7/f/f1", "d6/e6/f/x"),
        ("many/f5", "many/x"),
        ("many/f5", "l0/x"),
        ("many/f6", "d1/x"),
        ("d3/e10/f/f1", "d3/e10/x"),
        ("d3/e10/f/f1", "x"),
        ("d3/e10/f/f2", "d4/e11/f/f2x"),
        ("d5/e5/f/f3", "a"),
    ] {
        fs::hard_link(root.join(from), root.join(to)).expect("a link");
    }
    still(root);
}

/// One of the names is there, rightly or not.
fn some_there(root: &Path) {
    for (name, text) in [
        ("many/g", "d0/e7/f 1"),
        ("l0/x", "many 5"),
        ("d1/x", "other"),
        ("old/x", "old"),
        ("d3/e10/f/f1", "d3/e10/f 1"),
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, text).expect("a file");
        touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
    fs::hard_link(root.join("d3/e10/f/f1"), root.join("a")).expect("a link");
    still(root);
}

/// Which of the names is transferred depends on how many lists rsync's generator has seen before: what comes of it does not.
#[test]
fn links_lead_from_list_to_list() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    forest(&stage.source());
    far_links(&stage.source());
    let url = |path: &str| format!("rsync://127.0.0.1:{}/{path}", stage.daemon.port());
    let pulled = |words: &[&str], is_there: bool, ours: bool| {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("dst");
        fs::create_dir(&target).expect("a folder");
        if is_there {
            some_there(&target);
        }
        let mut command = client(folder.path(), ours);
        let output = command
            .args(words)
            .args(["-H", &url("data/src/"), "dst"])
            .output();
        let output = output.expect("the client runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), error, described(&target))
    };
    let pushed = |words: &[&str], is_there: bool, ours: bool| {
        let _ = fs::remove_dir_all(stage.target());
        fs::create_dir(stage.target()).expect("a folder");
        if is_there {
            some_there(&stage.target());
        }
        let mut command = client(stage.folder.path(), ours);
        let output = command
            .args(words)
            .args(["-H", "data/src/", &url("drop/")])
            .output();
        let output = output.expect("the client runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), error, described(&stage.target()))
    };
    for (words, is_there) in [
        ("-a --delete", true),
        ("-a --protocol=30", false),
        ("-rtI --protocol=31", true),
        ("-aX --no-i-r", true),
    ] {
        let words: Vec<_> = words.split(' ').collect();
        let (theirs, ours) = (pulled(&words, is_there, false), pulled(&words, is_there, true));
        assert_eq!(ours.0, Some(0), "{words:?}: {}", ours.1);
        assert!(ours.2.contains("3 names"), "{words:?}");
        assert!(ours == theirs, "{words:?}: {}", difference(&theirs.2, &ours.2));
        let (theirs, ours) = (pushed(&words, is_there, false), pushed(&words, is_there, true));
        assert!(ours == theirs, "{words:?}: {}", difference(&theirs.2, &ours.2));
    }
}

fn difference(theirs: &str, ours: &str) -> String {
    let difference = similar::TextDiff::from_lines(theirs, ours);
    difference.unified_diff().header("rsync", "rsyncctl").to_string()
}

#[test]
fn what_is_removed_at_the_sender_is_linked_first() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for protocol in ["--protocol=30", "--protocol=32"] {
        let left = |ours: bool| {
            let _ = fs::remove_dir_all(stage.source());
            forest(&stage.source());
            far_links(&stage.source());
            let folder = tempfile::tempdir().expect("a folder");
            let url = format!("rsync://127.0.0.1:{}/writable/src/", stage.daemon.port());
            let words = ["-aH", "--remove-source-files", protocol, &url, "dst"];
            let output = client(folder.path(), ours).args(words).output();
            let output = output.expect("the client runs");
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let links = fs::metadata(folder.path().join("dst/d0/e7/f/f1")).map_or(0, |found| found.nlink());
            let is_left = stage.source().join("many/g").exists() || stage.source().join("x").exists();
            (output.status.code(), links, is_left, error)
        };
        assert_eq!(left(true), (Some(0), 3, false, String::new()), "{protocol}");
        assert_eq!(left(false), (Some(0), 3, false, String::new()), "{protocol}");
    }
}

#[test]
fn names_of_a_file_that_cannot_be_read_keep_nothing_waiting() {
    if !has_rsync() {
        return;
    }
    // A daemon that is not root.
    let user = match geteuid() {
        root if root.is_root() => 65_534,
        user => user.as_raw(),
    };
    let stage = Stage::run_by(user);
    for name in ["a/f1", "a/f2", "b/f1", "c/f1"] {
        let path = stage.source().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, name).expect("a file");
    }
    for (from, to) in [
        ("a/f1", "a/x"),
        ("a/f1", "b/x"),
        ("a/f1", "c/x"),
        ("b/f1", "c/y"),
        ("a/f2", "c/z"),
    ] {
        let [from, to] = [from, to].map(|name| stage.source().join(name));
        fs::hard_link(from, to).expect("a link");
    }
    for closed in ["a/f1", "b/f1"] {
        let mode = fs::Permissions::from_mode(0o000);
        fs::set_permissions(stage.source().join(closed), mode).expect("a mode");
    }
    // rsync waits for ever for the other names.
    for more in ["-i", "--no-inc-recursive", "--protocol=30", "-n"] {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let output = client(folder.path(), true)
            .args(["-rH", more, &url, "dst"])
            .output()
            .expect("the client runs");
        let error = String::from_utf8_lossy(&output.stderr);
        let code = if more == "-n" { 0 } else { 23 };
        assert_eq!(output.status.code(), Some(code), "{more}: {error}");
        let links = fs::metadata(folder.path().join("dst/c/z")).map_or(0, |found| found.nlink());
        assert_eq!(links, if more == "-n" { 0 } else { 2 }, "{more}");
        assert!(!folder.path().join("dst/a/f1").exists());
    }
}

#[test]
fn a_link_to_a_file_of_no_list_is_refused() {
    // The root, `x` that is one with the file of number 0, and no more lists; numbers begin with 1.
    let list = b"\x19\x01.\x00\x00\x10\x3b\x00\xca\x9a\xed\x41\x00\x00\
        \x9c\x02\x01x\x00\x00\x00\x10\xa4\x81\x00\x00\x00\xff\x01";
    // Two processes of rsync's see what is wrong and the end of the connection, in any order.
    let output = answered(&["-rH", "{url}/m/", "d"], 1, list, true);
    let text = "hard-link gnum 0 precedes flist start 1";
    assert_eq!(complaint(&output), (text.to_owned(), Some(2)));
}

/// A name that waits for the data of another one is compared with whatever has it till then, be it a file or not.
#[test]
fn what_stands_at_a_late_link_is_what_it_is_compared_with() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::write(stage.source().join("a"), "one").expect("a file");
    for name in ["b", "c", "d", "e"] {
        fs::hard_link(stage.source().join("a"), stage.source().join(name)).expect("a link");
    }
    touch(&stage.source().join("a"), time);
    touch(&stage.source(), time);
    let planted = |folder: &Path| {
        fs::create_dir_all(folder.join("dst/b")).expect("folders");
        mkfifo(&folder.join("dst/a"), Mode::S_IRUSR).expect("a pipe");
        symlink("a", folder.join("dst/c")).expect("a link");
        fs::write(folder.join("dst/d"), "older").expect("a file");
    };
    for options in [
        "-rlptHi",
        "-rHi --existing",
        "-rHib",
        "-rltHi --link-dest=../none",
        "-rHv --stats",
        "-rpHin --existing",
    ] {
        for last in ["--exclude=none", "--exclude=e", "--exclude=d"] {
            // rsync has removed what is no file by the time that it finds the last name missing, and leaves nothing.
            if options.contains("--existing") && last == "--exclude=d" {
                continue;
            }
            let line = format!("{options} {last} {{url}}/data/src/ dst");
            let words: Vec<_> = line.split(' ').collect();
            if let Err(difference) = stage.compare(&words, planted) {
                panic!("{difference}");
            }
        }
    }
}

/// A name that a full folder stands at fails when it is looked at, and once more when another name is right. Where lists
/// come one by one, rsync counts wrongly then and mostly waits for ever.
#[test]
fn a_link_that_failed_is_tried_again_with_its_group() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = stage.source();
    fs::create_dir_all(source.join("sub/deep")).expect("folders");
    for (first, others) in [("a", &["b", "sub/d"][..]), ("w", &["sub/deep/v"])] {
        fs::write(source.join(first), first).expect("a file");
        for name in others {
            fs::hard_link(source.join(first), source.join(name)).expect("a link");
        }
    }
    let planted = |folder: &Path| {
        for name in ["a", "b", "sub/e"] {
            fs::create_dir_all(folder.join("dst").join(name).join("full")).expect("folders");
        }
        still(&folder.join("dst"));
    };
    for options in [
        "-rHi --no-inc-recursive",
        "-rHin --no-inc-recursive",
        "-rHi --no-inc-recursive --exclude=sub",
        "-rH --protocol=29",
        "-rHi --delete",
        "-rHn --exclude=b",
    ] {
        let line = format!("{options} {{url}}/data/src/ dst");
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, planted) {
            panic!("{difference}");
        }
    }
}

/// A symlink with several names that leads out is made for none of them.
#[test]
fn links_that_are_ignored_are_nothing_to_link_to() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = stage.source();
    fs::create_dir_all(source.join("sub/deep")).expect("folders");
    symlink("/far", source.join("a")).expect("a link");
    for name in ["b", "sub/c"] {
        fs::hard_link(source.join("a"), source.join(name)).expect("a link");
    }
    let planted = |folder: &Path| {
        fs::create_dir_all(folder.join("dst/a")).expect("folders");
        still(&folder.join("dst"));
    };
    for options in [
        "-rlHi",
        "-rlHin",
        "-rlHv --no-inc-recursive",
        "-rlHi --protocol=29",
    ] {
        let line = format!("{options} --safe-links {{url}}/data/src/ dst");
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, planted) {
            panic!("{difference}");
        }
    }
}

/// A file of another folder is linked to also where something else has its place. The options keep permissions: else rsync
/// gives a copy those of the thing that it removed, which is all of them for a symlink.
#[test]
fn links_to_other_folders_replace_what_is_no_file() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let planted = |root: &Path| {
        for name in ["a", "b", "c", "d"] {
            fs::create_dir_all(root.join("other")).expect("a folder");
            let path = root.join("other").join(name);
            fs::write(&path, name).expect("a file");
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
        symlink("nowhere", root.join("other/e")).expect("a link");
        still(&root.join("other"));
    };
    let source = tempfile::tempdir().expect("a folder");
    planted(source.path());
    for name in ["a", "b", "c", "d", "e"] {
        fs::rename(source.path().join("other").join(name), stage.source().join(name)).expect("it moves");
    }
    still(&stage.source());
    let prepare = |root: &Path| {
        planted(root);
        fs::create_dir_all(root.join("dst/c/full")).expect("folders");
        symlink("nowhere", root.join("dst/a")).expect("a link");
        mkfifo(&root.join("dst/b"), Mode::S_IRUSR).expect("a pipe");
        mkfifo(&root.join("dst/e"), Mode::S_IRUSR).expect("a pipe");
        still(&root.join("dst"));
    };
    for options in [
        "-rlpt",
        "-rlptii --delete",
        "-rlptin",
        "-rlptib",
        "-rlpc --inplace",
        "-rlp --protocol=29",
    ] {
        for kind in ["--link-dest", "--copy-dest", "--compare-dest"] {
            let line = format!("{options} {kind}=../other {{url}}/data/src/ dst");
            let words: Vec<_> = line.split(' ').collect();
            if let Err(difference) = stage.compare(&words, prepare) {
                panic!("{line}\n{difference}");
            }
        }
    }
}
