//! ACLs, extended attributes, and what else of a file is kept only when asked.

use std::{
    fs::{self},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, mishap::Need, skip},
    sync::{
        Stage, assert_none, client, number, told,
        trees::{link, plant, touch},
    },
};

/// Attributes that share names and values, some of them long ones.
const VALUES: [&[u8]; 5] = [b"", b"short", &[b'x'; 32], &[b'x'; 33], &[b'y'; 1000]];

/// The kernel's form of an ACL: owner, somebody, the group, another group, the mask, others.
fn acl(random: &mut Random) -> Vec<u8> {
    let mut bytes = 2_u32.to_le_bytes().to_vec();
    let mut entry = |tag: u16, id: u32, permissions: u16| {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(permissions.to_le_bytes());
        bytes.extend(id.to_le_bytes());
    };
    let mut some = || random.pick(&[4_u16, 5, 6, 7]);
    entry(1, u32::MAX, 7);
    entry(2, 4242, some());
    entry(4, u32::MAX, some());
    entry(8, 77, some());
    entry(16, u32::MAX, some());
    entry(32, u32::MAX, 4);
    bytes
}

/// Gives attributes and ACLs to what is below a folder; `false` if the file system has none.
pub(super) fn adorn(folder: &Path, random: &mut Random) -> bool {
    let mut paths: Vec<_> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths.insert(0, folder.to_owned());
    for path in paths {
        let found = path.symlink_metadata().expect("it is there");
        if found.is_dir() && path != folder {
            adorn(&path, random);
            continue;
        }
        // Only root sets it, also of what is neither a file nor a folder.
        if random.chance(20) {
            let _ = xattr::set(&path, "trusted.t", random.pick(&VALUES));
        }
        if !found.is_file() && !found.is_dir() {
            continue;
        }
        for name in ["user.a", "user.b", "user.c"] {
            if random.chance(40) && xattr::set(&path, name, random.pick(&VALUES)).is_err() {
                return false;
            }
        }
        if random.chance(30) && xattr::set(&path, "system.posix_acl_access", &acl(random)).is_err() {
            return false;
        }
        if found.is_dir() && random.chance(30) {
            let _ = xattr::set(&path, "system.posix_acl_default", &acl(random));
        }
        let is_to_touch = found.mtime() < 1_100_000_000;
        if is_to_touch {
            let time = Duration::from_secs(found.mtime().unsigned_abs());
            touch(&path, UNIX_EPOCH + time);
        }
    }
    true
}

#[test]
fn acls_and_attributes_become_the_same() {
    if !has_rsync() {
        return;
    }
    let mut differences = Vec::new();
    for seed in 1..=number("RSYNCCTL_TREES").unwrap_or(60) {
        let stage = Stage::new();
        let mut random = Random::new(seed);
        plant(&stage.source(), &mut random, None, false);
        if !adorn(&stage.source(), &mut random) {
            skip("the file system of temporary folders has no extended attributes");
            return;
        }
        // Without `-p`, rsync's receiver gives a folder with attributes the sender's mode, against the umask: not here.
        let kept = random.pick(&[
            "-aAXi", "-aXi", "-aAi", "-rptXi", "-rAi", "-aAXin", "-aAXic", "-aAXiI",
        ]);
        let protocol = random.pick(&["--protocol=30", "--protocol=31", "--protocol=32"]);
        let words = [kept, protocol, "{url}/data/src/", "dst"];
        let result = stage.compare(&words, |root| {
            let mut random = Random::new(seed + 1000);
            let target = root.join("dst");
            if random.chance(70) {
                fs::create_dir(&target).expect("a folder");
                plant(&target, &mut random, Some(&stage.source()), false);
                // ACLs that the new files would get from their folder are another matter.
                if kept.contains('X') && kept.contains('A') {
                    adorn(&target, &mut random);
                }
            }
        });
        differences.extend(result.err().map(|text| format!("seed {seed}: {text}")));
    }
    assert_none(&differences);
}

/// What a folder's attributes need of another folder is not sent.
#[test]
fn folders_get_long_values_from_other_folders() {
    if !has_rsync() {
        return;
    }
    for option in [
        "--copy-dest=../other",
        "--link-dest=../other",
        "--compare-dest=../other",
    ] {
        let stage = Stage::new();
        let plant = |root: &Path| {
            let folder = root.join("a");
            fs::create_dir_all(&folder).expect("a folder");
            fs::write(folder.join("file"), "text").expect("a file");
            let has_attributes = xattr::set(&folder, "user.long", &[b'x'; 40]).is_ok();
            for path in [folder.join("file"), folder, root.to_owned()] {
                touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
            }
            has_attributes
        };
        if !plant(&stage.source()) {
            skip("the file system of temporary folders has no extended attributes");
            return;
        }
        let words = ["-aXi", option, "{url}/data/src/", "dst"];
        let result = stage.compare(&words, |root| {
            plant(&root.join("other"));
        });
        assert_none(&result.err().into_iter().collect::<Vec<_>>());
    }
}

