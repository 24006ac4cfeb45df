mod shown;
mod weigh;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use shown::{add, by_command, by_exit, by_lines, claim_of};
use weigh::{rule_out_greeting, rule_out_module, rule_out_password, weigh};

use crate::{
    catalog::{Confidence, Symptom},
    explain::{
        Cause, Incident, Known, Predicted, Reason, Watched, arguments, cause, foretold, messages::Claim,
        place, speaks::root, watched,
    },
};

/// A line that speaks for a cause alone counts so much.
const WHOLE: u32 = 1000;

/// What stands for a cause, line by line.
struct Candidate {
    claim: Claim,
    /// Those of the page's symptoms that the text shows.
    symptoms: Vec<&'static Symptom>,
    score: u32,
    /// What each line adds to the score.
    of_lines: BTreeMap<usize, u32>,
    reasons: Vec<Reason>,
    /// The lines of the daemon's log that name it.
    logged: BTreeSet<usize>,
    /// Which of the mistakes of the server's configuration it is.
    found: Option<usize>,
    /// What the secrets file is found to have, or to lack.
    of_secrets: Option<Box<Predicted>>,
    /// Which kind of case of its page was watched, or is found in the server's configuration.
    watched: Option<&'static str>,
    /// Names that the server's configuration has for that kind of case.
    names: Vec<(&'static str, String)>,
}

impl Candidate {
    /// The server's files do not have it.
    fn refute(&mut self) {
        self.score /= 4;
        self.reasons.push(Reason::Refuted);
    }

    /// Whether the text shows only what does no harm by itself, and so is not why the client has failed.
    fn is_harmless(&self, incident: &Incident) -> bool {
        let has_failed = incident.exit.is_some_and(|exit| exit > 0);
        has_failed && self.symptoms.iter().all(|symptom| symptom.exit == 0)
    }
}

/// The causes of a failure, likeliest first.
pub(super) fn causes(incident: &Incident, known: &Known, watched: &Watched) -> Vec<Cause> {
    let mut candidates = by_lines(incident);
    for (claim, line, count) in foretold::claims(incident, known) {
        let score = WHOLE / root(count);
        add(&mut candidates, claim, score, Reason::Shared(line, count));
    }
    by_command(incident, &mut candidates);
    for hint in watched::hints(incident, known, watched) {
        let claim = claim_of(hint.page, hint.variant);
        add(&mut candidates, claim, WHOLE * hint.percent / 100, hint.reason);
        if let Some(candidate) = candidates.get_mut(hint.page) {
            candidate.claim = claim;
            candidate.watched = Some(hint.variant);
        }
    }
    if candidates.is_empty() {
        candidates = by_exit(incident);
    }
    let logged: BTreeSet<usize> = candidates
        .values()
        .filter(|candidate| !candidate.is_harmless(incident))
        .flat_map(|candidate| candidate.logged.clone())
        .collect();
    for candidate in candidates.values_mut() {
        if watched.is_greeted {
            rule_out_greeting(candidate, incident);
        }
        if watched.is_unasked {
            rule_out_password(candidate);
        }
        if watched.is_unlisted {
            rule_out_module(candidate);
        }
        weigh(candidate, incident, known, &logged);
    }
    let mut causes: Vec<_> = candidates
        .into_values()
        .map(|candidate| {
            let page = candidate.claim.page;
            let lines: Vec<_> = candidate.reasons.iter().filter_map(Reason::line).collect();
            let symptom = candidate.claim.symptom;
            let found = candidate.found.map(|index| &known.findings[index]);
            let found = candidate.of_secrets.as_deref().or(found);
            let mut arguments = arguments::of(incident, page, symptom, &lines, found, known.port());
            let place = place::of(incident, known, page, &lines);
            arguments.extend(candidate.names);
            arguments.extend(place.iter().flat_map(|place| place.names.clone()));
            let server = known.server.as_ref();
            arguments.extend(server.iter().flat_map(|server| server.names(incident, watched)));
            arguments::add_path_of_module(page, &mut arguments);
            arguments.extend(watched::nearly(incident, known, watched).map(|name| ("listed", name)));
            let named = known.names.iter().chain(&watched.names);
            let is_open = |kind: &str| !arguments.iter().any(|(own, _)| *own == kind);
            let named: Vec<_> = named.filter(|(kind, _)| is_open(kind)).cloned().collect();
            arguments.extend(named);
            Cause {
                page,
                symptom,
                variant: (found.and_then(|found| found.variant))
                    .or(candidate.watched)
                    .or_else(|| watched::several(&arguments)),
                confidence: Confidence::Possible,
                side: match &place {
                    Some(place) => place.side,
                    None => Some(arguments::side_of(page, found, &arguments)),
                },
                is_of_daemon: place.is_none_or(|place| place.is_of_daemon),
                arguments,
                reasons: candidate.reasons,
                score: candidate.score,
                most: found.map_or(Confidence::Certain, Predicted::most),
            }
        })
        .collect();
    // What an exit code means is worth telling where nothing else does.
    if !causes.iter().all(Cause::only_sums_up) {
        causes.retain(|cause| !cause.only_sums_up());
    }
    // What was looked for in vain is told only where nothing speaks for anything else more.
    let others = causes.iter().filter(|cause| !cause.is_denied());
    let best = others.map(|cause| cause.score).max();
    causes.retain(|cause| !cause.is_denied() || best.is_none_or(|best| cause.score > best));
    // Where all else is the same, what happens live comes before mistakes that `lint` finds.
    causes.sort_by_key(|cause| {
        let is_of_files = !cause.page.files.is_empty();
        (Reverse(cause.score), is_of_files, cause.page.id)
    });
    cause::state_confidence(&mut causes);
    causes
}
