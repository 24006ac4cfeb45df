//! Files at the destination that the source no longer has, by a second dry run with `--delete`.

use crate::{
    catalog::Severity,
    doctor::{
        Check, Fact, Report, Skip, Stage, Urgency,
        client::{Client, ClientFact, Room, server::carried_out},
    },
    probe,
};

/// From so much of the destination's file system on, what is left over may be what fills it; in percent.
const FILLED: u64 = 90;
/// With one of them what is left over is meant to stay, or goes anyway, or the destination is no folder that is mirrored.
const OTHERWISE: [&str; 12] = [
    "delete",
    "delete-before",
    "delete-during",
    "delete-delay",
    "delete-after",
    "delete-excluded",
    "delete-missing-args",
    "files-from",
    "remove-source-files",
    "list-only",
    "existing",
    "backup",
];

pub(super) fn look(
    client: &Client<'_>,
    is_well: bool,
    room: Option<&Room>,
    stage: &mut Stage,
    report: &mut Report,
) {
    if !is_well {
        stage.skip(Skip::NotConnected);
        return;
    }
    let is_recursive = client.has("archive") || client.has("recursive");
    let is_whole = client.invocation.targets.len() >= 2;
    if !is_recursive || !is_whole || OTHERWISE.iter().any(|option| client.has(option)) {
        stage.skip(Skip::NotAsked);
        return;
    }
    let mut unseen = Report::new(report.release);
    let Some(probed) = carried_out(client, &["--delete"], false, stage, &mut unseen) else {
        return;
    };
    if probed.exit != 0 {
        // A module that refuses deletion refuses to tell, too.
        stage.skip(Skip::NoDeletion);
        return;
    }
    let facts = probed.stages.iter().flat_map(|one| &one.facts);
    let count = facts
        .filter_map(|fact| match fact {
            probe::Fact::Deleted(count) => Some(*count),
            _ => None,
        })
        .sum();
    stage.note(Fact::Client(ClientFact::Leftover(count)));
    if count == 0 {
        return;
    }
    let used = room.map(Room::used);
    let is_filled = used.is_some_and(|used| used >= FILLED);
    let destination = client
        .invocation
        .target_words
        .last()
        .map(|&word| client.setup.words[word].clone());
    let destination = destination.unwrap_or_default();
    let arguments = vec![
        ("count", count.to_string()),
        ("destination", crate::terms::without_password(&destination)),
    ];
    let fact = match used {
        Some(used) => format!("the file system of the destination is {used} % full"),
        None => format!("with --delete would go: {count}"),
    };
    let path = client.path(&destination);
    let mut cause = client.cause("RSY736", Check::Leftover, &path, arguments, fact);
    cause.urgency = Urgency::Later;
    cause.severity = if is_filled {
        Severity::Warning
    } else {
        Severity::Info
    };
    report.causes.push(cause);
    if is_filled {
        stage.warn();
    }
}