/// What another folder has of a file's attributes is not asked for, nor is it other.
#[test]
fn files_get_long_values_from_other_folders() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let (first, second) = (["x"; 40].concat(), ["y"; 40].concat());
    let own: Vec<_> = (0..4).map(|number| format!("{first}{number}")).collect();
    // The text and the value at the sender, and in the other folder, with its mode.
    let files = [
        ("all", "new", &first, "new", &first, 0o644),
        ("value", "new", &first, "new", &second, 0o644),
        ("content", "newer", &first, "new", &first, 0o644),
        ("content of its own", "newer", &own[0], "new", &own[0], 0o644),
        ("all of its own", "new", &own[1], "new", &own[1], 0o644),
        ("mode", "new", &own[2], "new", &own[2], 0o600),
        ("all but the mode", "newer", &own[3], "new", &second, 0o600),
    ];
    let put = |path: &Path, text: &str, value: &str, mode: u32| {
        fs::write(path, text).expect("a file");
        let has_attributes = xattr::set(path, "user.long", value.as_bytes()).is_ok();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        touch(path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        has_attributes
    };
    for (name, text, value, ..) in &files {
        if !put(&stage.source().join(name), text, value, 0o644) {
            skip("the file system of temporary folders has no extended attributes");
            return;
        }
    }
    touch(&stage.source(), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    let mut differences = Vec::new();
    for kept in ["-aXi", "-aX -ii", "-aXin", "-rlXi", "-aXWi", "-aXi --protocol=30"] {
        for option in [
            "--copy-dest=../other",
            "--link-dest=../other",
            "--compare-dest=../other",
        ] {
            let words: Vec<_> = kept
                .split(' ')
                .chain([option, "{url}/data/src/", "dst"])
                .collect();
            let result = stage.compare(&words, |root| {
                for name in ["other", "dst"] {
                    fs::create_dir(root.join(name)).expect("a folder");
                }
                for (name, _, _, text, value, mode) in &files {
                    put(&root.join("other").join(name), text, value, *mode);
                }
            });
            differences.extend(result.err());
        }
    }
    assert_none(&differences);
}

#[test]
fn acls_and_attributes_are_pushed_the_same() {
    if !has_rsync() {
        return;
    }
    let mut differences = Vec::new();
    for seed in 1..=number("RSYNCCTL_TREES").unwrap_or(60) {
        let stage = Stage::new();
        let mut random = Random::new(seed);
        plant(&stage.source(), &mut random, None, false);
        if !adorn(&stage.source(), &mut random) {
            skip("the file system of temporary folders has no extended attributes");
            return;
        }
        let kept = random.pick(&[
            "-aAXi", "-aXi", "-aAi", "-rptXi", "-rAi", "-aAXin", "-aAXic", "-aAXiI", "-aAXHi", "-dAXi",
            "-aAXLi",
        ]);
        let mut words = vec![
            kept,
            random.pick(&["--protocol=30", "--protocol=31", "--protocol=32"]),
        ];
        let others = [
            "--no-inc-recursive",
            "--numeric-ids",
            "--chmod=g-w,o=",
            "--chmod=g=rwx",
            "--delete",
            "-z",
        ];
        words.extend(random.chance(60).then(|| random.pick(&others)));
        words.extend([random.pick(&["src/", "src"]), "{url}/drop"]);
        let result = stage.compare_push(
            &words,
            |root| {
                let mut random = Random::new(seed);
                fs::create_dir(root.join("src")).expect("a folder");
                plant(&root.join("src"), &mut random, None, false);
                adorn(&root.join("src"), &mut random);
                if kept.contains('H') {
                    link(&root.join("src"), &mut random);
                }
            },
            |target| {
                let mut random = Random::new(seed + 1000);
                if random.chance(70) {
                    plant(target, &mut random, Some(&stage.source()), false);
                    if kept.contains('X') && kept.contains('A') {
                        adorn(target, &mut random);
                    }
                }
            },
        );
        differences.extend(result.err().map(|text| format!("seed {seed}: {text}")));
    }
    assert_none(&differences);
}

/// Values that the system sets on a link, and long ones that several files share, are sent once.
#[test]
fn long_values_that_files_share_are_sent_once() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let value = [b'v'; 3000];
    let plant = |root: &Path| {
        for name in ["src/d/one", "src/d/two", "src/e/three"] {
            let path = root.join(name);
            fs::create_dir_all(path.parent().expect("a parent")).expect("folders");
            fs::write(&path, name).expect("a file");
            let _ = xattr::set(&path, "user.long", &value);
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
        for name in ["src/d", "src/e", "src"] {
            let path = root.join(name);
            let _ = xattr::set(&path, "user.long", &value);
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        }
    };
    plant(stage.folder.path());
    if xattr::get(stage.folder.path().join("src"), "user.long")
        .expect("an answer")
        .is_none()
    {
        skip("the file system of temporary folders has no extended attributes");
        return;
    }
    for protocol in ["--protocol=30", "--protocol=31", "--protocol=32"] {
        for other in ["-i", "--no-inc-recursive"] {
            let words = ["-aX", "--stats", protocol, other, "src/", "{url}/drop"];
            if let Err(difference) = stage.compare_push(&words, plant, |_| {}) {
                panic!("{difference}");
            }
            for name in ["d/one", "e/three", "e"] {
                let found = xattr::get(stage.target().join(name), "user.long").expect("an answer");
                assert!(found.as_deref() == Some(&value[..]), "{name}");
            }
        }
    }
}

/// rsync's receiver looks for folders that could not be made, if attributes are to be set there.
#[test]
fn a_folder_that_could_not_be_made_is_missed_by_its_attributes() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir_all(stage.source().join("x/a/b")).expect("folders");
    fs::write(stage.source().join("x/f"), "text").expect("a file");
    fs::create_dir(stage.source().join("x/plain")).expect("a folder");
    fs::create_dir(stage.source().join("x/short")).expect("a folder");
    for (name, length) in [("x/a", 40), ("x/a/b", 40), ("x/f", 40), ("x/short", 3)] {
        if xattr::set(stage.source().join(name), "user.value", &vec![b'x'; length]).is_err() {
            skip("values without a place: the file system has no extended attributes");
            return;
        }
    }
    let in_the_way = |root: &Path| {
        fs::create_dir(root.join("dst")).expect("a folder");
        fs::write(root.join("dst/x"), "a file").expect("a file");
        touch(&root.join("dst"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    for options in ["-rpXi", "-rlptX", "-rpX --no-inc-recursive", "-rp"] {
        // The lines of two processes are sorted with `-H`.
        let line = format!("{options} -H --ignore-existing {{url}}/data/src/ dst");
        let words: Vec<_> = line.split(' ').collect();
        if let Err(difference) = stage.compare(&words, in_the_way) {
            panic!("{difference}");
        }
    }
}

/// rsync's own attributes go with a second `-X` only, and those of the destination are removed as any others.
#[test]
fn private_attributes_are_kept_when_asked_twice() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let adorned = |folder: &Path, name: &str| {
        fs::create_dir_all(folder).expect("folders");
        fs::write(folder.join("f"), "text").expect("a file");
        let is_set = xattr::set(folder.join("f"), name, b"100644 0,0 0:0").is_ok();
        let _ = xattr::set(folder.join("f"), "user.rsync.plain", b"plain");
        touch(&folder.join("f"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        touch(folder, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        is_set
    };
    if !adorned(&stage.source(), "user.rsync.%stat") {
        skip("private attributes: the file system has none");
        return;
    }
    for options in [
        "-aXi",
        "-aXXi",
        "-aiX --xattrs",
        "-aiXX --no-X -X",
        "-aiXX --no-X",
    ] {
        for way in ["{url}/data/src/ dst", "src/ {url}/drop", "{url}/data/src/ new"] {
            let line = format!("{options} --debug=cmd {way}");
            let words: Vec<_> = line.split(' ').collect();
            let plant = |root: &Path| {
                adorned(root, "user.rsync.%other");
            };
            let prepare = |root: &Path| {
                plant(&root.join("dst"));
                adorned(&root.join("src"), "user.rsync.%stat");
            };
            if let Err(difference) = stage.compare_push(&words, prepare, plant) {
                panic!("{difference}");
            }
        }
    }
}

/// Where a file system has no ACLs, each call that failed is named once.
#[test]
fn acls_that_cannot_be_set_are_told() {
    if let Some(reason) = Need::Root.unmet().or_else(|| Need::Mount.unmet()) {
        return skip(reason);
    }
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for (name, is_folder, words) in [("file", false, "u:1:r"), ("folder", true, "d:u:1:rx")] {
        let place = stage.source().join(name);
        match is_folder {
            true => fs::create_dir(&place).expect("a folder"),
            false => fs::write(&place, "text").expect("a file"),
        }
        let status = Command::new("setfacl").args(["-m", words]).arg(&place).status();
        assert!(status.expect("setfacl runs").success());
    }
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    let said = |ours: bool| {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = |program: &str, words: &[&str]| {
            let status = Command::new(program).args(words).arg(folder.path()).status();
            assert!(status.expect("it runs").success(), "{program}");
        };
        mount("mount", &["-t", "ramfs", "none"]);
        let runs = [&["-aA"][..], &["-aA", "--size-only"]].map(|options| {
            let mut command = client(folder.path(), ours);
            command.args(options).args([&url, "there/"]);
            let output = command.output().expect("the client runs");
            let told = told(&output, "nowhere");
            // The name of a temporary file ends with six letters.
            let masked = told.lines().map(|line| match line.split_once(".file.") {
                Some((before, behind)) => format!("{before}.file{}", &behind[6..]),
                None => line.to_owned(),
            });
            let mut lines: Vec<_> = masked.collect();
            lines.sort();
            lines
        });
        mount("umount", &["-l"]);
        runs
    };
    let expected = said(false);
    assert!(expected[0].concat().contains("ACL_TYPE_DEFAULT"), "{expected:?}");
    assert_eq!(said(true), expected);
}
