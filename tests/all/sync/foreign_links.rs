//! Symlinks of somebody else's on the way to what the user names: nothing is written or trusted behind them.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, lchown, symlink},
    path::Path,
};

use super::{Stage, some_files};
use crate::support::{daemon::has_rsync, mishap::Need, skip};

/// A destination, and a folder that somebody else has put a symlink to beside it and in it.
fn prepare(root: &Path) {
    for folder in ["dst/sub", "real"] {
        fs::create_dir_all(root.join(folder)).expect("folders");
    }
    for (name, text) in [
        ("dst/f1", "older"),
        ("real/rules", "- f2\n"),
        ("real/names", "f1\n"),
        (
            "dst/through",
            "evil/rules\nevil\nevil/\ndst/evil/names\ndst/f1\ndst/f1/\nnone/\n",
        ),
        ("real/password", "not-a-secret\n"),
    ] {
        fs::write(root.join(name), text).expect("a file");
    }
    let password = root.join("real/password");
    fs::set_permissions(password, fs::Permissions::from_mode(0o600)).expect("a mode");
    for (to, link) in [("real", "evil"), ("../real", "dst/evil")] {
        let link = root.join(link);
        symlink(to, &link).expect("a link");
        lchown(link, Some(1234), Some(1234)).expect("an owner");
    }
}

#[test]
fn symlinks_of_somebody_else_are_not_followed() {
    if !has_rsync() {
        return;
    }
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("links of another user: {reason}"));
        return;
    }
    let stage = Stage::patient();
    some_files(&stage.source());
    let differences: Vec<_> = [
        "-r {url}/data/src/ evil",
        "-r {url}/data/src/ evil/",
        "-r {url}/data/src/ evil/new",
        "-r --mkpath {url}/data/src/ evil/new/more/",
        "-r {url}/data/src/f1 evil/f1",
        "-r --exclude-from=evil/rules {url}/data/src/ dst",
        "-r --files-from=evil/names {url}/data/src/ dst",
        "-r --password-file=evil/password {url}/locked/src/ dst",
        "-r --early-input=evil/rules {url}/data/src/ dst",
        "-r --log-file=evil/log {url}/data/src/ dst",
        "-r --copy-dest=evil {url}/data/src/f2 dst",
        "-r --delay-updates --partial-dir=evil {url}/data/src/ dst",
        "-ri -Tevil {url}/data/src/ dst",
        "-rib -T{here}/evil {url}/data/src/ dst",
        "-r -Tevil/none {url}/data/src/ dst",
        "-r -T../real/rules {url}/data/src/ dst",
        "-ri --link-dest=evil {url}/data/src/ dst",
        "-rlin --compare-dest=evil {url}/data/src/ dst",
        "-rlicyy --copy-dest=../real --copy-dest=evil {url}/data/src/ dst",
        "-aiH --link-dest={here}/evil --link-dest=evil {url}/data/src/ dst",
        "-rb --backup-dir=evil {url}/data/src/f2 dst",
        "-r evil/ {url}/drop/",
        "-r --files-from=dst/through ./ {url}/drop/",
        "-rl --files-from=dst/through ./ {url}/drop/",
        "-r --no-R --files-from=dst/through ./ {url}/drop/",
        "-rL --files-from=dst/through ./ {url}/drop/",
        "-rR evil/rules dst/evil/ {url}/drop/",
    ]
    .iter()
    .filter_map(|words| {
        let words: Vec<_> = words.split(' ').collect();
        stage.compare_push(&words, prepare, |_| {}).err()
    })
    .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    // rsync says so at each of its attempts to keep the file, and the session ends with the first that fails: how far the
    // generator comes until then is a race, in both programs.
    let words = ["-rb", "--backup-dir=evil", "{url}/data/src/", "dst"];
    let stage = Stage::new();
    some_files(&stage.source());
    let mut last = String::new();
    let is_same = (0..40).any(|_| {
        last = stage.compare(&words, prepare).expect_err("fewer lines");
        let is_missing = |line: &str| line.starts_with("-! refusing to ") || line.contains(" unlink ");
        let is_other = |line: &str| line.starts_with(['+', '-']) && !is_missing(line);
        !last.lines().skip(3).any(is_other)
    });
    assert!(is_same, "{last}");
}

#[test]
fn nothing_is_looked_for_behind_symlinks_of_somebody_else() {
    if !has_rsync() {
        return;
    }
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("links of another user: {reason}"));
        return;
    }
    let stage = Stage::patient();
    some_files(&stage.source());
    let plant = |root: &Path| {
        for folder in ["dst", "like", "real/deep"] {
            fs::create_dir_all(root.join(folder)).expect("folders");
        }
        for (name, text) in [("real/deep/y", "y"), ("like/f1", "one"), ("file", "")] {
            fs::write(root.join(name), text).expect("a file");
        }
        for (to, link) in [
            ("../real", "like/sub"),
            ("none", "lost"),
            ("file", "other"),
            ("real", "evil"),
        ] {
            let link = root.join(link);
            symlink(to, &link).expect("a link");
            lchown(link, Some(1234), Some(1234)).expect("an owner");
        }
    };
    let options = ["-ai", "-ain", "-aiv", "-rti --no-inc-recursive"];
    let kinds = ["--link-dest", "--copy-dest", "--compare-dest"];
    let differences = options.iter().flat_map(|options| {
        let stage = &stage;
        kinds.iter().flat_map(move |kind| {
            let folders = ["like", "lost", "other", "evil"];
            folders.map(|folder| {
                let base = format!("{kind}=../{folder}");
                let words: Vec<_> = options
                    .split(' ')
                    .chain([&*base, "{url}/data/src/", "dst/"])
                    .collect();
                stage.compare(&words, plant).err()
            })
        })
    });
    let differences: Vec<_> = differences.flatten().collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
