//! What the release packs is what the GitHub Action fetches, verifies and runs.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    program::{folder, stderr, stdout},
    skip,
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const TARGETS: [&str; 2] = ["aarch64-unknown-linux-musl", "x86_64-unknown-linux-musl"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).expect("a file of the repository")
}

#[test]
fn versions_and_targets_are_in_step() {
    let action = text("action.yml");
    let version = action.split("\n  version:\n").nth(1).expect("the input");
    let default = version.lines().find(|line| line.trim().starts_with("default:"));
    assert_eq!(default.map(str::trim), Some(&*format!("default: \"{VERSION}\"")));
    for (file, before, after) in [
        (".github/workflows/release.yml", "target: ", ""),
        (".github/action/install.sh", "target=", " ;;"),
    ] {
        let text = text(file);
        let mut named: Vec<_> = text
            .lines()
            .filter_map(|line| line.split_once(before)?.1.strip_suffix(after))
            .filter(|target| target.contains("linux"))
            .collect();
        named.sort_unstable();
        assert_eq!(named, TARGETS, "{file}");
    }
}

#[test]
fn no_input_becomes_part_of_a_script() {
    for file in ["action.yml", ".github/workflows/release.yml"] {
        let text = text(file);
        let mut script = None;
        for line in text.lines() {
            let indent = line.len() - line.trim_start().len();
            if script.is_some_and(|of_script| indent <= of_script && !line.is_empty()) {
                script = None;
            }
            if line.trim_start().trim_start_matches("- ").starts_with("run:") {
                script = Some(indent);
            }
            assert!(script.is_none() || !line.contains("${{"), "{file}: {line}");
        }
    }
}

#[test]
fn the_action_runs_what_the_release_packs() {
    let Some(released) = Released::new() else {
        return;
    };
    let project = folder(&[(
        "a b/rsyncd.conf",
        "[data]\npath = /srv/data\nread only = perhaps\n",
    )]);
    let output = released.install(VERSION);
    assert!(output.status.success(), "{}", stderr(&output));
    let lint = |paths: &str, arguments: &str| {
        let mut command = released.script("lint.sh");
        command
            .env("PATHS", paths)
            .env("ARGUMENTS", arguments)
            .env("SARIF", "out.sarif")
            .env("RSYNCCTL", released.bin().join("rsyncctl"))
            .current_dir(&project);
        command.output().expect("bash runs")
    };
    let output = lint("a b\n\n", "--select\nRSY202\n");
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(
        stdout(&output).starts_with("::error file=a b/rsyncd.conf,line=3"),
        "{}",
        stdout(&output)
    );
    let sarif = fs::read(project.path().join("out.sarif")).expect("the report");
    let sarif: Value = serde_json::from_slice(&sarif).expect("JSON");
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "RSY202");
    // What looks like an option, or like a script, is a path.
    for path in ["--fix", "$(touch hacked)", "`touch hacked`; touch hacked"] {
        let output = lint(path, "");
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(stderr(&output).contains("cannot read `"), "{}", stderr(&output));
    }
    assert!(!project.path().join("hacked").exists());
}

#[test]
fn what_is_not_as_it_was_released_is_not_installed() {
    let Some(released) = Released::new() else {
        return;
    };
    let output = released.install("9.9.9");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("cannot fetch "), "{}", stderr(&output));
    let output = released.install("$(touch hacked)");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("is no version"), "{}", stderr(&output));
    let archive = released.archive();
    let mut bytes = fs::read(&archive).expect("the archive");
    bytes.push(0);
    fs::write(&archive, bytes).expect("the archive");
    let output = released.install(VERSION);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("the checksum of "),
        "{}",
        stderr(&output)
    );
    assert!(!released.bin().exists());
}

/// A folder that looks like the releases of a repository.
struct Released(TempDir);

impl Released {
    /// `None` where a machine lacks what the action needs.
    fn new() -> Option<Self> {
        if Command::new("curl").arg("--version").output().is_err() {
            skip("the action fetches with curl, which is not installed");
            return None;
        }
        let released = Self(tempfile::tempdir().expect("a folder"));
        let mut command = Command::new("bash");
        command
            .arg(root().join(".github/action/package.sh"))
            .arg(env!("CARGO_BIN_EXE_rsyncctl"))
            .arg(target())
            .arg(released.folder());
        let output = command.output().expect("bash runs");
        assert!(output.status.success(), "{}", stderr(&output));
        Some(released)
    }

    fn folder(&self) -> PathBuf {
        self.0.path().join(format!("v{VERSION}"))
    }

    fn archive(&self) -> PathBuf {
        self.folder()
            .join(format!("rsyncctl-{VERSION}-{}.tar.gz", target()))
    }

    fn bin(&self) -> PathBuf {
        self.0.path().join("bin")
    }

    fn install(&self, version: &str) -> Output {
        let mut command = self.script("install.sh");
        command
            .env("VERSION", version)
            .env("RELEASES", format!("file://{}", self.0.path().display()))
            .env("DESTINATION", self.bin());
        command.output().expect("bash runs")
    }

    fn script(&self, name: &str) -> Command {
        let mut command = Command::new("bash");
        command
            .arg(root().join(".github/action").join(name))
            .current_dir(&self.0);
        command
    }
}

fn target() -> String {
    format!("{}-unknown-linux-musl", std::env::consts::ARCH)
}
