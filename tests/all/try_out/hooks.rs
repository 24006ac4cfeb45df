//! What becomes of commands of the file that do not end.

use std::{fs, path::Path};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::{has_rsync, keeps_to, schema, stage};
use crate::support::program::program;

/// Tries a configuration with its commands.
fn with_hooks(root: &Path) -> Value {
    let mut command = program(root, &["try", "rsyncd.conf", "--hooks", "--json"]);
    let output = command.env("TMPDIR", root.join("tmp")).output().expect("it runs");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    keeps_to(&schema("schemas/rsyncctl-1.schema.json"), &report);
    report
}

/// The processes that were still there: number, and whether they were ended.
fn stayed(report: &Value) -> Vec<(i32, bool)> {
    let stayed = report["stayed"].as_array().expect("a list").iter();
    let pair = |one: &Value| {
        let id = one["process"].as_i64().expect("a number");
        let is_ended = one["ended"].as_bool().expect("yes or no");
        (i32::try_from(id).expect("a process"), is_ended)
    };
    stayed.map(pair).collect()
}

/// Whether a process has not ended; those that only wait to be reaped have.
pub(super) fn goes_on(id: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let state = stat
        .rsplit_once(") ")
        .and_then(|(_, fields)| fields.chars().next());
    state.is_some_and(|state| !matches!(state, 'Z' | 'X'))
}

#[test]
fn a_command_that_never_ends_is_ended_and_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage("[m]\npath = $ROOT/secrets.d\npost-xfer exec = exec sleep 1000\n");
    let root = folder.path();
    fs::create_dir(root.join("secrets.d")).expect("a folder");
    let report = with_hooks(root);
    let stayed = stayed(&report);
    assert!(!stayed.is_empty(), "{report:#}");
    for (id, is_ended) in stayed {
        assert!(is_ended, "{report:#}");
        assert!(!goes_on(id), "{report:#}");
    }
}

#[test]
fn a_process_that_has_left_its_group_is_told() {
    if !has_rsync() {
        return;
    }
    let folder = stage(
        "[m]\npath = $ROOT/secrets.d\npre-xfer exec = rm -f $ROOT/away; \
         setsid sh -c 'touch $ROOT/away; exec sleep 1000' >/dev/null 2>&1 </dev/null & \
         while ! test -e $ROOT/away; do sleep 0.01; done\n",
    );
    let root = folder.path();
    fs::create_dir(root.join("secrets.d")).expect("a folder");
    let report = with_hooks(root);
    let stayed = stayed(&report);
    assert!(!stayed.is_empty(), "{report:#}");
    for (id, is_ended) in stayed {
        let went_on = goes_on(id);
        kill(Pid::from_raw(id), Signal::SIGKILL).expect("it is ours");
        assert!(went_on && !is_ended, "{report:#}");
    }
}
