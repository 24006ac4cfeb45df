//! Lists that come folder by folder: trees with many of them, files that cannot be sent, and peers that send lists which
//! cannot be.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    process::Output,
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    support::{daemon::has_rsync, skip},
    sync::{Prepare, Stage, peer::answered, some_files, touch},
};

/// Many folders, one with more files than are listed ahead, and one far down.
pub(super) fn forest(root: &Path) {
    let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let deep = (0..40)
        .map(|level| format!("l{level}"))
        .collect::<Vec<_>>()
        .join("/");
    let mut folders = vec!["many".to_owned(), deep];
    folders.extend((0..60).map(|number| format!("d{}/e{number}/f", number % 7)));
    for folder in &folders {
        let path = root.join(folder);
        fs::create_dir_all(&path).expect("folders");
        let count = if folder == "many" { 1100 } else { 6 };
        for number in 0..count {
            let file = path.join(format!("f{number}"));
            fs::write(&file, format!("{folder} {number}")).expect("a file");
            touch(&file, time);
        }
    }
    still(root);
}

/// Gives all folders one time, from the inside out.
pub(super) fn still(folder: &Path) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            still(&path);
        }
    }
    touch(folder, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}

/// A part of the same, with other files and things in the way.
fn outdated(root: &Path) {
    fs::create_dir_all(root.join("d3/e10/f/old/er")).expect("folders");
    fs::write(root.join("d3/e10/f/old/er/x"), "old").expect("a file");
    fs::write(root.join("d3/e10/f/f1"), "other").expect("a file");
    fs::write(root.join("d4"), "in the way").expect("a file");
    fs::create_dir_all(root.join("many/f7")).expect("folders");
    fs::write(root.join("many/unknown"), "old").expect("a file");
    fs::create_dir_all(root.join("gone/with")).expect("folders");
    still(root);
}

#[test]
fn many_lists_bring_the_same() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    forest(&stage.source());
    let source = |root: &Path| {
        fs::create_dir(root.join("src")).expect("a folder");
        forest(&root.join("src"));
    };
    let there = |root: &Path| {
        fs::create_dir(root.join("dst")).expect("a folder");
        outdated(&root.join("dst"));
    };
    let options = [
        "-ai --delete",
        "-ain --delete-delay",
        "-ai --delete-delay --max-delete=3 --protocol=30",
        "-rvO --delete --force --protocol=31",
        "-ai --delete --no-inc-recursive",
    ];
    let mut differences = Vec::new();
    for words in options {
        let mut words: Vec<_> = words.split(' ').collect();
        words.extend(["{url}/data/src/", "dst"]);
        differences.extend(stage.compare(&words, there).err());
        let count = words.len();
        words.splice(count - 2.., ["src/", "{url}/drop/"]);
        differences.extend(stage.compare_push(&words, source, outdated).err());
    }
    // The list of the arguments has no root then.
    differences.extend(
        stage
            .compare(&["-ai", "{url}/data/src/d1", "{url}/data/src/d2", "dst"], |_| {})
            .err(),
    );
    differences.extend(
        stage
            .compare_push(
                &["-ai", "src/d1", "src/d2", "src/d1/", "src/d2/", "{url}/drop/"],
                source,
                |_| {},
            )
            .err(),
    );
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn a_file_that_the_sender_cannot_read_keeps_nothing_waiting() {
    if !has_rsync() {
        return;
    }
    // A daemon that is not root.
    let user = match nix::unistd::geteuid() {
        root if root.is_root() => 65_534,
        user => user.as_raw(),
    };
    let stage = Stage::run_by(user);
    for folder in ["a", "b", "c"] {
        let folder = stage.source().join(folder);
        fs::create_dir(&folder).expect("a folder");
        for name in ["f1", "f2", "f3", "f4"] {
            let file = folder.join(name);
            fs::write(&file, name).expect("a file");
            touch(&file, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
    }
    for closed in ["a/f2", "a/f4", "b/f1", "b/f2", "b/f3", "b/f4", "c/f4"] {
        let mode = fs::Permissions::from_mode(0o000);
        fs::set_permissions(stage.source().join(closed), mode).expect("a mode");
    }
    still(&stage.source());
    for protocol in ["29", "30", "31", "32"] {
        for more in ["-rti", "-rtin", "-rtiI --remove-source-files", "-rti --no-i-r"] {
            let protocol = format!("--protocol={protocol}");
            let mut words: Vec<_> = more.split(' ').collect();
            words.extend([&*protocol, "{url}/data/src/", "dst"]);
            if let Err(difference) = stage.compare(&words, |_| {}) {
                panic!("{difference}");
            }
        }
    }
}

#[test]
fn owners_are_named_where_they_come_first() {
    if !has_rsync() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        skip("only root gives files away");
        return;
    }
    let owned = |root: &Path| {
        // Ids with a name and without, some of them first in a later list.
        let files = [
            ("f", 0, 1),
            ("a/x", 1, 1),
            ("a/y", 1, 54_321),
            ("b/c/z", 2, 0),
            ("d/x", 12_345, 2),
        ];
        for (name, user, group) in files {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(&path, name).expect("a file");
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
            std::os::unix::fs::chown(&path, Some(user), Some(group)).expect("root may");
        }
        still(root);
    };
    let stage = Stage::new();
    owned(&stage.source());
    let source = |root: &Path| {
        fs::create_dir(root.join("src")).expect("a folder");
        owned(&root.join("src"));
    };
    for protocol in ["--protocol=30", "--protocol=31", "--protocol=32"] {
        for more in ["-ai", "-aiA", "-ai --numeric-ids", "-ai --no-i-r"] {
            let mut words: Vec<_> = more.split(' ').collect();
            words.extend([protocol, "{url}/data/src/", "dst"]);
            if let Err(difference) = stage.compare(&words, |_| {}) {
                panic!("{difference}");
            }
            let count = words.len();
            words.splice(count - 2.., ["src/", "{url}/drop/"]);
            if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
                panic!("{difference}");
            }
        }
    }
}

