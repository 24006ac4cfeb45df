//! Files that the one who pushes may not read, and what the daemon deletes then.

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
            command.args(["--kill-after=5", "60", "rsync"]).args(&words);
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
