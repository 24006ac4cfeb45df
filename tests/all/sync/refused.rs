//! What the system does not let the client do: the same is there afterwards, and the same is said, as with rsync.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown, symlink},
        process::CommandExt as _,
    },
    path::Path,
    process::{Command, Output},
    time::{Duration, UNIX_EPOCH},
};

use nix::unistd::User;
use tempfile::TempDir;

use super::{Stage, described, told, touch};
use crate::support::{
    daemon::has_rsync,
    mishap::Need,
    program::{program, unprivileged},
    skip,
};

fn is_possible(needs: &[Need]) -> bool {
    if !has_rsync() {
        return false;
    }
    if let Some(reason) = needs.iter().find_map(|need| need.unmet()) {
        skip(reason);
        return false;
    }
    true
}

fn plant(root: &Path) {
    for name in ["f", "d/g", "e/h"] {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, name).expect("a file");
    }
    symlink("f", root.join("link")).expect("a link");
    for name in ["f", "d/g", "e/h", "d", "e", "."] {
        touch(&root.join(name), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    }
}

/// What a client said, in some order, without the letters of new files' names.
fn said(output: &Output, folder: &TempDir) -> Vec<String> {
    let text = told(output, &folder.path().display().to_string());
    let masked = |line: &str| {
        let mut words: Vec<_> = line.split('"').map(str::to_owned).collect();
        for word in &mut words {
            let base = word.rsplit('/').next().unwrap_or_default();
            if base.starts_with('.') && base.len() > 7 {
                let end = word.len() - 6;
                word.replace_range(end.., "XXXXXX");
            }
        }
        words.join("\"")
    };
    let mut lines: Vec<_> = text.lines().map(masked).collect();
    lines.sort();
    lines
}

#[test]
fn files_are_there_also_if_they_cannot_be_given_away() {
    if !is_possible(&[Need::Root, Need::Namespace]) {
        return;
    }
    let stage = Stage::new();
    plant(&stage.source());
    for name in ["f", "d/g", "d", "."] {
        chown(stage.source().join(name), Some(1234), Some(1234)).expect("an owner");
    }
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for words in [
        &["-a"][..],
        &["-a", "--inplace"],
        &["-rltpg"],
        &["-a", "--backup-dir=old"],
    ] {
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join("dst")).expect("a folder");
            fs::write(folder.path().join("dst/f"), "old").expect("a file");
            // Root of a namespace in which nobody else is.
            let mut command = program(folder.path(), &[]);
            let client = command.get_program().to_owned();
            command = Command::new("unshare");
            command
                .arg("-Ur")
                .current_dir(folder.path())
                .env("LC_ALL", "C.UTF-8");
            match ours {
                true => command.arg(client).arg("sync"),
                false => command.arg("rsync"),
            };
            let output = command
                .args(words)
                .args([&*url, "dst"])
                .output()
                .expect("it runs");
            let mut found = std::collections::BTreeMap::new();
            super::collect(folder.path(), Path::new(""), &mut found);
            (said(&output, &folder), found)
        });
        assert_eq!(ours, theirs, "{words:?}");
        let text = ours.0.join("\n");
        assert!(text.contains("failed: Invalid argument (22)"), "{text}");
        assert_eq!(ours.1["dst/d/g"], b"d/g");
    }
}

#[test]
fn folders_that_may_not_be_written_to_are_left_so() {
    if !is_possible(&[Need::Root]) {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    let stage = Stage::run_by(nobody.uid.as_raw());
    plant(&stage.source());
    mode(&stage.source().join("d"), 0o555);
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for words in [
        "-rlt",
        "-rlpt",
        "-rlt --inplace",
        "-rlpt --delete",
        "-rltb",
        "-rltn --delete",
        "-rlpt --delete-after --protocol=29",
    ] {
        let words: Vec<_> = words.split(' ').chain([&*url, "dst"]).collect();
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            // One's own may be opened, another's not.
            for (name, owner) in [
                ("dst", true),
                ("dst/d", true),
                ("dst/e", false),
                ("dst/e/old", false),
            ] {
                let path = folder.path().join(name);
                fs::create_dir(&path).expect("a folder");
                fs::write(path.join("more"), "old").expect("a file");
                if owner {
                    chown(&path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
                }
            }
            mode(&folder.path().join("dst/d"), 0o555);
            touch(
                &folder.path().join("dst/e"),
                UNIX_EPOCH + Duration::from_secs(1_000_000_000),
            );
            let output = if ours {
                unprivileged(&folder, &[&["sync"], &words[..]].concat())
            } else {
                mode(folder.path(), 0o755);
                let mut command = Command::new("rsync");
                let command = command
                    .args(&words)
                    .current_dir(folder.path())
                    .env("LC_ALL", "C.UTF-8");
                command
                    .uid(nobody.uid.as_raw())
                    .gid(nobody.gid.as_raw())
                    .output()
                    .expect("it runs")
            };
            (said(&output, &folder), described(folder.path()))
        });
        assert_eq!(ours.0, theirs.0, "{words:?}");
        assert_eq!(ours.1, theirs.1, "{words:?}");
    }
}

#[test]
fn nothing_is_told_of_files_that_cannot_be_begun() {
    if !is_possible(&[Need::Root]) {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    plant(&stage.source());
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for words in ["-ri", "-rv", "-ri --inplace", "-r --out-format=%n", "-rin"] {
        let words: Vec<_> = words.split(' ').chain([&*url, "dst"]).collect();
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            // Another's.
            fs::create_dir_all(folder.path().join("dst/d")).expect("a folder");
            fs::create_dir_all(folder.path().join("dst/e")).expect("a folder");
            let output = if ours {
                unprivileged(&folder, &[&["sync"], &words[..]].concat())
            } else {
                fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
                let mut command = Command::new("rsync");
                let command = command.args(&words).current_dir(folder.path());
                let command = command.env("LC_ALL", "C.UTF-8");
                let command = command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
                command.output().expect("it runs")
            };
            said(&output, &folder)
        });
        assert_eq!(ours, theirs, "{words:?}");
    }
}

#[test]
fn folders_that_may_not_be_read_can_be_written_to() {
    if !is_possible(&[Need::Root]) {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    plant(&stage.source());
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for words in [
        "-rlti",
        "-rlti --delete",
        "-rlti --inplace",
        "-rltib",
        "-rlti -T{here}/box",
        "-rlti --backup-dir={here}/box",
        "-rlti --partial-dir={here}/box --delay-updates",
        "-rlti --link-dest={here}/box",
    ] {
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            let place = folder.path().display().to_string();
            let words = words.replace("{here}", &place);
            let words: Vec<_> = words.split(' ').chain([&*url, "dst"]).collect();
            // A folder for what others bring.
            for name in ["dst/d", "dst", "box"] {
                let path = folder.path().join(name);
                fs::create_dir_all(&path).expect("a folder");
                fs::set_permissions(&path, fs::Permissions::from_mode(0o333)).expect("a mode");
            }
            fs::write(folder.path().join("dst/f"), "old").expect("a file");
            let output = if ours {
                unprivileged(&folder, &[&["sync"], &words[..]].concat())
            } else {
                fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
                let mut command = Command::new("rsync");
                let command = command.args(&words).current_dir(folder.path());
                let command = command.env("LC_ALL", "C.UTF-8");
                let command = command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
                command.output().expect("it runs")
            };
            (
                said(&output, &folder),
                fs::read(folder.path().join("dst/d/g")).ok(),
            )
        });
        assert_eq!(ours, theirs, "{words:?}");
        assert!(ours.1.is_some(), "{words:?}");
    }
}
