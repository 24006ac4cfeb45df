//! What speaks for causes: lines, the command, the exit code.

use std::collections::{BTreeMap, BTreeSet};

use super::{Candidate, WHOLE};
use crate::{
    catalog,
    explain::{
        Incident, Reason, Seen, facts,
        messages::{Claim, MESSAGES, Voice},
        speaks::{ends_so, is_end, is_passed_over, may_show, root, tells_why},
        typed,
    },
};

/// The causes that the lines of the text show.
pub(super) fn by_lines(incident: &Incident) -> BTreeMap<&'static str, Candidate> {
    let mut candidates: BTreeMap<&'static str, Candidate> = BTreeMap::new();
    // What comes first is the cause, what follows its consequences: in the client's output and in the log.
    let mut has_come = [false; 2];
    let mut has_ended = incident.exit.is_some_and(tells_why);
    for seen in &incident.lines {
        let longest = seen
            .messages
            .first()
            .map_or(1, |&first| MESSAGES.get(first).pattern.weight());
        if seen.is_cut {
            by_rest(seen, &mut candidates);
            continue;
        }
        let mut comes = [false; 2];
        let is_passed_over = is_passed_over(seen, incident);
        let is_hang_up = |number: &usize| facts::is_of_hang_up(MESSAGES.get(*number).pattern.anchor());
        let is_hang_up_alone = seen.messages.iter().all(is_hang_up);
        let is_echo = is_hang_up_alone && has_ended;
        for &number in &seen.messages {
            // A hang-up that somebody tells in one line with its reason.
            if is_hang_up(&number) && !is_hang_up_alone {
                continue;
            }
            let message = MESSAGES.get(number);
            let claims = || {
                message
                    .claims
                    .iter()
                    .filter(|claim| may_show(claim, seen, incident))
            };
            let mut pages: Vec<_> = claims().map(|claim| claim.page.id).collect();
            pages.dedup();
            let weight = u32::try_from(
                message.pattern.weight() * message.pattern.weight() * 100 / (longest * longest),
            )
            .unwrap_or(100);
            let mut told: Vec<(&str, Voice)> = Vec::new();
            for claim in claims() {
                if told.contains(&(claim.page.id, claim.voice)) {
                    // Another kind of case shows the same.
                    if let Some(candidate) = candidates.get_mut(claim.page.id) {
                        candidate.symptoms.push(claim.symptom);
                    }
                    continue;
                }
                told.push((claim.page.id, claim.voice));
                let voice = claim.voice as usize;
                comes[voice] |= !(message.is_final || is_echo)
                    && claim.symptom.exit > 0
                    && !is_passed_over
                    && ends_so(claim.page, incident);
                let mut score = WHOLE / root(pages.len()) * weight / 100;
                if has_come[voice] {
                    score /= 2;
                }
                let sums_up = message.is_final || is_echo;
                has_ended |= !(sums_up || is_hang_up_alone) && is_end(claim.symptom.exit);
                if sums_up {
                    score = WHOLE / 20 * weight / 100;
                }
                if is_passed_over {
                    score /= 4;
                }
                let release = incident.release;
                if release.is_some_and(|release| !claim.symptom.applies_to(release)) {
                    score /= 3;
                }
                let reason = match (sums_up, claim.voice, pages.len()) {
                    (true, ..) => Reason::SumsUp(seen.number),
                    (_, Voice::Log, 1) => Reason::Logged(seen.number),
                    (_, _, 1) => Reason::Alone(seen.number),
                    (.., count) => Reason::Shared(seen.number, count),
                };
                add(&mut candidates, *claim, score, reason);
            }
        }
        has_come[0] |= comes[0];
        has_come[1] |= comes[1];
        has_ended |= facts::final_line(&seen.text).is_some();
    }
    candidates
}

/// What is left of a line speaks for all causes that it may have been, and for none of them much.
fn by_rest(seen: &Seen, candidates: &mut BTreeMap<&'static str, Candidate>) {
    let claims: BTreeMap<&str, Claim> = seen
        .messages
        .iter()
        .flat_map(|&number| &MESSAGES.get(number).claims)
        .map(|claim| (claim.page.id, *claim))
        .collect();
    let reason = Reason::Cut(seen.number, claims.len());
    for claim in claims.values() {
        let score = WHOLE / 2 / root(claims.len());
        add(candidates, *claim, score, reason.clone());
    }
}

/// What the command line shows of itself.
pub(super) fn by_command(incident: &Incident, candidates: &mut BTreeMap<&'static str, Candidate>) {
    for slip in typed::slips(incident) {
        let claim = claim_of(slip.page, slip.variant);
        let page = claim.page;
        let score = if slip.is_sure { 2 * WHOLE } else { WHOLE / 2 };
        add(candidates, claim, score, Reason::Typed(slip.word));
        if let Some(candidate) = candidates.get_mut(page.id).filter(|_| slip.is_sure) {
            candidate.claim = claim;
        }
    }
}

/// What a page claims of a kind of case that no message shows.
pub(super) fn claim_of(page: &str, variant: &str) -> Claim {
    let page = catalog::page(page).expect("the pages that code names are there");
    let mut symptoms = page.symptoms.iter();
    let symptom = symptoms.find(|symptom| symptom.variants.contains(&variant));
    Claim {
        page,
        symptom: symptom.expect("the kinds of case that code names are on their pages"),
        voice: Voice::Client,
    }
}

/// Adds what speaks for a cause.
pub(super) fn add(
    candidates: &mut BTreeMap<&'static str, Candidate>,
    claim: Claim,
    score: u32,
    reason: Reason,
) {
    let candidate = candidates.entry(claim.page.id).or_insert_with(|| Candidate {
        claim,
        symptoms: Vec::new(),
        score: 0,
        of_lines: BTreeMap::new(),
        reasons: Vec::new(),
        logged: BTreeSet::new(),
        found: None,
        of_secrets: None,
        watched: None,
        names: Vec::new(),
    });
    if claim.voice == Voice::Log {
        candidate.logged.extend(reason.line());
    }
    candidate.symptoms.push(claim.symptom);
    if candidate.reasons.contains(&reason) {
        return;
    }
    let Some(line) = reason.line() else {
        candidate.score += score;
        candidate.reasons.push(reason);
        return;
    };
    // Several messages may fit a line: the one that says most counts.
    if let Some(of_line) = candidate.of_lines.get_mut(&line) {
        candidate.score += score.saturating_sub(*of_line);
        *of_line = score.max(*of_line);
        return;
    }
    candidate.of_lines.insert(line, score);
    candidate.score += score;
    candidate.reasons.push(reason);
}

/// Where there is nothing but an exit code: the pages of the line that sums it up.
pub(super) fn by_exit(incident: &Incident) -> BTreeMap<&'static str, Candidate> {
    let mut candidates = BTreeMap::new();
    let Some(exit) = incident.exit else {
        return candidates;
    };
    for claim in MESSAGES.finals().filter(|claim| claim.symptom.exit == exit) {
        // A mistake in a file is one of many ways to that code.
        let score = if claim.page.files.is_empty() {
            WHOLE / 20
        } else {
            WHOLE / 80
        };
        add(&mut candidates, *claim, score, Reason::ExitOnly(exit));
    }
    candidates
}
