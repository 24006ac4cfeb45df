//! Which names are sent: whole paths, lists of files, and symlinks that stand for folders at the receiver.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use crate::{
    support::{daemon::has_rsync, program::program},
    sync::{
        Prepare, Stage, assert_none,
        trees::{described, touch},
    },
};

/// Folders and files on several ways, with symlinks among them.
fn source(root: &Path) {
    for name in [
        "a/b/c/f1",
        "a/b/c/f2",
        "a/b/g",
        "a/b-/x",
        "a/h",
        "d/e/i",
        "d/e/k/l",
        "top",
        "a/b/.rules",
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, name).expect("a file");
        touch(&path, old());
    }
    fs::write(root.join("a/b/.rules"), "- f2\n").expect("a file");
    touch(&root.join("a/b/.rules"), old());
    lists(root);
    for (target, link) in [("a/b", "way"), ("h", "a/to-h"), ("none", "a/dangling")] {
        symlink(target, root.join(link)).expect("a link");
    }
    // The module too: rsync takes times of one second for the same.
    for folder in ["a/b/c", "a/b-", "a/b", "a", "d/e/k", "d/e", "d", ".", ".."] {
        touch(&root.join(folder), old());
    }
}

fn old() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000_000)
}

/// Lists of files.
fn lists(root: &Path) {
    for (name, content) in [
        ("plain", "a/b/c/f1\na/h\nd/e\n"),
        ("ends", "\r\n# no\n; no\na/b/\r\n\n/a//h\ntop"),
        ("nuls", "a/b/c/f1\0#x\0\0d/./e/k"),
        ("dots", "./a/b/c\nd/./e/i\n../top\na/../d/e/k\n."),
        ("links", "way/c\nway\na/to-h\nway/\na/dangling\n"),
        ("missing", "none\na/none/x\na/h\nd/none\n"),
        ("twice", "a/h\nd/e/i\na/b/g\na/h\na\na/b/c/f2\n"),
        ("empty", ""),
    ] {
        let path = root.join(name);
        fs::write(&path, content).expect("a file");
        touch(&path, old());
    }
}

fn compare(stage: &Stage, cases: &[(&str, Prepare)]) {
    let mut differences = Vec::new();
    for (words, plant) in cases {
        let data = stage.source().display().to_string();
        let words = words.replace("{data}", &data);
        let words: Vec<_> = words.split(' ').collect();
        let is_push = words.last().is_some_and(|word| word.starts_with("{url}"));
        let result = match is_push {
            true => stage.compare_push(
                &words,
                |root| {
                    fs::create_dir(root.join("src")).expect("a folder");
                    source(&root.join("src"));
                    lists(root);
                    // As it is sent before the folder of the daemon's was made, in that second or not.
                    touch(root, old());
                },
                plant,
            ),
            false => stage.compare(&words, |root| {
                lists(root);
                fs::create_dir(root.join("dst")).expect("a folder");
                plant(&root.join("dst"));
            }),
        };
        differences.extend(result.err());
    }
    assert_none(&differences);
}

/// Each case with every protocol, and with whole lists.
fn everywhere(stage: &Stage, cases: &[(&str, Prepare)]) {
    let ways = [
        "",
        "--no-inc-recursive --protocol=31 ",
        "--protocol=30 ",
        "--protocol=29 ",
    ];
    let all: Vec<(String, Prepare)> = ways
        .iter()
        .flat_map(|way| {
            cases
                .iter()
                .map(move |(words, plant)| (format!("{way}{words}"), *plant))
        })
        .collect();
    let all: Vec<(&str, Prepare)> = all.iter().map(|(words, plant)| (&**words, *plant)).collect();
    compare(stage, &all);
}

fn stage() -> Option<Stage> {
    if !has_rsync() {
        return None;
    }
    let stage = Stage::new();
    source(&stage.source());
    Some(stage)
}

const NOTHING: Prepare = |_| {};
const LISTS: Prepare = lists;

/// Files that the sender does not have, on the way and at the end of it.
const MORE: Prepare = |root| {
    for name in [
        "src/more",
        "src/a/more",
        "src/a/b/more",
        "src/d/e/more",
        "a/more",
        "a/b/more",
        "d/e/more",
    ] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(path, "more").expect("a file");
    }
};

/// Symlinks where the sender has folders.
const LINKS: Prepare = |root| {
    fs::create_dir_all(root.join("real/c")).expect("folders");
    fs::create_dir_all(root.join("src")).expect("a folder");
    fs::write(root.join("real/more"), "more").expect("a file");
    for (target, link) in [
        ("real", "a"),
        ("../real", "src/a"),
        ("real/c", "d"),
        ("none", "top"),
    ] {
        symlink(target, root.join(link)).expect("a link");
    }
};

