//! Which causes are told, and in which order.

use std::cmp::Reverse;

use crate::{
    catalog::{Severity, Stage},
    doctor::{
        Cause, Check, Told, Urgency,
        consequences::{are_together, comes_before, is_consequence, left_out, only_says_that},
        heard::{self, is_heard, is_refusal, only_sums_up},
        lost::raise,
    },
};

/// That no daemon runs: what follows from whatever keeps it from that.
const NOT_RUNNING: &str = "RSY782";

/// That nothing starts one at boot, as Debian's package leaves it: what else is wrong is the reason rather.
const SWITCHED_OFF: &str = "RSY754";

/// A limit of the daemon's process, and the word of a client or a log that a file was too large.
const LIMIT: &str = "RSY240";
const TOO_LARGE: &str = "RSY859";

/// Puts the causes of one page together, and the most urgent first: what makes clients fail now, before what did, before what
/// may, and behind all of that what is over; of those what the user's symptom shows, behind the reason for it, and what concerns
/// the modules that were `asked` for, if some were; then the severest, then the surest, then in the order in which they were
/// found.
pub(super) fn ordered(mut found: Vec<Cause>, asked: &[String]) -> Vec<Cause> {
    raise(&mut found);
    let mut causes: Vec<Cause> = Vec::new();
    for cause in found {
        match causes.iter_mut().find(|known| known.page.id == cause.page.id) {
            Some(known) => join(known, cause, asked),
            None => causes.push(cause),
        }
    }
    heard::raise(&mut causes);
    meet_limits(&mut causes);
    let mut causes = left_out(causes);
    let is_running = causes.iter().all(|cause| cause.page.id != NOT_RUNNING);
    for cause in causes
        .iter_mut()
        .filter(|cause| !is_running && keeps_from_starting(cause))
    {
        if cause.urgency == Urgency::Lately && !cause.is_over() {
            // Nothing that came later took it away.
            cause.urgency = Urgency::Now;
        }
    }
    // What a log told of the last start counts now, and so does what follows from it.
    let mut causes = left_out(causes);
    // Where no daemon runs, the reason comes before that, and that before what clients would meet later.
    let is_reason = |cause: &Cause| {
        cause.seen.contains(&Check::Daemon) || (keeps_from_starting(cause) && !is_heard(cause))
    };
    let step = |cause: &Cause| match () {
        () if is_running => 0,
        () if cause.page.id == NOT_RUNNING => 2,
        () if cause.page.id == SWITCHED_OFF => 1,
        () if is_reason(cause) => 0,
        () => 3,
    };
    // Debian's package leaves it so: it tells nothing where something else is the reason.
    let has_reason = !is_running
        && causes
            .iter()
            .any(|cause| cause.urgency == Urgency::Now && step(cause) == 0);
    causes.retain(|cause| !(has_reason && cause.page.id == SWITCHED_OFF));
    let is_of_others = |cause: &Cause| {
        let module = cause.argument("module");
        !asked.is_empty() && module.is_some_and(|module| !asked.contains(module))
    };
    let is_asked = |cause: &Cause| cause.seen.contains(&Check::Symptom);
    let reasons: Vec<_> = causes
        .iter()
        .filter(|reason| {
            let mut shown = causes.iter().filter(|cause| is_asked(cause));
            let is_of_absence = !is_running && reason.urgency == Urgency::Now && step(reason) < 2;
            shown.any(|cause| {
                is_consequence(cause, reason)
                    || comes_before(reason, cause)
                    || is_of_absence && is_refusal(cause)
            })
        })
        .map(|reason| reason.page.id)
        .collect();
    let behind: Vec<_> = causes
        .iter()
        .filter(|cause| causes.iter().any(|reason| comes_before(reason, cause)))
        .map(|cause| cause.page.id)
        .collect();
    let is_found = |cause: &Cause| !is_heard(cause) && !cause.is_over() && cause.urgency < Urgency::Later;
    let has_found = causes.iter().any(is_found);
    causes.sort_by_key(|cause| {
        (
            cause.is_over(),
            // What only sums up comes behind whatever was found to make clients fail.
            match only_sums_up(cause) && has_found {
                true => Urgency::Lately,
                false => cause.urgency,
            },
            only_says_that(cause) || only_sums_up(cause),
            !reasons.contains(&cause.page.id),
            !is_asked(cause),
            is_of_others(cause),
            step(cause),
            behind.contains(&cause.page.id),
            Reverse(cause.severity),
            Reverse(cause.confidence),
        )
    });
    causes
}

/// A limit of the size of files that clients met in the last day makes them fail now: nothing took it away.
fn meet_limits(causes: &mut [Cause]) {
    let mut others = causes.iter();
    if others.all(|cause| cause.page.id != TOO_LARGE) {
        return;
    }
    let is_limit = |cause: &&mut Cause| cause.page.id == LIMIT && cause.variant == Some("size");
    for limit in causes.iter_mut().filter(is_limit) {
        limit.urgency = Urgency::Now;
        limit.severity = Severity::Error;
    }
}

