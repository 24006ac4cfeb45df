//! Much of everything: many files, a file longer than 32 bits can count, long names, deep trees.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{FileExt as _, MetadataExt as _},
    },
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use nix::{
    fcntl::{AT_FDCWD, OFlag, openat},
    sys::stat::{Mode, mkdirat},
};

use super::{Stage, told, touch};
use crate::support::{daemon::has_rsync, program::program};

/// What the client says, which must end well.
fn sync(folder: &Path, words: &[&str]) -> String {
    let output = program(folder, &[&["sync"], words].concat())
        .output()
        .expect("the client runs");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && error.is_empty(), "{words:?}: {error}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What the real one still finds to do between two folders, contents compared.
fn differences(from: &Path, to: &Path) -> String {
    let [from, to] = [from, to].map(|path| path.join("."));
    let mut command = Command::new("rsync");
    let output = command.args(["-acin", "--delete"]).arg(from).arg(to).output();
    let output = output.expect("rsync runs");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn fifty_thousand_files_come_and_go() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let source = stage.source();
    for folder in 0..50 {
        let folder = source.join(format!("folder {}/{folder}", folder % 7));
        fs::create_dir_all(&folder).expect("folders");
        for number in 0..1000 {
            // Each tenth has a byte or more.
            let content = if number % 10 == 0 { "content" } else { "" };
            let content = &content[..number % 8 % (content.len() + 1)];
            fs::write(folder.join(format!("file {number}")), content).expect("a file");
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(stage.target()).expect("a folder");
    let url = |module: &str| format!("rsync://127.0.0.1:{}/{module}/", stage.daemon.port());
    let (pull, push) = (url("data/src"), url("drop"));
    sync(folder.path(), &["-a", &pull, "dst"]);
    let pulled = folder.path().join("dst");
    assert_eq!(differences(&source, &pulled), "");
    sync(folder.path(), &["-a", "--no-inc-recursive", "dst/", &push]);
    assert_eq!(differences(&source, &stage.target()), "");
    // Nothing is left to do, and nothing is done.
    let before = fs::metadata(&pulled).expect("the folder").ctime_nsec();
    assert_eq!(
        sync(folder.path(), &["-ai", "--no-inc-recursive", &pull, "dst"]),
        ""
    );
    assert_eq!(fs::metadata(&pulled).expect("the folder").ctime_nsec(), before);
    assert_eq!(sync(folder.path(), &["-ai", "dst/", &push]), "");
}

#[test]
fn a_file_above_four_gibibytes_keeps_its_holes() {
    if !has_rsync() {
        return;
    }
    const PLACES: [(u64, &[u8]); 3] = [
        (0, b"start"),
        ((1 << 32) - 3, b"across"),
        ((1 << 32) + 99_999, b"beyond"),
    ];
    const LENGTH: u64 = (1 << 32) + (1 << 20);
    let stage = Stage::new();
    let path = stage.source().join("image");
    let file = File::create(&path).expect("a file");
    for (offset, content) in PLACES {
        file.write_all_at(content, offset).expect("room for it");
    }
    file.set_len(LENGTH).expect("room for it");
    touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    let check = |path: &Path| {
        let mut file = File::open(path).expect("the file");
        let status = file.metadata().expect("the file");
        assert_eq!((status.len(), status.mtime()), (LENGTH, 1_000_000_000));
        assert!(
            status.blocks() < 1000,
            "{} blocks of 512 bytes are written",
            status.blocks()
        );
        for (offset, content) in PLACES {
            let mut there = vec![0; content.len()];
            file.read_exact_at(&mut there, offset).expect("content");
            assert_eq!(there, content, "at {offset}");
        }
        // Nothing else is there.
        let mut rest = Vec::new();
        file.seek(SeekFrom::Start(PLACES[2].0 + 6)).expect("it is longer");
        file.read_to_end(&mut rest).expect("the rest");
        assert!(rest.iter().all(|byte| *byte == 0));
    };
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(stage.target()).expect("a folder");
    let url = |module: &str| format!("rsync://127.0.0.1:{}/{module}/", stage.daemon.port());
    // Compressed, for the sake of time.
    sync(
        folder.path(),
        &["-aS", "--compress-choice=lz4", &url("data/src"), "dst"],
    );
    check(&folder.path().join("dst/image"));
    sync(
        folder.path(),
        &["-aS", "--compress-choice=lz4", "dst/", &url("drop")],
    );
    check(&stage.target().join("image"));
    // What is said of it in a second session.
    let said = sync(folder.path(), &["-aS", "--stats", &url("data/src"), "dst"]);
    assert!(said.contains("Total file size: 4,296,015,872 bytes\n"), "{said}");
    assert!(said.contains("Total transferred file size: 0 bytes\n"), "{said}");
}

/// Every byte that a name can have, in names, links' targets and folders.
fn odd_names(root: &Path) {
    let all: Vec<u8> = (1..=255).filter(|byte| *byte != b'/').collect();
    let mut names: Vec<Vec<u8>> = all.iter().map(|byte| vec![*byte]).collect();
    names.retain(|name| name != b".");
    names.extend(all.chunks(100).map(<[u8]>::to_vec));
    names.extend([
        vec![b'n'; 255],
        [&b"."[..], &[b'n'; 254]].concat(),
        b"...".to_vec(),
        b"..x".to_vec(),
        b"--delete".to_vec(),
        b"a b ".to_vec(),
        b"host::module".to_vec(),
        b"rsync:".to_vec(),
        b"\\#012".to_vec(),
        b"\r\n".to_vec(),
        b"\xff\xfe\xef\xbb\xbf".to_vec(),
        "ｅ\u{301}\u{202e}🦀".as_bytes().to_vec(),
    ]);
    let place = |folder: &str, name: &[u8]| root.join(folder).join(OsStr::from_bytes(name));
    for folder in ["files", "links", "folders"] {
        fs::create_dir_all(root.join(folder)).expect("folders");
    }
    for name in &names {
        let path = place("files", name);
        fs::write(&path, name).expect("a file");
        touch(&path, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
        std::os::unix::fs::symlink(OsStr::from_bytes(name), place("links", name)).expect("a link");
        fs::create_dir_all(place("folders", name).join("below")).expect("folders");
    }
}

#[test]
fn every_byte_of_a_name_comes_through() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    odd_names(&stage.source());
    for words in [
        &["-rlpi", "--protocol=29"][..],
        &["-rlpi", "-8"],
        &["-rlpi", "-s", "--delete", "--no-i-r"],
    ] {
        let pull = [words, &["{url}/data/src/", "dst"]].concat();
        let plant = |root: &Path| {
            fs::create_dir_all(root.join("dst/files")).expect("folders");
            fs::write(root.join("dst/files/\u{1}"), "old").expect("a file");
            fs::write(root.join("dst/\u{7f}\n"), "old").expect("a file");
        };
        stage
            .compare(&pull, plant)
            .unwrap_or_else(|difference| panic!("{difference}"));
        let push = [words, &["src/", "{url}/drop/"]].concat();
        let source = |root: &Path| odd_names(&root.join("src"));
        stage
            .compare_push(&push, source, |_| {})
            .unwrap_or_else(|difference| panic!("{difference}"));
    }
}

fn base() -> String {
    ["long-name-", &"x".repeat(90)].concat()
}

/// Folders in each other, whose path is longer than the system takes at once, and files on the way and at the end.
fn deep(root: &Path, levels: usize) {
    let base = base();
    let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut folder = openat(AT_FDCWD, root, flags, Mode::empty()).expect("the folder");
    for level in 0..levels {
        mkdirat(&folder, &*base, Mode::S_IRWXU).expect("a folder");
        folder = openat(&folder, &*base, flags, Mode::empty()).expect("the folder");
        let made = OFlag::O_CREAT | OFlag::O_WRONLY | OFlag::O_CLOEXEC;
        let file = openat(&folder, "file", made, Mode::S_IRUSR | Mode::S_IWUSR).expect("a file");
        File::from(file)
            .write_all(&[b'0' + (level % 10) as u8])
            .expect("room");
    }
}

/// How many of them there are.
fn depth(root: &Path) -> (usize, usize) {
    let flags = OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    let mut folder = openat(AT_FDCWD, root, flags, Mode::empty()).expect("the folder");
    let (mut levels, mut files) = (0, 0);
    while let Ok(below) = openat(&folder, &*base(), flags, Mode::empty()) {
        levels += 1;
        files += usize::from(openat(&below, "file", OFlag::O_RDONLY, Mode::empty()).is_ok());
        folder = below;
    }
    (levels, files)
}

#[test]
fn a_tree_is_as_deep_afterwards() {
    if !has_rsync() {
        return;
    }
    // Just short of what the system takes at once, and longer than that.
    for levels in [37, 60] {
        for words in [
            &["-r"][..],
            &["-r", "--no-inc-recursive"],
            &["-r", "--protocol=29"],
            &["-r", "--delete-before"],
        ] {
            for is_pull in [true, false] {
                let [theirs, ours] = [false, true].map(|ours| run_deep(levels, words, is_pull, ours));
                assert_eq!(ours, theirs, "{levels} {words:?} {is_pull}");
                if levels == 37 {
                    assert_eq!(ours.1, (levels, levels), "{}", ours.0);
                }
            }
        }
    }
}

fn run_deep(levels: usize, words: &[&str], is_pull: bool, ours: bool) -> (String, (usize, usize)) {
    let stage = Stage::new();
    let folder = tempfile::tempdir().expect("a folder");
    for root in [stage.target(), folder.path().join("src")] {
        fs::create_dir(root).expect("a folder");
    }
    let url = format!("rsync://127.0.0.1:{}", stage.daemon.port());
    let (source, target, from, to) = match is_pull {
        true => (
            stage.source(),
            folder.path().join("dst"),
            format!("{url}/data/src/"),
            "dst".to_owned(),
        ),
        false => (
            folder.path().join("src"),
            stage.target(),
            "src/".to_owned(),
            format!("{url}/drop/"),
        ),
    };
    deep(&source, levels);
    let mut command = match ours {
        true => program(folder.path(), &["sync"]),
        false => Command::new("rsync"),
    };
    let command = command.args(words).args([from, to]).current_dir(folder.path());
    let output = command
        .env("LC_ALL", "C.UTF-8")
        .output()
        .expect("the client runs");
    (
        told(&output, &folder.path().display().to_string()),
        depth(&target),
    )
}
