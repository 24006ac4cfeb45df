//! What else of a file is kept only when asked.

use std::{
    fs::{self, File, FileTimes},
    os::unix::fs::MetadataExt as _,
    path::Path,
    time::{Duration, UNIX_EPOCH},
};

use crate::{
    support::{daemon::has_rsync, program::program, skip},
    sync::{Stage, client, some_files, trees::touch},
};

#[test]
fn what_is_kept_only_when_asked_is_kept_as_rsync_does() {
    if !has_rsync() {
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    let stage = Stage::new();
    some_files(&stage.source());
    let mode =
        |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
    mode(&stage.source().join("f1"), 0o755);
    touch(
        &stage.source().join("f1"),
        UNIX_EPOCH + Duration::from_secs(1_000_000_000),
    );
    let old = |root: &Path| {
        fs::create_dir(root.join("dst")).expect("a folder");
        for (name, bits) in [("f1", 0o640), ("f2", 0o751)] {
            let path = root.join("dst").join(name);
            fs::write(&path, "old").expect("a file");
            mode(&path, bits);
            touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_009));
        }
    };
    let lines = [
        "-riE",
        "-rtiE",
        "-rliJt",
        "-rliJ",
        "-aiJ",
        "-aiE",
        "-rliEI",
        "-ai --protocol=29 -A",
        "-ai --protocol=29 -X",
    ];
    let differences: Vec<_> = lines
        .iter()
        .filter_map(|line| {
            let mut words: Vec<_> = line.split(' ').collect();
            words.extend(["{url}/data/src/", "dst"]);
            stage.compare(&words, old).err()
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn what_is_read_keeps_its_access_time_when_asked() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    fs::create_dir(stage.target()).expect("a folder");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    let url = format!("rsync://127.0.0.1:{}/drop/", stage.daemon.port());
    let read = |words: &[&str]| {
        fs::write(&path, "text").expect("a file");
        let times = FileTimes::new()
            .set_accessed(UNIX_EPOCH + Duration::from_secs(900_000_000))
            .set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        let file = File::options().append(true).open(&path).expect("a file");
        file.set_times(times).expect("times");
        let output = client(folder.path(), true)
            .args(words)
            .args(["-I", "f", &url])
            .output();
        assert!(output.expect("the client runs").status.success(), "{words:?}");
        path.metadata().expect("the file").atime()
    };
    for words in [
        &["-rt", "--open-noatime"][..],
        &["-rtUU"],
        &["-rtc", "--open-noatime"],
    ] {
        assert_eq!(read(words), 900_000_000, "{words:?}");
    }
    assert_eq!(
        stage.target().join("f").metadata().expect("the file").atime(),
        900_000_000
    );
    if read(&["-rt"]) == 900_000_000 {
        skip("the file system of temporary folders keeps no access times");
    }
}

#[test]
fn root_acts_as_anybody_when_asked() {
    if !has_rsync() {
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        skip("only root gives files away");
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    for (name, user, group) in [("f1", 1, 1), ("f2", 2, 0), ("sub", 3, 3)] {
        let path = stage.source().join(name);
        std::os::unix::fs::chown(path, Some(user), Some(group)).expect("root may");
    }
    let _ = xattr::set(stage.source().join("f1"), "trusted.t", b"value");
    let _ = xattr::set(stage.source().join("f1"), "user.u", b"value");
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    let device = stage.source().join("device");
    if mknod(
        &device,
        SFlag::S_IFCHR,
        Mode::from_bits_truncate(0o600),
        makedev(1, 3),
    )
    .is_err()
    {
        skip("devices cannot be made here");
    }
    for line in [
        "-aiX --no-super",
        "-aiX --super",
        "-aiX --super --no-super --numeric-ids",
        "-ai --no-super --protocol=29",
    ] {
        let mut words: Vec<_> = line.split(' ').collect();
        words.extend(["{url}/data/src/", "dst"]);
        if let Err(difference) = stage.compare(&words, |_| {}) {
            panic!("{difference}");
        }
    }
}

#[test]
fn a_device_is_sent_as_a_file_when_asked() {
    if !has_rsync() {
        return;
    }
    use nix::sys::stat::{Mode, SFlag, makedev, mknod};
    let stage = Stage::new();
    let null = |root: &Path| {
        let path = root.join("null");
        mknod(
            &path,
            SFlag::S_IFCHR,
            Mode::from_bits_truncate(0o600),
            makedev(1, 3),
        )
    };
    if null(stage.folder.path()).is_err() {
        skip("devices cannot be made here");
        return;
    }
    let source = |root: &Path| {
        fs::create_dir(root.join("src")).expect("a folder");
        some_files(&root.join("src"));
        null(&root.join("src")).expect("it was made before");
        touch(&root.join("src"), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    };
    for line in ["-ai", "-aic --protocol=29", "-rti --no-D", "-ain"] {
        let mut words: Vec<_> = line.split(' ').collect();
        words.extend(["--copy-devices", "src/", "{url}/drop"]);
        if let Err(difference) = stage.compare_push(&words, source, |_| {}) {
            panic!("{difference}");
        }
    }
    // A daemon refuses it, unless its configuration says otherwise.
    if let Err(difference) = stage.compare(&["-ai", "--copy-devices", "{url}/data/src/", "dst"], |_| {}) {
        panic!("{difference}");
    }
}

#[test]
fn a_time_to_stop_at_must_be_one() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    some_files(&stage.source());
    for word in [
        "--stop-after=0",
        "--stop-after=x",
        "--time-limit=-1",
        "--time-limit=1000",
        "--stop-at=x",
        "--stop-at=T",
        "--stop-at=25:00",
        "--stop-at=2001-1-1",
        "--stop-at=2001-1-1T12:30",
        "--stop-at=2101/1/1",
        "--stop-at=2-29t0:00",
    ] {
        let words = ["-ai", word, "{url}/data/src/", "dst"];
        if let Err(difference) = stage.compare(&words, |_| {}) {
            panic!("{difference}");
        }
    }
}

#[test]
fn holes_and_access_times_are_kept() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let mut content = vec![0; 3_000_000];
    content[1_000_000] = 1;
    content[1_500_000..1_500_100].fill(7);
    let path = stage.source().join("sparse");
    fs::write(&path, &content).expect("a file");
    let ends = [vec![1], vec![0; 100_000]].concat();
    fs::write(stage.source().join("ends"), &ends).expect("a file");
    let (access, modification) = (
        UNIX_EPOCH + Duration::from_secs(900_000_000),
        UNIX_EPOCH + Duration::from_secs(1_000_000_000),
    );
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for options in ["-rtSU", "-rtSUz"] {
        let times = FileTimes::new().set_accessed(access).set_modified(modification);
        File::options()
            .append(true)
            .open(&path)
            .expect("a file")
            .set_times(times)
            .expect("times");
        let folder = tempfile::tempdir().expect("a folder");
        let output = program(folder.path(), &["sync", options, &url, "dst"])
            .output()
            .expect("the program runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let found = folder.path().join("dst/sparse").metadata().expect("the file");
        assert_eq!((found.atime(), found.mtime()), (900_000_000, 1_000_000_000));
        assert!(found.blocks() * 512 < 200_000, "{} blocks", found.blocks());
        assert!(fs::read(folder.path().join("dst/sparse")).expect("the file") == content);
        assert!(fs::read(folder.path().join("dst/ends")).expect("the file") == ends);
    }
}
