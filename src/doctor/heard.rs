//! How what the user's symptom means goes with what was found without it: a machine that was looked at tells more than a text.

use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    rc::Rc,
};

use crate::{
    catalog::Confidence,
    doctor::{Cause, Check, Fact, ReachFact, Stage, Told, Urgency, consequences::are_together, loopback},
    explain::{self, Explanation},
};

/// Pages of lines that only sum up, or tell that the connection ended: any cause that was found tells more.
const SUMMING_UP: [&str; 3] = ["RSY833", "RSY860", "RSY977"];

/// The page of a port that nobody listens on, and its kind of case where somebody does.
const REFUSED: &str = "RSY801";
const LISTENING: &str = "listening";

/// Whether nothing but the user's symptom tells a cause.
pub(super) fn is_heard(cause: &Cause) -> bool {
    matches!(cause.told, Told::Text(..)) && cause.seen == BTreeSet::from([Check::Symptom])
}

/// Whether the symptom only says that no connection came about.
pub(super) fn is_refusal(cause: &Cause) -> bool {
    is_heard(cause) && cause.page.id == REFUSED
}

/// Whether the symptom only sums up what other lines would tell.
pub(super) fn only_sums_up(cause: &Cause) -> bool {
    is_heard(cause) && SUMMING_UP.contains(&cause.page.id)
}

/// Whether the symptom tells of a port where somebody listens, so that its own page says nothing where there is a reason.
pub(super) fn is_of_open_port(cause: &Cause) -> bool {
    is_refusal(cause) && first(cause).is_some_and(|first| first.variant == Some(LISTENING))
}

/// Whether a cause that was found without the symptom is one of those that its text may mean, behind the likeliest one.
pub(super) fn explains(reason: &Cause, heard: &Cause) -> bool {
    let Told::Text(explanation, index) = &heard.told else {
        return false;
    };
    let mut meant = explanation.incidents[*index].causes.iter().skip(1);
    is_heard(heard)
        && !is_heard(reason)
        && !reason.is_over()
        && reason.urgency < Urgency::Later
        && meant.any(|cause| cause.page.id == reason.page.id)
        && are_together(heard, reason)
}

/// What explains the symptom makes clients fail now, and the symptom shows it.
pub(super) fn raise(causes: &mut [Cause]) {
    for index in 0..causes.len() {
        if causes.iter().any(|heard| explains(&causes[index], heard)) {
            causes[index].urgency = Urgency::Now;
            causes[index].seen.insert(Check::Symptom);
        }
    }
}

/// Of a text whose client was refused at a port of this machine where somebody listens by what the stages saw: says that.
pub(super) fn note_open_ports(found: &mut Rc<Explanation>, stages: &[Stage]) {
    let Some(found) = Rc::get_mut(found) else {
        return;
    };
    let is_open = |cause: &explain::Cause| {
        let named = |name: &str| cause.arguments.iter().find(|(kind, _)| *kind == name);
        let port = named("port").and_then(|(_, port)| port.parse().ok());
        let address = named("address").or_else(|| named("host"));
        let address = address.and_then(|(_, address)| address.parse::<IpAddr>().ok());
        cause.page.id == REFUSED
            && address.zip(port).is_some_and(|(address, port)| {
                loopback::is_ours(address) && stages.iter().any(|stage| listens(stage, address, port))
            })
    };
    for incident in &mut found.incidents {
        for cause in incident.causes.iter_mut().filter(|cause| is_open(cause)) {
            cause.variant = Some(LISTENING);
            cause.confidence = Confidence::Possible;
        }
    }
}

/// Whether a stage saw somebody listen there.
fn listens(stage: &Stage, asked: IpAddr, port: u16) -> bool {
    let every: [IpAddr; 2] = [Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()];
    let is_asked = |own: &IpAddr| *own == asked || every.contains(own) && own.is_ipv4() == asked.is_ipv4();
    stage.facts.iter().any(|fact| match fact {
        Fact::Reach(ReachFact::Listens(open, addresses)) => *open == port && addresses.iter().any(is_asked),
        _ => false,
    })
}

/// The likeliest cause of a text.
fn first(cause: &Cause) -> Option<&explain::Cause> {
    match &cause.told {
        Told::Text(explanation, index) => explanation.incidents[*index].causes.first(),
        _ => None,
    }
}
