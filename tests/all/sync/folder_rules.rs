//! Merge files of folders above what is listed, and of several arguments.

use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use super::{Stage, assert_none, trees::touch};
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

#[test]
fn rules_of_folders_hold_below_them_whatever_was_listed_before() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut differences = Vec::new();
    for order in ["--i-r", "--no-i-r", "--delete-after"] {
        for words in [
            "-r -F src/b/",
            "-r -F src/b",
            "-r -F src/a/ src/b/",
            "-r -F src/b/ src/a/",
            "-r -F src/b src/a/",
            "-r -F src/b/w/t.x src/a/ src/a/q/t.k src/b/",
            "-r -F src/b/q src/a/q",
            "-r -FF src/b/",
            "-r -F -R src/./b/t.c src/./b",
            "-r -F -R src/./b/q/z src/./b/q src/./a",
            "-r -F -R src/./ src/b/./q src/./a/q/z",
            "-r -F --files-from=deep src",
            "-r -F --files-from=deeper src",
            "-r -F --files-from=both src",
            "-r -F --no-R --files-from=deep src",
            "-r -F --no-R --files-from=content src",
            "-r -F --no-R --files-from=whole src",
            "-r -F --no-R --files-from=folder src",
        ] {
            let words: Vec<_> = words.split(' ').chain([order, "{url}/drop/"]).collect();
            differences.extend(stage.compare_push(&words, source, |_| {}).err());
        }
    }
    assert_none(&differences);
}
