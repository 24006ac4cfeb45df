//! What a pull finds at its destination: folders that are there, files that cannot be read, or that change meanwhile.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use nix::unistd::User;

use super::{
    Stage, client, described,
    peer::{Step, data, met},
    told, touch,
};
use crate::{
    differential::generator::Random,
    support::{daemon::has_rsync, mishap::Need, program::unprivileged, skip},
};

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn random_bytes(count: usize) -> Vec<u8> {
    let mut random = Random::new(23);
    (0..count).map(|_| random.below(255) as u8 + 1).collect()
}

/// What ours opens for its owner as long as it works there, it closes again; what was there keeps its permissions.
#[test]
fn folders_that_are_there_keep_their_permissions() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    for (name, permissions) in [
        ("there", 0o555),
        ("there/in", 0o500),
        ("new", 0o555),
        ("new/in", 0o111),
    ] {
        let folder = stage.source().join(name);
        fs::create_dir_all(&folder).expect("folders");
        fs::write(folder.join("f"), name).expect("a file");
        mode(&folder, permissions);
    }
    let prepare = |root: &Path| {
        fs::create_dir_all(root.join("dst/there/in")).expect("folders");
        mode(&root.join("dst"), 0o2755);
        mode(&root.join("dst/there/in"), 0o1700);
        mode(&root.join("dst/there"), 0o755);
    };
    for options in [
        "-rt",
        "-r",
        "-rO",
        "-rtE",
        "-rt --no-inc-recursive",
        "-a",
        "-rtn",
        "-rt --chmod=Du-w",
    ] {
        let words = [options, "{url}/data/src/", "dst"].join(" ");
        let words: Vec<_> = words.split(' ').collect();
        if let Err(difference) = stage.compare(&words, prepare) {
            panic!("{difference}");
        }
    }
}

/// A file that its owner may not read is replaced as if nothing were there.
#[test]
fn files_that_cannot_be_read_are_replaced() {
    if !has_rsync() {
        return;
    }
    if let Some(reason) = Need::Root.unmet() {
        skip(&format!("files of another user: {reason}"));
        return;
    }
    let nobody = User::from_name("nobody").expect("users").expect("nobody");
    let stage = Stage::run_by(nobody.uid.as_raw());
    let content = random_bytes(20_000);
    fs::create_dir_all(stage.source()).expect("a folder");
    fs::write(stage.source().join("a"), &content).expect("a file");
    fs::hard_link(stage.source().join("a"), stage.source().join("b")).expect("a link");
    touch(&stage.source(), UNIX_EPOCH + Duration::from_secs(1_000_000_000));
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for options in [
        "-rti",
        "-rti -c",
        "-rti --inplace",
        "-rti --inplace -b",
        "-rti --inplace -W",
        "-rti -b",
        "-rti -z",
        "-rpti",
        "-rti --append-verify",
        "-rti --partial-dir=parts",
        "-rti --fuzzy",
        "-rti --copy-dest=../other",
        "-rtiH",
        "-rtin",
    ] {
        let words: Vec<_> = options.split(' ').chain([&*url, "dst"]).collect();
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            let (dst, other) = (folder.path().join("dst"), folder.path().join("other"));
            let parts = dst.join("parts");
            for folder in [&parts, &other] {
                fs::create_dir_all(folder).expect("folders");
            }
            for (path, bytes) in [
                (dst.join("a"), vec![0; 20_000]),
                (other.join("b"), vec![1; 20_000]),
                (parts.join("b"), vec![2; 10_000]),
            ] {
                // Only one that is shorter is appended to.
                let length = if options.contains("append") {
                    5000
                } else {
                    bytes.len()
                };
                fs::write(&path, &bytes[..length]).expect("a file");
                touch(&path, UNIX_EPOCH + Duration::from_secs(900_000_000));
                mode(&path, 0);
                chown(&path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
            }
            touch(&dst, UNIX_EPOCH + Duration::from_secs(1_000_000_000));
            for path in [folder.path(), &dst, &other, &parts] {
                chown(path, Some(nobody.uid.as_raw()), Some(nobody.gid.as_raw())).expect("an owner");
            }
            let output = if ours {
                unprivileged(&folder, &[&["sync"], &words[..]].concat())
            } else {
                mode(folder.path(), 0o755);
                let mut command = Command::new("rsync");
                let command = command.args(&words).current_dir(folder.path());
                let command = command.env("LC_ALL", "C.UTF-8");
                let command = command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
                command.output().expect("it runs")
            };
            let said = told(&output, &folder.path().display().to_string());
            let mut lines: Vec<_> = said.lines().collect();
            lines.sort_unstable();
            format!("{}\n{}", lines.join("\n"), described(folder.path()))
        });
        assert_eq!(ours, theirs, "{options}");
    }
}

