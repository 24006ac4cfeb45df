//! Something else stands where a folder or a file is expected, and options leave it there.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Prepare, Stage, assert_none, some_files, touch, trees::touch_itself};
use crate::support::daemon::has_rsync;

fn make_old(root: &Path, names: &[&str]) {
    for name in names {
        let time = UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        match root.join(name).is_symlink() || !root.join(name).is_dir() {
            true => touch_itself(&root.join(name), time),
            false => touch(&root.join(name), time),
        }
    }
}

/// Folders with something of each kind.
fn folders(root: &Path) {
    for folder in ["file", "pipe", "folder"] {
        let folder = root.join(folder);
        fs::create_dir_all(folder.join("deep")).expect("folders");
        fs::create_dir_all(folder.join("empty")).expect("folders");
        for name in ["a", "b", "deep/a"] {
            fs::write(folder.join(name), name).expect("a file");
        }
        fs::hard_link(folder.join("a"), folder.join("linked")).expect("a link");
        symlink("a", folder.join("symlink")).expect("a link");
        mkfifo(&folder.join("fifo"), Mode::from_bits_truncate(0o600)).expect("a pipe");
        let names = ["a", "b", "deep/a", "symlink", "fifo", "deep", "empty", "."];
        make_old(&folder, &names);
    }
    make_old(root, &["."]);
}

/// What stands in their places.
fn others(root: &Path) {
    fs::create_dir_all(root.join("folder")).expect("folders");
    fs::write(root.join("file"), "other").expect("a file");
    mkfifo(&root.join("pipe"), Mode::from_bits_truncate(0o600)).expect("a pipe");
    make_old(root, &["file", "pipe", "folder"]);
}

#[test]
fn what_is_below_something_that_is_no_folder_fails() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    folders(&stage.source());
    let prepare = |root: &Path| {
        others(&root.join("dst"));
        for name in ["one/file/a", "one/pipe/a"] {
            fs::create_dir_all(root.join(name).parent().expect("a parent")).expect("folders");
            fs::write(root.join(name), "a").expect("a file");
        }
        make_old(root, &["one/file/a", "one/pipe/a", "one", "dst"]);
    };
    let mut differences = Vec::new();
    for left in ["--ignore-existing", "--ignore-existing --existing"] {
        for others in [
            "",
            "--max-size=0",
            "-y",
            "--compare-dest=../one",
            "--partial-dir=.part",
            "--delete",
            "-b",
            "-K",
            "--no-links --no-D",
            "--no-inc-recursive",
        ] {
            // With `-H` rsync waits for ever for a link that it could not look at.
            for dry in ["", "-n"] {
                let words = format!("-ai {left} {others} {dry} {{url}}/data/src/ dst");
                let words: Vec<_> = words.split_whitespace().collect();
                differences.extend(stage.compare(&words, prepare).err());
            }
        }
    }
    assert_none(&differences);
}

#[test]
fn linked_names_that_exist_as_something_else_are_made_as_a_dry_run_says() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::write(stage.source().join("a"), "a").expect("a file");
    for name in ["b", "c"] {
        fs::hard_link(stage.source().join("a"), stage.source().join(name)).expect("a link");
    }
    make_old(&stage.source(), &["a", "."]);
    let prepare = |root: &Path| {
        fs::create_dir(root.join("dst")).expect("a folder");
        mkfifo(&root.join("dst/a"), Mode::from_bits_truncate(0o600)).expect("a pipe");
        symlink("none", root.join("dst/b")).expect("a link");
        make_old(root, &["dst/a", "dst/b", "dst"]);
    };
    let words = ["-aiH", "--existing", "-n", "{url}/data/src/", "dst"];
    if let Err(difference) = stage.compare(&words, prepare) {
        panic!("{difference}");
    }
    // rsync removes both and makes nothing.
    let words = ["-aiH", "--existing", "{url}/data/src/", "dst"];
    let difference = stage.compare(&words, prepare).expect_err("more files");
    let more = |start| {
        difference
            .lines()
            .filter(move |line: &&str| line.starts_with(start))
    };
    assert_eq!(more("+\"dst/").count(), 2, "{difference}");
    assert_eq!(more("-\"dst/").count(), 0, "{difference}");
    assert_eq!(more("+>f+++++++++ b").count(), 1, "{difference}");
}

