//! Owners, groups and extended attributes that cannot be set, and what else is left then.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown, lchown, symlink},
        process::CommandExt as _,
    },
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{
    Stage, assert_none,
    stage::{client, told},
    touch,
    trees::described,
};
use crate::support::{daemon::has_rsync, mishap::Need, skip};

/// A user who owns nothing.
const NOBODY: u32 = 65_534;

/// Files, folders, a symlink and a pipe of another user's; the modes differ.
fn plant(root: &Path) {
    for folder in ["d", "e"] {
        fs::create_dir_all(root.join(folder)).expect("folders");
    }
    for (name, text) in [("f", "one"), ("d/g", "two")] {
        fs::write(root.join(name), text).expect("a file");
    }
    symlink("f", root.join("l")).expect("a link");
    mkfifo(&root.join("p"), Mode::from_bits_truncate(0o644)).expect("a pipe");
    for (name, mode) in [("d", 0o775), ("e", 0o555), ("f", 0o744), ("d/g", 0o6755)] {
        lchown(root.join(name), Some(1234), Some(1234)).expect("an owner");
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    for name in ["f", "d/g", "d", "e", ""] {
        touch(&root.join(name), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
}

/// What is there of it before, in part other.
fn older(root: &Path) {
    for folder in ["dst/d", "dst/e"] {
        fs::create_dir_all(root.join(folder)).expect("folders");
    }
    for (name, text) in [("f", "one"), ("d/g", "older")] {
        let name = root.join("dst").join(name);
        fs::write(&name, text).expect("a file");
        fs::set_permissions(&name, fs::Permissions::from_mode(0o744)).expect("a mode");
        touch(&name, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
}

fn nothing(_: &Path) {}

/// Whether there is an rsync, and all may be given away.
fn may_run() -> bool {
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("files of another user: {reason}"));
        return false;
    }
    has_rsync()
}

/// Both clients, run by root or by nobody; the lines in any order, as those of folders come at another time.
fn compared(stage: &Stage, user: u32, options: &str, prepare: fn(&Path)) -> Result<(), String> {
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let run = |ours: bool| {
        let folder = tempfile::tempdir().expect("a folder");
        prepare(folder.path());
        own(folder.path(), user);
        let mut command = client(folder.path(), ours);
        command.args(options.split(' ')).args([&url, "dst"]);
        let output = command.uid(user).gid(user).output().expect("the client runs");
        let place = folder.path().display().to_string();
        let told = told(&output, &place);
        let mut lines: Vec<_> = told.lines().map(without_letters).collect();
        lines.sort_unstable();
        format!("{}\n{}", lines.join("\n"), described(folder.path()))
    };
    let (theirs, ours) = (run(false), run(true));
    let difference = similar::TextDiff::from_lines(&theirs, &ours)
        .unified_diff()
        .header("rsync", "rsyncctl")
        .to_string();
    match theirs == ours {
        true => Ok(()),
        false => Err(format!("{options}\n{difference}")),
    }
}

/// Both with each line of options, into a new folder and into an older one.
fn assert_same(stage: &Stage, user: u32, options: &[&str]) {
    let differences = options.iter().flat_map(|options| {
        [nothing as fn(&Path), older].map(|prepare| compared(stage, user, options, prepare).err())
    });
    assert_none(&differences.flatten().collect::<Vec<_>>());
}

/// Gives all there is to a user.
fn own(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).expect("an owner");
    if path.is_dir() {
        for found in fs::read_dir(path).expect("a folder") {
            own(&found.expect("a name").path(), user);
        }
    }
}

/// A line without the six letters at the end of a new file's name.
fn without_letters(line: &str) -> String {
    // Its name begins with a dot, and stands in quotation marks.
    let masked = line.split('"').map(|part| {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        match name.rsplit_once('.') {
            Some((base, letters)) if letters.len() == 6 && base.starts_with('.') => {
                format!("{folder}/{base}")
            }
            _ => part.to_owned(),
        }
    });
    masked.collect::<Vec<_>>().join("\"")
}

#[test]
fn ids_that_nothing_can_have_are_complained_of() {
    if !may_run() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source());
    let options = [
        "-ai --chown=:4294967295",
        "-ai --usermap=*:4294967295",
        "-ai --groupmap=*:4294967295",
        "-ai --chown=4294967295:4294967295",
        "-ai --chown=4294967295:7",
        "-ain --chown=4294967295:7",
        "-a --inplace --chown=4294967295:7",
    ];
    assert_same(&stage, 0, &options);
}

#[test]
fn nothing_else_is_set_of_what_cannot_be_given_away() {
    if !may_run() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source());
    let options = [
        "--super -ai",
        "--super -ai --no-g",
        "--super -ai --no-o",
        "--super -aib",
        "--super -aiO",
        "--super -ai --inplace",
        "--super -ai --no-inc-recursive",
        "--super -rtio",
        "--super -rto --chmod=D2775,F4755",
        "--super -aA",
    ];
    assert_same(&stage, NOBODY, &options);
}

#[test]
fn each_extended_attribute_that_cannot_be_set_is_complained_of() {
    if !may_run() {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source());
    let long = [b'x'; 100];
    for name in ["", "f", "d", "d/g"] {
        let path = stage.source().join(name);
        let all: [(_, &[u8]); 4] = [
            ("trusted.one", b"1"),
            ("security.two", b"2"),
            ("trusted.long", &long),
            ("user.three", b"3"),
        ];
        for (attribute, value) in all {
            if let Err(error) = xattr::set(&path, attribute, value) {
                skip(&format!("attributes of the system: {error}"));
                return;
            }
        }
        touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
    let options = [
        "--super -rlptX",
        "--super -rlptiX",
        "--super -rlptXX --inplace",
        "--super -rlptX --no-inc-recursive",
    ];
    assert_same(&stage, NOBODY, &options);
}
