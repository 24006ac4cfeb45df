//! The write test, at real daemons.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::Value;

use super::remarks;
use crate::support::{
    daemon::{Daemon, Run, installed},
    program::{keeps_to, rsyncctl, schema},
    skip,
};

const MODULES: &str = "\
use chroot = no\nreverse lookup = no\nread only = no\n\
[open]\npath = $ROOT/open\n\
[written]\npath = $ROOT/written\nwrite only = yes\n\
[read]\npath = $ROOT/read\nread only = yes\n\
[kept]\npath = $ROOT/kept\nrefuse options = delete\n\
[hidden]\npath = $ROOT/hidden\nexclude = rsyncctl-probe-*\n\
[full]\npath = $ROOT/file\n";

/// The folder of a probe that was cut off.
const OLD: &str = "rsyncctl-probe-0123456789abcdef";
/// One that may be at work.
const YOUNG: &str = "rsyncctl-probe-fedcba9876543210";
/// One of somebody else's.
const OTHER: &str = "rsyncctl-probe-results";

fn stages(report: &Value) -> BTreeMap<&str, &Value> {
    let stages = report["stages"].as_array().expect("stages");
    let named = stages
        .iter()
        .map(|stage| (stage["stage"].as_str().expect("a name"), stage));
    named.collect()
}

/// How the four stages end, a letter each: passed, failed, skipped, not reached.
fn states(report: &Value) -> String {
    let stages = stages(report);
    let state = |name: &str| stages[name]["state"].as_str().expect("a state");
    let all = ["push", "push-delta", "read-back", "removal"];
    all.iter().map(|name| &state(name)[..1]).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back_and_deleted() {
    let installed = match installed() {
        Ok(release) => release.to_string(),
        Err(reason) => {
            skip(reason);
            return;
        }
    };
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path();
    for module in ["open", "open/sub", "written", "read", "kept", "hidden"] {
        fs::create_dir(root.join(module)).expect("a folder");
        fs::write(root.join(module).join("small"), "small\n").expect("a file");
    }
    fs::write(root.join("file"), "no folder\n").expect("a file");
    let long_ago = SystemTime::now() - Duration::from_secs(100_000);
    for (name, modified) in [(OLD, long_ago), (OTHER, long_ago), (YOUNG, SystemTime::now())] {
        for folder in [root.join("open"), root.join("open/sub")] {
            fs::create_dir(folder.join(name)).expect("a folder");
            fs::write(folder.join(name).join("probe"), "left\n").expect("a file");
            let opened = fs::File::open(folder.join(name)).expect("a folder");
            opened.set_modified(modified).expect("a time");
        }
    }
    let configuration = root.join("rsyncd.conf");
    let (user, group) = (nix::unistd::geteuid(), nix::unistd::getegid());
    let text = MODULES.replace("$ROOT", &root.display().to_string());
    fs::write(&configuration, format!("uid = {user}\ngid = {group}\n{text}")).expect("a file");
    let daemon = Daemon::start(&configuration, &Run::default());
    let schema = schema("schemas/rsyncctl-1.schema.json");
    for (module, exit, expected, kept) in [
        ("open/sub", 0, "pppp", &[OTHER, YOUNG, "small"][..]),
        ("open", 0, "pppp", &[OTHER, YOUNG, "small", "sub"]),
        ("written", 0, "ppsp", &["small"]),
        ("read", 1, "fnnn", &["small"]),
        ("kept", 4, "pppf", &["small"]),
        ("hidden", 23, "fnnf", &["small"]),
        ("full", 5, "nnnn", &[]),
    ] {
        let target = format!("rsync://127.0.0.1:{}/{module}", daemon.port());
        let output = rsyncctl(root, &["probe", "--push", "--json", &target]);
        let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        keeps_to(&schema, &report);
        assert_eq!(output.status.code(), Some(exit), "{module}: {report:#}");
        assert_eq!(states(&report), expected, "{module}: {report:#}");
        let stages = stages(&report);
        if expected.starts_with("pp") {
            let saved = &stages["push-delta"]["facts"][1]["matched_bytes"];
            assert!(saved.as_u64() > Some(120_000), "{report:#}");
        }
        let noticed = match module {
            "full" => &[][..],
            _ if expected.starts_with('p') => &["RSY517"],
            _ => &["RSY516"],
        };
        assert_eq!(remarks(&report), noticed, "{report:#}");
        if module == "read" {
            // The server says of itself what it is.
            let told = stages["version"]["facts"].as_array().expect("facts").iter();
            let exact = told.filter(|fact| fact["oldest"] == installed && fact["newest"] == installed);
            assert_eq!(exact.count(), 1, "{report:#}");
        }
        let left = stages["removal"]["facts"].as_array().expect("facts").iter();
        let left: Vec<_> = left.filter_map(|fact| fact["left"].as_str()).collect();
        if module == "full" {
            assert!(left.is_empty(), "{report:#}");
            continue;
        }
        let mut there: Vec<_> = kept.iter().map(|name| (*name).to_owned()).collect();
        there.extend(left.iter().map(|name| (*name).to_owned()));
        there.sort();
        assert_eq!(names(&root.join(module)), there, "{module}: {report:#}");
        assert_eq!(
            left.len(),
            usize::from(matches!(module, "kept" | "hidden")),
            "{report:#}"
        );
    }
}
