//! What a server may not read is seen where nothing is pulled. The real rsync, which pulls, is the referee.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::support::{
    daemon::{Daemon, Run, has_rsync, rsync},
    program::{folder, rsyncctl, stdout},
    stage::is_root,
};

/// No small part of them is to come.
const BIG: usize = 3 << 20;

/// Options that change what a server is told, what it is asked for or what comes back.
const OPTIONS: [&str; 28] = [
    "-a",
    "-ac",
    "-az",
    "-aH",
    "-aX",
    "-aS --whole-file",
    "-a --partial-dir=.p --delay-updates",
    "-a --inplace",
    "-a --append",
    "-a --append-verify",
    "-a --delete",
    "-a --delete-before",
    "-a --remove-source-files",
    "-a -M--remove-source-files",
    "-a --no-inc-recursive",
    "-az --compress-choice=zlib",
    "-az --compress-choice=zlibx",
    "-a --checksum-choice=md5",
    "-a --block-size=700",
    "-a --fuzzy --prune-empty-dirs",
    "-ab --backup-dir=old",
    "-a --protocol=30",
    "-a --protocol=31",
    "-rts",
    "-aR",
    "-a --ignore-times --sparse",
    "-a --include=*/ --include=a* --include=closed --exclude=*",
    "-a --max-size=1k",
];

/// A tree of some folders with a file that is closed to the server; the configuration that serves it as `m`.
fn staged(root: &Path, more: &str) -> PathBuf {
    let served = root.join("served");
    for number in 0..12 {
        let folder = served.join(format!("folder {number}/below"));
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("a"), format!("text {number}")).expect("a file");
        fs::write(folder.join("empty"), "").expect("a file");
    }
    fs::hard_link(served.join("folder 1/below/a"), served.join("a linked")).expect("a link");
    // Nothing of it can be compressed: each number follows from the one before.
    let mut number = 1_u32;
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (number >> 24) as u8
    })
    .take(BIG)
    .collect();
    fs::write(served.join("a big one"), bytes).expect("a file");
    let closed = served.join("folder 3/closed");
    fs::write(&closed, "nobody reads it").expect("a file");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o0)).expect("a mode");
    fs::set_permissions(root, fs::Permissions::from_mode(0o755)).expect("a mode");
    let configuration = root.join("rsyncd.conf");
    // Root may read all.
    let user = if is_root() {
        "uid = nobody\ngid = nogroup\n"
    } else {
        ""
    };
    let text = format!(
        "use chroot = no\nread only = no\n{user}{more}[m]\npath = {}\n",
        served.display()
    );
    fs::write(&configuration, text).expect("a file");
    configuration
}

#[test]
fn a_server_opens_what_it_may_not_read_and_sends_nothing() {
    if !has_rsync() {
        return;
    }
    let root = folder(&[("here/a big one", "it was smaller\n"), ("here/stays", "ours\n")]);
    let configuration = staged(root.path(), "");
    let closed = root.path().join("served/folder 3/closed");
    let here = root.path().join("here");
    for options in OPTIONS {
        let daemon = Daemon::start(&configuration, &Run::default());
        let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
        let line = format!("rsync {options} {target} ./");
        let line = line.replace('*', "\\*");
        let output = rsyncctl(&here, &["probe", "--reproduce", &line]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(23), "{line}: {text}");
        assert!(
            text.contains("opening fails, code 23: the daemon may not read `folder 3/closed`"),
            "{line}: {text}"
        );
        let names = fs::read_dir(&here).expect("a folder").count();
        assert_eq!(names, 2, "{line} changed something here");
        assert!(
            closed.exists() && root.path().join("served/a linked").exists(),
            "{line}"
        );
        // The daemon has ended with all of its clients then.
        let log = configuration.with_extension("log");
        drop(daemon);
        let log = fs::read_to_string(log).expect("a log");
        let sent: Vec<u64> = log
            .lines()
            .filter_map(|line| line.split_once(" sent ")?.1.split(' ').next()?.parse().ok())
            .collect();
        assert!(
            sent.len() == 2 && sent.iter().all(|&sent| sent < 20_000),
            "{line}: {log}"
        );
        // It is what the transfer ends with.
        let daemon = Daemon::start(&configuration, &Run::default());
        let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
        let options = options
            .replace("-M--remove", "--remove")
            .replace("--remove-source-files", "");
        let mut words: Vec<_> = options.split_whitespace().map(str::to_owned).collect();
        let there = tempfile::tempdir().expect("a folder");
        words.extend([target, there.path().display().to_string()]);
        assert_eq!(rsync(&words, None).status.code(), Some(23), "{words:?}");
    }
}

#[test]
fn where_all_can_be_read_the_server_has_opened_all() {
    if !has_rsync() {
        return;
    }
    let root = folder(&[("here/stays", "ours\n")]);
    let configuration = staged(root.path(), "");
    let here = root.path().join("here");
    for options in OPTIONS {
        let daemon = Daemon::start(&configuration, &Run::default());
        let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
        let line = format!("rsync --exclude=closed {options} {target} ./").replace('*', "\\*");
        let output = rsyncctl(&here, &["probe", "--json", "--reproduce", &line]);
        assert_eq!(output.status.code(), Some(0), "{line}: {}", stdout(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let stages = report["stages"].as_array().expect("stages");
        let fact = |step: &str, name: &str| {
            let stage = stages.iter().find(|stage| stage["stage"] == step);
            let facts = stage.expect("the stage")["facts"].as_array().expect("facts");
            facts.iter().find_map(|fact| fact[name].as_u64())
        };
        let (would, opened) = (fact("dry-run", "would_write"), fact("opening", "opened"));
        assert!(would > Some(10) && would == opened, "{line}: {report:#}");
    }
}

#[test]
fn where_the_server_cannot_be_asked_that_is_told() {
    if !has_rsync() {
        return;
    }
    for (more, options, exit, told) in [
        (
            "",
            "-a --protocol=29",
            0,
            "so old a server would read all the files for it",
        ),
        (
            "refuse options = append\n",
            "-a",
            0,
            "the daemon refuses an option that this needs",
        ),
        // The user asks for a dry run, and rsync's passes.
        ("", "-an", 0, ""),
        ("max connections = 1\n", "-a", 23, "opening fails"),
    ] {
        let root = folder(&[("here/stays", "ours\n")]);
        let configuration = staged(root.path(), more);
        let daemon = Daemon::start(&configuration, &Run::default());
        let target = format!("rsync://127.0.0.1:{}/m/", daemon.port());
        let line = format!("rsync {options} {target} ./");
        let output = rsyncctl(root.path().join("here"), &["probe", "--reproduce", &line]);
        let text = stdout(&output);
        assert_eq!(output.status.code(), Some(exit), "{line}: {text}");
        match told {
            "" => assert!(!text.contains("opening"), "{line}: {text}"),
            told => assert!(text.contains(told), "{line}: {text}"),
        }
    }
}
