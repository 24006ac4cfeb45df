//! What speaks against causes, and what the server's files say to them.

use std::collections::BTreeSet;

use super::{Candidate, WHOLE};
use crate::{
    catalog::{Frequency, Stage, Symptom},
    explain::{
        Incident, Known, Predicted, Reason, facts,
        judge::Judgement,
        place,
        secret::{self, Told},
        typed,
    },
};

/// The pages of an rsync that a shell does not find: of the machine that runs the command, and of the other one.
const MISSING_HERE: &str = "RSY967";
const MISSING_THERE: &str = "RSY827";

/// The page of times and modes that only their owner may set.
const NOT_THE_OWNER: &str = "RSY843";

/// The pages of a folder that may not be written: at the daemon's machine, and at the client's.
const CLOSED_TO_DAEMON: &str = "RSY841";
const CLOSED_TO_CLIENT: &str = "RSY842";

/// The pages of digests, without which a daemon asks nobody for a password (`auth_server` in authenticate.c).
const BEFORE_PASSWORD: [&str; 2] = ["RSY331", "RSY818"];

/// The page of a command line that closes folders, and those of folders that are closed.
const CLOSING: &str = "RSY623";
const CLOSED: [&str; 2] = ["RSY405", "RSY406"];

/// Who was not asked for a password has sent none: what is left is that no digest could be agreed on.
pub(super) fn rule_out_password(candidate: &mut Candidate) {
    let mut stages = candidate.symptoms.iter().map(|symptom| symptom.stage);
    let page = candidate.claim.page;
    if stages.any(|stage| stage == Stage::Authentication) && !BEFORE_PASSWORD.contains(&page.id) {
        candidate.score /= 4;
        candidate.reasons.push(Reason::Unasked);
    }
}

/// What one module's settings do shows when that module is asked for, and not in the list of all.
pub(super) fn rule_out_module(candidate: &mut Candidate) {
    let is_behind = |symptom: &&Symptom| symptom.stage > Stage::Module;
    if !candidate.claim.page.files.is_empty() && candidate.symptoms.iter().all(is_behind) {
        candidate.score /= 4;
        candidate.reasons.push(Reason::Unlisted);
    }
}

/// Who hangs up behind the greeting shows what others show that never greet.
pub(super) fn rule_out_greeting(candidate: &mut Candidate, incident: &Incident) {
    let mut lines = incident.lines.iter();
    if !lines.any(|seen| candidate.of_lines.contains_key(&seen.number) && facts::is_hang_up(&seen.text)) {
        return;
    }
    let is_before = |symptom: &&Symptom| matches!(symptom.stage, Stage::Connect | Stage::Greeting);
    if candidate.symptoms.iter().all(is_before) {
        candidate.score /= 4;
        candidate.reasons.push(Reason::Greeted);
    }
}

/// Whether the command line shows that the first line of a cause is of the other machine: some lines about rights name
/// no module, whoever says them.
fn is_elsewhere(candidate: &Candidate, incident: &Incident) -> bool {
    let line = candidate.of_lines.keys().next();
    let is_of_daemon = line.and_then(|line| place::is_of_daemon(incident, *line));
    match candidate.claim.page.id {
        CLOSED_TO_DAEMON => is_of_daemon == Some(false),
        CLOSED_TO_CLIENT => is_of_daemon == Some(true),
        _ => false,
    }
}

/// Whether the command line has closed folders itself.
fn closes_folders(incident: &Incident) -> bool {
    typed::slips(incident).iter().any(|slip| slip.page == CLOSING)
}