/// With protocol 29 the folders on the way are not in the list then, which rsync 3.5.0 takes for an attack.
const WITHOUT_FOLDERS: &[(&str, Prepare)] = &[
    ("-aiR --no-implied-dirs --del {url}/data/src/./a/b/c dst", MORE),
    (
        "-aiR --no-implied-dirs --protocol=30 {url}/data/src/./a/b/c dst",
        NOTHING,
    ),
    (
        "-ai --no-implied-dirs --files-from=plain {url}/source/ dst",
        NOTHING,
    ),
    ("-aOiR --no-implied-dirs {url}/data/src/a/b dst", LINKS),
    (
        "-aOiR --no-implied-dirs --no-inc-recursive {url}/data/src/a/b dst",
        LINKS,
    ),
    ("-ainR --no-implied-dirs {url}/data/src/a/b/c/f1 dst/new", NOTHING),
];

#[test]
fn whole_paths_are_pulled() {
    let Some(stage) = stage() else { return };
    everywhere(
        &stage,
        &[
            ("-aiR {url}/data/src/a/b/c/f1 dst", NOTHING),
            ("-aivR {url}/data/src/a/b {url}/data/src/d/e/i dst", MORE),
            ("-aiR {url}/data/src/./a/b {url}/data/./src/top dst", NOTHING),
            (
                "-aiR --delete {url}/data/src/./a/b/ {url}/data/src/./d/e dst",
                MORE,
            ),
            ("-aiR {url}/data/src/way/c {url}/data/src/way/ dst", NOTHING),
            ("-aR --list-only {url}/data/src/a/b/c dst", NOTHING),
            (
                "-aR --no-implied-dirs --list-only {url}/data/src/a/b/c dst",
                NOTHING,
            ),
            (
                "-aiRm --exclude=f* {url}/data/src/./a {url}/data/src/d/e dst",
                NOTHING,
            ),
            ("-aiR --exclude=b {url}/data/src/./a/b/c dst", NOTHING),
            (
                "-aiR -f:_.rules {url}/data/src/./a/b/c/f1 {url}/data/src/./a/b/c/f2 dst",
                NOTHING,
            ),
            ("-iR {url}/data/src/a/b {url}/data/src/top dst", NOTHING),
            ("-diR {url}/data/src/./a/b/ {url}/data/src/./d dst", NOTHING),
            ("-aiR {url}/data/src/./ dst/new", NOTHING),
            ("-aiR {url}/data/./src/a/b/*/f? dst", NOTHING),
            ("-ainR {url}/data/src/a/b/c dst", NOTHING),
            ("-aR --stats {url}/data/src/./a/b/c/f1 dst", NOTHING),
        ],
    );
}

#[test]
fn whole_paths_are_pushed() {
    let Some(stage) = stage() else { return };
    everywhere(
        &stage,
        &[
            ("-aiR src/a/b/c/f1 {url}/drop", NOTHING),
            ("-aivR src/a/b src/d/e/i {url}/drop", MORE),
            ("-aiR src/./a/b ./src/top {url}/drop", NOTHING),
            ("-aiR --delete src/./a/b/ src/./d/e {url}/drop", MORE),
            ("-aiR --no-implied-dirs --del src/./a/b/c {url}/drop", MORE),
            ("-aiR src/way/c src/way/ src/way src/./a/to-h {url}/drop", NOTHING),
            ("-aiRL src/way/c src/./a/dangling src/a/to-h {url}/drop", NOTHING),
            ("-aiRm --exclude=f* src/./a src/d/e {url}/drop", NOTHING),
            ("-aiR --exclude=b src/./a/b/c src/./a/b {url}/drop", NOTHING),
            (
                "-aiR -f:_.rules src/./a/b/c/f1 src/./a/b/c/f2 src/./d/e {url}/drop",
                NOTHING,
            ),
            ("-iR src/a/b src/top {url}/drop", NOTHING),
            ("-diR src/./a/b/ src/./d {url}/drop", NOTHING),
            ("-aiR src/./ {url}/drop/new", NOTHING),
            ("-ainR src/a/b/c {url}/drop", NOTHING),
            ("-aR --stats src/./a/b/c/f1 {url}/drop", NOTHING),
            ("-aiR src/../src/top {url}/drop", NOTHING),
            (
                "-aiR src/none/x src/a/none src/none/./y src/top {url}/drop",
                NOTHING,
            ),
            (
                "-aiR --delete-missing-args src/./a/more src/./a/b/none src/./more {url}/drop",
                MORE,
            ),
            ("-aiR {data}/a/b/c {data}/d/ {url}/drop", NOTHING),
            (
                "-aR --out-format=%i|%n|%f src/./a/b src/d/e src/top {url}/drop",
                NOTHING,
            ),
            (
                "-aR --out-format=%i|%n|%f {data}/d {data}/top {url}/drop",
                NOTHING,
            ),
            (
                "-aiR src/a/h src/d/e/i src/a/b/g src/a src/a/b/c {url}/drop",
                NOTHING,
            ),
            ("-aiRx src/a/b src/./d/e {url}/drop", NOTHING),
            (
                "-ai --exclude=top --exclude=a src/top src/a src/d {url}/drop",
                NOTHING,
            ),
        ],
    );
}