/// A list with the root and `d`, as it is sent without varint flags.
const ROOT: &[u8] =
    b"\x19\x01.\x00\x00\x10\x3b\x00\xca\x9a\xed\x41\x00\x00\x98\x01d\x00\x00\x10\xed\x41\x00\x00\x00";
/// The same with `d` twice.
const TWICE: &[u8] = b"\x19\x01.\x00\x00\x10\x3b\x00\xca\x9a\xed\x41\x00\x00\
    \x98\x01d\x00\x00\x10\xed\x41\x00\x00\x98\x01d\x00\x00\x10\xed\x41\x00\x00\x00";
/// An empty list of the folder with number 1.
const EMPTY: &[u8] = b"\xff\x65\x00";

/// The first line of what went wrong, without where in the program.
pub(super) fn complaint(output: &Output) -> (String, Option<i32>) {
    let error = String::from_utf8_lossy(&output.stderr);
    let line = error.lines().next().unwrap_or_default();
    let line = line.split(" [").next().unwrap_or_default();
    let line = line.strip_prefix("rsync: ").unwrap_or(line);
    (line.to_owned(), output.status.code())
}

#[test]
fn lists_that_cannot_be_are_refused() {
    if !has_rsync() {
        return;
    }
    let cases: [(&[&[u8]], &str, i32); 5] = [
        (
            &[ROOT, EMPTY, b"\xff\xfe\x00\x00\x00"],
            "refusing malicious duplicate flist for dir 1",
            2,
        ),
        (
            &[ROOT, b"\xff\x6d\x00"],
            "Invalid dir index: -110 (-101 - -102)",
            2,
        ),
        (
            &[TWICE, b"\xff\x66\x00"],
            "refusing flist for cleared dir_ndx 2",
            2,
        ),
        (
            &[ROOT, b"\xff\x65\x98\x03e/x\x00\x00\x10\xed\x41\x00\x00\x00"],
            "ABORTING due to invalid path from sender: e/x",
            4,
        ),
        (
            &[ROOT, b"\xff\x65\x98\x01x\x00\x00\x10\xed\x41\x00\x00\x00"],
            "ABORTING due to invalid path from sender: /x",
            4,
        ),
    ];
    for (parts, text, code) in cases {
        for ours in [false, true] {
            let output = answered(&["-r", "{url}/m/", "d"], 1, &parts.concat(), ours);
            assert_eq!(
                complaint(&output),
                (text.to_owned(), Some(code)),
                "{parts:?} {ours}"
            );
        }
    }
    // The client did not say that it takes lists one by one.
    for ours in [false, true] {
        let output = answered(&["-r", "--no-i-r", "{url}/m/", "d"], 1, ROOT, ours);
        let text = "Incompatible options specified for inc-recursive connection.";
        assert_eq!(complaint(&output), (text.to_owned(), Some(1)), "{ours}");
    }
    // Of these rsync takes the first, and fails otherwise at the second.
    let own: [(&[u8], &str); 2] = [
        (
            b"\xff\x01\xff\x64\x00",
            "refusing sub-flist after final flist was freed",
        ),
        (
            b"\x00\x00\x00",
            "the end of a file list came before the files that were asked for",
        ),
    ];
    for (bytes, text) in own {
        let output = answered(&["-r", "{url}/m/", "d"], 1, &[ROOT, bytes].concat(), true);
        assert_eq!(complaint(&output), (text.to_owned(), Some(2)), "{bytes:?}");
    }
}