/// What the rest of the text, the command and the server's files say for and against a cause.
pub(super) fn weigh(candidate: &mut Candidate, incident: &Incident, known: &Known, logged: &BTreeSet<usize>) {
    let page = candidate.claim.page;
    match page.frequency {
        Frequency::Often => {
            candidate.score = candidate.score * 5 / 4;
            let is_shared = |reason: &Reason| matches!(reason, Reason::Shared(..) | Reason::Cut(..));
            if candidate.reasons.iter().any(is_shared) {
                candidate.reasons.push(Reason::Frequent);
            }
        }
        Frequency::Sometimes => {}
        Frequency::Rarely => candidate.score = candidate.score * 3 / 4,
    }
    let symptoms = || page.symptoms.iter();
    let is_harmless = candidate.is_harmless(incident);
    // What a daemon that does not start ends with is no client's code.
    let is_of_start = candidate
        .symptoms
        .iter()
        .all(|symptom| symptom.stage == Stage::Start);
    if let Some(exit) = incident.exit
        && !is_of_start
        && !symptoms().any(|symptom| symptom.exit == exit || facts::is_reset_race(symptom.exit, exit))
    {
        candidate.score /= if is_harmless { 4 } else { 2 };
        candidate
            .reasons
            .push(Reason::OtherExit(exit, candidate.claim.symptom.exit));
    }
    if let Some(release) = incident.release
        && !symptoms().any(|symptom| symptom.applies_to(release))
    {
        candidate.score /= 3;
        candidate.reasons.push(Reason::OtherRelease);
    }
    let is_in_log = |symptom: &Symptom| symptom.log.is_some() || !symptom.log_wordings.is_empty();
    // Somebody who has the log and does not find its line there can rule it out; a line that says the same on a terminal
    // may be of either.
    let is_of_same_line = candidate.of_lines.keys().any(|line| logged.contains(line));
    if !logged.is_empty() && !is_of_same_line && symptoms().any(is_in_log) {
        candidate.score /= 3;
        candidate.reasons.push(Reason::NotLogged);
    }
    // Which of the two machines lacks rsync, the shell's line does not say.
    let is_over_shell = incident.is_over_shell();
    match page.id {
        MISSING_HERE | MISSING_THERE if (page.id == MISSING_THERE) == is_over_shell => {
            candidate.score = candidate.score * 7 / 5;
        }
        MISSING_HERE | MISSING_THERE => candidate.score /= 3,
        // Who owns a folder does not matter where nobody may create files in it.
        NOT_THE_OWNER if incident.is_closed_to_all() => candidate.score /= 3,
        CLOSED_TO_DAEMON | CLOSED_TO_CLIENT if is_elsewhere(candidate, incident) => candidate.score /= 3,
        CLOSED_TO_DAEMON if closes_folders(incident) => candidate.score /= 2,
        _ => {}
    }
    let server = known.server.as_ref();
    if candidate.claim.symptom.stage == Stage::Authentication
        && server.is_some_and(|server| server.ends_at_rules(page, &known.findings, incident))
    {
        candidate.refute();
        return;
    }
    if server.is_some_and(|server| server.has_resolved(page, incident)) {
        candidate.refute();
        return;
    }
    if let Some(told) = server.and_then(|server| secret::told(server, page, known, incident)) {
        match told {
            Told::Found(found) => {
                candidate.score += 3 * WHOLE;
                candidate.reasons.insert(0, Reason::Found(found.place.clone()));
                candidate.of_secrets = Some(found);
            }
            Told::Likely(reason) => candidate.reasons.insert(0, reason),
            Told::Refuted => candidate.refute(),
        }
        return;
    }
    let disguise = |found: &Predicted| server?.disguise(found, incident);
    let shows = |found: &Predicted| {
        let is_told = || {
            let mut symptoms = found.symptoms.iter();
            symptoms.any(|symptom| {
                let is_shown = |shown: &&'static Symptom| {
                    // What keeps a daemon from starting ends one that runs, too: it reads its file for each connection.
                    let is_same_file = (symptom.stage, shown.stage) == (Stage::Start, Stage::Greeting);
                    std::ptr::eq(*shown, *symptom) || is_same_file
                };
                candidate.symptoms.iter().any(is_shown)
            })
        };
        found.rule == page.id && known.concerns(found, incident) && (disguise(found).is_some() || is_told())
    };
    if let Some(index) = known.findings.iter().position(shows) {
        candidate.found = Some(index);
        // It says why the text is what it is; the daemon's log may tell the same in words of another page.
        candidate.reasons.retain(|reason| *reason != Reason::NotLogged);
        let found = &known.findings[index];
        // A mistake explains more than the setting that it spoils.
        match is_harmless {
            true => candidate.score /= 4,
            // The command line has done that to the folder.
            false if CLOSED.contains(&page.id) && closes_folders(incident) => {
                candidate.score += WHOLE / 2;
            }
            false => candidate.score += 3 * WHOLE,
        }
        let place = disguise(found).unwrap_or_else(|| found.place.clone());
        candidate.reasons.insert(0, Reason::Found(place));
        return;
    }
    // A line that only sums up is no message of a stage.
    if candidate
        .reasons
        .iter()
        .all(|reason| matches!(reason, Reason::SumsUp(_) | Reason::ExitOnly(_)))
    {
        return;
    }
    if known.denies(page, incident) {
        candidate.score /= 2;
        candidate.reasons.push(Reason::NotFound);
        return;
    }
    let symptom = candidate.claim.symptom;
    let Some(server) = server.filter(|_| page.files.is_empty()) else {
        return;
    };
    match server.judge(
        incident,
        page.id,
        symptom.stage,
        symptom.client.unwrap_or_default(),
    ) {
        Judgement::Yes(reason) => {
            candidate.score += WHOLE;
            candidate.reasons.insert(0, reason);
        }
        Judgement::Of(variant, place, names) => {
            candidate.score += WHOLE;
            candidate.reasons.insert(0, Reason::Found(place));
            candidate.watched = Some(variant);
            candidate.names = names;
        }
        Judgement::No => candidate.refute(),
        Judgement::Open => {}
    }
}
