use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use crate::{
    catalog::{self, Confidence, Frequency, Stage, Symptom},
    explain::{
        Cause, Incident, Known, Predicted, Reason, Seen, Watched, arguments, cause, facts, foretold,
        judge::Judgement,
        messages::{Claim, MESSAGES, Voice},
        place,
        secret::{self, Told},
        speaks::{ends_so, is_end, is_passed_over, may_show, root, tells_why},
        typed, watched,
    },
};

/// A line that speaks for a cause alone counts so much.
const WHOLE: u32 = 1000;

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
            let mut arguments = arguments::of(incident, page, symptom, &lines, found);
            let place = place::of(incident, known, page, &lines);
            arguments.extend(candidate.names);
            arguments.extend(place.iter().flat_map(|place| place.names.clone()));
            let server = known.server.as_ref();
            arguments.extend(server.iter().flat_map(|server| server.names(incident, watched)));
            arguments::add_path_of_module(page, &mut arguments);
            arguments.extend(watched.nearly.iter().map(|name| ("listed", name.clone())));
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

fn by_lines(incident: &Incident) -> BTreeMap<&'static str, Candidate> {
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
fn by_command(incident: &Incident, candidates: &mut BTreeMap<&'static str, Candidate>) {
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
fn claim_of(page: &str, variant: &str) -> Claim {
    let page = catalog::page(page).expect("the pages that code names are there");
    let mut symptoms = page.symptoms.iter();
    let symptom = symptoms.find(|symptom| symptom.variants.contains(&variant));
    Claim {
        page,
        symptom: symptom.expect("the kinds of case that code names are on their pages"),
        voice: Voice::Client,
    }
}

fn add(candidates: &mut BTreeMap<&'static str, Candidate>, claim: Claim, score: u32, reason: Reason) {
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
fn by_exit(incident: &Incident) -> BTreeMap<&'static str, Candidate> {
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

/// Who was not asked for a password has sent none: what is left is that no digest could be agreed on.
fn rule_out_password(candidate: &mut Candidate) {
    let mut stages = candidate.symptoms.iter().map(|symptom| symptom.stage);
    let page = candidate.claim.page;
    if stages.any(|stage| stage == Stage::Authentication) && !BEFORE_PASSWORD.contains(&page.id) {
        candidate.score /= 4;
        candidate.reasons.push(Reason::Unasked);
    }
}

/// What one module's settings do shows when that module is asked for, and not in the list of all.
fn rule_out_module(candidate: &mut Candidate) {
    let is_behind = |symptom: &&Symptom| symptom.stage > Stage::Module;
    if !candidate.claim.page.files.is_empty() && candidate.symptoms.iter().all(is_behind) {
        candidate.score /= 4;
        candidate.reasons.push(Reason::Unlisted);
    }
}

/// Who hangs up behind the greeting shows what others show that never greet.
fn rule_out_greeting(candidate: &mut Candidate, incident: &Incident) {
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

fn weigh(candidate: &mut Candidate, incident: &Incident, known: &Known, logged: &BTreeSet<usize>) {
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
