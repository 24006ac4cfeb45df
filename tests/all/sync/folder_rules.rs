//! Merge files of folders above what is listed, and of several arguments.

use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use super::{Stage, assert_none, client, trees::touch};
use crate::support::daemon::has_rsync;

/// `src` with two folders that have the same folders in them, and rules of their own.
fn source(root: &Path) {
    let files = ["t.o", "t.c", "t.x", "t.k"];
    for folder in ["a", "b", "a/q", "b/q", "a/q/z", "b/q/z", "b/w"] {
        let path = root.join("src").join(folder);
        fs::create_dir_all(&path).expect("folders");
        for name in files.into_iter().chain([&*folder.replace('/', "-")]) {
            fs::write(path.join(name), name).expect("a file");
        }
    }
    for (folder, rule) in [(".", "- *.o"), ("a", "- *.c"), ("b", "- *.x"), ("a/q", "- *.k")] {
        let path = root.join("src").join(folder).join(".rsync-filter");
        fs::write(path, format!("{rule}\n")).expect("a file");
    }
    for (list, names) in [
        ("deep", "b/t.c\nb\n"),
        ("deeper", "b/q/t.c\nb\n"),
        ("content", "b/q/t.c\nb/\n"),
        ("whole", "b/\n"),
        ("folder", "b\n"),
        ("both", "a/q\nb/q/z\na\nb\n"),
    ] {
        fs::write(root.join(list), names).expect("a file");
    }
    touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
}

/// Lines with one source.
const ONE: [&str; 12] = [
    "-r -F src/b/",
    "-r -F src/b",
    "-r -FF src/b/",
    "-r -F -R src/./b/t.c src/./b",
    "-r -F -R src/./b/q/z src/./b/q src/./a",
    "-r -F --files-from=deep src",
    "-r -F --files-from=deeper src",
    "-r -F --files-from=both src",
    "-r -F --no-R --files-from=deep src",
    "-r -F --no-R --files-from=content src",
    "-r -F --no-R --files-from=whole src",
    "-r -F --no-R --files-from=folder src",
];

/// Lines with several.
const SEVERAL: [&str; 6] = [
    "-r -F src/a/ src/b/",
    "-r -F src/b/ src/a/",
    "-r -F src/b src/a/",
    "-r -F src/b/w/t.x src/a/ src/a/q/t.k src/b/",
    "-r -F src/b/q src/a/q",
    "-r -F -R src/./ src/b/./q src/./a/q/z",
];

#[test]
fn rules_of_folders_hold_below_them_whatever_was_listed_before() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut differences = Vec::new();
    for (orders, lines) in [
        (&["--i-r", "--no-i-r", "--delete-after"][..], &ONE[..]),
        (&["--no-i-r", "--delete-after"], &SEVERAL),
    ] {
        for (order, line) in orders
            .iter()
            .flat_map(|order| lines.iter().map(move |line| (order, line)))
        {
            let words: Vec<_> = line.split(' ').chain([*order, "{url}/drop/"]).collect();
            differences.extend(stage.compare_push(&words, source, |_| {}).err());
        }
    }
    assert_none(&differences);
}

/// Where lists come folder by folder, those of rsync's first source hold for the others.
#[test]
fn the_rules_of_each_source_hold_for_itself() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for sources in [["src/a/", "src/b/"], ["src/b/", "src/a/"]] {
        let folder = tempfile::tempdir().expect("a folder");
        source(folder.path());
        // What the other source has of the same name is not to count.
        for (name, from) in [
            ("of-a.x", "src/a/q"),
            ("of-a.c", "src/a/q"),
            ("of-b.x", "src/b/q"),
            ("of-b.c", "src/b/q"),
        ] {
            fs::write(folder.path().join(from).join(name), name).expect("a file");
        }
        let _ = fs::remove_dir_all(stage.target());
        fs::create_dir(stage.target()).expect("a folder");
        let url = format!("rsync://127.0.0.1:{}/drop/", stage.daemon.port());
        let mut command = client(folder.path(), true);
        let output = command.args(["-rF"]).args(sources).arg(&url).output();
        let output = output.expect("the client runs");
        assert!(output.status.success(), "{output:?}");
        let has = |name: &str| stage.target().join(name).exists();
        for (name, expected) in [
            ("q/of-a.x", true),
            ("q/of-a.c", false),
            ("q/of-b.x", false),
            ("q/of-b.c", true),
            ("w/t.c", true),
            ("w/t.x", false),
            ("w/t.o", false),
            ("q/z/t.o", false),
        ] {
            assert_eq!(has(name), expected, "{sources:?} {name}");
        }
    }
}
