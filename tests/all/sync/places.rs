//! Where files are made, kept and found beside their places: in place, in partial and temporary folders, among backups.

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use nix::{sys::stat::Mode, unistd::mkfifo};

use super::{Prepare, Stage, some_files, touch, trees::touch_itself};
use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, program::program, skip},
};

fn time(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

fn bytes(seed: u64, count: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    (0..count).map(|_| random.below(256) as u8).collect()
}

/// The files at the sender.
pub(super) fn source(root: &Path) {
    let old = bytes(1, 20_000);
    let (front, back) = old.split_at(7_000);
    let contents = [
        ("same", old.clone()),
        ("longer", [&old[..], b"more"].concat()),
        ("shorter", old[..9_999].to_vec()),
        ("moved", [back, front].concat()),
        ("zeros", [&[0; 9_000][..], front, &[0; 5_000]].concat()),
        ("empty", Vec::new()),
        ("sub/changed", [front, b"changed", &back[100..]].concat()),
        ("sub/deep/new", bytes(2, 3_000)),
        ("was-folder", b"file".to_vec()),
    ];
    for (name, content) in contents {
        let path = root.join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        fs::write(&path, content).expect("a file");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
        touch(&path, time(1_000_000_001));
    }
    symlink("same", root.join("link")).expect("a link");
    touch_itself(&root.join("link"), time(1_000_000_001));
    for folder in ["sub/deep", "sub", "."] {
        touch(&root.join(folder), time(1_000_000_000));
    }
}

/// The files at the receiver.
fn destination(root: &Path) {
    let dst = root.join("dst");
    fs::create_dir_all(dst.join("sub/deep")).expect("folders");
    let old = bytes(1, 20_000);
    for name in [
        "longer",
        "shorter",
        "moved",
        "zeros",
        "empty",
        "sub/changed",
        "sub/extra",
        "extra",
    ] {
        fs::write(dst.join(name), &old).expect("a file");
        touch(&dst.join(name), time(900_000_000));
    }
    fs::write(dst.join("same"), &old).expect("a file");
    touch(&dst.join("same"), time(1_000_000_001));
    fs::set_permissions(dst.join("sub/changed"), fs::Permissions::from_mode(0o400)).expect("a mode");
    fs::set_permissions(dst.join("sub"), fs::Permissions::from_mode(0o750)).expect("a mode");
    symlink("elsewhere", dst.join("link")).expect("a link");
    touch_itself(&dst.join("link"), time(900_000_000));
    fs::create_dir(dst.join("was-folder")).expect("a folder");
    fs::write(dst.join("was-folder/in"), "x").expect("a file");
    // What an earlier session left.
    fs::create_dir(root.join("old")).expect("a folder");
    for folder in ["dst/sub/.part", "dst/.part", "dst/.~tmp~", "parts"] {
        let folder = root.join(folder);
        fs::create_dir(&folder).expect("a folder");
        for name in ["changed", "moved", "new", "same"] {
            fs::write(folder.join(name), &old[..8_000]).expect("a file");
            touch(&folder.join(name), time(950_000_000));
        }
    }
    fs::create_dir(root.join("tmp")).expect("a folder");
}

fn compare(cases: &[(&str, Prepare)]) {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    source(&stage.source());
    let mut differences = Vec::new();
    for (number, (words, prepare)) in cases.iter().enumerate() {
        let protocol = ["--protocol=32", "--protocol=30", "--protocol=29"][number % 3];
        let mut words: Vec<_> = words.split(' ').collect();
        words.extend([protocol, "{url}/data/src/", "dst"]);
        if let Err(difference) = stage.compare(&words, prepare) {
            differences.push(difference);
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn files_are_written_over_in_place() {
    compare(&[
        ("-ai --inplace", destination),
        ("-rti --inplace", destination),
        ("-aiS --inplace", destination),
        ("-aiW --inplace", destination),
        ("-aiWS --inplace", destination),
        ("-aib --inplace", destination),
        ("-aibW --inplace", destination),
        ("-ai --inplace --backup-dir={here}/old/in", destination),
        ("-ai --append", destination),
        // With lists of folders the file that is asked for once more comes when it comes, with rsync too.
        ("-ai --append-verify --no-inc-recursive", destination),
        ("-aic --append-verify --no-inc-recursive", destination),
        ("-ain --append", destination),
        ("-ai --inplace", |_| {}),
        ("-rib --append", destination),
    ]);
}

#[test]
fn parts_of_files_are_found_again() {
    compare(&[
        ("-ai --partial", destination),
        ("-ai --partial-dir=.part", destination),
        ("-rti --partial-dir=.part", destination),
        ("-aiW --partial-dir=.part", destination),
        ("-ain --partial-dir=.part", destination),
        ("-aii --partial-dir=.part --delete", destination),
        ("-ai --partial-dir={here}/parts", destination),
        ("-ai --delay-updates", destination),
        ("-aib --delay-updates --delete-after", destination),
        ("-ai --delay-updates --partial-dir=.part", destination),
        ("-ai --delay-updates --remove-source-files -n", destination),
        ("-ai -T {here}/tmp", destination),
        ("-ai --temp-dir={here}/tmp --partial-dir=.part", destination),
        ("-ai -T ../none", destination),
        ("-ai -T same", destination),
        ("-ai --fsync --preallocate", destination),
    ]);
}

#[test]
fn backups_have_a_folder() {
    compare(&[
        ("-ai --backup-dir=../old", destination),
        ("-ai --backup-dir=../old/a/b --suffix=~ --delete", destination),
        ("-ai --backup-dir=kept --delete-after", destination),
        ("-ai --backup-dir=kept --delete-before", destination),
        ("-rti --backup-dir=../old --force --delete", destination),
        ("-ai --backup-dir=same", destination),
        ("-ai --backup-dir=same/x", destination),
        ("-ain --backup-dir=../old --delete", destination),
        ("-ai --backup-dir=../old --delay-updates", destination),
        ("-ai --backup-dir=. --suffix=.x --delete", destination),
        ("-ai --backup-dir=.", destination),
        ("-aiO --backup-dir=sub/deep", destination),
        ("-ai --safe-links --backup-dir=../old", |root| {
            destination(root);
            let _ = fs::remove_file(root.join("dst/link"));
            symlink("../../out", root.join("dst/link")).expect("a link");
        }),
    ]);
}

/// Folders beside the destination that have some of the files: as they are, with other attributes, with other content.
fn beside(root: &Path) {
    source(&root.join("one"));
    source(&root.join("two"));
    let old = bytes(1, 20_000);
    for (name, content) in [
        ("one/longer", &old[..]),
        ("two/moved", &old[..]),
        ("two/sub/deep/new", &old[..50]),
    ] {
        fs::write(root.join(name), content).expect("a file");
        touch(&root.join(name), time(900_000_000));
    }
    for name in ["one/shorter", "one/sub", "two/zeros", "two/sub/deep"] {
        let mode = if name.contains("sub") { 0o711 } else { 0o600 };
        fs::set_permissions(root.join(name), fs::Permissions::from_mode(mode)).expect("a mode");
    }
    fs::remove_file(root.join("one/same")).expect("it was there");
    for name in ["one/link", "one/empty"] {
        fs::remove_file(root.join(name)).expect("it was there");
    }
    symlink("other", root.join("one/link")).expect("a link");
    touch_itself(&root.join("one/link"), time(900_000_000));
    fs::create_dir(root.join("one/empty")).expect("a folder");
    for folder in ["one/sub/deep", "one/sub", "one", "two/sub/deep", "two/sub", "two"] {
        touch(&root.join(folder), time(1_000_000_000));
    }
}

#[test]
fn files_are_found_in_other_folders() {
    let both: Prepare = |root| {
        destination(root);
        beside(root);
    };
    let mut cases: Vec<(String, Prepare)> = Vec::new();
    for kind in ["compare", "copy", "link"] {
        for words in [
            "-ai --{kind}-dest=../one --{kind}-dest=../two",
            "-aii --{kind}-dest=../two --{kind}-dest=../none",
            "-rti --{kind}-dest=../one",
            "-ri --{kind}-dest=../one",
            "-acii --{kind}-dest={here}/one --{kind}-dest={here}/two",
            "-ain --{kind}-dest=../two",
            "-av --{kind}-dest=../one/same --{kind}-dest=../two",
            "-aiO --{kind}-dest=../two --delete --partial-dir=.part",
            "-ai --inplace --{kind}-dest=../one",
            "-ayi --{kind}-dest=../one --{kind}-dest=../two",
            "-ayyi --{kind}-dest=../one --{kind}-dest=../two",
            "-aiW --{kind}-dest=../one --remove-source-files -n",
        ] {
            let words = words.replace("{kind}", kind);
            cases.push((words.clone(), beside));
            cases.push((words, both));
        }
    }
    let cases: Vec<_> = cases
        .iter()
        .map(|(words, prepare)| (&**words, *prepare))
        .collect();
    compare(&cases);
}

#[test]
fn a_similar_file_is_a_basis() {
    let similar: Prepare = |root| {
        let old = bytes(1, 20_000);
        fs::create_dir_all(root.join("dst/sub/deep")).expect("folders");
        for name in [
            "longer-1.tar",
            "shorte",
            "moved.old",
            "zero",
            "sub/changed~",
            "sub/deep/new.1",
            "x",
        ] {
            fs::write(root.join("dst").join(name), &old).expect("a file");
            touch(&root.join("dst").join(name), time(900_000_000));
        }
        touch(&root.join("dst/x"), time(1_000_000_001));
    };
    compare(&[
        ("-ayi", similar),
        ("-ayyi", similar),
        ("-ayi --inplace", similar),
        ("-ayi --delete-delay", similar),
        ("-ayiW", similar),
        ("-ayin", similar),
    ]);
}

#[test]
fn owners_are_mapped() {
    let source: Prepare = |root| {
        destination(root);
        std::os::unix::fs::chown(root.join("dst/longer"), Some(1), Some(2)).expect("an owner");
    };
    if !nix::unistd::geteuid().is_root() {
        skip("only root gives files away");
        return;
    }
    compare(&[
        ("-ai --chown=daemon:bin", source),
        ("-ai --chown=:bin", source),
        ("-rti --chown=7:8", source),
        ("-ai --usermap=0:1,*:2", source),
        ("-ai --usermap=root:1 --groupmap=0-5:3", source),
        ("-ai --usermap=r*:1 --groupmap=daemon:3", source),
        ("-ai --usermap=?:1 --groupmap=root:daemon --numeric-ids", source),
        ("-ai --usermap=*:nobody-here", source),
        ("-ai --usermap=1", source),
        ("-ai --groupmap=1:", source),
        ("-ai --groupmap=1-x:2", source),
    ]);
}

#[test]
fn names_of_one_file_stay_together() {
    let linked = |root: &Path, pairs: &[(&str, &str)]| {
        for (from, to) in pairs {
            fs::hard_link(root.join(from), root.join(to)).expect("a link");
        }
        for folder in ["sub/deep", "sub", "."] {
            touch(&root.join(folder), time(1_000_000_000));
        }
    };
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    source(&stage.source());
    let pairs = [
        ("same", "a"),
        ("same", "sub/z"),
        ("longer", "sub/deep/l"),
        ("link", "sub/link"),
        ("moved", "zz"),
    ];
    linked(&stage.source(), &pairs);
    let nothing: Prepare = |_| {};
    let other = |root: &Path| {
        destination(root);
        linked(
            &root.join("dst"),
            &[("moved", "a"), ("longer", "zz"), ("same", "sub/z")],
        );
    };
    let beside = |root: &Path| {
        beside(root);
        linked(
            &root.join("two"),
            &[("same", "a"), ("same", "sub/z"), ("longer", "sub/deep/l")],
        );
    };
    let mut differences = Vec::new();
    for words in [
        "-ai -H",
        "-aii -H",
        // A pull with hard links asks for whole lists, which is said.
        "-av -H --no-inc-recursive",
        "-ain -H",
        "-ai -H --existing",
        "-ai -H --ignore-existing",
        "-aiu -H",
        "-aib -H",
        "-ai -H --inplace",
        "-aii -H --link-dest=../two",
        "-ai -H --link-dest=../two",
        "-ain -H --link-dest=../two",
        "-aii -H --copy-dest=../two",
        // With `--compare-dest` rsync waits for ever.
        "-ai -H --delay-updates --max-size=19k",
        "-ai -H --protocol=30 --partial-dir=.part",
        "-aic -H --protocol=29",
    ] {
        let words: Vec<_> = words.split(' ').chain(["{url}/data/src/", "dst"]).collect();
        differences.extend(stage.compare(&words, nothing).err());
        differences.extend(stage.compare(&words, other).err());
        differences.extend(stage.compare(&words, beside).err());
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A sender that sends a symlink in the place of a folder that the user names gets nothing written where it leads.
#[test]
fn a_folder_that_the_sender_plants_is_not_the_users() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for name in ["kept", "sub/.part"] {
        let path = stage.source().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
        symlink(stage.target(), path).expect("a link");
    }
    for name in ["z1", "sub/z2"] {
        fs::write(stage.source().join(name), bytes(3, 5_000)).expect("a file");
    }
    for words in [
        &["-a", "--backup-dir=kept"][..],
        &["-a", "--backup-dir=kept", "--inplace"],
        &["-a", "--delay-updates", "--partial-dir=.part"],
        &["-a", "--backup-dir=kept", "--delay-updates"],
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let _ = fs::remove_dir_all(stage.target());
        fs::create_dir(stage.target()).expect("a folder");
        fs::create_dir_all(folder.path().join("dst/sub")).expect("folders");
        for name in ["z1", "sub/z2"] {
            fs::write(folder.path().join("dst").join(name), bytes(4, 5_000)).expect("a file");
        }
        let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
        let output = program(folder.path(), &["sync"])
            .args(words)
            .args([&*url, "dst"])
            .output();
        let code = output.expect("the program runs").status.code();
        assert!(matches!(code, Some(0 | 23)), "{words:?}: {code:?}");
        let outside = fs::read_dir(stage.target()).expect("a folder").count();
        assert_eq!(outside, 0, "{words:?}");
        for name in ["z1", "sub/z2"] {
            let there = fs::read(folder.path().join("dst").join(name)).expect("it is there");
            assert!(
                there == bytes(3, 5_000) || there == bytes(4, 5_000),
                "{words:?}: {name}"
            );
        }
    }
}

#[test]
fn what_is_written_in_place_goes_where_other_things_were() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for name in ["link", "dangling", "pipe", "full"] {
        fs::write(stage.source().join(name), name).expect("a file");
    }
    let source = |root: &Path| {
        symlink("../outside", root.join("link")).expect("a link");
        symlink("none", root.join("dangling")).expect("a link");
        mkfifo(&root.join("pipe"), Mode::S_IRUSR).expect("a pipe");
        fs::create_dir_all(root.join("full/of")).expect("folders");
    };
    let there = |root: &Path| {
        fs::write(root.join("outside"), "stays").expect("a file");
        fs::create_dir(root.join("dst")).expect("a folder");
        source(&root.join("dst"));
    };
    for way in ["--inplace", "--append", "--append-verify"] {
        for more in [
            &[][..],
            &["-n"],
            &["-b"],
            &["-b", "--backup-dir=old"],
            &["--force"],
            &["--delete"],
        ] {
            for protocol in ["--protocol=29", "--protocol=32"] {
                let words = [&["-ri", way, protocol][..], more, &["{url}/data/src/", "dst"]].concat();
                if let Err(difference) = stage.compare(&words, there) {
                    panic!("{difference}");
                }
            }
        }
    }
}

/// What is in a folder that has the name of a backup is deleted, and told.
#[test]
fn a_backup_takes_the_place_of_a_folder() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    fs::hard_link(stage.source().join("f2"), stage.source().join("f3")).expect("a link");
    let in_the_way = |root: &Path| {
        for folder in ["dst", "old"] {
            for name in ["f1", "f2", "f3", "link"] {
                let suffix = if folder == "dst" { "~" } else { "" };
                let place = root.join(folder).join(format!("{name}{suffix}"));
                fs::create_dir_all(place.join("b/deep")).expect("folders");
                for file in ["a", "b/c", "b/deep/d", "z"] {
                    fs::write(place.join(file), "old").expect("a file");
                }
            }
        }
        for name in ["f1", "f2", "f3"] {
            fs::write(root.join("dst").join(name), "older").expect("a file");
        }
        symlink("other", root.join("dst/link")).expect("a link");
    };
    for options in [
        // The lines of two processes are sorted with `-H`.
        "-rlbi -H",
        "-rbi --backup-dir=../old --exclude=link",
        "-rlbi -H --backup-dir=../old",
        "-rlbv --exclude=f*",
        "-rlbi -H --info=del0",
    ] {
        let line = format!("{options} {{url}}/data/src/ dst");
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, in_the_way) {
            panic!("{difference}");
        }
    }
}