#[test]
fn lists_of_files_are_pulled() {
    let Some(stage) = stage() else { return };
    everywhere(
        &stage,
        &[
            ("-ai --files-from=plain {url}/source/ dst", MORE),
            ("-ai --files-from=ends {url}/source dst", NOTHING),
            ("-ai0 --files-from=nuls {url}/source/ dst", NOTHING),
            ("-ai --files-from=dots {url}/source/ dst", NOTHING),
            ("-ai --files-from=links {url}/source/ dst", NOTHING),
            ("-ai --files-from=missing {url}/source/ dst", NOTHING),
            (
                "-ai --files-from=missing --ignore-missing-args {url}/source/ dst",
                NOTHING,
            ),
            ("-rai --files-from=twice {url}/source/ dst", NOTHING),
            ("-rai --delete --files-from=plain {url}/source/ dst", MORE),
            ("-ai --delete --files-from=plain {url}/source/ dst", MORE),
            ("-ai --no-R --files-from=plain {url}/source/ dst", NOTHING),
            ("-ai --no-d --files-from=plain {url}/source/ dst", NOTHING),
            ("-ai --files-from=empty {url}/source/ dst", NOTHING),
            ("-ai --files-from=:plain {url}/source/ dst", NOTHING),
            ("-ai --files-from=127.0.0.1:/ends {url}/source/ dst", NOTHING),
            ("-ai0 --files-from=:nuls {url}/source/ dst", NOTHING),
            ("-ai --files-from=none {url}/source/ dst", NOTHING),
            ("-ai --files-from=:- {url}/source/ dst", NOTHING),
            ("-ai --files-from=example.org:/x {url}/source/ dst", NOTHING),
            (
                "-ai --remove-source-files -n --files-from=plain {url}/source/ dst",
                NOTHING,
            ),
        ],
    );
}

#[test]
fn lists_of_files_are_pushed() {
    let Some(stage) = stage() else { return };
    everywhere(
        &stage,
        &[
            ("-ai --files-from=plain src {url}/drop", MORE),
            ("-ai --files-from=ends src/ {url}/drop", NOTHING),
            ("-ai0 --files-from=nuls src {url}/drop", NOTHING),
            ("-ai --files-from=dots src {url}/drop", NOTHING),
            ("-ai --files-from=links src {url}/drop", NOTHING),
            ("-ai --files-from=missing src {url}/drop", NOTHING),
            (
                "-ai --files-from=missing --ignore-missing-args src {url}/drop",
                NOTHING,
            ),
            (
                "-ai --files-from=missing --delete-missing-args src {url}/drop",
                NOTHING,
            ),
            ("-rai --files-from=twice src {url}/drop", NOTHING),
            ("-rai --delete --files-from=plain src {url}/drop", MORE),
            ("-ai --no-R --files-from=plain src {url}/drop", NOTHING),
            ("-ai --no-d --files-from=plain src {url}/drop", NOTHING),
            ("-ai --files-from=empty src {url}/drop", NOTHING),
            ("-ai --files-from=plain none {url}/drop", NOTHING),
            ("-ai --files-from=:plain src {url}/drop", LISTS),
            ("-ai --files-from=:/ends src {url}/drop", LISTS),
            ("-ai0 --files-from=:nuls src {url}/drop", LISTS),
        ],
    );
}

#[test]
fn symlinks_to_folders_are_kept() {
    let Some(stage) = stage() else { return };
    everywhere(
        &stage,
        &[
            ("-aOiK {url}/data/src/ dst", LINKS),
            ("-rliK --delete {url}/data/src dst", LINKS),
            ("-rliK --delete-before {url}/data/src/ dst", LINKS),
            ("-rliK --delete-after {url}/data/src/ dst", LINKS),
            ("-aOivnK {url}/data/src/ dst", LINKS),
            ("-aOiRK {url}/data/src/a/b dst", LINKS),
            ("-aOiR {url}/data/./src/a/b dst", LINKS),
            ("-rbK {url}/data/src/ dst", LINKS),
            ("-aiK src/ {url}/drop", LINKS),
        ],
    );
    compare(&stage, WITHOUT_FOLDERS);
}