/// A basis that becomes shorter while it is read gives a wrong digest: the file is asked for once more.
#[test]
fn a_basis_that_becomes_shorter_is_no_end() {
    if !has_rsync() {
        return;
    }
    let (setup, end) = (b"\0\x01\0\0\0", b"\0\0\0\0");
    // `f1`, 9 bytes.
    let list = [
        &b"\x18\x02f1\0\x09\0\x3b\0\xca\x9a"[..],
        &0o100_644_u32.to_le_bytes(),
        b"\0",
    ]
    .concat();
    let head: Vec<u8> = [1_i32, 700, 2, 6]
        .iter()
        .flat_map(|number| number.to_le_bytes())
        .collect();
    let literal = [&3_i32.to_le_bytes()[..], b"abc"].concat();
    let block = (-1_i32).to_le_bytes();
    let asked = 4 + 3 + 16;
    for (words, heard, tokens) in [
        ("-rv --append-verify {url}/m/ d", asked, literal.clone()),
        ("-rv {url}/m/ d", asked + 4 + 2, [&block[..], &literal].concat()),
        (
            "-rv --inplace {url}/m/ d",
            asked + 4 + 2,
            [&block[..], &literal].concat(),
        ),
    ] {
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            fs::create_dir(folder.path().join("d")).expect("a folder");
            fs::write(folder.path().join("d/f1"), "before").expect("a file");
            let reply = [b"\x01\0\x80", &*head, &tokens, end, &[0; 16]].concat();
            let steps = vec![
                Step::Say([setup, &*data(&list)].concat()),
                Step::Hear(heard),
                Step::Do(|place| fs::write(place.join("d/f1"), "be").expect("it is there")),
                Step::Say(data(&reply)),
                // It asks once more behind the end of the phase.
                Step::Say(data(b"\0")),
                Step::Hear(1 + 3 + 16),
            ];
            let words: Vec<_> = words.split(' ').collect();
            let output = met(folder.path(), &words, steps, ours);
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            let is_said = |line: &&str| line.starts_with("WARNING: f1 failed verification");
            let line = error.lines().find(is_said).map(str::to_owned);
            assert!(line.is_some(), "{words:?}, ours: {ours}\n{error}");
            (line, output.status.code())
        });
        assert_eq!(ours, theirs, "{words:?}");
    }
}

/// Zeros become holes wherever a piece of a file ends, and also in what stays where it is.
#[test]
fn zeros_become_holes_as_with_rsync() {
    if !has_rsync() {
        return;
    }
    let stage = Stage::new();
    let bytes = random_bytes(1 << 20);
    let mut stripes = Vec::new();
    for piece in bytes.chunks(4096) {
        stripes.extend_from_slice(piece);
        stripes.extend_from_slice(&[0; 12_288]);
    }
    let behind = [&vec![0; 3 << 20][..], &bytes, &vec![0; 5 << 20]].concat();
    let mut odd = vec![0; 1 << 20];
    for at in [1, 5000, 5100, 300_000, 700_001] {
        odd[at] = 7;
    }
    let mut other = stripes.clone();
    other[0] ^= 1;
    let files = [
        ("stripes", &stripes, &other),
        ("behind", &behind, &bytes),
        ("odd", &odd, &bytes),
    ];
    fs::create_dir_all(stage.source()).expect("a folder");
    for (name, content, _) in files {
        fs::write(stage.source().join(name), content).expect("a file");
    }
    let url = format!("rsync://127.0.0.1:{}/data/src/", stage.daemon.port());
    for options in [
        "-rtS",
        "-rtS --inplace",
        "-rtSz",
        "-rtS -W",
        "-rtS --inplace -W",
        "-rtS --inplace -B1500",
        "-rtS --preallocate",
        "-rtS --preallocate --inplace",
        "-rtS --preallocate -W",
    ] {
        let [theirs, ours] = [false, true].map(|ours| {
            let folder = tempfile::tempdir().expect("a folder");
            let dst = folder.path().join("dst");
            fs::create_dir(&dst).expect("a folder");
            for (name, _, before) in files {
                fs::write(dst.join(name), before).expect("a file");
                touch(&dst.join(name), UNIX_EPOCH + Duration::from_secs(900_000_000));
            }
            let mut command = client(folder.path(), ours);
            command.args(options.split(' ')).args([&*url, "dst"]);
            let output = command.output().expect("the client runs");
            assert!(output.status.success(), "{options} {output:?}");
            files.map(|(name, content, _)| {
                let path = dst.join(name);
                assert!(fs::read(&path).expect("the file") == *content, "{options} {name}");
                path.metadata().expect("the file").blocks()
            })
        });
        // The system may hold a little more for one than for the other.
        for (ours, theirs) in ours.into_iter().zip(theirs) {
            assert!(ours <= theirs + 8, "{options}: {ours} blocks, {theirs} by rsync");
        }
    }
}
