//! Which causes are told, and in which order.

use std::cmp::Reverse;

use crate::doctor::{Cause, Told};

/// Puts the causes of one page together, and the most urgent first: what makes clients fail now, before what did, before what
/// may; then the severest, then the surest, then in the order in which they were found.
pub(super) fn ordered(found: Vec<Cause>) -> Vec<Cause> {
    let mut causes: Vec<Cause> = Vec::new();
    for cause in found {
        match causes.iter_mut().find(|known| known.page.id == cause.page.id) {
            Some(known) => join(known, cause),
            None => causes.push(cause),
        }
    }
    causes.sort_by_key(|cause| (cause.urgency, Reverse(cause.severity), Reverse(cause.confidence)));
    causes
}

/// One cause, seen twice. A finding tells the line that is wrong, and so more than the machine does, and that more than a text.
fn join(known: &mut Cause, mut other: Cause) {
    if rank(&other) > rank(known) {
        std::mem::swap(known, &mut other);
    } else if matches!(other.told, Told::Finding(..)) {
        known.others += 1;
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
    use crate::{
        catalog::page,
        doctor::{Cause, Check, Urgency},
    };

    fn cause(rule: &str, check: Check, urgency: Urgency) -> Cause {
        let page = page(rule).expect("a page");
        Cause {
            urgency,
            ..Cause::of_page(page, check, Path::new("/etc/rsyncd.conf"), Vec::new(), Vec::new())
        }
    }

    #[test]
    fn what_fails_now_is_told_first_and_once() {
        let found = vec![
            cause("RSY302", Check::Configuration, Urgency::Later),
            cause("RSY801", Check::Log, Urgency::Lately),
            cause("RSY890", Check::Daemon, Urgency::Now),
            cause("RSY302", Check::Loopback, Urgency::Now),
        ];
        let ordered = ordered(found);
        let told: Vec<_> = ordered
            .iter()
            .map(|cause| (cause.page.id, cause.urgency))
            .collect();
        assert_eq!(
            told,
            [
                ("RSY302", Urgency::Now),
                ("RSY890", Urgency::Now),
                ("RSY801", Urgency::Lately)
            ]
        );
        assert_eq!(ordered[0].seen, [Check::Configuration, Check::Loopback].into());
    }
}
