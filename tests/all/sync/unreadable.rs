//! What plain users may not read or write, and what becomes of it.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use nix::unistd::User;

use super::{Stage, described, told, touch};
use crate::support::{daemon::has_rsync, mishap::Need, program::unprivileged, skip};

/// What both clients say as nobody, a line each in the order of the alphabet, and what is then in their folder and at the target.
fn both(stage: &Stage, words: &str, prepare: impl Fn(&Path), plant: impl Fn(&Path)) -> [String; 2] {
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let url = format!("rsync://127.0.0.1:{}", stage.daemon.port());
    let words = words.replace("{url}", &url);
    let words: Vec<_> = words.split(' ').collect();
    [false, true].map(|ours| {
        let folder = tempfile::tempdir().expect("a folder");
        let target = stage.target();
        let _ = fs::remove_dir_all(&target);
        fs::create_dir(&target).expect("a folder");
        prepare(folder.path());
        plant(&target);
        for path in [folder.path(), &target] {
            chown(path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
        }
        let output = if ours {
            unprivileged(&folder, &[&["sync"], &words[..]].concat())
        } else {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("a mode");
            let mut command = Command::new("timeout");
            command.args(["--signal=KILL", "60", "rsync"]).args(&words);
            let command = command.current_dir(folder.path()).env("LC_ALL", "C.UTF-8");
            let command = command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
            command.output().expect("it runs")
        };
        let said = told(&output, &folder.path().display().to_string());
        let mut lines: Vec<_> = said.lines().collect();
        lines.sort_unstable();
        let trees = [described(folder.path()), described(&target)];
        format!("{}\n{}", lines.join("\n"), trees.join("-- target\n"))
    })
}

fn is_possible() -> bool {
    if !has_rsync() {
        return false;
    }
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("files of another user: {reason}"));
        return false;
    }
    true
}

/// One that cannot be read is listed all the same: it is not deleted where it still is.
#[test]
fn files_that_cannot_be_read_are_not_deleted_at_the_target() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let prepare = |root: &Path| {
        fs::create_dir(root.join("src")).expect("a folder");
        for name in ["a", "locked"] {
            fs::write(root.join("src").join(name), name).expect("a file");
        }
        fs::set_permissions(root.join("src/locked"), fs::Permissions::from_mode(0o600)).expect("a mode");
        touch(&root.join("src"), old);
    };
    let plant = |root: &Path| {
        for name in ["extra", "locked"] {
            fs::write(root.join(name), "old one").expect("a file");
            touch(&root.join(name), old);
        }
    };
    for options in [
        "-rti --delete",
        "-rtci --delete",
        "-rtci --delete --ignore-errors",
        "-rtcin --delete",
        "-dtci --delete",
        "-rti --stats",
        "-rti --stats --protocol=29",
        "-rti --delete-after",
        "-rtci --delete-after",
        "-rti --delete-after --ignore-errors",
        "-rti --delete-after --no-i-r",
        "-rti --delete-after --delay-updates",
        "-rti --delete-after --max-delete=0",
        "-rti --delete-after --protocol=30",
        "-rti --delete-after --protocol=29",
        "-rti --delete-delay",
        "-rtci --protocol=29 --delete",
    ] {
        let words = format!("{options} src/ {{url}}/drop/");
        let [theirs, ours] = both(&stage, &words, prepare, plant);
        assert_eq!(ours, theirs, "{options}");
        assert!(ours.contains("locked"), "{ours}");
    }
}

/// The right to write a file is given for as long as its attributes are set.
#[test]
fn attributes_of_read_only_files_are_set() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let file = |path: &Path, content: &str, attributes: &[(&str, &str)]| {
        fs::write(path, content).expect("a file");
        for (name, value) in attributes {
            xattr::set(path, name, value.as_bytes()).expect("an attribute");
        }
        chown(path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
        fs::set_permissions(path, fs::Permissions::from_mode(0o444)).expect("a mode");
        touch(path, old);
    };
    let long = "v".repeat(100);
    fs::create_dir_all(stage.source()).expect("a folder");
    if xattr::set(stage.source(), "user.a", b"x").is_err() {
        skip("the temporary folder's file system has no extended attributes");
        return;
    }
    xattr::remove(stage.source(), "user.a").expect("it is there");
    for name in ["same", "other"] {
        let attributes = [("user.a", "new"), ("user.long", &*long)];
        file(&stage.source().join(name), "some text", &attributes);
    }
    touch(&stage.source(), old);
    let prepare = |root: &Path| {
        fs::create_dir(root.join("dst")).expect("a folder");
        file(
            &root.join("dst/same"),
            "some text",
            &[("user.a", "old"), ("user.gone", "x")],
        );
        file(&root.join("dst/other"), "other", &[("user.gone", "x")]);
        chown(
            root.join("dst"),
            Some(nobody.uid.as_raw()),
            Some(nobody.gid.as_raw()),
        )
        .expect("an owner");
        touch(&root.join("dst"), old);
    };
    for options in [
        "-aXi",
        "-rXi",
        "-aXi --inplace",
        "-aXi --append",
        "-aXvv",
        "-aXi --protocol=30",
    ] {
        let words = format!("{options} {{url}}/data/src/ dst/");
        let [theirs, ours] = both(&stage, &words, prepare, |_| {});
        assert_eq!(ours, theirs, "{options}");
    }
}

