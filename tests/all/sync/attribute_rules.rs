//! Rules that choose extended attributes.

use std::{
    fs,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use super::{Stage, assert_none, trees::touch};
use crate::support::{daemon::has_rsync, skip};

const NAMES: [&str; 5] = ["a", "sub", "sub/b", "sub/deep", "sub/deep/c"];

/// Files and folders with attributes; whether they can have some.
fn adorned(root: &Path, value: &str) -> bool {
    fs::create_dir_all(root.join("sub/deep")).expect("folders");
    let mut is_adorned = true;
    for name in NAMES {
        let path = root.join(name);
        if !path.is_dir() {
            fs::write(&path, "text").expect("a file");
        }
        let long = value.repeat(60);
        for (name, value) in [
            ("user.open", value),
            ("user.secret", value),
            ("user.secrets.long", &long),
        ] {
            is_adorned &= xattr::set(&path, name, value.as_bytes()).is_ok();
        }
        // Only root sets it.
        let _ = xattr::set(&path, "trusted.secret", value.as_bytes());
    }
    is_adorned
}

fn old(root: &Path) {
    for name in NAMES.into_iter().chain(["."]).rev() {
        touch(&root.join(name), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
}

/// Those of folders' merge files too, whoever sends.
#[test]
fn rules_for_attributes_decide_what_is_sent_kept_and_removed() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = stage.source();
    if !adorned(&source, "1") {
        skip("the file system of temporary folders has no extended attributes");
        return;
    }
    fs::write(source.join("sub/.rsync-filter"), "-x user.open\n").expect("a file");
    old(&source);
    let source = |root: &Path| {
        adorned(&root.join("src"), "1");
        fs::write(root.join("src/.rsync-filter"), "-x user.secret\n").expect("a file");
        fs::write(root.join("src/sub/.rsync-filter"), "-x *.long\n").expect("a file");
        old(&root.join("src"));
    };
    let other = |root: &Path| {
        adorned(root, "2");
        xattr::set(root.join("a"), "user.secret.of.mine", b"x").expect("an attribute");
        xattr::set(root.join("a"), "user.of.mine", b"x").expect("an attribute");
        old(root);
    };
    let mut differences = Vec::new();
    for rules in [
        "-F",
        "-FF",
        "--filter=-x user.secret",
        "--filter=-x user.*",
        "--filter=-x *secret*",
        "--filter=+x user.open|--filter=-x *",
        "--filter=-xs user.secret",
        "--filter=-xr user.secret",
        "--filter=-! user.secret",
        "--filter=-x! user.open",
        "--filter=-x a|--filter=- user.secret",
        "--filter=: .rsync-filter|--filter=-x trusted.*",
    ] {
        for options in ["-aXi", "-rlXi --protocol=30 --no-i-r", "-aXin"] {
            let words: Vec<_> = options.split(' ').chain(rules.split('|')).collect();
            let push = [&*words, &["src/", "{url}/drop/"]].concat();
            differences.extend(stage.compare_push(&push, source, other).err());
            differences.extend(stage.compare_push(&push, source, |_| {}).err());
            let pull = [&*words, &["{url}/data/src/", "dst"]].concat();
            let plant = |root: &Path| other(&root.join("dst"));
            differences.extend(stage.compare(&pull, plant).err());
            differences.extend(stage.compare(&pull, |_| {}).err());
            let backups = [&*words, &["-b", "-I", "{url}/data/src/", "dst"]].concat();
            differences.extend(stage.compare(&backups, plant).err());
        }
    }
    assert_none(&differences);
}