#[test]
fn what_goes_for_a_backup_of_a_delayed_file_is_said() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    let folder: Prepare = |root| {
        fs::create_dir_all(root.join("dst/f1~")).expect("folders");
        for (name, text) in [("f1", "old one"), ("f1~/x", "x"), ("f2", "old two")] {
            fs::write(root.join("dst").join(name), text).expect("a file");
        }
    };
    for line in [
        "-rib --delay-updates {url}/data/src/ dst/",
        "-rib --info=backup --delay-updates {url}/data/src/ dst/",
        "-rib --force --info=backup --delay-updates {url}/data/src/ dst/",
        "-rib --force --delete --info=backup --delay-updates --backup-dir=old {url}/data/src/ dst/",
        "-rib --info=backup --delay-updates --no-i-r --protocol=29 {url}/data/src/ dst/",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, folder) {
            panic!("{difference}");
        }
    }
}

#[test]
fn a_backup_of_what_is_written_over_in_place_is_said() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    fs::create_dir_all(stage.source().join("sub")).expect("a folder");
    fs::write(stage.source().join("sub/f1"), "a newer one").expect("a file");
    let old: Prepare = |root| {
        fs::create_dir_all(root.join("dst/sub")).expect("folders");
        // What it hands down to new folders.
        fs::set_permissions(root.join("dst"), fs::Permissions::from_mode(0o2775)).expect("a mode");
        for name in ["dst/f1", "dst/sub/f1"] {
            fs::write(root.join(name), "old one").expect("a file");
        }
    };
    for line in [
        "-r --backup-dir=old {url}/data/src/ dst/",
        "-rp --backup-dir=old {url}/data/src/ dst/",
        "-rb --info=backup --inplace {url}/data/src/ dst/",
        "-rb --info=backup --inplace --no-whole-file --backup-dir=old {url}/data/src/ dst/",
        "-rb --inplace {url}/data/src/ dst/",
        "-rbn --delete --info=backup,del {url}/data/src/sub/ dst/",
        "-rbn --delete --info=backup,del --backup-dir=old {url}/data/src/sub/ dst/",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, old) {
            panic!("{difference}");
        }
    }
}

/// A file whose content was compared gets the time of the sender's to the nanosecond; others keep one that is near enough.
#[test]
fn compared_files_get_the_exact_time() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let near = UNIX_EPOCH + Duration::new(1_000_000_000, 123_456_789);
    let fill = |root: &Path, time| {
        fs::create_dir_all(root).expect("a folder");
        fs::write(root.join("file"), "text").expect("a file");
        touch(&root.join("file"), time);
        touch(root, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    fill(&stage.source(), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    for options in [
        "-rti",
        "-rtci",
        "-rtcii",
        "-rtcin",
        "-rti --size-only",
        "-rtci --modify-window=2",
    ] {
        for protocol in ["--protocol=30", "--protocol=32"] {
            let mut words: Vec<_> = options.split(' ').collect();
            words.extend([protocol, "{url}/data/src/", "dst"]);
            let compared = stage.compare(&words, |root| fill(&root.join("dst"), near));
            assert!(compared.is_ok(), "{}", compared.unwrap_err());
        }
    }
}

/// What is in the way goes with all that is in it, on the file system of the destination.
#[test]
fn folders_make_way_on_one_file_system() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::write(stage.source().join("e"), "e").expect("a file");
    make_old(&stage.source(), &["e", "."]);
    let folders: Prepare = |root| {
        for name in ["e", "none"] {
            let folder = root.join("dst").join(name);
            fs::create_dir_all(folder.join("sub")).expect("folders");
            for name in ["sub/f", "g"] {
                fs::write(folder.join(name), "old").expect("a file");
            }
        }
    };
    for line in [
        "-rltx --force {url}/data/src/ dst/",
        "-rltxx --force {url}/data/src/ dst/",
        "-rltx --force -n {url}/data/src/ dst/",
        "-rltx --delete-after {url}/data/src/ dst/",
        "-rltx --delete-delay {url}/data/src/ dst/",
        "-rltx --delete {url}/data/src/ {url}/data/unknown dst/",
        "-rltx --force --delete-missing-args {url}/data/src/e {url}/data/src/none dst/",
        "-rltx --force --protocol=29 {url}/data/src/ dst/",
    ] {
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, folders) {
            panic!("{difference}");
        }
    }
}