/// Long values are asked for once where files share a set of attributes: by the first file that is asked for after all.
#[test]
fn values_come_where_a_file_of_their_set_cannot_be_read_or_kept() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::new();
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in ["a", "b", "c"] {
        let path = stage.source().join(name);
        fs::write(&path, "new").expect("a file");
        if xattr::set(&path, "user.a", "v".repeat(40).as_bytes()).is_err() {
            skip("the temporary folder's file system has no extended attributes");
            return;
        }
        touch(&path, old);
    }
    touch(&stage.source(), old);
    let given = |path: &Path| {
        chown(path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
    };
    let closed = |root: &Path, is_adorned: bool| {
        fs::create_dir(root.join("dst")).expect("a folder");
        let file = root.join("dst/a");
        fs::write(&file, "an old one").expect("a file");
        if is_adorned {
            xattr::set(&file, "user.own", b"x").expect("an attribute");
        }
        fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("a mode");
        touch(&file, old);
        given(&root.join("dst"));
    };
    let full = |root: &Path| {
        fs::create_dir_all(root.join("dst/a~/full")).expect("folders");
        fs::write(root.join("dst/a"), "an old one").expect("a file");
        for name in ["dst/a~", "dst/a", "dst"] {
            given(&root.join(name));
        }
    };
    for options in ["-rtXi", "-rtXiW", "-rtXin", "-rtXi --inplace -b", "-rtXHi"] {
        let words = format!("{options} {{url}}/data/src/ dst/");
        for (what, prepare) in [
            ("closed", &(|root: &Path| closed(root, false)) as &dyn Fn(&Path)),
            ("closed and adorned", &|root| closed(root, true)),
            ("no place for a backup", &full),
        ] {
            let [theirs, ours] = both(&stage, &words, prepare, |_| {});
            assert_eq!(ours, theirs, "{options}, {what}");
        }
    }
}

/// What has its attributes already needs nobody's leave to have them.
#[test]
fn attributes_that_are_right_are_left_alone() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::new();
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let plant = |root: &Path| {
        fs::create_dir_all(root.join("folder")).expect("a folder");
        for name in ["file", "folder/file"] {
            fs::write(root.join(name), "text").expect("a file");
        }
        let mut has_attributes = true;
        for name in ["file", "folder/file", "folder", ""] {
            for (attribute, value) in [("user.short", "x"), ("user.long", &*"v".repeat(40))] {
                has_attributes &= xattr::set(root.join(name), attribute, value.as_bytes()).is_ok();
            }
            touch(&root.join(name), old);
        }
        has_attributes
    };
    if !plant(&stage.source()) {
        skip("the temporary folder's file system has no extended attributes");
        return;
    }
    let prepare = |root: &Path| {
        plant(&root.join("dst"));
        chown(
            root.join("dst"),
            Some(nobody.uid.as_raw()),
            Some(nobody.gid.as_raw()),
        )
        .expect("an owner");
    };
    for options in ["-rtX", "-rtX -ii", "-rtXvv", "-aXA -ii"] {
        let words = format!("{options} {{url}}/data/src/ dst/");
        let [theirs, ours] = both(&stage, &words, prepare, |_| {});
        assert_eq!(ours, theirs, "{options}");
    }
}