#[test]
fn what_the_server_says_is_heard_when_a_deep_merge_file_ends_the_session() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = |root: &Path| {
        fs::create_dir_all(root.join("src/a/b/c")).expect("folders");
        fs::write(root.join("src/a/b/.rules"), "garbage\n").expect("a file");
        fs::write(root.join("src/file"), "text").expect("a file");
        symlink("file", root.join("src/link")).expect("a link");
        touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    for words in [
        &["-rti"][..],
        &["-rti", "--delete", "--timeout=50"],
        &["-rtiz"],
        &["-rti", "--no-inc-recursive"],
    ] {
        let words = [words, &["--filter=: .rules", "src/", "{url}/drop/new"]].concat();
        if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
            panic!("{difference}");
        }
    }
}

/// What is told and read of a folder is that of the argument that it was found below, whichever its own list has.
#[test]
fn a_folder_counts_from_the_argument_that_it_is_below() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = |root: &Path| {
        fs::create_dir_all(root.join("src/d/e")).expect("folders");
        for name in ["src", "src/d", "src/d/e"] {
            // Long enough to be read once more; where there are none, the names are compared all the same.
            let _ = xattr::set(root.join(name), "user.long", name.repeat(20).as_bytes());
            fs::write(root.join(name).join("f"), name).expect("a file");
        }
        still(root);
    };
    for arguments in [
        "src/. src/./.",
        "src/./. src/.",
        "src/. src//. src/./.",
        "src/d/. src/./d",
        "src/d src/./d ./src/./f src/f",
        "src/./d/e src/d/./e src/d/e",
    ] {
        for options in ["-rtR --out-format=%o:%f", "-rtXiR", "-rtiR --protocol=30"] {
            let line = format!("{options} {arguments} {{url}}/drop/dst");
            let words: Vec<_> = line.split(' ').collect();
            if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
                panic!("{difference}");
            }
        }
    }
}

#[test]
fn the_progress_of_lists_of_which_nothing_is_transferred_ends_with_none_left() {
    if !has_rsync() {
        return;
    }
    fn old(root: &Path) {
        some_files(root);
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        for name in ["f1", "f2", "sub/deep/y", "a b/-x", "sub/deep", "sub", "a b", "."] {
            touch(&root.join(name), time);
        }
    }
    let stage = Stage::new();
    old(&stage.source());
    let same: Prepare = |root| {
        for name in ["dst", "src"] {
            fs::create_dir(root.join(name)).expect("a folder");
            old(&root.join(name));
        }
    };
    for line in [
        "-rt --info=progress2,nonreg0 {url}/data/src/ dst/",
        "-rt --info=progress2,nonreg0 src/ {url}/writable/src/",
        "-rt --no-i-r --info=progress2,nonreg0 {url}/data/src/ dst/",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, same) {
            panic!("{difference}");
        }
    }
}
