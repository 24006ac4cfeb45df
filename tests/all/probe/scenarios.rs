//! The scenarios of `explain`, with the probe in the place of rsync.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;
use tempfile::TempDir;

use super::causes;
use crate::{
    mishaps::played,
    support::{
        daemon::has_rsync,
        mishap::{Mishap, Transcript, run_with},
        program::{keeps_to, schema},
    },
};

/// A folder whose program `rsync` hands its command line to the probe.
fn client() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("rsync");
    let script = format!(
        "#!/bin/bash\nexec {} probe --json --really --reproduce \"rsync ${{*@Q}}\"\n",
        env!("CARGO_BIN_EXE_rsyncctl")
    );
    fs::write(&program, script).expect("a file");
    for path in [folder.path(), &program] {
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    folder
}

/// What the probe told last.
fn report(transcript: &Transcript) -> Option<Value> {
    let lines = transcript.last_output().lines();
    lines.rev().find_map(|line| serde_json::from_str(line).ok())
}

#[test]
fn the_scenarios_of_explain_end_as_with_rsync() {
    if !has_rsync() {
        return;
    }
    let client = client();
    let runs = played(|mishap| run_with(mishap, client.path()));
    let schema = schema("schemas/rsyncctl-1.schema.json");
    let mut wrong = Vec::new();
    let mut others = Vec::new();
    let (mut judged, mut first, mut near) = (0, 0, 0);
    for (mishap, transcript) in &runs {
        let Mishap {
            name, exit, rules, ..
        } = mishap;
        let Some(report) = transcript.as_ref().and_then(report) else {
            others.push(name.as_str());
            continue;
        };
        keeps_to(&schema, &report);
        judged += 1;
        let causes = causes(&report);
        let place = causes
            .iter()
            .position(|cause| rules.iter().any(|rule| rule == cause));
        first += usize::from(place == Some(0));
        near += usize::from(place.is_some_and(|place| place < 3));
        let ours = transcript.as_ref().map(Transcript::exit);
        // The server's last word races against the end of its connection, for rsync too.
        let is_lost = ours == Some(10) && report.to_string().contains("Connection reset by peer");
        // Who hangs up with the greeting unread resets the connection, or not, as the pieces arrive.
        let is_unheard = report["summary"]["failed"] == "greeting" && matches!(ours, Some(5 | 12));
        // Ours reads a list of names to its end before it looks for the first of them.
        let is_gone = name == "vanished-while-pushing" && ours == Some(23);
        let is_same =
            ours == Some(*exit) || is_lost && *exit == 4 || is_unheard && matches!(exit, 5 | 12) || is_gone;
        let verdict = match (is_same, place) {
            (false, _) => "other code",
            (true, Some(0)) => "right",
            (true, Some(1 | 2)) => "among three",
            (true, _) => "other cause",
        };
        println!(
            "{name:50} {exit:3} {:3} {:7} {verdict}",
            ours.unwrap_or(-1),
            causes.first().unwrap_or(&"-")
        );
        if !is_same {
            wrong.push(format!(
                "{name}: {exit}, not {ours:?}: {}",
                transcript.as_ref().map_or("", |run| run.last_output())
            ));
        }
    }
    println!(
        "probe: {judged} scenarios, {} with rsync's code, the true cause first in {first}, among three in {near}; not for it: {}",
        judged - wrong.len(),
        others.join(" ")
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What looks alike from outside needs the server's configuration, or its log.
    assert!(
        first * 10 >= judged * 6 && near * 10 >= judged * 8,
        "{first}, {near}"
    );
}