#[test]
fn a_folder_that_a_symlink_stands_for_is_as_the_senders() {
    let Some(stage) = stage() else { return };
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    fs::set_permissions(stage.source().join("a"), fs::Permissions::from_mode(0o711)).expect("a mode");
    let folder = tempfile::tempdir().expect("a folder");
    let root = folder.path().join("dst");
    fs::create_dir_all(&root).expect("a folder");
    LINKS(&root);
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    // rsync 3.5.0 means the symlink itself here, and begins anew each time.
    for expected in [".d..tp..... a/\n", ""] {
        let output = program(folder.path(), &["sync", "-aiK", &url, "dst"])
            .output()
            .expect("it runs");
        let told = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(
            told.contains(expected) && told.is_empty() == expected.is_empty(),
            "{told}"
        );
        let found = root.join("real").metadata().expect("a folder");
        assert_eq!((found.mode() & 0o7777, found.mtime()), (0o711, 1_000_000_000));
        let link = root.join("a").symlink_metadata().expect("a link");
        assert!(link.is_symlink() && link.mtime() > 1_000_000_000);
    }
}

#[test]
fn a_symlink_that_leads_out_keeps_what_is_there() {
    let Some(stage) = stage() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let place = folder.path();
    for name in ["dst", "out/b"] {
        fs::create_dir_all(place.join(name)).expect("a folder");
    }
    fs::write(place.join("out/kept"), "kept").expect("a file");
    symlink("../out", place.join("dst/a")).expect("a link");
    symlink(place.join("out"), place.join("dst/d")).expect("a link");
    for folder in ["out/b", "out"] {
        touch(&place.join(folder), old() - Duration::from_secs(5));
    }
    let before = described(&place.join("out"));
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for words in [
        "-aK",
        "-aK --delete",
        "-aK --delete-before --no-inc-recursive",
        "-aKR --inplace",
        "-aR --no-implied-dirs",
        "-aK --backup --del",
    ] {
        let url = match words.contains('R') {
            true => format!("{url}./a/b"),
            false => url.clone(),
        };
        let words = words.split(' ').chain([&*url, "dst"]);
        let output = program(place, &["sync"])
            .args(words.clone())
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(23), "{output:?}");
        assert_eq!(
            described(&place.join("out")),
            before,
            "{:?}",
            words.collect::<Vec<_>>()
        );
        assert!(place.join("dst/a").is_symlink());
    }
}

#[test]
fn what_a_server_says_of_its_list_is_heard() {
    let Some(stage) = stage() else { return };
    fs::create_dir(stage.target()).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("src")).expect("a folder");
    let url = format!("rsync://127.0.0.1:{}/drop", stage.daemon.port());
    for protocol in ["29", "30", "31", "32"] {
        let protocol = format!("--protocol={protocol}");
        let words = ["sync", &protocol, "--files-from=:none", "src", &url];
        let output = program(folder.path(), &words).output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        let expected = "failed to open files-from file none: No such file or directory";
        assert!(said.contains(expected), "{protocol} {said}");
        assert!(
            matches!(output.status.code(), Some(4 | 10 | 12)),
            "{protocol} {output:?}"
        );
    }
}

/// A folder without anything in it is left out with `-m`, unless it came twice.
#[test]
fn what_is_named_twice_is_not_empty() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for folder in ["src/a", "src/b/c/d", "src/e/f", "src/g"] {
        fs::create_dir_all(stage.folder.path().join("data").join(folder)).expect("folders");
    }
    fs::write(stage.source().join("e/f/file"), "text").expect("a file");
    for options in ["-dmi", "-rmi", "-rmi --no-inc-recursive", "-rmi --protocol=29"] {
        for sources in [
            "{url}/source/.",
            "{url}/source/. {url}/source/.",
            "-R {url}/source/. {url}/source//. {url}/source/./.",
            "{url}/source/a {url}/source/b {url}/source/b/c {url}/source/b",
            "-R {url}/source/b/c {url}/source/b/c/d {url}/source/a {url}/source/b/c {url}/source/e",
        ] {
            let line = format!("{options} {sources} dst/");
            let words: Vec<_> = line.split(' ').collect();
            if let Err(difference) = stage.compare(&words, |_| {}) {
                panic!("{difference}");
            }
        }
    }
}
