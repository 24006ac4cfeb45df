//! Mistakes that show in so many ways that a text alone says nothing of them.

use std::collections::BTreeSet;

use crate::{
    catalog::{self, Severity, Stage, Symptom},
    explain::{
        Incident, Known, Seen,
        messages::{Claim, MESSAGES, Voice},
    },
};

/// The page of a port that nobody listens on.
const REFUSED: &str = "RSY801";

/// Where the server's configuration has such a mistake, and foretells the text, it is a cause like any other: with the
/// line that shows it, and the number of causes that share the line.
pub(super) fn claims(incident: &Incident, known: &Known) -> Vec<(Claim, usize, usize)> {
    let lines: Vec<_> = incident
        .lines
        .iter()
        .map(|seen| (seen.number, told(seen)))
        .collect();
    let mut claims = Vec::new();
    for found in known
        .findings
        .iter()
        .filter(|found| known.concerns(found, incident))
    {
        let page = catalog::page(found.rule).expect("findings are of pages");
        // Where other users get in, the mistake foretells nothing for all.
        let server = known.server.as_ref();
        let is_disguise = server.is_some_and(|server| server.disguise(found, incident).is_some());
        let of_login = |symptom: &&Symptom| symptom.stage == Stage::Authentication;
        let of_user = page.symptoms.iter().filter(of_login).filter(|_| is_disguise);
        for symptom in found.symptoms.iter().copied().chain(of_user) {
            let is_logged = symptom.log.is_some() || !symptom.log_wordings.is_empty();
            // A daemon that does not start listens nowhere.
            let ends_start = symptom.stage == Stage::Start && page.severity == Severity::Error;
            let shows_it = |claim: &Claim| match (claim.symptom.client, symptom.client) {
                _ if ends_start && claim.page.id == REFUSED => true,
                (shown, Some(own)) if !symptom.is_sign => shown == Some(own),
                // The log has a line of its own for what the client sees, and the mistake says nothing of logs.
                (Some(shown), Some(own)) => {
                    claim.voice == Voice::Log
                        && !is_logged
                        && claim.symptom.stage == symptom.stage
                        && page.severity > Severity::Info
                        && shown.starts_with(own)
                }
                _ => false,
            };
            let line = lines.iter().find(|(_, told)| told.iter().any(shows_it));
            claims.extend(line.map(|(line, told)| {
                let voice = Voice::Client;
                let pages: BTreeSet<_> = told.iter().map(|claim| claim.page.id).chain([page.id]).collect();
                (Claim { page, symptom, voice }, *line, pages.len())
            }));
        }
    }
    claims
}

/// What a line tells.
fn told(seen: &Seen) -> Vec<Claim> {
    let messages = seen.messages.iter().map(|&number| MESSAGES.get(number));
    messages.flat_map(|message| &message.claims).copied().collect()
}