/// A destination that may not be entered ends the session, unless the client is there already.
#[test]
fn a_destination_must_be_entered() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::new();
    for name in ["a", "b"] {
        fs::write(stage.source().join(name), name).expect("a file");
    }
    touch(&stage.source(), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    for mode in [0o000, 0o400, 0o600, 0o100, 0o700] {
        let prepare = |root: &Path| {
            let folder = root.join("dst");
            fs::create_dir(&folder).expect("a folder");
            chown(&folder, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
            fs::set_permissions(&folder, fs::Permissions::from_mode(mode)).expect("a mode");
        };
        for words in [
            "-rti {url}/data/src/ dst",
            "-rtin {url}/data/src/ dst/",
            "-rti --mkpath {url}/data/src/ dst",
            "-tin {url}/data/src/a dst",
            "-tin {url}/data/src/a dst/b",
        ] {
            let [theirs, ours] = both(&stage, words, prepare, |_| {});
            assert_eq!(ours, theirs, "{words}, {mode:o}");
        }
    }
}

/// What cannot be removed, or linked to, is told as rsync tells it.
#[test]
fn what_is_somebody_elses_stays_and_is_told() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::new();
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::create_dir_all(stage.source().join("d")).expect("a folder");
    fs::write(stage.source().join("a"), "text").expect("a file");
    fs::hard_link(stage.source().join("a"), stage.source().join("b")).expect("a link");
    for name in ["a", "d", ""] {
        touch(&stage.source().join(name), old);
    }
    let prepare = |root: &Path| {
        fs::create_dir_all(root.join("dst/d")).expect("folders");
        for (name, text, mode) in [("a", "text", 0o600), ("d/extra", "old", 0o644)] {
            let path = root.join("dst").join(name);
            fs::write(&path, text).expect("a file");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
            touch(&path, old);
        }
        touch(&root.join("dst/d"), old);
        chown(
            root.join("dst"),
            Some(nobody.uid.as_raw()),
            Some(nobody.gid.as_raw()),
        )
        .expect("an owner");
    };
    for options in ["-rtH", "-rtH --delete", "-rtH --delete --backup-dir=kept"] {
        let words = format!("{options} {{url}}/data/src/ dst/");
        let [theirs, ours] = both(&stage, &words, prepare, |_| {});
        assert_eq!(ours, theirs, "{options}");
    }
}

/// A backup, or its folder, whose group cannot be set is there, and that is told.
#[test]
fn groups_that_backups_cannot_have_are_told() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    let old = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::create_dir_all(stage.source().join("d")).expect("a folder");
    fs::write(stage.source().join("d/file"), "a new one").expect("a file");
    for name in ["d/file", "d", ""] {
        touch(&stage.source().join(name), old);
    }
    let prepare = |root: &Path| {
        for name in ["dst/d", "dst/kept"] {
            fs::create_dir_all(root.join(name)).expect("a folder");
        }
        for name in ["d/extra", "d/file"] {
            fs::write(root.join("dst").join(name), "old").expect("a file");
        }
        // The group stays root's.
        for name in ["d/extra", "d/file", "d", "kept", ""] {
            chown(root.join("dst").join(name), Some(nobody.uid.as_raw()), None).expect("an owner");
            touch(&root.join("dst").join(name), old);
        }
    };
    for options in [
        "",
        "--inplace",
        "--delete",
        "--delay-updates --delete-after",
        "--protocol=29",
    ] {
        let words = format!("-ab {options} --backup-dir=kept --exclude=/kept {{url}}/data/src/ dst/")
            .replace("  ", " ");
        let [theirs, ours] = both(&stage, &words, prepare, |_| {});
        assert_eq!(ours, theirs, "{options}");
        assert!(ours.contains("chgrp"), "{ours}");
    }
}

/// A folder that cannot be read keeps what is elsewhere from being deleted, as far as its list is known by then.
#[test]
fn folders_that_cannot_be_read_keep_what_is_elsewhere() {
    if !is_possible() {
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    let fill = |root: &Path, names: &[&str]| {
        for name in names {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
            fs::write(&path, name).expect("a file");
            for place in path.ancestors().take_while(|place| *place != root) {
                chown(place, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
            }
        }
    };
    let lock = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("a mode");
    fill(&stage.source(), &["a/c/b/file", "b/file", "x"]);
    lock(&stage.source().join("a/c/b"));
    let behind = |root: &Path| fill(root, &["dst/b/extra", "dst/extra"]);
    for options in [
        "-rH --delete",
        "-rH --delete-delay",
        "-rH --delete --protocol=31",
        "-rH --delete --protocol=30",
        "-r --delete-after",
    ] {
        let words = format!("{options} {{url}}/data/src/ dst/");
        let [theirs, ours] = both(&stage, &words, behind, |_| {});
        assert_eq!(times_masked(&ours), times_masked(&theirs), "{options}");
        assert!(ours.contains("dst/extra"), "{ours}");
    }
    let prepare = |root: &Path| {
        fill(root, &["src/b/x", "src/b/folder/y", "src/b/folder/deep/file"]);
        lock(&root.join("src/b/folder/deep"));
    };
    let plant = |root: &Path| fill(root, &["b/folder/deep/old", "b/extra"]);
    for options in [
        "-r --delete --protocol=30",
        "-r --delete-delay --protocol=30",
        "-r --delete --protocol=30 --ignore-errors",
    ] {
        let words = format!("{options} src/ {{url}}/drop/");
        let [theirs, ours] = both(&stage, &words, prepare, plant);
        assert_eq!(times_masked(&ours), times_masked(&theirs), "{options}");
        let is_kept = !options.contains("ignore");
        assert_eq!(ours.contains("b/extra"), is_kept, "{ours}");
    }
}

/// Without the times of what was made just now.
fn times_masked(text: &str) -> String {
    let lines = text.lines().map(|line| match line.rsplit_once(' ') {
        Some((line, time)) if time.contains('.') && line.starts_with('"') => line,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}