/// Whether a cause keeps a daemon from being there.
pub(super) fn keeps_from_starting(cause: &Cause) -> bool {
    let mut symptoms = cause.page.symptoms.iter();
    cause.page.id != NOT_RUNNING
        && symptoms.any(|symptom| matches!(symptom.stage, Stage::Start | Stage::Connect))
}

/// One cause, seen twice. A finding tells the line that is wrong, and so more than the machine does, and that more than a text;
/// of two findings the one that makes clients fail now tells more; of two texts the log, which the doctor has seen, tells more than
/// what a client said. What is about a module that was not `asked` for where others were tells least.
fn join(known: &mut Cause, mut other: Cause, asked: &[String]) {
    let is_of_others = |cause: &Cause| {
        let module = cause.module();
        !asked.is_empty() && module.is_some_and(|module| !asked.contains(module))
    };
    let are_of_one = are_together(known, &other);
    let is_seen = |cause: &Cause| are_of_one && !is_heard(cause) && !cause.is_over();
    let worth = |cause: &Cause| {
        let urgency = Reverse(cause.urgency);
        (!is_of_others(cause), rank(cause), is_seen(cause), urgency)
    };
    if worth(&other) > worth(known) {
        std::mem::swap(known, &mut other);
    }
    if matches!(other.told, Told::Finding(..)) {
        known.others += 1 + other.others;
    }
    if let Told::Page(_, _, more) = &mut other.told {
        let facts = match &mut known.told {
            Told::Page(_, _, facts) => facts,
            _ => &mut known.also,
        };
        more.retain(|fact| !facts.contains(fact));
        facts.append(more);
    }
    let is_of_one = known.argument("module") == other.argument("module");
    let are_pages = [&known.told, &other.told].map(|told| matches!(told, Told::Page(..)));
    if (known.commands.is_empty() && is_of_one) || (!known.commands.is_empty() && are_pages == [true; 2]) {
        other.commands.retain(|command| !known.commands.contains(command));
        known.commands.append(&mut other.commands);
    }
    known.within = known.within.take().or_else(|| other.within.take());
    known.is_foreign |= other.is_foreign;
    known.is_of_others |= other.is_of_others;
    known.urgency = known.urgency.min(other.urgency);
    known.severity = known.severity.max(other.severity);
    known.confidence = known.confidence.max(other.confidence);
    known.seen.append(&mut other.seen);
}

/// How much a cause tells.
fn rank(cause: &Cause) -> u8 {
    match cause.told {
        Told::Text(..) => 0,
        Told::Page(..) => 1,
        Told::Finding(..) => 2,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::ordered;
    use crate::doctor::{Cause, Check, Urgency};

    fn cause(rule: &str, check: Check, urgency: Urgency) -> Cause {
        Cause {
            urgency,
            ..Cause::of_rule(rule, check, Path::new("/etc/rsyncd.conf"), Vec::new(), Vec::new())
        }
    }

    #[test]
    fn why_no_daemon_runs_is_told_before_that() {
        let told = |found| -> Vec<_> {
            let ordered = ordered(found, &[]);
            ordered.into_iter().map(|cause| cause.page.id).collect()
        };
        let found = || {
            vec![
                cause("RSY402", Check::Configuration, Urgency::Now),
                cause("RSY782", Check::Daemon, Urgency::Now),
                cause("RSY891", Check::Log, Urgency::Lately),
            ]
        };
        assert_eq!(told(found()), ["RSY891", "RSY782", "RSY402"]);
        let mut with_line = found();
        with_line.push(cause("RSY614", Check::Configuration, Urgency::Now));
        assert_eq!(told(with_line), ["RSY891", "RSY782", "RSY402"]);
        let mut running = found();
        running.remove(1);
        assert_eq!(told(running), ["RSY402", "RSY891"]);
    }

    #[test]
    fn what_fails_now_is_told_first_and_once() {
        let found = vec![
            cause("RSY302", Check::Configuration, Urgency::Later),
            cause("RSY846", Check::Log, Urgency::Lately),
            cause("RSY890", Check::Daemon, Urgency::Now),
            cause("RSY302", Check::Loopback, Urgency::Now),
        ];
        let ordered = ordered(found, &[]);
        let told: Vec<_> = ordered
            .iter()
            .map(|cause| (cause.page.id, cause.urgency))
            .collect();
        assert_eq!(
            told,
            [
                ("RSY302", Urgency::Now),
                ("RSY890", Urgency::Now),
                ("RSY846", Urgency::Lately)
            ]
        );
        assert_eq!(ordered[0].seen, [Check::Configuration, Check::Loopback].into());
    }
}
